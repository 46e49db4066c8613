"""Own limits in the database, alarms, and what happens when clocks jump, messages repeat and processes die."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.clock import ManualClock, SystemClock
from podadmin.core.errors import BadInput, NotFound, Refused, Unavailable
from podadmin.journal.records import Journal, all_entries
from podadmin.limits import service
from podadmin.limits.alarms import Kind
from podadmin.limits.model import Key, Meter
from podadmin.limits.own import Effect, Own, OwnLimit, Period, Scope, Use
from podadmin.limits.reading import own_of
from podadmin.limits.service import Metered, Task
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MODEL = "acme/Retina:3"
KEY = Key("local", "proj-1", MODEL)
WHERE = {"network": KEY.network, "project": KEY.project, "resource": KEY.resource}
WHO = {"requester": "research-lab", "datasource": "patients"}
TASK = Task("req_1", "task-1", "local", "proj-1", "research-lab", "patients")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "podadmin.db", Journal(ManualClock(NOW)))
    yield opened
    opened.close()


def write(store: Store, act: Callable[..., Any], *args: Any, **arguments: Any) -> Any:
    with store.record(Fact("anna", "limit.test", "x")) as unit:
        return act(unit, *args, **arguments)


def note(store: Store, limit: float | None = None, total: float = 0, at: datetime = NOW, **changes: Any) -> None:
    values = {**WHERE, "limit": limit, "network_total": total, "request_id": "req_0", "at": at, **changes}
    write(store, service.note_limits, **values)


def put(
    store: Store,
    amount: float,
    scope: Scope | None = None,
    period: Period = "total",
    effect: Effect = "stops",
    reason: str = "Agreed",
) -> OwnLimit:
    made: OwnLimit = write(
        store,
        service.set_limit,
        scope=scope or Scope(model="acme/Retina"),
        period=period,
        amount=amount,
        effect=effect,
        reason=reason,
        by="anna",
        at=NOW,
    )
    return made


def reserve(store: Store, request_id: str, wanted: float, at: datetime = NOW, **changes: Any) -> float:
    values = {**WHERE, **WHO, "request_id": request_id, "wanted": wanted, "at": at, **changes}
    made: service.Reservation = write(store, service.reserve, **values)
    return made.amount


def use(
    store: Store,
    amount: float,
    digest: str,
    at: datetime = NOW,
    *,
    request_id: str = "req_1",
    project: str = "proj-1",
    resource: str = MODEL,
    requester: str = "research-lab",
    datasource: str = "patients",
    **more: Any,
) -> Metered:
    task = Task(request_id, "t", "local", project, requester, datasource)
    found = write(store, service.meter_message, task, {resource: amount}, message_digest=digest, at=at, **more)
    ((_, counted),) = found
    assert isinstance(counted, Metered)
    return counted


def told(store: Store, act: str) -> list[dict[str, Any]]:
    import json

    with store.read() as connection:
        return [json.loads(entry.body) for entry in all_entries(connection) if entry.act == act]


def look(store: Store, now: datetime = NOW, **who: Any) -> Meter:
    with store.read() as connection:
        return service.meter_of(connection, KEY, now=now, **{**WHO, **who})


def test_an_own_limit_takes_part_in_reserving_and_the_stricter_stops(store: Store) -> None:
    note(store, 100)
    put(store, 30)
    assert reserve(store, "req_1", 20) == 20
    assert reserve(store, "req_2", 20) == 10
    with pytest.raises(Refused, match=r"limit\.own-exhausted") as caught:
        reserve(store, "req_3", 1)
    assert "at most 30 inferences in all of acme/Retina" in caught.value.why
    write(store, service.settle, "req_1", "failed", NOW)
    assert reserve(store, "req_4", 50) == 20


def test_an_own_limit_that_warns_only_is_told_and_stops_nothing(store: Store) -> None:
    note(store, 100)
    put(store, 10, effect="warns")
    assert reserve(store, "req_1", 50) == 50
    counted = use(store, 15, "d1")
    assert not counted.stops
    (fact,) = told(store, "limit.threshold")
    assert (fact["reached"], fact["used"], fact["limit"], fact["stops"]) == (1.0, 15, 10, False)


def test_a_limit_with_long_names_is_told_in_four_hundred_letters(store: Store) -> None:
    note(store, 100)
    put(store, 10, scope=Scope(requester="r" * 500))
    use(store, 10, "d1", requester="r" * 500)
    (fact,) = told(store, "limit.threshold")
    assert fact["own"].startswith("at most 10 inferences in all for rrr")
    assert len(fact["own"]) == 400


def test_an_own_limit_permits_nothing_that_the_network_has_not(store: Store) -> None:
    put(store, 30)
    with pytest.raises(Refused, match=r"limit\.unknown"):
        reserve(store, "req_1", 1)


def test_own_limits_stop_where_the_network_sets_none(store: Store) -> None:
    note(store, None)
    put(store, 10, Scope(requester="research-lab"))
    assert reserve(store, "req_1", 50) == 10
    assert reserve(store, "req_2", 50, requester="other-lab") == 50
    counted = use(store, 11, "d1")
    assert (counted.exceeded, counted.limit, counted.used_after) == (True, 10, 11)
    assert "for research-lab" in counted.by_own
    with store.read() as connection:
        assert service.limited(connection, "req_1", now=NOW) == {MODEL}
        assert service.limited(connection, "req_2", now=NOW) == frozenset()


def test_a_limit_for_a_requester_counts_all_of_their_models_and_projects(store: Store) -> None:
    note(store, None)
    note(store, None, resource="o/other:1", project="proj-2")
    put(store, 10, Scope(requester="research-lab"))
    use(store, 4, "d1")
    use(store, 3, "d2", resource="o/other:1", project="proj-2")
    use(store, 100, "d3", requester="other-lab")
    assert look(store).free == 3
    assert look(store, requester="other-lab").free is None
    assert reserve(store, "req_9", 50, resource="o/other:1", project="proj-2") == 3
    assert look(store).free == 0


@pytest.mark.parametrize(
    ("period", "at", "free"), [("day", 1, 10.0), ("month", 1, 6.0), ("month", 10, 10.0), ("total", 400, 6.0)]
)
def test_a_period_begins_anew_and_what_is_promised_still_counts(
    store: Store, period: Period, at: int, free: float
) -> None:
    note(store, None)
    put(store, 10, period=period)
    use(store, 4, "d1")
    assert look(store, NOW).free == 6
    assert look(store, NOW + timedelta(days=at)).free == free
    reserve(store, "req_2", 2)
    assert look(store, NOW + timedelta(days=at)).free == free - 2


@pytest.mark.parametrize("hours", [48, -48])
def test_a_clock_that_jumps_gives_nothing_away_twice(store: Store, hours: int) -> None:
    note(store, 100)
    put(store, 10, period="day")
    use(store, 10, "d1")
    jumped = NOW + timedelta(hours=hours)
    note(store, 100, 0, at=jumped)
    if hours > 0:
        assert reserve(store, "req_2", 10, at=jumped) == 10
        use(store, 10, "d2", at=jumped, request_id="req_2")
    # back to where it was: what a clock that ran ahead has stamped counts as well
    with pytest.raises(Refused, match=r"limit\.own-exhausted"):
        reserve(store, "req_3", 1, at=NOW)
    if hours < 0:
        with pytest.raises(Refused, match=r"limit\.own-exhausted"):
            reserve(store, "req_4", 1, at=jumped)
    assert look(store, jumped).used == (20 if hours > 0 else 10)


@pytest.mark.parametrize(
    "day", [datetime(2028, 2, 29, 23, 59, tzinfo=UTC), datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)]
)
def test_odd_days_are_days(store: Store, day: datetime) -> None:
    note(store, 100, at=day)
    put(store, 10, period="day")
    use(store, 10, "d1", at=day)
    with pytest.raises(Refused, match=r"limit\.own-exhausted"):
        reserve(store, "req_2", 1, at=day + timedelta(seconds=1))
    assert reserve(store, "req_2", 1, at=day + timedelta(days=1)) == 1
    with store.read() as connection:
        assert service.by_day(connection, KEY) == ((day.date().isoformat(), 10),)


def test_setting_the_same_scope_again_makes_another_version_and_all_are_kept(store: Store) -> None:
    first = put(store, 30, reason="Agreed")
    second = put(store, 20, effect="warns", reason="Too many")
    other = put(store, 5, period="day")
    assert (second.id, second.version, other.version) == (first.id, 2, 1)
    assert other.id != first.id
    with store.read() as connection:
        assert service.own_limits(connection) == (second, other)
        newest, oldest = service.versions(connection, first.id)
    assert (newest.limit, newest.reason, newest.by, newest.ended_at) == (second, "Too many", "anna", None)
    assert (oldest.limit, oldest.ended_at, oldest.ended_reason) == (first, NOW, "Too many")
    bodies = told(store, "limit.test")
    assert bodies[1]["was"]["amount"] == 30
    assert bodies[1]["now"] == {"model": "acme/Retina", "period": "total", "amount": 20, "effect": "warns"}
    assert bodies[1]["version"] == 2


def test_a_limit_that_was_removed_stops_nothing_and_stays_in_the_record(store: Store) -> None:
    note(store, None)
    made = put(store, 0)
    assert look(store).exhausted
    write(store, service.remove_limit, made.id, " Study over ", NOW)
    assert look(store).free is None
    with store.read() as connection:
        assert service.own_limits(connection) == ()
        (kept,) = service.versions(connection, made.id)
    assert (kept.ended_at, kept.ended_reason) == (NOW, "Study over")
    with pytest.raises(NotFound, match=r"limit\.no-such-limit"):
        write(store, service.remove_limit, made.id, "again", NOW)
    again = put(store, 0)
    assert again.id != made.id


@pytest.mark.parametrize(
    ("arguments", "error", "code"),
    [
        ({"reason": "  "}, Refused, "limit.reason-missing"),
        ({"amount": 2.5}, BadInput, "limit.bad-own-amount"),
        ({"scope": Scope()}, BadInput, "limit.no-scope"),
        ({"scope": Scope(model=" x")}, BadInput, "limit.bad-scope"),
        ({"amount": 7}, Refused, "limit.same"),
    ],
)
def test_what_is_no_limit_changes_nothing(
    store: Store, arguments: dict[str, Any], error: type[Exception], code: str
) -> None:
    put(store, 7)
    with pytest.raises(error, match=code.replace(".", r"\.")):
        put(store, **{"amount": 9, **arguments})
    with store.read() as connection:
        assert [each.amount for each in service.own_limits(connection)] == [7]
        with pytest.raises(NotFound, match=r"limit\.no-such-limit"):
            service.versions(connection, "lim_0")
    with pytest.raises(Refused, match=r"limit\.reason-missing"):
        write(store, service.remove_limit, "lim_0" if not arguments else service_id(store), " ", NOW)


def service_id(store: Store) -> str:
    with store.read() as connection:
        return service.own_limits(connection)[0].id


@pytest.mark.parametrize(
    "resource",
    ["acme/Retina:3", "acme/Retina", "acme/Retina:3:1", "acme/RetinaX:3", "x/acme/Retina:3", "acme/Retina_:3"],
)
@pytest.mark.parametrize("model", ["acme/Retina", "acme/Retina:3", "acme/Retina%", "acme/Retina_"])
def test_the_database_and_the_rule_agree_on_what_a_limit_covers(store: Store, resource: str, model: str) -> None:
    note(store, resource=resource)
    use(store, 5, "d1", resource=resource)
    made = put(store, 100, Scope(model=model))
    with store.read() as connection:
        counted = service.own_taken(connection, made, NOW).used
        applies = bool(own_of(connection, Use(resource, "proj-1"), NOW))
    assert counted == (5 if made.scope.covers(Use(resource, "proj-1")) else 0)
    assert applies == (counted == 5)


def test_a_message_counts_as_a_whole_or_not_at_all(store: Store) -> None:
    note(store, 100)
    note(store, 5, resource="o/small:1")
    found = dict(
        write(store, service.meter_message, TASK, {MODEL: 10.0, "o/small:1": 6.0}, message_digest="d1", at=NOW)
    )
    assert found["o/small:1"].exceeded
    assert look(store).used == 0
    assert told(store, "limit.threshold") == []
    found = dict(
        write(store, service.meter_message, TASK, {MODEL: 85.0, "o/small:1": 5.0}, message_digest="d2", at=NOW)
    )
    assert not any(each.stops for each in found.values())
    assert look(store).used == 85
    assert sorted(each["reached"] for each in told(store, "limit.threshold")) == [0.8, 1.0]
    again = dict(
        write(store, service.meter_message, TASK, {MODEL: 85.0, "o/small:1": 5.0}, message_digest="d2", at=NOW)
    )
    assert not any(each.counted for each in again.values())
    assert len(told(store, "limit.threshold")) == 2


def test_a_model_that_nobody_ever_named_stops_the_message(store: Store) -> None:
    note(store, 100)
    found = dict(
        write(store, service.meter_message, TASK, {MODEL: 1.0, "who/knows:1": 1.0}, message_digest="d1", at=NOW)
    )
    assert found["who/knows:1"].stops
    assert not found["who/knows:1"].exceeded
    assert look(store).used == 0


def test_thresholds_follow_the_setting(store: Store) -> None:
    note(store, 100)
    use(store, 49, "d1", warn_at=0.5)
    assert told(store, "limit.threshold") == []
    use(store, 1, "d2", warn_at=0.5)
    (fact,) = told(store, "limit.threshold")
    assert (fact["reached"], fact["model"], fact["meter"], fact["stops"]) == (0.5, MODEL, KEY.id, True)


@pytest.mark.parametrize("seed", range(3))
def test_messages_that_come_1_to_100_times_in_any_order_count_once_each(store: Store, seed: int) -> None:
    note(store, 1000)
    chance = random.Random(seed)
    coming = [place for place in range(5) for _ in range(chance.choice([1, 2, 12]))] + [4] * (100 if seed == 0 else 1)
    chance.shuffle(coming)
    counted = [use(store, place + 1, f"d{place}", sequence=place).counted for place in coming]
    assert sum(counted) == 5
    assert look(store).used == 15


def test_the_number_of_a_message_is_part_of_what_it_is(store: Store) -> None:
    note(store, 100)
    assert use(store, 3, "d1", sequence=1).counted
    assert not use(store, 3, "d1", sequence=1).counted
    assert use(store, 3, "d1", sequence=2).counted
    assert use(store, 3, "d1").counted
    assert alarm_kinds(store) == []
    assert use(store, 3, "d2", sequence=1).counted
    assert use(store, 3, "d3", sequence=1).counted
    assert alarm_kinds(store) == [Kind.RENUMBERED]
    assert use(store, 3, "d4", sequence=1, request_id="req_2").counted
    assert use(store, 3, "d5").counted
    assert alarm_kinds(store) == [Kind.RENUMBERED]
    assert use(store, 3, "d6", sequence=2).counted
    assert alarm_kinds(store) == [Kind.RENUMBERED] * 2


def alarm_kinds(store: Store) -> list[Kind]:
    with store.read() as connection:
        return [each.kind for each in service.alarms(connection)]


def test_a_total_that_falls_is_an_alarm_and_frees_nothing_until_a_person_accepts_it(store: Store) -> None:
    note(store, 100, 60)
    use(store, 5, "d1")
    note(store, 100, 20)
    assert look(store).used == 65
    with store.read() as connection:
        (alarm,) = service.alarms(connection)
        assert service.as_checked(connection, KEY, 100, 10, now=NOW).used == 65
        assert service.unseen(connection) == {KEY: (Kind.BACKWARDS,)}
    assert (alarm.kind, alarm.amount, alarm.limit) == (Kind.BACKWARDS, 20, 60)
    note(store, 100, 20)
    assert alarm_kinds(store) == [Kind.BACKWARDS]
    with pytest.raises(Refused, match=r"limit\.alarm-reason"):
        write(store, service.acknowledge, alarm.id, by="anna", reason=" ", at=NOW)
    write(store, service.acknowledge, alarm.id, by="anna", reason="The owner reset it", at=NOW, accept=True)
    assert look(store).used == 20
    use(store, 5, "d2")
    note(store, 100, 22)
    assert look(store).used == 25
    with store.read() as connection:
        (seen,) = service.alarms(connection)
        assert service.unseen(connection) == {}
    assert (seen.seen_by, seen.seen_reason, seen.seen_at) == ("anna", "The owner reset it", NOW)
    with pytest.raises(Refused, match=r"limit\.alarm-seen"):
        write(store, service.acknowledge, alarm.id, by="anna", reason="Again", at=NOW)
    with pytest.raises(NotFound, match=r"limit\.no-such-alarm"):
        write(store, service.acknowledge, "alm_0", by="anna", reason="Again", at=NOW)


def test_only_a_total_that_fell_can_be_accepted(store: Store) -> None:
    note(store, 10, 12)
    with store.read() as connection:
        (alarm,) = service.alarms(connection)
    assert (alarm.kind, alarm.amount, alarm.limit) == (Kind.OVERRUN, 12, 10)
    with pytest.raises(Refused, match=r"limit\.not-acceptable"):
        write(store, service.acknowledge, alarm.id, by="anna", reason="Fine", at=NOW, accept=True)
    note(store, 100, 5)
    note(store, 100, 20)
    with store.read() as connection:
        fallen = next(each for each in service.alarms(connection) if each.kind is Kind.BACKWARDS)
    with pytest.raises(Refused, match=r"limit\.not-acceptable"):
        write(store, service.acknowledge, fallen.id, by="anna", reason="Fine", at=NOW, accept=True)
    write(store, service.acknowledge, fallen.id, by="anna", reason="Seen", at=NOW)
    assert [each["title"] for each in told(store, "limit.alarm")] == ["Over the limit", "Use went backwards"]


def test_an_alarm_is_told_once_for_its_occasion(store: Store) -> None:
    def raised(occasion: str) -> bool:
        made = write(
            store,
            service.raise_alarm,
            Kind.NOT_DELIVERED,
            KEY,
            at=NOW,
            amount=3,
            occasion=(occasion,),
            task_id="t\u202e",
        )
        return made is not None

    assert [raised("a"), raised("a"), raised("b")] == [True, False, True]
    assert [each["task"] for each in told(store, "limit.alarm")] == ["t<U+202E>"] * 2
    with store.read() as connection:
        assert service.is_known_alarm(connection, Kind.NOT_DELIVERED, KEY, ("a",))
        assert not service.is_known_alarm(connection, Kind.OVERRUN, KEY, ("a",))
        assert len(service.alarms(connection, KEY)) == 2
        assert service.alarms(connection, Key("x", "y", "z")) == ()
        assert len(service.alarms(connection, limit=1)) == 1
        assert KEY in [each.key for each in service.meters(connection, now=NOW)]


def test_what_has_a_limit_that_stops_has_to_be_told(store: Store) -> None:
    for resource, limit in (("o/a:1", 10.0), ("o/b:1", None), ("o/c:1", None)):
        note(store, limit, resource=resource)
        reserve(store, "req_1", 3, resource=resource)
    with store.read() as connection:
        assert service.limited(connection, "req_1", now=NOW) == {"o/a:1"}
        assert service.limited(connection, "req_2", now=NOW) == frozenset()
    put(store, 100, Scope(model="o/b"))
    put(store, 100, Scope(model="o/c"), effect="warns")
    with store.read() as connection:
        assert service.limited(connection, "req_1", now=NOW) == {"o/a:1", "o/b:1"}
        assert service.has_reserved(connection, "req_1")
        assert not service.has_reserved(connection, "req_2")
    write(store, service.settle, "req_1", "finished", NOW)
    with store.read() as connection:
        assert service.limited(connection, "req_1", now=NOW) == frozenset()
        assert service.has_reserved(connection, "req_1")


def test_a_limit_for_one_datasource_has_to_be_told_of_there_and_nowhere_else(store: Store) -> None:
    note(store, None)
    put(store, 100, Scope(datasource="scans"))
    reserve(store, "req_1", 3)
    reserve(store, "req_2", 3, datasource="scans")
    with store.read() as connection:
        assert service.limited(connection, "req_1", now=NOW) == frozenset()
        assert service.limited(connection, "req_2", now=NOW) == {MODEL}


def test_what_a_request_uses_of_one_model_does_not_eat_what_it_was_promised_of_another(store: Store) -> None:
    for resource in (MODEL, "o/b:1"):
        note(store, 100, resource=resource)
        reserve(store, "req_1", 10, resource=resource)
    note(store, 100, project="proj-2")
    use(store, 7, "d1", resource="o/b:1")
    use(store, 2, "d2", project="proj-2")
    assert look(store).reserved == 10


def test_how_far_one_own_limit_is_taken(store: Store) -> None:
    note(store, 100)
    made = put(store, 60, period="day")
    use(store, 4, "d1", at=NOW - timedelta(days=1), request_id="req_8")
    use(store, 5, "d2", request_id="req_9")
    reserve(store, "req_1", 3)
    with store.read() as connection:
        assert service.own_taken(connection, made, NOW) == Own(made, 5, 3)
        (listed,) = (service.own_taken(connection, each, NOW) for each in service.own_limits(connection))
        assert listed.limit == made


def test_what_was_promised_to_requests_that_are_gone_comes_back(store: Store) -> None:
    note(store, 100)
    note(store, 100, resource="o/b:1")
    for request in ("req_1", "req_2", "req_3"):
        reserve(store, request, 10)
    reserve(store, "req_1", 10, resource="o/b:1")
    assert write(store, service.reconcile, {"req_2"}, NOW) == ("req_1", "req_3")
    assert look(store).reserved == 10
    assert write(store, service.reconcile, {"req_2"}, NOW) == ()
    assert len(told(store, "limit.reconciled")) == 2


def test_use_is_told_by_project_and_datasource_too(store: Store) -> None:
    note(store)
    note(store, project="proj-2")
    use(store, 1, "d1")
    use(store, 5, "d2", datasource="scans")
    use(store, 9, "d3", project="proj-2")
    with store.read() as connection:
        assert service.by_datasource(connection, KEY) == (("scans", 5), ("patients", 1))
        assert service.by_project(connection, KEY) == (("proj-2", 9), ("proj-1", 6))


LIMIT, OWN, WANTED = 400, 250, 7


def race(path: str, names: list[str]) -> None:
    """Reserve under many names at the same time; half of them then use what they were promised, and more."""
    store = Store.open(Path(path), Journal(SystemClock()))
    ready = threading.Barrier(len(names))

    def persist(act: Callable[[], Any]) -> Any:
        """A busy database is asked again: who is refused for that was promised nothing."""
        while True:
            try:
                return act()
            except Unavailable as error:
                if error.code != "store.busy":
                    raise

    def one(place: int, name: str) -> None:
        ready.wait()
        try:
            amount = persist(lambda: reserve(store, name, WANTED))
        except Refused:
            return
        if place % 2:
            for _ in range(2):
                persist(lambda: use(store, amount, f"digest-{name}", request_id=name))

    threads = [threading.Thread(target=one, args=each) for each in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()


def promised(store: Store) -> float:
    with store.read() as connection:
        return sum(each.amount for each in service.open_reservations(connection))


@pytest.mark.slow
def test_64_threads_never_promise_more_than_the_strictest_limit(store: Store) -> None:
    note(store, LIMIT)
    put(store, OWN, Scope(requester="research-lab"))
    race(str(store.path), [f"req_{place}" for place in range(64)])
    assert promised(store) == OWN
    assert look(store).free == 0
    assert look(store).used + look(store).reserved == OWN


@pytest.mark.slow
def test_8_processes_never_promise_more_than_the_strictest_limit(store: Store) -> None:
    note(store, LIMIT)
    put(store, OWN, Scope(datasource="patients"))
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=race, args=(str(store.path), [f"req_{worker}_{place}" for place in range(8)]))
        for worker in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=100)
    assert [worker.exitcode for worker in workers] == [0] * 8
    assert promised(store) == OWN
    assert look(store).used + look(store).reserved == OWN


def dies(path: str, after: bool) -> None:
    """Reserves, and is killed before or after the promise is committed."""
    store = Store.open(Path(path), Journal(SystemClock()))
    with store.record(Fact("gate", "limit.test", "req_1")) as unit:
        service.reserve(unit, request_id="req_1", wanted=40, at=NOW, **WHERE, **WHO)
        if not after:
            os.kill(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize(("after", "reserved"), [(False, 0), (True, 40)])
def test_a_process_that_is_killed_leaves_a_whole_promise_or_none(store: Store, after: bool, reserved: float) -> None:
    note(store, 100)
    worker = multiprocessing.get_context("spawn").Process(target=dies, args=(str(store.path), after))
    worker.start()
    worker.join(timeout=60)
    assert worker.exitcode == -signal.SIGKILL
    assert look(store).reserved == reserved
    write(store, service.reconcile, set(), NOW)
    assert look(store).free == 100


def test_the_list_of_meters_says_what_each_of_them_says(store: Store) -> None:
    note(store, 100, 30)
    put(store, 60)
    put(store, 5, Scope(requester="research-lab"))
    use(store, 4, "d1", request_id="req_9", requester="other-lab")
    reserve(store, "req_1", 3)
    with store.read() as connection:
        (listed,) = service.meters(connection, now=NOW)
        alone = service.meter_of(connection, KEY, now=NOW)
    assert listed == alone
    assert (listed.reserved, listed.used, listed.free, len(listed.own)) == (3, 34, 53, 1)


@pytest.mark.parametrize(
    "scope",
    [
        Scope(model="Acme/retina"),
        Scope(model="acme/Retina:\uff13"),
        Scope(model="acme/Ret\u200bina:3"),
        Scope(requester="Research-Lab"),
        Scope(datasource="patients\u00ad"),
        Scope(model="acme/Retina", project="PROJ-1"),
    ],
)
def test_a_limit_in_another_form_than_the_network_writes_would_never_apply_and_is_not_set(
    store: Store, scope: Scope
) -> None:
    assert put(store, 5, Scope(model="Acme/retina", project="not-known-yet")).version == 1
    note(store, 100)
    reserve(store, "req_1", 20)
    with pytest.raises(BadInput, match=r"limit\.other-form"):
        put(store, 30, scope)
    assert put(store, 30, Scope(model="acme/Retina", requester="research-lab")).amount == 30
    assert put(store, 30, Scope(model="acme/Other:3", project="")).amount == 30
