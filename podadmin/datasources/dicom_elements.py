"""The elements of a DICOM header, from the bytes at the beginning of a file (DICOM PS3.5 and PS3.10, section 7).

pydicom reads a header element by element from a file and keeps an object for each, which takes milliseconds. What is
needed here is which elements there are and what stands in them, so the common encodings (little endian, of which all
but a few files are) are walked over in memory; every other one is left to pydicom. Both give the same.

Sequences are passed over, never descended into: nothing in them is a column, and what is nested cannot be abused.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from struct import Struct, error
from typing import TYPE_CHECKING, Final

from podadmin.core.late import Late
from podadmin.datasources.dicom_trail import Element, Next, Run, Step, Trail
from podadmin.datasources.header_facts import Unreadable

if TYPE_CHECKING:
    from pydicom import datadict, filereader
    from pydicom.dataset import Dataset
else:
    datadict = Late("pydicom.datadict")
    filereader = Late("pydicom.filereader")

MOST_BYTES: Final = 16 << 20
"""The longest header that is read; the image itself comes after it and is not."""
MOST_UNPACKED: Final = 64 << 20
_UNDEFINED: Final = 0xFFFFFFFF
_PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG: Final = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT: Final = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)  # fmt: skip
_KNOWN: Final = _LONG | _SHORT
_SHORT_VR: Final = {each: each.decode() for each in _SHORT}
_PIXEL_GROUP: Final = 0x7FE0
_EXPLICIT, _IMPLICIT, _LENGTH = Struct("<HH2sH"), Struct("<HHL"), Struct("<L")
_META_SYNTAX, _META_CLASS = 0x00020010, 0x00020002
IMPLICIT_LITTLE, EXPLICIT_BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
_PREAMBLE: Final = 132
_USUAL: Final = frozenset({0x0008, 0x0010, 0x0018, 0x0020, 0x0028})
"""Groups of which every image has one."""


@dataclass
class Elements:
    """The top level of a header up to its pixels: `runs` first, then what was `found` element by element.

    `pixels`: the length that they announce, None where there are none and -1 where it is left open (they are packed);
    `pixels_at`: where they begin in the data set, which is the file unless it is `inflated`.
    """

    runs: list[Run] = field(default_factory=list)
    found: list[Element] = field(default_factory=list)
    syntax: str = ""
    storage_class: str = ""
    little: bool = True
    pixels: int | None = None
    pixels_at: int = -1
    inflated: bool = False
    private: bool = False
    """Are there elements that are no part of the standard? They are passed over."""


class _Odd(Exception):
    """Not written as most files are: left to pydicom."""


class Short(Exception):
    """The bytes end within an element."""


def elements(data: bytes, trails: Mapping[bool, Trail] | None = None) -> Elements:
    """The elements in the first bytes of a file. Raises Short where more bytes are needed, and Unreadable.

    `trails`: what is known from other files, of data sets whose types are left out (True) and of all others.
    """
    if data[128:_PREAMBLE] != b"DICM":
        return _by_pydicom(data)
    result = Elements()
    try:
        meta, at = _meta(data)
        result.syntax, result.storage_class = _text(meta.get(_META_SYNTAX)), _text(meta.get(_META_CLASS))
        if not result.syntax or result.syntax == EXPLICIT_BIG:
            raise _Odd
        if result.syntax == DEFLATED:
            data, at, result.inflated = _inflated(data[at:]), 0, True
        _walk(data, at, result, trails[result.syntax == IMPLICIT_LITTLE] if trails else None)
    except _Odd:
        return _by_pydicom(data, result if result.inflated else None)
    except Short:
        if result.inflated:
            raise Unreadable("cut-short") from None
        raise
    return result


def take_rest(data: bytes, header: Elements) -> None:
    """Add the elements that stand behind the pixels, where `data` is what stands there. Damage there is no matter."""
    rest = replace(header, found=[])
    with suppress(_Odd, Short):
        _walk(data, 0, rest, None)
    header.found += rest.found
    header.private = rest.private


def _meta(data: bytes) -> tuple[dict[int, bytes], int]:
    """Group 2, which is always explicit and little endian, and where the data set begins."""
    found: dict[int, bytes] = {}
    at, end = _PREAMBLE, len(data)
    while True:
        if at + 8 > end:
            raise Short
        group, element, vr, length = _EXPLICIT.unpack_from(data, at)
        if group != 2:
            return found, at
        at += 8
        if vr in _LONG:
            if at + 4 > end:
                raise Short
            (length,) = _LENGTH.unpack_from(data, at)
            at += 4
        elif vr not in _SHORT:
            raise _Odd
        if at + length > end:
            raise Short
        found[0x00020000 | element] = data[at : at + length]
        at += length


def _walk(data: bytes, at: int, result: Elements, trail: Trail | None) -> None:
    read = (_implicit if result.syntax == IMPLICIT_LITTLE else _explicit)(data, result)
    if trail is not None:
        result.runs = trail.follow(data, at, read)
        result.private = any(run.private for run in result.runs)
        return
    while (step := read(at)) is not None:
        _, element, at = step
        if element is None:
            result.private = True
        else:
            result.found.append(element)


def _explicit(data: bytes, result: Elements) -> Next:
    # every name that is looked up once before the loop is one that is not looked up for each of a hundred elements
    unpack, short, last = _EXPLICIT.unpack_from, _SHORT_VR.get, len(data) - 8

    def read(at: int) -> Step | None:
        if at > last:
            if at != len(data):
                raise Short
            return None
        group, element, vr, length = unpack(data, at)
        kind = short(vr)
        if kind is not None:
            start = at + 8
        elif vr in _LONG:
            if at + 12 > len(data):
                raise Short
            (length,) = _LENGTH.unpack_from(data, at + 8)
            start = at + 12
        else:
            raise _Odd
        tag = group << 16 | element
        if not 2 < group < _PIXEL_GROUP:
            if tag in _PIXELS:
                result.pixels, result.pixels_at = (-1 if length == _UNDEFINED else length), start
                return None
            if group <= 2 or group == 0xFFFE:
                raise _Odd
        if length == _UNDEFINED:
            if vr != b"SQ" and not group & 1:
                raise _Odd
            end = _passed(data, at, _EXPLICIT)
        else:
            end = start + length
            if end > last + 8:
                raise Short
        if group & 1:
            return tag, None, end
        return tag, (tag, kind or vr.decode(), None if vr == b"SQ" else data[start:end]), end

    return read


def _implicit(data: bytes, result: Elements) -> Next:
    unpack, last = _IMPLICIT.unpack_from, len(data) - 8

    def read(at: int) -> Step | None:
        if at > last:
            if at != len(data):
                raise Short
            return None
        group, element, length = unpack(data, at)
        if data[at + 4 : at + 6] in _KNOWN and length > 0x4141:
            # explicit after all; so long a value would be a coincidence
            raise _Odd
        tag = group << 16 | element
        if tag in _PIXELS:
            result.pixels, result.pixels_at = (-1 if length == _UNDEFINED else length), at + 8
            return None
        if group <= 2 or group == 0xFFFE:
            raise _Odd
        end = _passed(data, at, _IMPLICIT) if length == _UNDEFINED else at + 8 + length
        if end > len(data):
            raise Short
        if group & 1:
            return tag, None, end
        vr = "SQ" if length == _UNDEFINED else known_vr(tag)
        return tag, (tag, vr, None if vr == "SQ" else data[at + 8 : end]), end

    return read


def _passed(data: bytes, at: int, how: Struct) -> int:
    """Where the sequence of open length that begins at `at` ends. Counts depth instead of descending."""
    depth, end = 0, len(data)
    while True:
        if at + 8 > end:
            raise Short
        vr = b""
        if how is _EXPLICIT:
            group, element, vr, length = how.unpack_from(data, at)
        else:
            group, element, length = how.unpack_from(data, at)
        tag = group << 16 | element
        if group == 0xFFFE:
            (length,) = _LENGTH.unpack_from(data, at + 4)
            at += 8
        elif how is _EXPLICIT and vr in _LONG:
            if at + 12 > end:
                raise Short
            (length,) = _LENGTH.unpack_from(data, at + 8)
            at += 12
        elif how is _EXPLICIT and vr not in _SHORT:
            raise _Odd
        else:
            at += 8
        if tag in (_ITEM_END, _SEQUENCE_END):
            depth -= 1
            if depth == 0:
                return at
        elif length == _UNDEFINED and (how is _IMPLICIT or tag == _ITEM or vr == b"SQ"):
            depth += 1
        elif length == _UNDEFINED:
            raise _Odd
        else:
            at += length


def _inflated(data: bytes) -> bytes:
    """A deflated data set as it was before (PS3.5, annex A.5), of bounded size."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(data, MOST_UNPACKED)
    except zlib.error as damage:
        raise Unreadable("damaged") from damage
    if unpacker.unconsumed_tail:
        raise Unreadable("packed")
    if not unpacker.eof:
        raise Short
    return plain


_VRS: dict[int, str] = {}


def known_vr(tag: int) -> str:
    """The value representation that the standard gives an attribute; UN where it knows none."""
    vr = _VRS.get(tag)
    if vr is None:
        if tag & 0xFFFF == 0:
            vr = "UL"
        else:
            try:
                vr = datadict.dictionary_VR(tag)
            except KeyError:
                vr = "UN"
        if len(_VRS) < 20_000:
            _VRS[tag] = vr
    return vr


def _by_pydicom(data: bytes, inflated: Elements | None = None) -> Elements:
    """What pydicom finds where a file is not written as most are: big endian, without its first part, mixed.

    `inflated`: what is known of a file whose data set, unpacked, is all of `data`.
    """
    result = Elements() if inflated is None else replace(inflated, found=[])
    source = BytesIO(data)
    marked = inflated is not None or data[128:_PREAMBLE] == b"DICM"
    seen: list[int] = []

    def at_pixels(tag: int, _vr: str | None, length: int) -> bool:
        if int(tag) in _PIXELS:
            seen.append(length)
        return bool(seen)

    try:
        implicit = False if inflated else _begin(source, result, marked)
        dataset = filereader.read_dataset(source, implicit, result.little, stop_when=at_pixels)
        for tag in dataset.keys():  # noqa: SIM118 - a dataset gives its values
            if int(tag) & 0x10000:
                result.private = True
            else:
                result.found.append(_plain(int(tag), dataset.get_item(tag)))
    except Unreadable:
        raise
    except Short:
        if marked or _usual(result):
            raise
        raise Unreadable("not-dicom") from None
    except RecursionError as deep:
        raise Unreadable("nested") from deep
    except MemoryError as large:
        raise Unreadable("memory") from large
    except Exception as broken:
        raise Unreadable("damaged" if marked else "not-dicom") from broken
    if seen:
        result.pixels = -1 if seen[0] == _UNDEFINED else seen[0]
        result.pixels_at = source.tell() + (8 if implicit else 12)
    if not marked and not _usual(result):
        raise Unreadable("not-dicom")
    return result


def _usual(result: Elements) -> bool:
    return any(tag >> 16 in _USUAL for tag, _, _ in result.found)


def _plain(tag: int, found: object) -> Element:
    vr, value, length = (getattr(found, each, None) for each in ("VR", "value", "length"))
    if not vr or vr == "UN":
        vr = known_vr(tag)
    if vr == "SQ" or not isinstance(value, bytes):
        return tag, str(vr), None if vr == "SQ" else b""
    if isinstance(length, int) and length not in (_UNDEFINED, len(value)):
        raise Short
    return tag, str(vr), value


def _begin(source: BytesIO, result: Elements, marked: bool) -> bool:
    """Read group 2, if any, and find out how the data set is written. Returns whether its types are left out."""
    start = source.seek(_PREAMBLE if marked else 0)
    meta = filereader.read_dataset(source, False, True, stop_when=lambda tag, _vr, _length: int(tag) >> 16 != 2)
    result.syntax = _text(_raw(meta, _META_SYNTAX))
    result.storage_class = _text(_raw(meta, _META_CLASS))
    if result.syntax == DEFLATED:
        # without the usual first part nothing says where the packed part begins
        raise Unreadable("damaged")
    if result.syntax:
        result.little = result.syntax != EXPLICIT_BIG
        return result.syntax == IMPLICIT_LITTLE
    if not len(meta):
        source.seek(start)
    at = source.tell()
    head = source.read(6)
    source.seek(at)
    try:
        group, _, vr = Struct("<HH2s").unpack(head)
    except error:
        raise Unreadable("not-dicom") from None
    if vr not in _KNOWN:
        return True
    # groups of the first elements are small: one that looks large is a small one in the other order
    result.little = group < 0x0400
    return False


def _raw(meta: Dataset, tag: int) -> bytes | None:
    found = meta.get_item(tag) if tag in meta else None
    value = getattr(found, "value", None)
    return value if isinstance(value, bytes) else None


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace").strip("\0 ")
