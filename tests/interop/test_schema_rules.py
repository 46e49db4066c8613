"""What podadmin and bitfount 13.0.0 make of the same small files: the same, except at listed defects.

`vectors/schemas-of-small-files.json` holds files with what the real package generated from each. Where its rule is one
of the defects that are listed (bitfount contract, section 3.3) ours differs, and the difference is spelt out here.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.clock import SystemClock
from podadmin.core.progress import Progress
from podadmin.datasources.model import ColumnChoices, CsvSource
from podadmin.schema.generate import generate

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors" / "schemas-of-small-files.json").read_text(encoding="utf-8")
)
ORACLE, ORACLE_PYTHON = os.environ.get("PODADMIN_ORACLE", ""), os.environ.get("PODADMIN_ORACLE_PYTHON", "")

Feature = dict[str, Any]

MEANT: dict[str, dict[str, Feature]] = {
    # the real package writes the labels of a boolean column with empty cells as "0.0" and "1.0"
    "booleans with a gap": {"f": {"encoder": {"classes": {"False": 0, "True": 1, "nan": 2}}}},
    # an empty column is a number to the real package: section 3.3, "all-null column = continuous"
    "a column of nothing": {"b": {"dtype": "string", "semanticType": "text"}},
}
"""File -> column -> the parts of the feature in which ours differs, as ours has them, and why."""


def ours(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    path = folder / "file.csv"
    path.write_bytes(case["csv"].encode())
    force = {column: stype for stype, columns in case["force"].items() for column in columns}
    choices = ColumnChoices(tuple(case["ignore"]), force)
    return generate("oracle", CsvSource(path), choices, SystemClock(), Progress()).document.as_dict()


def features(document: dict[str, Any]) -> dict[str, Feature]:
    return {feature["featureName"]: feature for feature in document["features"]}


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_a_small_file_gives_what_the_real_software_makes_of_it(case: dict[str, Any], tmp_path: Path) -> None:
    mine, theirs = ours(case, tmp_path), case["real"]["value"]
    theirs = json.loads(theirs) if isinstance(theirs, str) else theirs
    assert mine["number_of_records"] == theirs["number_of_records"]
    found, real = features(mine), features(theirs)
    assert sorted(found) == sorted(real)
    meant = MEANT.get(case["name"], {})
    different = {name for name in found if _kept(found[name]) != _kept(real[name])}
    assert different == set(meant), [(found[name], real[name]) for name in different ^ set(meant)]
    for name in meant:
        assert found[name] == {**found[name], **meant[name]}


def _kept(feature: Feature) -> Feature:
    """What is compared: images are looked at by the real software, which opens the files that are named."""
    return {key: value for key, value in feature.items() if key not in {"dimensions", "formats", "modes"}}


LOADS = """
import json, runpy, sys
oracle, paths = sys.argv[1], sys.argv[2:]
sys.argv = [oracle, "schema", ""]
runpy.run_path(oracle)
from bitfount.data import BitfountSchema
print(json.dumps([BitfountSchema.load_from_file(path).to_json()["features"] for path in paths]))
"""


@pytest.mark.oracle
@pytest.mark.timeout(600)
@pytest.mark.skipif(not (ORACLE and ORACLE_PYTHON), reason="PODADMIN_ORACLE and PODADMIN_ORACLE_PYTHON name no oracle")
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_every_schema_loads_in_the_real_software(form: str, tmp_path: Path) -> None:
    written, ours = list[Path](), list[list[str]]()
    for number, case in enumerate(VECTORS):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "file.csv").write_bytes(case["csv"].encode())
        force = {column: stype for stype, columns in case["force"].items() for column in columns}
        choices = ColumnChoices(tuple(case["ignore"]), force)
        document = generate("x", CsvSource(folder / "file.csv"), choices, SystemClock(), Progress()).document
        written.append(folder / f"schema.{form}")
        written[-1].write_text(document.to_yaml() if form == "yaml" else document.to_json(), encoding="utf-8")
        ours.append([feature["featureName"] for feature in document.as_dict()["features"]])
    # one process for all: each start of the real software takes seconds
    command = [ORACLE_PYTHON, "-c", LOADS, ORACLE, *map(str, written)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=500)
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert [[feature["featureName"] for feature in each] for each in loaded] == ours
