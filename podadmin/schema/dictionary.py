"""Data dictionaries: column descriptions that somebody wrote down already, in a CSV file or an Excel workbook."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from podadmin.core.errors import BadInput
from podadmin.core.files import read_named
from podadmin.core.late import Late
from podadmin.datasources.dialect import HEAD_BYTES, dialect
from podadmin.datasources.files import unreadable

if TYPE_CHECKING:
    import openpyxl
else:
    openpyxl = Late("openpyxl")

_LARGEST = 20 << 20
_UNPACKED = 200 << 20
_MARKS = 2_000_000
"""Opening brackets in all parts: a hundred thousand names with their descriptions have half as many."""
_PIECE = 1024 * 1024
_ROWS = 100_000
_NAMES = (
    "column", "columnname", "name", "field", "fieldname", "variable", "variablename", "featurename", "spalte", "feld",
)  # fmt: skip
_TEXTS = (
    "description", "descriptions", "label", "meaning", "definition", "variablelabel", "fieldlabel", "beschreibung",
    "comment", "title",
)  # fmt: skip


@dataclass(frozen=True)
class Dictionary:
    """`descriptions` by column, for columns that there are; `unknown` are names in the file that no column has."""

    descriptions: dict[str, str]
    unknown: tuple[str, ...]


def read_dictionary(path: Path, columns: Sequence[str]) -> Dictionary:
    """The descriptions in a dictionary file for a table with `columns`.

    The file is a table with a column of names and one of descriptions, known by their headings. Names are compared
    without capitals where that is unambiguous. Raises BadInput `schema.dictionary`, `schema.dictionary-large` and what
    opening a file raises (`datasource.*`).
    """
    rows = _rows(path)
    header = ["".join(filter(str.isalnum, cell)).casefold() for cell in (rows[0] if rows else ())]
    name_at = next((header.index(word) for word in _NAMES if word in header), None)
    text_at = next((header.index(word) for word in _TEXTS if word in header), None)
    if name_at is None or text_at is None:
        raise _not_one(f"No heading says “{_NAMES[0]}” or “{_TEXTS[0]}”, or a word like them.")
    folded: dict[str, list[str]] = {}
    for name in columns:
        folded.setdefault(name.casefold(), []).append(name)
    found: dict[str, str] = {}
    unknown: list[str] = []
    for row in rows[1:]:
        name, text = (row[at].strip() if at < len(row) else "" for at in (name_at, text_at))
        if not name or not text:
            continue
        meant = [name] if name in columns else folded.get(name.casefold(), [])
        if len(meant) == 1:
            found[meant[0]] = text
        else:
            unknown.append(name)
    return Dictionary(found, tuple(unknown))


def _rows(path: Path) -> list[list[str]]:
    try:
        content = read_named(path, _LARGEST + 1)
    except OSError as error:
        raise unreadable(error) from error
    if len(content) > _LARGEST:
        raise _large()
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        return _sheet(content)
    how = dialect(content[:HEAD_BYTES])
    text = content.decode(how.encoding, errors="replace").removeprefix("\ufeff")
    quoting = {"quotechar": how.quote} if how.quote else {"quoting": csv.QUOTE_NONE}
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=how.separator, **quoting)
        return [row for _, row in zip(range(_ROWS), reader, strict=False)]
    except csv.Error as error:
        raise _not_one("Its lines do not follow the rules of CSV.") from error


def _sheet(content: bytes) -> list[list[str]]:
    """The first sheet of a workbook, its values as text. What would unpack to too much is not opened."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _UNPACKED or _marks(packed) > _MARKS:
                raise _large()
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(values_only=True, max_row=_ROWS, max_col=100)
        return [["" if cell is None else str(cell) for cell in row] for row in rows]
    except BadInput:
        raise
    except Exception as error:  # the library raises whatever a broken workbook makes it stumble over
        raise _not_one("It is not a workbook that can be opened.") from error


def _marks(packed: zipfile.ZipFile) -> int:
    """How many elements the parts of a workbook can have at the most; a row is built whole, however wide it is."""
    count = 0
    for part in packed.infolist():
        with packed.open(part) as content:
            while count <= _MARKS and (piece := content.read(_PIECE)):
                count += piece.count(b"<")
    return count


def _not_one(why: str) -> BadInput:
    return BadInput(
        "schema.dictionary",
        "This file is not a data dictionary that can be read.",
        why,
        "Give it one line of headings, with a column of names and one of descriptions, as CSV or as an Excel workbook.",
    )


def _large() -> BadInput:
    return BadInput(
        "schema.dictionary-large",
        "This file is too large for a data dictionary.",
        "It has more than 20 MB, unpacks to more than 200 MB, or has millions of cells.",
        "Export only its names and descriptions as CSV.",
    )
