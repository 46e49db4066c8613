"""A real federated training behind this application's gate: the real pod learns from its data, the real requester adds
what it has learnt, round by round, and a person may stand between them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.interop.real_pod import real
from tests.interop.real_pod.hospital import Hospital

pytestmark = real.MARKS
ROUNDS = 3
DISTANCES = [{"distance": 54.5 / 2**number} for number in range(1, ROUNDS + 1)]
"""From the average age, which is 54.5, after each round: the model begins at 0 and goes half of the way."""
SECONDS = 240.0


@pytest.fixture(scope="module")
def model(hospital: Hospital) -> str:
    return real.publish_model(hospital.address, hospital.lab, "AverageModel")


def asks(hospital: Hospital, model: str) -> Any:
    return hospital.asks(real.training(model, ROUNDS), protocol=real.AVERAGING)


def left(hospital: Hospital, request: str) -> Counter[tuple[str, str]]:
    """Messages of a task that carried something, by type and outcome."""
    rows = hospital.does("requests", "left", request)["rows"]
    found: Counter[tuple[str, str]] = Counter()
    for each in rows:
        if each["type"].startswith("TRAINING"):
            found[each["type"], each["outcome"]] += each["count"]
    return found


def until(hospital: Hospital, request: str, state: str) -> None:
    hospital.comes_to(lambda each: each["id"] == request and each["state"] == state, SECONDS)


def test_a_training_runs_once_it_is_approved_and_every_round_is_listed(hospital: Hospital, model: str) -> None:
    known = {each["id"] for each in hospital.requests()}
    with asks(hospital, model) as lab:
        request = hospital.held(known)
        effects = hospital.does("requests", "show", request)["effects"]
        assert "The changed parameters of the model. They can remember single records." in effects["leaves"]
        assert "Training of the model" in " ".join(effects["computes"])
        hospital.does("requests", "approve", request)
        assert real.result_of(lab) == DISTANCES
    until(hospital, request, "finished")
    assert left(hospital, request) == {("TRAINING_METRICS", "passed"): ROUNDS, ("TRAINING_UPDATE", "passed"): ROUNDS}


def test_the_first_round_is_seen_before_it_leaves_and_the_others_follow(hospital: Hospital, model: str) -> None:
    known = {each["id"] for each in hospital.requests()}
    hospital.does("settings", "set", "gate.see-results", "on")
    try:
        with asks(hospital, model) as lab:
            request = hospital.held(known)
            hospital.does("requests", "approve", request)
            metrics, update = hospital.waiting(request, SECONDS, 2)
            assert [metrics["kind"], update["kind"]] == ["TRAINING_METRICS", "TRAINING_UPDATE"]
            assert "which can remember single records" in " ".join(update["reasons"])
            shown = hospital.does("gate", "show-result", metrics["id"], "--values")
            assert shown["sample"] == [[["distance", "27.25"]]]
            assert hospital.does("gate", "show-result", update["id"])["what"].startswith("a value of kind")
            assert left(hospital, request).keys() == {("TRAINING_METRICS", "held"), ("TRAINING_UPDATE", "held")}
            hospital.does("gate", "release-result", request, "--through", update["id"])
            assert real.result_of(lab) == DISTANCES
        until(hospital, request, "finished")
    finally:
        hospital.does("settings", "set", "gate.see-results", "off")
    assert left(hospital, request) == {("TRAINING_METRICS", "passed"): ROUNDS, ("TRAINING_UPDATE", "passed"): ROUNDS}


def test_a_training_is_ended_before_anything_of_it_left_and_the_pod_is_ready_again(
    hospital: Hospital, model: str
) -> None:
    known, before = {each["id"] for each in hospital.requests()}, len(hospital.pod.lines)
    hospital.does("settings", "set", "gate.see-results", "on")
    try:
        with asks(hospital, model) as lab:
            request = hospital.held(known)
            hospital.does("requests", "approve", request)
            hospital.waiting(request, SECONDS, 2)
            hospital.does("gate", "withhold", request, "Parameters remember too much")
            answer = real.result_of(lab)
            assert isinstance(answer, str), f"the requester got {answer}"
            assert lab.said(r"withheld the result of this task: Parameters remember too much")
    finally:
        hospital.does("settings", "set", "gate.see-results", "off")
    hospital.pod.says(r"Ready for next task", SECONDS, before)
    until(hospital, request, "stopped")
    assert {outcome for _type, outcome in left(hospital, request)} == {"withheld"}
