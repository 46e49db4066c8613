"""Makes a schema from a file: a look at its first rows, then one pass that counts everything, in bounded memory.

The look only rules out what a column cannot be, so that fewer things are tried in the pass; what a column is gets
decided by all of its cells. A column that turns into text in its last line is text. Labels of categorical columns
cost a second, narrower pass, because only then is it known how many there will be.

Must never do: keep a value of a text column, drop a line without counting it, or return anything after the file
changed underneath.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from podadmin.core.clock import Clock
from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources.choices import check_choices, forced
from podadmin.datasources.csv import Look, located, look, opened, refuse_without_rows
from podadmin.datasources.dtypes import (
    BOOLEAN,
    FALSE_WORDS,
    FLOAT,
    INTEGER,
    NULL_WORDS,
    STRING,
    TRUE_WORDS,
    Evidence,
    dtype_of,
    stype_of,
)
from podadmin.datasources.engine import DEFAULT_MEMORY, Engine, engine, literal
from podadmin.datasources.files import unchanged
from podadmin.datasources.model import ColumnChoices, CsvSource, Fingerprint, Rejected
from podadmin.schema.model import Document, Feature
from podadmin.schema.statistics import ColumnStatistics, dates, finite, labelled, whole

MAX_LABELS = 100_000
EXACT_BYTES = 8 << 20
"""Up to this size of file different values are counted exactly; beyond it they are estimated (HyperLogLog)."""
_EXACTLY_TOGETHER, _TOGETHER = 24, 96
"""Columns that one pass looks at. Each whose values are counted exactly takes up to 10 MB, however few its rows, and
every expression over a column takes room of its own: a wide file is read in turns."""
_SAFE_INTEGER = 2.0**53
_INT64 = 2.0**63
_LOOK_SPAN, _PASS_SPAN, _LABEL_SPAN = (0.0, 0.05), (0.05, 0.8), (0.85, 1.0)


@dataclass(frozen=True)
class Generated:
    """A schema that was made and not yet kept. `rows` were read, `rejected` were not; `seconds` it took."""

    document: Document
    columns: tuple[ColumnStatistics, ...]
    rejected: Rejected
    rows: int
    seconds: float
    fingerprint: Fingerprint


def generate(
    name: str,
    source: CsvSource,
    choices: ColumnChoices,
    clock: Clock,
    progress: Progress,
    *,
    description: str | None = None,
    memory_limit: str = DEFAULT_MEMORY,
    temp_directory: Path | None = None,
    max_labels: int = MAX_LABELS,
) -> Generated:
    """The full schema of `source`.

    `memory_limit` bounds DuckDB's buffers, for example `512MB`; what does not fit spills to `temp_directory` or is an
    error where there is none. Raises what `datasources.csv.probe` raises, `datasource.unknown-column` and its kin for
    choices that fit nothing, BadInput `schema.too-many-labels` and `schema.not-numeric`, and Cancelled.
    """
    started = clock.monotonic()
    path = located(source.path)
    with unchanged(path) as found:
        how = opened(path)
        check_choices(choices, how.columns)
        with engine(path, how, progress, memory_limit=memory_limit, temp_directory=temp_directory) as reader:
            maker = _Maker(reader, how.columns, choices, found.size <= EXACT_BYTES, max_labels)
            rows, columns = maker.columns()
        refuse_without_rows(rows, maker.rejected)
    document = Document(name, description, rows, tuple(map(_feature, columns)), _force_stypes(maker.forced))
    return Generated(document, columns, maker.rejected, rows, clock.monotonic() - started, found)


def _feature(column: ColumnStatistics) -> Feature:
    labels = tuple(label for label, _ in column.labels)
    return Feature(column.name, column.description, column.dtype, column.stype, labels)


def _force_stypes(chosen: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {stype: tuple(n for n, s in chosen.items() if s == stype) for stype in sorted(set(chosen.values()))}


@dataclass
class _Counts:
    """What the pass found out about one column."""

    cells: int = 0
    distinct: int = 0
    trues: int = 0
    falses: int = 0
    numbers: int = 0
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    deviation: float | None = None
    whole: bool = False
    dates: int = 0
    first: str | None = None
    last: str | None = None
    strays: int = 0


class _Maker:
    """One generation over one open file."""

    def __init__(
        self, reader: Engine, header: tuple[str, ...], choices: ColumnChoices, exact: bool, max_labels: int
    ) -> None:
        self._reader = reader
        self._choices = choices
        self._exact = exact
        self._max_labels = max_labels
        self._names = tuple(name for name in header if name not in choices.ignore)
        self.forced = forced(choices, header)
        self.rejected = Rejected()

    def columns(self) -> tuple[int, tuple[ColumnStatistics, ...]]:
        """The number of rows and the statistics of every column that is not ignored, in the order of the file."""
        _, looks = look(self._reader, self._names, _LOOK_SPAN)
        if self._exact:
            rows, counts = self._exactly(looks)
        else:
            # comparing every cell with every word for "empty" costs a third of a pass; few files use such words, so
            # try without those that the first rows do not use, and start over where one turns up after all
            used = frozenset(word for seen in looks for word in seen.null_words)
            self._reader.null_words = ("", *sorted(used - {""}))
            rare = tuple(word for word in NULL_WORDS if word and word not in used)
            rows, counts = self._in_turns(looks, rare, _TOGETHER)
            if any(found.strays for found in counts.values()):
                self._reader.null_words = NULL_WORDS
                rows, counts = self._in_turns(looks, (), _TOGETHER)
        dtypes = {name: self._dtype(name, found) for name, found in counts.items()}
        stypes = {name: self._stype(name, dtypes[name], counts[name]) for name in self._names}
        labels = self._labels([n for n in self._names if stypes[n] == "categorical"], dtypes, counts, rows)
        return rows, tuple(
            self._statistics(name, dtypes[name], stypes[name], counts[name], rows, labels.get(name, ()))
            for name in self._names
        )

    def _exactly(self, looks: list[Look]) -> tuple[int, dict[str, _Counts]]:
        """Exact counts of different values. Each column needs a table of its own, so columns take turns; where even
        that is more memory than is allowed, the counts are estimates and say so.
        """
        try:
            return self._in_turns(looks, (), _EXACTLY_TOGETHER)
        except Unavailable as error:
            if error.code != "datasource.memory":
                raise
            self._exact = False
            return self._in_turns(looks, (), _EXACTLY_TOGETHER)

    def _in_turns(self, looks: list[Look], strays: tuple[str, ...], together: int) -> tuple[int, dict[str, _Counts]]:
        rows, counts = 0, dict[str, _Counts]()
        start, end = _PASS_SPAN
        for first in range(0, max(len(looks), 1), together):
            part = looks[first : first + together]
            share = (end - start) / max(len(looks), 1)
            span = (start + share * first, start + share * (first + len(part)))
            rows, found = self._pass(part, strays, span)
            counts |= found
        return rows, counts

    def _pass(
        self, looks: list[Look], strays: tuple[str, ...], span: tuple[float, float]
    ) -> tuple[int, dict[str, _Counts]]:
        """Read every row once. `strays` are words for "empty" that the reader was not told to know."""
        select: list[str] = ["count(*)"]
        filled: list[tuple[_Counts, str]] = []
        counts = {seen.name: _Counts() for seen in looks}
        for seen in looks:
            for attribute, aggregate in self._aggregates(seen, strays):
                filled.append((counts[seen.name], attribute))
                select.append(aggregate)
        row = self._reader.rows(select, "Reading every row once", span)[0]
        self.rejected = self._reader.rejected()
        for (target, attribute), value in zip(filled, row[1:], strict=True):
            setattr(target, attribute, value)
        return int(row[0]), counts

    def _aggregates(self, seen: Look, strays: tuple[str, ...]) -> list[tuple[str, str]]:
        """(attribute of _Counts, SQL aggregate) for one column: only what the first rows have not ruled out."""
        cell = self._reader.cell(seen.name)
        parts = [
            ("cells", f"count({cell})"),
            ("distinct", f"count(DISTINCT {cell})" if self._exact else f"approx_count_distinct({cell})"),
        ]
        if strays and (not seen.cells or seen.numbers < seen.cells):
            parts.append(("strays", f"count(*) FILTER ({cell} IN ({', '.join(map(literal, strays))}))"))
        elif strays:
            # in a column of numbers a stray word is what is no number, or NaN: no need to compare every cell
            number = f"try_cast({cell} AS DOUBLE)"
            parts.append(("strays", f"count({cell}) - count({number}) + count(*) FILTER (isnan({number}))"))
        if seen.booleans == seen.cells:
            parts += [
                ("trues", f"count(*) FILTER ({cell} IN ({', '.join(map(literal, TRUE_WORDS))}))"),
                ("falses", f"count(*) FILTER ({cell} IN ({', '.join(map(literal, FALSE_WORDS))}))"),
            ]
        if seen.numbers == seen.cells:
            number = f"try_cast({cell} AS DOUBLE)"
            parts += [
                ("numbers", f"count({number})"),
                ("low", f"min({number})"),
                ("high", f"max({number})"),
                ("mean", f"avg({number})"),
                ("deviation", f"stddev_samp({number})"),
            ]
            if seen.whole or not seen.cells:
                parts.append(("whole", f"coalesce(bool_and({number} = trunc({number})), false)"))
        if seen.dates == seen.cells:
            moment = f"try_cast({cell} AS TIMESTAMP)"
            parts += [
                ("dates", f"count({moment})"),
                ("first", f"min({moment})::VARCHAR"),
                ("last", f"max({moment})::VARCHAR"),
            ]
        return parts

    def _dtype(self, name: str, found: _Counts) -> str:
        largest = max(abs(found.low or 0.0), abs(found.high or 0.0))
        if found.cells and found.numbers == found.cells and found.whole and largest >= _SAFE_INTEGER:
            return self._large(name, found, largest)
        return dtype_of(
            Evidence(found.cells, found.trues + found.falses, found.numbers, found.whole and largest < _INT64)
        )

    def _large(self, name: str, found: _Counts, largest: float) -> str:
        """Whole numbers beyond 2^53: floating point has lost their last digits, so look once more, exactly.

        Digits that fit no 64-bit number are an identifier and stay text, as pandas leaves them.
        """
        cell = self._reader.cell(name)
        select = [
            f"count(*) FILTER (regexp_matches({cell}, '[.eE]'))",
            f"min(try_cast({cell} AS BIGINT))",
            f"max(try_cast({cell} AS BIGINT))",
            f"count(try_cast({cell} AS BIGINT))",
        ]
        fractional, low, high, fits = self._reader.rows(select, "Looking at large numbers", (0.8, 0.85))[0]
        if fractional:
            return FLOAT if largest >= _INT64 else INTEGER
        if fits < found.cells:
            return STRING
        found.low, found.high = low, high
        return INTEGER

    def _stype(self, name: str, dtype: str, found: _Counts) -> str:
        chosen = self.forced.get(name)
        if chosen == "continuous" and found.cells and dtype not in {INTEGER, FLOAT}:
            raise BadInput(
                "schema.not-numeric",
                f"The column “{stranger(name, 60)}” cannot be continuous.",
                f"{found.cells - found.numbers} of its {found.cells} values are not numbers."
                if found.numbers
                else "Its values are not numbers.",
                "Take the chosen type back, or have the values corrected where the file is written.",
            )
        return chosen or stype_of(name, dtype)

    def _labels(
        self, names: list[str], dtypes: dict[str, str], counts: dict[str, _Counts], rows: int
    ) -> dict[str, tuple[tuple[str, int], ...]]:
        """The labels of the categorical columns `names`, with how often each occurs."""
        known: dict[str, tuple[tuple[str, int], ...]] = {}
        for name in names:
            found = counts[name]
            # an estimate may be off by some per cent: only clear excess is refused here, the rest below
            if found.distinct > self._max_labels * (1 if self._exact else 1.5):
                raise self._too_many(name, found.distinct)
            if dtypes[name] == BOOLEAN:
                cells = [("True", found.trues), ("False", found.falses), (None, rows - found.cells)]
                known[name] = labelled([(text, times) for text, times in cells if times], BOOLEAN)
        asked = [name for name in names if name not in known]
        if not asked:
            return known
        columns = [self._reader.cell(name) for name in asked]
        sets = ", ".join(f"({column})" for column in columns)
        # in every grouping set all other columns are NULL, so that coalesce finds the one that is meant
        select = [f"grouping({', '.join(columns)})", f"coalesce({', '.join(columns)})", "count(*)"]
        found_rows = self._reader.rows(
            select,
            "Collecting the labels of categorical columns",
            _LABEL_SPAN,
            tail=f"GROUP BY GROUPING SETS ({sets}) LIMIT {(self._max_labels + 2) * len(asked) * 2}",
        )
        every = (1 << len(asked)) - 1
        which = {every ^ (1 << (len(asked) - 1 - place)): name for place, name in enumerate(asked)}
        cells_of: dict[str, list[tuple[str | None, int]]] = {name: [] for name in asked}
        for mask, text, times in found_rows:
            cells_of[which[mask]].append((text, times))
        for name, found_cells in cells_of.items():
            known[name] = labelled(found_cells, dtypes[name])
            if len(known[name]) > self._max_labels:
                raise self._too_many(name, len(known[name]))
        return known

    def _too_many(self, name: str, labels: int) -> BadInput:
        return BadInput(
            "schema.too-many-labels",
            f"The column “{stranger(name, 60)}” cannot be categorical.",
            f"It has about {labels} different values, and {self._max_labels} labels are the most that a schema may "
            "carry; every one of them would be published.",
            "Choose text for this column, or ignore it.",
        )

    def _statistics(
        self, name: str, dtype: str, stype: str, found: _Counts, rows: int, labels: tuple[tuple[str, int], ...]
    ) -> ColumnStatistics:
        number = dtype in {INTEGER, FLOAT}
        low: float | int | str | None = None
        high: float | int | str | None = None
        if number:
            low, high = whole(found.low, dtype), whole(found.high, dtype)
        elif found.cells and found.dates == found.cells:
            low, high = dates(found.first, found.last)
        exact = self._exact or stype == "categorical"
        return ColumnStatistics(
            name,
            dtype,
            stype,
            name in self.forced,
            self._choices.describe.get(name),
            found.cells,
            rows - found.cells,
            sum(label != "nan" for label, _ in labels) if stype == "categorical" else found.distinct,
            not exact,
            low,
            high,
            finite(found.mean) if number else None,
            finite(found.deviation) if number else None,
            labels,
        )
