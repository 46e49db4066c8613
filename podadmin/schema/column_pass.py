"""The profile of a table that somebody else counts: a database, or an engine over many machines.

Whoever counts answers five questions (Counting); what is asked, in which order, and what the answers mean is the same
for all, so that the same data gives the same schema wherever it lies. Rows never travel, but for two small samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from podadmin.core.errors import BadInput
from podadmin.datasources.choices import forced
from podadmin.datasources.database_columns import Cells, Column, declared
from podadmin.datasources.dtypes import FLOAT, INTEGER, STRING
from podadmin.datasources.model import ColumnChoices
from podadmin.datasources.sample import FREQUENT, Look
from podadmin.schema.column_rules import Labels, every_statistics, known_labels, semantic, too_many_labels, typed
from podadmin.schema.counts import Counts, distribute, measured
from podadmin.schema.file_columns import FEW_BINS
from podadmin.schema.profile import Profile
from podadmin.schema.statistics import labelled

EXACT_ROWS: Final = 100_000
"""Up to so many rows different values are counted while everything else is."""
EXACT_DISTINCT: Final = 50_000
"""Up to about so many different values of a longer table are counted in a question of their own; more are estimated."""
MOST_GROUPED: Final = 200
"""Columns whose values are counted in a question of their own. Each reads the table once more, so a very wide table has
its first such columns counted; of the others the figures stand, and estimates stay estimates. Labels are always
asked for."""
_LONGEST_VALUE: Final = 200
_NUMBERS: Final = frozenset({Cells.WHOLE, Cells.FLOAT, Cells.DECIMAL})


@dataclass(frozen=True)
class Value:
    """A value as text, how often it occurs, and how many different ones its column has."""

    text: str
    times: int
    different: int


class Counting(Protocol):
    """Who counts. Everything may raise Cancelled and what the database reports."""

    def looks(self, columns: Sequence[Column]) -> Sequence[Look]:
        """What some rows say about each column."""

    def counted(self, columns: Sequence[Column], seen: Mapping[str, Look]) -> tuple[int, dict[str, Counts]]:
        """How many rows there are, and the figures of each column over all of them."""

    def grouped(self, column: Column, limit: int, what: str, done: float) -> Sequence[Value]:
        """The most frequent values that are not empty, the most frequent first; none where values are not shown."""

    def drawn(
        self, columns: Sequence[Column], counts: Mapping[str, Counts], wanted: int, rows: int
    ) -> dict[str, list[float]]:
        """About `wanted` of `rows` values of each column that is numbers or moments (seconds since 1970), sorted."""


def profile_of(counting: Counting, columns: Sequence[Column], choices: ColumnChoices, max_labels: int) -> Profile:
    """The profile of a table with these columns. Raises BadInput `datasource.database-empty` and `schema.*`."""
    kept = [each for each in columns if each.name not in choices.ignore]
    return _Pass(counting, kept, choices, forced(choices, tuple(each.name for each in columns)), max_labels).profile()


class _Pass:
    """One profile."""

    def __init__(
        self,
        counting: Counting,
        columns: Sequence[Column],
        choices: ColumnChoices,
        chosen: Mapping[str, str],
        max_labels: int,
    ) -> None:
        self._counting = counting
        self._columns = {each.name: each for each in columns}
        self._choices = choices
        self._forced = chosen
        self._max_labels = max_labels

    def profile(self) -> Profile:
        """What is found about every column, in the order of the table."""
        every = tuple(self._columns.values())
        seen = {each.name: each for each in self._counting.looks(every)}
        rows, counts = self._counting.counted(every, seen)
        if not rows:
            raise BadInput(
                "datasource.database-empty",
                "There are no rows.",
                "The table, or what the query gives, is empty for this account.",
                "Check that the right table was chosen and that the account may see its rows.",
            )
        self._valued(counts, seen)
        dtypes = {name: _dtype(each.cells, counts[name]) for name, each in self._columns.items()}
        stypes = {name: semantic(name, dtypes[name], counts[name], self._forced.get(name)) for name in dtypes}
        self._measured(rows, counts, seen)
        labels = self._labels([name for name in stypes if stypes[name] == "categorical"], dtypes, counts, rows)
        found = every_statistics(
            [seen[name] for name in self._columns],
            dtypes,
            stypes,
            counts,
            rows,
            labels,
            self._forced,
            self._choices.describe,
        )
        return Profile(rows, tuple(found))

    def _valued(self, counts: Mapping[str, Counts], seen: Mapping[str, Look]) -> None:
        """Count the values of columns that have few, and how many different ones there are where that was estimated."""
        worth = [each for name, each in self._columns.items() if _worth_grouping(each, counts[name], seen[name])]
        for place, column in enumerate(worth[:MOST_GROUPED]):
            done = 0.6 + 0.25 * place / len(worth)
            found = self._counting.grouped(column, FREQUENT + 1, "Counting values", done)
            counted = counts[column.name]
            if found:
                counted.distinct, counted.exact = found[0].different, True
            number = column.cells in _NUMBERS or (counted.cells and counted.numbers == counted.cells)
            if number and counted.distinct > FEW_BINS:
                continue
            bins = {repr(float(each.text)) if number else each.text: each.times for each in found[:FREQUENT]}
            counted.bins = {text: times for text, times in bins.items() if len(text) <= _LONGEST_VALUE}
            counted.others = counted.cells - sum(counted.bins.values())

    def _measured(self, rows: int, counts: dict[str, Counts], seen: Mapping[str, Look]) -> None:
        """How numbers and moments are distributed, by those of some rows."""
        worth = [each for name, each in self._columns.items() if counts[name].cells and not seen[name].identifier]
        wanted = measured(len(worth))
        for name, numbers in self._counting.drawn(worth, counts, wanted, rows).items():
            distribute(counts[name], numbers)

    def _labels(
        self, names: Sequence[str], dtypes: Mapping[str, str], counts: Mapping[str, Counts], rows: int
    ) -> dict[str, Labels]:
        """The labels of the categorical columns `names`, with how often each occurs."""
        known: dict[str, Labels] = {}
        for name in names:
            found = counts[name]
            # an estimate may be off by some per cent: only clear excess is refused before the labels are asked for
            if found.distinct > self._max_labels * (1 if found.exact else 1.5):
                raise too_many_labels(name, found.distinct, self._max_labels)
            labels = known_labels(dtypes[name], found, rows, name in self._forced)
            if labels is None:
                what = "Collecting the labels of categorical columns"
                grouped = self._counting.grouped(self._columns[name], self._max_labels + 1, what, 0.95)
                empty = [(None, rows - found.cells)] if rows > found.cells else []
                labels = labelled([*((each.text, each.times) for each in grouped), *empty], dtypes[name])
            if len(labels) > self._max_labels:
                raise too_many_labels(name, len(labels), self._max_labels)
            known[name] = labels
        return known


def _worth_grouping(column: Column, found: Counts, seen: Look) -> bool:
    if column.cells in {Cells.BYTES, Cells.BOOLEAN} or not found.cells:
        return False
    if not found.exact:
        return found.distinct < EXACT_DISTINCT
    if column.cells is Cells.MOMENT:
        return False
    if found.numbers == found.cells:
        return found.distinct <= FEW_BINS
    return found.distinct <= FREQUENT or (bool(seen.frequent) and not seen.identifier)


def _dtype(cells: Cells, found: Counts) -> str:
    if cells is not Cells.DYNAMIC:
        return typed(declared(cells), found)
    if not found.cells or found.numbers < found.cells:
        return STRING
    # the two ends of all numbers are integers only where no floating point number is beyond them
    exact = isinstance(found.low, int) and isinstance(found.high, int)
    return INTEGER if found.whole and exact else typed(FLOAT, found)
