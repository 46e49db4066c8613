"""A flow is refused and never verified; what it claims to do is told under that heading."""

from __future__ import annotations

from typing import Any

import pytest

from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import Effects
from podadmin.requests.envelope import Requester
from podadmin.requests.flow_effects import MAX_STEPS, UNVERIFIED, of_flow

WHO = Requester("Dr. Mole", "ab" * 32)


def told(flow: object) -> Effects:
    return of_flow(flow, WHO, "patients", shipped())


def flow(*steps: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"name": "f", "version": 9, "worker": {"interactive": {"steps": list(steps)}}, "config": config}


def test_a_flow_is_never_known_and_tells_its_steps() -> None:
    found = told(
        {
            "worker": {
                "background": {"steps": [{"name": "ask", "task": "ehr_query", "version": 1}]},
                "interactive": {
                    "steps": [
                        {"name": "run", "task": "model_inference", "version": 1},
                        {"name": "write", "task": "csv_report", "version": 1},
                    ]
                },
            },
            "config": {
                "run": {"model_username": "acme", "model_ref": "Retina", "model_version": 3},
                "write": {"trial_name": "T"},
            },
        }
    )
    assert (found.known, found.risk, found.level) == (False, "unknown", "unknown")
    assert found.reasons == (UNVERIFIED,)
    assert found.computed.algorithms == ("ehr_query.v1", "model_inference.v1", "csv_report.v1")
    assert "One prediction per record by the model “acme/Retina:3”." in found.computes
    assert "The CSV report, in the task's folder of the pod." in found.stays
    assert (found.read.ehr, found.read.all_columns, found.read.datasource) == (True, True, "patients")
    assert found.headline.startswith(
        "What this request would do is not known. Apart from what is not known: Runs a flow"
    )
    assert any("patient interface" in each for each in found.leaves)
    asked = [each.words for each in found.outputs if not each.always]
    assert asked[1:] == [each.words for each in shipped().flow], "what a flow lets out is asked for by the requester"
    assert "Other destinations cannot be ruled out." in found.destination


def test_a_step_or_a_setting_without_a_row_is_named() -> None:
    found = told(
        flow({"name": "x", "task": "exfiltrate", "version": 1}, {"name": "y", "task": "scan_filter", "version": 7})
    )
    assert [each for each in found.reasons if "is not known" in each] == [
        "The step “exfiltrate.v1” is not known.",
        "The step “scan_filter.v7” is not known.",
    ]
    odd = told(flow({"name": "w", "task": "csv_report", "version": 1}, w={"upload_to": "https://example.org"}))
    assert any("upload_to" in each for each in odd.reasons)
    assert not told(flow({"name": "m", "task": "model_inference", "version": 1})).read.ehr


@pytest.mark.parametrize(
    "broken",
    [
        None, [], "flow", {1: 2}, {"worker": 3}, {"worker": {"interactive": {"steps": {}}}},
        {1: 2, "worker": {"interactive": {"steps": [{"task": "csv_report", "version": 1}]}}},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(broken: object) -> None:
    found = told(broken)
    assert found.reasons[-1] in {"Its steps cannot be read.", "It names no step."}
    assert (found.risk, found.computed.protocol, found.computed.algorithms) == ("unknown", "flow", ())


def test_thousands_of_steps_are_counted_not_told() -> None:
    found = told(flow(*[{"name": "x", "task": "csv_report", "version": 1}] * (MAX_STEPS + 1), "odd"))
    assert any(f"It has {MAX_STEPS + 2} steps" in each for each in found.reasons)
    assert len(found.computed.algorithms) == MAX_STEPS
    assert told(flow("odd")).computed.algorithms == ("None.vNone",)
    most = told(flow(*[{"name": "x", "task": "csv_report", "version": 1}] * MAX_STEPS))
    assert most.reasons == (UNVERIFIED,)


@pytest.mark.parametrize("missing", ["model_username", "model_ref", "model_version", ""])
def test_a_model_is_named_only_as_a_whole(missing: str) -> None:
    named = {"model_username": "acme\u202e", "model_ref": "Retina", "model_version": 3}
    found = told(
        flow({"name": "m", "task": "model_inference", "version": 1}, m={k: v for k, v in named.items() if k != missing})
    )
    words = "(not named)" if missing else "“acme<U+202E>/Retina:3”"
    assert any(each.startswith(f"One prediction per record by the model {words}.") for each in found.computes)
    assert found.read.all_columns


@pytest.mark.parametrize(("sources", "known"), [([], True), (None, True), (["elsewhere"], False)])
def test_what_a_setting_is_set_to_counts(sources: object, known: bool) -> None:
    found = told(flow({"name": "e", "task": "patient_enrichment", "version": 1}, e={"sources": sources}))
    assert any("sets “sources” to" in each for each in found.reasons) is not known
