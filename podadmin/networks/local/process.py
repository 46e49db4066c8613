"""The process of a local network: sockets, store and rules put together, from the first start to the last signal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import grpc.aio
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from podadmin.core.clock import SystemClock
from podadmin.core.errors import NotFound, Unavailable
from podadmin.networks.bitfount import crypto, rpc
from podadmin.networks.local.address import Address, address_at, read_address, write_address
from podadmin.networks.local.exchange import Exchange
from podadmin.networks.local.ledger import Ledger
from podadmin.networks.local.objects import ObjectStore
from podadmin.networks.local.rules import read_rules
from podadmin.networks.local.web import AM_KEY, Web

_HOST = "127.0.0.1"
_JOIN = "join-token"
_GRACE = 0.5


class Process:
    """The network of one folder. `start` and `stop` run in the event loop that serves it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clock = SystemClock()
        self._server: grpc.aio.Server | None = None
        self._runners: list[web.AppRunner] = []
        self._ledger: Ledger | None = None
        self._exchange: Exchange | None = None

    async def start(self) -> Address:
        """Serve, on the ports of the last time where there was one.

        Raises Unavailable `local.folder`, `local.store` and `local.port-taken`, BadInput `local.rules`, Tampered
        `local.address-changed`.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            raise Unavailable(
                "local.folder",
                "The folder of the local network cannot be used.",
                "It cannot be made.",
                "Choose a folder that you may write to.",
            ) from None
        read_rules(self._folder)
        try:
            ports = read_address(self._folder).ports()
        except NotFound:
            ports = (0, 0, 0)
        ledger = self._ledger = Ledger(self._folder, self._clock)
        token = ledger.own(_JOIN) or secrets.token_urlsafe(32)
        ledger.set_own(_JOIN, token)
        if ledger.own(AM_KEY) is None:
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            ledger.set_own(AM_KEY, crypto.public_line(key.public_key()))
        store = await self._listen(ObjectStore(ledger).app(), ports[2])
        origin = f"http://{_HOST}:{store}"
        served = Web(ledger, lambda: read_rules(self._folder), token, origin)
        manager = await self._listen(served.hub(), ports[1])
        self._exchange = Exchange(ledger, lambda: read_rules(self._folder), origin, self._clock)
        service = await self._serve(self._exchange, ports[0])
        address = address_at((service, manager, store), os.getpid(), token)
        write_address(self._folder, address)
        return address

    async def stop(self) -> None:
        """Let waiting polls go, close the sockets and the store. Safe where `start` failed half-way."""
        if self._exchange is not None:
            self._exchange.stop()
        if self._server is not None:
            await self._server.stop(_GRACE)
        for runner in self._runners:
            await runner.cleanup()
        if self._ledger is not None:
            self._ledger.close()

    async def _listen(self, app: web.Application, port: int) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        self._runners.append(runner)
        await runner.setup()
        try:
            await web.TCPSite(runner, _HOST, port).start()
        except OSError:
            raise _taken() from None
        return int(runner.addresses[0][1])

    async def _serve(self, exchange: Exchange, port: int) -> int:
        rpc.keep_poller()
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", rpc.MAX_MESSAGE),
                ("grpc.max_send_message_length", rpc.MAX_MESSAGE),
                ("grpc.so_reuseport", 0),
            )
        )
        self._server.add_generic_rpc_handlers((exchange.handler(),))
        try:
            bound = self._server.add_insecure_port(f"{_HOST}:{port}")
        except RuntimeError:
            raise _taken() from None
        if bound == 0:
            raise _taken()
        await self._server.start()
        return bound


def _taken() -> Unavailable:
    return Unavailable(
        "local.port-taken",
        "The local network cannot listen where it used to.",
        "Another program of this machine uses its port.",
        "Close the other program, or remove the address file of the local network and join it again.",
    )


def when_parent_goes(act: Callable[[], object]) -> None:
    """Call `act` from a thread when the standard input ends: the parent has closed it or is no more."""

    def wait() -> None:
        # Not through sys.stdin: a thread inside its buffer would block the end of the process.
        with contextlib.suppress(OSError):  # no standard input at all is one that has ended
            while os.read(0, 1024):
                continue
        act()

    threading.Thread(target=wait, name="parent", daemon=True).start()


async def run(folder: Path, *, parent_pipe: bool, ready: Callable[[Address], None]) -> None:
    """Serve until a signal, or with `parent_pipe` until the standard input ends. `ready` is called with the address."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    if parent_pipe:
        when_parent_goes(lambda: loop.call_soon_threadsafe(ended.set))
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
    process = Process(folder)
    try:
        address = await process.start()
        ready(address)
        await ended.wait()
    finally:
        await process.stop()
