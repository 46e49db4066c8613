"""What was seen and let go, or waited only for its turn, on its way to the requester: in its order, once.

What the network does not take now is tried again, after longer and longer pauses; what it refuses for good is given up,
and written down with the reason, so that nobody believes that it has left.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from anyio import to_thread

from podadmin.core.errors import PodadminError, Refused
from podadmin.gate import egress, results
from podadmin.gate.ports import Ports
from podadmin.gate.uploads import changed, gone
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import rpc
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.messages import SMALL_BODY
from podadmin.networks.bitfount.references import reference_in
from podadmin.networks.bitfount.types import MessageType

PAUSE_FIRST: Final = 0.5
PAUSE_MOST: Final = 60.0
"""Seconds until what could not go is tried again: twice as long after each time. A large body is uploaded each time."""
_NEVER: Final = frozenset(
    {
        "network.mailbox-gone",
        "network.nothing-there",
        "network.not-let",
        "network.refused-as-wrong",
        "gate.nothing-uploaded",
        "gate.upload-changed",
        "gate.upload-gone",
    }
)
"""Who waited for it has gone, the network will have no part of it, or it is not there any more as it was judged."""
log = logging.getLogger("podadmin.gate")


@dataclass
class _Pause:
    """Of the results of one request, which have not gone."""

    until: float
    seconds: float


class LettingGo:
    """Use it inside the gate's loop. `nudge` is called when something follows from what was recorded."""

    def __init__(self, ports: Ports, client: MessageServiceClient, nudge: Callable[[], None]) -> None:
        self._ports = ports
        self._client = client
        self._nudge = nudge
        self._pauses: dict[str, _Pause] = {}

    async def send_due(self) -> None:
        """Send what may go; the last word of a task ends it. Who has left gets nothing.

        Raises the first error of what could not go now: it keeps only what follows it in its own task.
        """
        stuck: set[str] = set()
        first: PodadminError | None = None
        due = await to_thread.run_sync(results.released, self._ports.store)
        open_still = {each.request_id for each in due}
        self._pauses = {name: pause for name, pause in self._pauses.items() if name in open_still}
        for each in due:
            pause = self._pauses.get(each.request_id)
            if each.request_id in stuck or (pause is not None and pause.until > self._ports.clock.monotonic()):
                continue
            try:
                await self._let_go(each)
                self._pauses.pop(each.request_id, None)
            except PodadminError as error:
                stuck.add(each.request_id)
                first = first or error
                if not error.code.startswith("store."):
                    self._pause(each.request_id)
        if first is not None:
            raise first

    def _pause(self, request_id: str) -> None:
        before = self._pauses.get(request_id)
        seconds = PAUSE_FIRST if before is None else min(before.seconds * 2, PAUSE_MOST)
        self._pauses[request_id] = _Pause(self._ports.clock.monotonic() + seconds, seconds)

    async def _let_go(self, each: results.Waiting) -> None:
        store, message = self._ports.store, pb.BitfountMessage.FromString(each.wire)
        if int(message.messageType) == MessageType.BATCHES_COMPLETE:
            try:
                await to_thread.run_sync(egress.judge, store, self._ports.clock, message, "")
            except Refused as error:
                log.info("a task had ended before its last word was let go: %s", error.code)
            await to_thread.run_sync(results.sent, store, each, None)
        else:
            try:
                went = await self._send(each, message)
                if went is None:
                    return
                await to_thread.run_sync(results.sent, store, each, went)
            except PodadminError as error:
                if error.code not in _NEVER:
                    raise
                log.warning("a result that was let go reaches nobody: %s", error.code)
                await to_thread.run_sync(results.given_up, store, each, error)
        self._nudge()

    async def _send(self, each: results.Waiting, message: pb.BitfountMessage) -> results.Went | None:
        """A large body goes to the object store first, from here, into room that is asked for now.

        None where the message was withheld meanwhile: nobody knows then where the body lies.
        """
        url = reference_in(message.body)
        own = results.Went(len(message.body), hashlib.sha256(message.body).hexdigest())
        if url is None and len(message.body) <= SMALL_BODY:
            await self._client.call_raw(rpc.SEND.name, each.wire)
            return own
        if url is None:
            references = self._ports.upstream.references
            put_by = await self._client.put_by(message, message.body, len(message.body), references)
        else:
            own, put_by = await self._uploaded(each, message, url)
        if not await to_thread.run_sync(results.may_go, self._ports.store, each.id):
            return None
        await self._client.send(put_by)
        return own

    async def _uploaded(
        self, each: results.Waiting, message: pb.BitfountMessage, url: str
    ) -> tuple[results.Went, pb.BitfountMessage]:
        """The body that lies here is in the object store, and is the one that was judged. Raises Refused
        (`gate.upload-gone`, `gate.upload-changed`); then nobody is told where it lies.
        """
        references, uploads = self._ports.upstream.references, self._ports.upstream.rooms.uploads
        found = await to_thread.run_sync(uploads.of, url, each.request_id) if uploads is not None else None
        if uploads is None or found is None:
            raise gone()
        with uploads.opened(found) as body:
            put_by = await self._client.put_by(message, body, found.size or 0, references)
            went = results.Went(found.size or 0, body.digest)
        # what an older podadmin took has no digest in its name, and is listed with that of its address
        if found.digest and went.digest != each.digest:
            raise changed()
        return went, put_by
