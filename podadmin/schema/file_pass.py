"""The pass over a table file: everything that is known about its columns comes from reading every row once.

What a sample suggests decides which expressions are tried; what every cell says decides what a column is. Each
expression over a cell is made once a row and used by all counts over it, which is why this is quick: making a number
of a cell costs far less than finding the cell in the file. What few files need is asked for only where a first pass
shows that this one does. How values are distributed is told by rows that are drawn by lot: aggregates that look at all
of them for it cost as much as reading the file.

Must never do: keep a value of a text column that few rows share, or drop a line without counting it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from podadmin.core.errors import Unavailable
from podadmin.datasources.dtypes import FALSE_WORDS, NULL_WORDS, TRUE_WORDS, native_dtype
from podadmin.datasources.engine import Engine, literal
from podadmin.datasources.model import Rejected
from podadmin.datasources.sample import ISO_DATES, Look
from podadmin.schema.counts import Counts, distribute, measured

_EXACTLY_TOGETHER, _TOGETHER = 24, 128
"""Columns that one pass looks at. Each whose values are counted exactly takes up to 10 MB, however few its rows, and
every expression over a column takes room of its own: a wide file is read in turns."""
_LONGEST_NULL = max(map(len, NULL_WORDS))
_FAR = 1e8
"""Squared deviations from the mean to the number that it is reckoned from; beyond, digits of a deviation are lost."""
FEW_BINS = 24
"""Up to so many different numbers in the sample, each is counted; more are a distribution."""


@dataclass(frozen=True)
class Found:
    """`rows` that were read, what was found by column, and the lines that could not be read."""

    rows: int
    counts: dict[str, Counts]
    rejected: Rejected


def read_all(
    reader: Engine, looks: Sequence[Look], texts: frozenset[str], span: tuple[float, float], exact: bool
) -> Found:
    """Read every row for the columns in `looks`. `texts` are columns whose cells are needed as they stand (labels).

    `exact`: count different values exactly, where the memory suffices. Raises what Engine.rows raises.
    """
    typed = reader.table.dialect is None
    # comparing every cell with every word for "empty" costs a third of a pass; few files use such words, so try with
    # those that the sample uses, and start over with what turned up beside them
    used = frozenset(word for seen in looks for word in seen.null_words)
    reader.null_words = ("", *sorted(used))
    found = _exactly(reader, looks, texts, span, exact)
    if not typed and any(counts.strays for counts in found.counts.values()):
        reader.null_words = NULL_WORDS
        found = _exactly(reader, looks, texts, span, exact)
    return found


def _exactly(
    reader: Engine, looks: Sequence[Look], texts: frozenset[str], span: tuple[float, float], exact: bool
) -> Found:
    """Each exact count of different values needs a table of its own, so columns take turns; where even that is more
    memory than is allowed, the counts are estimates and say so.
    """
    columns = [_Column(reader, seen, seen.name in texts, exact) for seen in looks]
    try:
        return _in_turns(reader, columns, span, _EXACTLY_TOGETHER if exact else _TOGETHER)
    except Unavailable as error:
        if not exact or error.code != "datasource.memory":
            raise
    return _exactly(reader, looks, texts, span, False)


def _in_turns(reader: Engine, columns: Sequence[_Column], span: tuple[float, float], together: int) -> Found:
    rows, counts, rejected = 0, dict[str, Counts](), Rejected()
    share = (span[1] - span[0]) / max(len(columns), 1)
    for first in range(0, max(len(columns), 1), together):
        part = columns[first : first + together]
        turn = (span[0] + share * first, span[0] + share * (first + len(part)))
        lot = _Lot(part, len(columns), reader.about_rows)
        select = ["count(*)", *lot.select, *(aggregate for each in part for aggregate in each.select.values())]
        derived = [*lot.derived, *(each for column in part for each in column.derived)]
        row = reader.rows(select, "Reading every row once", turn, derived=derived)[0]
        rejected = reader.rejected()
        rows, values = int(row[0]), iter(row[1 + len(lot.select) :])
        for each in part:
            counts[each.name] = each.counted({key: next(values) for key in each.select})
        lot.drawn(row[1] if lot.select else None, counts)
        _asked_again(reader, [each for each in part if each.needs(counts[each.name])], counts, turn)
    return Found(rows, counts, rejected)


def _asked_again(
    reader: Engine, columns: Sequence[_Column], counts: dict[str, Counts], span: tuple[float, float]
) -> None:
    """Look once more at columns of numbers in which something is none, or whose deviation would be inexact."""
    if not columns:
        return
    select = [aggregate for each in columns for aggregate in each.again.values()]
    derived = [each.derived[0] for each in columns]
    row = reader.rows(select, "Looking at what is no number", (span[1], span[1]), derived=derived)[0]
    values = iter(row)
    for each in columns:
        each.counted_again(counts[each.name], {key: next(values) for key in each.again})


class _Lot:
    """Rows drawn by lot, whose numbers and moments tell how all of them are distributed."""

    def __init__(self, columns: Sequence[_Column], all_columns: int, rows: int) -> None:
        self._columns = [each for each in columns if each.measured and not each.private]
        self.select: list[str] = []
        self.derived: list[str] = []
        if not self._columns:
            return
        wanted = measured(all_columns)
        row = f"[{', '.join(each.measured for each in self._columns)}]"
        # the numbers of the lots keep the drawn rows within bounds, however wrong the guess at how many rows there are
        share = 2.0 if rows <= 2 * wanted else 1.2 * wanted / rows
        self.select = [f"min_by(CASE WHEN lot < {share!r} THEN {row} END, lot, {2 * wanted}) FILTER (lot < {share!r})"]
        self.derived = ["random() AS lot"]

    def drawn(self, rows: Sequence[Sequence[float | None]] | None, counts: dict[str, Counts]) -> None:
        """Put what the drawn rows say into the counts of the columns."""
        for place, each in enumerate(self._columns):
            cells = (row[place] for row in rows or ())
            distribute(counts[each.name], sorted(cell for cell in cells if cell is not None and cell == cell))


class _Column:
    """The expressions over one column, and how their values are read."""

    def __init__(self, reader: Engine, seen: Look, as_text: bool, exact: bool) -> None:
        self.name = seen.name
        self.private = bool(seen.identifier)
        self.select: dict[str, str] = {}
        self.again: dict[str, str] = {}
        """What is asked in a second look, if need be."""
        self.derived: list[str] = []
        self.measured = ""
        """The number or moment of a row that tells how the column is distributed."""
        self._reader = reader
        self._middle = seen.middle
        self._exact = exact
        self._strays = False
        self._of_numbers = False
        self._cell = reader.cell(seen.name)
        self._bins: tuple[str, ...] = ()
        place = self._cell[1:]
        native = reader.type_of(seen.name)
        typed = reader.table.dialect is None
        kind = native_dtype(native) if typed else ""
        if typed and kind != "string":
            self._native(place, kind, native, seen, as_text)
        elif typed and native.startswith(("DATE", "TIMESTAMP")):
            self.select["cells"] = f"count({self._cell})"
            self._dates(f"m{place}", f"{self._cell}::TIMESTAMP AS m{place}")
            if as_text:
                self._labels(f"t{place}", f"{self._cell}::VARCHAR AS t{place}", seen)
        elif typed:
            self._text(f"t{place}", seen, strays=False)
            self.derived.append(f"{self._cell}::VARCHAR AS t{place}")
        else:
            self._cells(place, seen, as_text)

    def _native(self, place: str, kind: str, native: str, seen: Look, as_text: bool) -> None:
        self.select["cells"] = f"count({self._cell})"
        if kind == "boolean":
            self.select["trues"] = f"count(*) FILTER ({self._cell})"
            self.select["falses"] = f"count(*) FILTER (NOT {self._cell})"
            return
        whole = kind == "Int64"
        number = f"n{place}"
        self.derived.append(f"{self._cell}::DOUBLE AS {number}")
        self._numbers(number, seen, check_whole=not whole)
        if whole:
            self.select["low"], self.select["high"] = f"min({self._cell})", f"max({self._cell})"
        elif native != "DECIMAL":
            # what is no number counts as empty, as pandas and so a pod has it
            self.derived[-1] = f"nullif({self._cell}::DOUBLE, 'nan'::DOUBLE) AS {number}"
            self.select["cells"] = f"count({number})"
        if as_text:
            self._labels(f"t{place}", f"{self._cell}::VARCHAR AS t{place}", seen)

    def _cells(self, place: str, seen: Look, as_text: bool) -> None:
        """Expressions over cells that are text, as in every CSV: only what the sample has not ruled out."""
        unknown = not seen.cells
        if not unknown and seen.numbers == seen.cells:
            number = f"n{place}"
            self.derived.append(self._number(number))
            self._numbers(number, seen, check_whole=seen.whole)
            self.select["cells"] = f"count({self._cell})"
            rest = f"CASE WHEN {number} IS NULL THEN {self._cell} END"
            self.again["odd"] = f"histogram_exact({rest}, getvariable('odd_words'))"
            if as_text:
                self._labels(self._cell, "", seen)
            return
        self._text(self._cell, seen, strays=True)
        if unknown:
            number = f"n{place}"
            self.derived.append(self._number(number))
            self._numbers(number, seen, check_whole=True)
        if unknown or seen.booleans == seen.cells:
            for key, words_of in (("trues", TRUE_WORDS), ("falses", FALSE_WORDS)):
                self.select[key] = f"count(*) FILTER ({self._cell} IN ({', '.join(map(literal, words_of))}))"
        if unknown or (seen.dates == seen.cells and seen.date_format):
            how = seen.date_format or ISO_DATES
            made = (
                f"try_cast({self._cell} AS TIMESTAMP)"
                if how == ISO_DATES
                else f"try_strptime({self._cell}, {literal(how)})"
            )
            self._dates(f"m{place}", f"{made} AS m{place}")

    def _number(self, name: str) -> str:
        made = f"try_cast({self._cell} AS DOUBLE)"
        # DuckDB takes 1_000 for a number, pandas and so a pod does not
        checked = f"CASE WHEN contains({self._cell}, '_') THEN NULL ELSE {made} END"
        return f"{checked if self._reader.underscored else made} AS {name}"

    def _numbers(self, number: str, seen: Look, check_whole: bool) -> None:
        # DuckDB's own deviation costs ten times as much as these sums, whose digits suffice near the middle
        away = f"({number} - {self._middle!r}::DOUBLE)"
        self.select |= {
            "numbers": f"count({number})",
            "low": f"min({number})",
            "high": f"max({number})",
            "total": f"sum({number})",
            "squares": f"sum({away} * {away})",
        }
        self.again["deviation"] = f"stddev_samp({number})"
        if check_whole:
            self.select["whole"] = f"min(({number} = trunc({number}))::TINYINT)"
        if seen.frequent and seen.different <= FEW_BINS and not self._bins and seen.numbers == seen.cells:
            bins = sorted(value for value in {float(cell) for cell in seen.frequent} if math.isfinite(value))
            self._bins, self._of_numbers = tuple(map(repr, bins)), True
            self.select["bins"] = f"histogram_exact({number}, [{', '.join(self._bins)}]::DOUBLE[])"
        self.measured = number
        self._distinct(number)

    def _distinct(self, expression: str) -> None:
        if "distinct" not in self.select:
            exactly = f"count(DISTINCT {expression})"
            self.select["distinct"] = exactly if self._exact else f"approx_count_distinct({expression})"

    def _dates(self, moment: str, made: str) -> None:
        self.derived.append(made)
        self.select |= {
            "dates": f"count({moment})",
            "first": f"min({moment})::VARCHAR",
            "last": f"max({moment})::VARCHAR",
            "since": f"epoch(min({moment}))",
            "until": f"epoch(max({moment}))",
        }
        self.measured = f"epoch({moment})"
        self._distinct(moment)

    def _text(self, text: str, seen: Look, strays: bool) -> None:
        self.select |= {
            "cells": f"count({text})",
            "shortest": f"min(length({text}))",
            "longest": f"max(length({text}))",
        }
        if seen.frequent:
            self._labels(text, "", seen, strays)
        elif strays:
            words = ", ".join(map(literal, NULL_WORDS[1:]))
            test = f"CASE WHEN strlen({text}) <= {_LONGEST_NULL} THEN {text} IN ({words}) ELSE false END"
            self.select["strays"] = f"count(*) FILTER ({test})"
        self._distinct(text)

    def _labels(self, text: str, made: str, seen: Look, strays: bool = False) -> None:
        """Count the frequent values one by one, and words for "empty" among them."""
        if made:
            self.derived.append(made)
        self._strays, self._of_numbers = strays, False
        self._bins = tuple(sorted({*seen.frequent, *(NULL_WORDS[1:] if strays else ())}))
        bins = ", ".join(map(literal, self._bins))
        self.select["bins"] = f"histogram_exact({text}, [{bins}]::VARCHAR[])"

    def counted(self, values: dict[str, Any]) -> Counts:
        """The values of `select` as counts."""
        counts = Counts(exact=self._exact)
        bins, total, squares = (values.pop(key, None) for key in ("bins", "total", "squares"))
        counts.whole = bool(values.pop("whole", False))
        for key, value in values.items():
            if value is not None:
                setattr(counts, key, value)
        if counts.numbers and total is not None:
            counts.mean = total / counts.numbers
            if counts.numbers > 1:
                apart = counts.mean - self._middle
                spread = max(squares - counts.numbers * apart * apart, 0.0)
                counts.deviation = math.sqrt(spread / (counts.numbers - 1))
        if self.again.get("odd"):
            counts.strays += counts.high is not None and counts.high != counts.high  # NaN sorts above all numbers
        if self._bins:
            found = {str(key): times for key, times in _bins_of(bins).items()}
            counts.bins = {word: found.get(word, 0) for word in self._bins if found.get(word, 0)}
            named = sum(counts.bins.values())
            counts.others = (counts.numbers if self._of_numbers else counts.cells) - named
        if self._strays:
            counts.strays = sum(counts.bins.get(word, 0) for word in NULL_WORDS)
        if counts.all_binned:
            counts.distinct, counts.exact = len(counts.bins), True
        return counts

    def needs(self, counts: Counts) -> bool:
        """Has the column to be looked at again?"""
        if "odd" in self.again and counts.cells > counts.numbers:
            return True
        if counts.mean is None or counts.deviation is None:
            return False
        apart = counts.mean - self._middle
        return apart * apart > _FAR * counts.deviation * counts.deviation > 0.0

    def counted_again(self, counts: Counts, values: dict[str, Any]) -> None:
        """Put the values of `again` into `counts`."""
        counts.deviation = values["deviation"]
        if "odd" in values:
            # words for "empty", errors of spreadsheets, and all else under ""
            counts.odd = {str(text): times for text, times in _bins_of(values["odd"]).items() if times}
            counts.strays += sum(counts.odd.get(word, 0) for word in NULL_WORDS if word)


def _bins_of(value: object) -> dict[object, int]:
    return dict(value) if isinstance(value, dict) else {}
