"""What goes to the pod: one decided request at a time, its body inline, with a new time and a receipt of the gate's.

A request that was handed out and not acknowledged is handed out again. The next one waits until the one before has
ended on both sides: a pod pulls everything that it can get and lets it grow old in its queue (gate contract, 5).
"""

from __future__ import annotations

import asyncio
from typing import Final

from anyio import to_thread

from podadmin.core.clock import stamp
from podadmin.gate.flows import latest_of
from podadmin.gate.ports import Ports, Seen
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.requests import service
from podadmin.requests.service import Sealed
from podadmin.requests.state import State

RECEIPT: Final = "gate:"
REDELIVER_SECONDS: Final = 30.0
"""A request that the pod has not acknowledged by then is handed out again (gate contract, section 3.2)."""
COMPLETE_SECONDS: Final = 200.0
"""How long a pod waits for its requester's TASK_COMPLETE (gate contract, section 5), and some more."""


class Deliveries:
    """The requests that wait for one pod. Use it inside the gate's loop."""

    redeliver_seconds = REDELIVER_SECONDS

    def __init__(self, ports: Ports, seen: Seen) -> None:
        self._ports = ports
        self._seen = seen
        self._handed: tuple[str, float] | None = None
        self._looked = False
        self._lock = asyncio.Lock()
        self._completing: dict[str, float] = {}
        self.due = asyncio.Event()

    async def take(self) -> pb.BitfountMessage | None:
        """The next request for the pod, None where there is none. Raises what the store raises."""
        async with self._lock:
            sealed = await to_thread.run_sync(self._taken)
            if sealed is None:
                return None
        message = pb.BitfountMessage.FromString(sealed.wire)
        message.body = sealed.body
        message.timestamp = stamp(self._ports.clock.now())
        message.receiptHandle = f"{RECEIPT}{sealed.request_id}"
        self._seen.count("delivered")
        return message

    def acknowledged(self, receipt: str) -> bool:
        """Is this receipt one of the gate's? Then the network must not see it."""
        if self._handed is not None and receipt == RECEIPT + self._handed[0]:
            self._handed = None
        return receipt.startswith(RECEIPT)

    def completing(self, mailbox: str) -> None:
        """The pod has sent all results of the task of this mailbox and waits for its requester's last word."""
        self._completing[mailbox] = self._ports.clock.monotonic() + COMPLETE_SECONDS

    def is_completing(self, mailbox: str) -> bool:
        return self._completing.get(mailbox, 0.0) > self._ports.clock.monotonic()

    def completed(self, mailbox: str) -> None:
        """The pod has ended the task of this mailbox."""
        if self._completing.pop(mailbox, None) is not None:
            self.due.set()

    def new_run(self) -> None:
        """The pod was started anew: what the run before had in hand is gone with it."""
        self._handed = None
        self._completing.clear()
        self.due.set()

    def _taken(self) -> Sealed | None:
        """What is handed out now. It is noted here and not by the caller, whose call may end while this goes on: what
        was taken for a pod that had just hung up is handed out again.
        """
        sealed = self._next()
        if sealed is not None:
            self._handed = sealed.request_id, self._ports.clock.monotonic()
        return sealed

    def _next(self) -> Sealed | None:
        ports, numbers = self._ports, self._ports.numbers
        if ports.paused():
            return None
        now = ports.clock.monotonic()
        if self._handed is None and ports.foreign and not self._looked:
            # the gate was started anew: what it had handed out may have been lost with its answer
            self._looked = True
            before = service.active(ports.store)
            if before is not None and before.row.state == State.DELIVERING:
                self._handed = before.row.id, now
        if self._handed is not None and now - self._handed[1] >= self.redeliver_seconds:
            again = service.active(ports.store)
            if again is not None and again.row.id == self._handed[0] and again.row.state == State.DELIVERING:
                return service.bytes_of(ports.store, again.row.id)
        if any(until > now for until in self._completing.values()):
            return None
        latest = numbers.release_before()
        return service.next_to_deliver(ports.store, ports.clock, latest, numbers.grant_days(), latest_of(latest))
