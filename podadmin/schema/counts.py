"""What a pass over a table found out about one column, whoever counted. Pure values and rules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from podadmin.datasources.sample import SHARES

MEASURED_ROWS: Final = 5_000
MEASURED_CELLS: Final = 1_000_000
"""How values are distributed is told by so many rows, and by fewer where there are very many columns."""


@dataclass
class Counts:
    """What the pass found out about one column. `odd`: cells of a column of numbers that are none, by their text.

    `since` and `until`: the ends of a column of moments in seconds since 1970, where they are known as such.
    """

    cells: int = 0
    distinct: int = 0
    numbers: int = 0
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    deviation: float | None = None
    whole: bool = False
    shares: list[float] = field(default_factory=list)
    dates: int = 0
    first: str | None = None
    last: str | None = None
    since: float | None = None
    until: float | None = None
    moments: list[float] = field(default_factory=list)
    shortest: int | None = None
    longest: int | None = None
    bins: dict[str, int] = field(default_factory=dict)
    others: int = 0
    """Cells that are in none of `bins`; 0 means that these are all the values there are."""
    strays: int = 0
    odd: dict[str, int] = field(default_factory=dict)
    trues: int = 0
    falses: int = 0
    exact: bool = False

    @property
    def all_binned(self) -> bool:
        return bool(self.bins) and not self.others


def measured(columns: int) -> int:
    """How many rows tell how values are distributed, where so many `columns` are measured."""
    return min(MEASURED_ROWS, max(MEASURED_CELLS // max(columns, 1), 100))


def distribute(counts: Counts, drawn: Iterable[float | None]) -> None:
    """Put the values at even shares of those that were `drawn` into `counts`, with the ends of all values.

    What is empty or no number is left out.
    """
    numbers = [each for each in drawn if each is not None and each == each]
    if not numbers:
        return
    numbers.sort()
    shares = [_at(numbers, place / (SHARES - 1)) for place in range(SHARES)]
    dated = bool(counts.dates) and counts.dates == counts.cells
    low, high = (counts.since, counts.until) if dated else (counts.low, counts.high)
    if low is not None and high is not None:
        shares[0], shares[-1] = float(low), float(high)
    if dated:
        counts.moments = shares
    else:
        counts.shares = shares


def _at(numbers: Sequence[float], share: float) -> float:
    place = share * (len(numbers) - 1)
    below = math.floor(place)
    if below + 1 >= len(numbers):
        return numbers[-1]
    low, high = numbers[below], numbers[below + 1]
    return low if low == high else low + (high - low) * (place - below)
