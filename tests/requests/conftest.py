"""Factories for requests as they come from the wire, good unless a test says otherwise; stores that open quickly."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from podadmin.requests.envelope import Claims, Opened, Unverified, Verified, VerifiedRequest, judge

SQL: dict[str, Any] = {
    "class_name": "bitfount.ResultsOnly",
    "algorithm": [
        {
            "class_name": "bitfount.SqlQuery",
            "query": "SELECT sex, COUNT(*) AS n FROM `patients` GROUP BY sex",
            "table": "patients",
            "datastructure": {"table": "patients", "compatible_datasources": ["CSVSource"]},
        }
    ],
}
MODEL: dict[str, Any] = {
    "class_name": "BitfountModelReference",
    "username": "acme",
    "model_ref": "Retina",
    "model_version": 3,
    "hyperparameters": {},
}
INFERENCE: dict[str, Any] = {
    "class_name": "bitfount.ResultsOnly",
    "algorithm": {
        "class_name": "bitfount.ModelInference",
        "class_outputs": None,
        "model": MODEL,
        "datastructure": {"class_name": "DataStructure", "selected_cols": ["age", "sex"], "image_prefix": "img_"},
    },
    "save_location": ["Worker", "Modeller"],
}
REPORT: dict[str, Any] = {
    "class_name": "bitfount.InferenceAndReturnCSVReport",
    "algorithm": [
        {"class_name": "bitfount.ModelInference", "model": MODEL},
        {"class_name": "bitfount.CSVReportGeneratorAlgorithm", "original_cols": ["name", "born"]},
    ],
}
PROTOCOLS = {"sql": SQL, "inference": INFERENCE, "report": REPORT}


def make_opened(protocol: object = None, *, outer: object = ..., **changes: Any) -> Opened:
    """A good request for `alice/patients`; `changes` go to the claims or to the opened request by their names."""
    inner = copy.deepcopy(SQL) if protocol is None else protocol
    claims: dict[str, Any] = {
        "requester_name": "Dr. Mole",
        "project_id": "proj-1",
        "auth_type": "key-based",
        "key_id": "key-1",
        "requester_key_fingerprint": "ab" * 32,
        "outer_protocol": copy.deepcopy(inner) if outer is ... else outer,
        "flags": {"batched_execution": False, "requires_ehr_connection": False},
        "has_flow_spec": False,
    }
    opened: dict[str, Any] = {
        "network": "local",
        "kind": "job-request",
        "task_id": "task-1",
        "pod_identifier": "alice/patients",
        "pod_identifiers": ("alice/patients",),
        "protocol": inner,
        "signature": "good",
        "body_digest": "cd" * 32,
        "sent_at": None,
    }
    for name, value in changes.items():
        (claims if name in claims else opened)[name] = value
    return Opened(claims=Unverified(Claims(**claims)), **opened)


def make_verified(protocol: object = None, **changes: Any) -> Verified[VerifiedRequest]:
    return judge(make_opened(protocol, **changes))


@pytest.fixture(scope="session")
def opened() -> Callable[..., Opened]:
    return make_opened


@pytest.fixture(scope="session")
def verified() -> Callable[..., Verified[VerifiedRequest]]:
    return make_verified


@pytest.fixture(scope="session")
def protocols() -> dict[str, dict[str, Any]]:
    """Deep copies of protocols whose effects are known, by a short name."""
    return copy.deepcopy(PROTOCOLS)
