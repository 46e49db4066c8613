"""What a clock does to what waits: leap day, the end of 32 bits, and two days forth or back, on a real store.

Grants and rules are held against such clocks in `test_grants`, `test_decide` and `test_rules`; windows of limits in
`tests/limits`; the chain and its search in `tests/journal`; a gate that runs in `tests/gate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from podadmin.core.clock import ManualClock, stamp, unstamp
from podadmin.journal.service import about, verify
from podadmin.requests import receipts, service
from podadmin.requests.grant_moves import Terms
from podadmin.requests.records import grant
from podadmin.requests.state import State
from tests.requests.desks import Desk, pins

HOURS_48 = 48 * 3600.0
LEAP = datetime(2028, 2, 28, 23, 58, tzinfo=UTC)
LEAP_END = datetime(2028, 2, 29, 23, 58, tzinfo=UTC)
BITS = datetime(2038, 1, 19, 3, 12, 7, tzinfo=UTC)
STARTS = pytest.mark.parametrize("start", [LEAP, LEAP_END, BITS], ids=["leap-day", "after-leap-day", "2038"])


class Key:
    """A key that signs receipts."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.fingerprint = "ab" * 32
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)


@pytest.fixture
def desk_at(tmp_path: Path) -> Iterator[Callable[[datetime], Desk]]:
    opened: list[Desk] = []

    def make(start: datetime) -> Desk:
        desk = Desk(tmp_path / "podadmin.db")
        desk.clock.advance((start - desk.clock.now()).total_seconds())
        opened.append(desk)
        return desk

    yield make
    for desk in opened:
        assert verify(desk.store).broken is None
        desk.store.close()


@STARTS
def test_a_window_ends_on_the_second_whatever_the_date(desk_at: Callable[[datetime], Desk], start: datetime) -> None:
    desk = desk_at(start)
    request_id = desk.send(pins())
    row = service.find(desk.store, request_id).row
    assert unstamp(row.deadline) == start + timedelta(seconds=300)
    desk.clock.advance(299.999)
    assert service.lapse_due(desk.store, desk.clock) == ()
    desk.clock.advance(0.001)
    assert service.lapse_due(desk.store, desk.clock) == (request_id,)
    (told,) = desk.receipts(request_id)
    assert told["at"] == stamp(start + timedelta(seconds=300))


@STARTS
@pytest.mark.parametrize("jump", [-HOURS_48, HOURS_48], ids=["back", "forth"])
def test_a_clock_that_jumps_lapses_each_request_once_and_delivers_none_that_is_too_old(
    desk_at: Callable[[datetime], Desk], start: datetime, jump: float
) -> None:
    desk = desk_at(start)
    held, approved = desk.send(pins()), desk.send(pins(key="cd"))
    desk.approve(approved)
    desk.clock.advance(jump)
    lapsed = service.lapse_due(desk.store, desk.clock)
    assert lapsed == ((held,) if jump > 0 else ())  # set back, it waits: nobody is refused for a clock that errs
    taken = service.next_to_deliver(desk.store, desk.clock, 270.0, 30)
    if jump > 0:
        assert taken is None
        assert desk.state(approved) == State.GRANTED
    else:
        assert taken is not None
    desk.clock.advance(-jump)
    assert service.lapse_due(desk.store, desk.clock) == ()
    desk.clock.advance(300.0)
    assert service.lapse_due(desk.store, desk.clock) == (() if jump > 0 else (held,))
    acts = [each.act for each in about(desk.store, held)]
    assert acts.count("request.lapsed") == 1


@STARTS
def test_a_grant_ends_so_many_days_later_and_no_sooner(desk_at: Callable[[datetime], Desk], start: datetime) -> None:
    desk = desk_at(start)
    grant_id = desk.granted(pins(), runs=5, days=2.0)
    assert unstamp(desk.row(grant_id).expires_at) == start + timedelta(days=2)
    desk.clock.advance(HOURS_48 - 0.001)
    covered = desk.send(pins())
    assert desk.state(covered) == State.APPROVED
    desk.run(covered)
    desk.clock.advance(0.001)
    assert desk.state(desk.send(pins())) == State.HELD
    desk.clock.advance(-HOURS_48 - 1)  # before the grant was made
    assert desk.state(desk.send(pins())) == State.HELD


@STARTS
def test_receipts_made_by_a_clock_that_jumps_name_their_entries_and_are_right(
    desk_at: Callable[[datetime], Desk], start: datetime
) -> None:
    desk, key = desk_at(start), Key()
    made = []
    for number, jump in enumerate((0.0, HOURS_48, -HOURS_48, -HOURS_48, HOURS_48)):
        desk.clock.advance(jump)
        request_id = desk.send(pins(key=f"{number:02x}"))
        service.refuse(desk.store, desk.clock, request_id, "anna", "Not before the board has met.")
        (told,) = desk.receipts(request_id)
        assert told["at"] == stamp(desk.clock.now())
        made.append(told["reference"])
    assert receipts.sign_due(desk.store, key) == len(made)
    rows = [receipts.find(desk.store, reference) for reference in made]
    assert all(receipts.right(receipts.signed_of(row), key.public) for row in rows)
    assert all(earlier.entry < later.entry for earlier, later in pairwise(rows))  # the order is the journal's
    moments = [row.made_at for row in rows]
    assert moments != sorted(moments)  # and not the clock's


def test_what_never_ends_may_be_made_on_the_last_day_that_there_is(desk_at: Callable[[datetime], Desk]) -> None:
    desk = desk_at(datetime(9999, 12, 30, 12, tzinfo=UTC))
    request_id = desk.send(pins())
    desk.approve(request_id, Terms(runs=1, days=0.5))
    with desk.store.read() as connection:
        assert connection.execute(select(grant.c.expires_at)).scalar_one() == "9999-12-31T00:00:00.000000Z"


def test_a_manual_clock_that_is_set_back_never_runs_backwards_where_only_differences_count() -> None:
    clock = ManualClock(BITS)
    before = clock.monotonic()
    clock.advance(-HOURS_48)
    assert (clock.now(), clock.monotonic()) == (BITS - timedelta(hours=48), before)
