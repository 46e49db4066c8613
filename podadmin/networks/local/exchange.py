"""The message service of the local network: what a caller may do, and what each call does to the ledger.

Rules of the real service that are known (bitfount contract, section 5.1; gate contract, sections 2 and 3): the idle
poll finds its mailboxes by the caller's keys, an empty mailbox answers NOT_FOUND, a closed one FAILED_PRECONDITION,
and a JOB_REQUEST always carries the address of its body. How long the real one waits and when it redelivers is not
known; here both are settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from podadmin.core.clock import Clock, stamp
from podadmin.core.errors import BadInput
from podadmin.networks.bitfount import codec, messages, references, rpc
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.local.ledger import Full, Ledger, Mailbox, Pod
from podadmin.networks.local.rules import Rules

MAX_INLINE = 256 * 1024
"""Bytes. Real clients put bodies above 128 KiB into the object store."""
_MARGIN = 1.0


class _No(Exception):
    """A call that ends with a status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details


def _refuse(code: grpc.StatusCode, details: str) -> NoReturn:
    raise _No(code, details)


class Exchange:
    """`object_store` is where the object store listens; `rules` gives the present rules."""

    def __init__(self, ledger: Ledger, rules: Callable[[], Rules], object_store: str, clock: Clock) -> None:
        self._ledger = ledger
        self._rules = rules
        self._object_store = object_store
        self._clock = clock
        self._arrival = asyncio.Event()
        self._stopping = False

    def stop(self) -> None:
        """Let every waiting poll go."""
        self._stopping = True
        self._ring()

    def _ring(self) -> None:
        arrived, self._arrival = self._arrival, asyncio.Event()
        arrived.set()

    def handler(self) -> grpc.GenericRpcHandler[bytes, bytes]:
        return rpc.serve(
            {
                "PodConnect": self._act(rpc.POD_CONNECT, self.pod_connect),
                "AcknowledgeMessage": self._act(rpc.ACKNOWLEDGE, self.acknowledge),
                "SendBitfountMessage": self._act(rpc.SEND, self.send),
                "GetLargeObjectStorage": self._act(rpc.GET_LARGE_OBJECT_STORAGE, self.large_object),
                "SetupTask": self._act(rpc.SETUP_TASK, self.setup_task),
                "InitiateTask": self._act(rpc.INITIATE_TASK, self.initiate_task),
                "GetBitfountMessage": self._get,
            }
        )

    def _act(self, method: rpc.Method[rpc.Q, rpc.R], act: Callable[[str, rpc.Q], rpc.R]) -> rpc.Act:
        async def run(data: bytes, context: rpc.Context) -> bytes:
            try:
                return act(self._caller(context), _parsed(method.request, data)).SerializeToString()
            except _No as no:
                await context.abort(no.code, no.details)

        return run

    async def _get(self, data: bytes, context: rpc.Context) -> bytes:
        try:
            return await self.get(
                self._caller(context), _parsed(pb.CommunicationDetails, data), context.time_remaining()
            )
        except _No as no:
            await context.abort(no.code, no.details)

    def _caller(self, context: rpc.Context) -> str:
        sent = {str(key): str(value) for key, value in context.invocation_metadata() or ()}
        user = self._ledger.user_of(sent.get("x-api-key-id", ""), sent.get("x-api-key", ""))
        if user is None:
            _refuse(grpc.StatusCode.UNAUTHENTICATED, "unknown key")
        return user

    def _own(self, caller: str, mailbox: str) -> Mailbox:
        found = self._ledger.mailbox(mailbox)
        if found is None or found.closed:
            _refuse(grpc.StatusCode.FAILED_PRECONDITION, "mailbox not found")
        if found.owner != caller:
            _refuse(grpc.StatusCode.PERMISSION_DENIED, "not your mailbox")
        return found

    # --- pods --------------------------------------------------------------------------------------------------------

    def pod_connect(self, caller: str, pod: pb.PodData) -> pb.SuccessResponse:
        unknown = [name for name in pod.datasetNames if self._ledger.pod(f"{caller}/{name}") is None]
        if unknown:
            _refuse(grpc.StatusCode.INVALID_ARGUMENT, "a dataset is not registered")
        self._ledger.connected(caller)
        return pb.SuccessResponse()

    async def get(self, caller: str, where: pb.CommunicationDetails, seconds: float | None) -> bytes:
        """The next message, as soon as there is one, but at the latest when the long poll or the call ends."""
        wait = self._rules().long_poll_seconds
        if seconds is not None:
            wait = min(wait, max(0.0, seconds - _MARGIN))
        ends = self._clock.monotonic() + wait
        while True:
            arrival = self._arrival
            if where.HasField("mailboxId"):
                boxes: tuple[str, ...] = (self._own(caller, where.mailboxId).id,)
            else:
                boxes = self._ledger.idle_mailboxes(caller)
            leased = self._ledger.lease(boxes, self._rules().visibility_seconds) if boxes else None
            if leased is not None:
                message = _parsed(pb.BitfountMessage, leased[0])
                message.receiptHandle = leased[1]
                return message.SerializeToString()
            left = ends - self._clock.monotonic()
            if left <= 0 or self._stopping:
                _refuse(grpc.StatusCode.NOT_FOUND, "no message")
            again = self._ledger.seconds_to_next(boxes) if boxes else None
            try:
                async with asyncio.timeout(left if again is None else min(left, max(again, 0.005))):
                    await arrival.wait()
            except TimeoutError:
                continue

    def acknowledge(self, caller: str, ack: pb.Acknowledgement) -> pb.SuccessResponse:
        found = self._ledger.mailbox(ack.mailboxId)
        if found is not None and found.closed and found.owner == caller:
            return pb.SuccessResponse()  # a client that asks again because the answer to its deletion was lost
        mailbox = self._own(caller, ack.mailboxId)
        if ack.deleteMailbox and mailbox.kind == "pod":
            _refuse(grpc.StatusCode.INVALID_ARGUMENT, "the mailbox of a pod stays")
        self._ledger.acknowledge(mailbox.id, ack.receiptHandle, delete_mailbox=ack.deleteMailbox)
        if ack.deleteMailbox:
            self._ring()
        return pb.SuccessResponse()

    # --- both sides --------------------------------------------------------------------------------------------------

    def send(self, caller: str, message: pb.BitfountMessage) -> pb.SuccessResponse:
        mine = self._own(caller, message.senderMailboxId)
        theirs = self._ledger.mailbox(message.recipientMailboxId)
        if theirs is None or theirs.closed:
            _refuse(grpc.StatusCode.FAILED_PRECONDITION, "mailbox not found")
        if mine.task is None or mine.task != theirs.task or message.taskId != mine.task:
            _refuse(grpc.StatusCode.PERMISSION_DENIED, "not in one task")
        if len(message.body) > MAX_INLINE:
            _refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "too large for a message")
        message.sender, message.recipient = mine.name, theirs.name
        message.timestamp = stamp(self._clock.now())
        message.ClearField("receiptHandle")
        try:
            self._ledger.post(theirs.id, message.SerializeToString(), self._counted(mine, message))
        except Full:
            _refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "the mailbox is full")
        self._ring()
        return pb.SuccessResponse()

    def _counted(
        self, mine: Mailbox, message: pb.BitfountMessage
    ) -> tuple[str, str, str, bytes, tuple[tuple[str, float], ...]] | None:
        if message.messageType != pb.BitfountMessage.EVALUATION_RESULTS or mine.kind != "worker":
            return None
        try:
            used = messages.resources_consumed(message)
        except BadInput:
            _refuse(grpc.StatusCode.INVALID_ARGUMENT, "an amount is not one")
        task = self._ledger.task(message.taskId)
        if not used or task is None or task.project is None:
            return None
        return task.project, task.id, mine.id, message.body, used

    def large_object(self, caller: str, request: pb.LargeStorageRequest) -> pb.BlobStorageData:
        mine = self._own(caller, request.senderMailboxId)
        if mine.task is None or request.taskId != mine.task:
            _refuse(grpc.StatusCode.PERMISSION_DENIED, "not in this task")
        self._fits(request.contentSize)
        room = self._ledger.new_room(mine.task, request.contentSize)
        return self._storage(room.upload, room.download)

    def _fits(self, size: int) -> None:
        if size > self._rules().object_bytes:
            _refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "too large for the object store")

    def _storage(self, upload: str, download: str, pod: str | None = None) -> pb.BlobStorageData:
        return pb.BlobStorageData(
            uploadUrl=f"{self._rules().store_origin(self._object_store)}/upload/{upload}",
            downloadUrl=self._download_url(download),
            uploadFields={"key": upload},
            podIdentifier=pod,
        )

    def _download_url(self, download: str) -> str:
        return f"{self._rules().store_origin(self._object_store)}/object/{download}"

    # --- requesters --------------------------------------------------------------------------------------------------

    def setup_task(self, caller: str, request: pb.TaskTransferRequests) -> pb.TaskTransferMetadata:
        wanted = [(task.podIdentifier, task.contentSize) for task in request.podTasks]
        if not wanted or len({pod for pod, _ in wanted}) != len(wanted):
            _refuse(grpc.StatusCode.INVALID_ARGUMENT, "each pod once")
        for pod, size in wanted:
            if self._ledger.pod(pod) is None:
                _refuse(grpc.StatusCode.INVALID_ARGUMENT, "no such pod")
            self._fits(size)
        project = request.projectId if request.HasField("projectId") else None
        task, rooms = self._ledger.new_task(caller, project, wanted)
        return pb.TaskTransferMetadata(
            taskStorage=[self._storage(room.upload, room.download, room.pod) for room in rooms], taskId=task
        )

    def initiate_task(self, caller: str, request: pb.BitfountTasks) -> pb.CommunicationDetails:
        task = self._ledger.task(request.taskId)
        if task is None or task.requester != caller or task.started:
            _refuse(grpc.StatusCode.FAILED_PRECONDITION, "no such task to start")
        pods: list[Pod] = []
        urls: dict[str, str] = {}
        for part in request.tasks:
            pod = self._ledger.pod(part.podIdentifier)
            download = self._ledger.filled_room(task.id, part.podIdentifier)
            if pod is None or download is None:
                _refuse(grpc.StatusCode.FAILED_PRECONDITION, "the task was not uploaded")
            urls[pod.identifier] = self._download_url(download)
            if references.reference_in(part.taskURL) != urls[pod.identifier]:
                _refuse(grpc.StatusCode.INVALID_ARGUMENT, "not the address that was given")
            pods.append(pod)
        if not pods or len(urls) != len(pods):
            _refuse(grpc.StatusCode.INVALID_ARGUMENT, "each pod once")

        def letter(mine: str, theirs: dict[str, str], pod: Pod) -> bytes:
            return pb.BitfountMessage(
                messageType=pb.BitfountMessage.JOB_REQUEST,
                body=codec.pack_plain(urls[pod.identifier]),
                recipient=pod.identifier,
                recipientMailboxId=pod.identifier,
                sender=caller,
                senderMailboxId=mine,
                timestamp=stamp(self._clock.now()),
                podMailboxIds=theirs,
                taskId=task.id,
            ).SerializeToString()

        try:
            mine, theirs = self._ledger.start_task(task, pods, letter)
        except Full:
            _refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "the mailbox is full")
        self._ring()
        return pb.CommunicationDetails(mailboxId=mine, podMailboxIds=theirs, taskId=task.id)


def _parsed(kind: type[rpc.Q], data: bytes) -> rpc.Q:
    try:
        return kind.FromString(data)
    except (DecodeError, ValueError):
        _refuse(grpc.StatusCode.INVALID_ARGUMENT, "not a message")
