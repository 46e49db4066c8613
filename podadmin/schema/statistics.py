"""What is known about a column after the pass over its table, and how labels are written. Pure values and rules."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from podadmin.datasources.dtypes import BOOLEAN, FLOAT, TRUE_WORDS, WHOLE

NULL_LABEL = "nan"
"""The label that stands for an empty cell (bitfount contract, section 3.2)."""
BARS = 20
QUARTERS = (0.05, 0.25, 0.5, 0.75, 0.95)
End = float | int | str


@dataclass(frozen=True)
class ColumnStatistics:
    """One column: `count` cells that are not empty and `nulls` that are.

    `distinct` counts different values; `distinct_estimated` says that it may be off by a few per cent. `minimum` and
    `maximum` are kept for numbers and dates only (the ends of text are somebody's values), `mean` and `deviation`
    (of a sample, n - 1) for numbers; None where the column holds an infinity or too few values. `labels` are those of
    a categorical column with how often each occurs, in the order of their classes.

    `quantiles` are (share, value), told by rows drawn by lot where there are many; `histogram` are (from, to, rows),
    taken from them unless each of its bars is one value, which was counted. `top` are the values that many rows share.
    Lengths are in characters. `patterns` are shapes of cells (see masking) with their share of a sample. `looks_like`
    names the kind of identifier that its name or its values suggest, "" for none; `by` says by which rule. `notes` are
    sentences about what is odd. `dimensions`, `formats` and `modes` are those of an image column, each with how often
    it occurs, the most frequent first.

    `counted` is false where nobody counted, because a pod told the schema: then no figure here means anything, and
    labels stand there with 0.
    """

    name: str
    dtype: str
    stype: str
    forced: bool
    description: str | None
    count: int
    nulls: int
    distinct: int
    distinct_estimated: bool
    minimum: End | None = None
    maximum: End | None = None
    mean: float | None = None
    deviation: float | None = None
    labels: tuple[tuple[str, int], ...] = ()
    quantiles: tuple[tuple[float, End], ...] = ()
    histogram: tuple[tuple[End, End, int], ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    shortest: int | None = None
    longest: int | None = None
    patterns: tuple[tuple[str, float], ...] = ()
    looks_like: str = ""
    by: str = ""
    notes: tuple[str, ...] = ()
    dimensions: tuple[tuple[str, int], ...] = ()
    formats: tuple[tuple[str, int], ...] = ()
    modes: tuple[tuple[str, int], ...] = ()
    counted: bool = True

    @property
    def likely_key(self) -> bool:
        """Has every row a value of its own, as far as is known?"""
        least = self.count * (0.97 if self.distinct_estimated else 1.0)
        return self.count > 1 and self.nulls == 0 and self.distinct >= least

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back. What says nothing is left out."""
        return {name: value for name, value in asdict(self).items() if value != ()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ColumnStatistics:
        return cls(**{each.name: _tuples(data[each.name]) for each in fields(cls) if each.name in data})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value


def finite(value: float | None) -> float | None:
    """`value`, or None where JSON could not carry it."""
    return value if value is not None and math.isfinite(value) else None


def whole(value: float | None, dtype: str) -> float | int | None:
    """An end of a numeric column: an int in a column of whole numbers."""
    kept = finite(value)
    return int(kept) if kept is not None and dtype in WHOLE else kept


def dates(first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """The ends of a column of dates in UTC, without the time of day where neither has one."""
    midnight = " 00:00:00"
    if first and last and first.endswith(midnight) and last.endswith(midnight):
        return first.removesuffix(midnight), last.removesuffix(midnight)
    return first, last


def quantiles(shares: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """The usual quantiles out of the values at even shares from 0 to 1; none where one is not finite."""
    if len(shares) < 2 or not all(map(math.isfinite, shares)):
        return ()
    return tuple((share, _at(shares, share)) for share in QUARTERS)


def _at(shares: Sequence[float], share: float) -> float:
    place = share * (len(shares) - 1)
    below = min(int(place), len(shares) - 2)
    return shares[below] + (shares[below + 1] - shares[below]) * (place - below)


def bars(shares: Sequence[float], low: float, high: float, count: int) -> tuple[tuple[float, float, int], ...]:
    """BARS bars of even width from `low` to `high`, by how the values at even shares lie between them.

    Their sum is `count`. Empty where there is nothing to draw.
    """
    usable = [value for value in shares if math.isfinite(value)]
    if len(usable) < 2 or not (math.isfinite(low) and math.isfinite(high)) or not low < high:
        return ()
    usable[0], usable[-1] = low, high
    edges = [low + (high - low) * place / BARS for place in range(BARS)] + [high]
    below = [round(_share_below(usable, edge) * count) for edge in edges]
    below[0], below[-1] = 0, count
    return tuple((a, b, max(n - m, 0)) for a, b, m, n in zip(edges, edges[1:], below, below[1:], strict=False))


def _share_below(shares: Sequence[float], edge: float) -> float:
    steps, done = len(shares) - 1, 0.0
    for a, b in pairwise(shares):
        if b <= edge:
            done += 1
        elif a < edge:
            done += (edge - a) / (b - a)
    return done / steps


def counted_bars(values: Mapping[str, int]) -> tuple[tuple[float, float, int], ...]:
    """A bar for each of a few different numbers that were all counted."""
    return tuple((number, number, times) for number, times in sorted((float(k), n) for k, n in values.items()))


def moments_as_dates(pairs: Iterable[tuple[float, float, int]]) -> tuple[tuple[str, str, int], ...]:
    """Bars over seconds since 1970 as bars over days."""
    return tuple((_day(a), _day(b), n) for a, b, n in pairs)


def _day(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return ""


def label(text: str, dtype: str) -> str:
    """How a cell is written as a label: as the pod writes the value that it reads from it, so `01` becomes `1`."""
    if dtype == BOOLEAN:
        return "True" if text in TRUE_WORDS else "False"
    if dtype in WHOLE:
        stripped = text.strip()
        return str(int(stripped)) if stripped.lstrip("+-").isdigit() else str(int(float(stripped)))
    if dtype == FLOAT:
        return str(float(text) + 0.0)  # a negative zero is a zero: one value, one label
    return text


def labelled(cells: Iterable[tuple[str | None, int]], dtype: str) -> tuple[tuple[str, int], ...]:
    """Labels with how often they occur from (cell, times) pairs: sorted as text, empty cells as NULL_LABEL."""
    counts: Counter[str] = Counter()
    for text, times in cells:
        counts[NULL_LABEL if text is None else label(text, dtype)] += times
    return tuple(sorted(counts.items()))
