"""What the pod says, before it leaves: each message is held against the request that it belongs to.

No word leaves for a task that was not delivered, no task begins twice, every result is metered before it goes on, and
what has to be seen first stays here. The rules are those of `egress`, `words` and `looking`; here is their order.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from anyio import to_thread

from podadmin.core.errors import PodadminError
from podadmin.gate import egress, results, words
from podadmin.gate.delivery import Deliveries
from podadmin.gate.door import Door
from podadmin.gate.looking import Looking
from podadmin.gate.outgoing import REFUSED, WITHHELD, Left, Outgoing
from podadmin.gate.ports import Ports, Seen
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import rpc
from podadmin.networks.bitfount.client import Metadata
from podadmin.networks.bitfount.types import MessageType, type_name

RUNNING_SECONDS: Final = 0.25
"""How long it is taken for granted that a task still runs, for words that carry no result."""
STOPPED_SECONDS: Final = 15.0
"""How long an answer may wait: well inside the 20 s in which a pod gives a call up (gate contract, 3.1)."""
_WITHOUT_TEXT: Final = egress.PHASES - {MessageType.LOG_MESSAGE}
UNSEEN: Final = "Results of this task are seen before they leave, and words for a log can hold what they hold."
TOO_MUCH: Final = "The task has said more than words of progress amount to."
log = logging.getLogger("podadmin.gate")

PassOn = Callable[[str, bytes, rpc.Context, Metadata], Awaitable[bytes]]
"""Brings a call of the pod to the network and gives its answer, or ends it as the network did."""


class Sending:
    """Use it inside the gate's loop. `rows_changed` is called when something follows from what was recorded."""

    def __init__(
        self,
        ports: Ports,
        seen: Seen,
        door: Door,
        looking: Looking,
        outgoing: Outgoing,
        deliveries: Deliveries,
        stop_task: Callable[[str], asyncio.Event],
        pass_on: PassOn,
        rows_changed: Callable[[], None],
    ) -> None:
        self._ports = ports
        self._seen = seen
        self._door = door
        self._looking = looking
        self._outgoing = outgoing
        self._deliveries = deliveries
        self._stop_task = stop_task
        self._pass_on = pass_on
        self._rows_changed = rows_changed
        self._sent_accept = b""
        self._running: dict[tuple[str, str], float] = {}
        self._said = words.Said()

    def ask_again(self) -> None:
        """A task is being ended: of none it is taken for granted any more that it runs."""
        self._running.clear()

    async def send(self, data: bytes, context: rpc.Context, shown: Metadata) -> bytes:
        """Answer one message of the pod. Raises what it may not, and what the store raises."""
        message = rpc.SEND.read_request(data)
        with self._told_of(message):
            words.check(message, len(data))
        if self._runs(message) and self._said.has_room(message, len(data)):
            return await self._let_out(message, data, context, shown)
        if self._sent_accept and data == self._sent_accept:
            return b""  # it has gone out, and its answer was lost on the way back to the pod
        if await self._waits(message):
            return b""
        if results.is_result(message.messageType) and await to_thread.run_sync(
            results.has_its_place, self._ports.store, message, data
        ):
            self._seen.count("repeated")
            return b""
        with self._told_of(message):
            looked = await self._looking.look(message)
        verdict = await self._judged(message, looked.left if looked is not None else None)
        if verdict is egress.Verdict.STOP:
            await self._stopped(message)
        if verdict is not egress.Verdict.PASS:
            self._ended(message, verdict)
            self._rows_changed()
            return b""
        if looked is not None and (looked.stays or looked.large):
            left = looked.left
            kept = (message, data, looked.reasons, left.result_id, left.size, left.digest)
            await to_thread.run_sync(results.hold, self._ports.store, self._ports.clock, *kept)
            self._seen.count("held to be seen" if looked.stays else "passed")
            self._rows_changed()
            return b""
        if unsaid := await self._unsaid(message, len(data)):
            self._outgoing.note(message, WITHHELD, unsaid)
            self._seen.count("withheld")
            return b""
        if int(message.messageType) == MessageType.JOB_ACCEPT:
            answer = await self._let_out(message, data, context, shown)
            self._sent_accept = data
            return answer
        return await self._let_out(message, data, context, shown, listed=looked is not None)

    async def _let_out(
        self, message: pb.BitfountMessage, data: bytes, context: rpc.Context, shown: Metadata, *, listed: bool = False
    ) -> bytes:
        """Pass a message on. `listed`: it was written down already as something that left."""
        answer = await self._pass_on(rpc.SEND.path, data, context, shown)
        if not listed and int(message.messageType) not in egress.CARRYING:
            self._outgoing.note(message)
        self._seen.count("passed")
        return answer

    def _runs(self, message: pb.BitfountMessage) -> bool:
        """Is it a word of progress of a task that was seen to run a moment ago? Then nothing else is asked of it."""
        if int(message.messageType) not in _WITHOUT_TEXT:
            return False
        return self._running.get((message.taskId, message.recipientMailboxId), 0.0) > self._ports.clock.monotonic()

    async def _unsaid(self, message: pb.BitfountMessage, size: int) -> str:
        """Why a word of a running task stays here, empty where it does not. The pod is not told, and goes on."""
        if int(message.messageType) == MessageType.LOG_MESSAGE and await to_thread.run_sync(
            self._looking.are_seen_first, message
        ):
            return UNSEEN
        return "" if self._said.has_room(message, size) else TOO_MUCH

    async def _waits(self, message: pb.BitfountMessage) -> bool:
        """The word that all results were sent waits with those that wait to be seen."""
        if int(message.messageType) != MessageType.BATCHES_COMPLETE:
            return False
        store = self._ports.store
        if not await to_thread.run_sync(results.waits, store, message.taskId):
            return False
        await to_thread.run_sync(results.hold, store, self._ports.clock, message, message.SerializeToString())
        self._ended(message, egress.Verdict.OWED)
        return True

    def _ended(self, message: pb.BitfountMessage, verdict: egress.Verdict) -> None:
        if self._door.own_pod:
            return
        if int(message.messageType) == MessageType.BATCHES_COMPLETE:
            self._deliveries.completing(message.senderMailboxId)
            if verdict is egress.Verdict.TOLD:  # its requester has gone: the gate says the last word in its place
                self._stop_task(message.senderMailboxId)
        else:
            self._deliveries.completed(message.senderMailboxId)

    async def _judged(self, message: pb.BitfountMessage, left: Left | None) -> egress.Verdict:
        digest = left.digest if left is not None else hashlib.sha256(message.body).hexdigest()
        warn_at = self._ports.numbers.warn_at
        with self._told_of(message):
            verdict = await to_thread.run_sync(
                lambda: egress.judge(
                    self._ports.store,
                    self._ports.clock,
                    message,
                    digest,
                    warn_at(),
                    foreign=not self._door.own_pod,
                    left=left,
                )
            )
            if int(message.messageType) in egress.PHASES and verdict is egress.Verdict.PASS:
                until = self._ports.clock.monotonic() + RUNNING_SECONDS
                self._running = {(message.taskId, message.recipientMailboxId): until}
            return verdict

    @contextmanager
    def _told_of(self, message: pb.BitfountMessage) -> Iterator[None]:
        """What is raised about a message of the pod is listed with what left for its task."""
        try:
            yield
        except PodadminError as error:
            log.warning("a %s was not let out: %s", type_name(message.messageType), error.code)
            self._seen.count("withheld")
            self._outgoing.note(message, REFUSED, error.why)
            raise

    async def _stopped(self, message: pb.BitfountMessage) -> None:
        """The pod is told to stop while it is still inside this call (gate contract, section 7.7)."""
        self._seen.count("withheld")
        told = self._stop_task(message.senderMailboxId)
        self._rows_changed()
        try:
            async with asyncio.timeout(STOPPED_SECONDS):
                await told.wait()
                if not self._door.own_pod:
                    # answered, the worker would go on and be done before the pod has ended it: the pod then waits for
                    # a requester who has gone. This call ends with the worker.
                    await asyncio.Event().wait()
        except TimeoutError:
            log.info("the worker of a stopped task was not ended in time, or not told")
