"""A workbook that somebody hands in as a data dictionary: small on the disk, and more than a computer in memory."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import openpyxl
import pytest

from podadmin.core.errors import BadInput
from podadmin.schema.dictionary import read_dictionary

SHEET = "xl/worksheets/sheet1.xml"
HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


def workbook(to: Path, rows: bytes = b"") -> Path:
    """A dictionary of one column; with `rows` its sheet is made of them."""
    book, kept = openpyxl.Workbook(), io.BytesIO()
    for line in (["column", "description"], ["age", "In years"]):
        book.active.append(line)
    book.save(kept)
    with zipfile.ZipFile(kept) as source, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in source.namelist():
            told = HEAD + rows + b"</sheetData></worksheet>" if rows and name == SHEET else source.read(name)
            packed.writestr(name, told)
    return to


def test_a_row_of_millions_of_cells_is_not_built(tmp_path: Path) -> None:
    hostile = workbook(tmp_path / "wide.xlsx", b"<row>" + b"<c/>" * 2_100_000 + b"</row>")
    assert hostile.stat().st_size < 20_000
    with pytest.raises(BadInput) as told:
        read_dictionary(hostile, ["age"])
    assert told.value.code == "schema.dictionary-large"


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_is_not_waited_for_and_a_device_is_not_read(tmp_path: Path, kind: str) -> None:
    place = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/dev/zero")
    with pytest.raises(BadInput) as told:
        read_dictionary(place, ["age"])
    assert told.value.code == "datasource.not-a-file"


def test_an_ordinary_one_is_read(tmp_path: Path) -> None:
    assert read_dictionary(workbook(tmp_path / "good.xlsx"), ["age"]).descriptions == {"age": "In years"}
