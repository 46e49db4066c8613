"""How fast the headers of a folder of DICOM files are read, beside `pydicom.dcmread` in a loop over the same files.

50 000 files of 1 000 series, generated: about 80 elements with a private block and two sequences in front of 8 KB of
pixels, written by pydicom once and then varied in place. Ours reads every file, types and counts every column, and
keeps it; the peer only opens each file and keeps nothing. The second figure is the same folder once more, unchanged.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from tests.benchmarks.figures import ROOT, beside, in_turns

FILES, PER_SERIES = 50_000, 50
_OURS = """
import json, resource, sys, time
from pathlib import Path

def main():
    from podadmin.core.clock import SystemClock
    from podadmin.core.progress import Progress
    from podadmin.datasources.model import ColumnChoices, FolderSource, Kind
    from podadmin.schema.folder_pass import profile

    begun = time.perf_counter()
    source = FolderSource(Kind.DICOM, Path(sys.argv[1]))
    found = profile(source, Path(sys.argv[2]), ColumnChoices(), SystemClock(), Progress(), every_file=True)
    taken = time.perf_counter() - begun
    own, readers = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(each.ru_utime + each.ru_stime for each in (own, readers))
    print(json.dumps(dict(seconds=taken, cpu=cpu, peak=own.ru_maxrss / 1024, reader=readers.ru_maxrss / 1024,
        rows=found.rows, columns=len(found.columns))))

if __name__ == "__main__":
    main()
"""
_PEER = """
import json, sys, time
from pathlib import Path
from pydicom import dcmread
paths = [path for path in sorted(Path(sys.argv[1]).rglob("*.dcm"))]
begun, before = time.perf_counter(), time.process_time()
for path in paths:
    dcmread(path)
print(json.dumps(dict(seconds=time.perf_counter() - begun, cpu=time.process_time() - before, rows=len(paths))))
"""


def run(files: int = FILES, rounds: int = 1) -> list[dict[str, Any]]:
    """The figures (see figures)."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, kept = Path(scratch) / "images", Path(scratch) / "kept.db"
        generate(folder, files)
        first, again, peer = [], [], []
        for _ in range(rounds):
            for each in Path(scratch).glob("kept.db*"):
                each.unlink()
            first.append(_measured(_OURS, scratch, folder, kept))
            again.append(_measured(_OURS, scratch, folder, kept))
            peer.append(_measured(_PEER, scratch, folder))
    assert {each["rows"] for each in (*first, *again, *peer)} == {files}
    note = (
        f"{files} files, {first[0]['columns']} columns, peak {first[0]['peak']:.0f} MB and the largest process that "
        f"reads {first[0]['reader']:.0f} MB; the peer is pydicom.dcmread alone"
    )

    def of(key: str, runs: list[dict[str, Any]]) -> list[float]:
        return [each[key] for each in runs]

    return [
        in_turns("DICOM headers, every file", "s", note, of("seconds", first), of("seconds", peer)),
        in_turns("DICOM headers: processor time of all processes", "s", note, of("cpu", first), of("cpu", peer)),
        beside("DICOM headers, nothing changed", "s", f"{files} files; the bound is 1 s", of("seconds", again), 1.0),
    ]


def _measured(script: str, scratch: str, *arguments: Path) -> dict[str, Any]:
    program = Path(scratch) / "program.py"
    program.write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def generate(folder: Path, files: int) -> None:
    """Write `files` DICOM files below `folder`, PER_SERIES in each folder of a series."""
    template = _template()
    place = {
        each: template.index(each) for each in (b"0000000000PAT", b"1.2.3.100000000", b"1.2.3.200000000", b"000077")
    }
    content = bytearray(template)

    def put(marker: bytes, text: bytes) -> None:
        assert len(marker) == len(text)
        content[place[marker] : place[marker] + len(text)] = text

    for series in range(-(-files // PER_SERIES)):
        below = folder / f"{series // 4:05d}" / f"{series:05d}"
        below.mkdir(parents=True)
        put(b"0000000000PAT", b"%010dPAT" % (series // 4))
        put(b"1.2.3.200000000", b"1.2.3.2%08d" % series)
        for number in range(min(PER_SERIES, files - series * PER_SERIES)):
            put(b"1.2.3.100000000", b"1.2.3.1%08d" % (series * PER_SERIES + number))
            put(b"000077", b"%06d" % number)
            (below / f"{number:04d}.dcm").write_bytes(content)


def _template() -> bytes:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    made.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    made.SOPInstanceUID, made.SeriesInstanceUID, made.StudyInstanceUID = "1.2.3.100000000", "1.2.3.200000000", "1.2.3.3"
    made.PatientID, made.PatientName, made.InstanceNumber = "0000000000PAT", "Doe^Jane", "000077"
    made.PatientBirthDate, made.PatientSex, made.PatientAge = "19500101", "F", "070Y"
    made.StudyDate = made.SeriesDate = made.AcquisitionDate = made.ContentDate = "20200102"
    made.StudyTime = made.SeriesTime = made.AcquisitionTime = made.ContentTime = "101112"
    made.AccessionNumber, made.Modality, made.Manufacturer = "A1", "MR", "Maker"
    made.InstitutionName, made.ReferringPhysicianName, made.StationName = "Somewhere", "Who^Ever", "MR1"
    made.StudyDescription, made.SeriesDescription, made.ManufacturerModelName = "Head", "T1", "Model"
    made.OperatorsName, made.ImageType, made.SpecificCharacterSet = "Op^One", ["ORIGINAL", "PRIMARY"], "ISO_IR 100"
    made.ScanningSequence, made.SequenceVariant, made.ScanOptions, made.MRAcquisitionType = "SE", "SK", "FC", "2D"
    made.SliceThickness, made.RepetitionTime, made.EchoTime, made.NumberOfAverages = "5", "500.5", "15", "2"
    made.ImagingFrequency, made.ImagedNucleus, made.EchoNumbers, made.MagneticFieldStrength = "63.8", "1H", "1", "1.5"
    made.SpacingBetweenSlices, made.NumberOfPhaseEncodingSteps, made.EchoTrainLength = "6", 256, 1
    made.PercentSampling, made.PercentPhaseFieldOfView, made.PixelBandwidth = "100", "100", "130"
    made.DeviceSerialNumber, made.SoftwareVersions, made.ProtocolName = "123", "1.0", "Head T1"
    made.FlipAngle, made.PatientPosition, made.StudyID, made.SeriesNumber, made.AcquisitionNumber = (
        "90",
        "HFS",
        "1",
        1,
        1,
    )
    made.ImagePositionPatient, made.ImageOrientationPatient = [1.5, 2.5, 3.5], [1, 0, 0, 0, 1, 0]
    made.FrameOfReferenceUID, made.SliceLocation, made.ImagesInAcquisition = "1.2.3.9", "12.5", 50
    made.SamplesPerPixel, made.PhotometricInterpretation, made.Rows, made.Columns = 1, "MONOCHROME2", 64, 64
    made.PixelSpacing, made.BitsAllocated, made.BitsStored, made.HighBit = [0.5, 0.5], 16, 12, 11
    made.PixelRepresentation, made.SmallestImagePixelValue, made.LargestImagePixelValue = 0, 0, 4095
    made.WindowCenter, made.WindowWidth, made.BurnedInAnnotation = "600", "1200", "NO"
    made.BodyPartExamined, made.PatientWeight, made.PatientComments = "HEAD", "70", ""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3.5"
    made.ReferencedImageSequence, made.ReferencedStudySequence = Sequence([item, item]), Sequence([item])
    block = made.private_block(0x0019, "MAKER 1.0", create=True)
    for number in range(20):
        block.add_new(number + 1, "DS", "1.5")
    made.PixelData = bytes(64 * 64 * 2)
    file = BytesIO()
    made.save_as(file, enforce_file_format=True)
    dcmread(BytesIO(file.getvalue()))
    return file.getvalue()


if __name__ == "__main__":
    for each in run(*map(int, sys.argv[1:])):
        print(json.dumps(each))
