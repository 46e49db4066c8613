"""Dates, spans, counts and sizes as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QLocale

if TYPE_CHECKING:
    from datetime import datetime

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def when(moment: datetime | None) -> str:
    """A moment in the zone of this machine, to the minute; a dash where there is none."""
    if moment is None:
        return "–"
    local = moment.astimezone()
    return f"{local.day} {QLocale().monthName(local.month, QLocale.FormatType.ShortFormat)} {local:%Y, %H:%M}"


def precise(moment: datetime | None) -> str:
    """A moment with seconds and zone, for tooltips."""
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z}"


def span(seconds: float) -> str:
    """A length of time in its largest whole unit: `3 hours`, `2 minutes`, `less than a minute`."""
    for unit, length in _UNITS:
        if seconds >= length:
            return count(int(seconds // length), unit, unit + "s")
    return "less than a minute"


def ago(moment: datetime | None, now: datetime) -> str:
    """`3 hours ago`, `just now`, or `never`."""
    if moment is None:
        return "never"
    passed = (now - moment).total_seconds()
    return "just now" if passed < 60 else f"{span(passed)} ago"


def until(moment: datetime | None, now: datetime) -> str:
    """`in 4 minutes`, `now`, or `no time limit`."""
    if moment is None:
        return "no time limit"
    left = (moment - now).total_seconds()
    return f"in {span(left)}" if left > 0 else "now"


def whole(number: int) -> str:
    """A whole number with the separators of the locale."""
    return QLocale().toString(number)


def count(number: int, one: str, many: str) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{whole(number)} {one if number == 1 else many}"


def amount(number: float) -> str:
    """A quantity without needless decimals."""
    if number == int(number):
        return whole(int(number))
    return QLocale().toString(number, "f", 2)


def size(octets: int | None) -> str:
    """Bytes as kB, MB, GB; a dash where unknown."""
    if octets is None:
        return "–"
    return QLocale().formattedDataSize(octets, 1, QLocale.DataSizeFormat.DataSizeSIFormat)
