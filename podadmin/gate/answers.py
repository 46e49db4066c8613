"""What is owed to requesters: a refusal with the custodian's words, a hold with its reference, a stop, and the word
with which the pod has ended a task.

Sent until it was sent once: a crash between sending and recording sends it again, which a requester's software shows
as the same answer twice and nothing else.
"""

from __future__ import annotations

import logging
from typing import Final

from anyio import to_thread

from podadmin.core.errors import PodadminError, Unavailable
from podadmin.gate import results
from podadmin.gate.outgoing import PASSED, STRIPPED, Outgoing
from podadmin.gate.ports import Ports
from podadmin.gate.sessions import Sessions
from podadmin.gate.words import MOST_LAST
from podadmin.networks.bitfount import codec, messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.types import MessageType, PodResponseType, Reason
from podadmin.requests import service

_WHY: Final = {PASSED: "", STRIPPED: "What the error of a program said was left out."}
_OWN: Final = "The gate's own word."
log = logging.getLogger("podadmin.gate")


async def send_due(ports: Ports, client: MessageServiceClient, sessions: Sessions, outgoing: Outgoing) -> int:
    """Send every answer that is owed; how many were. One that cannot be sent now stays owed.

    `outgoing` hears of every message that went.
    """
    sent = 0
    behind = await to_thread.run_sync(results.on_their_way, ports.store)
    for request_id, kind, words in await to_thread.run_sync(service.answers_due, ports.store):
        if request_id in behind:
            continue  # the last word of a task would reach its requester before a result that may go
        problem, said, outcome = "", "", PASSED
        try:
            composed = await to_thread.run_sync(_compose, ports, sessions, request_id, kind, words)
            if kind == "pass":
                said = await to_thread.run_sync(_said, sessions, request_id, composed[0])
                if ports.numbers.hide_errors():
                    plain = await to_thread.run_sync(_without_errors, sessions, request_id, composed[0])
                    outcome = PASSED if plain is composed[0] else STRIPPED
                    composed = [plain]
            for message in composed:
                await client.send(message)
                outgoing.note(message, outcome, _WHY[outcome] if kind == "pass" else _OWN)
        except Unavailable as error:
            log.info("an answer waits: %s", error.code)
            continue
        except PodadminError as error:
            # it can never be sent: no session key, no mailbox, or a task that the network has forgotten
            problem = error.code
        await to_thread.run_sync(service.answered, ports.store, request_id, kind, problem, said)
        sent += 1
    return sent


def _said(sessions: Sessions, request_id: str, message: pb.BitfountMessage) -> str:
    """Why the pod ended a task, in the words that its requester gets; empty where it gave none that can be read."""
    try:
        value = codec.open_session(sessions.of(request_id), message.body)
        if int(message.messageType) == MessageType.JOB_REJECT:
            return "; ".join(text for texts in messages.reject_texts(value).values() for text in texts)
    except PodadminError as error:
        log.info("the pod's last word cannot be shown: %s", error.code)
        return ""
    told = value.get("message") if isinstance(value, dict) else None
    return told if isinstance(told, str) and int(message.messageType) == MessageType.TASK_ABORT else ""


def _without_errors(sessions: Sessions, request_id: str, message: pb.BitfountMessage) -> pb.BitfountMessage:
    """The pod's last word without what an error of a program says: its text and its trace can quote data.

    A word that cannot be opened is sent without any: what nobody can read here is not let out in its place.
    """
    if int(message.messageType) != MessageType.TASK_ABORT:
        return message
    told = messages.reason_of(message)
    neutral: dict[str, object] = {"message": "The task ended with an error in the pod. Its custodian can see which."}
    if told is not None:
        neutral["message"] = f"The pod ended the task ({told.name})."
        neutral["reason"] = told.name
    try:
        value = codec.open_session(sessions.of(request_id), message.body)
    except PodadminError as error:
        log.info("the pod's last word was not opened and is sent in neutral words: %s", error.code)
        value = None
    if isinstance(value, dict) and not set(value) - {"message", "reason"} and _is_sentence(value.get("message")):
        return message  # the words of the pod's own, without an error in them
    changed = messages.with_body(message, codec.seal_session(sessions.of(request_id), neutral))
    if changed.messageMetadata.HasField("taskNotification"):
        changed.messageMetadata.ClearField("taskNotification")
    return changed


def _is_sentence(words: object) -> bool:
    """Is it no longer than what a pod says by itself? A page of text can be a page of records."""
    return words is None or (isinstance(words, str) and len(words) <= MOST_LAST)


def _compose(ports: Ports, sessions: Sessions, request_id: str, kind: str, words: str) -> list[pb.BitfountMessage]:
    if kind == "pass":
        return [pb.BitfountMessage.FromString(service.last_message_of(ports.store, request_id))]
    sealed = service.bytes_of(ports.store, request_id)
    route = messages.route_of(pb.BitfountMessage.FromString(sealed.wire))
    key = sessions.of(request_id)
    now = ports.clock.now()
    if kind == "abort":
        reason = Reason.LIMITS_EXCEEDED if "limit" in words else Reason.WORKER_ERROR
        return [messages.task_abort(route, key, now, words, reason)]
    # a requester's software drops the words of a refusal and shows those of a log message (gate contract, 3.4)
    return [
        messages.log_message(route, key, now, words),
        messages.job_reject(route, key, now, PodResponseType.UNAUTHORISED, [words]),
    ]
