"""Headers that strangers wrote: whatever the bytes are, what comes out is facts or a reason with a name.

The files of pydicom's own tests that its package brings along are read as pydicom reads them; everything else is made
here, by the libraries that write such files and by hypothesis, which breaks them.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from itertools import chain
from pathlib import Path

import nibabel
import numpy
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from podadmin.datasources import dicom_elements, dicom_headers, image_headers, nifti_headers
from podadmin.datasources.header_facts import HIDDEN, PICTURE, REASONS, Brought, Cell, Picture, Unreadable
from podadmin.datasources.header_pool import Fact, Order, one

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
quick = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")


def _own_files() -> list[Path]:
    known = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(known, str)
    return sorted(
        path for path in Path(known).parent.rglob("*") if path.suffix == ".dcm" or "dicomdirtests" in str(path)
    )


OWN = [path for path in _own_files() if path.is_file() and "README" not in path.name]


def scan(**changed: object) -> Dataset:
    """A small but complete image."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3.4"
    made.PatientName, made.PatientID, made.PatientBirthDate = "Doe^Jane", "P1", "19500101"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.StudyDate = "1.2.3.5", "1.2.3.6", "20200229"
    made.Modality, made.ImageType, made.SeriesNumber, made.SliceThickness = "MR", ["ORIGINAL", "PRIMARY"], 7, "2.50"
    made.Laterality, made.BurnedInAnnotation = "L", "YES"
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 2, 3, 16, 12, 11
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.PixelData = bytes(12)
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def written(made: Dataset, syntax: str = ExplicitVRLittleEndian, kind: str | None = None) -> bytes:
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    made.file_meta.MediaStorageSOPClassUID = kind or made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    file = BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def read(data: bytes, folder: Path, images_only: bool = True) -> dict[str, Cell]:
    path = folder / "file.dcm"
    path.write_bytes(data)
    return {cell[0]: cell for cell in chain(*dicom_headers.read(os.fsencode(path), images_only, frozenset()))}


def reason(act: Callable[[], object]) -> str:
    with pytest.raises(Unreadable) as caught:
        act()
    assert caught.value.reason in REASONS
    return caught.value.reason


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_what_is_walked_over_is_what_pydicom_reads(path: Path) -> None:
    try:
        found = dicom_elements.elements(path.read_bytes())
    except (Unreadable, dicom_elements.Short):
        return  # what becomes of those is told below
    theirs = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    assert {tag for tag, _, _ in found.found} == {int(tag) for tag in theirs.keys() if not tag.is_private}  # noqa: SIM118
    assert found.private == any(tag.is_private for tag in theirs.keys())  # noqa: SIM118
    for tag, vr, value in found.found:
        raw = theirs.get_item(tag)
        assert raw is not None
        if vr != "SQ" and isinstance(raw.value, bytes):
            assert value == raw.value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MR_truncated.dcm", "cut-short"), ("badVR.dcm", "value"), ("rtplan.dcm", "no-pixels"),
        ("rtplan_truncated.dcm", "cut-short"), ("reportsi.dcm", "no-image"), ("waveform_ecg.dcm", "no-image"),
        ("test1.json", "not-dicom"), ("crayons.icc", "not-dicom"), ("README.txt", "not-dicom"),
    ],
)  # fmt: skip
def test_files_that_give_no_row_say_why(name: str, expected: str) -> None:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    assert reason(lambda: dicom_headers.read(os.fsencode(path), True, frozenset())) == expected


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_row_is_the_same_however_it_is_written(syntax: str, tmp_path: Path) -> None:
    row = read(written(scan(), syntax), tmp_path)
    assert row["Patient's Name"][1:] == ("t", b"Doe^Jane")
    assert row["Series Number"][1:] == ("i", 7.0)
    assert row["Slice Thickness"][1:] == ("f", 2.5)
    assert row["Image Type"][1:] == ("w", b"ORIGINAL")
    assert row["Scan Laterality"][1:] == ("w", b"L")
    assert row["Study Date"][1:] == ("d", 18321.0)
    assert row["Rows"][1:] == ("i", 2.0)
    assert row["Number of Frames"][1:] == ("i", 1.0)
    assert "Laterality" not in row
    assert "Pixel Data 0" in row
    assert Picture.from_text(str(row[PICTURE][2])) == Picture((3, 2), "DICOM", "MONOCHROME2", 1)
    assert {name for name in row if name.startswith(HIDDEN)} == {
        "\0private", "\0syntax", "\0patient", "\0study", "\0series", "\0burned", "\0picture",
    }  # fmt: skip


def test_what_is_empty_is_told_from_what_is_not_there(tmp_path: Path) -> None:
    row = read(written(scan(PatientName="", SeriesNumber=None, StudyDate="XXXX", EchoTime="")), tmp_path)
    assert [row[name][1] for name in ("Patient's Name", "Series Number", "Study Date", "Echo Time")] == list("enmn")
    assert "Repetition Time" not in row


def test_private_elements_and_sequences_are_seen_and_not_read(tmp_path: Path) -> None:
    made = scan()
    item = Dataset()
    item.PatientName, item.ReferencedImageSequence = "Hidden^Name", Sequence([Dataset()])
    made.ReferencedStudySequence = Sequence([item])
    made.private_block(0x0009, "MAKER", create=True).add_new(1, "LO", "a name")
    row = read(written(made), tmp_path)
    assert row["\0private"][2] == "yes"
    assert "Referenced Study Sequence" not in row
    assert row["Patient's Name"][2] == b"Doe^Jane"


def test_frames_are_columns_and_more_than_fit_are_refused(tmp_path: Path) -> None:
    row = read(written(scan(NumberOfFrames=3, PixelData=bytes(36))), tmp_path)
    assert [name for name in row if name.startswith("Pixel Data")] == [f"Pixel Data {frame}" for frame in range(3)]
    assert reason(lambda: read(written(scan(NumberOfFrames=4)), tmp_path)) == "frames"
    assert reason(lambda: read(written(scan(NumberOfFrames="2147483647")), tmp_path)) == "frames"


def test_a_bomb_of_deflated_zeros_is_not_unpacked(tmp_path: Path) -> None:
    plain = written(scan(), DeflatedExplicitVRLittleEndian)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    element = struct.pack("<HH2sHL", 0x0009, 0x1001, b"OB", 0, 0x7FFFFFF0)
    bomb = b"".join([packer.compress(element), *(packer.compress(bytes(1 << 20)) for _ in range(80)), packer.flush()])
    length = struct.unpack_from("<L", plain, 140)[0]
    assert reason(lambda: read(plain[: 144 + length] + bomb, tmp_path)) == "packed"


@pytest.mark.parametrize("implicit", [True, False])
def test_sequences_in_sequences_cost_no_depth(implicit: bool, tmp_path: Path) -> None:
    head = written(scan(), ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian)
    length = struct.unpack_from("<L", head, 140)[0]
    sequence = struct.pack("<HHL", 0x0008, 0x1140, 0xFFFFFFFF) if implicit else struct.pack(
        "<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF
    )  # fmt: skip
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    nested = (sequence + item) * 60_000
    assert reason(lambda: read(head[: 144 + length] + nested, tmp_path)) == "cut-short"


@quick
@given(data=st.data())
def test_broken_dicom_gives_facts_or_a_reason(data: st.DataObject, tmp_path: Path) -> None:
    whole = bytearray(written(scan(), data.draw(st.sampled_from(SYNTAXES))))
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(128, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=8))
    whole = whole[: data.draw(st.integers(0, len(whole)))]
    assert_told(Order("dicom", b"key", images_only=data.draw(st.booleans())), bytes(whole), tmp_path)


@quick
@given(
    elements=st.lists(
        st.tuples(
            st.integers(0, 0xFFFF),
            st.integers(0, 0xFFFF),
            st.sampled_from(
                [b"SQ", b"IS", b"DS", b"US", b"UN", b"OB", b"PN", b"AT", b"DA", b"FD", b"ZZ", b"\0\0", b"UT"]
            ),
            st.binary(max_size=12),
            st.sampled_from([None, 0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]),
        ),
        max_size=12,
    ),
    marked=st.booleans(),
)
def test_elements_that_nobody_would_write_give_facts_or_a_reason(
    elements: list[tuple[int, int, bytes, bytes, int | None]], marked: bool, tmp_path: Path
) -> None:
    parts = []
    for group, element, vr, value, claimed in elements:
        length = len(value) if claimed is None else claimed
        if vr in {b"SQ", b"UN", b"OB", b"UT"}:
            parts.append(struct.pack("<HH2sHL", group, element, vr, 0, length) + value)
        else:
            parts.append(struct.pack("<HH2sH", group, element, vr, length & 0xFFFF) + value)
    body = b"".join(parts)
    if marked:
        whole = written(scan())
        body = whole[: 144 + struct.unpack_from("<L", whole, 140)[0]] + body
    assert_told(Order("dicom", b"key", images_only=False), body, tmp_path)


def assert_told(order: Order, data: bytes, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(data)
    fact = one(order, os.fsencode(path), Brought())
    assert (fact.reason in REASONS) if fact.reason else fact.layout
    assert fact.reason not in {"disk", "vanished", "memory"}


def image(kind: str, mode: str = "RGB", size: tuple[int, int] = (5, 4)) -> bytes:
    file = BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


def nifti(shape: tuple[int, ...] = (3, 4, 5), kind: type = nibabel.Nifti1Image, dtype: type = numpy.int16) -> bytes:
    made = kind(numpy.zeros(shape, dtype), numpy.eye(4))
    content: bytes = made.to_bytes()
    return content


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("JPEG", "L"), ("TIFF", "I;16"), ("BMP", "RGB")])
def test_an_image_tells_its_size_format_and_mode(kind: str, mode: str) -> None:
    assert image_headers.seen(BytesIO(image(kind, mode))) == Picture((5, 4), kind, mode)


def test_a_picture_that_would_fill_the_memory_is_refused_by_what_it_says() -> None:
    bomb = bytearray(image("PNG"))
    bomb[16:24] = struct.pack(">LL", 60_000, 60_000)
    bomb[29:33] = struct.pack(">L", zlib.crc32(bytes(bomb[12:29])))
    assert reason(lambda: image_headers.seen(BytesIO(bytes(bomb)))) == "large"


@quick
@given(data=st.data())
def test_broken_images_give_facts_or_a_reason(data: st.DataObject, tmp_path: Path) -> None:
    whole = bytearray(image(data.draw(st.sampled_from(["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"]))))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    assert_told(Order("image", b"key"), bytes(whole[: data.draw(st.integers(0, len(whole)))]), tmp_path)


def test_a_volume_tells_its_shape_packed_or_not(tmp_path: Path) -> None:
    for name, content in (
        ("a.nii", nifti()),
        ("b.nii.gz", gzip.compress(nifti())),
        ("c.nii", nifti(kind=nibabel.Nifti2Image)),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        row = {cell[0]: cell for cell in chain(*nifti_headers.read(os.fsencode(path), frozenset()))}
        assert row["ImageShape"][2] == "(3, 4, 5)"
        assert row["FileExtension"][2] == name.partition(".")[1] + name.partition(".")[2]
        assert row["DataType"][2] == "int16"
        assert row["NumberOfVolumes"][2] == 1.0


def test_volumes_that_are_not_all_there_or_none_are_refused(tmp_path: Path) -> None:
    def told(content: bytes) -> str:
        path = tmp_path / "x.nii"
        path.write_bytes(content)
        return reason(lambda: nifti_headers.read(os.fsencode(path), frozenset()))

    assert told(b"") == "empty"
    assert told(nifti()[:-1]) == "cut-short"
    assert told(nifti()[:100]) == "cut-short"
    assert told(b"not a volume" * 60) == "not-nifti"
    assert told(gzip.compress(nifti())[:12]) in {"not-nifti", "cut-short"}
    large = bytearray(nifti())
    large[40:56] = struct.pack("<8h", 7, *[32767] * 7)
    assert told(bytes(large)) == "cut-short"
    assert told(gzip.compress(bytes(large))) == "cut-short"


@quick
@given(data=st.data())
def test_broken_volumes_give_facts_or_a_reason(data: st.DataObject, tmp_path: Path) -> None:
    whole = bytearray(nifti(kind=data.draw(st.sampled_from([nibabel.Nifti1Image, nibabel.Nifti2Image]))))
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, 400))
        whole[place : place + 4] = data.draw(st.binary(min_size=4, max_size=4))
    content = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    if data.draw(st.booleans()):
        content = gzip.compress(content)[: data.draw(st.integers(0, 500))]
    assert_told(Order("nifti", b"key"), content, tmp_path)


def test_no_text_of_a_patient_leaves_the_process_that_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(written(scan()))
    fact: Fact = one(Order("dicom", b"key"), os.fsencode(path), Brought())
    said = repr(fact)
    assert "Patient's Name" in said
    for secret in ("Doe", "Jane", "P1", "1950"):
        assert secret not in said
