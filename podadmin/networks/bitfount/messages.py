"""Messages of a task, built and read. A message is addressed by a Route and sealed with the session key of the task.

The order of a good task: JOB_ACCEPT, PREPARING_DATA, CONFIGURING_TASK, NUMBER_OF_BATCHES, TASK_START (pod), TASK_START
(requester), EVALUATION_RESULTS, BATCHES_COMPLETE, TASK_COMPLETE (requester) (gate contract, section 2.1).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from podadmin.core.clock import stamp
from podadmin.core.errors import BadInput
from podadmin.core.secret import Secret
from podadmin.networks.bitfount import codec
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.types import MessageType, PodResponseType, Reason

SMALL_BODY = 128 * 1024
"""Bytes. A body above this goes to the object store, and the message carries its address."""

BATCHES_COMPLETE_BODY = "TASK_COMPLETE"


@dataclass(frozen=True)
class Route:
    """Between whom the messages of one task go. `pod_mailbox` is the pod's mailbox for this task."""

    pod_identifier: str
    pod_mailbox: str
    requester: str
    requester_mailbox: str
    task_id: str


@dataclass(frozen=True)
class AlgorithmPlace:
    """Which algorithm and batch produced results. Batches count from 1, algorithms from 0."""

    name: str
    index: int = 0
    total: int = 1
    batch: int = 1
    batches: int = 1


def route_of(trigger: pb.BitfountMessage) -> Route:
    """Where the answers to a trigger go. Raises BadInput `message.no-route`."""
    mailbox = trigger.podMailboxIds.get(trigger.recipient, "")
    if not (mailbox and trigger.recipient and trigger.sender and trigger.senderMailboxId and trigger.taskId):
        raise BadInput(
            "message.no-route",
            "The request does not say where its answer goes.",
            "A mailbox, a name or the number of the task is missing in the message.",
            "It cannot be answered. Ask the requester to send the request again.",
        )
    return Route(trigger.recipient, mailbox, trigger.sender, trigger.senderMailboxId, trigger.taskId)


def from_pod(
    route: Route,
    kind: MessageType,
    key: Secret[bytes],
    value: codec.Value,
    at: datetime,
    sequence: int | None = None,
) -> pb.BitfountMessage:
    """Any message of the pod to the requester. `sequence` counts from 1 within a task."""
    return pb.BitfountMessage(
        messageType=kind.value,  # type: ignore[arg-type]  # the stub wants its own enum, whose numbers these are
        body=codec.seal_session(key, value),
        recipient=route.requester,
        recipientMailboxId=route.requester_mailbox,
        sender=route.pod_identifier,
        senderMailboxId=route.pod_mailbox,
        timestamp=stamp(at),
        taskId=route.task_id,
        sequenceNumber=sequence,
    )


def to_pod(route: Route, kind: MessageType, key: Secret[bytes], value: codec.Value, at: datetime) -> pb.BitfountMessage:
    """Any message of the requester to the pod."""
    return pb.BitfountMessage(
        messageType=kind.value,  # type: ignore[arg-type]
        body=codec.seal_session(key, value),
        recipient=route.pod_identifier,
        recipientMailboxId=route.pod_mailbox,
        sender=route.requester,
        senderMailboxId=route.requester_mailbox,
        timestamp=stamp(at),
        taskId=route.task_id,
    )


# --- what a pod says -------------------------------------------------------------------------------------------------


def job_accept(route: Route, key: Secret[bytes], at: datetime, sequence: int | None = None) -> pb.BitfountMessage:
    """The pod takes the task."""
    return from_pod(route, MessageType.JOB_ACCEPT, key, {"ACCEPT": route.pod_identifier}, at, sequence)


def job_reject(
    route: Route,
    key: Secret[bytes],
    at: datetime,
    response: PodResponseType = PodResponseType.UNAUTHORISED,
    texts: Sequence[str] = (),
    sequence: int | None = None,
) -> pb.BitfountMessage:
    """The pod does not take the task.

    A real requester's software shows the standard text of `response` and drops `texts` (gate contract, section 3.4):
    send a `log_message` with the words first.
    """
    body = {response.name: list(texts) or [response.text]}
    return from_pod(route, MessageType.JOB_REJECT, key, body, at, sequence)


def log_message(
    route: Route,
    key: Secret[bytes],
    at: datetime,
    text: str,
    level: int = logging.ERROR,
    sequence: int | None = None,
) -> pb.BitfountMessage:
    """Words that a requester's software writes into its log."""
    body = {
        "name": "podadmin",
        "msg": text,
        "levelno": level,
        "levelname": logging.getLevelName(level),
        "processName": "MainProcess",
        "threadName": "MainThread",
        "federated": True,
    }
    return from_pod(route, MessageType.LOG_MESSAGE, key, body, at, sequence)


def preparing_data(route: Route, key: Secret[bytes], at: datetime, sequence: int | None = None) -> pb.BitfountMessage:
    return from_pod(route, MessageType.PREPARING_DATA, key, None, at, sequence)


def configuring_task(route: Route, key: Secret[bytes], at: datetime, sequence: int | None = None) -> pb.BitfountMessage:
    return from_pod(route, MessageType.CONFIGURING_TASK, key, None, at, sequence)


def number_of_batches(
    route: Route, key: Secret[bytes], at: datetime, batches: int = 1, sequence: int | None = None
) -> pb.BitfountMessage:
    return from_pod(route, MessageType.NUMBER_OF_BATCHES, key, batches, at, sequence)


def task_start(route: Route, key: Secret[bytes], at: datetime, sequence: int | None = None) -> pb.BitfountMessage:
    """The pod is ready to compute and waits for the requester's own TASK_START."""
    return from_pod(route, MessageType.TASK_START, key, None, at, sequence)


def evaluation_results(
    route: Route,
    key: Secret[bytes],
    at: datetime,
    value: codec.Value,
    used: Sequence[tuple[str, float]] = (),
    place: AlgorithmPlace | None = None,
) -> pb.BitfountMessage:
    """Results, with what computing them used: (`owner/Model:version`, inferences). Carries no sequence number."""
    message = from_pod(route, MessageType.EVALUATION_RESULTS, key, value, at)
    for identifier, amount in used:
        message.messageMetadata.resourcesConsumed.add(resourceIdentifier=identifier, amount=amount)
    if place is not None:
        meta = pb.AlgorithmIdentifierMeta(
            batchNumber=place.batch,
            totalBatches=place.batches,
            algorithmName=place.name,
            algorithmIndex=place.index,
            totalAlgorithms=place.total,
        )
        message.messageMetadata.algorithmIdentifierMeta.CopyFrom(meta)
        message.algorithmIdentifierMeta.CopyFrom(meta)
    return message


def batches_complete(route: Route, key: Secret[bytes], at: datetime, sequence: int | None = None) -> pb.BitfountMessage:
    """All results have been sent."""
    return from_pod(route, MessageType.BATCHES_COMPLETE, key, BATCHES_COMPLETE_BODY, at, sequence)


def task_abort(
    route: Route,
    key: Secret[bytes],
    at: datetime,
    text: str,
    reason: Reason | None = None,
    sequence: int | None = None,
) -> pb.BitfountMessage:
    """The pod ends an accepted task early. A requester's software shows `text`."""
    body: dict[str, object] = {"message": text}
    if reason is not None:
        body["reason"] = reason.name
    message = from_pod(route, MessageType.TASK_ABORT, key, body, at, sequence)
    if reason is not None:
        message.messageMetadata.reason = reason.value  # type: ignore[assignment]
    return message


# --- what a requester says -------------------------------------------------------------------------------------------


def requester_task_start(route: Route, key: Secret[bytes], at: datetime) -> pb.BitfountMessage:
    """The requester is there and wants the computation to begin."""
    return to_pod(route, MessageType.TASK_START, key, None, at)


def task_complete(route: Route, key: Secret[bytes], at: datetime) -> pb.BitfountMessage:
    """The requester has everything; the pod acknowledges it with the deletion of its mailbox."""
    return to_pod(route, MessageType.TASK_COMPLETE, key, None, at)


def task_cancel(route: Route, key: Secret[bytes], at: datetime) -> pb.BitfountMessage:
    """Stop the running task. A gate sends this in the requester's place for the custodian's stop."""
    return to_pod(route, MessageType.TASK_CANCEL, key, None, at)


# --- reading ---------------------------------------------------------------------------------------------------------


def with_reference(message: pb.BitfountMessage, url: str) -> pb.BitfountMessage:
    """A copy of `message` that carries the address of its body instead of the body."""
    changed = pb.BitfountMessage()
    changed.CopyFrom(message)
    changed.body = codec.pack_plain(url)
    return changed


def with_body(message: pb.BitfountMessage, body: bytes) -> pb.BitfountMessage:
    """A copy of `message` with another body: a reference that was fetched and stands inline from now on."""
    changed = pb.BitfountMessage()
    changed.CopyFrom(message)
    changed.body = body
    return changed


def resources_consumed(message: pb.BitfountMessage) -> tuple[tuple[str, float], ...]:
    """What a message says was used: (`owner/Model:version`, inferences), in its order; an absent amount is 0.

    Raises BadInput `message.odd-amount` for amounts that are negative, infinite or not numbers.
    """
    used = tuple((entry.resourceIdentifier, entry.amount) for entry in message.messageMetadata.resourcesConsumed)
    for _, amount in used:
        if not math.isfinite(amount) or amount < 0:
            raise BadInput(
                "message.odd-amount",
                "A result says that it used an amount that cannot be.",
                "Amounts are numbers from zero up.",
                "It is not counted. Look at the software that computed the result.",
            )
    return used


def reason_of(message: pb.BitfountMessage) -> Reason | None:
    """The reason that a message states, or None where it states none or one that this version does not know."""
    if not message.HasField("messageMetadata") or not message.messageMetadata.HasField("reason"):
        return None
    try:
        return Reason(message.messageMetadata.reason)
    except ValueError:
        return None


def reject_texts(value: codec.Value) -> Mapping[str, tuple[str, ...]]:
    """The answers of a JOB_REJECT body: response type name -> texts. Raises BadInput `message.odd-body`."""
    if isinstance(value, dict) and all(
        isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in value.values()
    ):
        return {name: tuple(texts) for name, texts in value.items()}
    raise BadInput(
        "message.odd-body",
        "The refusal of a pod cannot be read.",
        "It does not have the form of one.",
        "Treat the task as refused.",
    )
