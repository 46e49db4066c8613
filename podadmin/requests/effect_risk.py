"""How much is at stake, as a stated rule over what a request does; never a number, always with its reasons.

The rule, the worst first:

- unknown: something about the request is not known.
- high: something about single records leaves; it reaches outside of the datasource; or code runs that nobody fixed.
- medium: model parameters leave; figures leave that are no plain counts; the EHR is asked; or a model runs that is not
  pinned to a version.
- low: none of these. At most counts leave.

What leaves with every task of the network alike is told elsewhere and enters no rule: it tells no two requests apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from podadmin.core.text import stranger
from podadmin.requests.effect_facts import Computing, Output, Reading

Risk = Literal["low", "medium", "high", "unknown"]
ORDER: Final[tuple[Risk, ...]] = ("low", "medium", "high", "unknown")


def judge(
    read: Reading, computed: Computing, outputs: tuple[Output, ...], unknown: tuple[str, ...]
) -> tuple[Risk, tuple[str, ...]]:
    """The risk of what a request does, and why. `unknown`: what is not known about it, as sentences."""
    if unknown:
        return "unknown", unknown
    found = [*_high(read, computed, outputs), *_medium(read, computed, outputs)]
    risk: Risk = max((each for each, _why in found), key=ORDER.index, default="low")
    return risk, tuple(dict.fromkeys(why for _risk, why in found)) or (_low(outputs),)


def _high(read: Reading, computed: Computing, outputs: tuple[Output, ...]) -> Iterator[tuple[Risk, str]]:
    for output in _asked(outputs):
        if output.level not in {"row", "traceback", "unknown"}:
            continue
        if output.channel == "upload":
            yield "high", "Single records are uploaded to an address that the requester gives."
        elif output.destination == "unknown":
            yield "high", "Single records can be asked for from outside of the task."
        else:
            yield "high", "Something about single records leaves the pod."
    if read.outside:
        named = ", ".join(stranger(each, 80) for each in read.outside[:3])
        yield "high", f"It reaches outside of the datasource: {named}."
    if computed.foreign_code:
        yield "high", "Code runs in the pod that nobody here or at the network has fixed."


def _medium(read: Reading, computed: Computing, outputs: tuple[Output, ...]) -> Iterator[tuple[Risk, str]]:
    for output in _asked(outputs):
        if output.level == "parameters":
            yield "medium", "Model parameters leave the pod; they can remember records."
        elif output.level == "aggregate" and output.every_record:
            yield "medium", "Figures over all records leave the pod."
        elif output.level == "aggregate" and output.smallest_group is not None:
            yield "medium", f"Figures over at least {output.smallest_group} records each leave the pod."
        elif output.level == "aggregate":
            yield "medium", "Figures over many records leave the pod; nothing demands a smallest number of them."
    if read.ehr:
        yield "medium", "Patients' records are asked for at the EHR."
    if any(model.origin != "hub" for model in computed.models):
        yield "medium", "A model runs that is not pinned to a version."


def _low(outputs: tuple[Output, ...]) -> str:
    if any(output.level == "counts" for output in _asked(outputs)):
        return "Only counts leave the pod."
    return "Nothing that was computed leaves the pod."


def _asked(outputs: tuple[Output, ...]) -> list[Output]:
    return [each for each in outputs if not each.always]
