"""The heads of the messages of a table in Arrow's stream form, read here, byte by byte.

A result is written by a stranger's task, and libraries for this form were seen to end the whole process on nine bytes.
The heads are FlatBuffers (Arrow Columnar Format, “IPC Streaming Format”): what cannot be read in them is not a table.
Names of columns and the number of rows stand in them; what lies in the columns is read by `feather`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_COLUMNS: Final = 10_000
SCHEMA: Final = 1
DICTIONARY: Final = 2
BATCH: Final = 3
_FURTHER: Final = b"\xff\xff\xff\xff"
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3
_FIELDS, _NAME, _LENGTH = 1, 0, 0


class NoTable(ValueError):
    """These bytes are not a table that can be read here."""


@dataclass(frozen=True)
class Message:
    """One message: what it is, its head, where in the head its own table begins, and where its body lies."""

    kind: int
    head: bytes
    inner: int
    begin: int
    length: int


def messages(data: bytes) -> Iterator[Message]:
    """The messages of a stream, in their order. Raises NoTable."""
    place = 0
    while place + 8 <= len(data):
        if data[place : place + 4] != _FURTHER:
            raise NoTable("a form of before 2019, or none")
        size = integer(data, place + 4, "<i")
        if size == 0:
            return
        place += 8
        if size < 8 or place + size > len(data):
            raise NoTable("a head that ends outside")
        head = data[place : place + size]
        message = pointed(head, 0)
        kind, at = number(head, message, _HEADER_TYPE, "<B"), inner(head, message, _HEADER)
        length = _positive(number(head, message, _BODY_LENGTH, "<q"))
        if at is not None:
            yield Message(kind, head, at, place + size, length)
        place += size + length


def head_of(data: bytes) -> tuple[tuple[str, ...], int]:
    """The names of the columns, at most `MOST_COLUMNS`, and the number of rows. Raises NoTable."""
    names: tuple[str, ...] | None = None
    rows = 0
    for each in messages(data):
        if each.kind == SCHEMA and names is None:
            names = tuple(name_of(each.head, field) for field in fields_of(each))
        elif each.kind == BATCH:
            rows += rows_of(each.head, each.inner)
    if names is None:
        raise NoTable("no columns are named")
    return names, rows


def fields_of(schema: Message) -> tuple[int, ...]:
    """Where in the head of a schema its columns are described, at most `MOST_COLUMNS`."""
    vector = inner(schema.head, schema.inner, _FIELDS)
    if vector is None:
        return ()
    count = min(integer(schema.head, vector, "<I"), MOST_COLUMNS)
    return tuple(pointed(schema.head, vector + 4 + 4 * each) for each in range(count))


def rows_of(head: bytes, batch: int) -> int:
    """How many rows a batch says that it has."""
    return _positive(number(head, batch, _LENGTH, "<q"))


def name_of(head: bytes, field: int) -> str:
    """What a column is called."""
    text = inner(head, field, _NAME)
    if text is None:
        return ""
    length = integer(head, text, "<I")
    if text + 4 + length > len(head):
        raise NoTable("a name that ends outside")
    return head[text + 4 : text + 4 + length].decode("utf-8", "replace")


def pointed(head: bytes, place: int) -> int:
    """Where the table begins to which the offset at `place` leads."""
    return place + integer(head, place, "<I")


def slot(head: bytes, table: int, field: int) -> int | None:
    """Where the value of a field of a table lies, None where it is left out."""
    listing = table - integer(head, table, "<i")
    if 4 + 2 * field >= integer(head, listing, "<H"):
        return None
    offset = integer(head, listing + 4 + 2 * field, "<H")
    return table + offset if offset else None


def number(head: bytes, table: int, field: int, form: str) -> int:
    """The number in a field of a table, 0 where it is left out."""
    found = slot(head, table, field)
    return 0 if found is None else integer(head, found, form)


def inner(head: bytes, table: int, field: int) -> int | None:
    """Where a table or list begins that stands in a field, None where it is left out."""
    found = slot(head, table, field)
    return None if found is None else pointed(head, found)


def integer(head: bytes, place: int, form: str) -> int:
    """The number at a place."""
    if place < 0 or place + struct.calcsize(form) > len(head):
        raise NoTable("an offset that leads outside")
    return int(struct.unpack_from(form, head, place)[0])


def _positive(found: int) -> int:
    if found < 0:
        raise NoTable("a length below zero")
    return found
