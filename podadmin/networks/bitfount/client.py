"""The client of a message service: every call has a deadline, and every failure is one of our errors.

Used by the relay (towards the network), by the worker (towards the relay) and by requesters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, NoReturn, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Unavailable
from podadmin.networks import way_out
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import references, rpc
from podadmin.networks.bitfount.messages import with_reference

CALL_SECONDS = 20.0
"""The deadline of real clients for every call (gate contract, section 3.1)."""

_SLOWEST = 100_000
"""Bytes in a second of the slowest line on which a large body is still uploaded to its end."""
Metadata = Sequence[tuple[str, str]]
Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)

_LOOPBACK = ("127.0.0.1:", "localhost:", "[::1]:")
_OPTIONS = (
    ("grpc.max_receive_message_length", rpc.MAX_MESSAGE),
    ("grpc.max_send_message_length", rpc.MAX_MESSAGE),
    rpc.UNPACKED,
    # Whoever asked tries again where that is right; a message that is sent twice could be taken for two.
    ("grpc.enable_retries", 0),
    # A network that comes back is noticed within seconds, not after two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5000),
)


def api_key_metadata(key_id: str, key: str) -> Metadata:
    """The metadata by which a service knows a caller with an API key (bitfount contract, section 5.1)."""
    return (("x-api-key-id", key_id), ("x-api-key", key))


class Ended(Exception):
    """A call that was passed on ended with a status, which goes back as it came."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


class MessageServiceClient:
    """One connection to one message service. Open it inside the event loop that uses it, and close it there."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata | Callable[[], Metadata], seconds: float) -> None:
        self._channel = channel
        self._metadata = metadata
        self._seconds = seconds
        self._acts = {method.path: channel.unary_unary(method.path, None, None) for method in rpc.SERVICE.values()}
        self._sent_with: tuple[Metadata, grpc.aio.Metadata] = (), grpc.aio.Metadata()

    @classmethod
    def open(
        cls,
        address: str,
        *,
        tls: bool = True,
        metadata: Metadata | Callable[[], Metadata] = (),
        seconds: float = CALL_SECONDS,
    ) -> MessageServiceClient:
        """A client for `host:port`. No connection is made before the first call.

        `metadata` is asked for before every call where it is callable (tokens refresh). `seconds` is the deadline of
        a call. Raises Refused `network.needs-tls` for an unencrypted connection that leaves this machine.
        """
        local = address.startswith(_LOOPBACK)
        if not tls and not local:
            raise Refused(
                "network.needs-tls",
                "The connection to the network would not be encrypted.",
                "Without encryption anyone on the way could read and change what is sent.",
                "Switch encryption on in the settings of the network.",
            )
        options: list[tuple[str, str | int]] = [*_OPTIONS, ("grpc.enable_http_proxy", 0 if local else 1)]
        way = way_out.now()
        if way is not None and not local:
            options.append(("grpc.http_proxy", way.for_messages()))
        rpc.keep_poller()
        if tls:
            channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(), options=options)
        else:
            channel = grpc.aio.insecure_channel(address, options=options)
        return cls(channel, metadata, seconds)

    async def close(self) -> None:
        await self._channel.close(None)

    async def __aenter__(self) -> MessageServiceClient:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def call(
        self, method: rpc.Method[Q, R], request: Q, *, seconds: float | None = None, metadata: Metadata | None = None
    ) -> R:
        """Any method. Raises PodadminError with a `network.…` code (see `fail`)."""
        data = await self.call_raw(method.name, request.SerializeToString(), seconds=seconds, metadata=metadata)
        return method.read_response(data)

    async def call_raw(
        self, name: str, request: bytes, *, seconds: float | None = None, metadata: Metadata | None = None
    ) -> bytes:
        """Any method in bytes, for a relay that changes nothing. `metadata` replaces the client's own."""
        own = self._metadata() if callable(self._metadata) else self._metadata
        act = self._acts[rpc.SERVICE[name].path]
        try:
            answer: bytes = await act(
                request,
                timeout=self._seconds if seconds is None else seconds,
                metadata=tuple(own if metadata is None else metadata),
            )
        except grpc.aio.AioRpcError as error:
            raise way_out.problem_in(error.details() or "") or error_of(error.code()) from None
        except grpc.aio.UsageError:
            fail(grpc.StatusCode.CANCELLED)
        return answer

    def speaking_as(self, metadata: Metadata) -> MessageServiceClient:
        """The same connection with other metadata. Closing it is the business of the first."""
        return MessageServiceClient(self._channel, metadata, self._seconds)

    async def forward(self, path: str, request: bytes, seconds: float, metadata: Metadata) -> bytes:
        """Pass a call on as it is: bytes to bytes, of any method of any service. Raises Ended."""
        act = self._acts.get(path) or self._channel.unary_unary(path, None, None)
        try:
            answer: bytes = await act(request, timeout=seconds, metadata=self._as_sent(metadata))
        except grpc.aio.AioRpcError as error:
            raise Ended(error.code(), error.details() or "") from None
        except grpc.aio.UsageError:
            raise Ended(grpc.StatusCode.UNAVAILABLE, "") from None
        return answer

    def _as_sent(self, metadata: Metadata) -> grpc.aio.Metadata:
        """The same metadata comes with call after call: the library's own form of it is made once."""
        if metadata is not self._sent_with[0]:
            self._sent_with = metadata, grpc.aio.Metadata(*metadata)
        return self._sent_with[1]

    async def pod_connect(self, pod: pb.PodData) -> None:
        """Tell the service that this pod is here and which datasets it has."""
        await self.call(rpc.POD_CONNECT, pod)

    async def get(self, where: pb.CommunicationDetails | None = None) -> pb.BitfountMessage | None:
        """The next message of a mailbox (without a mailbox: the idle poll of a pod), or None where there is none.

        The service may wait some seconds for one to come. Raises NotFound `network.mailbox-gone` and the others.
        """
        try:
            return await self.call(rpc.GET, where if where is not None else pb.CommunicationDetails())
        except NotFound as error:
            if error.code == "network.nothing-there":
                return None
            raise

    async def acknowledge(self, mailbox: str, receipt: str, *, delete_mailbox: bool = False) -> None:
        """The message is safe here and is not to be delivered again. For the idle poll `mailbox` is its
        `recipientMailboxId`."""
        await self.call(
            rpc.ACKNOWLEDGE,
            pb.Acknowledgement(mailboxId=mailbox, receiptHandle=receipt, deleteMailbox=delete_mailbox),
        )

    async def send(self, message: pb.BitfountMessage) -> None:
        """Send a message as it is."""
        await self.call(rpc.SEND, message)

    async def put_by(
        self, message: pb.BitfountMessage, body: bytes | BinaryIO, size: int, policy: references.ReferencePolicy
    ) -> pb.BitfountMessage:
        """A message with the address of this body, which was put into the object store; `size` in bytes.

        A body above 128 KiB (`messages.SMALL_BODY`) does not travel in a message.
        """
        owner, _, name = message.sender.partition("/")
        room = await self.get_large_object_storage(
            pb.LargeStorageRequest(
                senderMailboxId=message.senderMailboxId,
                podName=name if owner and name else None,
                contentSize=size,
                taskId=message.taskId,
            )
        )
        seconds = self._seconds * 3 + size / _SLOWEST
        return with_reference(message, await references.upload(room, body, policy, seconds))

    async def get_large_object_storage(self, request: pb.LargeStorageRequest) -> pb.BlobStorageData:
        """Room in the object store for one body."""
        return await self.call(rpc.GET_LARGE_OBJECT_STORAGE, request)

    async def setup_task(self, request: pb.TaskTransferRequests) -> pb.TaskTransferMetadata:
        """Requester: room for the encrypted task of each pod, and the number of the task."""
        return await self.call(rpc.SETUP_TASK, request)

    async def initiate_task(self, request: pb.BitfountTasks) -> pb.CommunicationDetails:
        """Requester: deliver the uploaded task; the mailboxes of the task."""
        return await self.call(rpc.INITIATE_TASK, request)


def fail(code: grpc.StatusCode) -> NoReturn:
    """Raise the error that a status code means (gate contract, section 3.1). What the peer wrote is left out."""
    raise error_of(code)


def error_of(code: grpc.StatusCode) -> PodadminError:
    """NotFound `network.nothing-there`, `network.mailbox-gone` · Unavailable `network.unreachable`, `network.slow`,
    `network.busy`, `network.failed` · Refused `network.not-allowed`, `network.not-let` · BadInput
    `network.refused-as-wrong`, `network.unknown-method`.
    """
    match code:
        case grpc.StatusCode.NOT_FOUND:
            return NotFound(
                "network.nothing-there",
                "The network has nothing by that name.",
                "It does not exist, or it is gone.",
                "Check the name.",
            )
        case grpc.StatusCode.FAILED_PRECONDITION:
            return NotFound(
                "network.mailbox-gone",
                "The mailbox of this task no longer exists on the network.",
                "The other side has ended the task.",
                "Nothing needs to be done for this task.",
            )
        case grpc.StatusCode.UNAVAILABLE:
            return Unavailable(
                "network.unreachable",
                "The network cannot be reached.",
                "There is no connection to its message service.",
                "It is tried again by itself. If it goes on, check the connection.",
            )
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Unavailable(
                "network.slow",
                "The network does not answer.",
                "Its message service did not answer in time.",
                "It is tried again by itself. If it goes on, check the connection.",
            )
        case grpc.StatusCode.PERMISSION_DENIED:
            return Refused(
                "network.not-let",
                "The network does not let this pod do that.",
                "It is not the pod's to do there, or not any more: a task can be over, or be somebody else's.",
                "If this comes for a task that runs, look at what the pod's account may do there.",
            )
        case grpc.StatusCode.UNAUTHENTICATED:
            return Refused(
                "network.not-allowed",
                "The network does not accept this pod.",
                "The keys with which it was joined are not valid there.",
                "Leave the network and join it again.",
            )
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Unavailable(
                "network.busy",
                "The network takes nothing more at the moment.",
                "What was sent is too large for it, or it is full.",
                "Try again later.",
            )
        case grpc.StatusCode.INVALID_ARGUMENT | grpc.StatusCode.ALREADY_EXISTS | grpc.StatusCode.OUT_OF_RANGE:
            return BadInput(
                "network.refused-as-wrong",
                "The network refused what was sent as wrong.",
                "It does not fit what the network knows.",
                "Check the names of the pod and its datasets.",
            )
        case grpc.StatusCode.UNIMPLEMENTED:
            return BadInput(
                "network.unknown-method",
                "The network does not know this act.",
                "Another kind of service answers at this address, or an older one.",
                "Check the address of the network.",
            )
        case _:
            return Unavailable(
                "network.failed",
                "The network could not do what was asked.",
                "Its message service reported a fault of its own.",
                "It is tried again by itself. If it goes on, tell the network.",
            )
