"""What is shown before the profile is open is what will be shown when it is, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from podadmin.app.acts.registry import call, find
from podadmin.app.first_look import answer
from podadmin.app.ops import Ops, Outcome
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.clock import stamp
from podadmin.requests.records import request
from podadmin.requests.state import State
from podadmin.store.unit import Fact

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
STATES = [str(state) for state in State]


def fill(profile: Profile, states: list[str], words: str = "Ana") -> None:
    with profile.store.record(Fact("test", "request.filled", "many")) as unit:
        for number, state in enumerate(states):
            unit.execute(insert(request).values(**row(number, state, words)))


def row(number: int, state: str, words: str) -> dict[str, Any]:
    return {
        "id": f"req_{number:012d}",
        "network": "local",
        "task_id": f"task-{number}",
        "type": 2,
        "state": state,
        "state_words": words,
        "received_at": stamp(BEGAN + timedelta(minutes=number)),
        "deadline": stamp(BEGAN + timedelta(minutes=number, seconds=300)) if number % 3 else None,
        "requester": words,
        "task": "" if state == "captured" else "ResultsOnly · SqlQuery",
        "datasource": "patients",
        "project": words,
        "risk": "high",
        "verified": "verified",
        "body_digest": f"{number:064x}",
    }


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("look") / "profile"
    with open_profile(Options(profile=folder, keyring="memory")) as profile:
        fill(profile, [STATES[number % len(STATES)] for number in range(130)], "An\u202ea <b>\n")
    return folder


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(st.sampled_from([*STATES, "none"]), max_size=4), limit=st.integers(1, 100))
def test_it_shows_what_the_act_shows(many: Path, states: list[str], limit: int) -> None:
    arguments = {"state": ",".join(states), "search": "", "limit": limit}
    early = answer(many / "podadmin.db", "requests list", arguments)
    with open_profile(Options(profile=many)) as profile:
        assert early == call(find("requests list"), profile, arguments)


@pytest.mark.parametrize(
    ("act", "arguments"),
    [
        ("requests list", {"search": "ana"}),
        ("requests list", {"after": "12"}),
        ("requests list", {"limit": 0}),
        ("requests list", {"limit": 101}),
        ("requests list", {"limit": "50"}),
        ("requests show", {"request": "req_000000000001"}),
        ("overview", {}),
    ],
)
def test_everything_else_waits_for_the_profile(many: Path, act: str, arguments: dict[str, object]) -> None:
    assert answer(many / "podadmin.db", act, arguments) is None


def test_behind_a_lock_nothing_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "profile"
    with open_profile(Options(profile=folder, keyring="memory")) as profile:
        fill(profile, ["held"])
        call(find("lock now"), profile, {"why": "asked"})
    assert answer(folder / "podadmin.db", "requests list", {}) is None
    with open_profile(Options(profile=folder)) as profile, profile.store.record(Fact("ana", "lock.unlocked", "window")):
        pass
    found = answer(folder / "podadmin.db", "requests list", {})
    assert found is not None
    assert [each.id for each in found.rows] == ["req_000000000000"]


def _another_version(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")


def _cut(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:5000])


@pytest.mark.parametrize("harm", [_another_version, _cut, Path.unlink])
def test_of_a_database_that_is_not_as_it_should_be_nothing_is_shown(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    folder = tmp_path / "profile"
    with open_profile(Options(profile=folder, keyring="memory")) as profile:
        fill(profile, ["held"])
    assert answer(folder / "podadmin.db", "requests list", {}) is not None
    harm(folder / "podadmin.db")
    assert answer(folder / "podadmin.db", "requests list", {}) is None


def test_the_front_end_gets_it_before_the_profile_was_opened(many: Path) -> None:
    ops = Ops(Options(profile=many))
    came: list[Outcome] = []
    # not started: nothing has opened the profile, and nothing is going to
    ops.read("requests list", {"limit": 5}, came.append)
    ops._long_readers.shutdown(wait=True)
    ops.close()
    assert [len(outcome.value.rows) for outcome in came] == [5]
