"""The row that a pod's DICOMSource makes of a file, from the file's header alone (bitfount contract, section 2.2).

Facts of that source: every element of the top level is a column by its name in the standard; sequences and private
elements are none; pixels are one column for each frame; a date becomes text; of several numbers the first counts; one
value that is not what its type says makes the pod leave out the whole file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from io import FileIO
from struct import Struct, error
from typing import TYPE_CHECKING, Final, NamedTuple

from podadmin.core.late import Late
from podadmin.datasources.dicom_elements import MOST_BYTES, Elements, Short, elements, known_vr, take_rest
from podadmin.datasources.dicom_pixels import ASKED, NUMBER_OF_FRAMES, tail
from podadmin.datasources.dicom_trail import Element, Trail
from podadmin.datasources.header_facts import (
    DATE,
    EMPTY,
    FLOAT,
    INTEGER,
    NO_DATE,
    NOTHING,
    OBJECT,
    TEXT,
    WORD,
    Cell,
    Row,
    Strip,
    Unreadable,
)

if TYPE_CHECKING:
    from pydicom import datadict
else:
    datadict = Late("pydicom.datadict")

FIRST_READ: Final = 1 << 16
"""Most headers are shorter than this; the others are read on."""
LATERALITY: Final = "Scan Laterality"
_LATERALITIES: Final = frozenset({"Laterality", "Image Laterality", "Frame Laterality", "Measurement Laterality"})
_PIXEL_NAMES: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})

_NO_IMAGE: Final = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{tail}"
    for tail in (
        *("88.11", "88.22", "88.33", "88.40", "88.50", "88.59", "88.65", "88.67", "104.1", "104.2"),
        *("9.1.1", "9.1.2", "9.1.3", "9.2.1", "9.3.1", "9.4.1", "9.4.2", "9.5.1", "9.6.1"),
    )
)
"""Classes of reports, documents and waveforms (DICOM PS3.6, annex A), which a pod leaves out where it wants images."""
_NUMBERS: Final = {
    "US": (Struct("<H"), Struct(">H")),
    "SS": (Struct("<h"), Struct(">h")),
    "UL": (Struct("<L"), Struct(">L")),
    "SL": (Struct("<l"), Struct(">l")),
    "UV": (Struct("<Q"), Struct(">Q")),
    "SV": (Struct("<q"), Struct(">q")),
    "FL": (Struct("<f"), Struct(">f")),
    "FD": (Struct("<d"), Struct(">d")),
}
_WORDS: Final = frozenset(
    {0x00080016, 0x00080070, 0x00081090, 0x00080005, 0x00181020, 0x00181030, 0x00181050, 0x00185100}
)
"""SOP class, manufacturer, model and the like: values that name no person and are worth a list of the most frequent."""
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DATE = re.compile(rb"(\d{4})\.?(\d\d)\.?(\d\d)")

Reader = Callable[[bytes, bool], tuple[str, float | bytes | None]]
"""Makes (code, value) of the bytes of a value; the second argument says whether they are little endian."""


def read(path: bytes, images_only: bool, texts: frozenset[str]) -> Row:
    """The row of the DICOM file at `path`. `texts`: columns whose values are needed as they are.

    Raises Unreadable, and OSError where the file cannot be read.
    """
    with FileIO(path) as file:
        size = os.fstat(file.fileno()).st_size
        header = _elements(file, size, _trails_with(texts))
        end = header.pixels_at + (header.pixels or 0)
        if (header.pixels or 0) > 0 and end + 8 <= size and header.little and not header.inflated:
            file.seek(end)
            take_rest(file.read(FIRST_READ), header)
        return row_of(header, size, images_only, texts)


def _elements(file: FileIO, size: int, trails: dict[bool, Trail]) -> Elements:
    data = file.read(FIRST_READ)
    if not data:
        raise Unreadable("empty")
    try:
        return elements(data, trails)
    except Short:
        if len(data) >= size:
            raise Unreadable("cut-short") from None
    while len(data) < min(size, MOST_BYTES):
        more = file.read(MOST_BYTES - len(data))
        if not more:
            break
        data += more
    try:
        return elements(data, trails)
    except Short:
        raise Unreadable("long" if size > MOST_BYTES else "cut-short") from None


def row_of(header: Elements, size: int, images_only: bool, texts: frozenset[str]) -> Row:
    """The row that the header of a file of `size` bytes gives. Raises Unreadable."""
    if images_only and header.storage_class in _NO_IMAGE:
        raise Unreadable("no-image")
    if images_only and header.pixels is None:
        raise Unreadable("no-pixels")
    row: Row = []
    names: set[str] = set()
    known: dict[int, bytes] = {}
    cells = 0
    for made in _every(header, texts):
        row.append(made.strip)
        names |= made.names
        cells += len(made.strip)
        if made.known:
            known |= made.known
    if len(names) < cells:
        # of two elements of one name the later is the value, in the place of the first
        row = [tuple({cell[0]: cell for strip in row for cell in strip}.values())]
    return [*row, *tail(header, known, size)]


def _every(header: Elements, texts: frozenset[str]) -> Iterator[_Made]:
    for run in header.runs:
        if run.made is None:
            run.made = _made(run.elements, header.little, texts)
        yield run.made
    if header.found:
        yield _made(header.found, header.little, texts)


class _Made(NamedTuple):
    """What some elements are: cells, the names of their columns, and the values that `dicom_pixels` asks for."""

    strip: Strip
    names: frozenset[str]
    known: dict[int, bytes]


_NOTHING: Final = _Made((), frozenset(), {})


def _made(given: Sequence[Element], little: bool, texts: frozenset[str]) -> _Made:
    if not given:
        return _NOTHING
    seen = _seen_with(texts, little)
    each = [seen.get(element) or _entry(element, little, texts, seen) for element in given]
    if len(each) == 1:
        return each[0]
    found = {cell[0]: cell for made in each for cell in made.strip}
    known = {tag: value for made in each for tag, value in made.known.items()}
    return _Made(tuple(found.values()), frozenset(found), known)


_trails: dict[frozenset[str], dict[bool, Trail]] = {}


def _trails_with(texts: frozenset[str]) -> dict[bool, Trail]:
    """The ways through the headers that were read before for the same columns."""
    return _trails.setdefault(texts, {True: Trail(), False: Trail()})


_seen: dict[tuple[frozenset[str], bool], dict[Element, _Made]] = {}
_MOST_SEEN, _LONGEST_SEEN = 50_000, 64


def _seen_with(texts: frozenset[str], little: bool) -> dict[Element, _Made]:
    """What became of elements that were seen before: most files of a device say the same in most of them."""
    seen = _seen.setdefault((texts, little), {})
    if len(seen) > _MOST_SEEN:
        seen.clear()
    return seen


def _entry(element: Element, little: bool, texts: frozenset[str], seen: dict[Element, _Made]) -> _Made:
    tag, _, value = element
    if value is None:
        return _NOTHING
    cell = _cell(element, little, texts)
    known = {tag: value} if tag in ASKED else {}
    made = _Made((cell,), frozenset((cell[0],)), known) if cell else _Made((), frozenset(), known)
    if len(value) <= _LONGEST_SEEN:
        seen[element] = made
    return made


def _cell(element: Element, little: bool, texts: frozenset[str]) -> Cell | None:
    tag, vr, value = element
    name, reader = _plans.get((tag, vr)) or _plan(tag, vr)
    if reader is None or value is None:
        return None
    code, made = reader(value, little)
    if name in _LATERALITIES and made in (b"L", b"R"):
        name = LATERALITY
    return name, WORD if code == TEXT and name in texts else code, made


_plans: dict[tuple[int, str], tuple[str, Reader | None]] = {}


def _plan(tag: int, vr: str) -> tuple[str, Reader | None]:
    """The name of the column of an element, and how its value is read; None where it is no column."""
    kind = known_vr(tag) if vr == "UN" else vr
    made = (_name(tag), _reader(tag, kind))
    if len(_plans) < 20_000:
        _plans[tag, vr] = made
    return made


def _name(tag: int) -> str:
    try:
        return datadict.dictionary_description(tag)
    except KeyError:
        return "Group Length" if tag & 0xFFFF == 0 else ""


def _reader(tag: int, vr: str) -> Reader | None:
    if vr == "SQ" or tag in _PIXEL_NAMES or (tag == NUMBER_OF_FRAMES):
        return None
    if vr in ("DA", "DT"):
        return _as_date
    if vr == "IS":
        return _as_whole
    if vr == "DS":
        return _as_decimal
    if vr == "AT":
        return _as_tag
    if vr in _NUMBERS:
        return _as_binary(*_NUMBERS[vr], INTEGER if vr[0] in "US" else FLOAT)
    if vr in ("CS", "UI", "TM", "AE", "UC", "UR"):
        return _as_first_word if vr == "CS" or tag in _WORDS else _as_first
    if vr in ("AS", "LO", "LT", "OW", "PN", "SH", "ST", "UN", "UT"):
        return _as_word if tag in _WORDS or vr == "AS" else _as_text
    return _as_object


def _as_text(value: bytes, _little: bool) -> tuple[str, bytes | None]:
    stripped = value.strip(b"\0 ")
    return (TEXT, stripped) if stripped else (EMPTY, None)


def _as_word(value: bytes, _little: bool) -> tuple[str, bytes | None]:
    stripped = value.strip(b"\0 ")
    return (WORD, stripped[:200]) if stripped else (EMPTY, None)


def _as_first(value: bytes, _little: bool) -> tuple[str, bytes | None]:
    stripped = value.partition(b"\\")[0].strip(b"\0 ")
    return (TEXT, stripped) if stripped else (EMPTY, None)


def _as_first_word(value: bytes, _little: bool) -> tuple[str, bytes | None]:
    stripped = value.partition(b"\\")[0].strip(b"\0 ")
    return (WORD, stripped[:200]) if stripped else (EMPTY, None)


def _as_date(value: bytes, _little: bool) -> tuple[str, float | None]:
    found = _DATE.match(value)
    if found:
        try:
            return DATE, float(date(int(found[1]), int(found[2]), int(found[3])).toordinal() - _EPOCH)
        except ValueError:
            return NO_DATE, None
    return NO_DATE, None


def _as_whole(value: bytes, _little: bool) -> tuple[str, float | None]:
    first = value.partition(b"\\")[0].strip(b"\0 ")
    if not first:
        return NOTHING, None
    try:
        return INTEGER, float(int(first))
    except ValueError:
        pass
    try:
        number = float(first)
    except ValueError:
        raise Unreadable("value") from None
    if not number.is_integer():
        raise Unreadable("value")
    return INTEGER, number


def _as_decimal(value: bytes, _little: bool) -> tuple[str, float | None]:
    first = value.partition(b"\\")[0].strip(b"\0 ")
    if not first:
        return NOTHING, None
    try:
        return FLOAT, float(first)
    except ValueError:
        raise Unreadable("value") from None


def _as_tag(value: bytes, little: bool) -> tuple[str, float | None]:
    if not value:
        return NOTHING, None
    if len(value) % 4:
        raise Unreadable("value")
    order = "little" if little else "big"
    return INTEGER, float(int.from_bytes(value[:2], order) << 16 | int.from_bytes(value[2:4], order))  # type: ignore[arg-type]


def _as_binary(low: Struct, high: Struct, code: str) -> Reader:
    def binary(value: bytes, little: bool) -> tuple[str, float | None]:
        if not value:
            return NOTHING, None
        how = low if little else high
        if len(value) % how.size:
            raise Unreadable("value")
        try:
            return code, float(how.unpack_from(value)[0])
        except error:
            raise Unreadable("value") from None

    return binary


def _as_object(value: bytes, _little: bool) -> tuple[str, None]:
    return (OBJECT, None) if value else (NOTHING, None)
