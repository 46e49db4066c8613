"""A proof by a process of its own comes to what the proof here comes to, and to nothing where that process fails."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.app import proof_apart
from podadmin.app.evidence import Mismatch
from podadmin.app.proof_apart import walk_apart
from podadmin.app.proof_walk import Walked, walk
from podadmin.core.clock import ManualClock
from podadmin.core.errors import Cancelled, PodadminError, Unavailable
from podadmin.core.own_process import environment
from podadmin.core.progress import Progress, Step
from podadmin.journal import service
from podadmin.journal.chain import START, Anchor, Break, Head
from podadmin.journal.records import Journal
from podadmin.journal.service import Verification
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from tests.benchmarks import million

PATIENCE = 60.0
_HISTORY = 60
"""Requests."""
_WHOLE = '{"found": {"damage": [], "entries": 7, "broken": null, "mismatch": null, "unchecked": []}}'


@dataclass(frozen=True)
class Kept:
    """A database with a history, its head, and how many entries it has."""

    path: Path
    head: Anchor


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Requests, decisions and receipts, as the benchmarks make them, in one file."""
    path = tmp_path_factory.mktemp("history") / "profile" / "podadmin.db"
    million.fill(path.parent, _HISTORY)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    return path


@pytest.fixture
def kept(history: Path, tmp_path: Path) -> Kept:
    path = Path(shutil.copy(history, tmp_path / "podadmin.db"))
    with closing(sqlite3.connect(path)) as connection:
        seq, digest, at = connection.execute("SELECT seq, hash, at FROM journal_entry ORDER BY seq DESC").fetchone()
    return Kept(path, Anchor(seq, digest, at))


def store_of(path: Path) -> Store:
    return Store.beside(path, Journal(ManualClock(datetime(2026, 3, 1, tzinfo=UTC))))


@dataclass(frozen=True)
class Came:
    """What came of a proof: what was found or the parts of the error, and the steps that were told."""

    found: Walked | tuple[object, ...]
    steps: tuple[Step, ...]


def here(path: Path, anchors: Sequence[Anchor], after: Head | None = None) -> Came:
    store = store_of(path)
    try:
        return _came(lambda progress: walk(store, anchors, progress, after))
    finally:
        store.close()


def apart(path: Path, anchors: Sequence[Anchor], known: int = 0, after: Head | None = None) -> Came:
    return _came(lambda progress: walk_apart(path, anchors, known, progress, after))


def _came(prove: Callable[[Progress], Walked]) -> Came:
    steps: list[Step] = []
    try:
        found: Walked | tuple[object, ...] = prove(Progress(steps.append))
    except PodadminError as error:
        found = (type(error), *error.args)
    return Came(found, tuple(steps))


Damage = Callable[[Kept], object]


def sql(*statements: str) -> Damage:
    def change(kept: Kept) -> None:
        with closing(sqlite3.connect(kept.path)) as connection, connection:
            for statement in statements:
                assert connection.execute(statement).rowcount

    return change


def written_over(size: int, offset: Callable[[int], int]) -> Damage:
    def change(kept: Kept) -> None:
        with kept.path.open("r+b") as file:
            file.seek(offset(kept.path.stat().st_size))
            file.write(b"\xa5" * size)

    return change


DAMAGES: dict[str, Damage] = {
    "nothing": lambda kept: None,
    "cut": sql("DELETE FROM journal_entry WHERE seq > 90"),
    "one is gone": sql("DELETE FROM journal_entry WHERE seq = 40"),
    "a changed byte": sql("UPDATE journal_entry SET actor = 'gatf' WHERE seq = 30"),
    "swapped": sql(
        "UPDATE journal_entry SET seq = -1 WHERE seq = 20",
        "UPDATE journal_entry SET seq = 20 WHERE seq = 21",
        "UPDATE journal_entry SET seq = 21 WHERE seq = -1",
    ),
    "an unreadable row": sql("UPDATE journal_entry SET body = CAST(x'ff41' AS TEXT) WHERE seq = 25"),
    "a row that is no text": sql("UPDATE journal_entry SET body = x'00' WHERE seq = 25"),
    "a record that differs": sql("UPDATE request SET state = 'approved' WHERE number = 40"),
    "sealed bytes that differ": sql("UPDATE request_sealed SET wire = x'00' WHERE request_id = 'req_000000000033'"),
    "a decision that is gone": sql("DELETE FROM decision WHERE request_id = 'req_000000000040'"),
    "a receipt that differs": sql("UPDATE receipt SET document = '{}' WHERE number = 12"),
    "a receipt out of the row": sql("UPDATE receipt SET document = '{}', number = -1 WHERE number = 12"),
    "a page": written_over(4096, lambda size: size // 2 // 4096 * 4096),
    "the beginning of the file": written_over(512, lambda size: 0),
    "another revision": sql("DELETE FROM alembic_version"),
    "no file": lambda kept: kept.path.unlink(),
}
STATES = {"nothing": "whole", "another revision": "whole", "no file": "error"}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_both_ways_find_the_same(kept: Kept, damage: Damage, request: pytest.FixtureRequest) -> None:
    damage(kept)
    found = here(kept.path, [kept.head])
    assert apart(kept.path, [kept.head]) == found
    assert STATES.get(request.node.callspec.id, "broken") == state_of(found.found)
    for after in (START, kept.head.head):
        assert apart(kept.path, [kept.head], after=after) == here(kept.path, [kept.head], after)


def state_of(found: Walked | tuple[object, ...]) -> str:
    if not isinstance(found, Walked):
        return "error"
    return "broken" if found.damage or found.chain.broken or found.mismatch else "whole"


def test_both_ways_hold_it_against_the_same_anchors(kept: Kept) -> None:
    wrong = Anchor(kept.head.seq - 3, "ab" * 32, kept.head.at, "the file “Prüfung ✓ \udcff”")
    found = apart(kept.path, [wrong, kept.head])
    assert found == here(kept.path, [wrong, kept.head])
    assert isinstance(found.found, Walked)
    assert found.found.chain.broken == Break(wrong.seq, f"entry {wrong.seq} differs from the anchor in {wrong.where}")


texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
numbers = st.integers(min_value=0, max_value=2**63 - 1)


@given(
    st.builds(
        Walked,
        st.lists(texts, max_size=3).map(tuple),
        st.builds(Verification, numbers, st.none() | st.builds(Break, numbers, texts)),
        st.none() | st.builds(Mismatch, st.none() | numbers, texts),
        st.lists(texts, max_size=3).map(tuple),
    ),
    st.data(),
)
def test_what_was_found_is_told_as_it_is_and_a_part_of_it_is_nothing(found: Walked, data: st.DataObject) -> None:
    said = json.dumps({"found": proof_apart._told(found)}).encode() + b"\n"
    assert proof_apart._listen(io.BytesIO(said), Progress()) == found
    part = said[: data.draw(st.integers(min_value=1, max_value=len(said) - 2))]
    with pytest.raises(ValueError):
        proof_apart._listen(io.BytesIO(part), Progress())


# --- a process that fails --------------------------------------------------------------------------------------------


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Another program in the place of the process, as a script of the shell."""

    def be(script: str) -> None:
        monkeypatch.setattr(proof_apart, "COMMAND", ("sh", "-c", script))

    return be


HEAR = "read -r asked; "
FOUND = f"{HEAR}echo '{_WHOLE}'; "


@pytest.mark.parametrize(
    "script",
    [
        "",
        "exit 3",
        "kill -9 $$",
        f"{HEAR}kill -9 $$",
        f'{HEAR}echo \'{{"step": ["Checking", 0.5]}}\'; kill -9 $$',
        f"{HEAR}echo whole",
        f"{HEAR}echo '\\377\\376'",
        f"{HEAR}echo '{{}}'; ",
        f"{HEAR}echo 'null'",
        f"{HEAR}echo '{{\"found\": {{}}}}'",
        f"{HEAR}echo '{{\"found\": null}}'",
        f"{HEAR}echo '{_WHOLE[:-30]}'",
        FOUND.replace("null", "false", 1),
        FOUND.replace('"damage": []', '"damage": "none"'),
        FOUND.replace('"damage": []', '"damage": [1]'),
        FOUND.replace("7", "6"),
        FOUND.replace("7", '"7"'),
        f"{FOUND} exit 1",
        f"{FOUND} kill -9 $$",
        f"{FOUND} echo '{_WHOLE}'",
        f'{FOUND} echo \'{{"failed": "MemoryError"}}\'',
        f'{HEAR}echo \'{{"failed": "MemoryError"}}\'; exit 1',
        f'{HEAR}echo \'{{"error": ["Refused", "x.y", "What.", "Why.", "Next."]}}\'',
        f'{HEAR}echo \'{{"error": ["Tampered", "x.y"]}}\'',
        f"{HEAR}yes | tr -d '\\n'",
        f"{HEAR}head -c 900000 /dev/zero | tr '\\0' '['; echo",
    ],
)
def test_what_is_no_result_is_never_taken_for_one(
    kept: Kept, instead: Callable[[str], None], script: str, caplog: pytest.LogCaptureFixture
) -> None:
    instead(script)
    with caplog.at_level(logging.WARNING), pytest.raises(Unavailable) as caught:
        walk_apart(kept.path, [], 7, Progress())
    assert caught.value.code == "journal.check-ended"
    assert "ended with the number" in caplog.text


def test_the_program_that_stands_in_can_say_a_result(kept: Kept, instead: Callable[[str], None]) -> None:
    instead(FOUND)
    assert walk_apart(kept.path, [], 7, Progress()) == Walked((), Verification(7, None))
    with pytest.raises(Unavailable) as caught:
        walk_apart(kept.path, [kept.head], 7, Progress())
    assert caught.value.code == "journal.check-ended", "an anchor proves that there are more entries"


def test_a_process_that_cannot_be_started_is_no_result(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_apart, "COMMAND", (str(kept.path.parent / "nothing"),))
    with pytest.raises(Unavailable) as caught:
        walk_apart(kept.path, [], 0, Progress())
    assert caught.value.code == "journal.check-not-started"


# --- a process that is at work: it opens a pipe, and waits there for ever ---------------------------------------------


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    path = tmp_path / "endless.db"
    os.mkfifo(path)
    return path


def test_cancelling_ends_the_process_at_once(endless: Path) -> None:
    progress = Progress(lambda _step: threading.Thread(target=progress.cancel).start())
    with pytest.raises(Cancelled):
        walk_apart(endless, [], 0, progress)


def test_it_ends_when_nobody_is_there_to_hear_it(endless: Path) -> None:
    with subprocess.Popen(
        proof_apart.COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(proof_apart._order(endless, [], None))
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"step": ["Checking the database file", None]}
        process.send_signal(signal.SIGINT)  # meant for the one that started it
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_the_profile_is_written_on_meanwhile(kept: Kept) -> None:
    store = Store.open(kept.path, Journal(ManualClock(datetime(2026, 3, 1, tzinfo=UTC))))

    def write(_step: Step) -> None:
        with store.record(Fact("custodian", "setting.changed", "x", {"was": 1, "now": 2})):
            pass

    try:
        found = walk_apart(kept.path, [kept.head], kept.head.seq, Progress(write))
        assert state_of(found) == "whole"
        assert service.length(store) > kept.head.seq
    finally:
        store.close()
