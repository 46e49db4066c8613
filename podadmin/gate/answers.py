"""What is owed to requesters: a refusal with the custodian's words, a hold with its reference, a stop, and the word
with which the pod has ended a task.

Sent until it was sent once: a crash between sending and recording sends it again, which a requester's software shows
as the same answer twice and nothing else.
"""

from __future__ import annotations

import logging

from anyio import to_thread

from podadmin.core.errors import PodadminError, Unavailable
from podadmin.gate.ports import Ports
from podadmin.gate.sessions import Sessions
from podadmin.networks.bitfount import messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.types import PodResponseType, Reason
from podadmin.requests import service

log = logging.getLogger("podadmin.gate")


async def send_due(ports: Ports, client: MessageServiceClient, sessions: Sessions) -> int:
    """Send every answer that is owed; how many were. One that cannot be sent now stays owed."""
    sent = 0
    for request_id, kind, words in await to_thread.run_sync(service.answers_due, ports.store):
        problem = ""
        try:
            for message in await to_thread.run_sync(_compose, ports, sessions, request_id, kind, words):
                await client.send(message)
        except Unavailable as error:
            log.info("an answer waits: %s", error.code)
            continue
        except PodadminError as error:
            # it can never be sent: no session key, no mailbox, or a task that the network has forgotten
            problem = error.code
        await to_thread.run_sync(service.answered, ports.store, request_id, kind, problem)
        sent += 1
    return sent


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
