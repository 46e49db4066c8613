"""The custodian's own limits: what they cover, when they begin anew, and that the stricter one stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import BadInput
from podadmin.limits.alarms import WORDS, Alarm, Kind, mark, sentence
from podadmin.limits.model import Check, Key, Meter, counted_total, crossed, grantable, read_meter
from podadmin.limits.own import (
    MOST,
    Effect,
    Own,
    OwnLimit,
    Period,
    Scope,
    Use,
    check_own_amount,
    check_scope,
    covers_model,
    period_start,
    standing,
    words,
)

KEY = Key("local", "proj-1", "acme/Retina:3")
USE = Use("acme/Retina:3", "proj-1", "research-lab", "patients")


def limit(
    amount: float = 10, effect: Effect = "stops", period: Period = "total", scope: Scope | None = None
) -> OwnLimit:
    return OwnLimit("lim_1", 1, scope or Scope(model="acme/Retina"), period, amount, effect)


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(model="acme/Retina:3"), True),
        (Scope(model="acme/Retina"), True),
        (Scope(model="acme/Retina:4"), False),
        (Scope(model="acme/Ret"), False),
        (Scope(project="proj-1"), True),
        (Scope(project="proj-2"), False),
        (Scope(project=""), False),
        (Scope(requester="research-lab"), True),
        (Scope(requester="other-lab"), False),
        (Scope(datasource="patients"), True),
        (Scope(datasource="scans"), False),
        (Scope("acme/Retina:3", "proj-1", "research-lab", "patients"), True),
        (Scope("acme/Retina:3", "proj-1", "research-lab", "scans"), False),
    ],
)
def test_a_limit_covers_what_it_names_and_nothing_else(scope: Scope, covered: bool) -> None:
    assert scope.covers(USE) is covered


def test_who_is_not_known_is_covered_by_limits_for_everyone_only() -> None:
    unknown = Use("acme/Retina:3", "")
    assert Scope(model="acme/Retina", project="").covers(unknown)
    assert not Scope(requester="research-lab").covers(unknown)
    assert not Scope(datasource="patients").covers(unknown)
    assert Scope(model="m").for_everyone
    assert not Scope(requester="r").for_everyone
    assert not Scope(datasource="d").for_everyone


def test_a_model_without_its_version_is_every_version_of_exactly_that_model() -> None:
    assert covers_model("a/b", "a/b:1")
    assert covers_model("a/b", "a/b")
    assert not covers_model("a/b", "a/bc:1")
    assert not covers_model("a/b", "a/b:1:2")
    assert covers_model("a/b:1", "a/b:1:2")


@pytest.mark.parametrize(
    ("period", "now", "start"),
    [
        ("total", datetime(2026, 1, 1, tzinfo=UTC), None),
        ("day", datetime(2028, 2, 29, 23, 59, 59, 5, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)),
        ("month", datetime(2028, 2, 29, 12, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC)),
        ("month", datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)),
        ("day", datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 2, 28, tzinfo=UTC)),
        ("month", datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 2, 1, tzinfo=UTC)),
    ],
)
def test_periods_begin_in_utc(period: Period, now: datetime, start: datetime | None) -> None:
    assert period_start(period, now) == start


@given(st.integers(-200_000, 200_000))
def test_a_period_never_begins_later_than_now_nor_earlier_than_it_is_long(hours: int) -> None:
    now = datetime(2028, 2, 29, 12, 30, tzinfo=UTC) + timedelta(hours=hours)
    day, month = period_start("day", now), period_start("month", now)
    assert day is not None
    assert month is not None
    assert month <= day <= now < day + timedelta(days=1)
    assert now < month + timedelta(days=31)


@pytest.mark.parametrize("scope", [Scope(), Scope(None, None, None, None)])
def test_a_limit_on_nothing_is_none(scope: Scope) -> None:
    with pytest.raises(BadInput, match=r"limit\.no-scope"):
        check_scope(scope)


@pytest.mark.parametrize(
    "scope",
    [
        Scope(model=""),
        Scope(requester=""),
        Scope(datasource=""),
        Scope(model=" a"),
        Scope(project="p "),
        Scope("m", requester="\tx"),
    ],
)
def test_a_name_that_never_matches_is_refused(scope: Scope) -> None:
    with pytest.raises(BadInput, match=r"limit\.bad-scope"):
        check_scope(scope)


@pytest.mark.parametrize(
    ("act", "code", "why", "step"),
    [
        (
            lambda: check_scope(Scope()),
            "limit.no-scope",
            "It names nothing that it would limit.",
            "Name a model, a project, a requester or a datasource, or several of them.",
        ),
        (
            lambda: check_scope(Scope(model=" a")),
            "limit.bad-scope",
            "A name in it is empty or begins or ends with a space, so that it would never match.",
            "Give the name exactly as the list of models or requests shows it.",
        ),
        (
            lambda: check_own_amount(0.5),
            "limit.bad-own-amount",
            "It is a whole number of inferences, from 0 up. A limit of 0 stops every use.",
            "Give a whole number.",
        ),
    ],
)
def test_a_limit_that_cannot_be_is_said_to_be_so(act: Callable[[], object], code: str, why: str, step: str) -> None:
    with pytest.raises(BadInput) as caught:
        act()
    found = caught.value
    assert (found.code, found.what, found.why, found.next_step) == (code, "The limit was not set.", why, step)


def test_no_project_is_something_to_limit() -> None:
    assert check_scope(Scope(project="")) == Scope(project="")


@pytest.mark.parametrize("bad", [-1, 0.5, float("nan"), float("inf"), True, MOST * 2])
def test_a_limit_is_a_whole_number(bad: float) -> None:
    with pytest.raises(BadInput, match=r"limit\.bad-own-amount"):
        check_own_amount(bad)


def test_the_smallest_and_the_greatest_limit_are_limits() -> None:
    assert (check_own_amount(0), check_own_amount(MOST)) == (0.0, MOST)


def test_a_limit_is_told_in_one_phrase() -> None:
    assert words(limit(1500)) == "at most 1,500 inferences in all of acme/Retina"
    scope = Scope(None, "", "lab", "patients")
    assert words(limit(3, period="day", scope=scope)) == "at most 3 inferences a day in no project for lab on patients"
    assert words(limit(3, period="month", scope=Scope(project="p"))) == "at most 3 inferences a month in the project p"


def meter(check: Check | None, *own: Own, reserved: float = 0, used: float = 0) -> Meter:
    return read_meter(KEY, check, used, reserved, None, own)


@pytest.mark.parametrize(
    ("check", "own", "free", "exhausted"),
    [
        (Check(100, 40, 0), [(50, "stops", 30, 5)], 15, False),
        (Check(100, 90, 0), [(50, "stops", 30, 5)], 10, False),
        (Check(None, 0, 0), [(50, "stops", 30, 5)], 15, False),
        (Check(None, 0, 0), [(50, "warns", 90, 5)], None, False),
        (Check(None, 0, 0), [(50, "stops", 45, 5)], 0, True),
        (Check(None, 0, 0), [(50, "stops", 60, 0)], 0, True),
        (Check(100, 0, 0), [(50, "warns", 50, 0)], 100, False),
        (Check(100, 0, 0), [(0, "stops", 0, 0)], 0, True),
        (Check(100, 100, 0), [(500, "stops", 0, 0)], 0, True),
        (None, [(50, "stops", 0, 0)], 0, False),
        (None, [(50, "stops", 50, 0)], 0, True),
        (Check(100, 0, 0), [(50, "warns", 50, 0), (70, "stops", 0, 0), (60, "stops", 0, 0)], 60, False),
    ],
)
def test_the_stricter_limit_stops_and_one_that_warns_never_does(
    check: Check | None, own: list[tuple[float, Effect, float, float]], free: float | None, exhausted: bool
) -> None:
    owned = [Own(limit(amount, effect), used, reserved) for amount, effect, used, reserved in own]
    found = meter(check, *owned)
    assert (found.free, found.exhausted) == (free, exhausted)
    assert grantable(found, 1000) == (1000 if free is None else free)
    assert (found.used_up_own is not None) is any(each.stops and each.free == 0 for each in owned)


def test_an_overrun_is_the_most_that_any_limit_that_stops_was_passed_by() -> None:
    assert meter(Check(100, 90, 0)).overrun == 0
    assert meter(Check(100, 103, 0)).overrun == 3
    assert meter(Check(None, 103, 0)).overrun == 0
    assert meter(Check(100, 103, 0), Own(limit(10), 17, 0)).overrun == 7
    assert meter(Check(100, 103, 0), Own(limit(10, "warns"), 17, 0)).overrun == 3


def test_what_was_forgiven_of_the_local_count_counts_no_more() -> None:
    assert read_meter(KEY, Check(100, 10, 80, forgiven=70), 85, 0).used == 15
    assert read_meter(KEY, Check(100, 10, 80, forgiven=0), 85, 0).used == 85
    assert read_meter(KEY, Check(100, 30, 80, forgiven=70), 80, 0).used == 30


@given(st.lists(st.integers(0, 1000).map(float), min_size=1, max_size=20))
def test_a_total_that_falls_frees_nothing(told: list[float]) -> None:
    counted: float | None = None
    for each in told:
        counted = counted_total(each, counted)
    assert counted == max(told)


@pytest.mark.parametrize(
    ("before", "after", "limit_", "mark_"),
    [
        (0, 79, 100, None),
        (0, 80, 100, 0.8),
        (79, 81, 100, 0.8),
        (80, 99, 100, None),
        (80, 100, 100, 1.0),
        (0, 150, 100, 1.0),
        (100, 150, 100, None),
        (0, 0, 0, None),
        (0, 1, 0, 1.0),
        (1, 2, 0, None),
        (50, 50, 100, None),
    ],
)
def test_a_mark_is_reached_once(before: float, after: float, limit_: float, mark_: float | None) -> None:
    assert crossed(before, after, limit_, 0.8) == mark_


@given(st.lists(st.integers(0, 50).map(float), max_size=30), st.integers(1, 100).map(float))
def test_each_mark_is_told_at_most_once_on_any_way_up(steps: list[float], limit_: float) -> None:
    used, told = 0.0, []
    for step in steps:
        told.append(crossed(used, used + step, limit_, 0.8))
        used += step
    assert told.count(1.0) == (1 if used >= limit_ else 0)
    assert told.count(0.8) <= 1


def test_every_kind_of_alarm_says_what_it_means_and_what_to_do() -> None:
    assert set(WORDS) == set(Kind)
    for each in WORDS.values():
        assert each.meaning.endswith(".")
        assert each.todo.endswith(".")
    assert len({each.title for each in WORDS.values()}) == len(Kind)


@pytest.mark.parametrize(
    ("kind", "amount", "bound", "said"),
    [
        (Kind.OVERRUN, 1200, 1000, "1,200 inferences against a limit of 1,000."),
        (Kind.OVERRUN, 1200, None, "1,200 inferences against the limit."),
        (Kind.BACKWARDS, 5, 40, "The total was 40 and is now said to be 5."),
        (Kind.BACKWARDS, 0, None, "A result carries an amount that is no number of inferences."),
        (Kind.UNKNOWN_MODEL, 7, None, "7 inferences."),
        (Kind.NOT_DELIVERED, 7, None, "7 inferences."),
        (Kind.RENUMBERED, 7, None, "7 inferences."),
    ],
)
def test_an_alarm_is_told_with_its_numbers(kind: Kind, amount: float, bound: float | None, said: str) -> None:
    assert sentence(Alarm("alm_1", kind, KEY, "req_1", "t", amount, bound, datetime(2026, 1, 1, tzinfo=UTC))) == said


def test_the_mark_of_an_alarm_names_its_occasion_and_nothing_else() -> None:
    one = mark(Kind.OVERRUN, KEY, "a", "b")
    assert one == mark(Kind.OVERRUN, KEY, "a", "b")
    others = {
        mark(Kind.BACKWARDS, KEY, "a", "b"),
        mark(Kind.OVERRUN, Key("local", "proj-2", KEY.resource), "a", "b"),
        mark(Kind.OVERRUN, Key("other", "proj-1", KEY.resource), "a", "b"),
        mark(Kind.OVERRUN, Key("local", "proj-1", "x"), "a", "b"),
        mark(Kind.OVERRUN, KEY, "a"),
        mark(Kind.OVERRUN, KEY, "ab"),
    }
    assert one not in others
    assert len(others) == 6


def test_days_and_months_are_those_of_utc_whatever_the_zone_of_the_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    late = datetime(2026, 11, 30, 20, 30, 15, 99, tzinfo=UTC)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert period_start("day", late) == datetime(2026, 11, 30, tzinfo=UTC)
        assert period_start("month", late) == datetime(2026, 11, 1, tzinfo=UTC)
        assert period_start("day", late.astimezone(ZoneInfo("Asia/Tokyo"))) == datetime(2026, 11, 30, tzinfo=UTC)
        assert period_start("total", late) is None
    time.tzset()


def test_how_far_a_limit_is_taken_is_said_as_a_clause() -> None:
    limit = OwnLimit("lim_1", 1, Scope(requester="lab"), "day", 1500, "stops")
    assert standing(Own(limit, 6, 0)) == "6 used and 1,494 free; it stops"
    assert standing(Own(limit, 6.5, 1200)) == "6.5 used, 1,200 promised and 293.5 free; it stops"
    assert standing(Own(replace(limit, effect="warns"), 2000, 0)) == "2,000 used and 0 free; it only warns"
