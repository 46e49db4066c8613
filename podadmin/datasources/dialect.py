"""How a CSV file is written: its encoding, its separator and its header, found from its first bytes.

Pure functions over bytes. What DuckDB would guess by itself depends on the rows that it happens to look at; here the
guess is made once, by rules that can be stated, and then said explicitly.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import islice

from podadmin.core.errors import BadInput
from podadmin.core.text import stranger
from podadmin.datasources.model import Reading

HEAD_BYTES = 1 << 20
_SEPARATORS = (",", ";", "\t", "|")
_LINES_TO_COMPARE = 50
_QUOTES_WITHIN = 20_000
_SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|\r\n]|$)", re.MULTILINE)
_FIGURES = re.compile(r"[+-]?\d[\d.,:/ TZ-]*", re.ASCII)
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
_CONTROLS = bytes((*range(1, 9), *range(14, 32)))
_UNDEFINED_1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")


@dataclass(frozen=True)
class Dialect:
    """`encoding` is Python's name for it, `words` what a custodian reads, `columns` the header's names in order.

    `quote` is "" where none is used, `packed` one of none, gzip and zstd. `doubts` are sentences about what was found
    and may be wrong.
    """

    encoding: str
    words: str
    separator: str
    columns: tuple[str, ...]
    quote: str = '"'
    header: bool = True
    packed: str = "none"
    doubts: tuple[str, ...] = ()


def dialect(head: bytes, reading: Reading = Reading(), packed: str = "none") -> Dialect:  # noqa: B008 - a frozen value
    """The dialect of a file that begins with `head` (up to HEAD_BYTES, unpacked); `reading` overrules what is found.

    Raises BadInput: `datasource.empty-file`, `datasource.binary`, `datasource.encoding`, `datasource.no-header`,
    `datasource.duplicate-columns`.
    """
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise empty_file()
    encoding, words, text = _chosen(head, reading.encoding) if reading.encoding else _decoded(head)
    quote = {"none": "", "": _quote(text)}.get(reading.quote, reading.quote)
    separator = reading.separator or _separator(text, quote)
    names, doubts = _header(text, separator, quote, reading.header)
    return Dialect(encoding, words, separator, names, quote, reading.header is not False, packed, doubts)


def _chosen(head: bytes, encoding: str) -> tuple[str, str, str]:
    """The text in the encoding that the custodian chose."""
    words = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Latin-1 / Windows-1252", "latin-1": "Latin-1"}[encoding]
    if encoding == "utf-16" and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16-le"
    body = head.removeprefix(codecs.BOM_UTF8) if encoding == "utf-8" else head
    try:
        return encoding, f"{words}, as chosen", codecs.getincrementaldecoder(encoding)().decode(body)
    except UnicodeDecodeError:
        raise undecodable(f"Its bytes are not text in {words}, the encoding that was chosen.") from None


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
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > len(text) // 100:
        raise _binary()
    return encoding, words, text


def _utf_16(body: bytes, codec: str) -> str:
    try:
        return codecs.getincrementaldecoder(codec)().decode(body)
    except UnicodeDecodeError:
        raise undecodable("It begins like UTF-16, but what follows is not.") from None


def _records(text: str, separator: str, quote: str, limit: int) -> list[list[str]]:
    lines = io.StringIO(text, newline="")
    if quote:
        reader = csv.reader(lines, delimiter=separator, quotechar=quote)
    else:
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    try:
        return [row for row in islice(reader, limit) if row]
    except csv.Error:
        return []


def _quote(text: str) -> str:
    """A quotation mark of one stroke only where cells stand in such and in no other."""
    head = text[:_QUOTES_WITHIN]
    return "'" if '"' not in head and len(_SINGLE_QUOTED.findall(head)) > 2 else '"'


def _separator(text: str, quote: str) -> str:
    """The candidate that cuts the most lines into the header's number of columns; a comma where none cuts."""
    best = (0.0, 1, ",")
    for candidate in _SEPARATORS:
        rows = _records(text, candidate, quote, _LINES_TO_COMPARE)
        if not rows or len(rows[0]) < 2:
            continue
        alike = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        if (alike, len(rows[0])) > best[:2]:
            best = (alike, len(rows[0]), candidate)
    return best[2]


def _header(text: str, separator: str, quote: str, header: bool | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the columns, and what is doubtful about them."""
    rows = _records(text, separator, quote, _LINES_TO_COMPARE)
    if not rows:
        raise BadInput(
            "datasource.no-header",
            "The first line of the file cannot be read as the names of its columns.",
            "It is longer than a million characters, or a quotation mark in it is never closed.",
            "Ask the person who writes this file to put the column names into its first line.",
        )
    if header is False:
        return tuple(f"column_{place}" for place in range(1, len(rows[0]) + 1)), ()
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
    doubts = []
    if header is None and _looks_like_data(rows):
        doubts.append(
            "The first line looks like data, not like names. If it is, say that the file has no header: its cells "
            "would be published as names."
        )
    folded = Counter(unicodedata.normalize("NFKC", name).strip().casefold() for name in names)
    twins = [name for name in names if folded[unicodedata.normalize("NFKC", name).strip().casefold()] > 1]
    if twins:
        listed = ", ".join(f"“{stranger(name, 60)}”" for name in twins[:6])
        doubts.append(f"Some names look alike and are not the same: {listed}.")
    return names, tuple(doubts)


def _looks_like_data(rows: list[list[str]]) -> bool:
    """Are there numbers or dates where the names should stand, in columns that hold such further down?"""
    first, rest = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    alike = [place for place, cell in enumerate(first) if _FIGURES.fullmatch(cell.strip())]
    return any(all(_FIGURES.fullmatch(row[place].strip()) for row in rest) for place in alike) if rest else False


def empty_file() -> BadInput:
    return BadInput(
        "datasource.empty-file",
        "The file is empty.",
        "There is no line in it, not even one with the names of the columns.",
        "Check that the export which writes this file has finished, or choose another file.",
    )


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
