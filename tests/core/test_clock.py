"""Time as text sorts as time does; the clock of tests moves only when told; new names are new."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.clock import ManualClock, SystemClock, new_id, new_reference, stamp, unstamp

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2999, 1, 1), timezones=ZONES)  # noqa: DTZ001 - zones are drawn


@given(MOMENTS)
def test_a_stamp_names_the_same_moment_in_utc(moment: datetime) -> None:
    text = stamp(moment)
    assert unstamp(text) == moment
    assert unstamp(text).tzinfo is UTC
    assert stamp(unstamp(text)) == text
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)


@given(MOMENTS, MOMENTS)
def test_stamps_sort_as_their_moments_do(first: datetime, second: datetime) -> None:
    assert (stamp(first) < stamp(second)) == (first < second)


def test_a_time_without_a_zone_is_refused_both_ways() -> None:
    with pytest.raises(ValueError, match="zone"):
        stamp(datetime(2026, 1, 1))  # noqa: DTZ001 - this is what must be refused
    with pytest.raises(ValueError, match="zone"):
        unstamp("2026-01-01T00:00:00")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z", "\x00"])
def test_a_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        unstamp(text)


def test_the_manual_clock_moves_only_when_told() -> None:
    start = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    clock = ManualClock(start)
    assert (clock.now(), clock.monotonic()) == (start, 0.0)
    assert clock.now() == start
    clock.advance(90.5)
    assert (clock.now(), clock.monotonic()) == (start + timedelta(seconds=90.5), 90.5)


def test_a_clock_that_is_set_back_keeps_its_monotonic_time() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(10)
    clock.advance(-3600)
    assert clock.now() == datetime(2025, 12, 31, 23, 0, 10, tzinfo=UTC)
    assert clock.monotonic() == 10


def test_the_machines_clock_is_aware_and_its_monotonic_time_never_falls() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)


def test_names_and_references_are_new_and_can_be_said_aloud() -> None:
    names = {new_id("req") for _ in range(2000)}
    assert len(names) == 2000
    assert all(re.fullmatch(r"req_[0-9A-HJKMNP-TV-Z]{12}", name) for name in names)
    references = {new_reference() for _ in range(2000)}
    assert len(references) == 2000
    assert all(re.fullmatch(r"H-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", text) for text in references)
