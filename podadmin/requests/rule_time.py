"""Days, hours and dates on which a rule speaks, in a time zone that it states.

Hours that end before they begin go over midnight and belong to the day on which they begin. What counts is the local
time of the zone, so that 08:00 stays 08:00 when the clocks change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from podadmin.requests.rule_fields import DAYS

_TO = ".."


@dataclass(frozen=True)
class Times:
    """`days` are 0 (Monday) to 6; empty for every day. Both dates are included; `until` of the hours is not."""

    zone: str
    days: frozenset[int] = frozenset()
    begins: time | None = None
    until: time | None = None
    first: date | None = None
    last: date | None = None

    @classmethod
    def read(cls, texts: Iterable[str]) -> Times:
        """From its pieces in any order: `Mon-Fri`, `08:00-18:00`, `2026-01-01..2026-12-31` and a zone such as
        `Europe/London`. Raises ValueError with a sentence that says what is wrong.
        """
        found: dict[str, str] = {}
        for text in (each.strip() for each in texts):
            kind = _kind(text)
            if kind in found:
                raise ValueError(f"It names {kind} twice.")
            found[kind] = text
        if "a time zone" not in found:
            raise ValueError("It names no time zone, such as Europe/London or UTC.")
        days = _days(found.get("days", ""))
        begins, until = _hours(found["hours"]) if "hours" in found else (None, None)
        first, last = _dates(found["dates"]) if "dates" in found else (None, None)
        if not days and len(found.keys() & {"hours", "dates"}) == 0:
            raise ValueError("It names neither some of the days nor hours nor dates.")
        return cls(_zone(found["a time zone"]), days, begins, until, first, last)

    def texts(self) -> tuple[str, ...]:
        """The pieces as `read` takes them, in a fixed order."""
        days = " ".join(DAYS[each] for each in sorted(self.days))
        hours = f"{self.begins:%H:%M}-{self.until:%H:%M}" if self.begins is not None and self.until is not None else ""
        first = self.first.isoformat() if self.first else ""
        last = self.last.isoformat() if self.last else ""
        dates = f"{first}{_TO}{last}" if first or last else ""
        return tuple(each for each in (days, hours, dates, self.zone) if each)

    @property
    def words(self) -> str:
        """In words, for a sentence that begins with “It comes”."""
        parts = []
        if self.days:
            parts.append("on " + ", ".join(DAYS[each] for each in sorted(self.days)))
        if self.begins is not None and self.until is not None:
            over = " the next day" if self.until <= self.begins else ""
            parts.append(f"from {self.begins:%H:%M} until {self.until:%H:%M}{over}")
        if self.first is not None:
            parts.append(f"from {self.first.isoformat()} on")
        if self.last is not None:
            parts.append(f"until the end of {self.last.isoformat()}")
        return f"{', '.join(parts)} ({self.zone} time)"

    def holds(self, moment: datetime) -> bool:
        """Does `moment` lie within these days, hours and dates?"""
        local = moment.astimezone(ZoneInfo(self.zone))
        day, clock = local.date(), local.time()
        if self.begins is not None and self.until is not None:
            if self.begins < self.until:
                if not self.begins <= clock < self.until:
                    return False
            elif clock < self.until:
                day -= timedelta(days=1)  # the night began on the day before
            elif clock < self.begins:
                return False
        if self.days and day.weekday() not in self.days:
            return False
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


def _kind(text: str) -> str:
    if _TO in text:
        return "dates"
    if ":" in text:
        return "hours"
    words = text.replace("-", " ").split()
    return "days" if words and all(each.title() in DAYS for each in words) else "a time zone"


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("Its time zone is not known; zones are written as Europe/London or UTC.") from None


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for piece in text.split():
        first, dash, last = piece.partition("-")
        ends = [first.title(), last.title()] if dash else [first.title(), first.title()]
        if not set(ends) <= set(DAYS):
            raise ValueError("Days are written as Mon Tue Wed or Mon-Fri.")
        low, high = (DAYS.index(each) for each in ends)
        found |= {each % 7 for each in range(low, high + 1 if low <= high else high + 8)}
    return frozenset() if len(found) == 7 else frozenset(found)


def _hours(text: str) -> tuple[time, time]:
    first, _, last = text.partition("-")
    try:
        begins, until = (_minute(each.strip()) for each in (first, last))
    except ValueError:
        raise ValueError("Hours are written as 08:00-18:00.") from None
    if begins == until:
        raise ValueError("Hours end at another time than they begin.")
    return begins, until


def _minute(text: str) -> time:
    hour, _, minute = text.partition(":")
    return time(int(hour), int(minute))


def _dates(text: str) -> tuple[date | None, date | None]:
    first, _, last = (each.strip() for each in text.partition(_TO))
    try:
        low, high = (date.fromisoformat(each) if each else None for each in (first, last))
    except ValueError:
        raise ValueError("Dates are written as 2026-01-01..2026-12-31.") from None
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        raise ValueError("The last date comes before the first, or neither is named.")
    return low, high
