"""The steps of a gate that follow from rows: open what was captured, let lapse what is due, send what is owed.

Whoever decides writes a row, in this process or another; `nudge` says that rows may have changed, and every step here
is derived from what is stored. Stopping at any moment leaves nothing that the next start does not finish.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import anyio
from anyio import to_thread

from podadmin.core.errors import PodadminError
from podadmin.gate import answers
from podadmin.gate.clearing import clear
from podadmin.gate.letting_go import LettingGo
from podadmin.gate.opening import Opener
from podadmin.gate.ports import Ports, Seen
from podadmin.gate.relay import Relay
from podadmin.gate.wishes import fulfil, to_tell_again
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.requests import service

LOOK_AGAIN_SECONDS = 0.5
OPENED_AT_ONCE = 16
"""Requests that are opened side by side and recorded together."""
log = logging.getLogger("podadmin.gate")


class Steps:
    """`news` hears of every change that the screen should show."""

    def __init__(
        self,
        ports: Ports,
        client: MessageServiceClient,
        seen: Seen,
        relay: Relay,
        news: Callable[[], None],
    ) -> None:
        self._ports = ports
        self._client = client
        self._seen = seen
        self._relay = relay
        self._news = news
        self._opener = Opener(ports, relay.sessions, seen)
        self._letting_go = LettingGo(ports, client, self.nudge)
        self._nudged = anyio.Event()
        self._told_again = False

    def nudge(self) -> None:
        """Rows may have changed. Call it in the gate's own loop."""
        nudged, self._nudged = self._nudged, anyio.Event()
        nudged.set()
        self._relay.due()

    async def run(self) -> None:
        """Each step for itself, until cancelled: what cannot be opened now must not keep answers back."""
        try:
            async with anyio.create_task_group() as group:
                for step in (
                    self._open,
                    self._lapse,
                    self._answer,
                    self._fulfil,
                    self._let_go,
                    self._clear,
                    self._list,
                ):
                    group.start_soon(self._follow, step)
        finally:
            with anyio.CancelScope(shield=True):
                await self._list_rest()

    def wrote(self, step: str, error: PodadminError | None) -> bool:
        """Keep what a step met when it wrote to the store; is `error` one of the store's?"""
        problems = self._seen.store_problems
        before = problems.get(step)
        if error is None:
            problems.pop(step, None)
        elif error.code.startswith("store."):
            problems[step] = f"{error.why} {error.next_step}"
        if problems.get(step) != before:
            self._news()
        return error is not None and error.code.startswith("store.")

    async def _follow(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            nudged = self._nudged
            try:
                await step()
                self.wrote(step.__name__, None)
            except PodadminError as error:
                self.wrote(step.__name__, error)
                log.warning("a step of the gate waits: %s", error.code)
            with anyio.move_on_after(LOOK_AGAIN_SECONDS):
                await nudged.wait()

    async def _open(self) -> None:
        waiting = await to_thread.run_sync(service.waiting_to_open, self._ports.store)
        for place in range(0, len(waiting), OPENED_AT_ONCE):
            if await self._opener.open(*waiting[place : place + OPENED_AT_ONCE]):
                self.nudge()

    async def _lapse(self) -> None:
        if await to_thread.run_sync(service.lapse_due, self._ports.store, self._ports.clock):
            self.nudge()

    async def _answer(self) -> None:
        await answers.send_due(self._ports, self._client, self._relay.sessions, self._relay.outgoing)

    async def _let_go(self) -> None:
        await self._letting_go.send_due()

    async def _clear(self) -> None:
        uploads = self._ports.upstream.rooms.uploads
        if uploads is not None:
            await to_thread.run_sync(clear, self._ports.store, self._ports.clock, uploads, self._relay.outgoing)

    async def _list(self) -> None:
        """Write down what left, once there is enough of it or it is time."""
        outgoing = self._relay.outgoing
        if outgoing.due() and await to_thread.run_sync(outgoing.write, self._ports.store):
            self._news()

    async def _list_rest(self) -> None:
        try:
            await to_thread.run_sync(self._relay.outgoing.write, self._ports.store)
        except PodadminError as error:
            log.warning("what left last was not written down: %s", error.code)

    async def _fulfil(self) -> None:
        if not self._told_again:
            for mailbox, complete in await to_thread.run_sync(to_tell_again, self._ports.store, self._ports.clock):
                self._relay.stop_again(mailbox, complete=complete)
            self._told_again = True
        if await to_thread.run_sync(fulfil, self._ports.store, self._ports.clock, self._relay.stop_soon):
            self.nudge()
