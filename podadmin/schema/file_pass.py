"""The pass over a table file: everything that is known about its columns comes from reading every row once.

What a sample suggests decides which expressions are tried; what every cell says decides what a column is. Where the
sample shows numbers, DuckDB's parser makes them, and the first cell that is none starts the pass over without this.
Each expression over a cell is made once a row and used by all counts over it, which is why this is quick. What few
files need is asked for only where a first pass shows that this one does. How values are distributed is told by rows
that are drawn by lot: aggregates that look at all of them for it cost as much as reading the file.

Preparing a question takes the engine milliseconds for each column in it. Of a table with very many columns, those of
one kind are therefore stacked: their cells are read as rows, and one question serves thousands of columns.

Must never do: keep a value of a text column that few rows share, or drop a line without counting it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from podadmin.core.errors import Unavailable
from podadmin.datasources.dtypes import NULL_WORDS
from podadmin.datasources.engine import Engine, Misfit
from podadmin.datasources.model import Rejected
from podadmin.datasources.sample import Look
from podadmin.schema.counts import Counts, distribute
from podadmin.schema.file_columns import Column, Lot, seems_number

_EXACTLY_TOGETHER, _TOGETHER = 24, 128
"""Columns that one pass looks at. Each whose values are counted exactly takes up to 10 MB, however few its rows, and
every expression over a column takes room of its own: a wide file is read in turns."""
WIDE: Final = 500
"""Tables with more columns have theirs stacked, where that is quicker."""
_FEW_ROWS, _VERY_WIDE = 10_000, 2_500
"""Counting stacked cells takes longer than preparing the questions, from so many rows on; but where reading the file in
turns of few columns would take longer still."""
_LEAST_STACKED = 64
"""So many columns of one kind are worth a question of their own."""
_STACKED, _ONE_THREAD_BYTES = (2_000, 500), 4 << 20
"""Columns that are stacked together, and in a file that several threads read, or where memory is short. Each takes room
for as many cells as a thread reads at once."""
_EVERY_ROW, _AGAIN = "Reading every row once", "Looking again at what is unusual"
_MOST_ERRORS = 3
"""So many times the sample may be wrong about what is a number before all cells are read as text."""


@dataclass(frozen=True)
class Found:
    """`rows` that were read, what was found by column, and the lines that could not be read."""

    rows: int
    counts: dict[str, Counts]
    rejected: Rejected


class _Turn(Protocol):
    """Columns that are read together."""

    @property
    def columns(self) -> Sequence[Column]: ...

    def count(self, reader: Engine, lot: Lot, span: tuple[float, float]) -> Found:
        """Read every row for these columns."""

    def count_again(self, reader: Engine, counts: Mapping[str, Counts], span: tuple[float, float]) -> None:
        """Look once more at columns whose deviation would be inexact, or in which something is not as in the sample."""


def read_all(
    reader: Engine, looks: Sequence[Look], texts: frozenset[str], span: tuple[float, float], exact: bool
) -> Found:
    """Read every row for the columns in `looks`. `texts` are columns whose cells are needed as they stand (labels).

    `exact`: count different values exactly, where the memory suffices. Raises what Engine.rows raises.
    """
    if not exact and len(looks) > WIDE and (len(looks) > _VERY_WIDE or reader.about_rows <= _FEW_ROWS):
        small = reader.table.path.stat().st_size <= _ONE_THREAD_BYTES
        for together in _STACKED if small else _STACKED[1:]:
            reader.null_words = NULL_WORDS
            try:
                return _in_turns(reader, _stacked(reader, looks, texts, together), span)
            except Unavailable as error:
                if error.code != "datasource.memory":
                    raise
    try:
        return _as_sampled(reader, looks, texts, span, exact)
    finally:
        reader.typed = {}


def _as_sampled(
    reader: Engine, looks: Sequence[Look], texts: frozenset[str], span: tuple[float, float], exact: bool
) -> Found:
    """What the sample shows is believed until a cell says otherwise, for that is quick: numbers are read as such, and
    cells are compared with those words for "empty" that the sample uses. Then it is started over without the error.
    """
    text = reader.table.dialect is not None
    used = frozenset(word for seen in looks for word in seen.null_words)
    reader.null_words = ("", *sorted(used))
    reader.typed = _numbers(reader, looks, texts) if text else {}
    errors = 0
    while True:
        try:
            found = _exactly(reader, looks, texts, span, exact)
        except Misfit as misfit:
            errors += 1
            if misfit.cell in NULL_WORDS and reader.null_words != NULL_WORDS:
                reader.null_words = NULL_WORDS
            elif misfit.column is not None and errors < _MOST_ERRORS:
                reader.typed = {name: kind for name, kind in reader.typed.items() if name != misfit.column}
            else:
                reader.typed = {}
        else:
            strays = any(counts.strays for counts in found.counts.values())
            if not text or reader.null_words == NULL_WORDS or not strays:
                return found
            reader.null_words = NULL_WORDS


def _numbers(reader: Engine, looks: Sequence[Look], texts: frozenset[str]) -> dict[str, str]:
    """The columns that are read as numbers. DuckDB takes 1_000 for one, which pandas and so a pod does not."""
    if reader.glance.underscored or len(reader.table.columns) == 1:
        return {}
    return {seen.name: "DOUBLE" for seen in looks if seems_number(seen) and seen.name not in texts}


def _exactly(
    reader: Engine, looks: Sequence[Look], texts: frozenset[str], span: tuple[float, float], exact: bool
) -> Found:
    """Each exact count of different values needs a table of its own, so columns take turns; where even that is more
    memory than is allowed, the counts are estimates and say so.
    """
    try:
        return _in_turns(reader, _side_by_side(reader, looks, texts, exact), span)
    except Unavailable as error:
        if not exact or error.code != "datasource.memory":
            raise
    return _exactly(reader, looks, texts, span, False)


def _side_by_side(reader: Engine, looks: Sequence[Look], texts: frozenset[str], exact: bool) -> Sequence[_Turn]:
    columns = [Column(reader, seen, seen.name in texts, exact) for seen in looks]
    return [_SideBySide(part) for part in _parts(columns, _EXACTLY_TOGETHER if exact else _TOGETHER)] or [
        _SideBySide(())
    ]


def _stacked(reader: Engine, looks: Sequence[Look], texts: frozenset[str], together: int) -> Sequence[_Turn]:
    """Columns of one kind are stacked, and those of which there are few of a kind stand side by side."""
    kinds = defaultdict[object, list[tuple[Look, Column]]](list)
    for seen in looks:
        reader.check()
        column = Column(reader, seen, seen.name in texts, False, stacked=True)
        kinds[column.kind].append((seen, column))
    many = [[column for _, column in kind] for kind in kinds.values() if len(kind) >= _LEAST_STACKED]
    few = [seen for kind in kinds.values() if len(kind) < _LEAST_STACKED for seen, _ in kind]
    turns: list[_Turn] = [_Stacked(part) for kind in many for part in _parts(kind, together)]
    return [*turns, *(_side_by_side(reader, few, texts, False) if few else ())]


def _parts(columns: Sequence[Column], together: int) -> Sequence[Sequence[Column]]:
    return [columns[first : first + together] for first in range(0, len(columns), together)]


def _in_turns(reader: Engine, turns: Sequence[_Turn], span: tuple[float, float]) -> Found:
    rows, counts, rejected = 0, dict[str, Counts](), Rejected()
    columns = sum(len(each.columns) for each in turns)
    lot = Lot(columns, reader)
    share, done = (span[1] - span[0]) / max(columns, 1), 0
    for turn in turns:
        begin, done = span[0] + share * done, done + len(turn.columns)
        end = span[0] + share * done
        found = turn.count(reader, lot, (begin, end))
        rows, rejected = found.rows, found.rejected
        counts |= found.counts
        turn.count_again(reader, counts, (end, end))
    return Found(rows, counts, rejected)


@dataclass(frozen=True)
class _SideBySide:
    """Each column has expressions of its own, and one row answers them all."""

    columns: Sequence[Column]

    def count(self, reader: Engine, lot: Lot, span: tuple[float, float]) -> Found:
        drawn = [each for each in self.columns if each.drawn]
        select = ["count(*)"]
        derived = [made for each in self.columns for made in each.derived]
        if drawn:
            select.append(lot.drawing(f"[{', '.join(each.measured for each in drawn)}]"))
            derived.append("random() AS lot")
        first = len(select)
        select += [aggregate for each in self.columns for aggregate in each.select.values()]
        row = reader.rows(select, _EVERY_ROW, span, derived=derived)[0]
        values = iter(row[first:])
        counts = {each.name: each.counted({key: next(values) for key in each.select}) for each in self.columns}
        lots = zip(*row[1], strict=True) if drawn and row[1] else ()
        for each, cells in zip(drawn, lots, strict=False):
            distribute(counts[each.name], cells)
        return Found(int(row[0]), counts, reader.rejected())

    def count_again(self, reader: Engine, counts: Mapping[str, Counts], span: tuple[float, float]) -> None:
        asked = [each for each in self.columns if each.needs(counts[each.name])]
        if not asked:
            return
        select = [aggregate for each in asked for aggregate in each.again.values()]
        values = iter(reader.rows(select, _AGAIN, span, derived=[each.derived[0] for each in asked])[0])
        for each in asked:
            each.counted_again(counts[each.name], {key: next(values) for key in each.again})


@dataclass(frozen=True)
class _Stacked:
    """The expressions are the same for all columns, which are of one kind, and a row answers them for each."""

    columns: Sequence[Column]

    def count(self, reader: Engine, lot: Lot, span: tuple[float, float]) -> Found:
        one = self.columns[0]
        select = {"rows": "count(*)", **one.select}
        if one.drawn:
            select["lots"] = lot.drawing(one.measured)
        found = self._asked(reader, select, one.derived, _EVERY_ROW, span)
        rejected = reader.rejected()
        bins = self._counted_bins(reader, (span[1], span[1]))
        rows, counts = 0, dict[str, Counts]()
        for place, each in enumerate(self.columns):
            values = found.get(place, {})
            rows = values.get("rows", 0)
            counts[each.name] = each.counted(values | {"bins": bins[place]})
            distribute(counts[each.name], values.get("lots") or ())
        return Found(rows, counts, rejected)

    def count_again(self, reader: Engine, counts: Mapping[str, Counts], span: tuple[float, float]) -> None:
        asked = _Stacked([each for each in self.columns if each.needs(counts[each.name])])
        if not asked.columns:
            return
        one = asked.columns[0]
        found = asked._asked(reader, one.again, one.derived[:1], _AGAIN, span)
        for place, each in enumerate(asked.columns):
            each.counted_again(counts[each.name], found[place])

    def _asked(
        self, reader: Engine, select: Mapping[str, str], derived: Sequence[str], what: str, span: tuple[float, float]
    ) -> dict[int, dict[str, Any]]:
        """The answers by the place of their column; none where there are no rows."""
        asked = ["k", *select.values()]
        rows = reader.rows(asked, what, span, derived=derived, tail="GROUP BY k", **self._cells({}))
        return {place: dict(zip(select, values, strict=True)) for place, *values in rows}

    def _counted_bins(self, reader: Engine, span: tuple[float, float]) -> dict[int, dict[object, int]]:
        bins = defaultdict[int, dict[object, int]](dict)
        one = self.columns[0]
        wanted = [(place, value) for place, each in enumerate(self.columns) for value in each.bins]
        if not wanted:
            return bins
        values: dict[str, Sequence[object]] = {"places": [p for p, _ in wanted], "bins": [b for _, b in wanted]}
        listed = f"(SELECT unnest($places::BIGINT[]) AS p, unnest($bins::VARCHAR[])::{one.bin_type} AS b)"
        tail = f"JOIN {listed} ON k = p AND {one.binned} = b GROUP BY k, b"
        select = ["k", "b", "count(*)"]
        for place, value, times in reader.rows(
            select, _EVERY_ROW, span, derived=one.derived, tail=tail, **self._cells(values)
        ):
            bins[place][value] = times
        return bins

    def _cells(self, values: Mapping[str, Sequence[object]]) -> dict[str, Any]:
        middles = [each.middle for each in self.columns]
        return {"stacked": [each.name for each in self.columns], "values": {"middles": middles, **values}}
