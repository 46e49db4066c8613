"""The side of the gate that faces the pod: the message service of the network, as far as this pod may see it.

A pod polls here and gets only what was decided and is due. What it sends is held against the request that it belongs
to: no word leaves for a task that was not delivered, no task begins twice, and every result is metered before it goes
on. Bytes that need no change pass through untouched.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

import grpc
import grpc.aio
from anyio import to_thread

from podadmin.core.clock import stamp
from podadmin.core.errors import NotFound, PodadminError, Unavailable
from podadmin.core.secret import Secret
from podadmin.gate import egress
from podadmin.gate.intake import is_trigger
from podadmin.gate.ports import Ports, Seen
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import rpc
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.types import MessageType, type_name
from podadmin.requests import service
from podadmin.requests.service import Sealed
from podadmin.requests.state import State
from podadmin.store.engine import Store

RECEIPT = "gate:"
IDLE_POLL_SECONDS = 3.0
REDELIVER_SECONDS = 30.0
"""A request that the pod has not acknowledged by then is handed out again (gate contract, section 3.2)."""
log = logging.getLogger("podadmin.gate")


@dataclass
class _Stop:
    """A wish to stop the task of one mailbox, and whether the pod has heard it."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    told: asyncio.Event = field(default_factory=asyncio.Event)


class Relay:
    """Serves one pod on a loopback port. `wake` is called when the pod may find something new."""

    def __init__(
        self,
        ports: Ports,
        client: MessageServiceClient,
        seen: Seen,
        pod_key_id: str,
        pod_key: Secret[str],
        trigger_on_task_mailbox: Callable[[pb.BitfountMessage], None],
        rows_changed: Callable[[], None],
        redeliver_seconds: float = REDELIVER_SECONDS,
    ) -> None:
        self._ports = ports
        self._client = client
        self._seen = seen
        self._pod_key_id = pod_key_id
        self._pod_key = pod_key
        self._alarm = trigger_on_task_mailbox
        self._rows_changed = rows_changed
        self._redeliver_seconds = redeliver_seconds
        self._handed: tuple[str, float] | None = None
        self._unsent_accept = b""
        self._due = asyncio.Event()
        self._stops: dict[str, _Stop] = {}
        self._gets: dict[str, asyncio.Task[pb.BitfountMessage | None]] = {}
        self._delivery = asyncio.Lock()
        self._server: grpc.aio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen on a free loopback port. Raises Unavailable (`gate.no-port`)."""
        server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", rpc.MAX_MESSAGE),
                ("grpc.max_send_message_length", rpc.MAX_MESSAGE),
                ("grpc.so_reuseport", 0),
            )
        )
        acts = {
            rpc.POD_CONNECT.name: self._pod_connect,
            rpc.ACKNOWLEDGE.name: self._acknowledge,
            rpc.GET.name: self._get,
            rpc.SEND.name: self._send,
            rpc.GET_LARGE_OBJECT_STORAGE.name: self._large_object,
        }
        server.add_generic_rpc_handlers((rpc.serve(acts),))
        try:
            self.port = server.add_insecure_port("127.0.0.1:0")
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise Unavailable(
                "gate.no-port",
                "The gate could not be switched on.",
                "This computer offers no free port on its loopback address.",
                "Close programs that use many connections, then start podadmin again.",
            )
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Stop listening; calls under way are cut after a second."""
        if self._server is not None:
            await self._server.stop(1.0)
        for get in self._gets.values():
            get.cancel()

    def due(self) -> None:
        """Something may be ready for the pod: a poll that waits looks again."""
        self._due.set()

    def stop_task(self, mailbox: str) -> asyncio.Event:
        """Tell the pod to stop a task at its next poll of its mailbox for the task; set once it was told."""
        stop = self._stops.setdefault(mailbox, _Stop())
        stop.asked.set()
        return stop.told

    async def _pod_connect(self, data: bytes, context: rpc.Context) -> bytes:
        await self._known(context)
        rpc.POD_CONNECT.read_request(data)
        return b""

    async def _acknowledge(self, data: bytes, context: rpc.Context) -> bytes:
        await self._known(context)
        receipt = rpc.ACKNOWLEDGE.read_request(data).receiptHandle
        if receipt.startswith(RECEIPT):
            if self._handed is not None and receipt == RECEIPT + self._handed[0]:
                self._handed = None
            return b""
        return await self._pass(rpc.ACKNOWLEDGE.name, data, context)

    async def _large_object(self, data: bytes, context: rpc.Context) -> bytes:
        await self._known(context)
        task_id = rpc.GET_LARGE_OBJECT_STORAGE.read_request(data).taskId
        await self._refused_unless(context, egress.must_run, task_id)
        return await self._pass(rpc.GET_LARGE_OBJECT_STORAGE.name, data, context)

    async def _get(self, data: bytes, context: rpc.Context) -> bytes:
        await self._known(context)
        where = rpc.GET.read_request(data)
        if where.mailboxId:
            return await self._task_mailbox(where, context)
        deadline = asyncio.get_running_loop().time() + IDLE_POLL_SECONDS
        while True:
            self._due.clear()
            message = await self._delivered(context)
            if message is not None:
                return message.SerializeToString()
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                await context.abort(grpc.StatusCode.NOT_FOUND, "")
            try:
                async with asyncio.timeout(remaining):
                    await self._due.wait()
            except TimeoutError:
                continue

    async def _delivered(self, context: rpc.Context) -> pb.BitfountMessage | None:
        """The next decided request, rewritten (gate contract, 3.2): body inlined, new time, own receipt."""
        async with self._delivery:
            try:
                sealed = await to_thread.run_sync(self._take)
            except PodadminError as error:
                log.warning("nothing was delivered: %s", error.code)
                await _refuse(context, error)
            if sealed is None:
                return None
            self._handed = sealed.request_id, self._ports.clock.monotonic()
        message = pb.BitfountMessage.FromString(sealed.wire)
        message.body = sealed.body
        message.timestamp = stamp(self._ports.clock.now())
        message.receiptHandle = f"{RECEIPT}{sealed.request_id}"
        self._seen.count("delivered")
        return message

    def _take(self) -> Sealed | None:
        """What goes to the pod now. Raises what the store raises."""
        ports, numbers = self._ports, self._ports.numbers
        if ports.paused():
            return None
        if self._handed is not None and ports.clock.monotonic() - self._handed[1] >= self._redeliver_seconds:
            again = service.active(ports.store)
            if again is not None and again.row.id == self._handed[0] and again.row.state == State.DELIVERING:
                return service.bytes_of(ports.store, again.row.id)
        return service.next_to_deliver(ports.store, ports.clock, numbers.release_before(), numbers.grant_days())

    async def _task_mailbox(self, where: pb.CommunicationDetails, context: rpc.Context) -> bytes:
        """The network's mailbox of a task, or the custodian's stop where there is one.

        A poll of the network is never cancelled: a message that it was about to bring would be lost for a while. A
        stop leaves it under way, and the next poll of the pod takes what it brings.
        """
        stop = self._stops.setdefault(where.mailboxId, _Stop())
        get = self._gets.pop(where.mailboxId, None) or asyncio.create_task(self._client.get(where))
        stopped = asyncio.create_task(stop.asked.wait())
        try:
            await asyncio.wait({get, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not get.done():
                self._gets[where.mailboxId] = get
        if stop.asked.is_set():
            self._stops.pop(where.mailboxId, None)
            stop.told.set()
            cancel = pb.BitfountMessage(messageType=pb.BitfountMessage.TASK_CANCEL, taskId=where.taskId)
            cancel.receiptHandle = f"{RECEIPT}stop"
            cancel.recipientMailboxId = where.mailboxId
            return cancel.SerializeToString()
        try:
            message = get.result()
        except PodadminError as error:
            await _refuse(context, error)
        if message is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "")
        if is_trigger(message.messageType):
            self._alarm(message)
            await context.abort(grpc.StatusCode.NOT_FOUND, "")
        self._seen.up_contact = self._ports.clock.now()
        return message.SerializeToString()

    async def _send(self, data: bytes, context: rpc.Context) -> bytes:
        await self._known(context)
        message = rpc.SEND.read_request(data)
        if self._unsent_accept and data == self._unsent_accept:
            # its start was recorded and the network was out of reach: the pod repeats it, and nothing starts twice
            await self._refused_unless(context, egress.must_run, message.taskId)
        else:
            verdict = await self._judged(message, context)
            if verdict is egress.Verdict.STOP:
                await self._stopped(message)
            if verdict is not egress.Verdict.PASS:
                self._rows_changed()
                return b""
        if int(message.messageType) == MessageType.JOB_ACCEPT:
            self._unsent_accept = data
        answer = await self._pass(rpc.SEND.name, data, context)
        self._unsent_accept = b""
        self._seen.count("passed")
        return answer

    async def _judged(self, message: pb.BitfountMessage, context: rpc.Context) -> egress.Verdict:
        digest = hashlib.sha256(message.body).hexdigest()
        try:
            warn_at = self._ports.numbers.warn_at
            return await to_thread.run_sync(
                lambda: egress.judge(self._ports.store, self._ports.clock, message, digest, warn_at())
            )
        except PodadminError as error:
            log.warning("a %s was not let out: %s", type_name(message.messageType), error.code)
            self._seen.count("withheld")
            await _refuse(context, error)

    async def _refused_unless(self, context: rpc.Context, rule: Callable[[Store, str], None], task_id: str) -> None:
        try:
            await to_thread.run_sync(rule, self._ports.store, task_id)
        except PodadminError as error:
            await _refuse(context, error)

    async def _stopped(self, message: pb.BitfountMessage) -> None:
        """The pod is told to stop while it is still inside this call (gate contract, section 7.7)."""
        self._seen.count("withheld")
        told = self.stop_task(message.senderMailboxId)
        self._rows_changed()
        try:
            async with asyncio.timeout(rpc_margin()):
                await told.wait()
        except TimeoutError:
            log.warning("the pod was not told in time that its task was stopped")

    async def _pass(self, name: str, data: bytes, context: rpc.Context) -> bytes:
        self._seen.down_contact = self._ports.clock.now()
        try:
            answer = await self._client.call_raw(name, data)
        except PodadminError as error:
            await _refuse(context, error)
        self._seen.up_contact = self._ports.clock.now()
        return answer

    async def _known(self, context: rpc.Context) -> None:
        """Only the pod that was started with this gate's own credential is served."""
        given = {key: value for key, value in (context.invocation_metadata() or ()) if isinstance(value, str)}
        right = hmac.compare_digest(given.get("x-api-key", "").encode(), self._pod_key.reveal().encode())
        if not right or given.get("x-api-key-id") != self._pod_key_id:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "")
        self._seen.down_contact = self._ports.clock.now()


def rpc_margin() -> float:
    """Seconds that an answer may wait for: well inside the 20 s in which a pod gives a call up (gate contract, 3.1)."""
    return 15.0


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
