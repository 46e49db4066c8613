"""The side of the gate that faces the pod: the message service of the network, as far as this pod may see it.

A pod polls here and gets only what was decided and is due; what it says is weighed in `sending`. Bytes that need no
change pass through untouched, with the status that the network answers (gate contract, 3.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

import grpc
import grpc.aio
from anyio import from_thread, to_thread

from podadmin.core.errors import NotFound, PodadminError, Unavailable
from podadmin.gate import egress, words
from podadmin.gate.connecting import connected
from podadmin.gate.delivery import RECEIPT, Deliveries
from podadmin.gate.door import Door
from podadmin.gate.flows import taken
from podadmin.gate.idle import IdlePolls
from podadmin.gate.intake import is_trigger
from podadmin.gate.listening import Listening
from podadmin.gate.looking import Looking
from podadmin.gate.outages import Outages
from podadmin.gate.outgoing import REFUSED, UPLOAD, Left, Outgoing
from podadmin.gate.ports import Ports, Seen
from podadmin.gate.sending import Sending
from podadmin.gate.sessions import Sessions
from podadmin.gate.task_mailboxes import TaskMailboxes
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import rpc
from podadmin.networks.bitfount.client import Ended, MessageServiceClient, Metadata
from podadmin.networks.bitfount.types import TRIGGERS, MessageType
from podadmin.requests import service

IDLE_POLL_SECONDS: Final = 3.0
CALL_SECONDS: Final = 18.5
"""A pod gives a call up after 20 s (gate contract, section 3.1)."""
MARGIN_SECONDS: Final = 0.7
TELEMETRY: Final = "/opentelemetry."


class Relay:
    """Serves one pod on a loopback port. `rows_changed` is called when something follows from what was recorded."""

    def __init__(
        self,
        ports: Ports,
        client: MessageServiceClient,
        seen: Seen,
        door: Door,
        alarm: Callable[[pb.BitfountMessage], None],
        rows_changed: Callable[[], None],
        outages: Outages | None = None,
    ) -> None:
        self._ports = ports
        self._client = client
        self._seen = seen
        self._door = door
        self._alarm = alarm
        self._rows_changed = rows_changed
        self._known_tasks: set[str] = set()
        self.sessions = Sessions(ports)
        self.looking = Looking(ports, self.sessions)
        self.outgoing = Outgoing(ports.clock, self.looking.opened)
        self.deliveries = Deliveries(ports, seen)
        self.mailboxes = TaskMailboxes()
        self._idle = None if door.own_pod else IdlePolls(ports, client, seen, door, rows_changed, outages)
        self._sending = Sending(
            ports, seen, door, self.looking, self.outgoing, self.deliveries, self.stop_task, self._pass, rows_changed
        )
        self._listening = Listening(self._act_of)
        self._acts: dict[str, Callable[[bytes, rpc.Context, Metadata], Awaitable[bytes]]] = {
            rpc.POD_CONNECT.path: self._pod_connect,
            rpc.ACKNOWLEDGE.path: self._acknowledge,
            rpc.GET.path: self._get,
            rpc.SEND.path: self._sending.send,
            rpc.GET_LARGE_OBJECT_STORAGE.path: self._large_object,
        }

    @property
    def port(self) -> int:
        return self._listening.port

    async def start(self, credentials: grpc.ServerCredentials | None = None) -> None:
        """Listen on a free loopback port. Raises Unavailable (`gate.no-port`)."""
        await self._listening.start(credentials)

    async def stop(self) -> None:
        """Stop listening; calls under way are cut after a second."""
        await self._listening.stop()
        self.mailboxes.close()
        if self._idle is not None:
            self._idle.close()

    def due(self) -> None:
        """Something may be ready for the pod: a poll that waits looks again."""
        self.deliveries.due.set()

    def stop_task(self, mailbox: str) -> asyncio.Event:
        """Tell the pod to end the task of this mailbox, by the word that it listens to now; set once it was told."""
        self._sending.ask_again()
        return self.mailboxes.stop(mailbox, complete=self.deliveries.is_completing(mailbox))

    def stop_again(self, mailbox: str, *, complete: bool) -> None:
        """`stop_task` for a task that was ended while a gate before this one stood before the pod."""
        if complete:
            self.deliveries.completing(mailbox)
        self.stop_task(mailbox)

    def stop_soon(self, mailbox: str) -> None:
        """`stop_task` from any thread but the gate's own."""
        from_thread.run_sync(self.stop_task, mailbox)

    def _act_of(self, path: str) -> rpc.Act:
        async def act(data: bytes, context: rpc.Context) -> bytes:
            shown = self._door.admit(context)
            if shown is None:
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "")
            self._seen.down_contact = self._ports.clock.now()
            known = self._acts.get(path)
            if known is not None:
                try:
                    if path != rpc.SEND.path:
                        words.check_question(len(data))
                    return await known(data, context, shown)
                except PodadminError as error:
                    await _refuse(context, error)
            return await self._other(path, data, context, shown)

        return act

    async def _other(self, path: str, data: bytes, context: rpc.Context, shown: Metadata) -> bytes:
        """A call that is none of a pod's: measurements, what only requesters do, what this version does not know."""
        telemetry = path.startswith(TELEMETRY)
        numbers = self._ports.numbers
        passes = numbers.let_telemetry_out() if telemetry else numbers.let_unknown_out()
        if self._door.own_pod or not passes:
            self._seen.count("telemetry-blocked" if telemetry else "unknown-refused")
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "")
        self._seen.count("telemetry-passed" if telemetry else "unknown-passed")
        return await self._pass(path, data, context, shown)

    async def _pod_connect(self, data: bytes, context: rpc.Context, shown: Metadata) -> bytes:
        pod = rpc.POD_CONNECT.read_request(data)
        if self._door.own_pod:
            return b""
        try:
            self._door.must_be_own(shown)
        except PodadminError as error:
            self._seen.alarm = f"something connects in its place for another account. {error.next_step}"
            raise
        answer = await self._pass(rpc.POD_CONNECT.path, data, context, shown)
        if await to_thread.run_sync(connected, self._ports.store, self._ports.clock, pod):
            self.deliveries.new_run()
            self._rows_changed()
        self._seen.connected, self._seen.instance = self._ports.clock.now(), pod.instanceId
        return answer

    async def _acknowledge(self, data: bytes, context: rpc.Context, shown: Metadata) -> bytes:
        asked = rpc.ACKNOWLEDGE.read_request(data)
        if asked.deleteMailbox:
            self.mailboxes.forget(asked.mailboxId)
            self.deliveries.completed(asked.mailboxId)
        if self.deliveries.acknowledged(asked.receiptHandle):
            request_id = asked.receiptHandle.removeprefix(RECEIPT)
            if not self._door.own_pod and request_id.startswith("req_"):
                await to_thread.run_sync(taken, self._ports.store, self._ports.clock, request_id)
                self._rows_changed()
            return b""
        return await self._pass(rpc.ACKNOWLEDGE.path, data, context, shown)

    async def _large_object(self, data: bytes, context: rpc.Context, shown: Metadata) -> bytes:
        asked = rpc.GET_LARGE_OBJECT_STORAGE.read_request(data)
        request_id = await to_thread.run_sync(egress.must_run, self._ports.store, asked.taskId)
        # the network is asked, so that the pod hears at once where it would not take so much
        answer = await self._pass(rpc.GET_LARGE_OBJECT_STORAGE.path, data, context, shown)
        rooms, now, size = self._ports.upstream.rooms, self._ports.clock.now(), asked.contentSize
        try:
            return await to_thread.run_sync(rooms.of_a_task, answer, request_id, size)
        except PodadminError as error:
            left = Left(UPLOAD, now, size, "", REFUSED, "other", why=error.why)
            self.outgoing.note_left(pb.BitfountMessage(taskId=asked.taskId), left)
            raise

    async def _get(self, data: bytes, context: rpc.Context, shown: Metadata) -> bytes:
        where = rpc.GET.read_request(data)
        if where.mailboxId and not self._is_own_mailbox(where.mailboxId):
            return await self._task_mailbox(where, data, context, shown)
        if self._idle is None:
            found = await self._own_idle()
        else:
            found = await self._idle.get(data, shown, context, self.deliveries)
        if found is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "")
        return found

    def _is_own_mailbox(self, mailbox: str) -> bool:
        """Older pods name their own mailbox when they are idle (gate contract, section 5)."""
        ports = self._ports
        names = {ports.pod_name, *ports.datasets()}
        return not self._door.own_pod and mailbox in names | {f"{ports.owner}/{name}" for name in names}

    async def _own_idle(self) -> bytes | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + IDLE_POLL_SECONDS
        while True:
            self.deliveries.due.clear()
            message = await self.deliveries.take()
            if message is not None:
                return message.SerializeToString()
            remaining = deadline - loop.time()
            if remaining <= 0:
                return None
            try:
                async with asyncio.timeout(remaining):
                    await self.deliveries.due.wait()
            except TimeoutError:
                continue

    async def _task_mailbox(
        self, where: pb.CommunicationDetails, data: bytes, context: rpc.Context, shown: Metadata
    ) -> bytes:
        seconds = _left(context)

        async def ask() -> bytes:
            try:
                brought = await self._client.forward(rpc.GET.path, data, seconds, shown)
            except Ended as ended:
                if ended.code is grpc.StatusCode.NOT_FOUND:
                    self._door.believed(shown)  # a pod whose gate was started anew may have nothing else to ask
                raise
            self._door.believed(shown)
            return brought

        try:
            found = await self.mailboxes.get(where, ask, seconds)
        except Ended as ended:
            await context.abort(ended.code, ended.details)
        if found is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "")
        message = rpc.GET.read_response(found)
        if not self._door.own_pod and message.taskId:
            await self._notice(message.taskId)
        if int(message.messageType) in TRIGGERS or (self._door.own_pod and is_trigger(message.messageType)):
            self._alarm(message)
            if self._idle is not None:
                await self._idle.capture(message, shown)
            await context.abort(grpc.StatusCode.NOT_FOUND, "")
        if int(message.messageType) == MessageType.TASK_COMPLETE:
            self.deliveries.completed(where.mailboxId)
        self._seen.up_contact = self._ports.clock.now()
        return found

    async def _notice(self, task_id: str) -> None:
        """A task that nobody delivered here came to the pod by another way: then this gate does not stand before it."""
        if task_id in self._known_tasks:
            return
        if await to_thread.run_sync(service.by_task, self._ports.store, task_id) is None:
            self._seen.alarm = "it works on a task that did not come through this gate."
            self._seen.count("alarms")
            return
        self._known_tasks = {*list(self._known_tasks)[-64:], task_id}

    async def _pass(self, path: str, data: bytes, context: rpc.Context, shown: Metadata) -> bytes:
        try:
            answer = await self._client.forward(path, data, _left(context), shown)
        except Ended as ended:
            await context.abort(ended.code, ended.details)
        self._door.believed(shown)
        self._seen.up_contact = self._ports.clock.now()
        return answer


def _left(context: rpc.Context) -> float:
    """Seconds that a call to the network may take, so that the pod hears of it before it gives up."""
    remaining = context.time_remaining()
    return CALL_SECONDS if remaining is None else max(0.1, min(remaining - MARGIN_SECONDS, CALL_SECONDS))


async def _refuse(context: rpc.Context, error: PodadminError) -> NoReturn:
    """End a call of the pod with the status that its software understands; what happened is in our log and journal."""
    status = grpc.StatusCode.PERMISSION_DENIED
    if isinstance(error, NotFound):
        gone = error.code == "network.mailbox-gone"
        status = grpc.StatusCode.FAILED_PRECONDITION if gone else grpc.StatusCode.NOT_FOUND
    elif isinstance(error, Unavailable):
        status = grpc.StatusCode.UNAVAILABLE
    await context.abort(status, error.code)
    raise AssertionError("abort does not return")
