"""When a limit will be used up: a date, and the band in which it lies in four cases out of five.

The method can be told in four sentences. Use is added up in whole weeks, so that weekends do not matter. Their mean
says how fast use goes on, and where use clearly rises or falls, the line through the weeks is carried on instead. How
much the weeks differ from it, and how few they are, says how far the future may be from it. The amount used by a day
ahead is then taken to follow a gamma distribution with that mean and that spread, and the band runs from the day on
which the limit is reached in one case out of ten to the one on which it is reached in nine.

Pure and without chance: the same history gives the same dates. What cannot be said honestly is not said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import NormalDist
from typing import Final, Literal

State = Literal["dated", "far", "used-up", "no-use", "not-enough", "no-limit"]
LEAST_WEEKS: Final = 5
"""Fewer whole weeks of history say nothing about how much weeks differ."""
MOST_WEEKS: Final = 26
"""Older weeks no longer say how a model is used today."""
HORIZON: Final = 730
"""Days ahead that are looked at."""
LOW: Final = 0.1
HIGH: Final = 0.9
_CLEAR: Final = 2.0
"""A rise or fall counts where it is more than so many times its own uncertainty."""
_NORMAL: Final = NormalDist()


@dataclass(frozen=True)
class Forecast:
    """When what is free will be used up.

    `state`: dated · far (not within two years) · used-up · no-use (nothing was used lately) · not-enough (too short a
    history) · no-limit. `early` and `late` bound the band of 80 %; `late` None: perhaps not within two years.
    `weekly` is the use a week that is expected next, `weeks` how many of them it was reckoned from, `trend` what it
    changes by from week to week (0 where there is no clear trend).
    """

    state: State
    free: float | None
    likely: date | None = None
    early: date | None = None
    late: date | None = None
    weekly: float = 0.0
    weeks: int = 0
    trend: float = 0.0


@dataclass(frozen=True)
class Point:
    """What will have been used of the free amount by the end of a day: the middle, and the ends of the band."""

    day: date
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class _Pace:
    """Use by week as it goes on: `level` next week, `slope` a week; their uncertainty, and that of a single week."""

    level: float
    slope: float
    spread: float
    level_doubt: float
    slope_doubt: float
    both_doubt: float
    weeks: int


def forecast(
    used: Mapping[date, float], free: float | None, today: date, *, more_a_week: float = 0.0, at_once: float = 0.0
) -> Forecast:
    """When `free` inferences will be used up, after the use of each day (`used`; days without use may be absent).

    `free` is what is free now, None where nothing stops; today's use is part of the past. What if: `at_once` is taken
    from it by one more grant, and `more_a_week` is used besides from now on.
    """
    if free is None:
        return Forecast("no-limit", None)
    left = free - at_once
    if left <= 0:
        return Forecast("used-up", max(left, 0.0), today, today, today)
    weekly = whole_weeks(used, today)
    if len(weekly) < LEAST_WEEKS:
        return Forecast("not-enough", left, weeks=len(weekly))
    if sum(weekly) == 0 and more_a_week <= 0:
        return Forecast("no-use", left, weeks=len(weekly))
    pace = _pace(weekly, more_a_week)
    early, likely, late = (None if each is None else today + timedelta(days=each) for each in _band(pace, left))
    state: State = "far" if likely is None else "dated"
    return Forecast(state, left, likely, early, late, pace.level, pace.weeks, pace.slope)


def path(
    used: Mapping[date, float], today: date, days: int, *, more_a_week: float = 0.0, at_once: float = 0.0
) -> tuple[Point, ...]:
    """The use that is expected from tomorrow on for `days` days, added up; empty where the history is too short."""
    weekly = whole_weeks(used, today)
    if len(weekly) < LEAST_WEEKS or (sum(weekly) == 0 and more_a_week <= 0):
        return ()
    pace = _pace(weekly, more_a_week)
    found = []
    for ahead in range(1, days + 1):
        mean, variance = _ahead(pace, ahead)
        low, middle, high = (at_once + _amount(mean, variance, part) for part in (LOW, 0.5, HIGH))
        found.append(Point(today + timedelta(days=ahead), low, middle, high))
    return tuple(found)


def whole_weeks(used: Mapping[date, float], today: date) -> tuple[float, ...]:
    """Use by whole week of seven days, the oldest first; the last one ends yesterday. The first is cut off with the
    first day of use, which is the beginning of the history; days after today, of a clock that ran ahead, are today's.
    """
    past = [day for day, amount in used.items() if amount > 0 and day < today]
    if not past:
        return ()
    count = min((today - min(past)).days // 7, MOST_WEEKS)
    weeks = [0.0] * count
    for day, amount in used.items():
        back = (today - day).days
        if 1 <= back <= 7 * count:
            weeks[count - 1 - (back - 1) // 7] += amount
    return tuple(weeks)


def _pace(weeks: tuple[float, ...], more: float) -> _Pace:
    """The mean of the weeks, or the line through them where it clearly rises or falls."""
    count = len(weeks)
    middle = (count - 1) / 2
    mean = sum(weeks) / count
    squares = count * (count * count - 1) / 12
    slope = sum((place - middle) * each for place, each in enumerate(weeks)) / squares
    flat = _spread([each - mean for each in weeks], mean, 1)
    line = _spread([each - mean - slope * (place - middle) for place, each in enumerate(weeks)], mean, 2)
    if abs(slope) <= _CLEAR * math.sqrt(line / squares):
        return _Pace(mean + more, 0.0, flat, flat / count, 0.0, 0.0, count)
    ahead = count - middle
    return _Pace(
        level=mean + slope * ahead + more,
        slope=slope,
        spread=line,
        level_doubt=line * (1 / count + ahead * ahead / squares),
        slope_doubt=line / squares,
        both_doubt=line * ahead / squares,
        weeks=count,
    )


def _spread(rests: list[float], mean: float, fitted: int) -> float:
    """The variance of a week about what was expected: more where weeks resemble their neighbours, never less than that
    of single events, and a little more the fewer weeks there are.
    """
    count = len(rests)
    squares = sum(each * each for each in rests)
    variance = squares / (count - fitted)
    if squares > 0:
        alike = sum(one * other for one, other in pairwise(rests)) / squares + 1.5 / count
        alike = min(max(alike, 0.0), 0.75)
        variance *= (1 + alike) / (1 - alike)
    few = (count - fitted) / (count - fitted - 2)
    return max(variance * few, mean)


def _ahead(pace: _Pace, days: int) -> tuple[float, float]:
    """Mean and variance of what will be used in the next `days` days."""
    weeks = days / 7
    # the trend is carried on for as long as it was seen, and then use stays where it has come to
    rising = min(weeks, float(pace.weeks))
    if pace.slope < 0:
        rising = min(rising, max(0.0, pace.level / -pace.slope))
    ramp = rising * rising / 2 - rising / 2 + (weeks - rising) * rising
    mean = pace.level * weeks + pace.slope * ramp
    doubt = weeks * weeks * pace.level_doubt + ramp * ramp * pace.slope_doubt + 2 * weeks * ramp * pace.both_doubt
    return max(mean, 1e-9), max(pace.spread * weeks + doubt, 1e-12)


def _reached(mean: float, variance: float, left: float) -> float:
    """How likely `left` is used up: the upper part of a gamma distribution, by the cube root (Wilson and Hilferty)."""
    ninth = variance / (9 * mean * mean)
    return 1 - _NORMAL.cdf(((left / mean) ** (1 / 3) - 1 + ninth) / math.sqrt(ninth))


def _amount(mean: float, variance: float, part: float) -> float:
    """The amount that is not exceeded with the likelihood `part`: the other way round."""
    ninth = variance / (9 * mean * mean)
    root = 1 - ninth + _NORMAL.inv_cdf(part) * math.sqrt(ninth)
    return float(mean * max(root, 0.0) ** 3)


def _band(pace: _Pace, left: float) -> tuple[int | None, int | None, int | None]:
    """Days ahead: the beginning of the band, the middle, its end. Whole days, so that the band is nearest to 80 %."""
    early, likely, late = (_day(pace, left, mark) for mark in (LOW, 0.5, HIGH))
    if early is not None and _nearer_later(pace, left, early, LOW):
        early += 1
    if late is not None and not _nearer_later(pace, left, late, HIGH):
        late -= 1
    return early, likely, late


def _nearer_later(pace: _Pace, left: float, day: int, mark: float) -> bool:
    """Is the likelihood of `day` nearer to `mark` than that of the day before?"""
    before = _reached(*_ahead(pace, day - 1), left) if day > 1 else 0.0
    return _reached(*_ahead(pace, day), left) - mark < mark - before


def _day(pace: _Pace, left: float, mark: float) -> int | None:
    """The first day ahead by which `left` is used up with the likelihood `mark`; None where it is not in sight."""
    if _reached(*_ahead(pace, HORIZON), left) < mark:
        return None
    before, there = 0, HORIZON
    while there - before > 1:
        middle = (before + there) // 2
        if _reached(*_ahead(pace, middle), left) < mark:
            before = middle
        else:
            there = middle
    return there
