"""What is known from the headers before never changes what is found in the next one, whatever it is."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from podadmin.datasources import dicom_headers, dicom_trail
from podadmin.datasources.dicom_elements import EXPLICIT_BIG, IMPLICIT_LITTLE, Short, elements
from podadmin.datasources.dicom_trail import Element, Trail
from podadmin.datasources.header_facts import Cell, Unreadable

EXPLICIT = "1.2.840.10008.1.2.1"
TAGS = [0x00080005, 0x00080016, 0x00080060, 0x00090010, 0x00091001, 0x00100010, 0x00100020, 0x00180050, 0x00200013]
VALUES = [b"", b"1 ", b"MR", b"1.5 ", b"Doe^Jane", b"x" * 40]
Header = list[tuple[int, bytes]]
Found = tuple[list[Element], bool, int | None, int] | str


def written(header: Header, syntax: str, pixels: bool) -> bytes:
    """A file of these elements in this order; those of odd groups are private, the one of 0x00081140 is a sequence."""
    name = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = pack("<HH2sH", 2, 0x10, b"UI", len(name)) + name
    made = [bytes(128), b"DICM", meta]
    for tag, value in header:
        place = pack("<HH", tag >> 16, tag & 0xFFFF)
        if syntax == IMPLICIT_LITTLE:
            made += [place, pack("<L", len(value)), value]
        elif tag == 0x00081140:
            made += [place, b"SQ", bytes(2), b"\xff" * 4, value, pack("<HHL", 0xFFFE, 0xE0DD, 0)]
        else:
            made += [place, b"LO", pack("<H", len(value)), value]
    if pixels:
        end = b"" if syntax == IMPLICIT_LITTLE else b"OW\0\0"
        made += [pack("<HH", 0x7FE0, 0x0010), end, pack("<L", 4), bytes(4)]
    return b"".join(made)


def found(data: bytes, trails: dict[bool, Trail] | None) -> Found:
    try:
        header = elements(data, trails)
    except Unreadable as broken:
        return broken.reason
    except Short:
        return "short"
    assert not (trails is None and header.runs)
    listed = [element for run in header.runs for element in run.elements]
    return listed + header.found, header.private, header.pixels, header.pixels_at


values = st.sampled_from(VALUES)
in_order = st.dictionaries(st.sampled_from([*TAGS, 0x00081140]), values, max_size=10).map(
    lambda made: sorted(made.items())
)
in_any_order = st.lists(st.tuples(st.sampled_from(TAGS), values), max_size=12)
files = st.tuples(
    st.one_of(in_order, in_order, in_any_order),
    st.sampled_from([EXPLICIT, EXPLICIT, IMPLICIT_LITTLE, EXPLICIT_BIG]),
    st.booleans(),
    st.one_of(st.none(), st.none(), st.integers(0, 60)),
)


pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")


@settings(max_examples=100)
@given(st.lists(files, max_size=9))
def test_headers_are_found_as_they_are_without_a_trail(some: list[tuple[Header, str, bool, int | None]]) -> None:
    trails = {True: Trail(), False: Trail()}
    for header, syntax, pixels, cut in [*some, *some]:
        data = written(header, syntax, pixels)
        if cut:
            data = data[:-cut]
        assert found(data, trails) == found(data, None)


@settings(max_examples=40)
@given(st.lists(st.lists(st.tuples(st.sampled_from(TAGS), st.integers(0, 9)), max_size=5, unique_by=lambda e: e[0])))
def test_nothing_long_is_kept_and_what_is_too_much_is_forgotten(some: list[list[tuple[int, int]]]) -> None:
    trails = {True: Trail(), False: Trail()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dicom_trail, "LONGEST", 12)
        patch.setattr(dicom_trail, "MOST", 4)
        for header in [*some, *some]:
            data = written([(tag, bytes(4 * many)) for tag, many in sorted(header)], EXPLICIT, True)
            assert found(data, trails) == found(data, None)


def test_what_is_the_same_in_every_file_is_one_run() -> None:
    trails = {True: Trail(), False: Trail()}
    for number in range(6):
        header = (
            [(tag, b"same") for tag in TAGS[:5]] + [(TAGS[5], b"%04d" % number)] + [(tag, b"end ") for tag in TAGS[6:]]
        )
        data = written(header, EXPLICIT, True)
        runs = elements(data, trails).runs
        assert found(data, trails) == found(data, None)
    assert [len(run.elements) for run in runs] == [3, 1, 3]
    assert [run.private for run in runs] == [True, False, False]


def test_the_files_of_others_give_the_same_rows_in_any_company(monkeypatch: pytest.MonkeyPatch) -> None:
    first = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(first, str)
    paths = [path for path in sorted(Path(first).parent.rglob("*")) if path.is_file() and path.suffix in {".dcm", ""}]

    def row(path: Path) -> list[Cell] | str:
        try:
            return [*chain.from_iterable(dicom_headers.read(os.fsencode(path), False, frozenset()))]
        except Unreadable as broken:
            return broken.reason

    alone = []
    for path in paths:
        monkeypatch.setattr(dicom_headers, "_trails", {})
        alone.append(row(path))
    together = [row(path) for path in [*paths, *reversed(paths)]]
    assert together == alone + alone[::-1]
    assert len(paths) > 40
