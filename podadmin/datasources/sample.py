"""What the first rows, and some further down, say about the columns of a table. Pure rules over cells.

A look decides what is tried in the pass over everything, never what a column is. No cell leaves this module except
those that many rows share.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import isfinite

from podadmin.datasources.dtypes import FALSE_WORDS, NULL_WORDS, TRUE_WORDS
from podadmin.datasources.identifiers import recognised, suspected
from podadmin.datasources.masking import masked

SAMPLE_ROWS = 1_000
SAMPLE_CELLS = 400_000
"""A table with very many columns is looked at with fewer rows."""
SHARES = 129
"""Values at even shares, the ends included, that are kept of a column's distribution."""
FREQUENT = 64
"""The most values whose occurrences are counted exactly in the pass."""
_PATTERNS = 3
_IDENTIFIED_BY = 200
_PATTERN_LENGTH = 40
_FAR = 1e4

_NUMBER = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?)\s*", re.ASCII | re.IGNORECASE)
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_PARTED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})", re.ASCII)
_BOOLEANS = frozenset(TRUE_WORDS + FALSE_WORDS)
_NULLS = frozenset(NULL_WORDS)
SPREADSHEET_ERRORS = ("#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")

ISO_DATES = "iso"
_DAY_FIRST, _MONTH_FIRST = "%d{0}%m{0}%Y", "%m{0}%d{0}%Y"


@dataclass(frozen=True)
class Look:
    """What the sample says about one column: counts of cells that are not empty.

    `date_format`: ISO_DATES, a strptime format that every cell fits, or "". `formats`: how many ways of writing dates
    there are. `frequent`: the most frequent cells, sorted, where many rows share them. `patterns`: shapes of cells
    with how many have them (see masking). `errors`: texts that spreadsheets put in place of a value. `looks_like`: the
    kind of identifier that the cells suggest, and `by` which rule.
    """

    name: str
    cells: int
    booleans: int
    numbers: int
    whole: bool
    beyond_64_bits: bool
    dates: int
    null_words: frozenset[str]
    """The words for "empty" that the sample uses, "" aside."""
    date_format: str = ""
    formats: int = 0
    different: int = 0
    shortest: int = 0
    """Characters of the shortest cell."""
    middle: float = 0.0
    """From where squared deviations are reckoned: the mean of its finite numbers, or 0 where that is not far."""
    frequent: tuple[str, ...] = ()
    patterns: tuple[tuple[str, int], ...] = ()
    errors: int = 0
    looks_like: str = ""
    by: str = ""

    @property
    def identifier(self) -> str:
        """The kind of identifier that its cells or its name suggest, "" for none."""
        return self.looks_like or suspected(self.name)


def judged(name: str, cells: Sequence[str | None]) -> Look:
    """What the `cells` of a column look like; None stands for an empty one. Pure."""
    counts = Counter(cell for cell in cells if cell is not None)
    empty = frozenset(cell for cell in counts if cell in _NULLS)
    filled = {cell: times for cell, times in counts.items() if cell not in empty}
    total = sum(filled.values())
    numbers, large, whole, booleans = 0, False, True, 0
    finite, added, squared = 0, 0.0, 0.0
    dates: Counter[str] = Counter()
    for cell, times in filled.items():
        if _NUMBER.fullmatch(cell):
            number = float(cell)
            numbers += times
            whole = whole and number.is_integer()
            large = large or abs(number) >= 2.0**64
            if isfinite(number):
                finite, added, squared = finite + times, added + number * times, squared + number * number * times
        elif cell in _BOOLEANS:
            booleans += times
        elif kind := _date_kind(cell):
            dates[kind] += times
    how, many = _format(dates)
    kind, rule = recognised(list(islice(filled, _IDENTIFIED_BY)), numbers == total and not whole)
    return Look(
        name,
        total,
        booleans,
        numbers,
        numbers > 0 and whole,
        large,
        dates.total() if how else 0,
        empty - {""},
        how,
        many,
        len(filled),
        min(map(len, filled), default=0),
        _middle(finite, added, squared),
        _frequent(filled, total),
        _patterns(filled),
        sum(filled.get(error, 0) for error in SPREADSHEET_ERRORS),
        kind,
        rule,
    )


def _middle(finite: int, added: float, squared: float) -> float:
    mean = added / finite if finite and isfinite(added) else 0.0
    # reckoning from 0 is quicker, and costs no more than four digits of a deviation
    return 0.0 if finite and mean * mean <= _FAR * (squared / finite - mean * mean) else mean


def _date_kind(cell: str) -> str:
    if _ISO.fullmatch(cell):
        return ISO_DATES
    found = _PARTED.fullmatch(cell)
    if not found or not (0 < int(found[1]) <= 31 and 0 < int(found[3]) <= 31):
        return ""
    if int(found[1]) > 12:
        return _DAY_FIRST.format(found[2])
    if int(found[3]) > 12:
        return _MONTH_FIRST.format(found[2])
    return f"?{found[2]}"


def _format(dates: Counter[str]) -> tuple[str, int]:
    """The one way in which all dates are written ("" where there are several), and how many ways there are."""
    sure = {kind for kind in dates if not kind.startswith("?")}
    for kind in [kind for kind in dates if kind.startswith("?")]:
        known = {_DAY_FIRST.format(kind[1]), _MONTH_FIRST.format(kind[1])} & sure
        if not known:
            sure.add(_DAY_FIRST.format(kind[1]))  # nothing in the sample says otherwise: as most of the world writes
    return (sure.pop(), 1) if len(sure) == 1 else ("", len(sure))


def _frequent(filled: dict[str, int], total: int) -> tuple[str, ...]:
    if len(filled) > FREQUENT and len(filled) > total // 4:
        return ()
    ranked = sorted(filled, key=lambda cell: (-filled[cell], cell))[:FREQUENT]
    return tuple(sorted(cell for cell in ranked if len(cell) <= 200 and "\0" not in cell))


def _patterns(filled: dict[str, int]) -> tuple[tuple[str, int], ...]:
    shapes: Counter[str] = Counter()
    for cell, times in filled.items():
        shape = masked(cell[: _PATTERN_LENGTH + 1])
        shapes[shape if len(shape) <= _PATTERN_LENGTH else shape[:_PATTERN_LENGTH] + "…"] += times
    return tuple(sorted(shapes.items(), key=lambda pair: (-pair[1], pair[0]))[:_PATTERNS])
