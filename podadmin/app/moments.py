"""How facts tell a moment: the same words on the screen, in the command line and in every export of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def moment_words(moment: datetime) -> str:
    """A moment to the second: `21 Nov 2026, 03:47:34 UTC`. Raises ValueError for naive times."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be told")
    utc = moment.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc:%Y, %H:%M:%S} UTC"


def day_words(day: date, *, year: bool = True) -> str:
    """A day: `21 Nov 2026`, or without its year `21 Nov`."""
    return f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")
