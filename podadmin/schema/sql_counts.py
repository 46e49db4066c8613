"""What is asked about one column of a database, and how the answers are read: one row of aggregates, nothing else.

The questions are those of the pass over a file (file_pass), so that what is counted of the same data is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Integer, case, cast, func, literal_column

from podadmin.datasources.database_columns import Cells, Column
from podadmin.datasources.database_expressions import (
    Characters,
    Deviation,
    Estimate,
    Key,
    Moment,
    Number,
    Seconds,
    Written,
)
from podadmin.datasources.database_samples import plain_moment
from podadmin.datasources.sample import ISO_DATES, Look
from podadmin.schema.counts import Counts

_ONE: ColumnElement[int] = literal_column("1")
_ZERO: ColumnElement[int] = literal_column("0")
_EXACT_REAL: ColumnElement[float] = literal_column("9e18")
_NUMBERS = frozenset({Cells.FLOAT, Cells.DECIMAL})
_TEXTS = frozenset({Cells.TEXT, Cells.OTHER})


class Asked:
    """The aggregates over one column. `exact`: count different values, otherwise estimate how many there are."""

    def __init__(self, column: Column, cell: ColumnElement[Any], seen: Look, family: str, exact: bool) -> None:
        self.column = column
        self.cell = cell
        self._family = family
        self._exact = exact
        self.select: dict[str, ColumnElement[Any]] = {"cells": func.count(cell)}
        match column.cells:
            case Cells.BOOLEAN:
                self.select["trues"] = func.sum(cast(cell, Integer))
            case Cells.WHOLE | Cells.FLOAT | Cells.DECIMAL:
                self._numbers()
            case Cells.MOMENT:
                self._moments(Moment(cell))
            case Cells.DYNAMIC:
                self._dynamic(seen)
            case _:
                self._text(cell)

    @property
    def group(self) -> ColumnElement[Any] | None:
        """What rows are grouped by where single values are counted; None where no value is ever shown."""
        kind = self.column.cells
        if kind in _NUMBERS:
            return Number(self.cell)
        if kind is Cells.MOMENT:
            return Written(self.cell)
        if kind in {Cells.BYTES, Cells.BOOLEAN}:
            return None
        return self.cell if kind is Cells.WHOLE else Key(self.cell, kind, self._family)

    def measured(self, counts: Counts) -> ColumnElement[Any] | None:
        """The cell as a number, of which a sample gives the distribution: itself, or seconds of a moment."""
        if self.column.cells is Cells.DYNAMIC:
            if counts.cells and counts.dates == counts.cells:
                return Seconds(self.cell)
            return Number(self.cell) if counts.cells and counts.numbers == counts.cells else None
        if self.column.cells is Cells.MOMENT:
            return Seconds(Moment(self.cell))
        return Number(self.cell) if self.column.cells in _NUMBERS | {Cells.WHOLE} else None

    def squares(self, counts: Counts) -> ColumnElement[Any] | None:
        """The sum of squared distances from the mean, where the database has no function for the deviation."""
        if self.column.cells is not Cells.DYNAMIC or not counts.numbers or counts.mean is None:
            return None
        away = _if_number(self.cell) - counts.mean
        return func.sum(away * away)

    def _numbers(self) -> None:
        number = Number(self.cell, self.column.cells)
        whole = self.column.cells is Cells.WHOLE
        ends = self.cell if whole else number
        self.select |= {
            "low": func.min(ends),
            "high": func.max(ends),
            "mean": func.avg(number),
            "deviation": Deviation(number),
        }
        if not whole:
            self.select["cells"] = func.count(number)
            self.select["whole"] = func.min(case((number != func.floor(number), _ZERO), else_=_ONE))
        self._distinct(ends)

    def _moments(self, moment: ColumnElement[Any]) -> None:
        self.select |= {
            "dates": func.count(moment),
            "first": Written(func.min(moment)),
            "last": Written(func.max(moment)),
        }
        self._distinct(moment)

    def _text(self, cell: ColumnElement[Any]) -> None:
        length = Characters(cell, self.column.cells)
        self.select |= {"shortest": func.min(length), "longest": func.max(length)}
        self._distinct(Key(cell, self.column.cells, self._family))

    def _dynamic(self, seen: Look) -> None:
        """SQLite keeps with every cell whether it is a number: a column is what all of its cells are."""
        number, kind = _if_number(self.cell), func.typeof(self.cell)
        real = case((kind == "real", self.cell))
        exact = case((func.abs(real) < _EXACT_REAL, real == cast(real, Integer)), else_=_ONE)
        text = case((kind.in_(["text", "blob"]), self.cell))
        self.select |= {
            "numbers": func.count(number),
            "low": func.min(number),
            "high": func.max(number),
            "mean": func.avg(number),
            "whole": func.min(case((kind == "real", exact), else_=_ONE)),
            "shortest": func.min(Characters(text)),
            "longest": func.max(Characters(text)),
        }
        if seen.cells and seen.dates == seen.cells and seen.date_format == ISO_DATES:
            self._moments(Moment(text))
        self.select.pop("distinct", None)
        self._distinct(Key(self.cell, Cells.DYNAMIC, self._family))

    def _distinct(self, expression: ColumnElement[Any]) -> None:
        exactly = func.count(expression.distinct())
        self.select["distinct"] = exactly if self._exact else Estimate(expression, self.column.cells)

    def counted(self, values: Mapping[str, Any]) -> Counts:
        """The values of `select` as counts."""
        counts = Counts(exact=self._exact)
        for name, value in values.items():
            if value is None:
                continue
            if name in {"first", "last"}:
                setattr(counts, name, plain_moment(str(value)))
            elif name in {"mean", "deviation"}:
                setattr(counts, name, float(value))
            elif name in {"low", "high"}:
                setattr(counts, name, _end(value, self.column.cells))
            elif name == "whole":
                counts.whole = bool(value)
            else:
                setattr(counts, name, int(value))
        if self.column.cells in _NUMBERS | {Cells.WHOLE}:
            counts.numbers = counts.cells
        counts.whole = counts.numbers > 0 and (counts.whole or self.column.cells is Cells.WHOLE)
        if self.column.cells is Cells.BOOLEAN:
            counts.falses = counts.cells - counts.trues
        return counts


def _if_number(cell: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((func.typeof(cell).in_(["integer", "real"]), cell))


def _end(value: Any, cells: Cells) -> float | int:
    if cells is Cells.WHOLE or isinstance(value, int):
        return int(value)
    return float(value)
