"""From the network into the store: poll, resolve, keep, and only then acknowledge.

A crash at any point loses nothing: what was not kept was not acknowledged and comes again; what comes again is
recognised by its task and kept once.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime

from anyio import to_thread

from podadmin.core.canon import canonical
from podadmin.core.clock import unstamp
from podadmin.core.errors import BadInput, PodadminError, Refused, Unavailable
from podadmin.gate.flows import window_of
from podadmin.gate.ports import Ports, Seen
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.references import download, reference_in
from podadmin.networks.bitfount.types import TRIGGERS, type_name
from podadmin.requests import service
from podadmin.requests.service import Captured

DOWNLOAD_SECONDS = 15.0
FIRST_UNKNOWN_TYPE = 40
log = logging.getLogger("podadmin.gate")


def is_trigger(message_type: int) -> bool:
    """Does this type make a pod start work, or might it in a version that is not known here?"""
    return message_type in TRIGGERS or message_type >= FIRST_UNKNOWN_TYPE


async def take(ports: Ports, client: MessageServiceClient, message: pb.BitfountMessage, seen: Seen) -> str | None:
    """Keep one message of the pod's own mailbox and acknowledge it; the id of the new request, None for none.

    Raises PodadminError where it could not be kept: it was not acknowledged then, and the network sends it again.
    """
    if not is_trigger(message.messageType):
        log.info("dropped a %s that no pod waits for", type_name(message.messageType))
        seen.count("dropped")
        await client.acknowledge(message.recipientMailboxId, message.receiptHandle)
        return None
    captured = await _resolve(ports, message)
    request_id = await to_thread.run_sync(service.capture, ports.store, ports.clock, captured)
    await client.acknowledge(message.recipientMailboxId, message.receiptHandle)
    seen.count("captured" if request_id else "repeated")
    return request_id


async def _resolve(ports: Ports, message: pb.BitfountMessage) -> Captured:
    body, problem = message.body, None
    cap = ports.numbers.largest_request()
    reference = reference_in(message.body)
    if reference is not None:
        try:
            body = await download(reference, ports.upstream.references, cap, DOWNLOAD_SECONDS)
        except BadInput as error:
            # larger than allowed: what it says is kept, the bytes behind it are not
            problem = error if error.code != "reference.too-big" else _too_big(cap)
        except Refused as error:
            problem = error
        except Unavailable as error:
            if error.code != "reference.gone":
                raise
            # asking again would bring nothing, and the message would come back for ever
            problem = error
    elif len(body) > cap:
        body, problem = b"", _too_big(cap)
    wire = message
    if problem is not None and len(message.body) > cap:
        wire = pb.BitfountMessage()
        wire.CopyFrom(message)
        wire.body = b""
    return Captured(
        network=ports.upstream.kind,
        task_id=message.taskId or _nameless(message),
        type=message.messageType,
        sender=message.sender,
        wire=wire.SerializeToString(),
        body=body,
        body_digest=hashlib.sha256(body or message.body).hexdigest(),
        sent_at=_sent_at(message),
        window=window_of(message.messageType, ports.numbers.window()),
        problem=problem,
    )


def _nameless(message: pb.BitfountMessage) -> str:
    """A name for a message that belongs to no task: the same one each time it comes, and another for another."""
    parts = (message.sender, message.recipient, message.timestamp, message.body.hex())
    return "none:" + hashlib.sha256(canonical(parts).encode()).hexdigest()


def _sent_at(message: pb.BitfountMessage) -> datetime | None:
    try:
        return unstamp(message.timestamp)
    except (ValueError, OverflowError):
        return None


def _too_big(cap: int) -> PodadminError:
    return BadInput(
        "request.too-big",
        "The request is larger than you allow and was not opened.",
        f"It has more than {cap} bytes.",
        "Raise “Largest request” in the settings if you expect such requests, and ask for it to be sent again.",
    )
