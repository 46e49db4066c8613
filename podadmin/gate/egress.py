"""What leaves the pod, message by message: which may pass, what it does to the request, what it costs.

One transaction for each message, before it goes on. A message whose effect could not be recorded does not pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from sqlalchemy import Row, select

from podadmin.core.clock import Clock
from podadmin.core.errors import Refused
from podadmin.core.text import stranger
from podadmin.limits import service as limits
from podadmin.limits.service import Metered
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.messages import reason_of, resources_consumed
from podadmin.networks.bitfount.types import MessageType, Reason, type_name
from podadmin.requests import service
from podadmin.requests.records import request
from podadmin.requests.service import GATE
from podadmin.requests.state import Event, State
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

PHASES = frozenset(
    {
        MessageType.PREPARING_DATA,
        MessageType.CONFIGURING_TASK,
        MessageType.PREPARING_DATA_BATCHES,
        MessageType.NUMBER_OF_BATCHES,
        MessageType.TASK_START,
        MessageType.CURRENT_BATCH_ID,
        MessageType.LOG_MESSAGE,
        MessageType.ONLINE_CHECK,
    }
)
"""Messages that carry no result and change nothing: they pass while their task runs."""


class Verdict(Enum):
    """PASS: let it out. STOP: it stays here, and the pod is told to stop. OWED: it is kept and sent as an answer."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    STOP = "stop"
    OWED = "owed"


def judge(store: Store, clock: Clock, message: pb.BitfountMessage, digest: str) -> Verdict:
    """Record what a message of the pod means and say whether it may leave.

    `digest` is the SHA-256 of its body: a message that is sent again is counted once. Raises Refused
    (`gate.unknown-task`, `gate.not-running`, `gate.type-not-allowed`, `request.not-to-start`) where it may not.
    """
    row = service.by_task(store, message.taskId)
    if row is None:
        raise _no("gate.unknown-task", "It belongs to no task that was delivered.")
    kind, request_id, state = int(message.messageType), row.id, row.state
    if kind == MessageType.JOB_ACCEPT:
        service.started(store, request_id)
        return Verdict.PASS
    if kind == MessageType.JOB_REJECT:
        if state != State.DELIVERING:
            raise _no("gate.not-running", "The task that it belongs to is not one that the pod may answer now.")
        return _last(store, clock, row, message, Event.FAILED, "The pod did not accept the task")
    if kind == MessageType.LOG_MESSAGE and state == State.DELIVERING:
        return Verdict.PASS  # the words of a refusal come before it, and nothing was computed yet
    if state != State.RUNNING:
        raise _not_running()
    if kind == MessageType.EVALUATION_RESULTS:
        return _results(store, clock, row, message, digest)
    if kind == MessageType.BATCHES_COMPLETE:
        return _last(store, clock, row, message, Event.FINISHED, "Finished: the results were passed on")
    if kind == MessageType.TASK_ABORT:
        return _aborted(store, clock, row, message)
    if kind in PHASES:
        return Verdict.PASS
    raise _no("gate.type-not-allowed", f"A message of the type {type_name(kind)} was not part of the decision.")


def must_run(store: Store, task_id: str) -> None:
    """For what only a running task may do. Raises Refused (`gate.not-running`)."""
    row = service.by_task(store, task_id)
    if row is None or row.state != State.RUNNING:
        raise _not_running()


def _last(
    store: Store,
    clock: Clock,
    row: Row[Any],
    message: pb.BitfountMessage,
    event: Event,
    words: str,
    facts: Mapping[str, str] | None = None,
) -> Verdict:
    """The pod's last word. It is kept with the end of the task, so that a crash cannot leave the requester waiting."""
    wire = message.SerializeToString()
    if not service.ended(store, clock, row.id, event, words, last_message=wire, facts=facts):
        raise _not_running()
    return Verdict.OWED


def _results(store: Store, clock: Clock, row: Row[Any], message: pb.BitfountMessage, digest: str) -> Verdict:
    used = resources_consumed(message)
    request_id = row.id
    body = {
        "bytes": len(message.body),
        "sha256": digest,
        "consumed": [[stranger(name), amount] for name, amount in used],
    }
    facts: list[dict[str, str | float]] = []
    with store.record(Fact(GATE, "request.result", request_id, body)) as unit:
        now = unit.connection.execute(select(request.c.state).where(request.c.id == request_id)).scalar_one()
        if now != State.RUNNING:  # it was stopped while this result was on its way
            raise _not_running()
        untold = limits.limited(unit.connection, request_id) - {resource for resource, _amount in used}
        if untold:
            unit.note(withheld=True)
            words = _untold_words(min(untold))
            service.end(unit, clock, request_id, Event.STOPPED, "Stopped: the result did not tell its use", abort=words)
            return Verdict.STOP
        exceeded: tuple[str, Metered] | None = None
        # what would exceed a limit is taken back whole: use that did not leave the pod is not counted
        with unit.connection.begin_nested() as counted:
            for resource, amount in used:
                metered = limits.meter(
                    unit,
                    request_id=request_id,
                    task_id=row.task_id,
                    network=row.network,
                    project=row.project,
                    resource=resource,
                    amount=amount,
                    requester=row.requester,
                    message_digest=digest,
                    at=clock.now(),
                )
                if metered.exceeded:
                    exceeded = resource, metered
                    break
                if metered.counted:
                    facts.append({"resource": stranger(resource), "amount": amount, "used": metered.used_after})
            if exceeded is not None:
                counted.rollback()
        if exceeded is not None:
            words = _exceeded_words(*exceeded)
            unit.note(withheld=True)
            service.end(
                unit, clock, request_id, Event.STOPPED, "Stopped: the result would exceed the limit", abort=words
            )
            return Verdict.STOP
        for fact in facts:
            unit.also(Fact(GATE, "limit.used", str(fact["resource"]), {"request": request_id, **fact}))
    return Verdict.PASS


def _untold_words(resource: str) -> str:
    return (
        f"Stopped by the data custodian's gate: this result does not say how many inferences of {stranger(resource)} "
        "it used, and their number is limited. It was not passed on."
    )


def _exceeded_words(resource: str, metered: Metered) -> str:
    return (
        f"Stopped by the data custodian's gate: this result would bring the use of {stranger(resource)} to "
        f"{metered.used_after:g} inferences, and the limit is {metered.limit:g}. It was not passed on."
    )


def _aborted(store: Store, clock: Clock, row: Row[Any], message: pb.BitfountMessage) -> Verdict:
    reason = reason_of(message)
    if reason is Reason.LIMITS_EXCEEDED:
        words = "Stopped in the pod: the inference limit was reached"
        return _last(store, clock, row, message, Event.STOPPED, words)
    name = reason.name if reason is not None else "no reason"
    words = f"The pod ended the task early ({name})"
    return _last(store, clock, row, message, Event.FAILED, words, {"reason": name})


def _not_running() -> Refused:
    return _no("gate.not-running", "The task that it belongs to does not run.")


def _no(code: str, why: str) -> Refused:
    return Refused(code, "A message of the pod was not let out.", why, "Restart the pod if this comes again.")
