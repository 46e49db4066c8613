"""A file of JSON lines (NDJSON): one object a line, as health record systems hand out whole exports.

Objects need not have the same fields, and a field need not hold the same kind of value: who wants the columns has to
read everything. So the file is read twice, for the names of the fields and for what they hold, and written once as a
table of columns, which everything else then reads as it reads any other. A value that is itself an object or a list
stays text. Facts: RFC 8259 (JSON, UTF-8 throughout), RFC 6901 (pointers), FHIR bulk data, section “Output files”.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final, NamedTuple

from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress
from podadmin.datasources.csv import packing
from podadmin.datasources.dialect import HEAD_BYTES, Dialect, empty_file
from podadmin.datasources.engine import REJECTS_SHOWN, Engine, Table, engine, literal
from podadmin.datasources.engine_errors import TOO_LONG, UNDECODABLE
from podadmin.datasources.files import unpacked, unreadable
from podadmin.datasources.long_lines import LONG_LINE
from podadmin.datasources.model import JSON_LINES, Rejected, RejectedLine

MOST_FIELDS: Final = 2_000
"""Fields that a file may have in all. More are seldom fields: an object whose names are data has as many as rows."""
_HEAD_ROWS: Final = 1_000
_AT_ONCE: Final = 2_000
_BESIDE: Final = "\x1f"
"""A character that no JSON holds as it is: between it and the next there is a whole line."""
_WHY: Final = (
    "CASE WHEN c0 IS NULL OR trim(c0, ' \t\r') = '' THEN 'blank' WHEN NOT json_valid(c0) THEN 'json' "
    "WHEN json_type(c0) <> 'OBJECT' THEN 'object' "
    "WHEN len(list_distinct(json_keys(c0))) < len(json_keys(c0)) THEN 'twice' ELSE '' END"
)
_JUDGED: Final = f"{_WHY} AS why"
_CLASS: Final = (
    "CASE WHEN u IN ('BIGINT', 'UBIGINT') THEN CASE WHEN TRY_CAST(w AS BIGINT) IS NULL THEN 'digits' ELSE 'BIGINT' END "
    r"WHEN u = 'DOUBLE' THEN CASE WHEN regexp_full_match(w, '-?\d+') THEN 'digits' ELSE 'DOUBLE' END "
    "WHEN u = 'BOOLEAN' THEN 'BOOLEAN' ELSE 'VARCHAR' END"
)
"""What a value is as a cell; whole numbers that fit no 64-bit number are digits, and so text."""
_REASONS: Final = {
    "json": "It is not JSON.",
    "object": "It is not an object: a row is one object in braces.",
    "twice": "It names a field twice.",
}


class _Line(NamedTuple):
    """A line: its text, or the `reason` why it is none."""

    text: str = ""
    reason: str = ""


def check_head(path: Path) -> None:
    """Look whether the first line that is not blank is an object.

    Raises NotFound, BadInput or Unavailable (`datasource.*`). What the columns are, only the whole file tells.
    """
    packed = packing(path, JSON_LINES)
    try:
        with unpacked(path, packed) as file:
            head = file.read(HEAD_BYTES).removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise unreadable(error) from error
    if not head.strip():
        raise empty_file()
    first, _, rest = head.lstrip().partition(b"\n")
    if not rest and len(head) == HEAD_BYTES:
        return
    try:
        found = json.loads(first.decode())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _no_json_lines("Its first line is none.")


@contextmanager
def as_table(
    path: Path, progress: Progress, *, memory_limit: str, temp_directory: Path | None, head_only: bool
) -> Iterator[Table]:
    """The file as a table of columns, in a copy that lies in `temp_directory` (else in the system's) meanwhile.

    The copy is packed and readable for this account only. `head_only`: of the first lines. Lines that are no object
    are the table's `refused`. Raises NotFound, BadInput or Unavailable (`datasource.*`), and Cancelled.
    """
    check_head(path)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(TemporaryDirectory(prefix="json-", dir=temp_directory))
        except OSError as error:
            raise unreadable(error) from error
        copy = Path(folder) / "copy.parquet"
        lines = Dialect("utf-8", "UTF-8", _BESIDE, ("line",), "", False, packing(path, JSON_LINES))
        reader = stack.enter_context(
            engine(
                Table(path, lines.columns, ("VARCHAR",), lines),
                progress,
                memory_limit=memory_limit,
                temp_directory=temp_directory,
                ordered=True,
                also=copy,
            )
        )
        reader.null_words = ()
        yield _written(reader, path, copy, _HEAD_ROWS if head_only else None)


def _written(reader: Engine, path: Path, copy: Path, first: int | None) -> Table:
    names, bad = _fields(reader, first)
    refused = _refused(reader, path, bad, first)
    if not names:
        raise _no_json_lines("No line of it holds an object with fields.")
    pointers = ", ".join(map(literal, map(_pointer, names)))
    types = _types(reader, pointers, len(names), first)
    cells = [f"TRY_CAST(v[{place + 1}] AS {kind}) AS f{place}" for place, kind in enumerate(types)]
    good = [_JUDGED, f"CASE WHEN why = '' THEN json_extract_string(c0, [{pointers}]) END AS v"]
    reader.rows(
        cells,
        "Laying the lines out as columns",
        (0.2, 0.3),
        first=first,
        derived=good,
        tail="WHERE why = ''",
        into=copy,
    )
    return Table(copy, names, types, None, refused)


def _fields(reader: Engine, first: int | None) -> tuple[tuple[str, ...], int]:
    """The names of all fields, those of the first lines in their order before the others, and how many lines are bad.

    Raises BadInput (`datasource.too-many-columns`).
    """
    keys = [_JUDGED, "unnest(CASE WHEN why = '' THEN json_keys(c0) WHEN why = 'blank' THEN [] ELSE [NULL] END) AS k"]
    what = "Finding the fields"
    early = reader.rows(["k"], what, (0.0, 0.0), first=_HEAD_ROWS, derived=keys)
    names = dict.fromkeys(key for (key,) in early if key is not None)
    found = reader.rows(
        ["k", "count(*)"], what, (0.0, 0.1), first=first, derived=keys, tail=f"GROUP BY k LIMIT {MOST_FIELDS + 2}"
    )
    names |= dict.fromkeys(sorted(key for key, _ in found if key is not None))
    if len(names) > MOST_FIELDS:
        raise BadInput(
            "datasource.too-many-columns",
            f"The objects of this file have more than {MOST_FIELDS:,} different fields.",
            "Each field is a column. Often that many mean that the names of fields are data, such as a number each.",
            "Have it exported with the same few fields in every line, or as a table (CSV or Parquet).",
        )
    return tuple(names), sum(count for key, count in found if key is None)


def _types(reader: Engine, pointers: str, many: int, first: int | None) -> tuple[str, ...]:
    each = [
        _JUDGED,
        f"CASE WHEN why = '' THEN json_type(c0, [{pointers}]) END AS t",
        "unnest(t) AS u",
        f"unnest(CASE WHEN why = '' THEN json_extract_string(c0, [{pointers}]) END) AS w",
        "generate_subscripts(t, 1) AS i",
    ]
    found = reader.rows(
        ["i", f"{_CLASS} AS class"],
        "Finding what the fields hold",
        (0.1, 0.2),
        first=first,
        derived=each,
        tail="WHERE u <> 'NULL' GROUP BY ALL",
    )
    held: list[set[str]] = [set() for _ in range(many)]
    for place, kind in found:
        held[place - 1].add(kind)
    return tuple(map(_type, held))


def _type(held: Collection[str]) -> str:
    if held == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    return next(iter(held)) if held in ({"BIGINT"}, {"DOUBLE"}, {"BOOLEAN"}) else "VARCHAR"


def _refused(reader: Engine, path: Path, bad: int, first: int | None) -> Rejected:
    """The lines that DuckDB could not read as text, and those that are no object, with their numbers."""
    unread = reader.rejected()
    if first is not None or not bad:
        return Rejected(unread.count + bad, unread.first)
    return Rejected(unread.count + bad, tuple(islice(_bad_lines(reader, path), REJECTS_SHOWN)))


def _bad_lines(reader: Engine, path: Path) -> Iterator[RejectedLine]:
    """The lines that are no rows, numbered as an editor does: DuckDB tells how many there are, and not where."""
    with unpacked(path, packing(path, JSON_LINES)) as file:
        lines = enumerate(_lines(file), 1)
        while part := list(islice(lines, _AT_ONCE)):
            texts = [line.text for _, line in part if not line.reason]
            judged = iter(reader.judged(texts, _WHY))
            for number, line in part:
                reason = line.reason or _REASONS.get(next(judged), "")
                if reason:
                    yield RejectedLine(number, reason)


def _lines(file: BinaryIO) -> Iterator[_Line]:
    mark = b"\xef\xbb\xbf"
    while line := file.readline(LONG_LINE + 1):
        if len(line) > LONG_LINE and not line.endswith(b"\n"):
            while (more := file.readline(LONG_LINE)) and not more.endswith(b"\n"):
                pass
            yield _Line(reason=TOO_LONG)
            continue
        try:
            yield _Line(line.removeprefix(mark).decode().rstrip("\r\n"))
        except UnicodeDecodeError:
            yield _Line(reason=UNDECODABLE)
        mark = b""


def _pointer(name: str) -> str:
    """A JSON pointer to a field of the object (RFC 6901, section 3)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _no_json_lines(why: str) -> BadInput:
    return BadInput(
        "datasource.not-json-lines",
        "This is not a file of JSON lines.",
        f"Every line has to be one JSON object in UTF-8, of at most four million bytes. {why}",
        "If it is one JSON document over many lines, have it exported as NDJSON, or as a table (CSV or Parquet).",
    )
