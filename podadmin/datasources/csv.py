"""Opening a text file of rows and cells: by its name, its packing and its first bytes. Reads only."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from podadmin.core.errors import BadInput
from podadmin.core.files import expanded
from podadmin.datasources.dialect import HEAD_BYTES, Dialect, dialect
from podadmin.datasources.files import unpacked, unreadable
from podadmin.datasources.model import Reading
from podadmin.datasources.sample import SAMPLE_CELLS, SAMPLE_ROWS

PACKED = {".gz": "gzip", ".zst": "zstd"}
ENDINGS = (".csv", ".tsv", ".txt")
POD_ENDING = ".csv"
"""The only ending that a pod of the network's own software takes (bitfount contract, section 2.2)."""
_PLACES = 20
_PLACE_BYTES = 1 << 15


def opened(path: Path, reading: Reading = Reading()) -> Dialect:  # noqa: B008 - a frozen value
    """The dialect of the file at `path`. Raises NotFound, BadInput or Unavailable (`datasource.*`)."""
    packed = packing(path, ENDINGS)
    return dialect(_head(path, packed), reading, packed)


def packing(path: Path, endings: Sequence[str]) -> str:
    """How a text file is packed, by its name: none, gzip or zstd. Raises BadInput (`datasource.not-a-table`)."""
    packed = PACKED.get(path.suffix.lower(), "none")
    name = path.with_suffix("") if packed != "none" else path
    if name.suffix.lower() not in endings:
        raise BadInput(
            "datasource.not-a-table",
            "The name of this file is not that of a table.",
            "CSV ends in .csv, .tsv or .txt, JSON lines in .ndjson or .jsonl (each may be packed as .gz or .zst), and "
            "Parquet in .parquet.",
            "Choose such a file of the chosen kind, or rename this one. A pod takes names that end in .csv only.",
        )
    return packed


def located(path: Path) -> Path:
    """`path` made absolute, with links followed as far as they lead."""
    return expanded(path).resolve()


def _head(path: Path, packed: str) -> bytes:
    try:
        with unpacked(path, packed) as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise unreadable(error) from error


def sampled(path: Path, how: Dialect, *, spread: bool = True) -> list[list[str]]:
    """Some rows of the file: the first, and for a large file that is not packed some from all over it.

    Rows that do not have the header's number of cells are left out. A row that is found in the midst of the file may
    begin inside a quoted cell and mislead: what is found here only suggests what to try.
    """
    wanted = max(min(SAMPLE_ROWS, SAMPLE_CELLS // max(len(how.columns), 1)), 20)
    plain = spread and how.packed == "none" and how.encoding == "utf-8"
    try:
        size = path.stat().st_size
        far = plain and size > 2 * HEAD_BYTES
        with unpacked(path, how.packed) as file:
            text = file.read(HEAD_BYTES).decode(how.encoding, errors="ignore").removeprefix("\ufeff")
            rows = _rows(text, how, wanted // 2 if far else wanted)
            if how.header:
                rows = rows[1:]
            if far:
                for place in range(1, _PLACES + 1):
                    file.seek(HEAD_BYTES + (size - HEAD_BYTES - _PLACE_BYTES) * place // _PLACES)
                    part = file.read(_PLACE_BYTES).partition(b"\n")[2]
                    rows += _rows(part.decode("utf-8", errors="ignore"), how, wanted // 2 // _PLACES)
    except OSError as error:
        raise unreadable(error) from error
    return [row for row in rows if len(row) == len(how.columns)]


def _rows(text: str, how: Dialect, limit: int) -> list[list[str]]:
    """The first rows of `text`; the last, which may be cut off, only where it is the only one."""
    lines = io.StringIO(text, newline="")
    reader: Iterator[list[str]]
    if how.quote:
        reader = csv.reader(lines, delimiter=how.separator, quotechar=how.quote)
    else:
        reader = csv.reader(lines, delimiter=how.separator, quoting=csv.QUOTE_NONE)
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, limit + 2))
    except csv.Error:  # a cell of more than 128 KiB, or a quotation mark that is never closed
        return rows
    complete = len(rows) > limit + 1 or text.endswith(("\n", "\r")) or len(rows) < 3
    return rows[: limit + 1] if complete else rows[:-1]
