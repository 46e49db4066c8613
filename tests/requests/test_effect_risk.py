"""Risk is a rule over effects that a person can read, and each part of it gives its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podadmin.core.text import stranger
from podadmin.requests.effect_facts import LEVELS, Computing, Level, ModelUse, Output, Reading, worst
from podadmin.requests.effect_risk import ORDER, judge

NOTHING = Output("none", "message", "requester", "nothing")
ROWS = Output("row", "message", "requester", "rows")
FIGURES = Output("aggregate", "message", "requester", "figures")


@pytest.mark.parametrize(
    ("read", "computed", "outputs", "risk", "reason"),
    [
        (Reading(), Computing(), (), "low", "Nothing that was computed leaves the pod."),
        (Reading(), Computing(), (NOTHING,), "low", "Nothing that was computed leaves the pod."),
        (
            Reading(),
            Computing(),
            (replace(NOTHING, level="telemetry"),),
            "low",
            "Nothing that was computed leaves the pod.",
        ),
        (Reading(), Computing(), (replace(NOTHING, level="counts"),), "low", "Only counts leave the pod."),
        (
            Reading(),
            Computing(),
            (FIGURES,),
            "medium",
            "Figures over many records leave the pod; nothing demands a smallest number of them.",
        ),
        (
            Reading(),
            Computing(),
            (replace(FIGURES, smallest_group=7),),
            "medium",
            "Figures over at least 7 records each leave the pod.",
        ),
        (
            Reading(),
            Computing(),
            (replace(FIGURES, every_record=True),),
            "medium",
            "Figures over all records leave the pod.",
        ),
        (
            Reading(),
            Computing(),
            (replace(NOTHING, level="parameters"),),
            "medium",
            "Model parameters leave the pod; they can remember records.",
        ),
        (Reading(ehr=True), Computing(), (NOTHING,), "medium", "Patients' records are asked for at the EHR."),
        (
            Reading(),
            Computing(models=(ModelUse("x", "timm"),)),
            (NOTHING,),
            "medium",
            "A model runs that is not pinned to a version.",
        ),
        (
            Reading(),
            Computing(models=(ModelUse("a/b:1"),)),
            (NOTHING,),
            "low",
            "Nothing that was computed leaves the pod.",
        ),
        (
            Reading(),
            Computing(foreign_code=True),
            (NOTHING,),
            "high",
            "Code runs in the pod that nobody here or at the network has fixed.",
        ),
        (
            Reading(outside=("a\u202e",)),
            Computing(),
            (NOTHING,),
            "high",
            "It reaches outside of the datasource: a<U+202E>.",
        ),
        (
            Reading(outside=("a", "b", "c", "d")),
            Computing(),
            (),
            "high",
            "It reaches outside of the datasource: a, b, c.",
        ),
        (
            Reading(outside=("a" * 81,)),
            Computing(),
            (),
            "high",
            f"It reaches outside of the datasource: {stranger('a' * 81, 80)}.",
        ),
        (Reading(), Computing(), (ROWS,), "high", "Something about single records leaves the pod."),
        (
            Reading(),
            Computing(),
            (replace(ROWS, level="traceback"),),
            "high",
            "Something about single records leaves the pod.",
        ),
        (
            Reading(),
            Computing(),
            (replace(ROWS, level="unknown"),),
            "high",
            "Something about single records leaves the pod.",
        ),
        (
            Reading(),
            Computing(),
            (replace(ROWS, channel="upload", destination="store"),),
            "high",
            "Single records are uploaded to an address that the requester gives.",
        ),
        (
            Reading(),
            Computing(),
            (replace(ROWS, channel="unknown", destination="unknown"),),
            "high",
            "Single records can be asked for from outside of the task.",
        ),
    ],
    ids=range(20),
)
def test_each_part_of_the_rule(
    read: Reading, computed: Computing, outputs: tuple[Output, ...], risk: str, reason: str
) -> None:
    assert judge(read, computed, outputs, ()) == (risk, (reason,))


def test_what_leaves_with_every_task_enters_no_rule() -> None:
    always = tuple(replace(ROWS, level=level, always=True) for level in LEVELS)
    assert judge(Reading(), Computing(), always, ()) == ("low", ("Nothing that was computed leaves the pod.",))


def test_what_is_not_known_is_the_risk_whatever_else_is() -> None:
    assert judge(Reading(ehr=True), Computing(), (ROWS,), ("a", "b")) == ("unknown", ("a", "b"))


def test_all_reasons_are_told_the_worst_first_and_each_once() -> None:
    risk, reasons = judge(
        Reading(ehr=True), Computing(models=(ModelUse("x", "timm"),)), (FIGURES, ROWS, replace(ROWS, words="more")), ()
    )
    assert risk == "high"
    assert reasons == (
        "Something about single records leaves the pod.",
        "Figures over many records leave the pod; nothing demands a smallest number of them.",
        "Patients' records are asked for at the EHR.",
        "A model runs that is not pinned to a version.",
    )
    assert ORDER == ("low", "medium", "high", "unknown")


@pytest.mark.parametrize(
    ("levels", "most"),
    [
        ((), "none"),
        (("row", "none"), "row"),
        (("counts", "aggregate"), "aggregate"),
        (("unknown", "row"), "unknown"),
        (("telemetry", "none"), "telemetry"),
    ],
)
def test_the_worst_level(levels: tuple[Level, ...], most: str) -> None:
    assert worst(levels) == most


def test_the_levels_are_in_their_order() -> None:
    assert LEVELS == ("none", "telemetry", "counts", "aggregate", "parameters", "traceback", "row", "unknown")
