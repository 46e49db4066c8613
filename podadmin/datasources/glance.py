"""What the bytes of a text file tell before it is read as a table: about how long it is, and what may stand in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from podadmin.datasources.dialect import Dialect
from podadmin.datasources.files import unpacked
from podadmin.datasources.long_lines import next_end

_GLANCE = 1 << 13
_PLACES = 8
_UNPACKED = 6
"""How many times larger a packed file may well be."""
_PART_BYTES = 1 << 18
_SEARCHED_BYTES = 1 << 32


@dataclass(frozen=True)
class Glance:
    """What may stand in the cells of a table: an underscore; ASCII only. What is not known, may."""

    underscored: bool = True
    ascii: bool = False


def glance(path: Path, how: Dialect | None) -> Glance:
    """Read all bytes of a file that is a text, not packed, and not so long that this would take time."""
    if how is None or how.packed != "none":
        return Glance()
    underscored, only_ascii = False, True
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _SEARCHED_BYTES:
            return Glance()
        file.seek((next_end(file, 0, size) or 0) if how.header else 0)
        part = bytearray(_PART_BYTES)
        while (many := file.readinto(part)) and not (underscored and not only_ascii):
            del part[many:]
            underscored = underscored or b"_" in part
            only_ascii = only_ascii and part.isascii()
    return Glance(underscored, only_ascii)


def about_lines(path: Path, how: Dialect) -> int:
    """About how many lines a text file has, by the length of some of them."""
    size, seen, lines = path.stat().st_size, 0, 0
    with unpacked(path, how.packed) as file:
        for place in range(_PLACES if how.packed == "none" else 1):
            if place:
                file.seek(size * place // _PLACES)
            part = file.read(_GLANCE)
            seen, lines = seen + len(part), lines + part.count(b"\n")
    return size * (1 if how.packed == "none" else _UNPACKED) * max(lines, 1) // max(seen, 1)
