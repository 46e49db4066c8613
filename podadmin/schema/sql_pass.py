"""A profile of a table that stays where it is: the database counts, and what comes over the line are figures.

Rows never travel, but for two small samples: some whole rows that suggest what to look for, and some numbers that show
how values are distributed. Nothing is sorted by chance and nothing is written, not even a temporary table. All
questions see the same rows where the database can promise that (Family.snapshot).

What a column is follows the rules of files (column_rules): the same data gives the same schema wherever it lies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, literal_column, select

from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources.choices import check_choices, forced
from podadmin.datasources.database_columns import Cells, declared
from podadmin.datasources.database_relation import Relation, relation
from podadmin.datasources.database_samples import TOGETHER as SAMPLED_TOGETHER
from podadmin.datasources.database_samples import as_text, plain_moment, sample
from podadmin.datasources.database_session import SECONDS, Session, session
from podadmin.datasources.dtypes import FLOAT, INTEGER, STRING
from podadmin.datasources.engine import SHARES
from podadmin.datasources.identifiers import suspected
from podadmin.datasources.model import ColumnChoices, SqlSource
from podadmin.datasources.sample import FREQUENT, Look
from podadmin.schema.column_rules import (
    Labels,
    known_labels,
    semantic,
    statistics_of,
    too_many_labels,
    typed,
)
from podadmin.schema.file_pass import FEW_BINS, Counts
from podadmin.schema.generate import MAX_LABELS, Profile
from podadmin.schema.sql_counts import Asked
from podadmin.schema.statistics import labelled

EXACT_ROWS: Final = 100_000
"""Up to so many rows different values are counted while everything else is."""
EXACT_DISTINCT: Final = 50_000
"""Up to about so many different values of a longer table are counted in a question of their own; more are estimated."""
MEASURED_ROWS, MEASURED_CELLS = 10_000, 1_000_000
TOGETHER: Final = 40
"""Columns that one question asks about: some databases give no more than a thousand figures at once."""
_LONGEST_VALUE: Final = 200
_NUMBERS: Final = frozenset({Cells.WHOLE, Cells.FLOAT, Cells.DECIMAL})


def profile(
    source: SqlSource,
    password: Secret[str] | None,
    choices: ColumnChoices,
    progress: Progress,
    *,
    max_labels: int = MAX_LABELS,
    seconds: int = SECONDS,
) -> Profile:
    """The profile of the table or query that `source` names. `seconds`: the longest that one question may take.

    Raises what `database_session.session`, `database_relation.relation` and `choices.check_choices` raise, BadInput
    `datasource.database-empty`, `schema.too-many-labels` and `schema.not-numeric`, and Cancelled.
    """
    with session(source, password, progress, seconds=seconds) as opened:
        found = relation(opened, source)
        check_choices(choices, found.names)
        return _Pass(opened, found, source, choices, max_labels).profile()


class _Pass:
    """One profile over one open session."""

    def __init__(
        self, opened: Session, found: Relation, source: SqlSource, choices: ColumnChoices, max_labels: int
    ) -> None:
        self._session = opened
        self._found = found
        self._source = source
        self._choices = choices
        self._max_labels = max_labels
        self._columns = [each for each in found.columns if each.name not in choices.ignore]
        self._names = [each.name for each in self._columns]
        self._forced = forced(choices, found.names)

    def profile(self) -> Profile:
        """What is found about every column that is not ignored, in the order of the table."""
        looked = sample(self._session, self._found, self._source.url, self._columns)
        seen = {each.name: each for each in looked.looks}
        rows, asked, counts = self._counted(seen)
        if not rows:
            raise BadInput(
                "datasource.database-empty",
                "There are no rows.",
                "The table, or what the query gives, is empty for this account.",
                "Check that the right table was chosen and that the account may see its rows.",
            )
        self._valued(asked, counts, seen)
        dtypes = {each.name: _dtype(each.cells, counts[each.name]) for each in self._columns}
        stypes = {name: semantic(name, dtypes[name], counts[name], self._forced.get(name)) for name in self._names}
        self._measured(rows, asked, counts, seen)
        labels = self._labels([n for n in self._names if stypes[n] == "categorical"], asked, dtypes, counts, rows)
        columns = tuple(
            statistics_of(
                seen[name],
                dtypes[name],
                stypes[name],
                counts[name],
                rows,
                labels.get(name, ()),
                name in self._forced,
                self._choices.describe.get(name),
            )
            for name in self._names
        )
        return Profile(rows, columns)

    def _counted(self, seen: dict[str, Look]) -> tuple[int, dict[str, Asked], dict[str, Counts]]:
        """One question for every TOGETHER columns that gives all their figures."""
        bounded = self._found.few([literal_column("1").label("one")], EXACT_ROWS + 1).subquery("few")
        exact = int(self._session.rows(select(func.count()).select_from(bounded))[0][0]) <= EXACT_ROWS
        rows, every, counts = 0, dict[str, Asked](), dict[str, Counts]()
        for first in range(0, len(self._columns), TOGETHER):
            part = self._columns[first : first + TOGETHER]
            asked = [
                Asked(each, self._found.cell(each.name), seen[each.name], self._found.family, exact) for each in part
            ]
            figures = [figure for each in asked for figure in each.select.values()]
            question = self._over([func.count(), *figures])
            done = 0.05 + 0.55 * first / len(self._columns)
            row = self._session.rows(question, "Counting in the database", done)[0]
            rows, values = int(row[0]), iter(row[1:])
            for each in asked:
                counts[each.column.name] = each.counted({name: next(values) for name in each.select})
                every[each.column.name] = each
        self._deviations(every, counts)
        return rows, every, counts

    def _over(self, figures: Sequence[ColumnElement[Any]]) -> Select[Any]:
        named = [each.label(f"f{place}") for place, each in enumerate(figures)]
        return select(*named).select_from(self._found.source)

    def _deviations(self, every: dict[str, Asked], counts: dict[str, Counts]) -> None:
        asked = {name: each.squares(counts[name]) for name, each in every.items()}
        wanted = {name: figure for name, figure in asked.items() if figure is not None and counts[name].numbers > 1}
        names = list(wanted)
        for first in range(0, len(names), TOGETHER * 10):
            part = names[first : first + TOGETHER * 10]
            found = self._session.rows(self._over([wanted[name] for name in part]), "Measuring deviations", 0.6)[0]
            for name, total in zip(part, found, strict=True):
                if total is not None:
                    counts[name].deviation = math.sqrt(float(total) / (counts[name].numbers - 1))

    def _valued(self, every: dict[str, Asked], counts: dict[str, Counts], seen: dict[str, Look]) -> None:
        """Count the values of columns that have few, and how many different ones there are where that was estimated."""
        wanted = [name for name in self._names if self._worth_grouping(every[name], counts[name], seen[name])]
        for place, name in enumerate(wanted):
            done = 0.6 + 0.25 * place / len(wanted)
            found = self._grouped(every[name], FREQUENT + 1, "Counting values", done)
            counted = counts[name]
            if found:
                counted.distinct, counted.exact = found[0][2], True
            number = every[name].column.cells in _NUMBERS or (counted.cells and counted.numbers == counted.cells)
            if number and counted.distinct > FEW_BINS:
                continue
            bins = {repr(float(text)) if number else text: times for text, times, _ in found[:FREQUENT]}
            counted.bins = {text: times for text, times in bins.items() if len(text) <= _LONGEST_VALUE}
            counted.others = counted.cells - sum(counted.bins.values())

    def _worth_grouping(self, asked: Asked, found: Counts, seen: Look) -> bool:
        if asked.group is None or not found.cells:
            return False
        if not found.exact:
            return found.distinct < EXACT_DISTINCT
        if asked.column.cells is Cells.MOMENT:
            return False
        if found.numbers == found.cells:
            return found.distinct <= FEW_BINS
        private = seen.looks_like or suspected(seen.name)
        return found.distinct <= FREQUENT or (bool(seen.frequent) and not private)

    def _grouped(self, asked: Asked, limit: int, what: str, done: float) -> list[tuple[str, int, int]]:
        """Values as text, the most frequent first, how often each occurs, and how many different ones there are."""
        if asked.group is None:
            return []
        value, times = asked.group.label("v"), func.count().label("n")
        inner = select(value).select_from(self._found.source).where(asked.cell.is_not(None)).subquery("cells")
        question = (
            select(inner.c.v, times, func.count().over().label("d"))
            .where(inner.c.v.is_not(None))
            .group_by(inner.c.v)
            .order_by(times.desc(), inner.c.v)
            .limit(limit)
        )
        moment = asked.column.cells is Cells.MOMENT
        found = []
        for raw, often, different in self._session.rows(question, what, done):
            text = as_text(raw)
            if text is not None:
                found.append((plain_moment(text) if moment else text, int(often), int(different)))
        return found

    def _measured(self, rows: int, every: dict[str, Asked], counts: dict[str, Counts], seen: dict[str, Look]) -> None:
        """How numbers and moments are distributed, by those of some rows."""
        asked = {
            name: every[name].measured(counts[name])
            for name in self._names
            if not (seen[name].looks_like or suspected(name)) and counts[name].cells
        }
        measures = {name: measure for name, measure in asked.items() if measure is not None}
        names = list(measures)
        wanted = min(MEASURED_ROWS, max(MEASURED_CELLS // max(len(names), 1), 100))
        for first in range(0, len(names), SAMPLED_TOGETHER):
            part = names[first : first + SAMPLED_TOGETHER]
            shown = [measures[name].label(f"m{place}") for place, name in enumerate(part)]
            # where all rows are taken none is left to chance
            question = self._found.few(shown, wanted, rows if rows > wanted else None)
            done = 0.85 + 0.1 * first / len(names)
            cells = self._session.rows(question, "Measuring distributions", done)
            for place, name in enumerate(part):
                numbers = sorted(float(row[place]) for row in cells if row[place] is not None)
                _distributed(counts[name], [each for each in numbers if not math.isnan(each)])

    def _labels(
        self,
        names: list[str],
        every: dict[str, Asked],
        dtypes: dict[str, str],
        counts: dict[str, Counts],
        rows: int,
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
                grouped = self._grouped(
                    every[name], self._max_labels + 1, "Collecting the labels of categorical columns", 0.95
                )
                empty = [(None, rows - found.cells)] if rows > found.cells else []
                labels = labelled([*((text, times) for text, times, _ in grouped), *empty], dtypes[name])
            if len(labels) > self._max_labels:
                raise too_many_labels(name, len(labels), self._max_labels)
            known[name] = labels
        return known


def _dtype(cells: Cells, found: Counts) -> str:
    if cells is not Cells.DYNAMIC:
        return typed(declared(cells), found)
    if not found.cells or found.numbers < found.cells:
        return STRING
    # the two ends of all numbers are integers only where no floating point number is beyond them
    exact = isinstance(found.low, int) and isinstance(found.high, int)
    return INTEGER if found.whole and exact else typed(FLOAT, found)


def _distributed(counts: Counts, numbers: list[float]) -> None:
    """Put the values at even shares of `numbers`, which are sorted, into `counts`, with the true ends."""
    if not numbers:
        return
    shares = [_at(numbers, place / (SHARES - 1)) for place in range(SHARES)]
    if counts.dates and counts.dates == counts.cells:
        counts.moments = shares
        return
    if counts.low is not None and counts.high is not None:
        shares[0], shares[-1] = float(counts.low), float(counts.high)
    counts.shares = shares


def _at(numbers: list[float], share: float) -> float:
    place = share * (len(numbers) - 1)
    below = int(place)
    if below + 1 >= len(numbers):
        return numbers[-1]
    low, high = numbers[below], numbers[below + 1]
    return low if low == high else low + (high - low) * (place - below)
