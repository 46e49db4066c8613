"""One gate: intake from the network, the relay towards the pod, and the steps that follow from rows.

Whoever decides writes a row, in this process or another; `nudge` says that rows may have changed, and every step here
is derived from what is stored. Stopping the gate at any moment leaves nothing that the next start does not finish.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import anyio
from anyio import to_thread

from podadmin.core.errors import PodadminError, Unavailable
from podadmin.core.secret import Secret
from podadmin.gate import answers, intake
from podadmin.gate.access import AccessRelay
from podadmin.gate.opening import Opener
from podadmin.gate.ports import Ports, Seen
from podadmin.gate.relay import Relay
from podadmin.gate.sessions import Sessions
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient, api_key_metadata
from podadmin.requests import service

LOOK_AGAIN_SECONDS = 0.5
RETRY_FIRST, RETRY_MOST = 0.5, 15.0
log = logging.getLogger("podadmin.gate")


class Gate:
    """Stands between one pod and one network. Run it inside the engine's loop."""

    def __init__(self, ports: Ports, pod_key_id: str, pod_key: Secret[str], news: Callable[[], None]) -> None:
        self.ports = ports
        self.seen = Seen(ports.clock.now())
        self._news = news
        upstream = ports.upstream
        self._client = MessageServiceClient.open(
            upstream.message_service,
            tls=upstream.tls,
            metadata=api_key_metadata(upstream.key_id, upstream.key.reveal()),
        )
        self._sessions = Sessions(ports)
        self._opener = Opener(ports, self._sessions, self.seen)
        self.relay = Relay(ports, self._client, self.seen, pod_key_id, pod_key, self._alarm, self.nudge)
        self.access = AccessRelay(ports, pod_key_id, pod_key)
        self._nudged = anyio.Event()

    async def run(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Switch the gate on and keep it on until cancelled. Raises Unavailable (`gate.*`)."""
        await self.relay.start()
        await self.access.start()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._follow_network)
                group.start_soon(self._follow_rows)
                task_status.started()
        finally:
            with anyio.CancelScope(shield=True):
                await self.relay.stop()
                await self.access.stop()
                await self._client.close()

    def nudge(self) -> None:
        """Rows may have changed. Call it in the gate's own loop."""
        nudged, self._nudged = self._nudged, anyio.Event()
        nudged.set()
        self.relay.due()

    def _alarm(self, message: pb.BitfountMessage) -> None:
        log.warning("a trigger came on the mailbox of a running task and was not passed on")
        self.seen.count("alarms")

    async def _follow_network(self) -> None:
        wait = RETRY_FIRST
        connected = False
        while True:
            try:
                if not connected:
                    await self._client.pod_connect(self._pod_data())
                    connected = True
                message = await self._client.get()
                self._contact("")
                wait = RETRY_FIRST
                if message is not None:
                    taken = await intake.take(self.ports, self._client, message, self.seen)
                    self._wrote("intake", None)
                    if taken:
                        self.nudge()
            except PodadminError as error:
                if not self._wrote("intake", error):
                    connected = False
                    self._contact(error.code if not isinstance(error, Unavailable) else error.why)
                log.info("the network was not read: %s", error.code)
                await anyio.sleep(wait)
                wait = min(wait * 2, RETRY_MOST)

    def _contact(self, problem: str) -> None:
        changed = self.seen.upstream_problem != problem or self.seen.up_contact is None
        self.seen.upstream_problem = problem
        if not problem:
            self.seen.up_contact = self.ports.clock.now()
            self.seen.check(self.ports.clock.monotonic())
        if changed:
            self._news()

    def _wrote(self, step: str, error: PodadminError | None) -> bool:
        """Keep what a step met when it wrote to the store; is `error` one of the store's?"""
        problems = self.seen.store_problems
        before = problems.get(step)
        if error is None:
            problems.pop(step, None)
        elif error.code.startswith("store."):
            problems[step] = f"{error.why} {error.next_step}"
        if problems.get(step) != before:
            self._news()
        return error is not None and error.code.startswith("store.")

    def _pod_data(self) -> pb.PodData:
        return pb.PodData(podName=self.ports.pod_name, datasetNames=list(self.ports.datasets()), instanceId="gate")

    async def _follow_rows(self) -> None:
        """What follows from rows, each step for itself: what cannot be opened now must not keep answers back."""
        async with anyio.create_task_group() as group:
            for step in (self._open, self._lapse, self._answer):
                group.start_soon(self._follow, step)

    async def _follow(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            nudged = self._nudged
            try:
                await step()
                self._wrote(step.__name__, None)
            except PodadminError as error:
                self._wrote(step.__name__, error)
                log.warning("a step of the gate waits: %s", error.code)
            with anyio.move_on_after(LOOK_AGAIN_SECONDS):
                await nudged.wait()

    async def _open(self) -> None:
        for request_id in await to_thread.run_sync(service.waiting_to_open, self.ports.store):
            if await self._opener.open(request_id):
                self.nudge()

    async def _lapse(self) -> None:
        if await to_thread.run_sync(service.lapse_due, self.ports.store, self.ports.clock):
            self.nudge()

    async def _answer(self) -> None:
        await answers.send_due(self.ports, self._client, self._sessions)
