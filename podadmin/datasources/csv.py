"""Testing a CSV file, showing its first rows, and a quick look at its columns. Reads only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources.dialect import HEAD_BYTES, Dialect, dialect
from podadmin.datasources.dtypes import FALSE_WORDS, NULL_WORDS, TRUE_WORDS, Evidence, dtype_of, stype_of
from podadmin.datasources.engine import Engine, engine
from podadmin.datasources.files import unchanged, unreadable
from podadmin.datasources.masking import masked as mask
from podadmin.datasources.model import ColumnGuess, Fingerprint, Probe, Rejected, Rows

SAMPLE_ROWS = 1_000
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_BOOLEANS = frozenset(TRUE_WORDS + FALSE_WORDS)


def opened(path: Path) -> Dialect:
    """The dialect of the file at `path`. Raises NotFound, BadInput or Unavailable (`datasource.*`)."""
    if path.suffix.lower() != ".csv":
        raise BadInput(
            "datasource.not-a-csv-name",
            "The name of this file does not end in .csv.",
            "A pod refuses CSV datasources whose file has another ending.",
            "Choose a file that ends in .csv, or rename this one.",
        )
    try:
        with path.open("rb") as file:
            return dialect(file.read(HEAD_BYTES))
    except OSError as error:
        raise unreadable(error) from error


def located(path: Path) -> Path:
    """`path` made absolute, with links followed as far as they lead."""
    return path.expanduser().resolve()


def probe(path: Path, progress: Progress, *, temp_directory: Path | None = None) -> Probe:
    """Read the whole file once, without looking at its values, and say what it is.

    Raises NotFound, BadInput, Unavailable (`datasource.*`, see files.who_can_fix) or Cancelled. Lines that cannot be
    read as rows are counted and listed, unless every line is such: then BadInput `datasource.ragged`.
    """
    path = located(path)
    with unchanged(path) as found:
        how = opened(path)
        with engine(path, how, progress, temp_directory=temp_directory) as reader:
            # every column is asked for, because bytes that are no text are noticed only in columns that are read
            every = [f"count({reader.cell(name)})" for name in how.columns]
            rows = int(reader.rows(["count(*)", *every], "Reading the file")[0][0])
            rejected = reader.rejected()
        refuse_without_rows(rows, rejected)
        modified = datetime.fromtimestamp(found.modified_ns / 1e9, UTC)
        return Probe(rows, found.size, modified, how.words, how.separator, True, how.columns, rejected, found)


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


def preview(path: Path, rows: int = 20, masked: bool = True, *, temp_directory: Path | None = None) -> Rows:
    """The first `rows` rows as text that is safe to show; masked, only the shapes of values (see masking).

    Raises as `probe` does.
    """
    path = located(path)
    with unchanged(path):
        how = opened(path)
        with engine(path, how, Progress(), temp_directory=temp_directory, ordered=True) as reader:
            found = reader.rows(["*"], "Reading the first rows", first=max(rows, 0))

    def shown(value: str | None) -> str:
        text = value or ""
        return stranger(mask(text) if masked else text)

    columns = tuple(stranger(name) for name in how.columns)
    return Rows(columns, tuple(tuple(map(shown, row)) for row in found), masked)


def columns(path: Path, *, temp_directory: Path | None = None) -> tuple[ColumnGuess, ...]:
    """What the first SAMPLE_ROWS rows say about every column. Raises as `probe` does."""
    path = located(path)
    with unchanged(path):
        how = opened(path)
        with engine(path, how, Progress(), temp_directory=temp_directory, ordered=True) as reader:
            sampled, looks = look(reader, how.columns)
    guesses = []
    for seen in looks:
        # digits that fit no 64-bit number are an identifier
        numbers = 0 if seen.whole and seen.beyond_64_bits else seen.numbers
        kind = dtype_of(Evidence(seen.cells, seen.booleans, numbers, seen.whole))
        guesses.append(ColumnGuess(seen.name, kind, stype_of(seen.name, kind), sampled, sampled - seen.cells))
    return tuple(guesses)


@dataclass(frozen=True)
class Look:
    """What the sample says about one column: counts of cells that are not empty."""

    name: str
    cells: int
    booleans: int
    numbers: int
    whole: bool
    beyond_64_bits: bool
    dates: int
    null_words: frozenset[str]
    """The words for "empty" that the sample uses, "" aside."""


def look(reader: Engine, names: tuple[str, ...], span: tuple[float, float] = (0.0, 1.0)) -> tuple[int, list[Look]]:
    """Look at the first SAMPLE_ROWS rows of the columns `names`: how many rows there were, and what they say."""
    cells = [reader.cell(name) for name in names]
    known, reader.null_words = reader.null_words, ("",)
    found = reader.rows(cells, "Looking at the first rows", span, first=SAMPLE_ROWS)
    reader.null_words = known
    return len(found), [judged(name, [row[place] for row in found]) for place, name in enumerate(names)]


def judged(name: str, cells: Sequence[str | None]) -> Look:
    """What the `cells` of a column look like; None stands for an empty one. Pure."""
    filled = [cell for cell in cells if cell is not None and cell not in NULL_WORDS]
    empty = frozenset(cell for cell in cells if cell is not None and cell in NULL_WORDS)
    numbers = [float(cell) for cell in filled if _NUMBER.fullmatch(cell)]
    return Look(
        name,
        len(filled),
        sum(cell in _BOOLEANS for cell in filled),
        len(numbers),
        bool(numbers) and all(number.is_integer() for number in numbers),
        any(abs(number) >= 2.0**63 for number in numbers),
        sum(_DATE.fullmatch(cell) is not None for cell in filled),
        empty,
    )


def same_file(kept: Fingerprint, now: Fingerprint) -> bool:
    """Has nobody written to the file since `kept` was taken? (The device number may change with a remount.)"""
    return (kept.size, kept.modified_ns) == (now.size, now.modified_ns)
