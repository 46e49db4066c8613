"""The keeper of the record: after a quick proof of a long journal the gate goes on, and off where the rest fails."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from podadmin.app import proof, proof_apart, record_care
from podadmin.app.profile import Profile
from podadmin.app.record_care import RecordCare
from podadmin.app.views.journal import JournalCheck
from podadmin.core.errors import Cancelled, Tampered, Unavailable
from podadmin.core.progress import Progress
from podadmin.requests import receipts
from podadmin.store.unit import Fact


@pytest.fixture
def long(made: Any, do: Any, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """A journal that counts as a long one, anchored in the keyring."""
    monkeypatch.setattr(record_care, "PROVED_WHOLE_UP_TO", 3)
    monkeypatch.setattr(record_care, "LOOK_SECONDS", 0.01)
    for number in range(10):
        with profile.store.record(Fact("custodian", "setting.changed", f"x{number}", {"was": 1, "now": 2})):
            pass
    do("journal anchor")
    return profile


def run(care: RecordCare, seconds: float = 120.0) -> None:
    """Let it work until it has found something or proved everything."""

    async def watch() -> None:
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:
                group.start_soon(care.run)
                while care._broken is None and not care._whole:
                    await anyio.sleep(0.01)
                group.cancel_scope.cancel()

    anyio.run(watch)


def spoil(profile: Profile, statement: str) -> None:
    with closing(sqlite3.connect(profile.store.path)) as connection, connection:
        connection.execute(statement)


def test_what_was_changed_long_ago_takes_the_gate_off_while_it_is_on(long: Profile) -> None:
    spoil(long, "UPDATE journal_entry SET actor = 'nobody' WHERE subject = 'x1'")
    care = RecordCare(long)
    care.prove()
    care.check()
    run(care)
    with pytest.raises(Tampered) as caught:
        care.check()
    assert caught.value.code == "journal.broken"
    # the next proof is a whole one: the gate does not come on again
    with pytest.raises(Tampered):
        care.prove()
    assert not care.anchor(), "nothing is anchored on top"


def test_a_whole_record_is_proved_to_its_end_and_anchored(long: Profile, tmp_path: Path, do: Any) -> None:
    kept = tmp_path / "anchor.json"
    do("journal anchor-file", file=str(kept))
    care = RecordCare(long)
    assert not care.anchor(), "not before it was proved"
    care.prove()
    run(care)
    care.check()
    before = kept.read_bytes()
    care.end()
    assert kept.read_bytes() != before
    assert {view.kind: view.state for view in do("journal anchors")} == {"keyring": "good", "file": "good"}


def test_a_proof_that_is_hindered_again_and_again_takes_the_gate_off_until_it_is_made(
    long: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody, or a damaged file, ends the process that proves a long journal each time."""
    monkeypatch.setattr(record_care, "AFTER_PROBLEM_SECONDS", 0.01)
    monkeypatch.setattr(proof, "WALKED_HERE_UP_TO", 3)
    care = RecordCare(long)
    care.prove()
    with monkeypatch.context() as hindered:
        hindered.setattr(proof_apart, "COMMAND", ("sh", "-c", "kill -9 $$"))
        run(care)
        with pytest.raises(Unavailable) as caught:
            care.check()
        assert caught.value.code == "journal.check-ended"
        with pytest.raises(Unavailable):
            care.prove()
    care.prove()
    care.check()
    assert care._whole


@pytest.mark.parametrize("apart", [False, True])
def test_what_is_proved_is_the_same_wherever_it_is_walked(
    long: Profile, do: Any, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if apart:
        monkeypatch.setattr(proof, "WALKED_HERE_UP_TO", 3)
        monkeypatch.setattr(proof, "walk", None)
    last = long.last_entry()
    check = do("journal verify")
    assert (check.state, check.entries, check.anchored_to, check.problems) == ("whole", last, last, ())
    told = next(entry for entry in long.entries_since(0) if entry.act == "key.created")
    spoil(long, f"UPDATE key SET revoked_at = '{told.at}' WHERE id = '{told.subject}'")
    check = do("journal verify")
    assert (check.state, check.entries, check.entry) == ("broken", last, told.seq)
    assert check.words == f"The key {told.subject} is not as entry {told.seq} tells."
    spoil(long, f"UPDATE journal_entry SET body = '{{}}' WHERE seq = {told.seq}")
    check = do("journal verify")
    assert (check.state, check.entries, check.entry) == ("broken", told.seq - 1, told.seq)
    assert check.words == f"Entry {told.seq} is not what was written."


def test_what_was_cut_off_keeps_the_gate_off_from_the_beginning(long: Profile) -> None:
    spoil(long, "DELETE FROM journal_entry WHERE seq > 8")
    with pytest.raises(Tampered) as caught:
        RecordCare(long).prove()
    assert "gone" in caught.value.why


def test_who_closes_podadmin_waits_for_no_proof_and_nothing_is_anchored_without_one(
    long: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    care = RecordCare(long)
    real = record_care.prove_start

    def closing_meanwhile(profile: Profile, progress: Progress) -> JournalCheck:
        care.stop()
        return real(profile, progress)

    monkeypatch.setattr(record_care, "prove_start", closing_meanwhile)
    with pytest.raises(Cancelled):
        care.prove()
    assert not care.anchor()
    with pytest.raises(Cancelled):
        care.prove()


def test_what_would_end_a_proof_is_not_kept_when_that_proof_is_over(
    long: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    care, ended = RecordCare(long), list[int]()

    def broken(_: Profile, progress: Progress) -> JournalCheck:
        number = told.pop(0)
        progress.on_cancel(lambda: ended.append(number))
        if told:
            raise Unavailable("journal.check-ended", "It was not verified.", "It ended.", "Try again.")
        care.stop()
        raise Cancelled

    told = [1, 2, 3]
    monkeypatch.setattr(record_care, "prove_start", broken)
    for expected in (Unavailable, Unavailable, Cancelled):
        with pytest.raises(expected):
            care.prove()
    assert ended == [3], "only the one that was under way"


def test_who_closes_podadmin_waits_for_one_portion_of_signatures(
    long: Profile, do: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "AT_ONCE", 2)
    with long.store.record(Fact("custodian", "setting.changed", "gate", {"was": 1, "now": 2})) as unit:
        for _ in range(7):
            receipts.issue(unit, long.clock, "told", ("setting.changed", "gate"), {"by": "anna"})
    care = RecordCare(long)
    care.prove()
    care.stop()
    care.end()
    assert do("receipt list").unsigned == 5
    assert RecordCare(long).anchor() is False
    again = RecordCare(long)
    again.prove()
    assert again.anchor()
    assert do("receipt list").unsigned == 0
