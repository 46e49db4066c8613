"""The evidence pack: every part is there, strangers' text is plain and visible, and it is bounded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pypdf

from podadmin.app.exports.pack_facts import SHOWN_REQUESTS
from podadmin.app.exports.paper import Paper
from podadmin.core.clock import ManualClock
from podadmin.store.unit import Fact


def text_of(path: Path) -> str:
    pages = pypdf.PdfReader(path).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def test_the_pack_has_all_its_parts_and_says_where_it_belongs(gate: Any, export: Any) -> None:
    path = export("pack")
    text = text_of(path)
    for words in (
        "Record of processing activities",
        "Article 30(1)",
        "Annex to the data protection impact assessment",
        "Article 35(7)",
        "Five Safes",
        "Requests and decisions",
        "The journal and its proof",
        "To be filled in by the controller",
        "at least 6 years. podadmin deletes nothing by itself",
        "refused by bert: Not this purpose.",
        "approved by anna: As agreed.",
        "Figures over groups of at least 10",
        "entry 16",
    ):
        assert words in text, words
    assert next(each.title for each in pypdf.PdfReader(path).outline if not isinstance(each, list)).startswith("1 ")


def test_strangers_text_is_shown_as_it_is(gate: Any, export: Any) -> None:
    path = export("pack")
    text = re.sub(r"\s", "", text_of(path))
    assert "<b>Bold</b>&amp;<U+202E>gpj.exe<U+200B>" in text
    assert "**notbold**" in text
    assert "<U+540D>" in text
    assert "<U+1F9EC>" in text
    reader = pypdf.PdfReader(path)
    assert all("/Annots" not in page for page in reader.pages), "no link is made of a stranger's address"
    assert not any(page.images for page in reader.pages)


def test_the_pack_is_bounded_and_says_what_it_leaves_out(gate: Any, export: Any) -> None:
    for _ in range(SHOWN_REQUESTS):
        gate.arrive()
    text = text_of(export("pack"))
    assert f"The newest {SHOWN_REQUESTS}. 4 older ones" in text


def test_requesters_with_long_names_of_projects_do_not_keep_the_pack_from_being_made(gate: Any, export: Any) -> None:
    for number in range(30):
        gate.arrive(
            requester=f"lab {number} " + "名" * 180, project=f"first-{number} " + "名" * 170 + f" last-{number}"
        )
    text = text_of(export("pack"))
    for number in range(30):
        assert f"first-{number} " in text
        assert f"last-{number}" in re.sub(r"\s", "", text)


def test_a_pack_of_a_broken_journal_says_so(gate: Any, export: Any, profile: Any) -> None:
    with profile.store.record(Fact("gate", "key.used", "x", {})) as unit:
        unit.connection.exec_driver_sql("UPDATE journal_entry SET actor = 'nobody' WHERE seq = 5")
    assert "Entry 5 is not what was written" in text_of(export("pack"))


def test_paper_takes_any_text(tmp_path: Path, clock: ManualClock) -> None:
    paper = Paper("title", "foot", clock.now())
    hostile = ["\ud800", "\x00\x1b[31m", "e\u0301" * 300, "W" * 5000, "{nb}", "\u2066x\u2069", "| a | b |", ""]
    paper.heading("\n".join(hostile[2:4])[:300])
    for each in hostile:
        paper.words(each)
        paper.code(each)
    paper.rows(("a", "b"), [(each, each[:400]) for each in [*hostile, "\n".join("WWW" for _ in range(500))]], (1, 9))
    paper.words("{nb} of {nb}")
    with (tmp_path / "x.pdf").open("wb") as file:
        paper.save(file)
    text = re.sub(r"\s", "", text_of(tmp_path / "x.pdf"))
    assert text.count("W" * 3) >= (5000 + 5000 + 300 + 400 + 1500) // 3
    assert text.count("{nb}") == 6, "a number of pages is no name"
    pages = len(pypdf.PdfReader(tmp_path / "x.pdf").pages)
    assert f"1of{pages}" in text
