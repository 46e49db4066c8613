"""A folder of scans from the first test to its schema, as commands and the desktop do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file

from podadmin.app.acts.registry import call, find
from podadmin.app.profile import Profile
from podadmin.datasources import header_store


def test_a_folder_of_scans_is_tested_sampled_read_whole_and_told(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_store, "PER_FOLDER", 2)
    known = get_testdata_file("MR_small.dcm", download=False)
    assert isinstance(known, str)
    scan = pydicom.dcmread(known)
    (tmp_path / "scans").mkdir()
    for number in range(4):
        scan.PatientID = f"P{number % 2}"
        scan.save_as(tmp_path / "scans" / f"{number}.dcm")
    given = {"kind": "DICOMSource", "set": {"path": str(tmp_path / "scans")}}

    def do(wanted: str, **arguments: object) -> Any:
        return call(find(wanted), profile, arguments)

    found = do("datasource probe", **given)
    assert found.ok
    assert ("Headers", "The headers of 2 of 4 files were read: a sample of each folder.") in {
        (fact.label, fact.value) for fact in found.facts
    }
    do("datasource add", name="scans", **given)
    sampled = do("schema generate", datasource="scans")
    assert (sampled.records, sampled.document["metadata"]["schema_type"]) == (2, "partial")
    assert sampled.notes[0].startswith("The headers of 2 of 4 files")
    do("schema generate", datasource="scans", save=True, every_file=True)
    kept = do("schema show", datasource="scans")
    assert (kept.records, kept.notes) == (4, ("The headers of all 4 files were read.",))
    assert "Patient ID" in kept.unconfirmed
    told = b"\n".join(path.read_bytes() for path in profile.folder.rglob("*") if path.is_file())
    assert str(scan.PatientName).encode() not in told
