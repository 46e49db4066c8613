"""`kill -9` among requests that are kept and opened together: what was not acknowledged comes again and is kept once,
what was not opened is opened, and no commit leaves half of a request behind.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from podadmin.core.clock import SystemClock
from podadmin.journal.records import Journal, all_entries
from podadmin.journal.service import verify
from podadmin.requests import service
from podadmin.requests.state import State
from podadmin.store.engine import Store
from tests.faults.crashing_batch import COUNT

PROGRAM = Path(__file__).with_name("crashing_batch.py")
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "podadmin.db"
    Store.open(path, Journal(SystemClock())).close()
    return path


@pytest.fixture
def database(empty: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(empty, tmp_path / "podadmin.db")


def run(database: Path, place: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(database), place],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode, done.stdout.split()


def states(database: Path) -> Counter[str]:
    """How many requests are in which state; each of them as whole as its entries say."""
    store = Store.open(database, Journal(SystemClock()))
    try:
        assert verify(store).broken is None
        rows = service.listing(store, state="", search="", limit=50, after="").rows
        with store.read() as connection:
            entries = list(all_entries(connection))
        for row in rows:
            acts = [each.act for each in entries if each.subject == row.id]
            assert acts.count("request.captured") == 1
            assert acts.count("request.opened") == (row.state != State.CAPTURED)
            assert service.bytes_of(store, row.id).body == b"body " + row.task_id.removeprefix("task-").encode()
        told = [json.loads(each.body)["of"] for each in entries if each.act == "receipt.made"]
        assert len(told) == sum(row.state == State.REFUSED for row in rows)
        assert {each.subject for each in entries if each.act == "request.captured"} == {row.id for row in rows}
        return Counter(row.state for row in rows)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("place", "told", "kept", "opened"),
    [
        ("request.captured:3:entry", [], 0, 0),
        ("request.captured:8:before", [], 0, 0),
        ("request.captured:1:after", [], COUNT, 0),
        ("request.opened:5:entry", ["kept"], COUNT, 0),
        ("receipt.made:2:before", ["kept"], COUNT, 0),
        ("request.opened:1:after", ["kept"], COUNT, COUNT),
    ],
)
def test_a_kill_in_the_middle_loses_nothing_and_repeats_nothing(
    database: Path, place: str, told: list[str], kept: int, opened: int
) -> None:
    assert run(database, place) == (-signal.SIGKILL, told)
    found = states(database)
    assert found.total() == kept
    assert found.total() - found[State.CAPTURED] == opened
    assert run(database, "none") == (0, ["kept", "opened"])  # the network hands out again what was not acknowledged
    assert states(database) == {State.HELD: COUNT // 2, State.REFUSED: COUNT // 2}
