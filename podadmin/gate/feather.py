"""Tables as a pod sends them (Arrow's file form): names, rows, lowest numbers and first rows, read by hand.

A result is written by a stranger's task, so no library sees these bytes but those that unpack LZ4 and Zstandard, within
a size. Columns of one value for each row are read; a table with anything else has names and no values, and where a row
can hold more than a row does, no number of rows either (Arrow Columnar Format, “RecordBatch message”).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import lz4.frame
import zstandard

from podadmin.gate import arrow_head as arrow
from podadmin.gate.arrow_head import NoTable

MARK: Final = b"ARROW1\0\0"
MOST_PLAIN: Final = 128 * 1024 * 1024
LONGEST_CELL: Final = 1024
_SMALL: Final = 64 * 1024
"""Bytes. What has more than this, and more than `LONGEST_CELL` for each cell, holds more than its rows say."""
_TYPE, _TYPE_TABLE, _DICTIONARY, _CHILDREN = 2, 3, 4, 5
_NODES, _BUFFERS, _COMPRESSION = 1, 2, 3
_NULL, _INT, _FLOAT, _BINARY, _TEXT, _BOOL, _LARGE_BINARY, _LARGE_TEXT = 1, 2, 3, 4, 5, 6, 19, 20
_FLAT: Final = {
    _NULL: 0, _INT: 2, _FLOAT: 2, _BINARY: 3, _TEXT: 3, _BOOL: 2, 7: 2, 8: 2, 9: 2, 10: 2, 11: 2, 15: 2, 18: 2,
    _LARGE_BINARY: 3, _LARGE_TEXT: 3,
}  # fmt: skip
"""The types with one value for each row, by the format's own numbers, and how many buffers each has."""
_INTS: Final = {(8, True): "b", (16, True): "h", (32, True): "i", (64, True): "q",
                (8, False): "B", (16, False): "H", (32, False): "I", (64, False): "Q"}  # fmt: skip
_FLOATS: Final = {1: "f", 2: "d"}
_LZ4, _ZSTD = 0, 1
Cell = int | float | str | bool | None


@dataclass(frozen=True)
class Table:
    """`rows` None: their number cannot be told, or a row can hold more than a row does. `columns` None: this is no
    table that can be read. `least`: the lowest number of each column of numbers without a gap; `first`: the first rows,
    empty where the columns could not be read.
    """

    rows: int | None = None
    columns: tuple[str, ...] | None = None
    least: Mapping[str, float] = field(default_factory=dict)
    first: tuple[Mapping[str, Cell], ...] = ()


@dataclass(frozen=True)
class _Column:
    """`form`: how a number is written, empty for what is none. `buffers` None: more than one value for each row."""

    name: str
    kind: int
    form: str
    buffers: int | None


def read_table(data: bytes, first: int) -> Table:
    """The table in `data`, with its `first` rows. Raises nothing: what cannot be read is left open."""
    stream = data.removeprefix(MARK)
    try:
        names, rows = arrow.head_of(stream)
    except NoTable:
        return Table()
    if len(set(names)) < len(names):
        return Table(None, names)
    try:
        size, least, shown = _read(stream, first)
    except (NoTable, struct.error, ValueError, IndexError, EOFError, RuntimeError, zstandard.ZstdError):
        size, least, shown = len(stream), {}, []
        if _has_nested(stream):
            return Table(None, names)
    crowded = size > _SMALL + rows * len(names) * LONGEST_CELL
    return Table(None if crowded else rows, names, least, tuple(shown))


def _read(stream: bytes, first: int) -> tuple[int, dict[str, float], list[Mapping[str, Cell]]]:
    columns: list[_Column] = []
    least: dict[str, float] = {}
    gaps: set[str] = set()
    shown: list[Mapping[str, Cell]] = []
    size = 0
    for message in arrow.messages(stream):
        size += len(message.head)
        if message.kind == arrow.SCHEMA and not columns:
            columns = _columns(message)
        elif message.kind == arrow.BATCH:
            rows = arrow.rows_of(message.head, message.inner)
            body = stream[message.begin : message.begin + message.length]
            parts, used = _parts(message, body, columns, MOST_PLAIN - size)
            size += used
            for column, (nulls, buffers) in zip(columns, parts, strict=True):
                if column.form and rows:
                    _lower(column, nulls, buffers, rows, least, gaps)
            for place in range(min(rows, first - len(shown))):
                cells = zip(columns, parts, strict=True)
                shown.append({column.name: _cell(column, buffers, place) for column, (_, buffers) in cells})
    return size, {name: each for name, each in least.items() if name not in gaps}, shown


def _columns(schema: arrow.Message) -> list[_Column]:
    head = schema.head
    found = []
    for each in arrow.fields_of(schema):
        kind = arrow.number(head, each, _TYPE, "<B")
        about = arrow.inner(head, each, _TYPE_TABLE)
        form, buffers = "", _FLAT.get(kind)
        if arrow.slot(head, each, _DICTIONARY) is not None:
            buffers = None
        elif about is not None and kind == _INT:
            form = _INTS.get((arrow.number(head, about, 0, "<i"), bool(arrow.number(head, about, 1, "<B"))), "")
        elif about is not None and kind == _FLOAT:
            form = _FLOATS.get(arrow.number(head, about, 0, "<h"), "")
        found.append(_Column(arrow.name_of(head, each), kind, form, buffers))
    return found


def _has_nested(stream: bytes) -> bool:
    """Can a row of it hold more than one value in a column? Unknown counts as yes."""
    try:
        schema = next(each for each in arrow.messages(stream) if each.kind == arrow.SCHEMA)
        kinds = [arrow.number(schema.head, each, _TYPE, "<B") for each in arrow.fields_of(schema)]
    except (NoTable, StopIteration):
        return True
    return not set(kinds) <= _FLAT.keys()


def _parts(
    message: arrow.Message, body: bytes, columns: Sequence[_Column], most: int
) -> tuple[list[tuple[int, list[bytes]]], int]:
    """For each column how many values are missing, and its plain buffers; and how many bytes these have in all."""
    head, batch = message.head, message.inner
    packing = arrow.inner(head, batch, _COMPRESSION)
    codec = arrow.number(head, packing, 0, "<b") if packing is not None else None
    nodes, listed = arrow.inner(head, batch, _NODES), arrow.inner(head, batch, _BUFFERS)
    if (nodes is None or listed is None) and columns:
        raise NoTable("a batch without columns")
    parts: list[tuple[int, list[bytes]]] = []
    used = place = 0
    for number, column in enumerate(columns):
        if column.buffers is None or nodes is None or listed is None:
            raise NoTable("a column that is not read here")
        nulls = arrow.integer(head, nodes + 4 + 16 * number + 8, "<q")
        buffers = []
        for at in range(place, place + column.buffers):
            begin, length = (arrow.integer(head, listed + 4 + 16 * at + half, "<q") for half in (0, 8))
            if begin < 0 or length < 0 or begin + length > len(body):
                raise NoTable("a buffer that lies outside")
            plain = body[begin : begin + length]
            if codec is not None and plain:
                plain = _unpacked(codec, plain, most - used)
            used += len(plain)
            if used > most:
                raise NoTable("more than is read here")
            buffers.append(plain)
        place += column.buffers
        parts.append((nulls, buffers))
    return parts, used


def _unpacked(codec: int, packed: bytes, most: int) -> bytes:
    """A buffer: its length, then its packed bytes; a length of -1 says that they are not packed."""
    length = arrow.integer(packed, 0, "<q")
    if length == -1:
        return packed[8:]
    if not 0 <= length <= most:
        raise NoTable("more than is read here")
    if codec == _LZ4:
        found = bytes(lz4.frame.LZ4FrameDecompressor().decompress(packed[8:], max_length=length + 1))
    elif codec == _ZSTD:
        found = zstandard.ZstdDecompressor().decompress(packed[8:], max_output_size=length + 1)
    else:
        raise NoTable("packed in an unknown way")
    if len(found) != length:
        raise NoTable("a length that is not so")
    return found


def _lower(
    column: _Column, nulls: int, buffers: Sequence[bytes], rows: int, least: dict[str, float], gaps: set[str]
) -> None:
    """Take the numbers of one batch into account."""
    size = rows * struct.calcsize(column.form)
    if nulls or len(buffers[1]) < size:
        gaps.add(column.name)
        return
    plain: Any = memoryview(buffers[1])[:size]
    cells = plain.cast(column.form)
    lowest = float(min(cells))
    if column.kind == _FLOAT and not math.isfinite(sum(cells)):
        gaps.add(column.name)  # what is no number compares with nothing
        return
    least[column.name] = min(least.get(column.name, math.inf), lowest)


def _cell(column: _Column, buffers: Sequence[bytes], row: int) -> Cell:
    """One value, as far as it is read here; None for one that is missing."""
    if column.kind == _NULL or (buffers[0] and not buffers[0][row // 8] >> row % 8 & 1):
        return None
    if column.form:
        found: int | float = struct.unpack_from(f"<{column.form}", buffers[1], row * struct.calcsize(column.form))[0]
        return found
    if column.kind == _BOOL:
        return bool(buffers[1][row // 8] >> row % 8 & 1)
    if column.kind in {_TEXT, _LARGE_TEXT}:
        form, wide = ("<qq", 8) if column.kind == _LARGE_TEXT else ("<ii", 4)
        begin, end = struct.unpack_from(form, buffers[1], row * wide)
        return buffers[2][max(begin, 0) : max(begin, end, 0)][: 4 * LONGEST_CELL].decode("utf-8", "replace")
    return "(not shown)"
