"""What the header of one file tells, as a pod would see it as a row of a table. Pure values.

A cell is (column, code, value). What a text says leaves the process that read it as a keyed digest only, so that rows
can be counted and compared; the values of a few columns that name no person (`WORD`) are kept as they are. Columns
whose names begin with `HIDDEN` are no columns of the table: they carry what is said about the file itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from itertools import chain
from struct import Struct
from typing import Final

from podadmin.datasources.masking import masked

INTEGER: Final = "i"
FLOAT: Final = "f"
DATE: Final = "d"
"""Days since 1970-01-01."""
TEXT: Final = "t"
WORD: Final = "w"
EMPTY: Final = "e"
"""A text without a character."""
NO_DATE: Final = "m"
"""Nothing, or nothing that is a date, where a date belongs."""
NOTHING: Final = "n"
OBJECT: Final = "o"
"""Bytes, pixels or a list: a pod keeps them as objects."""
NUMBERS: Final = frozenset({INTEGER, FLOAT, DATE})
TEXTS: Final = frozenset({TEXT, WORD})
WITH_VALUE: Final = NUMBERS | TEXTS

HIDDEN: Final = "\0"
PATIENT, STUDY, SERIES = "\0patient", "\0study", "\0series"
BURNED_IN, IDENTITY_REMOVED, PRIVATE, SYNTAX, PICTURE = "\0burned", "\0removed", "\0private", "\0syntax", "\0picture"
PIXELS: Final = "Pixel Data"

Cell = tuple[str, str, float | str | bytes | None]
Strip = tuple[Cell, ...]
"""Cells that stand side by side; the very same object where a reader knows that files have them in common."""
Row = list[Strip]


@dataclass(frozen=True)
class Picture:
    """The pixels of a file: `dimensions` as (width, height) or the shape of a volume; `mode` is how a pixel is told."""

    dimensions: tuple[int, ...]
    format: str
    mode: str
    frames: int = 1

    def as_text(self) -> str:
        return json.dumps([list(self.dimensions), self.format, self.mode, self.frames])

    @classmethod
    def from_text(cls, text: str) -> Picture:
        dimensions, kind, mode, frames = json.loads(text)
        return cls(tuple(dimensions), kind, mode, frames)


class Unreadable(Exception):
    """A file whose header says nothing that can be used. `reason`: a key of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


REASONS: Final = {
    "vanished": "gone when it was to be read",
    "denied": "permission denied",
    "disk": "the disk or the share reported an error",
    "empty": "empty",
    "not-dicom": "no DICOM file",
    "not-image": "no image of a known format",
    "not-nifti": "no NIfTI file",
    "cut-short": "ends before what its header announces",
    "damaged": "the header is damaged",
    "value": "a value that is not what its type says",
    "nested": "nested too deeply",
    "long": "the header is longer than 16 MB",
    "large": "says that it is larger than any real image",
    "packed": "unpacks to more than 64 MB of header",
    "frames": "says that it has more frames than it can hold",
    "memory": "took more memory than a header may",
    "killed": "the process that read it came to an end",
    "slow": "did not answer in time",
    "no-image": "of a class that holds no images (reports, waveforms)",
    "no-pixels": "holds no pixels",
    "other": "has no ending and is of another kind",
}
"""Why a file gives no row, in words that follow "n files:"."""
LEFT_OUT: Final = frozenset({"no-image", "no-pixels", "other"})
"""Reasons for which a pod leaves a sound file out."""

_DOUBLE, _BLANK = Struct("<d").pack, "\x1f"
_LONGEST_KEPT: Final = 64
_MOST_KEPT: Final = 50_000
_EPOCH = date(1970, 1, 1).toordinal()


def digest(value: bytes, key: bytes) -> bytes:
    """Eight bytes that stand for a text; the same text under the same key has the same."""
    return blake2b(value, digest_size=8, key=key).digest()


def columns_of(layout: str) -> list[tuple[str, str]]:
    """The (column, code) pairs in a layout."""
    return [(each[1:], each[0]) for each in layout.split(_BLANK)] if layout else []


@dataclass
class Brought:
    """What a process has brought already: texts by their digests, and what was made of cells that it has seen."""

    words: dict[bytes, str] = field(default_factory=dict)
    cells: dict[Cell, bytes] = field(default_factory=dict)
    strips: dict[int, tuple[Strip, str, bytes]] = field(default_factory=dict)
    """By the identity of each strip, which is kept with what was made of it."""
    stripped: int = 0

    def bounded(self) -> None:
        """Forget everything once it is too much: it is brought again."""
        if len(self.words) > _MOST_KEPT:
            self.words.clear()
        if len(self.cells) > _MOST_KEPT:
            self.cells.clear()
        if self.stripped > _MOST_KEPT:
            self.strips.clear()
            self.stripped = 0


def packed(row: Row, key: bytes, brought: Brought) -> tuple[str, bytes]:
    """The layout of a row, and eight bytes for each cell that has a value: a number as a double, a text as its digest.

    Which columns a file has, with the kind of each value, is the same for most files of one device. Texts of WORD
    cells are added to the words that were `brought`, under their digests.
    """
    layouts, parts = [], []
    for strip in row:
        if not strip:
            continue
        made = brought.strips.get(id(strip))
        if made is None:
            layout = _BLANK.join([code + name for name, code, _ in strip])
            made = strip, layout, b"".join([_eight(cell, key, brought) for cell in strip])
            brought.strips[id(strip)] = made
            brought.stripped += len(strip)
        layouts.append(made[1])
        parts.append(made[2])
    return _BLANK.join(layouts), b"".join(parts)


def _eight(cell: Cell, key: bytes, brought: Brought) -> bytes:
    value = cell[2]
    if value is None:
        return b""
    made = brought.cells.get(cell)
    if made is None:
        made = _held(cell[1], value, key, brought.words)
        if isinstance(value, float) or len(value) <= _LONGEST_KEPT:
            brought.cells[cell] = made
    return made


def _held(code: str, value: float | str | bytes, key: bytes, words: dict[bytes, str]) -> bytes:
    if isinstance(value, float):
        return _DOUBLE(value)
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    made = digest(raw, key)
    if code == WORD and made not in words:
        words[made] = raw.decode("utf-8", "replace")
    return made


def shown(row: Row, hide: bool) -> list[tuple[str, str]]:
    """(column, text) for a preview. `hide`: shapes instead of values (see masking).

    Every frame after the first is left out.
    """
    told = []
    for name, code, value in chain.from_iterable(row):
        if name.startswith(HIDDEN) or (name.startswith(f"{PIXELS} ") and name != f"{PIXELS} 0"):
            continue
        if code == DATE and isinstance(value, float):
            text = date.fromordinal(_EPOCH + int(value)).isoformat()
        elif isinstance(value, float):
            text = f"{value:g}"
        elif code in TEXTS:
            text = (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))[:60]
        else:
            told.append((name, "(pixels)" if name.startswith(PIXELS) else "(object)" if code == OBJECT else ""))
            continue
        told.append((name, masked(text) if hide else text))
    return told
