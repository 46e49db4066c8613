"""What is asked of one column of a table file, and how the answers are read.

The same questions are asked of a column that stands beside others and of one whose cells are read as rows (Engine.rows,
`stacked`), so that how wide a table is changes no figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from podadmin.datasources.dtypes import FALSE_WORDS, NULL_WORDS, TRUE_WORDS, native_dtype
from podadmin.datasources.engine import Engine, literal
from podadmin.datasources.sample import FREQUENT, ISO_DATES, Look
from podadmin.schema.counts import Counts, measured

_LONGEST_NULL = max(map(len, NULL_WORDS))
_FAR = 1e8
"""Squared deviations from the mean to the number that it is reckoned from; beyond, digits of a deviation are lost."""
_COUNTED = frozenset(each.name for each in fields(Counts)) - {"bins"}
FEW_BINS: Final = 24
"""Up to so many different numbers in the sample, each is counted; more are a distribution."""


def seems_number(seen: Look) -> bool:
    """Is every cell of the sample a number?"""
    return 0 < seen.cells == seen.numbers


class Lot:
    """Rows drawn by lot, whose numbers and moments tell how all of them are distributed."""

    def __init__(self, all_columns: int, reader: Engine) -> None:
        wanted, rows = measured(all_columns), reader.about_rows
        # the numbers of the lots keep the drawn rows within bounds, however wrong the guess at how many rows there are
        self._share = 2.0 if rows <= 4 * wanted else 1.2 * wanted / rows
        self._most = 2 * wanted

    def drawing(self, drawn: str) -> str:
        """The expression that gives what is `drawn` of some rows, where each row has its `lot`."""
        within = f"lot < {self._share!r}"
        # no FILTER here or below: for each, DuckDB cuts all columns that are asked for, not only those it concerns
        return f"min_by(CASE WHEN {within} THEN {drawn} END, CASE WHEN {within} THEN lot END, {self._most})"


class Column:
    """The expressions over one column, and how their values are read.

    `stacked`: its cells are read as rows, together with those of other columns of the same `kind`. Then it is for who
    asks to count its `bins`, and to take every word for “empty” as such.
    """

    def __init__(self, reader: Engine, seen: Look, as_text: bool, exact: bool, *, stacked: bool = False) -> None:
        self.name = seen.name
        self._private = bool(seen.identifier)
        self.select: dict[str, str] = {}
        self.again: dict[str, str] = {}
        """What is asked in a second look, if need be."""
        self.derived: list[str] = []
        self.measured = ""
        """The number or moment of a row that tells how the column is distributed."""
        self.bins: tuple[str, ...] = ()
        self.binned, self.bin_type = "", ""
        """The expression whose values are counted one by one, where they are `bins`, and of which type those are."""
        self.middle = seen.middle
        self._reader = reader
        self._stacked = stacked
        self._middle = "middle" if stacked else f"{seen.middle!r}::DOUBLE"
        self._exact = exact
        self._strays = self._words = self._may_be_nan = False
        self._later: tuple[str, ...] = ()
        self._hashes: dict[int, str] = {}
        self._cell = "c" if stacked else reader.cell(seen.name)
        place = self._cell[1:]
        self._type = native = reader.type_of(seen.name)
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
        if self.bins and not stacked:
            if self.bin_type == "VARCHAR" and not exact:
                self._hash(f"h{place}")
            else:
                self.select["bins"] = self._histogram(self.binned, self.bins, self.bin_type)

    @property
    def drawn(self) -> bool:
        """Do rows drawn by lot tell how it is distributed?"""
        return bool(self.measured) and not self._private

    @property
    def kind(self) -> tuple[object, ...]:
        """What columns have to have in common to be stacked."""
        asked = (*self.select.items(), *self.again.items(), *self.derived)
        return (self._type, asked, self.measured, self.drawn, self.binned, self.bin_type)

    def _histogram(self, counted: str, bins: Sequence[str], bin_type: str) -> str:
        values = map(literal, bins) if bin_type == "VARCHAR" else bins
        return f"histogram_exact({counted}, [{', '.join(values)}]::{bin_type}[])"

    def _hash(self, hashed: str) -> None:
        """Count texts by their hashes of 64 bits: numbers are compared in half the time, and of a billion different
        texts one is taken for one of the bins, by chance, in fewer than one of 10^8 tables. Asking for the hashes of
        the bins takes a millisecond, so a small file has nothing of it.
        """
        text = self.binned
        self.derived.append(f"CASE WHEN {text} IS NOT NULL THEN hash({text}) END AS {hashed}")
        self._hashes = dict(zip(self._reader.judged(self.bins, "hash(c0)"), self.bins, strict=True))
        self.select["bins"] = self._histogram(hashed, tuple(map(str, self._hashes)), "UBIGINT")
        if self.select.get("distinct") == f"approx_count_distinct({text})":
            self.select["distinct"] = f"approx_count_distinct({hashed})"

    def _native(self, place: str, kind: str, native: str, seen: Look, as_text: bool) -> None:
        self.select["cells"] = f"count({self._cell})"
        if kind == "boolean":
            self.select["trues"] = f"count_if({self._cell})"
            self.select["falses"] = f"count_if(NOT {self._cell})"
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
        if seems_number(seen):
            number = f"n{place}"
            typed = seen.name in self._reader.typed
            self.derived.append(f"{self._cell} AS {number}" if typed else self._number(number))
            self._numbers(number, seen, check_whole=seen.whole)
            self.select["cells"] = f"count({self._cell})"
            self._may_be_nan = True
            if not typed:
                rest = f"CASE WHEN {number} IS NULL THEN {self._cell} END"
                self.select["odd"] = f"histogram_exact({rest}, getvariable('odd_words'))"
            if as_text:
                self._labels(self._cell, "", seen)
            return
        dated = bool(seen.date_format) and seen.dates == seen.cells and not unknown
        self._text(self._cell, seen, strays=not self._stacked, dated=dated and not as_text)
        if unknown:
            number = f"n{place}"
            self.derived.append(self._number(number))
            self._numbers(number, seen, check_whole=True)
        if self.bins and seen.booleans == seen.cells:
            self._words = True
            self.bins = tuple(sorted({*self.bins, *TRUE_WORDS, *FALSE_WORDS}))
        elif unknown or seen.booleans == seen.cells:
            for key, words_of in (("trues", TRUE_WORDS), ("falses", FALSE_WORDS)):
                self.select[key] = f"count_if({self._cell} IN ({', '.join(map(literal, words_of))}))"
        if unknown or dated:
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
        return f"{checked if self._reader.glance.underscored else made} AS {name}"

    def _numbers(self, number: str, seen: Look, check_whole: bool) -> None:
        # DuckDB's own deviation costs ten times as much as these sums, whose digits suffice near the middle
        away = f"({number} - {self._middle})" if self.middle or self._stacked else number
        self.select |= {
            "numbers": f"count({number})",
            "low": f"min({number})",
            "high": f"max({number})",
            "total": f"sum({number})",
            "squares": f"sum({away} * {away})",
        }
        self.again["deviation"] = f"stddev_samp({number})"
        if check_whole:
            self.select["fractional"] = f"max({number} <> trunc({number}))"
        if seen.frequent and seen.different <= FEW_BINS and not self.bins and seen.numbers == seen.cells:
            # a zero is one value whatever its sign
            bins = sorted(value for value in {float(cell) + 0.0 for cell in seen.frequent} if math.isfinite(value))
            self.bins, self.binned, self.bin_type = tuple(map(repr, bins)), number, "DOUBLE"
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

    def _text(self, text: str, seen: Look, strays: bool, dated: bool = False) -> None:
        length = "strlen" if self._reader.glance.ascii else "length"
        self.select |= {
            "cells": f"count({text})",
            "shortest": f"min({length}({text}))",
            "longest": f"max({length}({text}))",
        }
        # of more dates than are counted one by one nobody is told which are the most frequent
        later = dated and strays and seen.different > FREQUENT
        if seen.frequent and not later:
            self._labels(text, "", seen, strays)
        elif strays:
            if later:
                # but where some cells turn out to be none
                self._later = seen.frequent
                self.again["bins"] = self._histogram(text, seen.frequent, "VARCHAR")
            words = ", ".join(map(literal, NULL_WORDS[1:]))
            test = f"CASE WHEN strlen({text}) <= {_LONGEST_NULL} THEN {text} IN ({words}) ELSE false END"
            # where all cells of the sample are longer than such words, the shortest of all cells tells
            asked = self.again if seen.shortest > _LONGEST_NULL else self.select
            asked["strays"] = f"count_if({test})"
        self._distinct(text)

    def _labels(self, text: str, made: str, seen: Look, strays: bool = False) -> None:
        """Count the frequent values one by one, and words for "empty" among them."""
        if made:
            self.derived.append(made)
        self._strays = strays
        self.bins = tuple(sorted({*seen.frequent, *(NULL_WORDS[1:] if strays else ())}))
        self.binned, self.bin_type = text, "VARCHAR"

    def counted(self, values: Mapping[str, Any]) -> Counts:
        """The values of `select` as counts; `bins`, if any, is a mapping of values to how often they occur."""
        counts = Counts(exact=self._exact)
        total, squares = values.get("total"), values.get("squares", 0.0)
        for key, value in values.items():
            if key in _COUNTED and value is not None:
                setattr(counts, key, value)
        counts.whole = values.get("fractional") is False
        if counts.numbers and total is not None:
            counts.mean = total / counts.numbers
            if counts.numbers > 1:
                apart = counts.mean - self.middle
                spread = max(squares - counts.numbers * apart * apart, 0.0)
                counts.deviation = math.sqrt(spread / (counts.numbers - 1))
        if self._may_be_nan:
            counts.strays += counts.high is not None and counts.high != counts.high  # NaN sorts above all numbers
        if "odd" in values:
            # words for "empty", errors of spreadsheets, and all else under ""
            counts.odd = {str(text): times for text, times in _bins_of(values["odd"]).items() if times}
            counts.strays += sum(counts.odd.get(word, 0) for word in NULL_WORDS if word)
        if self.bins:
            of = counts.numbers if self.bin_type == "DOUBLE" else counts.cells
            found = _bins_of(values.get("bins"))
            if self._hashes:
                found = {self._hashes[key]: times for key, times in found.items() if key in self._hashes}
            _count_bins(counts, self.bins, found, of)
        if self._words:
            counts.trues, counts.falses = (
                sum(counts.bins.get(word, 0) for word in words) for words in (TRUE_WORDS, FALSE_WORDS)
            )
        if self._strays:
            counts.strays = sum(counts.bins.get(word, 0) for word in NULL_WORDS)
        return counts

    def needs(self, counts: Counts) -> bool:
        """Has the column to be looked at again?"""
        if "bins" in self.again and counts.dates < counts.cells:
            return True
        if "strays" in self.again and counts.shortest is not None and counts.shortest <= _LONGEST_NULL:
            return True
        if counts.mean is None or counts.deviation is None:
            return False
        apart = counts.mean - self.middle
        return apart * apart > _FAR * counts.deviation * counts.deviation > 0.0

    def counted_again(self, counts: Counts, values: Mapping[str, Any]) -> None:
        """Put the values of `again` into `counts`."""
        if "bins" in values:
            _count_bins(counts, self._later, _bins_of(values["bins"]), counts.cells)
        if "deviation" in values:
            counts.deviation = values["deviation"]
        if "strays" in values:
            counts.strays = values["strays"]


def _count_bins(counts: Counts, bins: Sequence[str], answer: Mapping[Any, int], cells: int) -> None:
    """Put how often each of `bins` occurs into `counts`. An answer tells of all other values together as well."""
    found = {str(key): times for key, times in answer.items()}
    counts.bins = {word: found[word] for word in bins if found.get(word)}
    counts.others = cells - sum(counts.bins.values())
    if counts.all_binned:
        counts.distinct, counts.exact = len(counts.bins), True


def _bins_of(value: object) -> dict[Any, int]:
    return dict(value) if isinstance(value, dict) else {}
