"""A folder of headers: each is read once, in a process that may fall over; what is said is said of how many."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import nibabel
import numpy
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, Cancelled, NotFound, Refused, Unavailable
from podadmin.core.progress import Progress, Step
from podadmin.datasources import header_pool, header_store, header_tally, headers
from podadmin.datasources.folders import FileFilter
from podadmin.datasources.header_facts import LEFT_OUT, REASONS, Brought
from podadmin.datasources.header_pool import Fact, Item, Order, Pool
from podadmin.datasources.header_store import HeaderStore, Known
from podadmin.datasources.header_tally import Tallies, tallied
from podadmin.datasources.model import FolderSource, Kind, SourceProbe
from tests.datasources.failing_readers import dies_of_some, hangs_on_some
from tests.patience import quick

CLOCK = SystemClock()


def scan(path: Path, patient: str = "P1", series: str = "1", syntax: str = pydicom.uid.ExplicitVRLittleEndian) -> Path:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", f"1.2.3.{len(path.name)}"
    made.PatientName, made.PatientID, made.Modality = "Doe^Jane", patient, "MR"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.StudyDate = f"1.2.{series}", f"1.2.{series}.1", "20200229"
    made.SeriesNumber, made.Manufacturer = int(series), "Maker"
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 2, 3, 8, 8, 7
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.PixelData = bytes(6)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = made.SOPClassUID, "1.2.3"
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two patients, three series, eight files."""
    for patient, series, many in (("P1", "1", 3), ("P1", "2", 3), ("P2", "3", 2)):
        for number in range(many):
            scan(tmp_path / "scans" / patient / series / f"{number}.dcm", patient, series)
    return tmp_path / "scans"


def source(folder: Path, kind: Kind = Kind.DICOM, **settings: object) -> FolderSource:
    return FolderSource(kind, folder, settings=settings)


def read(given: FolderSource, *, every_file: bool = True, texts: frozenset[str] = frozenset()) -> tuple[Known, Tallies]:
    kept = given.path.parent / "kept.db"
    with headers.reading(given, kept, CLOCK, Progress(), every_file=every_file, texts=texts) as found:
        return found.known, tallied(found.store, Progress())


def probe(given: FolderSource) -> SourceProbe:
    return headers.probe(given, given.path.parent / "kept.db", CLOCK, Progress())


def test_a_folder_is_told_by_patients_studies_and_series(folder: Path) -> None:
    found = probe(source(folder))
    details = dict(found.details)
    assert (found.rows, found.files) == (8, 8)
    assert (details["Patients"], details["Studies"], details["Series"]) == ("2", "3", "3")
    assert details["Headers"] == "The headers of all 8 files were read."
    assert details["Modalities"] == "MR (8)"
    assert details["Dimensions"] == "(3, 2) (8)"
    assert details["Burned-in annotation"] == "0 yes, 0 no, 8 do not say"
    assert {"Patient's Name", "Pixel Data 0", "_original_filename", "_last_modified"} <= set(found.columns)
    assert found.read_only == "not proved"


@pytest.mark.slow
def test_only_what_is_new_or_changed_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(source(folder))
    asked: list[Item] = []
    honest = Pool.read

    def listening(self: Pool, items: Iterator[Item]) -> Iterator[tuple[int, Fact]]:
        def told() -> Iterator[Item]:
            for item in items:
                asked.append(item)
                yield item

        return honest(self, told())

    monkeypatch.setattr(Pool, "read", listening)
    assert read(source(folder))[0].read == 8
    assert asked == []
    scan(folder / "P1" / "1" / "0.dcm", "another", "9")
    os.utime(folder / "P1" / "1" / "0.dcm", ns=(1, 1))
    scan(folder / "P3" / "new.dcm", "P3", "4")
    (folder / "P2" / "3" / "1.dcm").unlink()
    known, counted = read(source(folder))
    assert {Path(os.fsdecode(path)).name for _, path, _ in asked} == {"0.dcm", "new.dcm"}
    assert (known.files, known.read, counted.hidden("\0patient").distinct) == (8, 8, 4)


@pytest.mark.slow
def test_a_sample_says_that_it_is_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_store, "PER_FOLDER", 2)
    found = probe(source(folder))
    assert dict(found.details)["Headers"] == "The headers of 6 of 8 files were read: a sample of each folder."
    assert found.rows is None
    assert read(source(folder))[0].whole
    assert probe(source(folder)).rows == 8, "what was read once is known, whatever is asked for"


def test_very_many_folders_are_sampled_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_store, "SAMPLED", 4)
    for number in range(12):
        scan(tmp_path / "scans" / str(number) / "a.dcm", str(number))
    known, _ = read(source(tmp_path / "scans"), every_file=False)
    assert 1 <= known.read <= 5
    assert known.files == 12


def test_broken_files_are_counted_by_reason_and_the_rest_goes_on(folder: Path) -> None:
    (folder / "empty.dcm").touch()
    (folder / "text.dcm").write_text("no image at all, but as long as it has to be to be taken for one" * 5)
    whole = scan(folder / "cut.dcm").read_bytes()
    (folder / "cut.dcm").write_bytes(whole[:-3])
    (folder / "report.dcm").write_bytes(
        whole.replace(b"1.2.840.10008.5.1.4.1.1.4\0", b"1.2.840.10008.5.1.4.1.1.88.11"[:26])
    )
    scan(folder / "without_ending")
    (folder / "README").write_text("read me")
    known, counted = read(source(folder))
    assert counted.rows == known.rows == 9 + (dict(known.reasons).get("damaged") is None)
    assert {reason: times for reason, times in known.reasons if reason != "damaged"} == {
        "empty": 1, "not-dicom": 1, "cut-short": 1, "other": 1,
    }  # fmt: skip
    assert "1 file: ends before what its header announces" in headers.reasons(known)
    assert set(REASONS) > LEFT_OUT


def test_a_file_without_an_ending_counts_unless_only_names_do(folder: Path) -> None:
    scan(folder / "IM000001")
    assert read(source(folder))[0].files == 9
    strict = replace(source(folder), chosen=FileFilter(strict=True))
    assert read(strict)[0].files == 8


def test_the_filter_of_the_datasource_is_applied(folder: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read(replace(source(folder), chosen=FileFilter(smallest=5)))
    assert caught.value.code == "datasource.empty-folder"
    old = scan(folder / "old.dcm")
    os.utime(old, (86_400, 86_400))
    chosen = FileFilter(modified_until=datetime(1980, 1, 1, tzinfo=UTC).date())
    assert read(replace(source(folder), chosen=chosen))[0].files == 1


def test_names_that_nobody_would_choose_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "sc'ans\n“%s” 🩻"
    for name in ("a\nb.dcm", 'quo"te.dcm', "it's.dcm", "🩻.dcm", "--help.dcm", "%n.dcm", "b" * 200 + ".dcm"):
        scan(folder / name)
    raw = os.fsencode(folder) + b"/\xff\xfe.dcm"
    Path(os.fsdecode(raw)).write_bytes((folder / "%n.dcm").read_bytes())
    known, _ = read(source(folder))
    assert (known.files, known.rows) == (8, 8)


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    scan(tmp_path / "elsewhere" / "secret.dcm", "secret")
    (folder / "link.dcm").symlink_to(tmp_path / "elsewhere" / "secret.dcm")
    (folder / "tree").symlink_to(tmp_path / "elsewhere")
    assert read(source(folder))[0].files == 8
    assert "2 symbolic links were not followed." in probe(source(folder)).doubts


def test_a_file_that_may_not_be_read_or_is_gone_is_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = header_store.HeaderStore.pending

    def and_then_it_is_gone(self: header_store.HeaderStore, every_file: bool) -> Iterator[Item]:
        for number, path, bare in list(honest(self, every_file)):
            if path.endswith(b"P2/3/1.dcm"):
                Path(os.fsdecode(path)).unlink()
            yield number, path, bare

    monkeypatch.setattr(header_store.HeaderStore, "pending", and_then_it_is_gone)
    known, _ = read(source(folder))
    assert known.reasons == (("vanished", 1),)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is denied to the superuser")
def test_a_file_that_may_not_be_read_is_counted(folder: Path) -> None:
    (folder / "P2" / "3" / "1.dcm").chmod(0)
    assert read(source(folder))[0].reasons == (("denied", 1),)


def test_denied_and_broken_disks_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, reason in ((PermissionError(13, "no"), "denied"), (OSError(5, "io"), "disk"), (MemoryError(), "memory")):

        def failing(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(header_pool, "read", failing)
        assert header_pool.one(Order("dicom"), b"/x", Brought()).reason == reason


def test_a_preview_shows_shapes_and_no_patient(folder: Path) -> None:
    rows = headers.preview(source(folder), folder.parent / "kept.db", CLOCK, Progress())
    assert rows.masked
    row = dict(zip(rows.columns, rows.rows[0], strict=True))
    assert (row["Patient's Name"], row["Study Date"], row["Pixel Data 0"]) == ("Xxx^Xxxx", "9999-99-99", "(pixels)")
    plain = headers.preview(source(folder), folder.parent / "kept.db", CLOCK, Progress(), masked=False)
    assert dict(zip(plain.columns, plain.rows[0], strict=True))["Patient's Name"] == "Doe^Jane"


def test_what_was_counted_is_counted_again_once_something_is_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    honest = header_tally._count

    def listening(store: HeaderStore, progress: Progress) -> Tallies:
        counted.append(1)
        return honest(store, progress)

    monkeypatch.setattr(header_tally, "_count", listening)
    first = read(source(folder))
    assert read(source(folder)) == first
    assert len(counted) == 1
    monkeypatch.setattr(header_tally, "VERSION", "as it is after an update")
    assert read(source(folder)) == first
    assert len(counted) == 2
    (folder / "P2" / "3" / "1.dcm").unlink()
    known, tallies = read(source(folder))
    assert (known.files, known.read, tallies.rows, len(counted)) == (7, 7, 7, 3)


def test_no_name_of_a_patient_is_kept(folder: Path) -> None:
    read(source(folder))
    kept = b"".join(path.read_bytes() for path in folder.parent.glob("kept.db*"))
    assert b"Maker" in kept
    assert b"Doe" not in kept
    assert b"Jane" not in kept


def test_a_damaged_inventory_is_made_again(folder: Path) -> None:
    read(source(folder))
    kept = folder.parent / "kept.db"
    for path in folder.parent.glob("kept.db*"):
        path.write_bytes(b"no database any more")
    assert read(source(folder))[0].rows == 8
    assert sqlite3.connect(kept).execute("SELECT count(*) FROM header").fetchone() == (8,)


def test_kinds_that_are_not_read_are_refused(folder: Path) -> None:
    with pytest.raises(Refused) as caught:
        read(source(folder, Kind.TOPCON))
    assert caught.value.code == "datasource.not-read"
    with pytest.raises(NotFound):
        read(source(folder / "nowhere"))


def test_images_and_volumes_are_read_too(tmp_path: Path) -> None:
    for place, (kind, size) in enumerate((("png", (4, 3)), ("jpg", (4, 3)), ("tif", (8, 6)))):
        (tmp_path / "images" / "cats").mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(tmp_path / "images" / "cats" / f"{place}.{kind}")
    found = probe(source(tmp_path / "images", Kind.IMAGE, infer_class_labels_from_filepaths=True))
    assert (found.rows, dict(found.details)["Formats"]) == (3, "JPEG (1), PNG (1), TIFF (1)")
    assert dict(found.details)["Dimensions"] == "(4, 3) (2), (8, 6) (1)"
    assert "BITFOUNT_INFERRED_LABEL" in found.columns
    (tmp_path / "volumes").mkdir()
    nibabel.save(
        nibabel.Nifti1Image(numpy.zeros((2, 3, 4), numpy.int16), numpy.eye(4)), tmp_path / "volumes" / "a.nii.gz"
    )
    chosen = replace(source(tmp_path / "volumes", Kind.NIFTI), chosen=FileFilter(extensions=(".nii.gz",)))
    found = probe(chosen)
    assert found.rows == 1
    assert any(".nii.gz alone" in doubt for doubt in found.doubts)
    guesses = {each.name: each for each in headers.columns(chosen, tmp_path / "kept.db", CLOCK, Progress())}
    assert (guesses["VoxelSizeX"].dtype, guesses["VoxelSizeX"].stype) == ("Int64", "continuous")


def items(*names: bytes) -> Iterator[Item]:
    return iter([(number, name, False) for number, name in enumerate(names)])


@pytest.mark.slow
def test_a_process_that_a_file_brings_down_costs_that_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_pool, "CHUNK", 4)
    names = [b"good"] * 5 + [b"poison"] + [b"good"] * 6
    with Pool(Order("dicom"), CLOCK, Progress(), workers=2, serve=dies_of_some) as pool:
        found = dict(pool.read(items(*names)))
    assert {number: fact.reason for number, fact in found.items()} == {
        number: "killed" if name == b"poison" else "" for number, name in enumerate(names)
    }


def test_a_process_that_is_killed_from_outside_is_replaced(folder: Path) -> None:
    with Pool(Order("dicom", b"key"), CLOCK, Progress(), workers=1) as pool:
        paths = [os.fsencode(path) for path in sorted(folder.rglob("*.dcm"))]
        found = pool.read(items(*paths))
        first = dict([next(found)])
        (worker,) = pool._workers
        pid = worker.process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        again = dict(pool.read(items(*paths)))
    assert all(not fact.reason for fact in (*first.values(), *again.values()))
    assert len(again) == 8


@pytest.mark.slow
def test_a_file_that_never_answers_costs_that_file_and_a_share_that_does_not_is_given_up() -> None:
    with Pool(Order("dicom"), CLOCK, Progress(), workers=1, patience=1.5, serve=hangs_on_some) as pool:
        found = dict(pool.read(items(b"poison", b"good")))
        assert {number: fact.reason for number, fact in found.items()} == {0: "slow", 1: ""}
    with (
        Pool(Order("dicom"), CLOCK, Progress(), workers=1, patience=0.3, serve=hangs_on_some) as pool,
        pytest.raises(Unavailable) as caught,
    ):
        list(pool.read(items(*[b"poison"] * 5)))
    assert caught.value.code == "datasource.share-hangs"


def test_work_that_is_cancelled_ends_within_a_second() -> None:
    pids: list[int | None] = []

    def stopped() -> float:
        progress = Progress()
        threading.Timer(1.0, progress.cancel).start()
        with Pool(Order("dicom"), CLOCK, progress, workers=2, serve=hangs_on_some) as pool:
            with pytest.raises(Cancelled):
                list(pool.read(items(*[b"poison"] * 300)))
            stopped = monotonic()
            pids.extend(worker.process.pid for worker in pool._workers)
        return monotonic() - stopped

    quick(1.0, stopped)
    assert pids
    for pid in pids:
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_what_was_read_before_a_cancel_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(150):
        scan(folder / "more" / f"{number}.dcm")
    progress = Progress(lambda step: progress.cancel() if "100 of" in step.what else None)
    with (
        pytest.raises(Cancelled),
        headers.reading(source(folder), folder.parent / "kept.db", CLOCK, progress, every_file=True),
    ):
        pass
    told: list[Step] = []
    with headers.reading(
        source(folder), folder.parent / "kept.db", CLOCK, Progress(told.append), every_file=True
    ) as found:
        assert found.known.read == 158
    assert not any("of 158 files" in step.what for step in told)
