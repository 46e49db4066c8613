"""The way out of the hospital: its own proxy, through which everything goes that leaves this computer for a network.

A process has one way out, as it has one trust store: it is set once when the gate is switched on or a hub is asked, and
every connection to a network asks for it here, so that none can be forgotten. What goes to this computer itself never
takes it. The proxy carries sealed connections (HTTP CONNECT, RFC 9110, section 9.3.6); it sees hosts and nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

from podadmin.core.errors import BadInput, PodadminError, Refused, Unavailable
from podadmin.core.secret import Secret

if TYPE_CHECKING:
    import httpx

_PLACE: Final = re.compile(r"(?=.{1,260}$)([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):([1-9][0-9]{0,4})")
_LONGEST_HEAD: Final = 16 * 1024
_LOGIN: Final = 407
REACH_SECONDS: Final = 15.0
_STATUS: Final = re.compile(r"\b([1-5][0-9]{2})\b")
P = TypeVar("P", bound=asyncio.BaseProtocol)


@dataclass(frozen=True)
class WayOut:
    """A proxy of the hospital. `user` empty: it asks for no name."""

    host: str
    port: int
    user: str = ""
    password: Secret[str] | None = None

    @property
    def _credentials(self) -> tuple[str, str] | None:
        return (self.user, self.password.reveal() if self.password is not None else "") if self.user else None

    def for_web(self) -> httpx.Proxy:
        """As the web client takes it."""
        import httpx

        return httpx.Proxy(f"http://{self.host}:{self.port}", auth=self._credentials)

    def for_messages(self) -> str:
        """As a channel to a message service takes it. It holds the password: it goes nowhere else."""
        found = self._credentials
        login = f"{quote(found[0], safe='')}:{quote(found[1], safe='')}@" if found else ""
        return f"http://{login}{self.host}:{self.port}"

    def head(self, host: str, port: int) -> bytes:
        """The question for a connection to a host."""
        found = self._credentials
        login = ""
        if found:
            plain = f"{found[0]}:{found[1]}".encode()
            login = f"Proxy-Authorization: Basic {base64.b64encode(plain).decode('ascii')}\r\n"
        return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{login}\r\n".encode()


_in_use: WayOut | None = None


def use(way: WayOut | None) -> None:
    """From now on everything goes this way; None: straight out, or as the environment says."""
    global _in_use
    _in_use = way


def now() -> WayOut | None:
    """The way out that is in use."""
    return _in_use


def for_web(local: bool) -> httpx.Proxy | None:
    """What a web client is given as its proxy; `local`: it asks this computer itself."""
    return None if local or _in_use is None else _in_use.for_web()


def read_place(text: str) -> tuple[str, int]:
    """Host and port of `host:port`. Raises BadInput (`network.bad-proxy`)."""
    found = _PLACE.fullmatch(text.strip().removeprefix("http://").removesuffix("/"))
    if found is None or int(found[2]) > 65535:
        raise BadInput(
            "network.bad-proxy",
            "The proxy was not taken.",
            "It is not a host and a port. A name and a password do not belong into it.",
            "Give it as proxy.hospital.example:3128; the name is a setting of its own, and the password lies in the "
            "vault.",
        )
    return found[1].lower(), int(found[2])


def problem_in(words: str) -> PodadminError | None:
    """What the proxy answered, where a library's words tell of it; None where no proxy is in use or none is named."""
    if _in_use is None or "prox" not in words.lower():
        return None
    found = _STATUS.findall(words)
    return refused(int(found[-1])) if found else silent()


def problem_of(error: BaseException, local: bool = False) -> PodadminError | None:
    """What the proxy did, where a failed question to the web tells of it."""
    import httpx

    if local or _in_use is None:
        return None
    if isinstance(error, httpx.ProxyError):
        found = _STATUS.search(str(error))
        return refused(int(found[1])) if found else silent()
    return silent() if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)) else None


def refused(status: int) -> PodadminError:
    """The proxy answered with another number than 200."""
    if status == _LOGIN:
        return Refused(
            "network.proxy-login",
            "The hospital's proxy let nothing out.",
            "It wants a name and a password, and those that it was given are missing or wrong.",
            "Set the name in the settings, and the password with `podadmin network proxy-password`.",
        )
    return Unavailable(
        "network.proxy-refused",
        "The hospital's proxy let nothing out.",
        f"It answered with the number {status}.",
        "Ask who runs the proxy to let this computer reach the hosts that “Pod & gate” lists.",
    )


def silent() -> Unavailable:
    """The proxy could not be reached, or said nothing that could be understood."""
    return Unavailable(
        "network.proxy-silent",
        "The hospital's proxy does not answer.",
        "There is no connection to it, or it is no proxy.",
        "Check its host and port in the settings, and whether it runs.",
    )


async def connect(make: Callable[[], P], host: str, port: int) -> tuple[P, bytes]:
    """A connection to a host, through the proxy where one is in use; with what came before anybody asked.

    Raises OSError, TimeoutError, and PodadminError (`network.proxy-…`).
    """
    loop = asyncio.get_running_loop()
    if _in_use is None:
        _, straight = await loop.create_connection(make, host, port)
        return straight, b""
    way = _in_use
    try:
        transport, asking = await loop.create_connection(_Asking, way.host, way.port)
    except OSError:
        raise silent() from None
    with ExitStack() as undone:
        undone.callback(transport.abort)
        transport.write(way.head(host, port))
        status, rest = await asking.answer
        if status != 200:
            raise refused(status) if status else silent()
        undone.pop_all()
    far = make()
    transport.set_protocol(far)
    far.connection_made(transport)
    transport.resume_reading()
    return far, rest


async def reach(host: str, port: int) -> None:
    """Make a connection to a host and end it. Raises PodadminError (`network.proxy-…`, `network.no-way`)."""
    try:
        async with asyncio.timeout(REACH_SECONDS):
            far, _rest = await connect(_Asking, host, port)
    except (OSError, TimeoutError):
        raise Unavailable(
            "network.no-way",
            "The host cannot be reached.",
            "There is no connection to it, or its name is not known here.",
            "Check the name of the host, and whether this computer is let out.",
        ) from None
    far.end()


class _Asking(asyncio.Protocol):
    """Waits for the answer of a proxy: its status, 0 where it is none, and what came behind it."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 and len(self._received) <= _LONGEST_HEAD:
            return
        first = bytes(self._received[:end]).split(b"\r\n", 1)[0].split(b" ")
        told = first[1].decode("ascii", "replace") if len(first) > 1 and first[0].startswith(b"HTTP/1.") else ""
        if self._transport is not None:
            self._transport.pause_reading()
        self._say(int(told) if end >= 0 and _STATUS.fullmatch(told) else 0, bytes(self._received[end + 4 :]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._say(0, b"")

    def end(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _say(self, status: int, rest: bytes) -> None:
        if not self.answer.done():
            self.answer.set_result((status, rest))
