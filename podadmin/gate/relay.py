"""The side of the gate that faces the pod: the message service of the network, as far as this pod may see it.

A pod polls here and gets only what was decided and is due. What it sends is held against the request that it belongs
to: no word leaves for a task that was not delivered, no task begins twice, and every result is metered before it goes
on. Bytes that need no change pass through untouched, with the status that the network answers (gate contract, 3.1).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import grpc
import grpc.aio
from anyio import from_thread, to_thread

from podadmin.core.errors import NotFound, PodadminError, Unavailable
from podadmin.gate import egress, results, words
from podadmin.gate.connecting import connected
from podadmin.gate.delivery import RECEIPT, Deliveries
from podadmin.gate.door import Door
from podadmin.gate.flows import taken
from podadmin.gate.idle import IdlePolls
from podadmin.gate.intake import is_trigger
from podadmin.gate.listening import Listening
from podadmin.gate.looking import Looking
from podadmin.gate.outages import Outages
from podadmin.gate.outgoing import REFUSED, UPLOAD, WITHHELD, Left, Outgoing
from podadmin.gate.ports import Ports, Seen
from podadmin.gate.sessions import Sessions
from podadmin.gate.task_mailboxes import TaskMailboxes
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import rpc
from podadmin.networks.bitfount.client import Ended, MessageServiceClient, Metadata
from podadmin.networks.bitfount.types import TRIGGERS, MessageType, type_name
from podadmin.requests import service

IDLE_POLL_SECONDS: Final = 3.0
CALL_SECONDS: Final = 18.5
"""A pod gives a call up after 20 s (gate contract, section 3.1)."""
MARGIN_SECONDS: Final = 0.7
RUNNING_SECONDS: Final = 0.25
"""How long it is taken for granted that a task still runs, for words that carry no result."""
TELEMETRY: Final = "/opentelemetry."
_WITHOUT_TEXT: Final = egress.PHASES - {MessageType.LOG_MESSAGE}
UNSEEN: Final = "Results of this task are seen before they leave, and words for a log can hold what they hold."
TOO_MUCH: Final = "The task has said more than words of progress amount to."
log = logging.getLogger("podadmin.gate")


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
        self._sent_accept = b""
        self._running: dict[tuple[str, str], float] = {}
        self._said = words.Said()
        self._known_tasks: set[str] = set()
        self.sessions = Sessions(ports)
        self.looking = Looking(ports, self.sessions)
        self.outgoing = Outgoing(ports.clock, self.looking.opened)
        self.deliveries = Deliveries(ports, seen)
        self.mailboxes = TaskMailboxes()
        self._idle = None if door.own_pod else IdlePolls(ports, client, seen, door, rows_changed, outages)
        self._listening = Listening(self._act_of)
        self._acts: dict[str, Callable[[bytes, rpc.Context, Metadata], Awaitable[bytes]]] = {
            rpc.POD_CONNECT.path: self._pod_connect,
            rpc.ACKNOWLEDGE.path: self._acknowledge,
            rpc.GET.path: self._get,
            rpc.SEND.path: self._send,
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
        self._running.clear()
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

    async def _send(self, data: bytes, context: rpc.Context, shown: Metadata) -> bytes:
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
            looked = await self.looking.look(message)
        verdict = await self._judged(message, looked.left if looked is not None else None)
        if verdict is egress.Verdict.STOP:
            await self._stopped(message)
        if verdict is not egress.Verdict.PASS:
            self._ended(message, verdict)
            self._rows_changed()
            return b""
        if looked is not None and (looked.stays or looked.large):
            kept = (message, data, looked.reasons, looked.left.result_id, looked.left.size)
            await to_thread.run_sync(results.hold, self._ports.store, self._ports.clock, *kept)
            self._seen.count("held to be seen" if looked.stays else "passed")
            self._rows_changed()
            return b""
        if unsaid := await self._unsaid(message, len(data)):
            self.outgoing.note(message, WITHHELD, unsaid)
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
        answer = await self._pass(rpc.SEND.path, data, context, shown)
        if not listed and int(message.messageType) not in egress.CARRYING:
            self.outgoing.note(message)
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
            self.looking.are_seen_first, message
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
            self.deliveries.completing(message.senderMailboxId)
            if verdict is egress.Verdict.TOLD:  # its requester has gone: the gate says the last word in its place
                self.stop_task(message.senderMailboxId)
        else:
            self.deliveries.completed(message.senderMailboxId)

    async def _judged(self, message: pb.BitfountMessage, left: Left | None) -> egress.Verdict:
        digest = hashlib.sha256(message.body).hexdigest()
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
            self.outgoing.note(message, REFUSED, error.why)
            raise

    async def _stopped(self, message: pb.BitfountMessage) -> None:
        """The pod is told to stop while it is still inside this call (gate contract, section 7.7)."""
        self._seen.count("withheld")
        told = self.stop_task(message.senderMailboxId)
        self._rows_changed()
        try:
            async with asyncio.timeout(rpc_margin()):
                await told.wait()
                if not self._door.own_pod:
                    # answered, the worker would go on and be done before the pod has ended it: the pod then waits for
                    # a requester who has gone. This call ends with the worker.
                    await asyncio.Event().wait()
        except TimeoutError:
            log.info("the worker of a stopped task was not ended in time, or not told")

    async def _pass(self, path: str, data: bytes, context: rpc.Context, shown: Metadata) -> bytes:
        try:
            answer = await self._client.forward(path, data, _left(context), shown)
        except Ended as ended:
            await context.abort(ended.code, ended.details)
        self._door.believed(shown)
        self._seen.up_contact = self._ports.clock.now()
        return answer


def rpc_margin() -> float:
    """Seconds that an answer may wait for: well inside the 20 s in which a pod gives a call up (gate contract, 3.1)."""
    return 15.0


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
