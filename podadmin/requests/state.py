"""The life of a request as a closed table: what may follow what, and nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from podadmin.core.errors import Refused


class State(StrEnum):
    """Where a request is."""

    CAPTURED = "captured"
    HELD = "held"
    LAPSED = "lapsed"
    APPROVED = "approved"
    DELIVERING = "delivering"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    REFUSED = "refused"
    INVALID = "invalid"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    GRANTED = "granted"


class Event(StrEnum):
    """What can happen to a request."""

    INVALID = "invalid"
    """Its envelope is bad, or the gate's own checks refuse it."""
    HELD = "held"
    LAPSED = "lapsed"
    """The time in which its requester waits is over."""
    APPROVED = "approved"
    REFUSED = "refused"
    GRANTED = "granted"
    """The decision came too late for this request: a grant waits for it to be sent again."""
    DELIVERING = "delivering"
    UNDELIVERED = "undelivered"
    """The pod died before it began: the delivery is taken back."""
    STARTED = "started"
    """The pod's JOB_ACCEPT was recorded."""
    FINISHED = "finished"
    STOPPED = "stopped"
    """By the custodian, by the requester or by an exhausted limit."""
    FAILED = "failed"
    """The pod rejected or aborted it."""
    INTERRUPTED = "interrupted"
    """The pod or the gate died while it was running."""


TERMINAL: Final = frozenset(
    {
        State.FINISHED,
        State.STOPPED,
        State.REFUSED,
        State.INVALID,
        State.FAILED,
        State.INTERRUPTED,
        State.GRANTED,
    }
)
"""States that nothing leaves."""

WAITING: Final = frozenset({State.HELD, State.LAPSED})
"""States in which a person can decide."""

TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.CAPTURED, Event.INVALID): State.INVALID,
    (State.CAPTURED, Event.HELD): State.HELD,
    (State.CAPTURED, Event.APPROVED): State.APPROVED,
    (State.CAPTURED, Event.REFUSED): State.REFUSED,
    (State.HELD, Event.APPROVED): State.APPROVED,
    (State.HELD, Event.REFUSED): State.REFUSED,
    (State.HELD, Event.LAPSED): State.LAPSED,
    (State.LAPSED, Event.REFUSED): State.REFUSED,
    (State.LAPSED, Event.GRANTED): State.GRANTED,
    (State.APPROVED, Event.DELIVERING): State.DELIVERING,
    (State.APPROVED, Event.LAPSED): State.LAPSED,
    (State.APPROVED, Event.STOPPED): State.STOPPED,
    (State.DELIVERING, Event.STARTED): State.RUNNING,
    (State.DELIVERING, Event.UNDELIVERED): State.APPROVED,
    (State.DELIVERING, Event.STOPPED): State.STOPPED,
    (State.DELIVERING, Event.FAILED): State.FAILED,
    (State.DELIVERING, Event.INTERRUPTED): State.INTERRUPTED,
    (State.RUNNING, Event.FINISHED): State.FINISHED,
    (State.RUNNING, Event.STOPPED): State.STOPPED,
    (State.RUNNING, Event.FAILED): State.FAILED,
    (State.RUNNING, Event.INTERRUPTED): State.INTERRUPTED,
}


def can_advance(state: State, event: Event) -> bool:
    """May this event happen to a request in this state?"""
    return (state, event) in TRANSITIONS


def advance(state: State, event: Event) -> State:
    """The state after `event`. Raises Refused (`request.wrong-state`) where it cannot happen now."""
    if not can_advance(state, event):
        raise Refused(
            "request.wrong-state",
            "Nothing was changed.",
            f"A request that is {state} cannot become {event}.",
            "Look at the request again: it has moved on since it was shown.",
        )
    return TRANSITIONS[state, event]
