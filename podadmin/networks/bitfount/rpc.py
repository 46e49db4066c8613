"""The methods of the message service as one typed table: client, relay and server read the same rows.

A relay passes bytes through untouched (unknown fields included), so `serve` deals in bytes; who wants values parses
them with the row's own types.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from podadmin.core.errors import BadInput
from podadmin.networks.bitfount import messages_pb2 as pb

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)

SERVICE_NAME = "messages.MessageService"
MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes. Bodies above 128 KiB travel through the object store, so a message is far smaller than this."""
UNPACKED = ("grpc.compression_enabled_algorithms_bitset", 1)
"""An option of channels and servers: no message comes compressed as a whole. Bodies are compressed already, and one
megabyte would be 700 in memory before anything has looked at it."""


@cache
def keep_poller() -> None:
    """Before the first channel or server of a process: the thread that they share is there until the process ends.

    Else it ends with the last of them, and whoever lets go of that one waits for it: the collector of garbage too, in
    any thread. It waits for ever where the thread itself waits for a loop that is gone (grpc issues 22365 and 40989).
    """
    grpc.aio.init_grpc_aio()  # type: ignore[attr-defined]  # it is there; the stubs do not say so


@dataclass(frozen=True)
class Method(Generic[Q, R]):
    """One unary method. `path` is what stands in the HTTP/2 request."""

    name: str
    request: type[Q]
    response: type[R]

    @property
    def path(self) -> str:
        return f"/{SERVICE_NAME}/{self.name}"

    def read_request(self, data: bytes) -> Q:
        """Raises BadInput `network.garbage`."""
        return parse(self.request, data)

    def read_response(self, data: bytes) -> R:
        """Raises BadInput `network.garbage`."""
        return parse(self.response, data)


def parse(kind: type[Q], data: bytes) -> Q:
    """The value of protocol buffer bytes. Raises BadInput `network.garbage`."""
    try:
        return kind.FromString(data)
    except (DecodeError, ValueError):
        raise BadInput(
            "network.garbage",
            "The network sent something that cannot be read.",
            "It does not have the form of a message of this network.",
            "It was not used. Check that the address of the network is right.",
        ) from None


POD_CONNECT = Method("PodConnect", pb.PodData, pb.SuccessResponse)
ACKNOWLEDGE = Method("AcknowledgeMessage", pb.Acknowledgement, pb.SuccessResponse)
GET = Method("GetBitfountMessage", pb.CommunicationDetails, pb.BitfountMessage)
SEND = Method("SendBitfountMessage", pb.BitfountMessage, pb.SuccessResponse)
GET_LARGE_OBJECT_STORAGE = Method("GetLargeObjectStorage", pb.LargeStorageRequest, pb.BlobStorageData)
SETUP_TASK = Method("SetupTask", pb.TaskTransferRequests, pb.TaskTransferMetadata)
INITIATE_TASK = Method("InitiateTask", pb.BitfountTasks, pb.CommunicationDetails)
DIAGNOSTICS = Method("Diagnostics", pb.DiagnosticsParameters, pb.ServiceDiagnostics)

SERVICE: Mapping[str, Method[Any, Any]] = {
    method.name: method
    for method in (
        POD_CONNECT,
        ACKNOWLEDGE,
        GET,
        SEND,
        GET_LARGE_OBJECT_STORAGE,
        SETUP_TASK,
        INITIATE_TASK,
        DIAGNOSTICS,
    )
}

Context = grpc.aio.ServicerContext[bytes, bytes]
Act = Callable[[bytes, Context], Awaitable[bytes]]


def serve(acts: Mapping[str, Act]) -> grpc.GenericRpcHandler[bytes, bytes]:
    """Handlers in bytes, by method name, for `grpc.aio.Server.add_generic_rpc_handlers`.

    Raises KeyError for a name that is not in `SERVICE`. Methods that are left out answer UNIMPLEMENTED.
    """
    handlers = {SERVICE[name].name: grpc.unary_unary_rpc_method_handler(act) for name, act in acts.items()}
    return grpc.method_handlers_generic_handler(SERVICE_NAME, handlers)
