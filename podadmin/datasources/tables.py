"""Testing a table file, showing its first rows, and a quick look at its columns. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources import json_lines
from podadmin.datasources.csv import located, opened, sampled
from podadmin.datasources.dtypes import Evidence, dtype_of, native_dtype, stype_of
from podadmin.datasources.engine import DEFAULT_MEMORY, Engine, Table, engine, parquet_table
from podadmin.datasources.files import unchanged
from podadmin.datasources.masking import masked as mask
from podadmin.datasources.model import (
    ColumnGuess,
    CsvSource,
    FileSource,
    JsonLinesSource,
    ParquetSource,
    Probe,
    Rejected,
    Rows,
)
from podadmin.datasources.sample import SAMPLE_CELLS, SAMPLE_ROWS, Look, judged

_AT_ONCE: Final = 2_000
"""Columns that are read in one turn."""


def first_look(source: FileSource) -> tuple[str, ...]:
    """The columns that the beginning or the footer of the file names; JSON lines name theirs only to the last line.

    Raises NotFound, BadInput, Unavailable (`datasource.*`).
    """
    if isinstance(source, JsonLinesSource):
        json_lines.check_head(located(source.path))
        return ()
    return _table(source).columns


def _table(source: CsvSource | ParquetSource) -> Table:
    path = located(source.path)
    if isinstance(source, ParquetSource):
        return parquet_table(path)
    how = opened(path, source.reading)
    return Table(path, how.columns, ("VARCHAR",) * len(how.columns), how)


@contextmanager
def reading(
    source: FileSource,
    progress: Progress,
    *,
    memory_limit: str = DEFAULT_MEMORY,
    temp_directory: Path | None = None,
    head_only: bool = False,
) -> Iterator[Engine]:
    """A reader of the file, or, where `head_only`, of its first rows, which it keeps in their order.

    Raises NotFound, BadInput, Unavailable (`datasource.*`) and Cancelled. See `engine` for the others.
    """
    with ExitStack() as stack:
        if isinstance(source, JsonLinesSource):
            laid_out = json_lines.as_table(
                located(source.path),
                progress,
                memory_limit=memory_limit,
                temp_directory=temp_directory,
                head_only=head_only,
            )
            found = stack.enter_context(laid_out)
        else:
            found = _table(source)
        yield stack.enter_context(
            engine(found, progress, memory_limit=memory_limit, temp_directory=temp_directory, ordered=head_only)
        )


def looks(reader: Engine, names: Sequence[str]) -> tuple[int, list[Look]]:
    """How many rows were sampled, and what they say about the columns `names`."""
    source = reader.table
    places = {name: place for place, name in enumerate(source.columns)}
    if source.dialect is not None:
        rows: Sequence[Sequence[str | None]] = sampled(source.path, source.dialect)
    else:
        wanted = max(min(SAMPLE_ROWS, SAMPLE_CELLS // max(len(places), 1)), 20)
        cells = [f"{reader.cell(name)}::VARCHAR" for name in source.columns]
        rows = reader.rows(cells, "Looking at the first rows", (0.0, 0.02), first=wanted)
    seen = []
    for name in names:
        reader.check()
        seen.append(judged(name, [row[places[name]] or None for row in rows]))
    return len(rows), seen


def probe(source: FileSource, progress: Progress, *, temp_directory: Path | None = None) -> Probe:
    """Read the whole file once, without looking at its values, and say what it is.

    Raises NotFound, BadInput, Unavailable (`datasource.*`, see files.who_can_fix) or Cancelled. Lines that cannot be
    read as rows are counted and listed, unless every line is such: then BadInput `datasource.ragged`.
    """
    path = located(source.path)
    with unchanged(path) as found:
        with reading(source, progress, temp_directory=temp_directory) as reader:
            opened_table = reader.table
            # every column is asked for, because bytes that are no text are noticed only in columns that are read
            turns = []
            parts = _parts(opened_table.columns)
            for place, part in enumerate(parts):
                every = [f"count({reader.cell(name)})" for name in part]
                span = (place / len(parts), (place + 1) / len(parts))
                rows = int(reader.rows(["count(*)", *every], "Reading the file", span)[0][0])
                turns.append((rows, reader.rejected()))
            rows = min(found_rows for found_rows, _ in turns)
            rejected = max((refused for _, refused in turns), key=lambda each: each.count)
        refuse_without_rows(rows, rejected)
        modified = datetime.fromtimestamp(found.modified_ns / 1e9, UTC)
        how = opened_table.dialect
        if how is None:
            words = "JSON in UTF-8" if isinstance(source, JsonLinesSource) else "Parquet"
            return Probe(rows, found.size, modified, words, "", True, opened_table.columns, rejected, found)
        return Probe(
            rows, found.size, modified, how.words, how.separator, how.header, how.columns, rejected, found, how.doubts
        )


def _parts(columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Columns as many at a time as a reader has memory for: each takes room of its own, however short the file is."""
    return [columns[first : first + _AT_ONCE] for first in range(0, len(columns), _AT_ONCE)]


def refuse_without_rows(rows: int, rejected: Rejected) -> None:
    """Raises BadInput where a file has no row that can be read."""
    if rows:
        return
    if rejected.count:
        raise BadInput(
            "datasource.ragged",
            "No line of this file can be read as a row.",
            f"{rejected.count} lines do not fit the header; the first is line {rejected.first[0].line}: "
            f"{rejected.first[0].reason}",
            "Check that the first line holds the column names and that all lines use the same separator.",
        )
    raise BadInput(
        "datasource.header-only",
        "The file has column names but no rows.",
        "There is nothing after its first line.",
        "Check that the export which writes this file has finished, or choose another file.",
    )


def preview(source: FileSource, rows: int = 20, masked: bool = True, *, temp_directory: Path | None = None) -> Rows:
    """The first `rows` rows as text that is safe to show; masked, only the shapes of values (see masking).

    Raises as `probe` does.
    """
    with (
        unchanged(located(source.path)),
        reading(source, Progress(), temp_directory=temp_directory, head_only=True) as reader,
    ):
        found_table = reader.table
        found: list[tuple[str | None, ...]] = [()] * max(rows, 0)
        for part in _parts(found_table.columns):
            cells = [f"{reader.cell(name)}::VARCHAR" for name in part]
            read = reader.rows(cells, "Reading the first rows", first=max(rows, 0))
            found = [(*row, *more) for row, more in zip(found, read, strict=False)]

    def shown(value: str | None) -> str:
        text = value or ""
        return stranger(mask(text) if masked else text)

    columns = tuple(stranger(name) for name in found_table.columns)
    return Rows(columns, tuple(tuple(map(shown, row)) for row in found), masked)


def columns(source: FileSource, *, temp_directory: Path | None = None) -> tuple[ColumnGuess, ...]:
    """What a sample of the rows says about every column. Raises as `probe` does."""
    with (
        unchanged(located(source.path)),
        reading(source, Progress(), temp_directory=temp_directory, head_only=True) as reader,
    ):
        found = reader.table
        sampled_rows, seen = looks(reader, found.columns)
    guesses = []
    for each, native in zip(seen, found.types, strict=True):
        kind = _guessed(each) if found.dialect is not None else native_dtype(native)
        guesses.append(ColumnGuess(each.name, kind, stype_of(each.name, kind), sampled_rows, sampled_rows - each.cells))
    return tuple(guesses)


def _guessed(seen: Look) -> str:
    # digits that fit no 64-bit number are an identifier
    numbers = 0 if seen.whole and seen.beyond_64_bits else seen.numbers
    return dtype_of(Evidence(seen.cells, seen.booleans, numbers, seen.whole))
