"""What leaves the pod, message by message: which may pass, what it does to the request, what it costs.

One transaction for each message, before it goes on. A message whose effect could not be recorded does not pass.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from sqlalchemy import Row, select

from podadmin.core.clock import Clock
from podadmin.core.errors import BadInput, Refused
from podadmin.core.text import stranger
from podadmin.gate.outgoing import WITHHELD, Left, left_of, put
from podadmin.limits import service as limits
from podadmin.limits.alarms import Kind
from podadmin.limits.model import Key
from podadmin.limits.service import Metered, Task
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.messages import reason_of, resources_consumed
from podadmin.networks.bitfount.types import MessageType, Reason, type_name
from podadmin.requests import service
from podadmin.requests.records import request
from podadmin.requests.service import GATE
from podadmin.requests.state import Event, State
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

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


BEFORE_ACCEPTING = frozenset({MessageType.OIDC_CHALLENGE, MessageType.ONLINE_CHECK, MessageType.ONLINE_RESPONSE})
"""What a real pod says before it accepts a task: it asks for a log-in (bitfount contract, section 6.1)."""
_TRAINS = ("Federated", "Training")
_EXTRACTS = ("DataExtraction", "Screening")
CARRYING: Mapping[MessageType, tuple[str, ...]] = {
    MessageType.TRAINING_UPDATE: _TRAINS,
    MessageType.TRAINING_COMPLETE: _TRAINS,
    MessageType.TRAINING_METRICS: _TRAINS,
    MessageType.MODEL_PARAMETERS: _TRAINS,
    MessageType.ALGORITHM_EXCHANGE: _TRAINS,
    MessageType.SECURE_SHARE: _TRAINS,
    MessageType.KEY_EXCHANGE: _TRAINS,
    MessageType.WORKER_REQUEST: _EXTRACTS,
    MessageType.TRANSFER_RECEIPT: _EXTRACTS,
    MessageType.ONLINE_RESPONSE: ("",),
}
"""Messages that carry something, and in the names of which protocols one of these words stands that send them
(bitfount contract, sections 5.1 and 9.1)."""

_TO_OTHER_PODS = frozenset({MessageType.SECURE_SHARE, MessageType.KEY_EXCHANGE, MessageType.ONLINE_RESPONSE})
_MOST_NUMBER = 2**63 - 1
"""The greatest number that a record can hold; a message may carry a greater one."""
_LAST = frozenset({MessageType.JOB_REJECT, MessageType.BATCHES_COMPLETE, MessageType.TASK_ABORT})
_ENDED = frozenset({State.FINISHED, State.STOPPED, State.FAILED, State.INTERRUPTED})


class Verdict(Enum):
    """PASS: let it out. STOP: it stays here, and the pod is told to stop. OWED: it is kept and sent as an answer.
    TOLD: it stays here; the requester has heard from the gate, and the pod is let end in peace.
    """

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    STOP = "stop"
    OWED = "owed"
    TOLD = "told"


def judge(
    store: Store,
    clock: Clock,
    message: pb.BitfountMessage,
    digest: str,
    warn_at: float = limits.WARN_AT,
    *,
    foreign: bool = False,
    left: Left | None = None,
) -> Verdict:
    """Record what a message of the pod means and say whether it may leave.

    `digest` is the SHA-256 of its body, wherever that lies: a message that is sent again is counted once. `warn_at`:
    the part of a limit from which on the journal tells that it is nearly reached. `foreign`: the pod is the network's
    own software, which has more to say than the built-in worker. `left` is what a result was found to hold, and whether
    it is held: it is written down in the same transaction. Raises Refused (`gate.unknown-task`, `gate.not-running`,
    `gate.type-not-allowed`, `gate.other-recipient`, `request.not-to-start`) where it may not; use that such a message
    tells is an alarm.
    """
    row = service.by_task(store, message.taskId)
    if row is None:
        _tell_undelivered(store, clock, message, row)
        raise _no("gate.unknown-task", "It belongs to no task that was delivered.")
    kind, request_id, state = int(message.messageType), row.id, row.state
    _to_its_task(store, row, message)
    if kind == MessageType.JOB_ACCEPT:
        service.started(store, request_id, hashlib.sha256(message.SerializeToString()).hexdigest())
        if state in {State.DELIVERING, State.RUNNING}:
            return Verdict.PASS
        # said again, because its answer was lost, and the task was ended in between: as any other word of it
    if kind in _LAST and state in _ENDED and service.last_message_of(store, request_id) == message.SerializeToString():
        return Verdict.OWED  # said again, because its answer was lost with a gate that was killed
    if kind == MessageType.JOB_REJECT:
        if state != State.DELIVERING:
            raise _no("gate.not-running", "The task that it belongs to is not one that the pod may answer now.")
        return _last(store, clock, row, message, Event.FAILED, "The pod did not accept the task")
    if kind == MessageType.LOG_MESSAGE and state == State.DELIVERING:
        return Verdict.PASS  # the words of a refusal come before it, and nothing was computed yet
    if foreign and row.type == MessageType.JOB_REQUEST_FROM_HUB and state == State.FINISHED:
        return Verdict.PASS  # sealed for the hub alone: what was decided is that it runs
    if foreign and state == State.STOPPED:
        return Verdict.TOLD
    if foreign and state == State.DELIVERING and kind in BEFORE_ACCEPTING:
        return Verdict.PASS
    if state != State.RUNNING:
        _tell_undelivered(store, clock, message, row)
        raise _not_running()
    if kind == MessageType.EVALUATION_RESULTS:
        return _results(store, clock, row, message, digest, warn_at, left)
    if kind == MessageType.BATCHES_COMPLETE:
        return _last(store, clock, row, message, Event.FINISHED, "Finished: the results were passed on")
    if kind == MessageType.TASK_ABORT:
        return _aborted(store, clock, row, message)
    if kind in PHASES:
        return Verdict.PASS
    if foreign and kind in CARRYING:
        return _carried(store, row, message, digest, left if left is not None else left_of(message, clock.now()))
    raise _no("gate.type-not-allowed", f"A message of the type {type_name(kind)} was not part of the decision.")


def _carried(store: Store, row: Row[Any], message: pb.BitfountMessage, digest: str, left: Left) -> Verdict:
    """What a task of this protocol sends beside results. It is told in the journal as they are; others send nothing."""
    kind = int(message.messageType)
    runs = str((service.find(store, row.id).findings.get("protocol") or {}).get("class_name", "")).rpartition(".")[2]
    if runs and not any(part in runs for part in CARRYING[MessageType(kind)]):
        raise _no("gate.type-not-allowed", f"A message of the type {type_name(kind)} was not part of the decision.")
    body = {"bytes": left.size, "sha256": digest, "type": type_name(kind)}
    with store.record(Fact(GATE, "request.sent", row.id, body)) as unit:
        now = unit.connection.execute(select(request.c.state).where(request.c.id == row.id)).scalar_one()
        if now != State.RUNNING:
            raise _not_running()
        put(unit, row.id, left)
    return Verdict.PASS


def _to_its_task(store: Store, row: Row[Any], message: pb.BitfountMessage) -> None:
    """What a task says goes where its request came from, or where it is meant for them, to the other pods of the same
    task; what the worker runs cannot send it elsewhere.
    """
    if row.type != MessageType.JOB_REQUEST:
        return
    asked = pb.BitfountMessage.FromString(service.wire_of(store, row.id))
    others = set(asked.podMailboxIds.values()) if int(message.messageType) in _TO_OTHER_PODS else set()
    if message.recipientMailboxId not in others | {asked.senderMailboxId}:
        raise _no("gate.other-recipient", "It is addressed to somebody else than the requester of its task.")


def must_run(store: Store, task_id: str) -> str:
    """For what only a running task may do; its request. Raises Refused (`gate.not-running`)."""
    row = service.by_task(store, task_id)
    if row is None or row.state != State.RUNNING:
        raise _not_running()
    return str(row.id)


def must_still_run(store: Store, request_id: str) -> None:
    """`must_run` by the request. Raises Refused (`gate.not-running`)."""
    if service.find(store, request_id).row.state != State.RUNNING:
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


def _results(
    store: Store,
    clock: Clock,
    row: Row[Any],
    message: pb.BitfountMessage,
    digest: str,
    warn_at: float,
    left: Left | None,
) -> Verdict:
    task = Task(row.id, row.task_id, row.network, row.project, row.requester, row.datasource)
    used = consumed(message)
    if used is None:
        _tell_odd(store, clock, task)
        raise BadInput(
            "message.odd-amount",
            "A result says that it used an amount that cannot be.",
            "Amounts are numbers from zero up.",
            "It is not counted. Look at the software that computed the result.",
        )
    number = min(message.sequenceNumber, _MOST_NUMBER)
    body = {
        "bytes": left.size if left is not None else len(message.body),
        "sha256": digest,
        "number": number,
        "consumed": [[stranger(name), amount] for name, amount in used.items()],
    }
    with store.record(Fact(GATE, "request.result", row.id, body)) as unit:
        now = unit.connection.execute(select(request.c.state).where(request.c.id == row.id)).scalar_one()
        if now != State.RUNNING:  # it was stopped while this result was on its way
            raise _not_running()
        stop = _untold(unit, clock, task, used)
        if stop is None:
            counted = limits.meter_message(
                unit, task, used, message_digest=digest, sequence=number, at=clock.now(), warn_at=warn_at
            )
            stop = _stopped_by(unit, clock, task, used, counted, digest)
            if stop is None:
                _tell_use(unit, task, used, counted)
                if left is not None:
                    put(unit, row.id, left)
                return Verdict.PASS
        unit.note(withheld=True)
        if left is not None:
            put(unit, row.id, replace(left, outcome=WITHHELD, why=stop.why, result_id=""))
        service.end(unit, clock, row.id, Event.STOPPED, stop.why, abort=stop.words)
    return Verdict.STOP


@dataclass(frozen=True)
class _Stop:
    """`why` for the custodian, `words` for the requester."""

    why: str
    words: str


def consumed(message: pb.BitfountMessage) -> dict[str, float] | None:
    """What a message says was used, added up by model; None where it says something that cannot be."""
    try:
        told = resources_consumed(message)
    except BadInput:
        return None
    used: dict[str, float] = {}
    for name, amount in told:
        used[name] = used.get(name, 0.0) + amount
    return used if all(math.isfinite(amount) for amount in used.values()) else None


def _untold(unit: Unit, clock: Clock, task: Task, used: Mapping[str, float]) -> _Stop | None:
    """Something limited was promised to the task, and the result does not say how much of it was used."""
    untold = limits.limited(unit.connection, task.request_id, now=clock.now()) - set(used)
    return _Stop("Stopped: the result did not tell its use", _untold_words(min(untold))) if untold else None


def _stopped_by(
    unit: Unit,
    clock: Clock,
    task: Task,
    used: Mapping[str, float],
    counted: Sequence[tuple[str, Metered]],
    digest: str,
) -> _Stop | None:
    """What is wrong with a result by what it would bring the meters to. Then nothing of it was counted."""
    stopping = [each for each in counted if each[1].stops]
    if not stopping:
        return None
    resource, metered = next((each for each in stopping if each[1].exceeded), stopping[0])
    key = Key(task.network, task.project, resource)
    if metered.exceeded:
        _alarm(unit, clock, Kind.OVERRUN, key, task, metered.used_after, digest, limit=metered.limit)
        return _Stop("Stopped: the result would exceed the limit", _exceeded_words(resource, metered))
    _alarm(unit, clock, Kind.UNKNOWN_MODEL, key, task, used[resource], task.request_id)
    return _Stop(
        "Stopped: the result used a model that nobody decided on",
        f"Stopped by the data custodian's gate: this result used {stranger(resource)}, which was not part of the "
        "decision. It was not passed on.",
    )


def _tell_use(unit: Unit, task: Task, used: Mapping[str, float], counted: Sequence[tuple[str, Metered]]) -> None:
    for resource, metered in counted:
        if metered.counted:
            fact = {"request": task.request_id, "resource": stranger(resource), "amount": used[resource]}
            unit.also(Fact(GATE, "limit.used", stranger(resource), {**fact, "used": metered.used_after}))


def _tell_odd(store: Store, clock: Clock, task: Task) -> None:
    """A result tells an amount that is no number of inferences. Once for each task: the pod may say it again."""
    key = Key(task.network, task.project, "")
    with store.read() as connection:
        if limits.is_known_alarm(connection, Kind.BACKWARDS, key, (task.request_id,)):
            return
    with store.record(Fact(GATE, "gate.odd-use", task.request_id)) as unit:
        _alarm(unit, clock, Kind.BACKWARDS, key, task, 0.0, task.request_id)


def _tell_undelivered(store: Store, clock: Clock, message: pb.BitfountMessage, row: Row[Any] | None) -> None:
    """Use that is told for a task that does not run: somebody let the pod work without a decision."""
    used = consumed(message)
    told = {"": 0.0} if used is None else {name: amount for name, amount in used.items() if amount > 0}
    if row is not None and row.state in _ENDED:
        return  # a result that was on its way when its task ended
    network, project = (row.network, row.project) if row is not None else ("", "")
    request_id = row.id if row is not None else ""
    for resource, amount in sorted(told.items()):
        key = Key(network, project, resource)
        with store.read() as connection:
            if limits.is_known_alarm(connection, Kind.NOT_DELIVERED, key, (message.taskId,)):
                continue
        fact = Fact(GATE, "gate.undelivered-use", stranger(resource), {"task": stranger(message.taskId)})
        with store.record(fact) as unit:
            limits.raise_alarm(
                unit,
                Kind.NOT_DELIVERED,
                key,
                request_id=request_id,
                task_id=message.taskId,
                amount=amount,
                at=clock.now(),
                occasion=(message.taskId,),
            )


def _alarm(
    unit: Unit,
    clock: Clock,
    kind: Kind,
    key: Key,
    task: Task,
    amount: float,
    occasion: str,
    limit: float | None = None,
) -> None:
    limits.raise_alarm(
        unit,
        kind,
        key,
        request_id=task.request_id,
        task_id=task.task_id,
        amount=amount,
        limit=limit,
        at=clock.now(),
        occasion=(occasion,),
    )


def _untold_words(resource: str) -> str:
    return (
        f"Stopped by the data custodian's gate: this result does not say how many inferences of {stranger(resource)} "
        "it used, and their number is limited. It was not passed on."
    )


def _exceeded_words(resource: str, metered: Metered) -> str:
    whose = "the custodian's own limit" if metered.by_own else "the limit"
    return (
        f"Stopped by the data custodian's gate: this result would bring the use of {stranger(resource)} to "
        f"{metered.used_after:.15g} inferences, and {whose} is {metered.limit:.15g}. It was not passed on."
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
