"""Limits as a custodian sets and reads them, on a real profile: every act, by its name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from podadmin.app.evidence import check_evidence
from podadmin.app.profile import Profile
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.limits import service
from podadmin.limits.alarms import Kind
from podadmin.limits.model import Key
from podadmin.requests import service as requests
from podadmin.requests.service import Captured
from podadmin.store.unit import Fact

MODEL, PROJECT = "acme/retina:3", "amd"
KEY = Key("local", PROJECT, MODEL)


@pytest.fixture
def used(profile: Profile) -> Profile:
    """A model with ten weeks of use: five a day of a limit of 400."""
    now = profile.clock.now()
    kept = Captured("local", "t", 2, "research-lab", b"wire", b"body", hashlib.sha256(b"body").hexdigest(), now, 300.0)
    request_id = requests.capture(profile.store, profile.clock, kept)
    assert request_id
    for back in range(70, 0, -1):
        digest = f"{back:064x}"
        body = {"bytes": 1, "sha256": digest, "consumed": [[MODEL, 5.0]]}
        with profile.store.record(Fact("gate", "request.result", request_id, body)) as unit:
            if back == 70:
                service.note_limits(
                    unit, network="local", project=PROJECT, resource=MODEL, limit=400.0, network_total=0.0,
                    request_id=request_id, at=now,
                )  # fmt: skip
            task = service.Task(request_id, "t", "local", PROJECT, "research-lab", "patients")
            service.meter_message(unit, task, {MODEL: 5.0}, message_digest=digest, at=now - timedelta(days=back))
    return profile


def test_a_model_is_listed_shown_and_foretold(used: Profile, do: Any) -> None:
    (row,) = do("limits list")
    assert (row.model, row.used, row.free, row.limit, row.mode) == (MODEL, 350, 50, 400, "stops")
    assert row.taken == pytest.approx(0.875)
    assert row.runs_out[:1].isdigit()
    assert do("limits list", search="RETINA") == do("limits list", state="soon") == (row,)
    assert do("limits list", search="nothing") == do("limits list", state="stops") == ()
    assert do("limits list", limit=1) == (row,)
    assert do("limits list", after=row.id) == ()
    detail = do("limits show", meter=row.id)
    assert detail.row.used == 350
    assert detail.by_requester == (("research-lab", 350),)
    assert (detail.by_project, detail.by_datasource) == (((PROJECT, 350),), (("patients", 350),))
    assert len(detail.by_day) == 70
    assert detail.forecast.state == "dated"
    assert "in four cases out of five between" in detail.forecast.words
    assert detail.forecast.path


def test_what_if_moves_the_day(used: Profile, do: Any) -> None:
    (row,) = do("limits list")
    now = do("limits forecast", meter=row.id)
    assert do("limits forecast", meter=row.id, limit=1000).likely > now.likely
    assert do("limits forecast", meter=row.id, at_once=20).likely < now.likely
    assert do("limits forecast", meter=row.id, weekly=100).likely < now.likely
    assert do("limits forecast", meter=row.id, at_once=50).state == "used-up"
    with pytest.raises(BadInput, match=r"limit\.bad-what-if"):
        do("limits forecast", meter=row.id, weekly=-1)
    with pytest.raises(NotFound, match=r"limit\.no-such-meter"):
        do("limits forecast", meter="mtr_0")


def test_a_limit_of_ones_own_is_set_changed_and_removed_and_the_journal_tells(
    used: Profile, do: Any, acts: Callable[[], list[str]]
) -> None:
    made = do("limits set", amount=360, reason="Agreed", model="acme/retina")
    assert (made.words, made.used, made.free, made.version) == (
        "at most 360 inferences in all of acme/retina",
        350,
        10,
        1,
    )
    (row,) = do("limits list")
    assert (row.free, row.own_stops) == (10, True)
    changed = do("limits set", amount=340, reason="Too many", model="acme/retina", effect="warns")
    assert (changed.id, changed.version, changed.effect_words) == (made.id, 2, "Warns only")
    assert do("limits list")[0].free == 50
    assert [each.version for each in do("limits history", limit=made.id)] == [2, 1]
    assert do("limits show", meter=row.id).own == do("limits own")
    assert do("limits remove", limit=made.id, reason="Study over") == ()
    assert [act for act in acts() if act.startswith("limit.set") or act == "limit.removed"] == [
        "limit.set", "limit.set", "limit.removed",
    ]  # fmt: skip
    with pytest.raises(BadInput, match=r"limit\.two-projects"):
        do("limits set", amount=1, reason="r", project="p", no_project=True)
    assert do("limits set", amount=1, reason="r", no_project=True).no_project
    with pytest.raises(Refused, match=r"limit\.reason-missing"):
        do("limits set", amount=2, reason="", no_project=True)


def test_a_limit_that_another_hand_has_raised_is_found(used: Profile, do: Any) -> None:
    made = do("limits set", amount=360, reason="Agreed", model="acme/retina")
    do("limits set", amount=350, reason="Less", model="acme/retina")
    assert not _words(used)
    for change, words in (
        ("UPDATE own_limit SET amount = 9999 WHERE version = 2", "is not the one that entry"),
        ("UPDATE own_limit SET ended_at = at WHERE version = 2", "is not the one that entry"),
        ("UPDATE own_limit SET requester = 'nobody' WHERE version = 2", "is not the one that entry"),
        ("DELETE FROM own_limit WHERE version = 2", "is gone"),
        ("UPDATE own_limit SET id = 'lim_X' WHERE version = 2", "no entry tells of it"),
    ):
        with used.store._writer.begin() as connection:
            connection.exec_driver_sql("SAVEPOINT hand")
            connection.exec_driver_sql(change)
            connection.exec_driver_sql("COMMIT")
        assert words in _words(used), change
        with used.store._writer.begin() as connection:
            connection.exec_driver_sql("DELETE FROM own_limit WHERE id = 'lim_X' OR version = 2")
            connection.exec_driver_sql(
                "INSERT INTO own_limit (id, version, seq, model, period, amount, effect, reason, by, at)"
                " SELECT id, 2, 2, model, period, 350, effect, reason, by, at FROM own_limit WHERE version = 1"
            )
        assert not _words(used)
    do("limits remove", limit=made.id, reason="Over")
    assert not _words(used)


def _words(profile: Profile) -> str:
    found = check_evidence(profile.store)
    return found.words if found else ""


def test_what_must_not_be_is_listed_needed_and_seen_to(used: Profile, do: Any) -> None:
    with used.store.record(Fact("gate", "gate.undelivered-use", MODEL)) as unit:
        service.raise_alarm(
            unit, Kind.NOT_DELIVERED, KEY, at=used.clock.now(), amount=4, occasion=("t",), task_id="task-9"
        )
    (alarm,) = do("limits alarms")
    assert (alarm.title, alarm.model, alarm.task) == ("Use without a task", MODEL, "task-9")
    assert do("limits list", state="odd")[0].states == ("Use without a task",)
    needs = {need.title: need for need in do("overview").needs}
    assert needs[f"Use without a task: {MODEL}"].subject == alarm.meter
    assert f"{MODEL} has nearly reached its limit" in needs
    seen = do("limits acknowledge", alarm=alarm.id, reason="A test of the pod")
    assert seen.seen_reason == "A test of the pod"
    assert do("limits alarms") == ()
    assert do("limits alarms", every=True) == (seen,)
    assert do("limits list", state="odd") == ()


def test_notices_are_told_once_and_follow_the_setting(used: Profile, do: Any) -> None:
    first = do("limits notices", after=-1)
    assert first.notices == ()
    told = do("limits notices", after=0)
    assert [each.tone for each in told.notices] == ["warn"]
    assert "is nearly used up: 320 of 400" in told.notices[0].words
    assert do("limits notices", after=told.after).notices == ()
    do("settings set", name="limits.warn-at", value="95")
    assert do("limits list", state="stops")
    assert not [need for need in do("overview").needs if "limit" in need.title]
