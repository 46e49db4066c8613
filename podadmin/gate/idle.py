"""The idle poll of a pod that polls the network itself: what comes is captured here before the pod can see it.

A poll that is under way at the network is brought to its end whatever becomes of the pod's own call: what it brings is
kept and acknowledged all the same (gate contract, sections 3.1 and 7).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import grpc

from podadmin.core.errors import PodadminError
from podadmin.gate import intake
from podadmin.gate.delivery import Deliveries
from podadmin.gate.door import Door
from podadmin.gate.outages import Outages
from podadmin.gate.ports import Ports, Seen
from podadmin.networks import way_out
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import rpc
from podadmin.networks.bitfount.client import Ended, MessageServiceClient, Metadata

POLL_SECONDS: Final = 18.5
ANSWER_SECONDS: Final = 15.0
AFTER_CAPTURE_SECONDS: Final = 3.0
"""A request that was just captured may be covered by a grant: the pod's poll stays open so long for it."""
log = logging.getLogger("podadmin.gate")


class IdlePolls:
    """Use it inside the gate's loop."""

    def __init__(
        self,
        ports: Ports,
        client: MessageServiceClient,
        seen: Seen,
        door: Door,
        rows_changed: Callable[[], None],
        outages: Outages | None = None,
    ) -> None:
        self._ports = ports
        self._client = client
        self._seen = seen
        self._door = door
        self._rows_changed = rows_changed
        self._outages = outages
        self._host = ports.upstream.message_service.rpartition(":")[0]
        self._polls: dict[tuple[bytes, Metadata], asyncio.Task[None]] = {}

    async def get(self, data: bytes, shown: Metadata, context: rpc.Context, deliveries: Deliveries) -> bytes | None:
        """A decided request for the pod, or None. Raises what the store raises; ends the call as the network did."""
        loop = asyncio.get_running_loop()
        remaining = context.time_remaining()
        ends = loop.time() + max(0.1, min(ANSWER_SECONDS, (remaining or 20.0) - 1.0))
        key, polled, captured = (data, shown), False, False
        poll = self._poll_under_way(key)
        while True:
            deliveries.due.clear()
            if self._door.known(shown):
                message = await deliveries.take()
                if message is not None:
                    self._door.took(shown)
                    return message.SerializeToString()
            left = ends - loop.time()
            if left <= 0:
                return None
            due = asyncio.create_task(deliveries.due.wait())
            waiting: set[asyncio.Task[None] | asyncio.Task[bool]] = {due}
            if not polled:
                waiting.add(poll)
            try:
                await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                due.cancel()
            if not polled and poll.done():
                self._polls.pop(key, None)
                polled = True
                try:
                    poll.result()
                except Ended as ended:
                    if ended.code is not grpc.StatusCode.NOT_FOUND:
                        await context.abort(ended.code, ended.details)
                    ends = loop.time() if self._door.known(shown) and not captured else ends
                else:
                    # there may be more: what waits there grows old while nobody asks for it
                    poll, polled, captured = self._poll_under_way(key), False, True
                    ends = min(ends, loop.time() + AFTER_CAPTURE_SECONDS)

    async def capture(self, message: pb.BitfountMessage, shown: Metadata) -> None:
        """Keep a trigger and acknowledge it. What cannot be kept is not acknowledged, and comes again."""
        try:
            taken = await intake.take(self._ports, self._client.speaking_as(shown), message, self._seen)
            self._seen.store_problems.pop("intake", None)
        except PodadminError as error:
            log.warning("a request was not captured: %s", error.code)
            if error.code.startswith("store."):
                self._seen.store_problems["intake"] = f"{error.why} {error.next_step}"
            return
        if taken:
            self._rows_changed()

    def _poll_under_way(self, key: tuple[bytes, Metadata]) -> asyncio.Task[None]:
        """The poll of an earlier call that still goes on, or a new one: what an ended one was told is of the past."""
        for old in [each for each, poll in self._polls.items() if poll.done()]:
            self._polls.pop(old).exception()
        if key not in self._polls:
            self._polls[key] = asyncio.create_task(self._poll(*key))
        return self._polls[key]

    def close(self) -> None:
        """Give up what is under way."""
        for poll in self._polls.values():
            poll.cancel()

    async def _poll(self, data: bytes, shown: Metadata) -> None:
        """One poll of the network. Raises Ended."""
        try:
            found = await self._client.forward(rpc.GET.path, data, POLL_SECONDS, shown)
        except Ended as ended:
            if ended.code is grpc.StatusCode.NOT_FOUND:
                await self._reached(shown)
            else:
                told = way_out.problem_in(ended.details)
                self._seen.upstream_problem = told.why if told is not None else ended.code.name.lower()
                if told is not None and self._outages is not None:
                    await self._outages.failed(self._host, told)
            raise
        await self._reached(shown)
        try:
            message = rpc.GET.read_response(found)
        except PodadminError:
            self._seen.count("unreadable")
            return
        await self.capture(message, shown)

    async def _reached(self, shown: Metadata) -> None:
        self._door.believed(shown)
        self._seen.upstream_problem = ""
        now = self._seen.up_contact = self._ports.clock.now()
        if self._seen.connected is None:
            self._seen.connected = now  # the gate was started anew beside a pod that runs, and says so once in its life
        self._seen.check(self._ports.clock.monotonic())
        if self._outages is not None:
            await self._outages.worked(self._host)
