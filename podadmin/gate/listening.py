"""The gate's message service as a server: every method of every service arrives in one place, in bytes."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import grpc.aio

from podadmin.core.errors import Unavailable
from podadmin.networks.bitfount import rpc

FORMALLY_MOST = 700 * 1024 * 1024
"""Bytes of one message that a pod's own software receives at the most (gate contract, section 3.1)."""

HANDSHAKE_MS = 10_000
"""Who has not encrypted a connection by then holds it for nothing."""


class _Everything(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # it cannot be subscripted when it runs
    def __init__(self, act_of: Callable[[str], rpc.Act]) -> None:
        self._act_of = act_of
        self._known = {method.path: self._handler(method.path) for method in rpc.SERVICE.values()}

    def _handler(self, path: str) -> grpc.RpcMethodHandler[bytes, bytes]:
        return grpc.unary_unary_rpc_method_handler(self._act_of(path))

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        method = handler_call_details.method
        path = method.decode("ascii", "replace") if isinstance(method, bytes) else method
        return self._known.get(path) or self._handler(path)


class Listening:
    """`act_of` gives what answers the calls of a path, `/service/Method`."""

    def __init__(self, act_of: Callable[[str], rpc.Act]) -> None:
        self._act_of = act_of
        self._server: grpc.aio.Server | None = None
        self.port = 0

    async def start(self, credentials: grpc.ServerCredentials | None) -> None:
        """Listen on a free loopback port. Raises Unavailable (`gate.no-port`)."""
        rpc.keep_poller()
        server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", FORMALLY_MOST),
                ("grpc.max_send_message_length", FORMALLY_MOST),
                ("grpc.so_reuseport", 0),
                ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
                rpc.UNPACKED,
            )
        )
        server.add_generic_rpc_handlers((_Everything(self._act_of),))
        try:
            if credentials is None:
                self.port = server.add_insecure_port("127.0.0.1:0")
            else:
                self.port = server.add_secure_port("127.0.0.1:0", credentials)
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise no_port()
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Stop; calls under way are cut after a second."""
        if self._server is not None:
            await self._server.stop(1.0)


def no_port() -> Unavailable:
    """Raised where this computer gives no port."""
    return Unavailable(
        "gate.no-port",
        "The gate could not be switched on.",
        "This computer offers no free port on its loopback address.",
        "Close programs that use many connections, then start podadmin again.",
    )
