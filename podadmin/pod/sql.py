"""A requester's SQL on one declared datasource, with DuckDB: read-only, bounded, and blind to everything else.

The datasource is a view over its file without the ignored columns. After the view is made the connection is locked:
no file but that one, no extensions, no settings. The query itself has passed `statement.read` before.
"""

from __future__ import annotations

import csv
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from podadmin.core.errors import BadInput, Cancelled, Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.pod import statement

Table = dict[str, list[object]]
"""Column name -> values: None, bool, int, float or str."""

_PASSED = {
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT",
    "UHUGEINT", "FLOAT", "DOUBLE", "VARCHAR",
}  # fmt: skip
_READ_OPTIONS = {"delim", "quote", "escape", "header", "encoding", "decimal_separator", "dateformat", "nullstr", "skip"}
_FETCH = 2000


@dataclass(frozen=True)
class Source:
    """One declared datasource. `ignore`: columns that no task sees. `options`: DuckDB's CSV options by name."""

    name: str
    path: Path
    ignore: tuple[str, ...] = ()
    kind: str = "CSVSource"
    options: Mapping[str, str | bool | int] = field(default_factory=dict)


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
    `sql.memory`, `datasource.unreadable`; Cancelled.
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

    Raises Unavailable `datasource.unreadable`, `sql.time-limit`, `sql.memory`; BadInput `sql.odd-data`;
    Refused `datasource.kind`, `datasource.ignore-unknown`, `datasource.same-name`, `sql.unknown-name`; Cancelled.
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
    except (OSError, RuntimeError):
        raise unreadable() from None
    for setting in (
        "autoinstall_known_extensions=false",
        "autoload_known_extensions=false",
        "allow_community_extensions=false",
        "allow_persistent_secrets=false",
        "enable_progress_bar=false",
        "temp_directory=''",
        f"memory_limit='{bounds.memory_mb}MB'",
        f"threads={bounds.threads}",
        "TimeZone='UTC'",
        f"allowed_paths=[{literal(str(path))}]",
        "enable_external_access=false",
    ):
        con.execute(f"SET {setting}")
    reading = _reading(path, source.options, as_text)
    found = [str(row[0]) for row in con.execute(f"DESCRIBE SELECT * FROM {reading}").fetchall()]  # noqa: S608
    columns = _visible(found, _header(con, path, source.options), source.ignore)
    chosen = ", ".join(name(column) for column in columns)
    for table in names:
        con.execute(f"CREATE VIEW {name(table)} AS SELECT {chosen} FROM {reading}")  # noqa: S608
    con.execute("SET lock_configuration=true")
    return Opened(con, names, columns)


def _reading(path: Path, options: Mapping[str, str | bool | int], as_text: bool) -> str:
    parts = [literal(str(path)), "all_varchar=true" if as_text else "sample_size=-1"]
    for option, value in sorted(options.items()):
        if option not in _READ_OPTIONS:
            raise BadInput(
                "datasource.read-option",
                "The datasource has a setting for reading that the built-in pod does not know.",
                "It could be read differently from what was declared.",
                "Remove the setting from the datasource.",
            )
        shown = str(value).lower() if isinstance(value, (bool, int)) else literal(value)
        parts.append(f"{option}={shown}")
    return f"read_csv({', '.join(parts)})"


def _header(con: duckdb.DuckDBPyConnection, path: Path, options: Mapping[str, str | bool | int]) -> list[str]:
    """The names as the file writes them: DuckDB renames repeated ones, which could uncover an ignored column."""
    row = con.execute(f"SELECT delimiter FROM sniff_csv({literal(str(path))})").fetchone()  # noqa: S608
    delimiter = str(options.get("delim", row[0] if row else ","))
    skip = int(options.get("skip", 0))
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = csv.reader(file, delimiter=delimiter[:1] or ",")
        for _ in range(skip):
            next(lines, None)
        return next(lines, [])


def _visible(found: Sequence[str], header: Sequence[str], ignore: Sequence[str]) -> tuple[str, ...]:
    hidden = {column.casefold() for column in ignore}
    if not hidden <= {column.casefold() for column in found}:
        raise Refused(
            "datasource.ignore-unknown",
            "A column that is to be ignored is not in the file.",
            "The file may have changed, and the column could now have another name.",
            "Look at the datasource and set its ignored columns again.",
        )
    titles = [title.strip().casefold() for title in header]
    if hidden and len(set(titles)) != len(titles):
        raise Refused(
            "datasource.same-name",
            "Two columns of the file have the same name.",
            "It is not certain which of them is to be ignored.",
            "Give the columns of the file different names.",
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
        "datasource.unreadable",
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
    except (duckdb.Error, csv.Error, UnicodeError, OverflowError):
        raise BadInput(
            "sql.odd-data",
            "The data could not be read or computed as asked.",
            "A value in the file does not fit its column, or a computation has no result.",
            "Check the query, and check the datasource.",
        ) from None
