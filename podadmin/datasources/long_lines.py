"""Lines of a text file that are too long to be read as rows: DuckDB leaves them out without a word, we tell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final

from podadmin.datasources.files import unpacked

LONG_LINE: Final = (1 << 22) - 1
"""The longest line that is read, in bytes without its end: with it, a line has to fit into one buffer of DuckDB."""
_BUFFER_BYTES: Final = 1 << 22
_GLANCE: Final = 1 << 13


def long_lines(path: Path, packed: str) -> tuple[int, ...]:
    """Where lines of more than LONG_LINE bytes begin, in the text as it is unpacked. `packed`: see `files.unpacked`.

    Of a plain file one place in a million is looked at; a packed one is unpacked once more.
    """
    if packed != "none":
        with unpacked(path, packed) as file:
            return _in_stream(file)
    found: list[int] = []
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        place = 0
        while place + LONG_LINE // 2 <= size:
            if next_end(file, place, place + LONG_LINE // 2) is not None:
                place += LONG_LINE // 2
                continue
            begin = _line_before(file, place)
            end = next_end(file, place, size)
            end = size if end is None else end
            if end - begin > LONG_LINE:
                found.append(begin)
            place = end + 1
    return tuple(found)


def _in_stream(file: BinaryIO) -> tuple[int, ...]:
    found: list[int] = []
    begin = place = 0
    while part := file.read(LONG_LINE // 2):
        # no line is too long unless a whole part lies within it
        if (first := part.find(b"\n")) < 0:
            place += len(part)
            continue
        if place + first - begin > LONG_LINE:
            found.append(begin)
        begin = place + part.rfind(b"\n") + 1
        place += len(part)
    return (*found, begin) if place - begin > LONG_LINE else tuple(found)


def next_end(file: BinaryIO, start: int, stop: int) -> int | None:
    """Where the first line ends in `start` to `stop`. Read, not mapped: mapped pages would count as memory in use."""
    place, wanted = start, _GLANCE
    while place < stop:
        file.seek(place)
        part = file.read(min(wanted, stop - place))
        if (at := part.find(b"\n")) >= 0:
            return place + at
        if not part:
            return None
        place, wanted = place + len(part), _BUFFER_BYTES
    return None


def _line_before(file: BinaryIO, place: int) -> int:
    """Where the line begins in which `place` is."""
    while place > 0:
        first = max(place - _BUFFER_BYTES, 0)
        file.seek(first)
        if (at := file.read(place - first).rfind(b"\n")) >= 0:
            return first + at + 1
        place = first
    return 0
