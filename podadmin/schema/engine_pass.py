"""A profile that an engine over many machines counts, through ibis: for data that one database server does not hold.

Which engine it is does not matter here: ibis writes what is asked in its language. The questions and their meaning are
those of column_pass. The names of columns never become part of a text. ibis itself is an optional package.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from podadmin.core.late import Late
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources.choices import check_choices
from podadmin.datasources.database_columns import Cells, Column
from podadmin.datasources.database_samples import as_text
from podadmin.datasources.engine_tables import EngineTable, opened, plain, written
from podadmin.datasources.model import ColumnChoices, EngineSource
from podadmin.datasources.sample import Look
from podadmin.schema import column_pass
from podadmin.schema.column_pass import Value, profile_of
from podadmin.schema.counts import Counts
from podadmin.schema.profile import MAX_LABELS, Profile

if TYPE_CHECKING:
    import ibis
else:
    ibis = Late("ibis")

TOGETHER: Final = 20
_NUMBERS: Final = frozenset({Cells.FLOAT, Cells.DECIMAL})


def profile(
    source: EngineSource,
    password: Secret[str] | None,
    choices: ColumnChoices,
    progress: Progress,
    *,
    max_labels: int = MAX_LABELS,
) -> Profile:
    """The profile of the table that `source` names.

    Raises what `engine_tables.opened`, `choices.check_choices` and `column_pass.profile_of` raise, and Cancelled.
    """
    with opened(source, password, progress) as found:
        check_choices(choices, tuple(each.name for each in found.columns))
        return profile_of(_Engine(found), found.columns, choices, max_labels)


class _Engine:
    """Counts through ibis."""

    def __init__(self, found: EngineTable) -> None:
        self._found = found
        self._table = found.table
        self._rows = found.rows

    def looks(self, columns: Sequence[Column]) -> Sequence[Look]:
        return self._found.looks(columns)[1]

    def counted(self, columns: Sequence[Column], seen: Mapping[str, Look]) -> tuple[int, dict[str, Counts]]:
        most = column_pass.EXACT_ROWS
        exact = self._rows(self._table.limit(most + 1).aggregate(n=self._table.limit(most + 1).count()))[0]["n"] <= most
        rows, counts = 0, dict[str, Counts]()
        for first in range(0, len(columns), TOGETHER):
            part = columns[first : first + TOGETHER]
            asked = [self._figures(each, exact) for each in part]
            named = {f"f{place}_{name}": figure for place, each in enumerate(asked) for name, figure in each.items()}
            done = 0.05 + 0.55 * first / len(columns)
            found = self._rows(self._table.aggregate(n=self._table.count(), **named), "Counting in the engine", done)[0]
            rows = int(found["n"])
            for place, each in enumerate(part):
                values = {name: found[f"f{place}_{name}"] for name in asked[place]}
                counts[each.name] = _counted(each, values, exact)
        return rows, counts

    def _figures(self, column: Column, exact: bool) -> dict[str, Any]:
        cell = self._table[column.name]
        kind = column.cells
        if kind is Cells.BOOLEAN:
            return {"cells": cell.count(), "trues": cell.cast("int64").sum()}
        if kind is Cells.MOMENT:
            moment = cell.cast("timestamp")
            return {"cells": cell.count(), "dates": moment.count(), "first": moment.min(), "last": moment.max(),
                    "distinct": _different(moment, exact)}  # fmt: skip
        if kind is Cells.WHOLE or kind in _NUMBERS:
            number = self._number(column)
            ends = cell if kind is Cells.WHOLE else number
            figures = {"cells": ends.count(), "low": ends.min(), "high": ends.max(), "mean": number.mean(),
                       "deviation": number.std(how="sample"), "distinct": _different(ends, exact)}  # fmt: skip
            if kind is not Cells.WHOLE:
                figures["broken"] = (number != number.floor()).cast("int64").sum()
            return figures
        text = self._found.shown(column)
        return {"cells": cell.count(), "shortest": text.length().min(), "longest": text.length().max(),
                "distinct": _different(text, exact)}  # fmt: skip

    def _number(self, column: Column) -> Any:
        number = self._table[column.name].cast("float64")
        return number if column.cells is Cells.WHOLE else ibis.ifelse(number.isnan(), ibis.null("float64"), number)

    def grouped(self, column: Column, limit: int, what: str, done: float) -> Sequence[Value]:
        if column.cells in {Cells.BYTES, Cells.BOOLEAN}:
            return ()
        value = self._number(column) if column.cells in _NUMBERS else self._found.shown(column)
        cells = self._table.select(v=value)
        cells = cells.filter(cells.v.notnull())
        times = cells.group_by("v").aggregate(n=cells.count())
        different = int(self._rows(times.aggregate(d=times.count()), what, done)[0]["d"])
        found = self._rows(times.order_by([times.n.desc(), times.v]).limit(limit), what, done)
        texts = [(as_text(plain(row["v"])), int(row["n"])) for row in found]
        return [Value(text, often, different) for text, often in texts if text is not None]

    def drawn(
        self, columns: Sequence[Column], counts: Mapping[str, Counts], wanted: int, rows: int
    ) -> dict[str, list[float]]:
        numbers = [each for each in columns if each.cells in {*_NUMBERS, Cells.WHOLE, Cells.MOMENT}]
        if not numbers:
            return {}
        shown = {
            f"m{place}": self._table[each.name].cast("timestamp").epoch_seconds().cast("float64")
            if each.cells is Cells.MOMENT
            else self._number(each)
            for place, each in enumerate(numbers)
        }
        cells = self._table.select(**shown)
        if rows > wanted:
            cells = cells.sample(wanted / rows, method="row", seed=1).limit(2 * wanted)
        found = self._rows(cells, "Measuring distributions", 0.85)
        drawn = {}
        for place, each in enumerate(numbers):
            values = [row[f"m{place}"] for row in found]
            drawn[each.name] = sorted(float(v) for v in values if v is not None and not math.isnan(v))
        return drawn


def _different(expression: Any, exact: bool) -> Any:
    return expression.nunique() if exact else expression.approx_nunique()


def _counted(column: Column, values: Mapping[str, Any], exact: bool) -> Counts:
    counts = Counts(exact=exact)
    for name, value in values.items():
        if value is None or name == "broken":
            continue
        if name in {"first", "last"}:
            setattr(counts, name, written(value))
        elif name in {"mean", "deviation"}:
            setattr(counts, name, None if math.isnan(value) else float(value))
        elif name in {"low", "high"}:
            setattr(counts, name, int(value) if column.cells is Cells.WHOLE else float(value))
        else:
            setattr(counts, name, int(value))
    if column.cells in {*_NUMBERS, Cells.WHOLE}:
        counts.numbers = counts.cells
        counts.whole = counts.cells > 0 and not values.get("broken")
    if column.cells is Cells.BOOLEAN:
        counts.falses = counts.cells - counts.trues
    return counts
