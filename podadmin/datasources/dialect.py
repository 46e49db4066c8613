"""How a CSV file is written: its encoding, its separator and its header, found from its first bytes.

Pure functions over bytes. What DuckDB would guess by itself depends on the rows that it happens to look at; here the
guess is made once, by rules that can be stated, and then said explicitly.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass
from itertools import islice

from podadmin.core.errors import BadInput
from podadmin.core.text import stranger

HEAD_BYTES = 1 << 20
_SEPARATORS = (",", ";", "\t", "|")
_LINES_TO_COMPARE = 50
_MAGIC = (
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"%PDF",
    b"SQLite format 3",
    b"PAR1",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"\xd0\xcf\x11\xe0",
)
_UNDEFINED_1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")


@dataclass(frozen=True)
class Dialect:
    """`encoding` is Python's name for it, `words` what a custodian reads, `columns` the header's names in order."""

    encoding: str
    words: str
    separator: str
    columns: tuple[str, ...]


def dialect(head: bytes) -> Dialect:
    """The dialect of a file that begins with `head` (up to HEAD_BYTES).

    Raises BadInput: `datasource.empty-file`, `datasource.binary`, `datasource.encoding`, `datasource.no-header`,
    `datasource.duplicate-columns`.
    """
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise BadInput(
            "datasource.empty-file",
            "The file is empty.",
            "There is no line in it, not even one with the names of the columns.",
            "Check that the export which writes this file has finished, or choose another file.",
        )
    encoding, words, text = _decoded(head)
    separator = _separator(text)
    return Dialect(encoding, words, separator, _header(text, separator))


def _decoded(head: bytes) -> tuple[str, str, str]:
    if head.startswith(_MAGIC):
        raise _binary()
    if head.startswith(b"\xff\xfe"):
        return "utf-16", "UTF-16", _utf_16(head[2:], "utf-16-le")
    if head.startswith(b"\xfe\xff"):
        return "utf-16", "UTF-16", _utf_16(head[2:], "utf-16-be")
    if b"\x00" in head:
        # ASCII in UTF-16 has a zero in every second byte; anything else with zeros is no text
        if not any(head[0::2]) or head[1::2].count(0) < len(head[1::2]) * 0.6:
            raise _binary()
        return "utf-16-le", "UTF-16", _utf_16(head, "utf-16-le")
    body, words = (head[3:], "UTF-8 with a byte-order mark") if head.startswith(codecs.BOM_UTF8) else (head, "UTF-8")
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        if _UNDEFINED_1252 & set(head):
            raise undecodable("Its bytes are neither UTF-8 nor Windows-1252 text.") from None
        encoding, words, text = "cp1252", "Latin-1 / Windows-1252", head.decode("cp1252")
    else:
        encoding = "utf-8"
    controls = sum(text.count(chr(code)) for code in (*range(1, 9), *range(14, 32)))
    if controls > len(text) // 100:
        raise _binary()
    return encoding, words, text


def _utf_16(body: bytes, codec: str) -> str:
    try:
        return codecs.getincrementaldecoder(codec)().decode(body)
    except UnicodeDecodeError:
        raise undecodable("It begins like UTF-16, but what follows is not.") from None


def _records(text: str, separator: str, limit: int) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return [row for row in islice(reader, limit) if row]
    except csv.Error:
        return []


def _separator(text: str) -> str:
    """The candidate that cuts the most lines into the header's number of columns; a comma where none cuts."""
    best = (0.0, 1, ",")
    for candidate in _SEPARATORS:
        rows = _records(text, candidate, _LINES_TO_COMPARE)
        if not rows or len(rows[0]) < 2:
            continue
        alike = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        if (alike, len(rows[0])) > best[:2]:
            best = (alike, len(rows[0]), candidate)
    return best[2]


def _header(text: str, separator: str) -> tuple[str, ...]:
    rows = _records(text, separator, 2)
    if not rows:
        raise BadInput(
            "datasource.no-header",
            "The first line of the file cannot be read as the names of its columns.",
            "It is longer than a million characters, or a quotation mark in it is never closed.",
            "Ask the person who writes this file to put the column names into its first line.",
        )
    # a column without a name gets the name that pandas, and so the pod, will give it
    names = tuple(name or f"Unnamed: {place}" for place, name in enumerate(rows[0]))
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        listed = ", ".join(f"“{stranger(name, 60)}”" for name in twice)
        raise BadInput(
            "datasource.duplicate-columns",
            f"Several columns have the same name: {stranger(listed, 400)}.",
            "A column is known to a pod by its name only, so two of the same name cannot be told apart.",
            "Ask the person who writes this file to give every column a name of its own.",
        )
    return names


def _binary() -> BadInput:
    return BadInput(
        "datasource.binary",
        "This is not a text file.",
        "Its bytes are those of a program, a spreadsheet, an archive or another binary format.",
        "If it is a spreadsheet, export it as CSV (UTF-8) and choose that file.",
    )


def undecodable(why: str) -> BadInput:
    """The error for bytes that are no text in any encoding that can be read here."""
    return BadInput(
        "datasource.encoding",
        "The text of this file cannot be decoded.",
        why,
        "Ask the person who writes this file to save it as CSV in UTF-8.",
    )
