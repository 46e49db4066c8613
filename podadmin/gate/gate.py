"""One gate: intake from the network, the relay towards the pod, and the steps that follow from rows.

Whoever decides writes a row, in this process or another; `nudge` says that rows may have changed, and every step here
is derived from what is stored. Stopping the gate at any moment leaves nothing that the next start does not finish.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

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
        self.relay = Relay(ports, self._client, self.seen, pod_key_id, pod_key, self._alarm)
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
        self._nudged.set()
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
                if message is not None and await intake.take(self.ports, self._client, message, self.seen):
                    self.nudge()
            except PodadminError as error:
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

    def _pod_data(self) -> pb.PodData:
        return pb.PodData(podName=self.ports.pod_name, datasetNames=list(self.ports.datasets()), instanceId="gate")

    async def _follow_rows(self) -> None:
        while True:
            self._nudged = anyio.Event()
            try:
                async with anyio.create_task_group() as group:
                    await self._step(group)
            except* PodadminError as errors:
                for error in errors.exceptions:
                    log.warning("a step of the gate waits: %s", getattr(error, "code", type(error).__name__))
            with anyio.move_on_after(LOOK_AGAIN_SECONDS):
                await self._nudged.wait()

    async def _step(self, group: TaskGroup) -> None:
        store, clock = self.ports.store, self.ports.clock
        for request_id in await to_thread.run_sync(service.waiting_to_open, store):
            if not await self._opener.open(request_id):
                break
        await to_thread.run_sync(service.lapse_due, store, clock)
        await answers.send_due(self.ports, self._client, self._sessions)
        self.relay.due()
