"""Every act that is recorded somewhere has words: a custodian never reads the name of an act in place of a sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from podadmin.app.journal_words import WORDS

PACKAGE = Path(__file__).resolve().parents[2] / "podadmin"


def recorded() -> Iterator[tuple[str, str]]:
    """Each act that is written out in a `Fact(...)` of the store, and where."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "podadmin.store.unit" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Fact" and len(node.args) > 1:
                act = node.args[1]
                for each in (act.body, act.orelse) if isinstance(act, ast.IfExp) else (act,):
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield each.value, f"{path.relative_to(PACKAGE)}:{node.lineno}"


def test_every_recorded_act_has_words() -> None:
    found = list(recorded())
    assert len(found) > 40
    assert [(act, where) for act, where in found if act not in WORDS] == []


def test_the_words_are_sentences_without_their_stop() -> None:
    assert [act for act, words in WORDS.items() if not words[:1].isupper() and not words.startswith("{")] == []
    assert [act for act, words in WORDS.items() if words.endswith(".") or "!" in words] == []
