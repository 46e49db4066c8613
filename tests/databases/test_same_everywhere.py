"""The same table gives the same profile wherever it lies: in a file read by DuckDB, SQLite, PostgreSQL and MariaDB.

What a database cannot keep by its nature is said where it is compared:
- MariaDB and SQLite have no type for truth values: they keep 1 and 0, and so a pod reads whole numbers.
- SQLite has no type for moments: they are text, whose first and last are found where the text is ISO 8601.
- MariaDB and SQLite keep no negative zero; PostgreSQL does, and has a test of its own.
"""

from __future__ import annotations

import csv
import sqlite3
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources.model import ColumnChoices, CsvSource, ParquetSource, SqlSource
from podadmin.schema.generate import generate
from podadmin.schema.profile import Profile
from podadmin.schema.sql_pass import profile
from podadmin.schema.statistics import ColumnStatistics
from tests.benchmarks.schema_of_flights import flights

PASSWORD = "a pass word: 50 % @/?"
TYPES = {
    "whole": ("BIGINT", "bigint", "bigint", "INTEGER"),
    "real": ("DOUBLE", "double precision", "double", "REAL"),
    "text": ("VARCHAR", "text", "text", "TEXT"),
    "truth": ("BOOLEAN", "boolean", "boolean", "BOOLEAN"),
    "day": ("DATE", "date", "date", "DATE"),
    "moment": ("TIMESTAMP", "timestamp", "datetime(6)", "TIMESTAMP"),
}
"""The names of a type in DuckDB, PostgreSQL, MariaDB and SQLite."""
CELLS: Mapping[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(2**53), 2**53) | st.integers(-3, 3),
    # adding zero makes a zero of a negative zero
    "real": (st.floats(-1e9, 1e9, allow_subnormal=False) | st.integers(-4, 4).map(float)).map(lambda real: real + 0.0),
    # a letter first, so that no text is a number, a date or a word for "empty" in a file that has no types
    "text": st.text(string.ascii_letters + string.digits + " '\"%:;,éßØ日€😀-_", max_size=12).map(lambda t: "t" + t)
    | st.sampled_from(["ta", "tA", "ta ", "tä"]),
    "truth": st.booleans(),
    "day": st.dates(date(1000, 1, 1), date(9000, 1, 1)),
    "moment": st.datetimes(*(datetime.fromisoformat(f"{year}-01-01") for year in (1000, 9000))).map(
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    ),
}


@dataclass(frozen=True)
class Made:
    kinds: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    forced: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{kind} {place}" for place, kind in enumerate(self.kinds))


@st.composite
def tables(draw: st.DrawFn) -> Made:
    kinds = tuple(draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=9)))
    cells = st.tuples(*(st.none() | CELLS[kind] for kind in kinds))
    rows = tuple(draw(st.lists(cells, min_size=1, max_size=40)))
    places = draw(st.sets(st.sampled_from(range(len(kinds)))))
    made = Made(kinds, rows, {})
    return replace(made, forced={made.names[place]: "categorical" for place in places})


def in_file(made: Made, folder: Path) -> Profile:
    path = folder / "table.parquet"
    path.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        columns = ", ".join(f'"{name}" {TYPES[kind][0]}' for name, kind in zip(made.names, made.kinds, strict=True))
        connection.execute(f"CREATE TABLE t ({columns})")
        connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(made.kinds))})", made.rows)
        connection.execute(f"COPY t TO '{path}'")
    return _generated(ParquetSource(path), made)


def in_csv(made: Made, folder: Path) -> Profile:
    path = folder / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(made.names)
        writer.writerows([["" if cell is None else _written(cell) for cell in row] for row in made.rows])
    return _generated(CsvSource(path), made)


def _generated(source: CsvSource | ParquetSource, made: Made) -> Profile:
    found = generate("t", source, ColumnChoices(force=made.forced), SystemClock(), Progress())
    return Profile(found.rows, found.columns)


def _written(cell: Any) -> str:
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)


def _loaded(place: int, made: Made, quote: str, mark: str, run: Callable[[str, Sequence[Any] | None], None]) -> None:
    def named(name: str) -> str:
        return f"{quote}{name}{quote}"

    columns = ", ".join(
        f"{named(name)} {TYPES[kind][place]}" for name, kind in zip(made.names, made.kinds, strict=True)
    )
    run("DROP TABLE IF EXISTS made", None)
    run(f"CREATE TABLE made ({columns})", None)
    run(f"INSERT INTO made VALUES ({', '.join([mark] * len(made.kinds))})", made.rows)


def in_sqlite(made: Made, folder: Path) -> Profile:
    path = folder / "made.db"
    with sqlite3.connect(path) as connection:

        def run(statement: str, rows: Sequence[Any] | None) -> None:
            if rows is None:
                connection.execute(statement)
            else:
                cells = [[_written(cell) if isinstance(cell, date) else cell for cell in row] for row in rows]
                connection.executemany(statement, cells)

        _loaded(3, made, '"', "?", run)
    connection.close()
    return profile(SqlSource(f"sqlite:///{path}", table="made"), None, ColumnChoices(force=made.forced), Progress())


def in_server(server: Any, made: Made) -> Profile:
    postgresql = server.family == "postgresql"
    with server.connect() as connection, connection.cursor() as cursor:

        def run(statement: str, rows: Sequence[Any] | None) -> None:
            if rows is None:
                cursor.execute(statement)
            else:
                cursor.executemany(statement, rows)

        _loaded(1 if postgresql else 2, made, '"' if postgresql else "`", "%s", run)
    source = SqlSource(server.url(), table="made")
    return profile(source, Secret(PASSWORD), ColumnChoices(force=made.forced), Progress())


FIGURES = ("mean", "deviation")
SAME = (
    "name", "dtype", "stype", "forced", "count", "nulls", "distinct", "distinct_estimated", "minimum", "maximum",
    "labels", "shortest", "longest", "top", "looks_like",
)  # fmt: skip


def differences(one: ColumnStatistics, other: ColumnStatistics) -> list[str]:
    """The names of what differs; means and deviations may in the last digits, which the order of adding decides."""
    found = [name for name in SAME if getattr(one, name) != getattr(other, name)]
    for name in FIGURES:
        a, b = getattr(one, name), getattr(other, name)
        scale = max(abs(float(each or 0)) for each in (one.minimum, one.maximum)) if _numeric(one) else 0
        if (a is None) != (b is None) or (a is not None and b != pytest.approx(a, rel=1e-9, abs=1e-9 * scale)):
            found.append(name)
    return found


def _numeric(column: ColumnStatistics) -> bool:
    return isinstance(column.minimum, (int, float)) and isinstance(column.maximum, (int, float))


def compare(ours: Profile, theirs: Profile, different: Callable[[ColumnStatistics], bool] = lambda _: False) -> None:
    """Are both profiles the same, column by column? Columns that are `different` by nature are left out."""
    assert ours.rows == theirs.rows
    for one, other in zip(theirs.columns, ours.columns, strict=True):
        if not different(one):
            assert not differences(one, other), (differences(one, other), one, other)


def truths_are_numbers(column: ColumnStatistics) -> bool:
    return column.dtype == "boolean"


EXAMPLES = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.slow
@EXAMPLES
@given(made=tables())
def test_postgresql(made: Made, postgresql: Any, tmp_path: Path) -> None:
    compare(in_server(postgresql, made), in_file(made, tmp_path))


def test_negative_zero(postgresql: Any, tmp_path: Path) -> None:
    for forced in ({}, {"real 0": "categorical"}):
        made = Made(("real",), ((None,), (-0.0,), (0.0,), (2.5,)), forced)
        compare(in_server(postgresql, made), in_file(made, tmp_path))


@pytest.mark.slow
@EXAMPLES
@given(made=tables())
def test_mysql(made: Made, mysql: Any, tmp_path: Path) -> None:
    found = in_server(mysql, made)
    compare(found, in_file(made, tmp_path), truths_are_numbers)
    for name, kind in zip(made.names, made.kinds, strict=True):
        if kind == "truth" and name not in made.forced:
            column = next(each for each in found.columns if each.name == name)
            assert (column.dtype, column.stype) == ("Int64", "continuous")


@pytest.mark.slow
@EXAMPLES
@given(made=tables())
def test_sqlite(made: Made, tmp_path: Path) -> None:
    """SQLite keeps moments as text, as a CSV file does: so it is compared with one."""
    found = in_sqlite(made, tmp_path)
    compare(found, in_csv(made, tmp_path), truths_are_numbers)


FLIGHTS = {
    "year": "integer", "month": "integer", "day": "integer", "dep_time": "double precision",
    "sched_dep_time": "integer", "dep_delay": "double precision", "arr_time": "double precision",
    "sched_arr_time": "integer", "arr_delay": "double precision", "carrier": "varchar(10)", "flight": "integer",
    "tailnum": "varchar(10)", "origin": "varchar(10)", "dest": "varchar(10)", "air_time": "double precision",
    "distance": "integer", "hour": "integer", "minute": "integer", "time_hour": "timestamp",
}  # fmt: skip
CHOSEN = ColumnChoices(force={"carrier": "categorical", "month": "categorical", "dep_delay": "continuous"})
ROWS = 20_000


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[Any, ...]], Profile]:
    """Real data that nobody here wrote: flights from New York, as CSV and as rows, and what DuckDB finds in it."""
    path = tmp_path_factory.mktemp("flights") / "flights.csv"
    lines = flights().split(b"\n")
    path.write_bytes(b"\n".join(lines[: ROWS + 1]) + b"\n")
    with path.open(newline="") as file:
        reader = csv.reader(file)
        next(reader)
        rows = [tuple(_flown(cell, kind) for cell, kind in zip(row, FLIGHTS.values(), strict=True)) for row in reader]
    found = generate("flights", CsvSource(path), CHOSEN, SystemClock(), Progress())
    return path, rows, Profile(found.rows, found.columns)


def _flown(cell: str, kind: str) -> Any:
    if cell == "NA":
        return None
    return {"integer": int, "double precision": float}.get(kind, str)(cell.removesuffix("Z"))


def _created(quoted: str = "") -> str:
    return f"CREATE TABLE flights ({', '.join(f'{quoted}{name}{quoted} {kind}' for name, kind in FLIGHTS.items())})"


OFF = 0.06
"""How far, as a share of all rows, what a lot tells may be from the share that it is told for.

At least 4 000 of the 20 000 rows are drawn: of 5 000 wanted, fewer come once in 10^50 lots. By Hoeffding's bound,
which holds for draws without replacement too, a value is further off than this with a probability of at most
exp(-2 · 4 000 · 0.06²) = 3·10⁻¹³; any of the values at 129 shares of 17 columns in all of these tests: below 10⁻⁸.
"""


def among_the_real(found: Profile, rows: Sequence[tuple[Any, ...]]) -> None:
    """Does each value told for a share lie where the real rows have it? Compared by ranks: values may be far apart."""
    for place, column in enumerate(found.columns):
        cells = sorted(float(row[place]) for row in rows if row[place] is not None) if column.quantiles else []
        for share, value in column.quantiles:
            below, above = (round((share + off) * (len(cells) - 1)) for off in (-OFF, OFF))
            assert cells[max(below, 0)] <= value <= cells[min(above, len(cells) - 1)], (column.name, share)  # type: ignore[operator]


def compare_flights(found: Profile, theirs: Profile, rows: Sequence[tuple[Any, ...]]) -> None:
    """The lot decides which values are shown as the most frequent, and not all databases give the same rows."""
    assert found.rows == theirs.rows == ROWS
    for one, other in zip(theirs.columns, found.columns, strict=True):
        assert set(differences(one, other)) <= {"top", "shortest", "longest"}, (one, other)
        assert [share for share, _ in one.quantiles] == [share for share, _ in other.quantiles]
    assert sum(bool(column.quantiles) for column in found.columns) > 10
    among_the_real(found, rows)
    among_the_real(theirs, rows)


@pytest.mark.slow
def test_real_data_in_postgresql(flown: Any, postgresql: Any) -> None:
    with postgresql.connect() as connection, connection.cursor() as cursor:
        cursor.execute(_created())
        with cursor.copy("COPY flights FROM STDIN") as copy:
            for row in flown[1]:
                copy.write_row(row)
        cursor.execute("ANALYZE flights")
    source = SqlSource(postgresql.url(), table="flights")
    compare_flights(profile(source, None, CHOSEN, Progress()), flown[2], flown[1])


@pytest.mark.slow
def test_real_data_in_mysql(flown: Any, mysql: Any) -> None:
    with mysql.connect() as connection, connection.cursor() as cursor:
        cursor.execute(_created("`"))
        cursor.executemany(f"INSERT INTO flights VALUES ({', '.join(['%s'] * len(FLIGHTS))})", flown[1])
    source = SqlSource(mysql.url(), table="flights")
    compare_flights(profile(source, Secret(PASSWORD), CHOSEN, Progress()), flown[2], flown[1])


@pytest.mark.slow
@pytest.mark.parametrize("few", [False, True], ids=["counted", "estimated where there are many"])
def test_real_data_in_sqlite(flown: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: bool) -> None:
    if few:
        monkeypatch.setattr("podadmin.schema.column_pass.EXACT_ROWS", 100)
    path = tmp_path / "flights.db"
    with sqlite3.connect(path) as connection:
        connection.execute(_created())
        connection.executemany(f"INSERT INTO flights VALUES ({', '.join('?' * len(FLIGHTS))})", flown[1])
    connection.close()
    found = profile(SqlSource(f"sqlite:///{path}", table="flights"), None, CHOSEN, Progress())
    compare_flights(found, flown[2], flown[1])
    assert not any(column.distinct_estimated for column in found.columns), "few enough to be counted after all"
