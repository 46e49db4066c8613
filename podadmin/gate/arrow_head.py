"""Names of columns and number of rows of a table in Arrow's stream form, read here, byte by byte.

A result is written by a stranger's task, and libraries for this form were seen to end the whole process on nine bytes.
Nothing but these two facts is wanted of it, and they stand in the heads of its messages (Arrow Columnar Format, “IPC
Streaming Format”; the heads are FlatBuffers): what cannot be read in them is not a table. The data is never touched.
"""

from __future__ import annotations

import struct
from typing import Final

MOST_COLUMNS: Final = 10_000
_FURTHER: Final = b"\xff\xff\xff\xff"
_SCHEMA, _BATCH = 1, 3
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3
_FIELDS, _NAME, _LENGTH = 1, 0, 0


class NoTable(ValueError):
    """These bytes are not a table that can be read here."""


def head_of(data: bytes) -> tuple[tuple[str, ...], int]:
    """The names of the columns, at most `MOST_COLUMNS`, and the number of rows. Raises NoTable."""
    names: tuple[str, ...] | None = None
    rows, place = 0, 0
    while place + 8 <= len(data):
        if data[place : place + 4] != _FURTHER:
            raise NoTable("a form of before 2019, or none")
        size = _int(data, place + 4, "<i")
        if size == 0:
            break
        place += 8
        if size < 8 or place + size > len(data):
            raise NoTable("a head that ends outside")
        head = data[place : place + size]
        message = _table(head, 0)
        kind, inner = _number(head, message, _HEADER_TYPE, "<B"), _inner(head, message, _HEADER)
        if kind == _SCHEMA and names is None and inner is not None:
            names = _columns(head, inner)
        elif kind == _BATCH and inner is not None:
            rows += _positive(_number(head, inner, _LENGTH, "<q"))
        place += size + _positive(_number(head, message, _BODY_LENGTH, "<q"))
    if names is None:
        raise NoTable("no columns are named")
    return names, rows


def _columns(head: bytes, schema: int) -> tuple[str, ...]:
    vector = _inner(head, schema, _FIELDS)
    if vector is None:
        return ()
    count = min(_int(head, vector, "<I"), MOST_COLUMNS)
    return tuple(_name(head, _table(head, vector + 4 + 4 * number)) for number in range(count))


def _name(head: bytes, field: int) -> str:
    text = _inner(head, field, _NAME)
    if text is None:
        return ""
    length = _int(head, text, "<I")
    if text + 4 + length > len(head):
        raise NoTable("a name that ends outside")
    return head[text + 4 : text + 4 + length].decode("utf-8", "replace")


def _table(head: bytes, place: int) -> int:
    """Where the table begins to which the offset at `place` leads."""
    return place + _int(head, place, "<I")


def _slot(head: bytes, table: int, number: int) -> int | None:
    """Where the value of a field of a table lies, None where it is left out."""
    listing = table - _int(head, table, "<i")
    if 4 + 2 * number >= _int(head, listing, "<H"):
        return None
    offset = _int(head, listing + 4 + 2 * number, "<H")
    return table + offset if offset else None


def _number(head: bytes, table: int, number: int, form: str) -> int:
    slot = _slot(head, table, number)
    return 0 if slot is None else _int(head, slot, form)


def _inner(head: bytes, table: int, number: int) -> int | None:
    slot = _slot(head, table, number)
    return None if slot is None else _table(head, slot)


def _int(head: bytes, place: int, form: str) -> int:
    if place < 0 or place + struct.calcsize(form) > len(head):
        raise NoTable("an offset that leads outside")
    return int(struct.unpack_from(form, head, place)[0])


def _positive(number: int) -> int:
    if number < 0:
        raise NoTable("a length below zero")
    return number
