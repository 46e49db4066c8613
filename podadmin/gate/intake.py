"""From the network into the store: poll, resolve, keep, and only then acknowledge.

A crash at any point loses nothing: what was not kept was not acknowledged and comes again; what comes again is
recognised by its task and kept once.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
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
AT_ONCE = 16
"""Messages that are in hand: fetched from where they lie, kept, acknowledged."""
log = logging.getLogger("podadmin.gate")


def is_trigger(message_type: int) -> bool:
    """Does this type make a pod start work, or might it in a version that is not known here?"""
    return message_type in TRIGGERS or message_type >= FIRST_UNKNOWN_TYPE


async def take(ports: Ports, client: MessageServiceClient, message: pb.BitfountMessage, seen: Seen) -> str | None:
    """Keep one message of the pod's own mailbox and acknowledge it; the id of the new request, None for none.

    Raises PodadminError where it could not be kept: it was not acknowledged then, and the network sends it again.
    """
    if await _dropped(client, message, seen):
        return None
    captured = await _resolve(ports, message)
    request_id = await to_thread.run_sync(service.capture, ports.store, ports.clock, captured)
    await _acknowledge(client, message, seen, request_id)
    return request_id


class Stream:
    """Messages of one mailbox that come one after another: fetched side by side, kept in their order and together.

    `after` hears what became of them: an error, or whether there is a new request.
    """

    def __init__(
        self,
        ports: Ports,
        client: MessageServiceClient,
        seen: Seen,
        after: Callable[[PodadminError | None, bool], None],
    ) -> None:
        self._ports = ports
        self._client = client
        self._seen = seen
        self._after = after
        self._room = asyncio.Semaphore(AT_ONCE)
        self._under_way: deque[tuple[pb.BitfountMessage, asyncio.Task[Captured]]] = deque()
        self._came = asyncio.Event()

    async def add(self, message: pb.BitfountMessage) -> None:
        """Take a message in hand; waits while there are enough. Raises what the network raises."""
        if await _dropped(self._client, message, self._seen):
            return
        await self._room.acquire()
        self._under_way.append((message, asyncio.create_task(_resolve(self._ports, message))))
        self._came.set()

    async def run(self) -> None:
        """Keep what comes, until cancelled."""
        try:
            while True:
                if not self._under_way:
                    self._came.clear()
                    await self._came.wait()
                await asyncio.wait([self._under_way[0][1]])
                ready = []
                while self._under_way and self._under_way[0][1].done():
                    ready.append(self._under_way.popleft())
                try:
                    await self._keep(ready)
                finally:
                    for _ in ready:
                        self._room.release()
        finally:
            for _message, fetching in self._under_way:
                fetching.cancel()

    async def _keep(self, ready: Sequence[tuple[pb.BitfountMessage, asyncio.Task[Captured]]]) -> None:
        found: list[tuple[pb.BitfountMessage, Captured]] = []
        for message, fetching in ready:
            try:
                found.append((message, fetching.result()))
            except PodadminError as error:
                self._after(error, False)
        if not found:
            return
        store, clock = self._ports.store, self._ports.clock
        try:
            kept = await to_thread.run_sync(service.capture_all, store, clock, [each for _, each in found])
            self._after(None, any(kept))
            for (message, _), request_id in zip(found, kept, strict=True):
                await _acknowledge(self._client, message, self._seen, request_id)
        except PodadminError as error:
            self._after(error, False)


async def _dropped(client: MessageServiceClient, message: pb.BitfountMessage, seen: Seen) -> bool:
    if is_trigger(message.messageType):
        return False
    log.info("dropped a %s that no pod waits for", type_name(message.messageType))
    seen.count("dropped")
    await client.acknowledge(message.recipientMailboxId, message.receiptHandle)
    return True


async def _acknowledge(
    client: MessageServiceClient, message: pb.BitfountMessage, seen: Seen, request_id: str | None
) -> None:
    await client.acknowledge(message.recipientMailboxId, message.receiptHandle)
    seen.count("captured" if request_id else "repeated")


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
