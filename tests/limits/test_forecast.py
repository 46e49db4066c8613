"""The forecast: honest about what it does not know, and right as often as it says."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import date, timedelta
from statistics import linear_regression

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.limits.forecast import (
    HIGH,
    HORIZON,
    LEAST_WEEKS,
    LOW,
    MOST_WEEKS,
    Forecast,
    _ahead,
    _amount,
    _Pace,
    _pace,
    _reached,
    _spread,
    forecast,
    path,
    whole_weeks,
)

TODAY = date(2026, 11, 21)


def steady(weeks: int, a_day: float = 4.0, until: date = TODAY) -> dict[date, float]:
    return {until - timedelta(days=back): a_day for back in range(1, 7 * weeks + 1)}


def test_without_a_limit_that_stops_there_is_no_date() -> None:
    assert forecast(steady(10), None, TODAY) == Forecast("no-limit", None)


@pytest.mark.parametrize(("free", "at_once"), [(0.0, 0.0), (10.0, 10.0), (10.0, 11.0)])
def test_what_is_used_up_is_used_up_today(free: float, at_once: float) -> None:
    assert forecast({}, free, TODAY, at_once=at_once) == Forecast("used-up", 0.0, TODAY, TODAY, TODAY)


def test_too_short_a_history_gives_no_date_and_says_how_short_it_is() -> None:
    assert forecast({}, 10, TODAY) == Forecast("not-enough", 10)
    short = forecast(steady(LEAST_WEEKS - 1), 10, TODAY)
    assert (short.state, short.weeks, short.likely) == ("not-enough", LEAST_WEEKS - 1, None)
    assert forecast(steady(LEAST_WEEKS), 1000, TODAY).state == "dated"
    # a day less is a week less: only whole weeks count
    days = steady(LEAST_WEEKS)
    del days[min(days)]
    assert forecast(days, 1000, TODAY).state == "not-enough"
    assert path(days, TODAY, 30) == ()


def test_a_model_that_rests_has_no_date_until_more_is_supposed() -> None:
    old = {TODAY - timedelta(weeks=MOST_WEEKS + 4): 5.0}
    assert forecast(old, 10, TODAY) == Forecast("no-use", 10, weeks=MOST_WEEKS)
    assert path(old, TODAY, 30) == ()
    assert forecast(old, 10, TODAY, more_a_week=7).state == "dated"
    assert forecast(old, 10, TODAY, more_a_week=0.5).state == "dated"
    assert len(path(old, TODAY, 30, more_a_week=7)) == 30


def test_steady_use_runs_out_on_the_day_on_which_it_must() -> None:
    found = forecast(steady(20, 4.0), 200, TODAY)
    assert found.state == "dated"
    assert found.likely is not None
    assert found.early is not None
    assert found.late is not None
    assert abs((found.likely - TODAY).days - 50) <= 1
    assert found.early <= found.likely <= found.late
    assert (found.weekly, found.weeks, found.trend) == (28.0, 20, 0.0)
    assert (found.free, forecast(steady(20, 4.0), 200, TODAY, at_once=30).free) == (200, 170)


def test_more_use_or_one_more_grant_brings_the_day_nearer_and_a_higher_limit_moves_it_on() -> None:
    def days(free: float, **what_if: float) -> int:
        likely = forecast(steady(12), free, TODAY, **what_if).likely
        assert likely is not None
        return (likely - TODAY).days

    now = days(300)
    assert days(300, more_a_week=28) == pytest.approx(now / 2, abs=1)
    assert days(300, at_once=100) == days(200)
    assert days(600) == pytest.approx(2 * now, abs=2)


def test_a_clear_rise_is_carried_on_and_chance_is_not() -> None:
    rising = {TODAY - timedelta(days=back): float(1 + (140 - back) // 7) for back in range(1, 141)}
    found = forecast(rising, 2000, TODAY)
    assert found.trend == pytest.approx(7.0)
    assert found.weekly == pytest.approx(21 * 7)
    falling = {TODAY - timedelta(days=back): float(20 - (140 - back) // 7) for back in range(1, 141)}
    assert forecast(falling, 2000, TODAY).trend == pytest.approx(-7.0)
    assert forecast(falling, 2000, TODAY).state == "far"
    chance = random.Random(8)
    level = {TODAY - timedelta(days=back): float(chance.randint(2, 6)) for back in range(1, 141)}
    assert forecast(level, 2000, TODAY).trend == 0.0


def test_what_is_not_in_sight_is_far_and_may_have_an_early_day() -> None:
    assert forecast(steady(10, 0.1), 1e9, TODAY).state == "far"
    rare = {TODAY - timedelta(weeks=week): 30.0 for week in (1, 9, 17, 25)}
    found = forecast(rare, 500, TODAY)
    assert (found.state, found.likely, found.late) == ("far", None, None)
    assert found.early is not None
    soon = forecast(rare, 200, TODAY)
    assert (soon.state, soon.late) == ("dated", None)


def test_weeks_end_yesterday_and_only_the_last_half_year_counts() -> None:
    assert whole_weeks({}, TODAY) == ()
    assert whole_weeks({TODAY: 5.0, TODAY + timedelta(days=3): 9.0}, TODAY) == ()
    assert whole_weeks({TODAY - timedelta(days=3): 0.0}, TODAY) == ()
    days = {TODAY - timedelta(days=14): 1.0, TODAY - timedelta(days=8): 2.0, TODAY - timedelta(days=7): 4.0}
    days |= {TODAY - timedelta(days=1): 8.0, TODAY: 16.0, TODAY + timedelta(days=2): 32.0}
    assert whole_weeks(days, TODAY) == (3.0, 12.0)
    assert len(whole_weeks(steady(60), TODAY)) == MOST_WEEKS
    assert sum(whole_weeks(steady(60, 1.0), TODAY)) == 7 * MOST_WEEKS


@pytest.mark.parametrize("today", [date(2028, 2, 29), date(2028, 3, 1), date(2038, 1, 19), date(2026, 1, 1)])
def test_the_calendar_has_no_day_on_which_it_breaks(today: date) -> None:
    found = forecast(steady(10, until=today), 100, today)
    assert found.likely is not None
    assert abs((found.likely - today).days - 25) <= 1
    assert path(steady(10, until=today), today, 3)[-1].day == today + timedelta(days=3)


def test_the_path_starts_after_today_widens_and_contains_its_middle() -> None:
    chance = random.Random(3)
    days = {TODAY - timedelta(days=back): float(chance.randint(0, 9)) for back in range(1, 100)}
    points = path(days, TODAY, 60)
    assert [each.day for each in points[:2]] == [TODAY + timedelta(days=1), TODAY + timedelta(days=2)]
    assert all(each.low <= each.middle <= each.high for each in points)
    widths = [each.high - each.low for each in points]
    assert widths == sorted(widths)
    assert path(days, TODAY, 60, at_once=100)[0].middle == pytest.approx(points[0].middle + 100)
    assert path(days, TODAY, 60, more_a_week=70)[6].middle > points[6].middle + 50


@given(
    st.lists(st.integers(0, 60), min_size=0, max_size=220),
    st.floats(0, 1e6),
    st.floats(0, 1e4),
    st.floats(0, 1e4),
)
def test_whatever_the_history_the_dates_are_in_order_and_the_same_again(
    uses: list[int], free: float, at_once: float, more: float
) -> None:
    days = {TODAY - timedelta(days=back): float(used) for back, used in enumerate(uses)}
    found = forecast(days, free, TODAY, at_once=at_once, more_a_week=more)
    assert found == forecast(dict(reversed(days.items())), free, TODAY, at_once=at_once, more_a_week=more)
    if found.state == "dated":
        assert found.likely is not None
        assert found.early is not None
        assert TODAY <= found.early <= found.likely <= TODAY + timedelta(days=HORIZON)
        assert found.late is None or found.late >= found.likely
    for point in path(days, TODAY, 5, at_once=at_once, more_a_week=more):
        assert 0 <= point.low <= point.middle <= point.high


def events(chance: random.Random, mean: float) -> int:
    """A Poisson number."""
    if mean <= 0:
        return 0
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product >= limit:
        product *= chance.random()
        count += 1
    return count


def poisson(chance: random.Random, days: int) -> list[int]:
    rate = chance.uniform(1, 12)
    return [events(chance, rate) for _ in range(days)]


def weekly(chance: random.Random, days: int) -> list[int]:
    rate, shift = chance.uniform(1, 12), chance.randrange(7)
    return [events(chance, rate * (0.1 if (day + shift) % 7 > 4 else 1.36)) for day in range(days)]


def bursts(chance: random.Random, days: int) -> list[int]:
    often, left, size, found = chance.uniform(0.06, 0.15), 0, 0.0, []
    for _ in range(days):
        if left == 0 and chance.random() < often:
            left, size = chance.randint(1, 3), chance.uniform(10, 40)
        found.append(events(chance, size if left else 0.5))
        left = max(0, left - 1)
    return found


def trend(chance: random.Random, days: int) -> list[int]:
    growth = chance.choice([chance.uniform(-0.004, -0.002), chance.uniform(0.004, 0.012)])
    rate = chance.uniform(6, 20)
    return [events(chance, rate * max(0.0, 1 + growth * day)) for day in range(days)]


def idle(chance: random.Random, days: int) -> list[int]:
    rate, works, found = chance.uniform(1, 12), True, []
    for _ in range(days):
        works ^= chance.random() < 1 / 7
        found.append(events(chance, 2 * rate) if works else 0)
    return found


HISTORIES: tuple[Callable[[random.Random, int], list[int]], ...] = (poisson, weekly, bursts, trend, idle)


def back_test(history: Callable[[random.Random, int], list[int]], seed: int, cases: int) -> tuple[int, int]:
    """(how often the true day lay in the band, of how many dated forecasts)."""
    chance = random.Random(f"{seed}-{history.__name__}")
    right = dated = 0
    for _ in range(cases):
        past = chance.randint(70, 180)
        used = history(chance, past + 500)
        today = TODAY
        days = {today - timedelta(days=past - place): float(each) for place, each in enumerate(used[:past])}
        free = max(1, round(sum(used[:past]) / past * chance.randint(15, 75)))
        found = forecast(days, free, today)
        if found.early is None:
            continue
        total, true_day = 0, date.max
        for ahead, each in enumerate(used[past:], 1):
            total += each
            if total >= free:
                true_day = today + timedelta(days=ahead)
                break
        dated += 1
        right += found.early <= true_day <= (found.late or date.max)
    return right, dated


@pytest.mark.slow
def test_in_75_to_85_of_100_cases_the_true_day_lies_in_the_band() -> None:
    """Over five kinds of history, alike and each for itself, with fixed seeds."""
    right = dated = 0
    for history in HISTORIES:
        inside, of = back_test(history, seed=3, cases=300)
        assert 0.75 <= inside / of <= 0.85, f"{history.__name__}: {inside} of {of}"
        assert of >= 270, "nearly every history is long enough for a date"
        right, dated = right + inside, dated + of
    assert 0.77 <= right / dated <= 0.83


@pytest.mark.parametrize("seed", range(25))
def test_each_date_is_the_day_on_which_its_likelihood_is_nearest(seed: int) -> None:
    """By the path, which tells for every day how much is not exceeded: the other way round, one has to get the same."""
    chance = random.Random(seed)
    used = {TODAY - timedelta(days=back): float(chance.randint(0, 12)) for back in range(1, 7 * chance.randint(6, 26))}
    free = float(chance.choice([3, 17, 60, 150, 400]))
    found = forecast(used, free, TODAY)
    pace = _pace(whole_weeks(used, TODAY), 0.0)

    def likelihood(day: date) -> float:
        ahead = (day - TODAY).days
        return _reached(*_ahead(pace, ahead), free) if ahead > 0 else 0.0

    assert found.early is not None
    # the band is from its first to its last day, both in it: a tenth lies before the first, nine tenths up to the last
    ends = [(found.early - timedelta(days=1), LOW)] + ([(found.late, HIGH)] if found.late is not None else [])
    for day, mark in ends:
        off = abs(likelihood(day) - mark)
        beside = [day + timedelta(days=step) for step in (-1, 1)]
        assert all(off <= abs(likelihood(each) - mark) + 1e-12 for each in beside)
    assert found.likely is not None
    assert likelihood(found.likely) >= 0.5 > likelihood(found.likely - timedelta(days=1))
    for point in path(used, TODAY, 90):
        mean, variance = _ahead(pace, (point.day - TODAY).days)
        for amount, mark in ((point.low, LOW), (point.middle, 0.5), (point.high, HIGH)):
            if amount > 0:
                assert 1 - _reached(mean, variance, amount) == pytest.approx(mark, abs=1e-6)


def test_the_amounts_are_those_of_the_distribution_that_is_meant() -> None:
    """Of a gamma distribution with mean 100 and standard deviation 10, a tenth lies below 87.4 and above 113.0."""
    assert [_amount(100, 100, part) for part in (LOW, 0.5, HIGH)] == pytest.approx([87.4, 99.7, 113.0], abs=0.1)
    assert _amount(1, 1000, LOW) == 0.0, "never less than nothing"
    assert _reached(100, 100, 87.36) == pytest.approx(0.9, abs=0.002)


def test_the_shortest_history_that_is_enough_has_a_path_and_little_more_use_does_too() -> None:
    assert len(path(steady(LEAST_WEEKS), TODAY, 5)) == 5
    old = {TODAY - timedelta(weeks=MOST_WEEKS + 4): 5.0}
    assert len(path(old, TODAY, 5, more_a_week=0.5)) == 5


def test_what_is_nearly_used_up_is_used_up_tomorrow() -> None:
    found = forecast(steady(10, 100.0), 1, TODAY)
    assert (found.early, found.likely, found.late) == (TODAY + timedelta(days=1),) * 3


RISING = (12.0, 13.0, 19.0, 20.0, 27.0, 26.0, 33.0, 38.0)


def test_a_rise_is_the_line_of_least_squares_with_the_doubts_of_the_textbook() -> None:
    """Their covariances are the inverse of the normal equations: written as a matrix here."""
    count = len(RISING)
    places = range(count)
    slope, begin = linear_regression(places, RISING)
    pace = _pace(RISING, 3.0)
    assert pace.slope == pytest.approx(slope)
    assert pace.level == pytest.approx(begin + slope * count + 3)
    assert pace.weeks == count
    rests = [each - begin - slope * place for place, each in zip(places, RISING, strict=True)]
    assert pace.spread == pytest.approx(_spread(rests, sum(RISING) / count, 2))
    one, both, two = count, sum(places), sum(place * place for place in places)
    whole = one * two - both * both
    inverse = ((two / whole, -both / whole), (-both / whole, one / whole))
    next_week = (1, count)

    def doubt(left: tuple[int, int], right: tuple[int, int]) -> float:
        return pace.spread * sum(left[i] * inverse[i][j] * right[j] for i in (0, 1) for j in (0, 1))

    assert pace.level_doubt == pytest.approx(doubt(next_week, next_week))
    assert pace.slope_doubt == pytest.approx(doubt((0, 1), (0, 1)))
    assert pace.both_doubt == pytest.approx(doubt(next_week, (0, 1)))


def test_without_a_clear_rise_the_mean_goes_on_and_is_as_doubtful_as_a_mean_is() -> None:
    weeks = (10.0, 30.0, 10.0, 30.0, 10.0, 30.0)
    spread = _spread([each - 20 for each in weeks], 20, 1)
    assert _pace(weeks, 5.0) == _Pace(25.0, 0.0, spread, spread / 6, 0.0, 0.0, 6)


@pytest.mark.parametrize(
    ("rests", "mean", "fitted", "spread"),
    [
        # neighbours that differ: the plain variance, and that of a mean of few weeks
        ([6.0, -6.0, 6.0, -6.0, 6.0, -6.0], 1, 1, 216 / 5 * 5 / 3),
        ([6.0, -6.0, 6.0, -6.0, 6.0, -6.0], 1, 2, 216 / 4 * 4 / 2),
        # neighbours that are alike: 1/6 and the 1.5/6 by which few weeks hide it make 5/12, and 17/12 : 7/12 is 17/7
        ([6.0, 6.0, -6.0, -6.0, 6.0, -6.0], 1, 1, 216 / 5 * 5 / 3 * (1 + 1 / 12) / (1 - 1 / 12)),
        ([6.0, 6.0, 6.0, -6.0, -6.0, 6.0], 1, 1, 216 / 5 * 5 / 3 * (5 / 12 + 1) / (1 - 5 / 12)),
        # as alike as it may count
        ([6.0, 6.0, 6.0, -6.0, -6.0, -6.0], 1, 1, 216 / 5 * 5 / 3 * 1.75 / 0.25),
        # never less than chance alone makes of single events
        ([1.0, -1.0, 1.0, -1.0, 1.0, -1.0], 50, 1, 50),
        ([0.0] * 6, 4, 1, 4),
    ],
)
def test_weeks_that_resemble_their_neighbours_tell_less_than_others(
    rests: list[float], mean: float, fitted: int, spread: float
) -> None:
    assert _spread(rests, mean, fitted) == pytest.approx(spread)


@pytest.mark.parametrize(
    ("level", "slope", "days", "mean"),
    [
        (14.0, 0.0, 1, 2.0),
        (14.0, 0.0, 21, 42.0),
        (14.0, 2.0, 14, 14.0 + 16),
        # after the six weeks in which it was seen, use stays where it has come to
        (14.0, 2.0, 56, sum((14, 16, 18, 20, 22, 24)) + 2 * 26),
        # and it falls to nothing, never below
        (4.0, -2.0, 42, 4.0 + 2),
        (4.0, -2.0, 700, 4.0 + 2),
    ],
)
def test_what_is_expected_is_the_sum_of_the_weeks(level: float, slope: float, days: int, mean: float) -> None:
    pace = _Pace(level, slope, 9.0, 0.0, 0.0, 0.0, 6)
    assert _ahead(pace, days) == (pytest.approx(mean), pytest.approx(9.0 * days / 7))
    rare = _Pace(level / 100, slope / 100, 0.09, 0.0, 0.0, 0.0, 6)
    assert _ahead(rare, days) == (pytest.approx(mean / 100), pytest.approx(0.09 * days / 7))


def test_the_doubts_of_level_and_rise_grow_with_the_way_ahead() -> None:
    """For two weeks the level counts twice and the rise once: the variance of such a sum."""
    pace = _Pace(14.0, 2.0, 10.0, 0.5, 0.25, 0.125, 6)
    assert _ahead(pace, 14)[1] == pytest.approx(10 * 2 + 4 * 0.5 + 1 * 0.25 + 2 * 2 * 1 * 0.125)
    assert _ahead(pace, 21)[1] == pytest.approx(10 * 3 + 9 * 0.5 + 9 * 0.25 + 2 * 3 * 3 * 0.125)
