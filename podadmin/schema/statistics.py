"""What is known about a column after the pass over the file, and how labels are written. Pure values and rules."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from podadmin.datasources.dtypes import BOOLEAN, FLOAT, INTEGER, TRUE_WORDS

NULL_LABEL = "nan"
"""The label that stands for an empty cell (bitfount contract, section 3.2)."""


@dataclass(frozen=True)
class ColumnStatistics:
    """One column: `count` cells that are not empty and `nulls` that are.

    `distinct` counts different values; `distinct_estimated` says that it may be off by a few per cent. `minimum` and
    `maximum` are kept for numbers and dates only (the ends of text are somebody's values), `mean` and `deviation`
    (of a sample, n - 1) for numbers; None where the column holds an infinity or too few values. `labels` are those of
    a categorical column with how often each occurs, in the order of their classes.
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
    minimum: float | int | str | None = None
    maximum: float | int | str | None = None
    mean: float | None = None
    deviation: float | None = None
    labels: tuple[tuple[str, int], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        return asdict(self) | {"labels": [list(pair) for pair in self.labels]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ColumnStatistics:
        return cls(**{**data, "labels": tuple((str(label), int(times)) for label, times in data["labels"])})


def finite(value: float | None) -> float | None:
    """`value`, or None where JSON could not carry it."""
    return value if value is not None and math.isfinite(value) else None


def whole(value: float | None, dtype: str) -> float | int | None:
    """An end of a numeric column: an int in a column of whole numbers."""
    kept = finite(value)
    return int(kept) if kept is not None and dtype == INTEGER else kept


def dates(first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """The ends of a column of dates in UTC, without the time of day where neither has one."""
    midnight = " 00:00:00"
    if first and last and first.endswith(midnight) and last.endswith(midnight):
        return first.removesuffix(midnight), last.removesuffix(midnight)
    return first, last


def label(text: str, dtype: str) -> str:
    """How a cell is written as a label: as the pod writes the value that it reads from it, so `01` becomes `1`."""
    if dtype == BOOLEAN:
        return "True" if text in TRUE_WORDS else "False"
    if dtype == INTEGER:
        stripped = text.strip()
        return str(int(stripped)) if stripped.lstrip("+-").isdigit() else str(int(float(stripped)))
    if dtype == FLOAT:
        return str(float(text))
    return text


def labelled(cells: Iterable[tuple[str | None, int]], dtype: str) -> tuple[tuple[str, int], ...]:
    """Labels with how often they occur from (cell, times) pairs: sorted as text, empty cells as NULL_LABEL."""
    counts: Counter[str] = Counter()
    for text, times in cells:
        counts[NULL_LABEL if text is None else label(text, dtype)] += times
    return tuple(sorted(counts.items()))
