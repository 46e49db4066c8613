"""A requester's SQL on one declared datasource, with DuckDB: read-only, bounded, and blind to everything else.

The datasource is a view over its file without the ignored columns. After the view is made the connection is locked:
no file but that one, no extensions, no settings. The query itself has passed `statement.read` before.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from podadmin.core.errors import BadInput, Cancelled, NotFound, Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.datasources.csv import opened as csv_file
from podadmin.datasources.dialect import Dialect
from podadmin.datasources.dtypes import NULL_WORDS
from podadmin.pod import statement

Table = dict[str, list[object]]
"""Column name -> values: None, bool, int, float or str."""

_PASSED = {
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT",
    "UHUGEINT", "FLOAT", "DOUBLE", "VARCHAR",
}  # fmt: skip
# Files in Windows-1252 that hold one of the few characters which Latin-1 lacks are an error when they are read.
_ENCODINGS = {"utf-8": "utf-8", "cp1252": "latin-1"}
_FETCH = 2000
# With these a cast in a query moves into the reader of the file, which then leaves out the rows where it fails.
_PUSHED = {"type_pushdown", "scalar_fn_pushdown"}


@dataclass(frozen=True)
class Source:
    """One declared datasource. `ignore`: columns that no task sees."""

    name: str
    path: Path
    ignore: tuple[str, ...] = ()
    kind: str = "CSVSource"


@dataclass(frozen=True)
class Bounds:
    """How much one task may take. `seconds` from opening to the last row; `size` in bytes of the result's text."""

    seconds: float = 600.0
    memory_mb: int = 512
    threads: int = 2
    rows: int = 200_000
    cells: int = 900_000
    size: int = 32 * 1024 * 1024


@dataclass(frozen=True)
class Opened:
    """A locked connection. `columns` are those that tasks may see, in the order of the file."""

    con: duckdb.DuckDBPyConnection
    tables: tuple[str, ...]
    columns: tuple[str, ...]


def name(text: str) -> str:
    """`text` as a quoted SQL name."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def run(
    source: Source,
    query: str,
    bounds: Bounds,
    progress: Progress,
    also_named: Sequence[str] = (),
) -> Table:
    """The result of `query`. `also_named`: further names under which the query may know the table.

    Raises Refused `sql.…`; BadInput `sql.odd-data`, `sql.same-name`; Unavailable `sql.too-big`, `sql.time-limit`,
    `sql.memory`, `datasource.not-readable`; Cancelled.
    """
    with opened(source, bounds, progress, also_named) as database:
        con = database.con
        text = statement.read(con, query, database.tables)
        described = con.execute(f"DESCRIBE {text}").fetchall()
        titles = [str(row[0]) for row in described]
        if len({title.casefold() for title in titles}) != len(titles):
            raise BadInput(
                "sql.same-name",
                "Two columns of the result have the same name.",
                "A result is a list of values for each name.",
                "Give the columns different names with AS.",
            )
        parts = [_plain_column(f"c{index}", str(row[1])) for index, row in enumerate(described)]
        aliases = ", ".join(f"c{index}" for index in range(len(titles)))
        whole = f"SELECT {', '.join(parts)} FROM (\n{text}\n) AS answer({aliases})"  # noqa: S608
        statement.check(con, whole, database.tables)
        con.execute(whole)
        return _collected(con, titles, bounds, progress)


@contextmanager
def opened(
    source: Source,
    bounds: Bounds,
    progress: Progress,
    also_named: Sequence[str] = (),
    *,
    as_text: bool = False,
) -> Iterator[Opened]:
    """A locked connection to the datasource; whatever runs in it ends at the time limit or when `progress` is
    cancelled. `as_text`: no guessing of types, every value as it stands in the file.

    Raises Unavailable `datasource.not-readable`, `sql.time-limit`, `sql.memory`; BadInput `sql.odd-data` and those of
    `datasources.dialect`; Refused `datasource.kind`, `datasource.encoding-here`, `datasource.ignore-unknown`,
    `datasource.no-columns`, `sql.unknown-name`; Cancelled.
    """
    progress.check()
    if source.kind.removeprefix("bitfount.") != "CSVSource":
        raise Refused(
            "datasource.kind",
            "The datasource cannot be read by the built-in pod.",
            "The built-in pod reads CSV files only.",
            "Use a CSV datasource, or a pod of the network's own software.",
        )
    con = duckdb.connect(":memory:")
    watch = _Watch(con, bounds.seconds, progress)
    try:
        with _in_our_words(watch, progress):
            yield _locked(con, source, bounds, tuple(dict.fromkeys((source.name, *also_named))), as_text)
    finally:
        watch.end()
        con.close()


class _Watch:
    """Interrupts the connection at the time limit and on cancelling, again and again until the work has ended:
    an interrupt that falls between two statements is lost."""

    def __init__(self, con: duckdb.DuckDBPyConnection, seconds: float, progress: Progress) -> None:
        self._con = con
        self._wake = threading.Event()
        self._ended = threading.Event()
        self.expired = False
        self._progress = progress
        self._seconds = seconds
        self._thread = threading.Thread(target=self._run, name="sql-watch", daemon=True)
        self._thread.start()
        progress.on_cancel(self._wake.set)

    def _run(self) -> None:
        if not self._wake.wait(self._seconds):
            self.expired = True
        while not self._ended.wait(0.1):
            self._con.interrupt()

    def end(self) -> None:
        self._ended.set()
        self._wake.set()
        self._thread.join()


def _locked(
    con: duckdb.DuckDBPyConnection, source: Source, bounds: Bounds, names: tuple[str, ...], as_text: bool
) -> Opened:
    try:
        path = source.path.resolve(strict=True)
        if not path.is_file():
            raise FileNotFoundError
        how = csv_file(path)
    except (OSError, RuntimeError, NotFound, Unavailable):
        raise unreadable() from None
    pushed = [row[0] for row in con.execute("SELECT name FROM duckdb_optimizers()").fetchall() if row[0] in _PUSHED]
    for setting in (
        f"disabled_optimizers={literal(','.join(pushed))}",
        "autoinstall_known_extensions=false",
        "autoload_known_extensions=false",
        "allow_community_extensions=false",
        "allow_persistent_secrets=false",
        "enable_progress_bar=false",
        "temp_directory=''",
        f"memory_limit='{bounds.memory_mb}MB'",
        f"threads={bounds.threads}",
        "TimeZone='UTC'",
        f"allowed_paths=[{literal(str(path))}, {literal(_one_file(path))}]",
        "enable_external_access=false",
    ):
        con.execute(f"SET {setting}")
    reading = _reading(path, how, as_text)
    columns = _visible(how.columns, source.ignore)
    chosen = ", ".join(name(column) for column in columns)
    for table in names:
        con.execute(f"CREATE VIEW {name(table)} AS SELECT {chosen} FROM {reading}")  # noqa: S608
    con.execute("SET lock_configuration=true")
    return Opened(con, names, columns)


def _reading(path: Path, how: Dialect, as_text: bool) -> str:
    """The file as the schema was made from it: its separator and names, lines that are no rows left out."""
    encoding = _ENCODINGS.get(how.encoding)
    if encoding is None:
        raise Refused(
            "datasource.encoding-here",
            f"The file is written in {how.words}, which the built-in pod does not read.",
            "It reads UTF-8 and Latin-1.",
            "Save the file as UTF-8, or use a pod of the network's own software.",
        )
    types = "all_varchar=true" if as_text else "sample_size=-1"
    nulls = ("",) if as_text else NULL_WORDS
    named = ", ".join(map(literal, how.columns))
    return (
        f"read_csv({literal(_one_file(path))}, header={str(how.header).lower()}, names=[{named}], "
        f"delim={literal(how.separator)}, quote={literal(how.quote)}, escape={literal(how.quote)}, "
        f"encoding={literal(encoding)}, compression={literal(how.packed)}, "
        f"ignore_errors=true, nullstr=[{', '.join(map(literal, nulls))}], {types})"
    )


def _one_file(path: Path) -> str:
    """The path as a pattern that means this file and no other."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in str(path))


def _visible(found: Sequence[str], ignore: Sequence[str]) -> tuple[str, ...]:
    hidden = {column.casefold() for column in ignore}
    if not hidden <= {column.casefold() for column in found}:
        raise Refused(
            "datasource.ignore-unknown",
            "A column that is to be ignored is not in the file.",
            "The file may have changed, and the column could now have another name.",
            "Look at the datasource and set its ignored columns again.",
        )
    columns = tuple(column for column in found if column.casefold() not in hidden)
    if not columns:
        raise Refused(
            "datasource.no-columns",
            "The datasource has no column that a task may see.",
            "All of its columns are ignored.",
            "Change the ignored columns of the datasource.",
        )
    return columns


def _plain_column(column: str, kind: str) -> str:
    if kind in _PASSED:
        return column
    if kind.startswith("DECIMAL"):
        return f"CAST({column} AS DOUBLE)"
    if kind.startswith("TIMESTAMP"):
        return f"replace(CAST({column} AS VARCHAR), ' ', 'T')"
    return f"CAST({column} AS VARCHAR)"


def _collected(con: duckdb.DuckDBPyConnection, titles: list[str], bounds: Bounds, progress: Progress) -> Table:
    columns: list[list[object]] = [[] for _ in titles]
    rows = size = 0
    while batch := con.fetchmany(_FETCH):
        progress.check()
        rows += len(batch)
        for row in batch:
            for values, value in zip(columns, row, strict=True):
                shown = plain(value)
                size += len(shown) if isinstance(shown, str) else 8
                values.append(shown)
        if rows > bounds.rows or rows * len(titles) > bounds.cells or size > bounds.size:
            raise Unavailable(
                "sql.too-big",
                "The result is too large to be sent.",
                f"A result has at most {bounds.rows} rows, {bounds.cells} values and {bounds.size} bytes.",
                "Ask for fewer rows or columns, or for sums and counts.",
            )
    return dict(zip(titles, columns, strict=True))


def plain(value: object) -> object:
    """A value as messages carry it: not-a-number and infinity become None, whole numbers beyond 64 bits floats."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return float(value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def unreadable() -> Unavailable:
    """The file of a datasource is not there."""
    return Unavailable(
        "datasource.not-readable",
        "The file of the datasource cannot be read.",
        "It is not there, it may not be read, or it is not a CSV file.",
        "Check the datasource.",
    )


@contextmanager
def _in_our_words(watch: _Watch, progress: Progress) -> Iterator[None]:
    """DuckDB's messages quote data, paths and the query; none of them leaves this module."""
    try:
        yield
    except duckdb.InterruptException:
        if not progress.cancelled and watch.expired:
            raise Unavailable(
                "sql.time-limit",
                "The task took too long.",
                "It was stopped at the time limit of this pod.",
                "Ask for less at once, or ask the custodian for a longer time limit.",
            ) from None
        raise Cancelled() from None
    except (duckdb.OutOfMemoryException, MemoryError):
        raise Unavailable(
            "sql.memory",
            "The task needs more memory than it may use.",
            "It was stopped at the memory limit of this pod.",
            "Ask for less at once, or ask the custodian for more memory.",
        ) from None
    except (duckdb.BinderException, duckdb.CatalogException):
        raise statement.refuse(
            "unknown-name", "It names a column or a function that does not exist, or uses one in a wrong way."
        ) from None
    except (duckdb.IOException, OSError):
        raise unreadable() from None
    except duckdb.PermissionException:
        raise statement.refuse("outside", "It reaches for something outside the datasource.") from None
    except (duckdb.ParserException, duckdb.SyntaxException):
        raise statement.refuse("syntax", "It is not valid SQL.") from None
    except (duckdb.Error, UnicodeError, OverflowError):
        raise BadInput(
            "sql.odd-data",
            "The data could not be read or computed as asked.",
            "A value in the file does not fit its column, or a computation has no result.",
            "Check the query, and check the datasource.",
        ) from None
