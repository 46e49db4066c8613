"""The real pod of bitfount 13 behind this application's gate, and its real requester: nothing runs undecided.

Real on both ends: `bitfount run_pod`, unmodified, its children, its cryptography, its messages; the field's own runner
of requesters, key-based. Between them `podadmin serve` and, as the network, the local one of this application. What
both ends import and never use here (torch and its like) is a stand-in; there is no Prefect.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from podadmin.networks.bitfount import messages_pb2 as pb
from tests.interop.real_pod import real
from tests.interop.real_pod.hospital import HELD_SECONDS, Hospital

pytestmark = real.MARKS
VECTORS = Path(__file__).resolve().parents[1] / "vectors"
BY_SEX = {real.POD: {"sex": ["F", "M"], "n": [100, 100], "age": [54, 55]}}
ENDLESS = f"SELECT COUNT(*) AS n FROM `{real.SOURCE}`, " + ", ".join(f"{real.SOURCE} AS {each}" for each in "bcde")
"""A query over 200^5 rows: many minutes, in which somebody can change his mind."""
RUNNING_SECONDS = 240.0
READY_AGAIN_SECONDS = 120.0
OUTAGE_SECONDS = 300.0
"""A pod whose gate was gone for long looks again after minutes (gate contract, section 3.1)."""


def _known(hospital: Hospital) -> set[str]:
    return {str(each["id"]) for each in hospital.requests()}


def _state(hospital: Hospital, request: str) -> str:
    return str(next(each["state"] for each in hospital.requests() if each["id"] == request))


def _runs(hospital: Hospital, request: str) -> None:
    """Wait until the task of a request was begun, and its worker computes."""
    hospital.comes_to(lambda each: each["id"] == request and each["state"] == "running", RUNNING_SECONDS)


def test_a_held_request_runs_once_it_is_approved_and_not_before(hospital: Hospital) -> None:
    known = _known(hospital)
    with hospital.asks(real.sql(real.BY_SEX)) as lab:
        request = hospital.held(known)
        assert not hospital.pod.said(r"JOB_REQUEST"), "the pod has seen what nobody decided"
        hospital.does("requests", "approve", request)
        assert real.result_of(lab) == BY_SEX
    hospital.comes_to(lambda each: each["id"] == request and each["state"] == "finished", RUNNING_SECONDS)


def test_a_refusal_is_told_in_the_custodians_words_and_the_pod_never_hears_of_the_request(hospital: Hospital) -> None:
    known, heard = _known(hospital), len(hospital.pod.said(r"JOB_REQUEST"))
    with hospital.asks(real.sql(real.BY_SEX)) as lab:
        request = hospital.held(known)
        hospital.does("requests", "refuse", request, "Ask for groups of ten or more")
        assert real.result_of(lab) is None
        assert lab.said(rf"<FROM POD {real.POD}>.*Ask for groups of ten or more")
        assert lab.said(r"Received rejection from")
    assert _state(hospital, request) == "refused"
    assert len(hospital.pod.said(r"JOB_REQUEST")) == heard


def test_a_running_task_is_stopped_with_words_and_the_pod_is_ready_again(hospital: Hospital) -> None:
    told = r"stopped this task: The review found a mistake"
    _ended_early(hospital, "stop-task", "The review found a mistake", told, r"Executing query")


def test_a_result_is_withheld_with_words_and_the_pod_is_ready_again(hospital: Hospital) -> None:
    told = r"withheld the result of this task: Too few people"
    _ended_early(hospital, "withhold", "Too few people", told, r"Started child process")


def _ended_early(hospital: Hospital, act: str, words: str, told: str, when: str) -> None:
    """`told`: what the requester reads. `when`: what the pod says as soon as it is far enough for this story."""
    known, before = _known(hospital), len(hospital.pod.lines)
    with hospital.asks(real.sql(ENDLESS)) as lab:
        request = hospital.held(known)
        hospital.does("requests", "approve", request)
        _runs(hospital, request)
        hospital.pod.says(when, RUNNING_SECONDS, before)
        hospital.does("gate", act, request, words)
        answer = real.result_of(lab)
        assert isinstance(answer, str), f"the requester got {answer}"
        assert answer.startswith("TaskAbortError")
        assert lab.said(told)
    hospital.pod.says(r"Ready for next task", READY_AGAIN_SECONDS, before)
    assert _state(hospital, request) == "stopped"


def test_two_held_requests_outlive_a_killed_gate_and_are_released_out_of_order(hospital: Hospital) -> None:
    known = _known(hospital)
    with hospital.asks(real.sql(real.BY_SEX)) as first:
        held_first = hospital.held(known)
        with hospital.asks(real.sql(f"SELECT COUNT(*) AS n FROM `{real.SOURCE}` WHERE sex = 'F'")) as second:
            held_second = hospital.held(known)
            hospital.restart_gate()
            assert {_state(hospital, each) for each in (held_first, held_second)} == {"held"}
            hospital.does("requests", "approve", held_second)
            assert real.result_of(second) == {real.POD: {"n": [100]}}
            hospital.does("requests", "approve", held_first)
            assert real.result_of(first) == BY_SEX
    finished = {_state(hospital, each) for each in (held_first, held_second)}
    assert finished <= {"running", "finished"}


def test_of_two_hundred_rows_a_limit_of_forty_lets_exactly_forty_out(hospital: Hospital) -> None:
    known = _known(hospital)
    hospital.does("limits", "set", "40", "the protocol of the study", "--model", hospital.model, "--project", "limited")
    with hospital.asks(real.inference(hospital.model), "limited") as lab:
        request = hospital.held(known)
        hospital.does("requests", "approve", request)
        answer = real.result_of(lab)
        # its runner keeps what came and then tells of the end of the task, with or without a gate
        assert "LIMITS_EXCEEDED" in answer
    assert hospital.pod.said(r"usage limit is 40, have performed 200 inferences")
    kept = list((hospital.folder / "lab" / "output" / "task-results" / "limited").rglob("results.csv"))
    rows = [len(each.read_text(encoding="utf-8").splitlines()) - 1 for each in kept]
    assert rows == [40]
    hospital.comes_to(lambda each: each["id"] == request and each["state"] == "stopped", RUNNING_SECONDS)
    meters = {each["model"]: each["used"] for each in hospital.does("limits", "list")}
    assert meters[hospital.model] == 40


def test_a_result_over_a_limit_that_was_set_meanwhile_is_kept_while_the_worker_hands_it_over(
    hospital: Hospital,
) -> None:
    known, before = _known(hospital), len(hospital.pod.lines)
    pipe = hospital.folder / "pipe"
    os.mkfifo(pipe)
    with hospital.asks(real.inference(hospital.model, waits_at=str(pipe))) as lab:
        request = hospital.held(known)
        hospital.does("requests", "approve", request)
        _runs(hospital, request)
        hospital.does("limits", "set", "10", "somebody objected", "--model", hospital.model, "--project", "open")
        pipe.write_bytes(b"")  # as soon as the model waits there
        answer = real.result_of(lab)
        assert isinstance(answer, str), f"the requester got {answer}"
        assert lab.said(r"would bring the use of research-lab/MeanModel:1 to 200 inferences")
    hospital.pod.says(r"Ready for next task", READY_AGAIN_SECONDS, before)
    assert _state(hospital, request) == "stopped"


EVERY_PAIR = f"SELECT b.patient AS patient, RANDOM() AS number FROM `{real.SOURCE}`, {real.SOURCE} AS b"
"""Random numbers, because nothing makes them smaller: 320 kB, and a message takes 128."""


def test_a_result_that_is_too_large_for_a_message_goes_through_the_object_store_as_given(hospital: Hospital) -> None:
    known = _known(hospital)
    with hospital.asks(real.sql(EVERY_PAIR)) as lab:
        request = hospital.held(known)
        hospital.does("requests", "approve", request)
        answer: Any = real.result_of(lab)
    assert len(answer[real.POD]["patient"]) == 200 * 200
    entries = hospital.does("journal", "list", "--limit", "40")["rows"]
    told = {each["act"]: each["body"] for each in entries if each["subject"] == request}
    came, went = told["request.result"], told["gate.result-sent"]
    assert came["bytes"] > 128 * 1024, "what is told is the body itself, and not its address in the message"
    assert (went["bytes"], went["body"]) == (came["bytes"], came["sha256"])
    assert {each["verdict"] for each in hospital.does("gate", "hosts")} <= {"inspected", "refused"}
    hospital.comes_to(lambda each: each["id"] == request and each["state"] == "finished", RUNNING_SECONDS)


def test_a_large_result_lies_here_until_somebody_has_seen_it_and_outlives_a_killed_gate(hospital: Hospital) -> None:
    known = _known(hospital)
    hospital.does("settings", "set", "gate.see-results", "on")
    try:
        with hospital.asks(real.sql(EVERY_PAIR)) as lab:
            request = hospital.held(known)
            hospital.does("requests", "approve", request)
            waits = hospital.waiting(request, RUNNING_SECONDS)
            assert waits[0]["size"] > 128 * 1024
            assert not hospital.in_the_store(waits[0]["size"])
            assert hospital.does("gate", "show-result", waits[0]["id"])["rows"] == 200 * 200
            hospital.does("gate", "release-result", request)
            answer: Any = real.result_of(lab)
        assert len(answer[real.POD]["patient"]) == 200 * 200
    finally:
        hospital.does("settings", "set", "gate.see-results", "off")
    hospital.comes_to(lambda each: each["id"] == request and each["state"] == "finished", RUNNING_SECONDS)
    assert hospital.in_the_store(waits[0]["size"])


def test_a_task_is_stopped_later_in_its_life_when_its_requester_is_gone(hospital: Hospital) -> None:
    """The results were sent and nobody says that all came: the pod would wait for minutes, and everybody behind it."""
    known, before = _known(hospital), len(hospital.pod.lines)
    with hospital.asks(real.sql(real.BY_SEX)) as lab:
        request = hospital.held(known)
        hospital.does("requests", "approve", request)
        hospital.pod.says(r"Executing query", RUNNING_SECONDS, before)
        lab.kill()
    hospital.comes_to(lambda each: each["id"] == request and each["state"] == "finished", RUNNING_SECONDS)
    assert not any("Ready for next task" in line for line in hospital.pod.lines[before:])
    hospital.does("gate", "stop-task", request, "Nobody is there any more")
    hospital.pod.says(r"Ready for next task", READY_AGAIN_SECONDS, before)
    again = len(hospital.pod.lines)
    with hospital.asks(real.sql(real.BY_SEX)) as lab:
        hospital.does("requests", "approve", hospital.held(_known(hospital)))
        assert real.result_of(lab) == BY_SEX
    # a pod of this version ends itself where it cannot tell the hub of its schema right after a task
    hospital.pod.says(r"Ready for next task", READY_AGAIN_SECONDS, again)


def test_what_no_access_check_covers_is_held_like_the_rest(hospital: Hospital) -> None:
    """A task of the hub, a flow that is linked, a flow in a job request: the pod hears of what was approved alone."""
    names = ("hub/job_request_from_hub-ok", "hub/dataset_project_linked-unsigned", "job_request/v9-interactive")
    keys = (VECTORS / "keys/hub_jwks.json").read_text(encoding="utf-8")
    hospital.plant([planted(name) for name in names], keys)
    held: dict[str, str] = {}
    for requester in ("the network's hub", "hub", "bob"):
        held[requester] = hospital.comes_to(
            lambda each, who=requester: each["state"] == "held" and each["requester"] == who, OUTAGE_SECONDS
        )
    assert not hospital.pod.said(r"Verified hub trigger|DATASET_PROJECT_LINKED message received")
    for requester in ("hub", "bob"):
        hospital.does("requests", "refuse", held[requester], "Not before it was signed")
    hospital.does("requests", "approve", held["the network's hub"])
    hospital.pod.says(r"Verified hub trigger", RUNNING_SECONDS)
    hospital.comes_to(
        lambda each: each["id"] == held["the network's hub"] and each["state"] == "finished", HELD_SECONDS
    )
    assert not hospital.pod.said(r"DATASET_PROJECT_LINKED message received")


def planted(name: str) -> pb.BitfountMessage:
    """A message that the field's software has made, as if it were sent now."""
    message = pb.BitfountMessage.FromString((VECTORS / f"{name}.wire.bin").read_bytes())
    message.timestamp = datetime.now(UTC).isoformat()
    return message


def test_this_application_starts_the_pod_itself_and_it_works_as_well(hospital: Hospital) -> None:
    hospital.pod_by_podadmin()
    known = _known(hospital)
    with hospital.asks(real.sql(real.BY_SEX)) as lab:
        hospital.does("requests", "approve", hospital.held(known))
        assert real.result_of(lab) == BY_SEX
    hospital.does("pod", "stop", "--now")
    hospital.until_pod_is("stopped")
