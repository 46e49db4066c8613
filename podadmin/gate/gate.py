"""The gate of the built-in worker: it is itself the member of a network, polls it, and hands decided requests on.

The gate of a real pod is `proxy_gate`; what stands between pod and network is the same relay in both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import anyio

from podadmin.core.errors import PodadminError, Unavailable
from podadmin.core.secret import Secret
from podadmin.gate import intake
from podadmin.gate.access import AccessRelay
from podadmin.gate.door import OwnPod
from podadmin.gate.ports import Ports, Seen
from podadmin.gate.relay import Relay
from podadmin.gate.steps import Steps
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient

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
            upstream.message_service, tls=upstream.tls, metadata=upstream.credentials.metadata
        )
        door = OwnPod(pod_key_id, pod_key, upstream.credentials)
        self.relay = Relay(ports, self._client, self.seen, door, self._alarm, self.nudge)
        self.access = AccessRelay(ports, pod_key_id, pod_key)
        self._steps = Steps(ports, self._client, self.seen, self.relay, news)
        self._stream = intake.Stream(ports, self._client, self.seen, self._after_intake)
        self._not_kept: PodadminError | None = None

    async def run(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Switch the gate on and keep it on until cancelled. Raises Unavailable (`gate.*`)."""
        await self.relay.start()
        await self.access.start()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._stream.run)
                group.start_soon(self._follow_network)
                group.start_soon(self._steps.run)
                task_status.started()
        finally:
            with anyio.CancelScope(shield=True):
                await self.relay.stop()
                await self.access.stop()
                await self._client.close()

    def nudge(self) -> None:
        """Rows may have changed. Call it in the gate's own loop."""
        self._steps.nudge()

    def _alarm(self, message: pb.BitfountMessage) -> None:
        log.warning("a trigger came on the mailbox of a running task and was not passed on")
        self.seen.count("alarms")

    async def _follow_network(self) -> None:
        wait = RETRY_FIRST
        connected = False
        while True:
            try:
                self._say_what_was_not_kept()
                if not connected:
                    await self._client.pod_connect(self._pod_data())
                    connected = True
                message = await self._client.get()
                self._contact("")
                wait = RETRY_FIRST
                if message is not None:
                    await self._stream.add(message)
            except PodadminError as error:
                if not self._steps.wrote("intake", error):
                    connected = False
                    self._contact(error.code if not isinstance(error, Unavailable) else error.why)
                log.info("the network was not read: %s", error.code)
                await anyio.sleep(wait)
                wait = min(wait * 2, RETRY_MOST)

    def _after_intake(self, error: PodadminError | None, kept: bool) -> None:
        self._steps.wrote("intake", error)
        self._not_kept = error
        if kept:
            self.nudge()

    def _say_what_was_not_kept(self) -> None:
        """The network sends it again: no sooner is it asked than after a while. Raises the error."""
        error, self._not_kept = self._not_kept, None
        if error is not None:
            raise error

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
