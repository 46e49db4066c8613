"""A profile that an engine over many machines counts, through ibis: for data that one database server does not hold.

Which engine it is does not matter here: ibis writes what is asked in its language. The questions and their meaning are
those of column_pass. The names of columns never become part of a text. ibis itself is an optional package.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from podadmin.core.errors import PodadminError
from podadmin.core.late import Late
from podadmin.core.progress import Progress
from podadmin.datasources.choices import check_choices
from podadmin.datasources.database_columns import Cells, Column
from podadmin.datasources.database_errors import Fault, explained, said
from podadmin.datasources.database_samples import as_text, plain_moment
from podadmin.datasources.model import ColumnChoices
from podadmin.datasources.sample import SAMPLE_CELLS, SAMPLE_ROWS, Look, judged
from podadmin.schema import column_pass
from podadmin.schema.column_pass import Value, profile_of
from podadmin.schema.file_pass import Counts
from podadmin.schema.generate import MAX_LABELS, Profile

if TYPE_CHECKING:
    import ibis
else:
    ibis = Late("ibis")

TOGETHER: Final = 20
_POLL_SECONDS: Final = 0.05
_NUMBERS: Final = frozenset({Cells.FLOAT, Cells.DECIMAL})


def profile(
    connection: Any,
    table: str,
    choices: ColumnChoices,
    progress: Progress,
    *,
    engine: str = "engine",
    max_labels: int = MAX_LABELS,
) -> Profile:
    """The profile of a table that an ibis backend (`connection`) knows. `engine`: its name in words.

    Raises what `choices.check_choices` and `column_pass.profile_of` raise, NotFound `datasource.database-table`,
    `datasource.database*` for what the engine reports, and Cancelled.
    """
    try:
        if table not in connection.list_tables():
            raise said(Fault.TABLE, engine)
        opened = connection.table(table)
        columns = tuple(Column(name, cells_of(kind), str(kind)) for name, kind in opened.schema().items())
    except PodadminError:
        raise
    except Exception as error:  # noqa: BLE001 - a boundary: engines raise what they like, and it becomes our error
        raise explained(error, engine) from None
    check_choices(choices, tuple(each.name for each in columns))
    return profile_of(_Engine(connection, opened, progress, engine), columns, choices, max_labels)


def cells_of(kind: Any) -> Cells:
    """What a column of this ibis type holds."""
    tests = (
        ("is_boolean", Cells.BOOLEAN),
        ("is_integer", Cells.WHOLE),
        ("is_floating", Cells.FLOAT),
        ("is_decimal", Cells.DECIMAL),
        ("is_date", Cells.MOMENT),
        ("is_timestamp", Cells.MOMENT),
        ("is_string", Cells.TEXT),
        ("is_binary", Cells.BYTES),
    )
    return next((cells for test, cells in tests if getattr(kind, test)()), Cells.OTHER)


class _Engine:
    """Counts through ibis."""

    def __init__(self, connection: Any, table: Any, progress: Progress, engine: str) -> None:
        self._connection = connection
        self._table = table
        self._progress = progress
        self._engine = engine

    def looks(self, columns: Sequence[Column]) -> Sequence[Look]:
        wanted = max(min(SAMPLE_ROWS, SAMPLE_CELLS // max(len(columns), 1)), 20)
        cells = [self._shown(each).name(f"c{place}") for place, each in enumerate(columns)]
        rows = self._rows(self._table.select(cells).limit(wanted), "Looking at some rows", 0.02)
        return [
            judged(each.name, [as_text(_plain(row[f"c{place}"])) or None for row in rows])
            for place, each in enumerate(columns)
        ]

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
        text = self._shown(column)
        return {"cells": cell.count(), "shortest": text.length().min(), "longest": text.length().max(),
                "distinct": _different(text, exact)}  # fmt: skip

    def _number(self, column: Column) -> Any:
        number = self._table[column.name].cast("float64")
        return number if column.cells is Cells.WHOLE else ibis.ifelse(number.isnan(), ibis.null("float64"), number)

    def _shown(self, column: Column) -> Any:
        cell = self._table[column.name]
        return cell if column.cells not in {Cells.OTHER, Cells.BYTES} else cell.cast("string")

    def grouped(self, column: Column, limit: int, what: str, done: float) -> Sequence[Value]:
        if column.cells in {Cells.BYTES, Cells.BOOLEAN}:
            return ()
        value = self._number(column) if column.cells in _NUMBERS else self._shown(column)
        cells = self._table.select(v=value)
        cells = cells.filter(cells.v.notnull())
        times = cells.group_by("v").aggregate(n=cells.count())
        different = int(self._rows(times.aggregate(d=times.count()), what, done)[0]["d"])
        found = self._rows(times.order_by([times.n.desc(), times.v]).limit(limit), what, done)
        texts = [(as_text(_plain(row["v"])), int(row["n"])) for row in found]
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

    def _rows(self, expression: Any, what: str = "", done: float | None = None) -> list[dict[str, Any]]:
        """The rows of an expression; the engine works in another thread, so that whoever waits can be let go."""
        if what:
            self._progress.report(what, done)
        self._progress.check()
        found: list[list[dict[str, Any]]] = []
        errors: list[Exception] = []

        def work() -> None:
            try:
                found.append(self._connection.to_pyarrow(expression).to_pylist())
            except Exception as error:  # noqa: BLE001 - handed to the thread that waits
                errors.append(error)

        worker = threading.Thread(target=work, name="engine", daemon=True)
        worker.start()
        while worker.is_alive():
            worker.join(_POLL_SECONDS)
            if self._progress.cancelled:
                _stop(self._connection)
                self._progress.check()
        if errors:
            self._progress.check()
            raise explained(errors[0], self._engine) from None
        return found[0]


def _stop(connection: Any) -> None:
    """Have the engine end its jobs, where it can be told."""
    spark = getattr(connection, "_session", None)
    if spark is not None:
        threading.Thread(target=spark.sparkContext.cancelAllJobs, name="engine-stop", daemon=True).start()


def _different(expression: Any, exact: bool) -> Any:
    return expression.nunique() if exact else expression.approx_nunique()


def _counted(column: Column, values: Mapping[str, Any], exact: bool) -> Counts:
    counts = Counts(exact=exact)
    for name, value in values.items():
        if value is None or name == "broken":
            continue
        if name in {"first", "last"}:
            setattr(counts, name, _written(value))
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


def _plain(value: Any) -> Any:
    return _written(value) if isinstance(value, datetime) else value


def _written(moment: date) -> str:
    if isinstance(moment, datetime):
        plain = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        return plain_moment(f"{plain:%Y-%m-%d %H:%M:%S.%f}")
    return moment.isoformat()
