"""The mailboxes of running tasks as the pod polls them: the network's messages, and the custodian's stop before them.

A poll of the network is never cancelled: a message that it was about to bring would be lost for a while. What it brings
after its poll of the pod has ended is given to the next one (gate contract, section 7.12).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from podadmin.gate.delivery import RECEIPT
from podadmin.networks.bitfount import messages_pb2 as pb


@dataclass
class _Stop:
    """A wish to end the task of one mailbox, by which word, and whether the pod has heard it."""

    kind: pb.BitfountMessage.MessageType = pb.BitfountMessage.TASK_CANCEL
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    told: asyncio.Event = field(default_factory=asyncio.Event)


class TaskMailboxes:
    """Use it inside the gate's loop."""

    def __init__(self) -> None:
        self._stops: dict[str, _Stop] = {}
        self._gets: dict[str, asyncio.Task[bytes]] = {}

    def stop(self, mailbox: str, *, complete: bool = False) -> asyncio.Event:
        """Tell the pod at its next poll of this mailbox that its task ends; set once it was told.

        A pod listens to TASK_CANCEL while its worker lives. After that it waits for TASK_COMPLETE and for nothing else:
        `complete` (gate contract, section 5).
        """
        stop = self._stops.setdefault(mailbox, _Stop())
        stop.kind = pb.BitfountMessage.TASK_COMPLETE if complete else pb.BitfountMessage.TASK_CANCEL
        stop.asked.set()
        return stop.told

    async def get(
        self, where: pb.CommunicationDetails, ask: Callable[[], Awaitable[bytes]], seconds: float
    ) -> bytes | None:
        """What the pod gets: a message in bytes, None where none came within `seconds`. Raises what `ask` raises."""
        mailbox = where.mailboxId
        stop = self._stops.setdefault(mailbox, _Stop())
        get = self._gets.pop(mailbox, None) or asyncio.ensure_future(_running(ask))
        stopped = asyncio.create_task(stop.asked.wait())
        try:
            await asyncio.wait({get, stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not get.done() or stop.asked.is_set():
                self._gets[mailbox] = get
        if stop.asked.is_set():
            self._stops.pop(mailbox, None)
            stop.told.set()
            word = pb.BitfountMessage(messageType=stop.kind, taskId=where.taskId)
            word.receiptHandle = f"{RECEIPT}stop"
            word.recipientMailboxId = mailbox
            return word.SerializeToString()
        return get.result() if get.done() else None

    def forget(self, mailbox: str) -> None:
        """The pod has deleted this mailbox."""
        self._stops.pop(mailbox, None)

    def close(self) -> None:
        """Give up what is under way."""
        for get in self._gets.values():
            get.cancel()


async def _running(ask: Callable[[], Awaitable[bytes]]) -> bytes:
    return await ask()
