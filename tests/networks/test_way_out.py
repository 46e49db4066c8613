"""The hospital's own proxy: a real one on this computer, before everything that leaves for a network."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from podadmin.core.errors import BadInput, PodadminError, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks import way_out
from podadmin.networks.bitfount import references
from podadmin.networks.bitfount.access_manager import AccessManagerClient
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.references import ReferencePolicy
from podadmin.networks.way_out import WayOut

USER, PASSWORD = "pod 1", "s:e/c@ret%"
STORE = "a-message-service-external.s3.eu-west-2.amazonaws.com"


@dataclass
class RealProxy:
    """A CONNECT proxy. `asked`: the hosts that were asked for. `status` refuses all of them."""

    status: int = 200
    login: bool = False
    asked: list[str] = field(default_factory=list)
    to: tuple[str, int] = ("127.0.0.1", 0)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split(" ")[1])
        right = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        status = self.status
        if self.login and right not in head:
            status = 407
        if status == 200:
            far_reader, far = await asyncio.open_connection(*self.to)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(pump(reader, far), pump(far_reader, writer))
            return
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode() if status else b"hello\r\n\r\n")
        writer.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def real_proxy(**how: Any) -> AsyncIterator[RealProxy]:
    proxy = RealProxy(**how)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy


@pytest.fixture(autouse=True)
def _straight_out_afterwards() -> Iterator[None]:
    yield
    way_out.use(None)


async def by_message() -> None:
    async with MessageServiceClient.open("messaging.bitfount.com:443", seconds=8.0) as client:
        await client.get()


async def by_question() -> None:
    await AccessManagerClient("https://am.hub.bitfount.com").public_key()


async def by_reference() -> None:
    await references.download(f"https://{STORE}/body", ReferencePolicy(), 1000, 8.0)


async def by_tunnel() -> None:
    await way_out.reach("auth.bitfount.com", 443)


WAYS = {
    "messaging.bitfount.com:443": by_message,
    "am.hub.bitfount.com:443": by_question,
    f"{STORE}:443": by_reference,
    "auth.bitfount.com:443": by_tunnel,
}


@pytest.mark.parametrize(("host", "ask"), WAYS.items(), ids=[each.__name__ for each in WAYS.values()])
@pytest.mark.parametrize(
    ("how", "code"),
    [({"login": True}, "network.proxy-login"), ({"status": 403}, "network.proxy-refused")],
    ids=["wants a password", "refuses"],
)
def test_everything_that_leaves_goes_through_the_proxy_and_says_why_it_does_not(
    host: str, ask: Callable[[], Awaitable[None]], how: dict[str, Any], code: str
) -> None:
    async def story() -> None:
        async with real_proxy(**how) as proxy:
            wrong = Secret("not the password")
            way_out.use(WayOut("127.0.0.1", proxy.port, USER, wrong))
            with pytest.raises(PodadminError) as caught:
                await ask()
            assert caught.value.code == code
            assert set(proxy.asked) == {host}
            assert "not the password" not in f"{caught.value!r}{caught.value.as_dict()}{way_out.now()!r}"

    asyncio.run(story())


def test_the_right_name_and_password_open_a_way_and_bytes_go_both_ways() -> None:
    async def story() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hi ")  # before anybody has asked
            writer.write((await reader.readline()).upper())
            writer.close()

        far = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with far, real_proxy(login=True) as proxy:
            proxy.to = ("127.0.0.1", far.sockets[0].getsockname()[1])
            way_out.use(WayOut("127.0.0.1", proxy.port, USER, Secret(PASSWORD)))
            heard = asyncio.Queue[bytes]()

            class Near(asyncio.Protocol):
                transport: asyncio.Transport

                def connection_made(self, transport: asyncio.BaseTransport) -> None:
                    assert isinstance(transport, asyncio.Transport)
                    self.transport = transport

                def data_received(self, data: bytes) -> None:
                    heard.put_nowait(data)

            near, rest = await way_out.connect(Near, "ehr.hospital.example", 8443)
            near.transport.write(b"hello\n")
            whole = rest
            while b"HELLO\n" not in whole:
                whole += await asyncio.wait_for(heard.get(), 60)
            assert whole == b"hi HELLO\n"
            assert proxy.asked == ["ehr.hospital.example:8443"]
            await way_out.reach("ehr.hospital.example", 443)
            near.transport.close()

    asyncio.run(story())


def test_a_name_and_a_password_of_any_letters_open_the_way_for_messages_too() -> None:
    async def story() -> None:
        async def deaf(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        far = await asyncio.start_server(deaf, "127.0.0.1", 0)
        async with far, real_proxy(login=True) as proxy:
            proxy.to = ("127.0.0.1", far.sockets[0].getsockname()[1])
            way_out.use(WayOut("127.0.0.1", proxy.port, USER, Secret(PASSWORD)))
            with pytest.raises(Unavailable) as caught:
                await by_message()
            assert caught.value.code == "network.unreachable"  # the proxy let it through; who is there hangs up

    asyncio.run(story())


def test_a_proxy_that_is_none_or_away_is_told_in_words() -> None:
    async def story() -> None:
        async with real_proxy(status=0) as proxy:
            way_out.use(WayOut("127.0.0.1", proxy.port))
            with pytest.raises(Unavailable) as caught:
                await by_tunnel()
            assert caught.value.code == "network.proxy-silent"
        for ask in (by_tunnel, by_question, by_reference):
            with pytest.raises(Unavailable) as caught:
                await ask()
            assert caught.value.code == "network.proxy-silent"

    asyncio.run(story())


def test_what_is_on_this_computer_never_takes_it() -> None:
    async def story() -> None:
        async with real_proxy() as proxy:
            way_out.use(WayOut("127.0.0.1", proxy.port))
            for address in ("127.0.0.1:9", "localhost:9"):
                with pytest.raises(PodadminError):
                    async with MessageServiceClient.open(address, tls=False, seconds=2.0) as client:
                        await client.get()
            with pytest.raises(PodadminError) as caught:
                await AccessManagerClient("http://127.0.0.1:9").public_key()
            assert caught.value.code != "network.proxy-silent"
            assert proxy.asked == []

    asyncio.run(story())


def test_without_a_proxy_nothing_is_told_of_one() -> None:
    assert way_out.for_web(False) is None
    assert way_out.problem_in("HTTP proxy returned response code 407") is None
    assert way_out.problem_of(OSError()) is None
    way_out.use(WayOut("proxy.example", 3128))
    assert way_out.problem_in("connection refused") is None
    found = way_out.problem_in("HTTP proxy handshake failed")
    assert found is not None
    assert found.code == "network.proxy-silent"
    assert isinstance(way_out.refused(407), Refused)


@pytest.mark.parametrize(
    "text", ["", "proxy", "proxy:0", "proxy:99999", "user:pw@proxy:3128", "https://proxy:3128", "a b:1", "-x:1"]
)
def test_what_is_no_place_of_a_proxy(text: str) -> None:
    with pytest.raises(BadInput):
        way_out.read_place(text)


def test_a_place_is_read_with_or_without_its_scheme() -> None:
    assert way_out.read_place("http://Proxy.Hospital.example:3128/") == ("proxy.hospital.example", 3128)
    assert way_out.read_place("10.0.0.7:8080") == ("10.0.0.7", 8080)
