"""A grant covers exactly one request, so long as it lasts."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.requests.grants import Grant, matches

MADE = datetime(2028, 2, 28, 23, 30, tzinfo=UTC)
GRANT = Grant("grt_1", "f" * 64, 2, MADE + timedelta(days=1), MADE, "req_1")
times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_a_grant_matches_what_it_was_made_for() -> None:
    assert matches(GRANT, "f" * 64, MADE).matches
    assert "2 runs" in matches(GRANT, "f" * 64, MADE).why
    assert "1 run left" in matches(dataclasses.replace(GRANT, runs_left=1), "f" * 64, MADE).why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fingerprint": "e" * 64}, "different request"),
        ({"voided_reason": "the model changed\u202e"}, "voided: the model changed<U+202E>"),
        ({"voided_reason": ""}, "voided: no reason"),
        ({"runs_left": 0}, "runs are used"),
        ({"runs_left": -1}, "runs are used"),
        ({"expires_at": MADE}, "expired"),
        ({"made_at": MADE + timedelta(seconds=1)}, "check the clock"),
    ],
)
def test_a_grant_that_does_not_match_says_why(change: dict[str, object], why: str) -> None:
    outcome = matches(dataclasses.replace(GRANT, **change), "f" * 64, MADE)  # type: ignore[arg-type]
    assert not outcome.matches
    assert why in outcome.why


def test_nothing_matches_a_request_without_a_fingerprint() -> None:
    assert not matches(dataclasses.replace(GRANT, fingerprint=""), "", MADE).matches


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (MADE + timedelta(hours=23, minutes=59), True),
        (MADE + timedelta(hours=24), False),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), True),
        (MADE + timedelta(hours=48), False),
        (MADE - timedelta(hours=48), False),
        (datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), False),
    ],
)
def test_clocks_that_jump_never_widen_a_grant(now: datetime, expected: bool) -> None:
    assert matches(GRANT, "f" * 64, now).matches is expected


@given(
    same=st.booleans(),
    runs=st.integers(-2, 3),
    expires=times,
    made=times,
    now=times,
    voided=st.none() | st.text(),
)
def test_a_grant_matches_exactly_when_every_condition_holds(
    same: bool, runs: int, expires: datetime, made: datetime, now: datetime, voided: str | None
) -> None:
    grant = Grant("g", "a" if same else "b", runs, expires, made, "r", voided)
    assert matches(grant, "a", now).matches == (same and runs > 0 and made <= now < expires and voided is None)
