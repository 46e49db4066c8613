"""The schema that the real pod of bitfount 13 tells over its control server is one that can be kept and exported.

It is told by the pod that the other stories use, which the last of them stops: this file comes before them.
"""

from __future__ import annotations

from podadmin.schema.model import read
from tests.interop.real_pod import real
from tests.interop.real_pod.hospital import Hospital

pytestmark = real.MARKS


def test_the_schema_of_the_running_pod_is_taken_kept_and_written(hospital: Hospital) -> None:
    port = hospital.pod.variables["BITFOUNT_POD_CONTROL_SERVER_PORT"]
    hospital.does("datasource", "add", real.SOURCE, str(hospital.folder / "pod" / "patients.csv"))
    taken = hospital.does("schema", "take", real.SOURCE, "--port", port)
    assert taken["origin"] == f"the pod at port {port}"
    assert [each["name"] for each in taken["columns"]] == ["age", "hba1c", "patient", "sex"]
    here = hospital.does("schema", "generate", real.SOURCE)
    types = {each["name"]: (each["dtype"], each["stype"]) for each in here["columns"]}
    assert {each["name"]: (each["dtype"], each["stype"]) for each in taken["columns"]} == types
    written = hospital.folder / "taken.yaml"
    hospital.does("schema", "export", real.SOURCE, str(written))
    document = read(written.read_text(encoding="utf-8"))
    # without its background service a pod looks at the first rows only, and says so
    assert document.level in ("partial", "full")
    assert any("partial" in each for each in taken["notes"]) == (document.level == "partial")
