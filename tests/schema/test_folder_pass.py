"""The schema of a folder of images: the table that a pod would make of it, and who could be found in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress
from podadmin.datasources import header_store
from podadmin.datasources.dicom_identifiers import identifying
from podadmin.datasources.model import ColumnChoices, FolderSource, Kind
from podadmin.schema.disclosure import Disclosure, to_confirm
from podadmin.schema.folder_pass import FolderProfile, profile
from podadmin.schema.generate import document_of, generate
from podadmin.schema.model import read
from podadmin.schema.reveals import reveals
from podadmin.schema.statistics import ColumnStatistics

CLOCK, NO_CHOICES = SystemClock(), ColumnChoices()


_SOME = {
    "Instance Number": ("Int64", "continuous"),
    "Slice Thickness": ("Float64", "continuous"),
    "Modality": ("string", "text"),
    "Study Date": ("string", "text"),
    "Pixel Data 0": ("object", "text"),
    "Pixel Data 1": ("object", "text"),
    "_last_modified": ("string", "text"),
}


def scan(path: Path, number: int, **changed: object) -> None:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", f"1.2.3.{number}"
    made.PatientName, made.PatientID, made.PatientBirthDate = f"Doe^{number}", f"P{number}", "19500101"
    made.StudyDate, made.StudyInstanceUID, made.SeriesInstanceUID = f"2020{1 + number % 12:02d}15", "1.2", "1.2.1"
    made.Modality, made.InstanceNumber, made.SliceThickness = "MR" if number % 3 else "CT", number, f"{number / 2}"
    made.PatientSex, made.StudyDescription, made.SOPClassUID = "F", "Head, Mr Miller", "1.2.840.10008.5.1.4.1.1.4"
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 2, 3 + number % 2, 8, 8, 7
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.NumberOfFrames = 1 + number % 2
    made.PixelData = bytes(16)
    for name, value in changed.items():
        setattr(made, name, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = made.SOPClassUID, "1.2.3"
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 scans, the odd ones of two frames."""
    root = tmp_path_factory.mktemp("folder") / "scans"
    for number in range(24):
        scan(root / ("a" if number < 12 else "b") / f"{number}.dcm", number)
    return root


def made(folder: Path, choices: ColumnChoices = NO_CHOICES, **settings: object) -> FolderProfile:
    source = FolderSource(Kind.DICOM, folder, settings=settings)
    return profile(source, folder.parent / "kept.db", choices, CLOCK, Progress(), every_file=True)


def columns(found: FolderProfile) -> dict[str, ColumnStatistics]:
    return {column.name: column for column in found.columns}


def test_columns_are_those_of_the_table_that_a_pod_makes(folder: Path) -> None:
    found = made(folder)
    known = columns(found)
    assert (found.rows, found.files, found.read, found.level) == (24, 24, 24, "full")
    assert {name: (known[name].dtype, known[name].stype) for name in _SOME} == _SOME
    number = known["Instance Number"]
    assert (number.count, number.nulls, number.minimum, number.maximum, number.mean) == (24, 0, 0, 23, 11.5)
    assert number.deviation == pytest.approx(7.0710678)
    assert (number.distinct, number.distinct_estimated, number.likely_key) == (24, False, True)
    assert known["Pixel Data 1"].nulls == 12
    assert (known["Study Date"].minimum, known["Study Date"].maximum) == ("2020-01-15", "2020-12-15")
    assert known["Modality"].top == (("MR", 16),)


def test_an_image_column_has_dimensions_formats_and_modes_and_the_document_carries_them(folder: Path) -> None:
    choices = ColumnChoices(force={"Pixel Data": "image_prefix"}, describe={"Pixel Data 0": "the scan"})
    found = made(folder, choices)
    known = columns(found)
    assert known["Pixel Data 0"].dimensions == (("(3, 2)", 12), ("(4, 2)", 12))
    assert known["Pixel Data 1"].dimensions == (("(4, 2)", 12),)
    assert known["Pixel Data 0"].formats == (("DICOM", 24),)
    document = document_of("scans", None, found, {"Pixel Data 0": "image", "Pixel Data 1": "image"})
    feature = next(each for each in read(document.to_yaml()).features if each.name == "Pixel Data 0")
    assert feature.dimensions == {"(3, 2)": 12, "(4, 2)": 12}
    assert (feature.modes, feature.description) == ({"MONOCHROME2": 24}, "the scan")
    assert ColumnStatistics.from_dict(known["Pixel Data 0"].as_dict()) == known["Pixel Data 0"]


def test_what_points_at_patients_has_to_be_confirmed(folder: Path) -> None:
    found = made(folder)
    asked = to_confirm(found.columns, Disclosure(), 10)
    assert {
        "Patient's Name", "Patient ID", "Patient's Birth Date", "Study Instance UID", "Series Instance UID",
        "SOP Instance UID", "Study Description", "_original_filename",
    } == set(asked)  # fmt: skip
    known = columns(found)
    assert known["Patient's Name"].looks_like == "names of people"
    assert known["Patient's Birth Date"].minimum is None
    assert known["SOP Class UID"].looks_like == ""
    told = {(each.column, each.tone) for each in reveals(found.rows, found.columns)}
    assert {("Patient ID", "warn"), ("Study Description", "warn")} <= told
    forced = made(folder, ColumnChoices(force={"Patient's Name": "categorical"}))
    bad = [each for each in reveals(forced.rows, forced.columns) if each.tone == "bad"]
    assert [each.column for each in bad] == ["Patient's Name"]
    assert "Doe^7" in bad[0].values


def test_labels_of_a_column_that_was_chosen_are_all_there(folder: Path) -> None:
    chosen = ColumnChoices(force={"Modality": "categorical", "Patient ID": "categorical", "Rows": "categorical"})
    known = columns(made(folder, chosen))
    assert known["Modality"].labels == (("CT", 8), ("MR", 16))
    assert len(known["Patient ID"].labels) == 24
    assert known["Rows"].labels == (("2", 24),)
    with pytest.raises(BadInput) as caught:
        profile(FolderSource(Kind.DICOM, folder), folder.parent / "kept.db", chosen, CLOCK, Progress(), max_labels=20)
    assert caught.value.code == "schema.too-many-labels"


def test_choices_that_fit_nothing_are_refused(folder: Path) -> None:
    for choices, code in (
        (ColumnChoices(ignore=("Patient Name",)), "datasource.unknown-column"),
        (ColumnChoices(force={"Modality": "continuous"}), "schema.not-numeric"),
    ):
        with pytest.raises(BadInput) as caught:
            made(folder, choices)
        assert caught.value.code == code
    assert "Patient ID" not in columns(made(folder, ColumnChoices(ignore=("Patient ID",))))


def test_folders_may_be_the_labels(folder: Path) -> None:
    found = columns(made(folder, infer_class_labels_from_filepaths=True))["BITFOUNT_INFERRED_LABEL"]
    assert (found.stype, found.dtype, found.labels) == ("categorical", "string", (("a", 12), ("b", 12)))


def test_a_sample_makes_a_partial_schema(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_store, "PER_FOLDER", 3)
    generated = generate(
        "scans", FolderSource(Kind.DICOM, folder), ColumnChoices(), CLOCK, Progress(), kept=tmp_path / "kept.db"
    )
    assert (generated.document.level, generated.document.records, generated.rows) == ("partial", 6, 6)


def test_files_that_give_no_row_are_told_by_reason(tmp_path: Path) -> None:
    scan(tmp_path / "scans" / "good.dcm", 1)
    scan(tmp_path / "scans" / "odd.dcm", 2)
    odd = tmp_path / "scans" / "odd.dcm"
    odd.write_bytes(odd.read_bytes().replace(b"IS\x02\x002 ", b"IS\x02\x00x "))
    found = made(tmp_path / "scans")
    assert (found.rows, found.reasons) == (1, (("a value that is not what its type says", 1),))
    (tmp_path / "scans" / "good.dcm").unlink()
    with pytest.raises(BadInput) as caught:
        made(tmp_path / "scans")
    assert caught.value.code == "datasource.no-rows"


def fresh(folder: Path, choices: ColumnChoices = NO_CHOICES) -> FolderProfile:
    """What a first look at the folder as it is now finds."""
    source = FolderSource(Kind.DICOM, folder)
    return profile(source, folder.parent / "fresh" / "kept.db", choices, CLOCK, Progress(), every_file=True)


def document(found: FolderProfile) -> str:
    return document_of("scans", None, found, {}).to_yaml()


def test_another_look_finds_what_a_first_one_would(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    for number in range(12):
        scan(folder / str(number % 3) / f"{number}.dcm", number)
    first = made(folder)
    assert made(folder) == first
    chosen = ColumnChoices(force={"Modality": "categorical"}, ignore=("Rows",))
    with_labels = made(folder, chosen)
    assert {label for label, _ in columns(with_labels)["Modality"].labels} == {"CT", "MR"}
    assert made(folder) == first, "and the choices before are as good as they were"

    scan(folder / "0" / "0.dcm", 100)
    scan(folder / "2" / "new.dcm", 4)
    scan(folder / "new" / "folder" / "5.dcm", 55)
    (folder / "1" / "4.dcm").unlink()
    (folder / "2" / "5.dcm").rename(folder / "2" / "renamed.dcm")
    other = (folder / "0" / "3.dcm").read_bytes().replace(b"Doe^3", b"Eod^4")
    (folder / "0" / "3.dcm").write_bytes(other)
    os.utime(folder / "0" / "6.dcm", ns=(1, 1))
    (folder / "1" / "7.dcm").write_bytes(b"no longer an image" * 20)
    again = made(folder)
    assert again == fresh(folder)
    assert (again.files, again.rows, again.reasons) == (13, 12, (("no DICOM file", 1),))
    assert document(again) == document(fresh(folder))
    assert made(folder, chosen) == fresh(folder, chosen)


_KILLED = """
import os, signal, sys
from pathlib import Path
from podadmin.core.clock import SystemClock
from podadmin.core.progress import Progress
from podadmin.datasources import headers
from podadmin.datasources.model import ColumnChoices, FolderSource, Kind
from podadmin.schema.folder_pass import profile

def seen(step):
    if "Read the headers of 200 " in step.what:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    headers._COMMIT_FILES = 100
    source = FolderSource(Kind.DICOM, Path(sys.argv[1]))
    profile(source, Path(sys.argv[2]), ColumnChoices(), SystemClock(), Progress(seen), every_file=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_a_pass_that_was_killed_goes_on_and_finds_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    for number in range(300):
        scan(folder / str(number % 4) / f"{number}.dcm", number)
    program = tmp_path / "program.py"
    program.write_text(_KILLED)
    done = subprocess.run(
        [sys.executable, str(program), str(folder), str(tmp_path / "kept.db")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    told: list[str] = []
    source = FolderSource(Kind.DICOM, folder)
    kept = tmp_path / "kept.db"
    after = profile(source, kept, NO_CHOICES, CLOCK, Progress(lambda step: told.append(step.what)), every_file=True)
    assert after == fresh(folder)
    assert not any("of 300 files" in each for each in told), "what was read before is not read again"


def test_reports_are_rows_where_not_only_images_are_wanted(tmp_path: Path) -> None:
    scan(tmp_path / "scans" / "report.dcm", 1, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    scan(tmp_path / "scans" / "image.dcm", 2)
    assert made(tmp_path / "scans").rows == 1
    assert made(tmp_path / "scans", images_only=False).rows == 2


def test_images_are_told_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for number in range(3):
        Image.new("RGB" if number else "L", (4, 3)).save(tmp_path / "images" / f"{number}.png")
    source = FolderSource(Kind.IMAGE, tmp_path / "images")
    choices = ColumnChoices(force={"Pixel Data": "image", "FileExtension": "categorical"})
    known = columns(profile(source, tmp_path / "kept.db", choices, CLOCK, Progress()))
    assert known["Pixel Data"].modes == (("RGB", 2), ("L", 1))
    assert known["FileExtension"].labels == ((".png", 3),)
    assert known["Filename"].looks_like == "names of files and folders"


def test_the_names_of_attributes_say_who_they_point_at() -> None:
    assert identifying("Patient's Name") == "names of people"
    assert identifying("SOP Class UID") == ""
    assert identifying("Something Else") is None
