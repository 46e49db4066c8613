"""Requests and answers that two programs read in two ways: what the gate has judged is what goes on, and nothing else.

A pod's web client follows redirects, decodes by the character set that an answer names, forgives broken text and takes
any status below 400 as success. A hub that is not honest, or whoever stands in its place, knows that too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web

from podadmin.core.clock import SystemClock
from podadmin.gate import web_forward
from podadmin.gate.hub_keys import ACCESS_KEY_PATH, JWKS_PATH
from podadmin.limits import service as limits
from podadmin.limits.own import Scope
from podadmin.networks.bitfount.places import Role
from podadmin.requests.state import State
from podadmin.store.unit import Fact
from tests.gate.conftest import tls_behind
from tests.gate.proxy.test_bad_days import a_web_place, web_of

CLOCK = SystemClock()
MODEL = "research-lab/hba1c-risk:1"
WIDE = {
    "limits": [{"resourceType": "MODEL_INFERENCE", "resourceName": MODEL, "limit": 1_000_000, "totalUsage": 0}],
    "code": "ACCEPT",
}
AS_JSON = "application/json"
DEEP = "[" * 5000 + "]" * 5000
ODD_STATUS = [101, 203, 206, 226, 300, 302, 307, 308, 399, 600]


class Hub:
    """A hub and access manager that answers as it is told, whatever is asked; `asked` is what came."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, b"{}", {"content-type": AS_JSON}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    def says(self, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.headers = status, {"content-type": AS_JSON, **(headers or {})}
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.raw_path, headers, await request.read()))
        return web.Response(body=self.body, status=self.status, headers=self.headers)


@asynccontextmanager
async def hostile_hub(rig: Any) -> AsyncIterator[Hub]:
    """In the place of the rig's hub and access manager."""
    hub, places = Hub(), rig.gate.places
    async with a_web_place(hub.answer) as origin:
        for host in (places.hub, places.access_manager):
            places.addresses[host] = origin
        yield hub


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["errorMessage"])


@pytest.mark.parametrize("path", [ACCESS_KEY_PATH, JWKS_PATH])
def test_no_status_no_redirect_and_no_broken_text_brings_a_pod_a_key_that_was_not_held_against_its_pin(
    own_network: Any, tell_proxied: Callable[..., None], path: str
) -> None:
    async def story(rig: Any) -> None:
        host = rig.gate.places.access_manager if path == ACCESS_KEY_PATH else rig.gate.places.hub
        async with web_of(rig) as asked:
            good = (await asked.get(f"https://{host}{path}")).json()
            name = next(iter(good))
            evil = {
                name: "an evil key" if path == ACCESS_KEY_PATH else [{"kty": "RSA", "kid": "k", "n": "a", "e": "a"}]
            }
            text = json.dumps(evil)[:-1]
            async with hostile_hub(rig) as hub:
                for status in ODD_STATUS:
                    hub.says(evil, status, {"location": f"https://{rig.gate.places.hub}/elsewhere"})
                    answer = await asked.get(f"https://{host}{path}", follow_redirects=True)
                    assert answer.status_code == 503, status
                for broken in (f'{text}, "x": "\xff"}}'.encode("latin-1"), f'{text}, "x": {DEEP}}}'.encode()):
                    hub.says(broken)
                    assert code_of(await asked.get(f"https://{host}{path}")) == "gate.bad-keys"
                hub.says(good, headers={"content-type": f"{AS_JSON}; charset=utf-7", "connection": "content-encoding"})
                answer = await asked.get(f"https://{host}{path}")
                assert (answer.json(), answer.headers["content-type"]) == (good, AS_JSON)

    tell_proxied(own_network, story)


def test_an_answer_about_access_is_narrowed_however_it_is_dressed(
    own_network: Any, tell_proxied: Callable[..., None]
) -> None:
    """The custodian's own limit is ten; the access manager wants the pod to read that there are a million."""

    async def story(rig: Any) -> None:
        with rig.store.record(Fact("anna", "limit.set", MODEL)) as unit:
            limits.set_limit(
                unit, scope=Scope(MODEL, None, "research-lab", None), period="total", amount=10, effect="stops",
                reason="The board said so.", by="anna", at=CLOCK.now(),
            )  # fmt: skip
        sent = await rig.send("inference")
        rig.approve(await rig.comes_to(sent, State.HELD))
        task = await rig.take()

        async def free(number: int) -> int | None:
            """What the pod reads that it may use; each question is a new one, so that the network is asked again."""
            answer = await rig.ask_access(task, number=number)
            assert not answer.has_redirect_location
            read = json.loads(answer.text)
            if answer.is_error or read["code"] != "ACCEPT":
                return None
            (limit,) = read["limits"]
            return int(limit["limit"] - limit["totalUsage"])

        hidden = {"z": "+ACI-, +ACI-limits+ACI-: null, +ACI-y+ACI-:+ACI-"}
        async with hostile_hub(rig) as hub:
            for number, status in enumerate(ODD_STATUS[1:]):
                hub.says(WIDE, status, {"location": f"https://{rig.gate.places.hub}/api/pods"})
                assert await free(number) in {10, None}, status
            hub.says({**WIDE, **hidden}, headers={"content-type": "application/json; charset=utf-7"})
            assert await free(100) == 10

    tell_proxied(own_network, story, records=40)


async def raw(rig: Any, sent: bytes) -> bytes:
    """How the hub, as the gate plays it, answers these bytes."""
    async with tls_behind(rig.gate, rig.gate.places.hub) as (reader, writer):
        writer.write(sent)
        return bytes(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60))


def call(line: str, *fields: bytes, body: bytes = b"abcd") -> bytes:
    lines = [line.encode(), b"Host: evil.example", f"Content-Length: {len(body)}".encode(), *fields, b"", body]
    return b"\r\n".join(lines)


SPLIT = [
    call("POST /api/pods HTTP/1.1", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nDELETE /api/pods HTTP/1.1\r\n\r\n"),
    call("POST /api/pods HTTP/1.1", b"Content-Length: 5"),
    call("POST /api/pods HTTP/1.1", b"Transfer-Encoding: xchunked"),
    call("POST /api/pods HTTP/1.1", b"X-A: b", b" Content-Length: 9"),
    call("POST /api/pods HTTP/1.1", b"X-A : b"),
    call("POST /api/pods HTTP/1.1", b"X-A: a\0b"),
    call("POST /api/pods HTTP/1.1", b"X-A: a\rX-B: c"),
    call("POST /api/pods HTTP/1.1", b"Host: two"),
    call("POST /api/pods HTTP/1.1").replace(b"\r\n", b"\n"),
    call("post /api/models HTTP/1.1"),
    call("POST @evil.example/api/pods HTTP/1.1"),
]
OTHERS = [
    call("POST http://evil.example/api/pods HTTP/1.1"),
    call("POST //api/pods HTTP/1.1"),
    call("POST /api/pods#/../models HTTP/1.1"),
    call("POST /api/models HTTP/1.1", b"Connection: Upgrade", b"Upgrade: websocket"),
    call("GET /api/models HTTP/1.1", b"X-HTTP-Method-Override: POST"),
    call("CONNECT evil.example:443 HTTP/1.1"),
    b"GET /api/models HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nrows\r\n0\r\n\r\n",
]


def test_a_request_that_could_be_read_as_another_one_does_not_go_on(
    own_network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        async with hostile_hub(rig) as hub:
            for sent in SPLIT:
                assert b" 400 " in await raw(rig, sent), sent
            for sent in OTHERS:
                assert b" 403 " in await raw(rig, sent), sent
            assert hub.asked == []
            odd = call(
                "POST /api/pods HTTP/1.1", b"X-Odd: \xff\xc3\xa9", b"Connection: x-mine, content-length", b"X-Mine: a",
                b"X_HTTP_Method_Override: DELETE", b"X-Original-URL: /api/models",
            )  # fmt: skip
            assert b" 200 " in await raw(rig, odd)
            ((method, path, headers, body),) = hub.asked
            assert (method, path, body, headers["content-length"]) == ("POST", "/api/pods", b"abcd", "4")
            assert headers["x-odd"].encode("utf-8", "surrogateescape") == b"\xff\xc3\xa9"
            assert headers["host"] != "evil.example"
            assert not {"x-mine", "x_http_method_override", "x-original-url"} & set(headers)

    tell_proxied(own_network, story)


@asynccontextmanager
async def bytes_at(rig: Any, role: Role, *said: bytes, again: bytes = b"") -> AsyncIterator[str]:
    """A host of the network that says just these bytes to each question, one after the other; its name."""
    left = list(said)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            writer.write(left.pop(0) if left else b"")
            while again:
                writer.write(again)
                await writer.drain()
            await writer.drain()
        except OSError:
            pass
        writer.close()

    places = rig.gate.places
    host = next(each for each in places.addresses if places.role_of(each) is role)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    places.addresses[host] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield host
    finally:
        server.close()


def test_an_answer_that_is_cut_short_is_not_filled_up(own_network: Any, tell_proxied: Callable[..., None]) -> None:
    """What the gate says of the failure was read as the rest of the file, and as the answer to the next question."""

    async def story(rig: Any) -> None:
        short = b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nhalf of a model"
        broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\nhalf of a model\r\nzz\r\n"
        whole = b"HTTP/1.1 200 OK\r\nX-Odd: a\x01b\r\nContent-Length: 5\r\n\r\nwhole"
        async with web_of(rig) as asked, bytes_at(rig, Role.STORE, short, whole, broken, whole) as host:
            for _ in range(2):
                with pytest.raises(httpx.RemoteProtocolError):
                    await asked.get(f"https://{host}/object/1")
                answer = await asked.get(f"https://{host}/object/1")
                assert (answer.status_code, answer.text, "x-odd" in answer.headers) == (200, "whole", False)

    tell_proxied(own_network, story)


def test_a_hub_that_never_comes_to_its_answer_is_not_waited_for(
    own_network: Any, tell_proxied: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_forward, "SECONDS", 1.0)

    async def story(rig: Any) -> None:
        go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
        async with web_of(rig) as asked, bytes_at(rig, Role.HUB, again=go_on) as host:
            assert code_of(await asked.get(f"https://{host}/api/models")) == "gate.host-silent"

    tell_proxied(own_network, story)


def test_what_a_hub_gives_one_caller_to_show_no_other_one_shows(
    own_network: Any, tell_proxied: Callable[..., None]
) -> None:
    """Code in the worker asks for a session of its own at the hub; the pod's next words are not said within it."""

    async def story(rig: Any) -> None:
        async with hostile_hub(rig) as hub, web_of(rig) as worker, web_of(rig) as pod:
            hub.says({}, headers={"set-cookie": "session=of-a-stranger; Path=/"})
            answer = await worker.get(f"https://{rig.gate.places.hub}/api/models")
            assert answer.headers["set-cookie"].startswith("session=")
            await pod.patch(f"https://{rig.gate.places.hub}/api/pods", content=b"{}")
            assert "cookie" not in hub.asked[-1][2]

    tell_proxied(own_network, story)
