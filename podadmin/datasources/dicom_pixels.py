"""What a DICOM header says of its pixels and of the file as a whole: the cells that follow those of its elements.

Most files of a device say the same here, so that what they say is worked out once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from podadmin.datasources.dicom_elements import Elements
from podadmin.datasources.header_facts import (
    BURNED_IN,
    IDENTITY_REMOVED,
    INTEGER,
    OBJECT,
    PATIENT,
    PICTURE,
    PIXELS,
    PRIVATE,
    SERIES,
    STUDY,
    SYNTAX,
    TEXT,
    WORD,
    Cell,
    Picture,
    Strip,
    Unreadable,
)

MOST_FRAMES: Final = 20_000
FRAMES: Final = "Number of Frames"
NUMBER_OF_FRAMES: Final = 0x00280008
_ROWS, _COLUMNS, _BITS, _SAMPLES, _PHOTOMETRIC = 0x00280010, 0x00280011, 0x00280100, 0x00280002, 0x00280004
_BURNED, _REMOVED, _PATIENT_ID, _STUDY, _SERIES = 0x00280301, 0x00120062, 0x00100020, 0x0020000D, 0x0020000E
_SHAPE: Final = (NUMBER_OF_FRAMES, _ROWS, _COLUMNS, _BITS, _SAMPLES, _PHOTOMETRIC)
_COUNTED: Final = {_PATIENT_ID: PATIENT, _STUDY: STUDY, _SERIES: SERIES}
_TOLD: Final = {_BURNED: BURNED_IN, _REMOVED: IDENTITY_REMOVED}
_ABOUT: Final = (*_COUNTED, *_TOLD)
ASKED: Final = frozenset({*_SHAPE, *_ABOUT})
"""The elements whose values say it."""
_Values = tuple[bytes | None, ...]


def tail(header: Elements, known: Mapping[int, bytes], size: int) -> tuple[Strip, ...]:
    """The cells that the `known` values of ASKED give for a file of `size` bytes. Raises Unreadable."""
    get = known.get
    about = _about(tuple([get(tag) for tag in _ABOUT]), header.private, header.syntax)
    if header.pixels is None:
        return (about,)
    said = _pixels(tuple([get(tag) for tag in _SHAPE]), header.little)
    _check(header, said, size)
    return said.frames, about, said.picture


@lru_cache(500)
def _about(values: _Values, private: bool, syntax: str) -> Strip:
    told: list[Cell] = [(PRIVATE, WORD, "yes" if private else "no")]
    if syntax:
        told.append((SYNTAX, WORD, syntax[:64]))
    given = dict(zip(_ABOUT, map(_stripped, values), strict=True))
    told += [(name, TEXT, given[tag]) for tag, name in _COUNTED.items() if given[tag]]
    told += [(name, WORD, "yes" if given[tag].upper() == b"YES" else "no") for tag, name in _TOLD.items() if given[tag]]
    return tuple(told)


@dataclass(frozen=True)
class _Pixels:
    """How many frames, each of how many bytes, and the cells that tell of the `frames` and of the `picture`."""

    many: int
    size: int
    frames: Strip
    picture: Strip


@lru_cache(30)
def _pixels(values: _Values, little: bool) -> _Pixels:
    said = _stripped(values[0])
    try:
        frames = int(said.split(b"\\")[0]) if said else 1
    except ValueError:
        raise Unreadable("value") from None
    if not 0 < frames <= MOST_FRAMES:
        raise Unreadable("frames")
    rows, columns, bits, samples = (_number(each, little) for each in values[1:5])
    mode = _stripped(values[5]).decode("ascii", "replace")[:16]
    picture = Picture((columns, rows), "DICOM", mode or "unknown", frames)
    cells: list[Cell] = [(FRAMES, INTEGER, float(frames))]
    cells += [(f"{PIXELS} {frame}", OBJECT, None) for frame in range(frames)]
    size = rows * columns * max(bits, 1) * max(samples, 1) // 8
    return _Pixels(frames, size, tuple(cells), ((PICTURE, WORD, picture.as_text()),))


def _check(header: Elements, said: _Pixels, size: int) -> None:
    """Raises Unreadable where a file of `size` bytes cannot hold the pixels that its header announces."""
    length = header.pixels or 0
    if length < 0:
        # each packed frame is an item of its own, which has eight bytes before its first one
        if not header.inflated and said.many * 8 > max(size - header.pixels_at, 0):
            raise Unreadable("frames")
        return
    if not header.inflated and length > size - header.pixels_at:
        raise Unreadable("cut-short")
    # colours that are stored for every second pixel only take two thirds
    if said.size * said.many * 2 // 3 > length:
        raise Unreadable("frames" if said.many > 1 else "cut-short")


def _number(value: bytes | None, little: bool) -> int:
    return int.from_bytes(value[:2], "little" if little else "big") if value and len(value) >= 2 else 0


def _stripped(value: bytes | None) -> bytes:
    return (value or b"").strip(b"\0 ")
