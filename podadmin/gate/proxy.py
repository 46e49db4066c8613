"""The proxy of a pod: every connection that the pod makes begins here, on a loopback port.

It ends TLS for the hosts of the network and hands what is inside to the relays; it lets a connection through to a host
that was allowed; it refuses everything else. It reads nothing of a connection beyond its first lines, which have a
size and a time, and there is a most of connections: a pod that misbehaves cannot stop the gate.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from anyio import to_thread

from podadmin.core.errors import PodadminError, Unavailable
from podadmin.gate.authority import Authority
from podadmin.gate.hosts import HTTPS, Hosts
from podadmin.gate.outages import Outages
from podadmin.gate.proxy_head import LONGEST, BadHead, Head, read_head
from podadmin.gate.rooms import Rooms
from podadmin.networks import way_out
from podadmin.networks.bitfount.places import Places, Role

HEAD_SECONDS: Final = 10.0
HANDSHAKE_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 10.0
MOST_CONNECTIONS: Final = 256
_HERE: Final = "127.0.0.1"
_HIGH_WATER: Final = 256 * 1024
_ANSWERS: Final = {
    200: b"HTTP/1.1 200 Connection established\r\n\r\n",
    400: b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    403: b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    408: b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    502: b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    503: b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
}
log = logging.getLogger("podadmin.gate")

WebHandler = Callable[[str, Role, web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers one request that was made to a host of the network."""


class Proxy:
    """`message_port`: where the message relay listens on the loopback address, with TLS of its own. `serve_web`:
    answers what is asked of the hub, the access manager and the object store. `refused` hears of every host that was
    turned away.
    """

    def __init__(
        self,
        places: Places,
        hosts: Hosts,
        rooms: Rooms,
        authority: Authority,
        message_port: Callable[[], int],
        serve_web: WebHandler,
        refused: Callable[[str], None],
        outages: Outages,
    ) -> None:
        self._places = places
        self._hosts = hosts
        self._rooms = rooms
        self._authority = authority
        self._message_port = message_port
        self._serve_web = serve_web
        self._refused = refused
        self._outages = outages
        self._server: asyncio.Server | None = None
        self._web: dict[str, web.Server] = {}
        self._open: set[asyncio.BaseTransport] = set()
        self._unasked: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self._room = memoryview(bytearray(_HIGH_WATER))
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback address, on `port` where it is given. Raises Unavailable (`gate.port-taken`)."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Client(self), "127.0.0.1", port, backlog=MOST_CONNECTIONS)
        except OSError as error:
            raise Unavailable(
                "gate.port-taken",
                "The gate could not be switched on.",
                "Its address on this computer is used by another program, and the pod knows no other one.",
                "Close the other program, or take another port with `podadmin gate new-port` and start the pod again.",
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._busy):
            task.cancel()
        for server in self._web.values():
            await server.shutdown(1.0)
        for transport in tuple(self._open):
            if isinstance(transport, asyncio.WriteTransport):
                _cut(transport)
        if self._server is not None:
            await self._server.wait_closed()

    @property
    def connections(self) -> int:
        return len(self._open)

    def opened(self, transport: asyncio.Transport) -> bool:
        """A connection was made. False where there are too many."""
        self._open = {each for each in self._open if not each.is_closing()} | {transport}
        return len(self._open) <= MOST_CONNECTIONS

    def closed(self, transport: asyncio.BaseTransport | None) -> None:
        if transport is not None:
            self._open.discard(transport)

    def begin(self, client: _Client, head: Head) -> None:
        """Serve a connection whose first lines were read."""
        task = asyncio.get_running_loop().create_task(self._begin(client, head))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _begin(self, client: _Client, head: Head) -> None:
        try:
            role = self._role_of(head)
            if role is Role.MESSAGES:
                await self._tunnel(client, _HERE, self._message_port())
            elif role is not None:
                await self._end_tls(client, head.host, role)
            elif head.connect and await to_thread.run_sync(self._may_tunnel, head):
                await self._tunnel(client, head.host.strip("[]"), head.port)
            else:
                if not head.connect:
                    await to_thread.run_sync(self._hosts.tried, head.host, head.port, False)
                self._refused(head.host)
                client.answer(403)
        except PodadminError as error:
            log.warning("a connection of the pod was not served: %s", error.code)
            client.answer(503)
            await self._outages.failed(head.host.strip("[]"), error)
        except (OSError, TimeoutError, asyncio.CancelledError):
            client.answer(502)

    def _role_of(self, head: Head) -> Role | None:
        """A host that the network gave an address on is its object store, whatever it is called."""
        if not head.connect or head.port != HTTPS:
            return None
        role = self._places.role_of(head.host)
        below = head.host.endswith(f".{self._places.store_domain}")
        return Role.STORE if role is None and below and self._rooms.has_host(head.host) else role

    def _may_tunnel(self, head: Head) -> bool:
        allowed = self._hosts.may_tunnel(head.host, head.port)
        self._hosts.tried(head.host, head.port, allowed)
        return allowed

    async def _tunnel(self, client: _Client, host: str, port: int) -> None:
        loop, reached = asyncio.get_running_loop(), ""
        async with asyncio.timeout(CONNECT_SECONDS):
            if host == _HERE:
                _, far = await loop.create_connection(self._pipe, host, port)
                rest = b""
            else:
                far, rest = await way_out.connect(self._pipe, host, port)
                reached = host
        if client.transport is None or client.transport.is_closing():
            if far.transport is not None:
                far.transport.close()
            return
        near = self._pipe()
        near.connection_made(client.transport)
        client.answer(200)
        near.partner, far.partner = far, near
        near.ended = client.lost
        client.hand_over(near)
        if rest:
            client.transport.write(rest)
        if reached:
            await self._outages.worked(reached)

    def _pipe(self) -> _Pipe:
        return _Pipe(self._room)

    async def _end_tls(self, client: _Client, host: str, role: Role) -> None:
        """End TLS here, as the host; what is asked inside goes to the web relay."""
        context = await to_thread.run_sync(self._authority.context, host)
        if client.transport is None or client.transport.is_closing():
            return
        transport = client.transport
        client.answer(200)
        protocol = self._web_of(host, role)()
        loop = asyncio.get_running_loop()
        try:
            inside = await loop.start_tls(
                transport, protocol, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
        except (OSError, TimeoutError):
            log.info("a connection as %s ended before it was encrypted", host)
            transport.abort()
            self.closed(transport)
            return
        if inside is None:
            return
        protocol.connection_made(inside)
        self.closed(transport)
        self._open.add(inside)
        self._unasked[inside] = loop.call_later(HEAD_SECONDS, self._drop_unasked, inside)

    def _drop_unasked(self, transport: asyncio.Transport) -> None:
        """Nothing was asked on this connection for too long."""
        self._unasked.pop(transport, None)
        _cut(transport)

    def _web_of(self, host: str, role: Role) -> web.Server:
        if host not in self._web:

            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                timer = self._unasked.pop(request.transport, None) if request.transport is not None else None
                if timer is not None:
                    timer.cancel()
                return await self._serve_web(host, role, request)

            self._web[host] = web.Server(handle, access_log=None, auto_decompress=False)
        return self._web[host]


def _cut(transport: asyncio.WriteTransport) -> None:
    # asyncio of Python 3.11.2, which Debian 12 has, fails where TLS was closed twice; then nothing is left to cut
    with contextlib.suppress(AttributeError):
        transport.abort()


class _Client(asyncio.Protocol):
    """A connection of the pod until it is known where it leads."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._head = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._read = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if not self._proxy.opened(transport):
            self.answer(503)
            return
        self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.answer, 408)

    def data_received(self, data: bytes) -> None:
        if self._read:
            self.answer(400)  # nothing may come before the answer
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0 and len(self._head) <= LONGEST:
            return
        self._read = True
        if self._timer is not None:
            self._timer.cancel()
        try:
            head = read_head(bytes(self._head))
        except BadHead:
            self.answer(400)
            return
        assert self.transport is not None
        self._proxy.begin(self, head)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost()

    def lost(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._proxy.closed(self.transport)

    def answer(self, status: int) -> None:
        """Say how it stands; everything but success ends the connection."""
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(_ANSWERS[status])
        if status != 200:
            self.transport.close()

    def hand_over(self, protocol: asyncio.BaseProtocol) -> None:
        assert self.transport is not None
        self.transport.set_protocol(protocol)


class _Pipe(asyncio.BufferedProtocol):
    """One end of a connection that is let through. What comes in here goes out at the partner's.

    `room` is where bytes are read into; all pipes of a loop share it, because what was read goes on at once. Else every
    read would ask the system for as much memory as the largest, and give it back.
    """

    def __init__(self, room: memoryview) -> None:
        self._room = room
        self.transport: asyncio.Transport | None = None
        self.partner: _Pipe | None = None
        self.ended: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        if self.partner is not None and self.partner.transport is not None:
            # a copy: what the other side does not take at once waits with its transport, and the room is used again
            self.partner.transport.write(bytes(self._room[:nbytes]))

    def eof_received(self) -> bool:
        other = self.partner.transport if self.partner is not None else None
        if other is not None and other.can_write_eof() and not other.is_closing():
            other.write_eof()
        return True

    def pause_writing(self) -> None:
        if self.partner is not None and self.partner.transport is not None:
            self.partner.transport.pause_reading()

    def resume_writing(self) -> None:
        other = self.partner.transport if self.partner is not None else None
        if other is not None and not other.is_closing():
            other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.partner is not None and self.partner.transport is not None:
            self.partner.transport.close()
        self.ended()
