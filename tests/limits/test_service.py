"""Limits in the database: nothing is counted twice, nothing is promised twice, whoever races."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from podadmin.core.clock import ManualClock, SystemClock
from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused
from podadmin.journal.records import Journal
from podadmin.limits import service
from podadmin.limits.model import Key, Meter
from podadmin.limits.own import Scope
from podadmin.limits.records import limit_check, reservation
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
KEY = Key("local", "proj-1", "acme/Retina:3")
WHERE = {"network": KEY.network, "project": KEY.project, "resource": KEY.resource}
WHO = {"requester": "Dr. Mole", "datasource": "patients"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "podadmin.db", Journal(ManualClock(NOW)))
    yield opened
    opened.close()


def write(store: Store, act: Callable[..., Any], *args: Any, **arguments: Any) -> Any:
    with store.record(Fact("gate", "limit.test", "req_1")) as unit:
        return act(unit, *args, **arguments)


def note(store: Store, limit: float | None, total: float = 0, **changes: Any) -> None:
    write(
        store,
        service.note_limits,
        **{**WHERE, "limit": limit, "network_total": total, "request_id": "req_0", "at": NOW, **changes},
    )


def reserve(store: Store, request_id: str, wanted: float, **changes: Any) -> service.Reservation:
    made: service.Reservation = write(
        store, service.reserve, **{**WHERE, **WHO, "request_id": request_id, "wanted": wanted, "at": NOW, **changes}
    )
    return made


def use(
    store: Store,
    request_id: str,
    amount: float,
    digest: str,
    *,
    project: str = "proj-1",
    resource: str = "acme/Retina:3",
    requester: str = "Dr. Mole",
    at: datetime = NOW,
) -> service.Metered:
    task = service.Task(request_id, "task-1", "local", project, requester, "patients")
    found = write(store, service.meter_message, task, {resource: amount}, message_digest=digest, at=at)
    ((_, counted),) = found
    assert isinstance(counted, service.Metered)
    return counted


def now(store: Store, **who: Any) -> Meter:
    with store.read() as connection:
        return service.meter_of(connection, KEY, now=NOW, **who)


def test_a_reservation_is_at_most_what_is_free(store: Store) -> None:
    note(store, 100, 30)
    assert reserve(store, "req_1", 50).amount == 50
    assert reserve(store, "req_2", 50).amount == 20
    found = now(store)
    assert (found.used, found.reserved, found.free, found.mode) == (30, 70, 0, "stops")
    with pytest.raises(Refused, match=r"limit\.exhausted"):
        reserve(store, "req_3", 1)


def test_a_limit_of_nothing_blocks(store: Store) -> None:
    note(store, 0)
    with pytest.raises(Refused, match=r"limit\.exhausted"):
        reserve(store, "req_1", 1)


def test_no_limit_promises_all_and_no_answer_promises_nothing(store: Store) -> None:
    with pytest.raises(Refused, match=r"limit\.unknown"):
        reserve(store, "req_1", 1)
    note(store, None)
    assert reserve(store, "req_1", 1e9).amount == 1e9
    assert (now(store).mode, now(store).free) == ("unlimited", None)


def test_each_reason_to_promise_nothing_has_its_code_and_its_words(store: Store) -> None:
    def refused(**changes: Any) -> Refused:
        with pytest.raises(Refused) as caught:
            reserve(store, "req_1", 5, **changes)
        return caught.value

    unknown = refused()
    assert (unknown.code, "“acme/Retina:3”" in unknown.why) == ("limit.unknown", True)
    note(store, 0)
    used_up = refused()
    assert (used_up.code, "“acme/Retina:3”" in used_up.why) == ("limit.exhausted", True)
    note(store, 100)
    scope = Scope(datasource="patients")
    write(store, service.set_limit, scope=scope, period="total", amount=0, effect="stops", reason="x", by="a", at=NOW)
    own = refused()
    assert (own.code, "on patients" in own.why) == ("limit.own-exhausted", True)
    assert reserve(store, "req_2", 5, datasource="elsewhere").amount == 5, "an own limit is for what it names only"
    write(store, service.settle, "req_2", "ended", NOW)
    with pytest.raises(Refused) as over:
        reserve(store, "req_2", 5, datasource="elsewhere")
    assert over.value.code == "limit.settled"


def test_what_is_kept_of_checks_and_promises_names_them_and_what_became_of_them(store: Store) -> None:
    note(store, 10, 3, request_id="req_7")
    note(store, 10, 2, request_id="req_8")
    note(store, 10, 10, request_id="req_9")
    with store.read() as connection:
        checks = connection.execute(select(limit_check).order_by(limit_check.c.request)).all()
        told = service.alarms(connection)
    assert [each.id[:4] for each in checks] == ["chk_"] * 3
    assert [each.request for each in checks] == ["req_7", "req_8", "req_9"]
    (alarm,) = told
    assert (alarm.request_id, alarm.amount, alarm.limit) == ("req_8", 2, 3), "at the limit is not beyond it"
    note(store, 100, 10)
    first, second = reserve(store, "req_1", 4), reserve(store, "req_2", 4)
    assert [each.id[:4] for each in (first, second)] == ["rsv_"] * 2
    write(store, service.settle, "req_1", "finished", NOW)
    write(store, service.reconcile, set(), NOW)
    with store.read() as connection:
        kept = connection.execute(select(reservation.c.request_id, reservation.c.outcome)).all()
    assert sorted(map(tuple, kept)) == [("req_1", "finished"), ("req_2", "reconciled")]


def test_totals_that_fall_twice_are_two_alarms(store: Store) -> None:
    for total in (9, 5, 9, 5):
        note(store, 100, total)
    for total in (7, 5):
        note(store, 100, total)
    with store.read() as connection:
        told = service.alarms(connection)
    assert {(each.amount, each.limit) for each in told} == {(5, 9), (5, 7)}


def test_asking_again_returns_the_first_promise(store: Store) -> None:
    note(store, 100)
    first = reserve(store, "req_1", 40)
    assert reserve(store, "req_1", 90) == first
    assert now(store).reserved == 40


def test_a_settled_request_gets_nothing_more(store: Store) -> None:
    note(store, 100)
    reserve(store, "req_1", 40)
    assert write(store, service.settle, "req_1", "finished", NOW) == 1
    assert write(store, service.settle, "req_1", "failed", NOW) == 0
    assert now(store).reserved == 0
    with pytest.raises(Refused, match=r"limit\.settled"):
        reserve(store, "req_1", 1)


def test_one_request_can_reserve_several_models_and_settles_all(store: Store) -> None:
    note(store, 10)
    note(store, 10, resource="acme/Other:1")
    reserve(store, "req_1", 4)
    reserve(store, "req_1", 5, resource="acme/Other:1")
    with store.read() as connection:
        assert [each.amount for each in service.open_reservations(connection)] == [4, 5]
    assert write(store, service.settle, "req_1", "finished", NOW) == 2
    with store.read() as connection:
        assert service.open_reservations(connection) == ()


def test_use_eats_the_reservation_of_its_request_and_not_that_of_others(store: Store) -> None:
    note(store, 100)
    reserve(store, "req_1", 40)
    reserve(store, "req_2", 40)
    assert use(store, "req_1", 30, "d1") == service.Metered(True, 30, 100, False)
    found = now(store)
    assert (found.used, found.reserved, found.free) == (30, 50, 20)
    assert use(store, "req_1", 30, "d2") == service.Metered(True, 60, 100, False)
    assert use(store, "req_1", 1, "d3") == service.Metered(True, 61, 100, True)
    assert use(store, "req_2", 40, "d4").exceeded is False


def test_use_over_the_limit_is_exceeded_and_use_up_to_it_is_not(store: Store) -> None:
    note(store, 10)
    assert use(store, "req_1", 10, "d1").exceeded is False
    assert use(store, "req_1", 1, "d2") == service.Metered(True, 11, 10, exceeded=True)
    assert (now(store).free, now(store).used) == (0, 10), "nothing of it was counted"


def test_use_without_an_answer_stops_and_is_not_counted_and_without_a_limit_it_is_never_exceeded(store: Store) -> None:
    unknown = use(store, "req_1", 5, "d1")
    assert (unknown, unknown.stops) == (service.Metered(True, 5, None, False, known=False), True)
    assert (now(store).mode, now(store).used) == ("unknown", 0)
    note(store, None)
    known = use(store, "req_1", 5, "d1")
    assert (known, known.stops) == (service.Metered(True, 5, None, False), False)
    assert now(store).used == 5


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations([f"d{n % 4}" for n in range(16)]))
def test_the_same_message_counts_once_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, digests: list[str]
) -> None:
    opened = Store.open(tmp_path_factory.mktemp("meter") / "podadmin.db", Journal(ManualClock(NOW)))
    note(opened, 100)
    counted = [use(opened, "req_1", 3, digest).counted for digest in digests]
    assert sum(counted) == 4
    assert now(opened).used == 12
    opened.close()


def test_one_message_can_count_for_two_models(store: Store) -> None:
    note(store, 10)
    note(store, 10, resource="acme/Other:1")
    assert use(store, "req_1", 3, "d1").counted
    assert use(store, "req_1", 4, "d1", resource="acme/Other:1").counted
    assert not use(store, "req_1", 4, "d1", resource="acme/Other:1").counted


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_nonsense_is_not_counted_and_changes_nothing(store: Store, amount: float) -> None:
    note(store, 10)
    with pytest.raises(BadInput):
        use(store, "req_1", amount, "d1")
    with pytest.raises(BadInput):
        reserve(store, "req_1", amount)
    with pytest.raises(BadInput):
        note(store, amount)
    with pytest.raises(BadInput):
        note(store, 10, amount)
    assert now(store).used == 0


def test_a_later_check_replaces_the_earlier_even_if_the_clock_was_set_back(store: Store) -> None:
    note(store, 100, 10)
    use(store, "req_1", 5, "d1")
    assert now(store).used == 15
    note(store, 50, 40, at=NOW - timedelta(hours=48))
    found = now(store)
    assert (found.limit, found.used) == (50, 40)
    use(store, "req_1", 5, "d2")
    assert now(store).used == 45


def test_a_network_that_has_not_heard_of_our_use_does_not_free_it(store: Store) -> None:
    note(store, 100, 0)
    use(store, "req_1", 30, "d1")
    note(store, 100, 0)
    assert now(store).used == 30


def test_a_meter_can_be_read_as_an_answer_will_leave_it_before_it_is_noted(store: Store) -> None:
    with store.read() as connection:
        first = service.as_checked(connection, KEY, 100, 10, now=NOW)
    assert (first.mode, first.used, now(store).mode) == ("stops", 10, "unknown")
    note(store, None)
    use(store, "req_1", 30, "d1")
    with store.read() as connection:
        foreseen = service.as_checked(connection, KEY, 100, 10, now=NOW)
    assert (foreseen.mode, foreseen.used, now(store).mode) == ("stops", 30, "unlimited")
    note(store, 100, 10)
    assert now(store) == foreseen


def test_meters_are_listed_and_found_by_their_id(store: Store) -> None:
    note(store, 10)
    note(store, None, project="")
    use(store, "req_1", 1, "d1", project="", at=NOW + timedelta(hours=1))
    with store.read() as connection:
        listed = service.meters(connection, now=NOW)
        assert [(each.key.project, each.mode) for each in listed] == [("", "unlimited"), ("proj-1", "stops")]
        assert listed[0].last_used == NOW + timedelta(hours=1)
        assert listed[1].last_used is None
        assert service.find_key(connection, KEY.id) == listed[1].key
        with pytest.raises(NotFound, match=r"limit\.no-such-meter"):
            service.find_key(connection, "mtr_0")


def test_a_meter_tells_its_events_days_and_requesters(store: Store) -> None:
    note(store, None)
    note(store, None, project="proj-2")
    use(store, "req_1", 1, "d1", at=datetime(2028, 2, 29, 23, 59, tzinfo=UTC))
    use(store, "req_1", 2, "d2", at=datetime(2028, 3, 1, tzinfo=UTC), requester="Ms. Vole")
    use(store, "req_2", 4, "d3", at=datetime(2028, 3, 1, 1, tzinfo=UTC))
    use(store, "req_3", 8, "d4", project="proj-2")
    with store.read() as connection:
        assert [each.amount for each in service.events(connection, KEY)] == [4, 2, 1]
        assert len(service.events(connection, KEY, limit=2)) == 2
        assert service.series(connection, KEY) == (("2028-02-29", 1), ("2028-03-01", 7))
        assert service.by_requester(connection, KEY) == (("Dr. Mole", 5), ("Ms. Vole", 2))


def test_a_unit_that_fails_promises_and_counts_nothing(store: Store) -> None:
    note(store, 10)

    def fails(unit: Any) -> None:
        service.reserve(unit, request_id="req_1", wanted=5, at=NOW, **WHERE, **WHO)
        raise Refused("test.stop", "Stopped.", "By a test.", "Go on.")

    with pytest.raises(PodadminError):
        write(store, fails)
    assert now(store).reserved == 0


LIMIT = 100
WANTED = 7


def race(path: str, names: list[str]) -> None:
    """Reserve under many names at the same time; each thread then uses what it was promised."""
    store = Store.open(Path(path), Journal(SystemClock()))
    gate = threading.Barrier(len(names))

    def one(name: str) -> None:
        gate.wait()
        try:
            made = reserve(store, name, WANTED)
        except Refused:
            return
        use(store, name, made.amount, f"digest-{name}")
        use(store, name, made.amount, f"digest-{name}")

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()


def promised_to(store: Store) -> float:
    found = now(store)
    assert found.reserved == 0
    with store.read() as connection:
        return sum(each.amount for each in service.open_reservations(connection))


def test_sixteen_threads_never_promise_more_than_the_limit(store: Store) -> None:
    note(store, LIMIT)
    race(str(store.path), [f"req_{n}" for n in range(16)])
    assert promised_to(store) == LIMIT
    assert now(store).used == LIMIT


@pytest.mark.slow
def test_four_processes_of_sixteen_threads_never_promise_more_than_the_limit(store: Store) -> None:
    note(store, LIMIT)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=race, args=(str(store.path), [f"req_{p}_{n}" for n in range(16)])) for p in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=90)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert promised_to(store) == LIMIT
    assert now(store).used == LIMIT
