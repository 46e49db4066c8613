"""Answers of an access manager are read as the real software reads them, names and fields alike."""

from __future__ import annotations

import dataclasses
import inspect
import json
from enum import Enum
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from podadmin.core.errors import BadInput
from podadmin.limits.model import InferenceLimits
from podadmin.networks.bitfount.access_manager import AccessAnswer, ResourceLimit
from podadmin.networks.bitfount.authorisation import (
    DEFAULT_IDENTITY_VERIFICATION_METHOD,
    IDENTITY_VERIFICATION_METHODS,
    AccessCheckResult,
    AuthCheckResponse,
    ModelURLs,
    PodResponseMessage,
    ProtocolContext,
    TaskContext,
    check_identity_verification_method,
)
from podadmin.networks.bitfount.types import IdentityVerificationMethod, PodResponseType

VECTORS = json.loads(Path(__file__).with_name("vectors").joinpath("access-check-results.json").read_text("utf-8"))
MODEL = "some-model-owner/some-model:12"


def result(limits: Any) -> AccessCheckResult:
    return {"response_type": PodResponseType.ACCEPT, "limits": limits}


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_an_answer_is_read_as_the_real_software_reads_it(case: dict[str, Any]) -> None:
    limits = InferenceLimits.from_access_check_result(result(case["limits"]))
    told = {
        name: {"limit": each.limit, "total_usage": each.total_usage, "initial_total_usage": each.initial_total_usage}
        for name, each in limits.items()
    }
    assert told == case["inference_limits"]
    urls = ModelURLs.from_access_check_result(result(case["limits"]))
    assert {name: dataclasses.asdict(each) for name, each in urls.items()} == case["model_urls"]


def test_the_names_and_fields_are_those_of_the_field() -> None:
    def fields(kind: Any) -> list[str]:
        return [each.name for each in dataclasses.fields(kind) if each.init]

    assert fields(InferenceLimits) == ["limit", "total_usage"]
    assert fields(ModelURLs) == ["model_download_url", "model_weights_url"]
    assert fields(AuthCheckResponse) == ["pod_response_message", "protocol_context"]
    assert set(fields(ProtocolContext)) >= {"inference_limits", "model_urls", "task_context", "project_id", "task_id"}
    assert set(get_type_hints(AccessCheckResult)) == {"response_type", "limits"}
    for kind in (InferenceLimits, ModelURLs, ProtocolContext):
        parameters = inspect.signature(kind).parameters.values()
        assert {each.kind for each in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    context = ProtocolContext()
    assert (context.inference_limits, context.model_urls, context.task_context) == ({}, {}, None)
    assert (context.project_id, context.task_id) == (None, None)
    assert ProtocolContext().inference_limits is not context.inference_limits


def test_the_ways_to_prove_an_identity_are_those_of_the_field() -> None:
    assert IDENTITY_VERIFICATION_METHODS == ("key-based", "oidc-auth-code", "oidc-device-code")
    assert DEFAULT_IDENTITY_VERIFICATION_METHOD == "oidc-device-code"
    assert IdentityVerificationMethod.DEFAULT is IdentityVerificationMethod.OIDC_DEVICE_CODE
    assert issubclass(IdentityVerificationMethod, Enum)
    for word in IDENTITY_VERIFICATION_METHODS:
        found = check_identity_verification_method(word)
        assert found.value == word
        assert check_identity_verification_method(found) is found


@pytest.mark.parametrize("method", ["", "saml", "KEY-BASED", "key-based\n", "\u202ekey-based"])
def test_another_way_is_refused_in_both_families_of_errors(method: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_identity_verification_method(method)
    assert isinstance(caught.value, BadInput)
    assert caught.value.code == "access.unknown-method"
    assert "\u202e" not in str(caught.value)


def test_addresses_are_in_no_representation() -> None:
    secret = "https://s3.example.org/code?X-Amz-Signature=abc"  # not a real one
    urls = ModelURLs(model_download_url=secret, model_weights_url=secret)
    told = ResourceLimit("MODEL_INFERENCE", MODEL, 5, 1, secret, secret)
    answer = AccessAnswer(PodResponseType.ACCEPT, (told,))
    context = ProtocolContext(model_urls={MODEL: urls})
    for each in (urls, told, answer, context):
        assert "abc" not in repr(each)
    assert answer.result()["limits"] == [
        {
            "resourceType": "MODEL_INFERENCE",
            "resourceName": MODEL,
            "limit": 5,
            "totalUsage": 1,
            "modelDownloadUrl": secret,
            "weightsDownloadUrl": secret,
        }
    ]
    assert ModelURLs.from_access_check_result(answer.result()) == {MODEL: urls}
    assert AccessAnswer(PodResponseType.NO_ACCESS, ()).result() == {
        "response_type": PodResponseType.NO_ACCESS,
        "limits": None,
    }


@pytest.mark.parametrize(
    "bad",
    [
        {"modelDownloadUrl": 5},
        {"modelDownloadUrl": "u", "weightsDownloadUrl": 5},
        {"resourceName": ""},
        {"resourceName": 7},
    ],
)
def test_an_address_that_is_none_is_refused(bad: dict[str, Any]) -> None:
    entry = {"resourceType": "MODEL_INFERENCE", "resourceName": MODEL, "totalUsage": 0, "modelDownloadUrl": "u", **bad}
    with pytest.raises(BadInput, match=r"limit\.malformed"):
        ModelURLs.from_access_check_result(result([entry]))


def test_an_answer_fills_the_message_and_the_context() -> None:
    entry = {
        "resourceType": "MODEL_INFERENCE",
        "resourceName": MODEL,
        "limit": 9,
        "totalUsage": 4,
        "modelDownloadUrl": "u",
    }
    message = PodResponseMessage("research-lab", "clinic/patients")
    context = ProtocolContext(task_context=TaskContext.WORKER)
    found = AuthCheckResponse.from_access_check_result(result([entry]), message, context)
    assert found.pod_response_message.messages == {}
    assert found.protocol_context.inference_limits[MODEL].limit == 9
    assert found.protocol_context.model_urls[MODEL].model_weights_url is None

    refused: AccessCheckResult = {"response_type": PodResponseType.UNAUTHORISED, "limits": None}
    found = AuthCheckResponse.from_access_check_result(refused, message, context)
    assert found.pod_response_message.messages == {"UNAUTHORISED": []}
    assert found.protocol_context.inference_limits == {}
    message.add(PodResponseType.UNAUTHORISED, ["Declined by data custodian"])
    assert message.messages == {"UNAUTHORISED": ["Declined by data custodian"]}


def test_results_lie_where_a_pod_puts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITFOUNT_OUTPUT_DIR", str(tmp_path))
    monkeypatch.delenv("BITFOUNT_TASK_RESULTS_DIR", raising=False)
    assert ProtocolContext(task_id="t1").get_task_results_dir() == tmp_path / "task-results"
    assert ProtocolContext(project_id="p1").get_task_results_dir() == tmp_path / "task-results" / "p1"
    found = ProtocolContext(project_id="p1", task_id="t1").get_task_results_dir()
    assert found == tmp_path / "task-results" / "p1" / "t1"
    assert found.is_dir()
    monkeypatch.setenv("BITFOUNT_TASK_RESULTS_DIR", str(tmp_path / "elsewhere"))
    assert ProtocolContext(project_id="p1", task_id="t1").get_task_results_dir() == tmp_path / "elsewhere" / "p1" / "t1"
    monkeypatch.delenv("BITFOUNT_TASK_RESULTS_DIR")
    monkeypatch.delenv("BITFOUNT_OUTPUT_DIR")
    monkeypatch.chdir(tmp_path)
    assert ProtocolContext().get_task_results_dir() == Path("task-results")


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../x", "/etc", "a\\b", "a\0b", "x" * 201, "C:"])
def test_a_strangers_name_leads_out_of_no_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITFOUNT_TASK_RESULTS_DIR", str(tmp_path))
    with pytest.raises(BadInput, match=r"access\.odd-name"):
        ProtocolContext(project_id=name, task_id="t1").get_task_results_dir()
    with pytest.raises(BadInput, match=r"access\.odd-name"):
        ProtocolContext(project_id="p1", task_id=name).get_task_results_dir()
    assert list(tmp_path.iterdir()) == []
