"""DuckDB as the reader of somebody's file: bounded, closed to the network, with progress, and quick to stop.

The connection may open the one file that it was made for and nothing else; it never loads an extension. No text of a
DuckDB error reaches a custodian, because it quotes the line that it stumbled over.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podadmin.core.errors import PodadminError
from podadmin.core.late import Late
from podadmin.core.progress import Progress
from podadmin.datasources.decoding import in_utf_8
from podadmin.datasources.dialect import Dialect
from podadmin.datasources.dtypes import NULL_WORDS
from podadmin.datasources.engine_errors import explained, not_parquet, reason_of
from podadmin.datasources.files import unpacked, unreadable
from podadmin.datasources.glance import Glance, about_lines, glance
from podadmin.datasources.long_lines import LONG_LINE, long_lines
from podadmin.datasources.model import Rejected, RejectedLine
from podadmin.datasources.sample import SPREADSHEET_ERRORS

if TYPE_CHECKING:
    import duckdb
else:
    # the extension without the package around it, which takes longer to import than a small file takes to be read, for
    # ways of building queries that nothing here uses
    duckdb = Late("_duckdb")

DEFAULT_MEMORY = "512MB"
ODD_WORDS = tuple(sorted({*NULL_WORDS, *SPREADSHEET_ERRORS} - {""}))
"""What may stand where a number should: in SQL, `getvariable('odd_words')`."""
_POLL_SECONDS = 0.1
_BUFFER_BYTES = 1 << 22
_LONG_BYTES = 1 << 26
_PARQUET = b"PAR1"
_NEVER = "\x01"
"""A word for “empty” where none is to count: no text holds it."""
REJECTS_SHOWN = 100
_CELL = re.compile(r"\bc\d+\b")
_MISFIT = re.compile(r"Could not convert string \"(.*)\" to '\w+'\s+Column c(\d+) is being converted", re.DOTALL)


def literal(value: str) -> str:
    """`value` as an SQL string."""
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True)
class Table:
    """A file that is a table, as its beginning (CSV) or its footer (Parquet) describes it.

    `dialect` is None for Parquet; `types` are DuckDB's names, VARCHAR throughout for CSV. `refused`: the lines that
    were no rows when a Parquet copy was made of a text.
    """

    path: Path
    columns: tuple[str, ...]
    types: tuple[str, ...]
    dialect: Dialect | None = None
    refused: Rejected = field(default_factory=Rejected)


class Misfit(Exception):
    """What stopped a reading of cells as what they seemed to be (Engine.typed).

    `column` is None where a line is no row, and `cell` where it is not told; nobody is shown what it was.
    """

    def __init__(self, column: str | None = None, cell: str | None = None) -> None:
        super().__init__("A cell is not what it seemed to be.")
        self.column = column
        self.cell = cell


class Engine:
    """A private in-memory DuckDB for one file. Make one with `engine`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: Table, progress: Progress) -> None:
        self._connection = connection
        self.table = table
        self._progress = progress
        self._strict = True
        self.null_words: tuple[str, ...] = NULL_WORDS
        """Cells that count as empty. A shorter list makes a pass a third quicker; who shortens it has to check."""
        self.typed: Mapping[str, str] = {}
        """Columns of a CSV and the types of DuckDB's that their cells are at once made to be, as which that is a fifth
        quicker. It is the very conversion of `try_cast`; but the first cell that fails it, and the first line that is
        no row, raise Misfit."""
        self._places = {name: place for place, name in enumerate(table.columns)}

    def check(self) -> None:
        """Raises Cancelled where the work was cancelled: for those who work on what was read."""
        self._progress.check()

    def cell(self, name: str) -> str:
        """The SQL name of the column `name`. Strangers' names never become part of a statement."""
        return f"c{self._places[name]}"

    def type_of(self, name: str) -> str:
        """DuckDB's name for the type as which the column `name` is read."""
        return self.typed.get(name) or self.table.types[self._places[name]]

    @cached_property
    def about_rows(self) -> int:
        """About how many rows there are."""
        how = self.table.dialect
        if how is None:
            return int(self.rows(["count(*)"], "Looking at the size")[0][0])
        return about_lines(self.table.path, how)

    @cached_property
    def glance(self) -> Glance:
        """What may stand in the cells. A file does not change in a pass."""
        return glance(self.table.path, self.table.dialect)

    def _scan(self) -> str:
        """The table function that reads the file; of a CSV every cell as text, empty cells as NULL, bad lines aside."""
        cells = [f"c{place}" for place in range(len(self._places))]
        path = literal(_no_pattern(self.table.path))
        how = self.table.dialect
        if how is None:
            return f"read_parquet({path}) AS t({', '.join(cells)})"
        alone = len(cells) == 1
        words = [word for word in self.null_words if word or not alone] or [_NEVER]
        nulls = ", ".join(map(literal, words))
        escape = literal(how.quote)
        table = (
            f"read_csv({path}, auto_detect=false, header={str(how.header).lower()}, compression='{how.packed}', "
            f"delim={literal(how.separator)}, quote={escape}, escape={escape}, "
            f"columns=$columns, nullstr=[{nulls}], store_rejects={str(not self.typed).lower()}, "
            f"buffer_size={LONG_LINE + 1}, "
            f"strict_mode={str(self._strict).lower()})"
        )
        if not alone:
            return table
        # in a table of one column an empty line is no row, and an empty pair of quotation marks is: so pandas, and so a
        # pod, reads it; and the last line may be read however long it is
        short = f"WHERE c0 IS NULL OR strlen(c0) <= {LONG_LINE}"
        return f"(SELECT nullif(c0, '') AS c0 FROM {table} {short})"  # noqa: S608 - made of places, see cell

    def rows(
        self,
        select: Sequence[str],
        what: str,
        span: tuple[float, float] = (0.0, 1.0),
        *,
        first: int | None = None,
        tail: str = "",
        derived: Sequence[str] = (),
        into: Path | None = None,
        stacked: Sequence[str] = (),
        values: Mapping[str, Sequence[object]] | None = None,
    ) -> list[tuple[Any, ...]]:
        """Select from the file (from its `first` rows only, where that is given) and report progress over `span`.

        `derived` are expressions over cells with a name each, made once a row for all of `select` to use; `tail`
        follows the source (GROUP BY, LIMIT). What is found is written `into` a Parquet file, where one is given.

        `stacked` are columns of one type that are read as rows: of each cell `c` is its value, `k` the place of its
        column in `stacked`, `middle` the number in `$middles` at that place, and `lot` a number by chance that all
        cells of a line share. `values` are what `$` names stand for.

        Raises Cancelled, BadInput (`datasource.unreadable`) or Unavailable (`datasource.memory`, `datasource.disk`);
        and Misfit where cells are `typed`.
        """
        for table in ("reject_errors", "reject_scans"):
            self._connection.execute(f"DROP TABLE IF EXISTS {table}")
        self._progress.report(what, span[0])
        source = self._scan()
        if stacked:
            source = self._as_rows(source, stacked, derived)
        elif first is not None or derived:
            used = sorted({word for part in (*select, *derived) for word in _CELL.findall(part)}) or ["*"]
            limit = () if first is None else ("LIMIT", str(int(first)))
            source = " ".join(("(SELECT", ", ".join((*used, *derived)), "FROM", source, *limit, ")"))
        statement = " ".join(("SELECT", ", ".join(select), "FROM", source, tail))
        if into is not None:
            statement = f"COPY ({statement}) TO {literal(str(into))} (FORMAT parquet, COMPRESSION zstd)"
        try:
            return self._polled(statement, self._columns() | dict(values or {}), what, span)
        except duckdb.InvalidInputException as error:
            if not self._strict or self.table.dialect is None:
                raise explained(error) from error
        # files with mixed line ends are beyond DuckDB's strict reader
        self._strict = False
        return self.rows(
            select, what, span, first=first, tail=tail, derived=derived, into=into, stacked=stacked, values=values
        )

    def _as_rows(self, source: str, stacked: Sequence[str], derived: Sequence[str]) -> str:
        cells, shown = ", ".join(map(self.cell, stacked)), ", ".join(("k", "c", "middle", "lot", *derived))
        each = f"unnest([{cells}]) AS c, unnest(range({len(stacked)})) AS k, unnest($middles::DOUBLE[]) AS middle, lot"
        line = f"(SELECT {cells}, random() AS lot FROM {source})"  # noqa: S608 - made of places, see cell
        return f"(SELECT {shown} FROM (SELECT {each} FROM {line}))"  # noqa: S608 - as above

    def _columns(self) -> dict[str, object]:
        """What `$columns` stands for: within the statement, ten thousand of them take DuckDB half a second to read."""
        cells = {f"c{place}": self.typed.get(name, "VARCHAR") for name, place in self._places.items()}
        return {"columns": cells} if self.table.dialect is not None else {}

    def _misfit(self, words: str) -> Misfit:
        """Of DuckDB's words only the place and the cell are taken: they quote whatever stands there, so that what is
        found in them is a guess, by which nothing but time is lost where somebody wrote such words into a cell.
        """
        found = _MISFIT.search(words)
        column = next((name for name in self.typed if found and self.cell(name) == f"c{found[2]}"), None)
        return Misfit(column, found[1]) if found and column is not None else Misfit()

    def _polled(
        self, statement: str, values: Mapping[str, object], what: str, span: tuple[float, float]
    ) -> list[tuple[Any, ...]]:
        done = threading.Event()

        def poll() -> None:
            share = 0.0
            while not done.wait(_POLL_SECONDS) and not self._progress.cancelled:
                # a query that is nearly done says -1 once more
                share = max(self._connection.query_progress() / 100, share)
                with _ignoring_cancellation():
                    self._progress.report(what, span[0] + (span[1] - span[0]) * min(share, 1.0))

        poller = threading.Thread(target=poll, name="csv-progress", daemon=True)
        poller.start()
        try:
            return self._connection.execute(statement, values).fetchall()
        except duckdb.Error as error:
            self._progress.check()
            if self.typed and not isinstance(error, (duckdb.OutOfMemoryException, duckdb.IOException)):
                raise self._misfit(str(error)) from None
            if isinstance(error, duckdb.InvalidInputException):
                raise
            raise explained(error) from error
        finally:
            done.set()
            poller.join()

    def judged(self, cells: Sequence[str], expression: str) -> list[Any]:
        """What `expression` over c0 is for each of some texts, in their order."""
        each = "(SELECT unnest($1) AS c0, generate_subscripts($1, 1) AS i)"
        asked = f"SELECT {expression} FROM {each} ORDER BY i"  # noqa: S608 - no stranger's text, see rows
        return [value for (value,) in self._connection.execute(asked, [list(cells)]).fetchall()]

    def rejected(self) -> Rejected:
        """The lines that the last `rows` could not read as rows; in Parquet, those it was made without."""
        if self.table.dialect is None:
            return self.table.refused
        if self.typed:
            return Rejected()
        found = self._connection.execute(
            "SELECT line, min(line_byte_position), min(error_type::VARCHAR) FROM reject_errors GROUP BY line "
            "ORDER BY line LIMIT ?",
            [REJECTS_SHOWN],
        ).fetchall()
        count = self._connection.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchall()[0][0]
        known = {position for _, position, _ in found}
        # a line that does not fit into DuckDB's buffer is left out without a word
        long = [(0, place + 1, "LINE SIZE OVER MAXIMUM") for place in self._long_lines if place + 1 not in known]
        found = sorted([*found, *long], key=lambda each: each[1])[:REJECTS_SHOWN]
        lines = self._lines([(line, position) for line, position, _ in found])
        return Rejected(
            count + len(long),
            tuple(RejectedLine(line, reason_of(kind)) for line, (_, _, kind) in zip(lines, found, strict=True)),
        )

    @cached_property
    def _long_lines(self) -> tuple[int, ...]:
        """Where lines begin that are too long to be read."""
        how = self.table.dialect
        return long_lines(self.table.path, how.packed) if how is not None else ()

    def _lines(self, places: Sequence[tuple[int, int]]) -> list[int]:
        """Line numbers as an editor shows them: DuckDB counts rows, and a quoted cell may hold line breaks."""
        numbers: list[int] = []
        seen, line = 0, 1
        with unpacked(self.table.path, self.table.dialect.packed if self.table.dialect else "none") as file:
            for _, position in places:
                while seen < position - 1:
                    part = file.read(min(_BUFFER_BYTES, position - 1 - seen))
                    if not part:
                        break
                    seen += len(part)
                    line += part.count(b"\n")
                numbers.append(line)
        return numbers


@contextmanager
def engine(
    table: Table,
    progress: Progress,
    *,
    memory_limit: str = DEFAULT_MEMORY,
    temp_directory: Path | None = None,
    ordered: bool = False,
    also: Path | None = None,
) -> Iterator[Engine]:
    """An Engine for a table file.

    Work that does not fit into memory spills to `temp_directory`, or is an error where there is none. A file that is
    not UTF-8 is read from a copy in UTF-8, which lies in `temp_directory` (else in the system's) for as long as the
    Engine is open, readable for this account only. `ordered` keeps rows in the order of the file and is for its first
    rows only; whole passes are quicker without. `also`: a file that may be written.
    """
    with ExitStack() as stack:
        if table.dialect is not None and table.dialect.encoding != "utf-8":
            copy = stack.enter_context(in_utf_8(table.path, table.dialect, progress, temp_directory, ordered))
            table = replace(table, path=copy, dialect=replace(table.dialect, encoding="utf-8", packed="none"))
        yield stack.enter_context(_engine(table, progress, memory_limit, temp_directory, ordered, also))


def parquet_table(path: Path) -> Table:
    """The columns of a Parquet file, by its footer. Raises BadInput `datasource.not-parquet`, or for the disk."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(_PARQUET))
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - len(_PARQUET), 0))
            ends = file.read(len(_PARQUET))
    except OSError as error:
        raise unreadable(error) from error
    if size <= 2 * len(_PARQUET) or begins != _PARQUET or ends != _PARQUET:
        raise not_parquet()
    connection = _connected((path,), DEFAULT_MEMORY, None, True)
    try:
        asked = " ".join(("DESCRIBE FROM", f"read_parquet({literal(_no_pattern(path))})"))
        found = connection.execute(asked).fetchall()
    except duckdb.Error as error:
        raise not_parquet() from error
    finally:
        connection.close()
    # DuckDB numbers a name that stands there twice: `a`, `a_1`
    return Table(path, tuple(row[0] for row in found), tuple(row[1] for row in found))


def _connected(
    paths: Sequence[Path], memory_limit: str, temp_directory: Path | None, ordered: bool
) -> duckdb.DuckDBPyConnection:
    allowed = ", ".join(literal(name) for path in paths for name in (str(path), _no_pattern(path)))
    settings: dict[str, Any] = {
        "threads": min(os.cpu_count() or 1, 8),
        "memory_limit": memory_limit,
        "preserve_insertion_order": "true" if ordered else "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": str(temp_directory) if temp_directory else "",
        "allocator_bulk_deallocation_flush_threshold": "8MB" if _is_long(paths[0]) else "1MB",
    }
    connection = duckdb.connect(":memory:", config=settings)
    for setting in (
        "enable_progress_bar = true",
        "enable_progress_bar_print = false",
        "progress_bar_time = 0",
        f"VARIABLE odd_words = [{', '.join(literal(word) for word in ODD_WORDS)}]",
        f"allowed_paths = [{allowed}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection


def _is_long(path: Path) -> bool:
    """Is it worth more to be quick than to be small?

    What one part of the work gives back is not kept beside what the next one takes, which is a quarter less memory at
    the peak. Of a long file this would take a tenth of the time. A file that is gone is told by who reads it.
    """
    with suppress(OSError):
        return path.stat().st_size > _LONG_BYTES
    return False


@contextmanager
def _engine(
    table: Table,
    progress: Progress,
    memory_limit: str,
    temp_directory: Path | None,
    ordered: bool,
    also: Path | None,
) -> Iterator[Engine]:
    paths = (table.path,) if also is None else (table.path, also)
    connection = _connected(paths, memory_limit, temp_directory, ordered)
    guard = threading.Lock()
    is_open = True

    def interrupt() -> None:
        with guard:
            if is_open:
                connection.interrupt()

    try:
        progress.on_cancel(interrupt)
        yield Engine(connection, table, progress)
    finally:
        with guard:
            is_open = False
            connection.close()


@contextmanager
def _ignoring_cancellation() -> Iterator[None]:
    """The polling thread need not raise what the working thread is about to raise."""
    try:
        yield
    except PodadminError as error:
        if error.code != "core.cancelled":
            raise


def _no_pattern(path: Path) -> str:
    """The path with `*`, `?` and `[` put into brackets, so that it names one file and never a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in str(path))
