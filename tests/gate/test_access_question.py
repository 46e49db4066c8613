"""What a pod may ask the access manager about: exactly what was decided, as the real software words it."""

from __future__ import annotations

from typing import Any

import pytest

from podadmin.gate.access_policy import is_about

MODEL: dict[str, Any] = {"class_name": "BitfountModelReference", "model_ref": "Risk", "username": "lab"}
WHOLE = {"class_name": "bitfount.ModelInference", "model": {**MODEL, "schema": {"features": [1, 2]}}}
SQL = {"class_name": "bitfount.SqlQuery", "query": "SELECT 1"}


def _protocol(algorithm: object, **more: object) -> dict[str, object]:
    return {"class_name": "bitfount.ResultsOnly", "algorithm": algorithm, **more}


@pytest.mark.parametrize("algorithm", [SQL, [SQL], WHOLE, [WHOLE, SQL], [], None, "odd"])
def test_the_very_protocol_is_the_one(algorithm: object) -> None:
    assert is_about(_protocol(algorithm), _protocol(algorithm))


@pytest.mark.parametrize(
    ("asked", "decided"),
    [({**WHOLE, "model": MODEL}, WHOLE), ([{**WHOLE, "model": MODEL}, SQL], [WHOLE, SQL])],
)
def test_a_real_pod_leaves_the_schema_of_a_model_out(asked: object, decided: object) -> None:
    assert is_about(_protocol(asked), _protocol(decided))


@pytest.mark.parametrize(
    ("asked", "decided"),
    [
        (_protocol({**WHOLE, "model": {**MODEL, "model_ref": "Other"}}), _protocol(WHOLE)),
        (_protocol({**WHOLE, "model": {**MODEL, "schema": {"features": [3]}}}), _protocol(WHOLE)),
        (_protocol({"class_name": "bitfount.ModelInference"}), _protocol(WHOLE)),
        (_protocol({**WHOLE, "model": MODEL}, save_path="/x"), _protocol(WHOLE)),
        (_protocol([{**WHOLE, "model": MODEL}]), _protocol(WHOLE)),
        (_protocol(WHOLE), _protocol({**WHOLE, "model": MODEL})),
        (_protocol({**SQL, "schema": 1}), _protocol(SQL)),
        (_protocol(SQL), _protocol({**SQL, "schema": 1})),
        (None, _protocol(SQL)),
        ("odd", "other"),
    ],
)
def test_anything_else_that_is_missing_added_or_changed_is_another_task(asked: object, decided: object) -> None:
    assert not is_about(asked, decided)
