"""Exports as the act makes them: bound to an entry, recorded, free of secrets, and never half a file."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.exports import writing
from podadmin.app.exports.safe import WITHHELD, without_secrets
from podadmin.app.exports.selection import Selection, moment
from podadmin.app.profile import Profile
from podadmin.core.errors import BadInput, Cancelled, NotFound, Unavailable
from podadmin.core.progress import Progress
from podadmin.journal import service as journal

FORMS = ("lines", "fhir", "bundle", "crate", "pack")
CANARY = "hunter2-canary-secret"


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def reverify(lines: list[dict[str, Any]]) -> int:
    """An independent check of exported entries: how many are right from the first on."""
    before = "0" * 64
    for number, entry in enumerate(lines, 1):
        parts = [entry[name] for name in ("seq", "at", "actor", "act", "subject", "body", "previous")]
        text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
        if entry["seq"] != number or entry["previous"] != before:
            return number - 1
        if entry["hash"] != hashlib.sha256(text.encode("utf-8")).hexdigest():
            return number - 1
        before = entry["hash"]
    return len(lines)


def test_an_exported_journal_proves_itself_to_somebody_without_podadmin(gate: Any, export: Any) -> None:
    about, *entries = lines_of(export("lines"))
    assert reverify(entries) == len(entries) == about["belongs_to"]["entry"]
    assert about["belongs_to"]["hash"] == entries[-1]["hash"]
    changed = [*entries[:9], {**entries[9], "actor": "nobody"}, *entries[10:]]
    assert reverify(changed) == 9
    assert reverify([*entries[:9], *entries[10:]]) == 9


@pytest.mark.parametrize("form", FORMS)
def test_an_export_is_recorded_with_its_digest_and_the_entry_it_belongs_to(
    gate: Any, export: Any, profile: Profile, form: str
) -> None:
    head = journal.head(profile.store)
    assert head is not None
    to = export(form, f"of.{form}")
    entry = journal.head(profile.store)
    assert entry is not None
    assert (entry.seq, entry.act, entry.subject) == (head.seq + 1, "journal.exported", f"of.{form}")
    body = json.loads(entry.body)
    assert body["sha256"] == hashlib.sha256(to.read_bytes()).hexdigest()
    assert (body["format"], body["entry"], body["hash"], body["selection"]) == (form, head.seq, head.hash, "everything")


@pytest.mark.parametrize("form", FORMS)
def test_no_export_holds_a_secret(gate: Any, export: Any, form: str) -> None:
    data = export(form).read_bytes()
    found = [data]
    if form == "crate":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found += [archive.read(name) for name in archive.namelist()]
            assert any(WITHHELD.encode() in each for each in found)
    assert not any(CANARY.encode() in each for each in found)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_journal_at_the_same_moment_gives_the_same_file(
    gate: Any, profile: Profile, tmp_path: Path, form: str
) -> None:
    from podadmin.app.exports.service import export

    first = export(profile, tmp_path / "a", form, Selection(), Progress())
    second = export(profile, tmp_path / "b", form, Selection(), Progress())
    assert first.sha256 == second.sha256


@pytest.mark.parametrize("form", FORMS)
def test_an_export_can_be_of_one_request_or_of_a_period(gate: Any, export: Any, profile: Profile, form: str) -> None:
    export(form, "one", request="req_000000000002")
    body = json.loads(journal.head(profile.store).body)  # type: ignore[union-attr]
    assert body["selection"] == "the request req_000000000002"
    assert body["entries"] == 3
    export(form, "day", since="2026-03-01", until="2026-03-01")
    assert json.loads(journal.head(profile.store).body)["entries"] > 15  # type: ignore[union-attr]
    export(form, "none", since="2026-03-02")
    assert json.loads(journal.head(profile.store).body)["entries"] == 0  # type: ignore[union-attr]


def test_a_period_is_made_of_days_or_of_moments() -> None:
    assert moment("") is None
    assert str(moment("2026-03-01")) == "2026-03-01 00:00:00+00:00"
    assert str(moment("2026-02-28", end=True)) == "2026-03-01 00:00:00+00:00"
    assert str(moment("2028-02-28", end=True)) == "2028-02-29 00:00:00+00:00"
    assert str(moment("2026-03-01T09:00:00+01:00")) == "2026-03-01 08:00:00+00:00"
    for wrong in ("yesterday", "2026-13-01", "2026-03-01T09:00:00", "9999-12-31x"):
        with pytest.raises(BadInput) as caught:
            moment(wrong)
        assert caught.value.code == "journal.bad-period"
    with pytest.raises(BadInput):
        moment("9999-12-31", end=True)


def test_a_request_that_is_not_there_is_not_exported(gate: Any, export: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        export("lines", "none", request="req_nothing")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("form", FORMS)
def test_an_export_that_was_stopped_leaves_nothing_and_records_nothing(
    gate: Any, profile: Profile, tmp_path: Path, form: str
) -> None:
    head = journal.head(profile.store)
    folder = tmp_path / "exports"
    folder.mkdir()
    progress = Progress(lambda _step: progress.cancel())
    with pytest.raises(Cancelled):
        call(find("journal export"), profile, {"to": str(folder / "x"), "format": form}, progress)
    assert list(folder.iterdir()) == []
    assert journal.head(profile.store) == head


def test_an_export_replaces_a_file_in_one_step(gate: Any, export: Any, tmp_path: Path) -> None:
    (tmp_path / "export").write_text("before", encoding="utf-8")
    assert lines_of(export("lines"))[0]["export"].startswith("podadmin journal")
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []


def test_a_place_that_is_no_place_is_said_before_anything_is_written(gate: Any, export: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("folder", "nowhere/file"):
        with pytest.raises(BadInput) as caught:
            export("lines", name)
        assert caught.value.code == "journal.bad-place"


def test_a_disk_that_is_full_keeps_the_file_that_was_there(
    gate: Any, export: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "export").write_text("before", encoding="utf-8")

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(Unavailable) as caught:
        export("lines")
    assert caught.value.code == "journal.export"
    assert "full" in caught.value.why
    assert (tmp_path / "export").read_text(encoding="utf-8") == "before"
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []


def test_two_exports_beside_each_other_are_both_whole(gate: Any, export: Any) -> None:
    threads = [threading.Thread(target=export, args=("fhir", "same")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(line["resourceType"] == "AuditEvent" for line in lines_of(export("fhir", "same")))


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ({"api_key": "x", "name": "n"}, {"api_key": WITHHELD, "name": "n"}),
        ({"password": "", "Token": None}, {"password": "", "Token": None}),
        ({"deep": [{"clientSecret": {"a": 1}}]}, {"deep": [{"clientSecret": WITHHELD}]}),
        ("https://u:p@host/path?sig=1#x and more", f"https://host/path?{WITHHELD} and more"),
        ("-----BEGIN PRIVATE KEY-----\nabc", WITHHELD),
        ("http://[", WITHHELD),
        ({"n": 5, "list": [1.5, None, True]}, {"n": 5, "list": [1.5, None, True]}),
        ("right\u202eleft", "right<U+202E>left"),
    ],
)
def test_what_could_be_a_secret_is_left_out(value: object, safe: object) -> None:
    assert without_secrets(value) == safe


def test_what_is_nested_too_deep_is_left_out() -> None:
    value: Any = "bottom"
    for _ in range(500):
        value = [value]
    assert WITHHELD in json.dumps(without_secrets(value))
