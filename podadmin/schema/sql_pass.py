"""A profile of a table that stays where it is: the database counts, and what comes over the line are figures.

Nothing is sorted by chance and nothing is written, not even a temporary table. All questions see the same rows where
the database can promise that (Family.snapshot). What is asked and what it means is column_pass's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, literal_column, select

from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources.choices import check_choices
from podadmin.datasources.database_columns import Cells, Column
from podadmin.datasources.database_relation import Relation, relation
from podadmin.datasources.database_samples import TOGETHER as SAMPLED_TOGETHER
from podadmin.datasources.database_samples import as_text, plain_moment, sample
from podadmin.datasources.database_session import SECONDS, Session, session
from podadmin.datasources.model import ColumnChoices, SqlSource
from podadmin.datasources.sample import Look
from podadmin.schema import column_pass
from podadmin.schema.column_pass import Value, profile_of
from podadmin.schema.counts import Counts
from podadmin.schema.profile import MAX_LABELS, Profile
from podadmin.schema.sql_counts import Asked

TOGETHER: Final = 40
"""Columns that one question asks about: some databases give no more than a thousand figures at once."""


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

    Raises what `database_session.session`, `database_relation.relation`, `choices.check_choices` and
    `column_pass.profile_of` raise, and Cancelled.
    """
    with session(source, password, progress, seconds=seconds) as opened:
        found = relation(opened, source)
        check_choices(choices, found.names)
        return profile_of(_Database(opened, found, source.url), found.columns, choices, max_labels)


class _Database:
    """Counts by SQL, in one open session."""

    def __init__(self, opened: Session, found: Relation, url: str) -> None:
        self._session = opened
        self._found = found
        self._url = url
        self._asked: dict[str, Asked] = {}

    def looks(self, columns: Sequence[Column]) -> Sequence[Look]:
        return sample(self._session, self._found, self._url, columns).looks

    def counted(self, columns: Sequence[Column], seen: Mapping[str, Look]) -> tuple[int, dict[str, Counts]]:
        """One question for every TOGETHER columns that gives all their figures."""
        most = column_pass.EXACT_ROWS
        bounded = self._found.few([literal_column("1").label("one")], most + 1).subquery("few")
        exact = int(self._session.rows(select(func.count()).select_from(bounded))[0][0]) <= most
        rows, counts = 0, dict[str, Counts]()
        for first in range(0, len(columns), TOGETHER):
            part = columns[first : first + TOGETHER]
            asked = [
                Asked(each, self._found.cell(each.name), seen[each.name], self._found.family, exact) for each in part
            ]
            question = self._over([func.count(), *(figure for each in asked for figure in each.select.values())])
            done = 0.05 + 0.55 * first / len(columns)
            row = self._session.rows(question, "Counting in the database", done)[0]
            rows, values = int(row[0]), iter(row[1:])
            for each in asked:
                counts[each.column.name] = each.counted({name: next(values) for name in each.select})
                self._asked[each.column.name] = each
        self._deviations(counts)
        return rows, counts

    def _over(self, figures: Sequence[ColumnElement[Any]]) -> Select[Any]:
        named = [each.label(f"f{place}") for place, each in enumerate(figures)]
        return select(*named).select_from(self._found.source)

    def _deviations(self, counts: dict[str, Counts]) -> None:
        asked = {name: each.squares(counts[name]) for name, each in self._asked.items()}
        wanted = {name: figure for name, figure in asked.items() if figure is not None and counts[name].numbers > 1}
        names = list(wanted)
        for first in range(0, len(names), TOGETHER * 10):
            part = names[first : first + TOGETHER * 10]
            found = self._session.rows(self._over([wanted[name] for name in part]), "Measuring deviations", 0.6)[0]
            for name, total in zip(part, found, strict=True):
                if total is not None:
                    counts[name].deviation = math.sqrt(float(total) / (counts[name].numbers - 1))

    def grouped(self, column: Column, limit: int, what: str, done: float) -> Sequence[Value]:
        asked = self._asked[column.name]
        if asked.group is None:
            return ()
        value, times = asked.group.label("v"), func.count().label("n")
        inner = select(value).select_from(self._found.source).where(asked.cell.is_not(None)).subquery("cells")
        question = (
            select(inner.c.v, times, func.count().over().label("d"))
            .where(inner.c.v.is_not(None))
            .group_by(inner.c.v)
            .order_by(times.desc(), inner.c.v)
            .limit(limit)
        )
        moment = column.cells is Cells.MOMENT
        found = [(as_text(raw), often, different) for raw, often, different in self._session.rows(question, what, done)]
        return [
            Value(plain_moment(text) if moment else text, int(often), int(different))
            for text, often, different in found
            if text is not None
        ]

    def drawn(
        self, columns: Sequence[Column], counts: Mapping[str, Counts], wanted: int, rows: int
    ) -> dict[str, list[float]]:
        asked = {each.name: self._asked[each.name].measured(counts[each.name]) for each in columns}
        measures = {name: measure for name, measure in asked.items() if measure is not None}
        names, drawn = list(measures), dict[str, list[float]]()
        for first in range(0, len(names), SAMPLED_TOGETHER):
            part = names[first : first + SAMPLED_TOGETHER]
            shown = [measures[name].label(f"m{place}") for place, name in enumerate(part)]
            # where all rows are taken none is left to chance
            question = self._found.few(shown, wanted, rows if rows > wanted else None)
            cells = self._session.rows(question, "Measuring distributions", 0.85 + 0.1 * first / len(names))
            for place, name in enumerate(part):
                numbers = sorted(float(row[place]) for row in cells if row[place] is not None)
                drawn[name] = [each for each in numbers if not math.isnan(each)]
        return drawn
