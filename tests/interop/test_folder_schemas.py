"""What podadmin and bitfount 13.0.0 make of the same folders of images: the same table, from headers alone.

`vectors/schemas-of-folders.json` holds the columns that the real package generated from each folder, which it read with
every pixel. Where its rule is a listed defect (bitfount contract, section 3.3) the difference is spelt out here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nibabel
import numpy
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from podadmin.core.clock import SystemClock
from podadmin.core.progress import Progress
from podadmin.datasources.model import ColumnChoices, FolderSource, Kind
from podadmin.schema.folder_pass import profile
from podadmin.schema.generate import document_of

VECTORS = Path(__file__).parent / "vectors" / "schemas-of-folders.json"
ORACLE, ORACLE_PYTHON = os.environ.get("PODADMIN_ORACLE", ""), os.environ.get("PODADMIN_ORACLE_PYTHON", "")
KINDS = {"images": Kind.IMAGE, "volumes": Kind.NIFTI, "scans": Kind.DICOM, "more scans": Kind.DICOM}
_SCANS = {
    "scans": ("CT_small.dcm", "MR_small.dcm", "SC_rgb_rle_2frame.dcm", "reportsi.dcm"),
    "more scans": (
        "examples_overlay.dcm", "liver_1frame.dcm", "MR_small_implicit.dcm", "image_dfl.dcm", "rtdose.dcm",
        "MR_truncated.dcm", "badVR.dcm", "MR_small_bigendian.dcm", "rtplan.dcm",
    ),
}  # fmt: skip
EMPTY = {
    "scans": {"Echo Train Length", "Patient's Size"},
    "more scans": {"Smallest Image Pixel Value", "Largest Image Pixel Value"},
}
"""Columns without a value, which the real package takes for numbers: section 3.3, "all-null column = continuous"."""
REAL = """
import json, runpy, sys
oracle, folders, written = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
sys.argv = [oracle, "schema", ""]
runpy.run_path(oracle)
from bitfount.data import BitfountSchema
from bitfount.data.datasources.dicom_source import DICOMSource
from bitfount.data.datasources.image_source import ImageSource
from bitfount.data.datasources.nifti_source import NIFTISource
sources = {"ImageSource": ImageSource, "NIFTISource": NIFTISource, "DICOMSource": DICOMSource}
told = {}
for name, (kind, path) in folders.items():
    made = BitfountSchema(name="oracle", description="")
    made.generate_full_schema(sources[kind](path=path, partition_size=5000))
    found = made.to_json()
    columns = {each["featureName"]: [each["dtype"], each["semanticType"]] for each in found["features"]}
    told[name] = {"records": found["number_of_records"], "columns": columns}
print(json.dumps({"told": told, "loaded": [len(BitfountSchema.load_from_file(path).features) for path in written]}))
"""


def build(folder: Path) -> None:
    """The folders, the same whenever they are made."""
    (folder / "images" / "train" / "a").mkdir(parents=True)
    Image.new("RGB", (8, 6)).save(folder / "images" / "train" / "a" / "a.png")
    Image.new("L", (3, 4)).save(folder / "images" / "train" / "a" / "b.jpg")
    Image.new("L", (3, 4)).save(folder / "images" / "c.tif")
    (folder / "images" / "broken.png").write_bytes(b"no image")
    (folder / "volumes").mkdir()
    for name, shape, kind in (("a.nii", (4, 5, 6), numpy.int16), ("b.nii.gz", (4, 5, 6, 2), numpy.float32)):
        nibabel.save(
            nibabel.Nifti1Image(numpy.zeros(shape, kind), numpy.diag([2, 1.5, 1, 1])), folder / "volumes" / name
        )
    for below, names in _SCANS.items():
        (folder / below).mkdir()
        for name in names:
            known = get_testdata_file(name, download=False)
            assert isinstance(known, str)
            shutil.copyfile(known, folder / below / name)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("folders")
    build(root)
    return root


def ours(root: Path, name: str, choices: ColumnChoices) -> dict[str, Any]:
    source = FolderSource(KINDS[name], root / name)
    found = profile(source, root / f"{name}.db", choices, SystemClock(), Progress(), every_file=True)
    chosen = {name: stype for name, stype in choices.force.items() if stype != "image_prefix"}
    return document_of("oracle", None, found, chosen).as_dict()


@pytest.mark.parametrize("name", KINDS)
def test_a_folder_gives_the_columns_that_the_real_software_makes_of_it(name: str, folders: Path) -> None:
    real = json.loads(VECTORS.read_text(encoding="utf-8"))[name]
    mine = ours(folders, name, ColumnChoices())
    assert mine["number_of_records"] == real["records"]
    found = {each["featureName"]: [each["dtype"], each["semanticType"]] for each in mine["features"]}
    assert sorted(found) == sorted(real["columns"])
    different = {column for column in found if found[column] != real["columns"][column]}
    assert different == EMPTY.get(name, set())
    assert all(found[column] == ["object", "text"] for column in different)


@pytest.mark.oracle
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(not (ORACLE and ORACLE_PYTHON), reason="PODADMIN_ORACLE and PODADMIN_ORACLE_PYTHON name no oracle")
def test_the_vectors_are_what_the_real_software_says_and_it_loads_what_is_made_here(
    folders: Path, tmp_path: Path
) -> None:
    asked, written = {}, []
    for name, kind in KINDS.items():
        asked[name] = (str(kind), str(folders / name))
        column = "Pixel Data 0" if kind is Kind.DICOM else "Pixel Data"
        made = ours(folders, name, ColumnChoices(force={column: "image"}))
        written.append(str(tmp_path / f"{name}.json"))
        Path(written[-1]).write_text(json.dumps(made), encoding="utf-8")
    arguments = [ORACLE_PYTHON, "-c", REAL, ORACLE, json.dumps(asked), json.dumps(written)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=300)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["told"] == json.loads(VECTORS.read_text(encoding="utf-8"))
    assert all(answer["loaded"])
