"""What must not be with a meter, each by a name of its own: what it means, and what to do.

Pure: the kinds and their words. That one is raised, kept and seen is the service's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from podadmin.core.canon import canonical
from podadmin.limits.model import Key


class Kind(StrEnum):
    """A loud state of a meter."""

    OVERRUN = "overrun"
    UNKNOWN_MODEL = "unknown-model"
    NOT_DELIVERED = "not-delivered"
    BACKWARDS = "backwards"
    RENUMBERED = "renumbered"


@dataclass(frozen=True)
class Words:
    """`title` in two or three words, what it means, and what to do."""

    title: str
    meaning: str
    todo: str


WORDS: Final[dict[Kind, Words]] = {
    Kind.OVERRUN: Words(
        "Over the limit",
        "More was used, or would have been used, than the limit allows. A result that would go beyond it is kept here "
        "and its task is stopped.",
        "Ask who ran the task why it asked for more. Where the network itself counts more than its limit, other pods "
        "have used it too: tell the model's owner.",
    ),
    Kind.UNKNOWN_MODEL: Words(
        "Unknown model",
        "A result says that it used a model that nobody has named or decided on. It was not passed on.",
        "Refuse this requester until it is clear which model ran, and compare the task with what you approved.",
    ),
    Kind.NOT_DELIVERED: Words(
        "Use without a task",
        "The pod reports use for a task that the gate has not delivered, or that does not run. It was not passed on.",
        "Pause the pod and find out who started that task: it did not come through the gate.",
    ),
    Kind.BACKWARDS: Words(
        "Use went backwards",
        "A total is lower than one that was told before, or a result carries a negative amount. Use cannot shrink, so "
        "the higher number goes on counting.",
        "Ask the network's operator. If the total was reset on purpose, accept the new one with a reason.",
    ),
    Kind.RENUMBERED: Words(
        "A number came twice",
        "Two different results of one task carry the same number. Both were counted.",
        "Look at the software that computes the results: it repeats numbers, or something between changes messages.",
    ),
}


@dataclass(frozen=True)
class Alarm:
    """Something that must not be, at one occasion. `limit` and `amount` say how much; `seen_at` that a person knows."""

    id: str
    kind: Kind
    key: Key
    request_id: str
    task_id: str
    amount: float
    limit: float | None
    at: datetime
    seen_at: datetime | None = None
    seen_by: str = ""
    seen_reason: str = ""


def mark(kind: Kind, key: Key, *occasion: str) -> str:
    """A name for the occasion: the same one is told once, however often its message comes."""
    named = [str(kind), key.network, key.project, key.resource, *occasion]
    return hashlib.sha256(canonical(named).encode()).hexdigest()


def sentence(alarm: Alarm) -> str:
    """What has happened, with its numbers."""
    amount = f"{alarm.amount:,.15g}"
    if alarm.kind is Kind.OVERRUN:
        limit = "the limit" if alarm.limit is None else f"a limit of {alarm.limit:,.15g}"
        return f"{amount} inferences against {limit}."
    if alarm.kind is Kind.BACKWARDS and alarm.limit is not None:
        return f"The total was {alarm.limit:,.15g} and is now said to be {amount}."
    if alarm.kind is Kind.BACKWARDS:
        return "A result carries an amount that is no number of inferences."
    return f"{amount} inferences."
