"""Passing an HTTP request on to a host of the network, and its answer back: streamed, capped, without redirects."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx
from aiohttp import web

from podadmin.core import unpacking
from podadmin.core.errors import BadInput, PodadminError, Unavailable
from podadmin.gate.outages import Outages
from podadmin.networks import way_out
from podadmin.networks.bitfount.places import Places

_CHUNK: Final = 64 * 1024
SECONDS: Final = 60.0
MOST_QUESTION: Final = 64 * 1024 * 1024
MOST_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of what is read as a whole: questions to the hub and the access manager. Uploads and downloads are streamed."""
_OWN_TO_A_CONNECTION: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    }
)
"""Headers that belong to one connection and are not passed on (RFC 9110, section 7.6.1)."""
_ANOTHER_CALL: Final = frozenset(
    {"x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"}
)
"""Headers by which some servers are told that another method or path is meant than the one that the gate has read."""


_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""No value of a header holds one (RFC 9110, section 5.5), and one that does is not passed on."""


@dataclass(frozen=True)
class Answer:
    """The whole answer of a host, its body as it came (it may be compressed)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    plain: bytes
    """The body without its compression."""

    @property
    def good(self) -> bool:
        """Does it bring what was asked for? Whoever reads it may ask for no more than this."""
        return 200 <= self.status < 300

    def with_json(self, text: bytes) -> Answer:
        """The same answer with another body, of which no header says that it is to be read in another way."""
        headers = {name: value for name, value in self.headers.items() if name not in {"content-encoding", "etag"}}
        return Answer(self.status, headers | {"content-type": "application/json"}, text, text)


class Forwarder:
    """One set of connections to the hosts of a network. Use it inside the gate's loop."""

    def __init__(self, places: Places, outages: Outages) -> None:
        self._places = places
        self._outages = outages
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def ask(self, host: str, request: web.BaseRequest, body: bytes) -> Answer:
        """Ask a host, with a body that was read.

        Raises Unavailable (`gate.host-silent`), BadInput (`gate.too-big`, `gate.odd-answer`, `gate.sent-elsewhere`).
        """
        headers = passed_on(request.headers)
        headers.pop("content-length", None)
        packed = "gzip" in headers.get("accept-encoding", "").lower()
        headers |= unpacking.ASKED if packed else {"accept-encoding": "identity"}
        try:
            async with (
                asyncio.timeout(SECONDS) as until,
                self._client(host).stream(
                    request.method, self._url(host, request), headers=_as_sent(headers), content=body or None
                ) as answer,
            ):
                until.reschedule(None)  # words that come before an answer could come without end
                raw, plain = await unpacking.read(answer, MOST_ANSWER)
                await self._outages.worked(host)
                if not (answer.is_success or answer.is_error):
                    raise _sent_elsewhere()
                return Answer(answer.status_code, passed_on(answer.headers), raw, plain)
        except unpacking.TooMuch:
            raise _too_big() from None
        except unpacking.Unreadable:
            raise BadInput(
                "gate.odd-answer",
                "The answer of a host of the network was not passed on.",
                "It is packed in a way that was not asked for, so that it cannot be looked at.",
                "The pod asks again by itself. If it goes on, tell the network.",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            raise await self._lost(host, error) from None

    async def stream(self, host: str, request: web.BaseRequest) -> web.StreamResponse:
        """Pass on a request and its answer as they come. Raises Unavailable (`gate.host-silent`) before the answer.

        An answer that has begun and is not whole is cut off: nothing that is said after it may be taken for its end.
        """
        headers = passed_on(request.headers)
        content = _as_it_comes(request) if request.body_exists else None
        back: web.StreamResponse | None = None
        try:
            async with self._client(host).stream(
                request.method, self._url(host, request), headers=_as_sent(headers), content=content
            ) as answer:
                await self._outages.worked(host)
                back = web.StreamResponse(status=answer.status_code, headers=passed_on(answer.headers))
                await back.prepare(request)
                async for chunk in answer.aiter_raw():
                    await back.write(chunk)
                await back.write_eof()
                return back
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            lost = await self._lost(host, error)
            if back is None or not back.prepared:
                raise lost from None
            if request.transport is not None:
                request.transport.abort()
            return back

    async def _lost(self, host: str, error: Exception) -> PodadminError:
        """What is told of a question that failed."""
        found = way_out.problem_of(error, self._is_local(host)) or _silent()
        await self._outages.failed(host, found)
        return found

    def _url(self, host: str, request: web.BaseRequest) -> str:
        return f"{self._places.address_of(host)}{request.raw_path if request.raw_path.startswith('/') else '/'}"

    def _is_local(self, host: str) -> bool:
        return self._places.address_of(host).startswith("http://127.0.0.1:")

    def _client(self, host: str) -> httpx.AsyncClient:
        local = self._is_local(host)
        if local not in self._clients:
            self._clients[local] = httpx.AsyncClient(
                follow_redirects=False,
                timeout=SECONDS,
                trust_env=not local,
                proxy=way_out.for_web(local),
                verify=False if local else ssl.create_default_context(),
                limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # what one caller is given, no other shows
            )
        return self._clients[local]


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a message without those of its connection, by their names in small letters; `host` is left out."""
    named = {part.strip().lower() for part in headers.get("connection", "").split(",")}
    left_out = _OWN_TO_A_CONNECTION | named | {"host"}
    return {
        name.lower(): value
        for name, value in headers.items()
        if name.lower() not in left_out
        and name.lower().replace("_", "-") not in _ANOTHER_CALL
        and not _CONTROL.search(value)
    }


def _as_sent(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """The headers of a request in the bytes in which they came, whatever these are."""
    return {name.encode(): value.encode("utf-8", "surrogateescape") for name, value in headers.items()}


async def read_whole(request: web.BaseRequest) -> bytes:
    """The body of a request, within `SECONDS`. Raises BadInput (`gate.too-big`, `gate.slow-question`)."""
    received = bytearray()
    if (request.content_length or 0) > MOST_QUESTION:
        raise _too_big()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.content.iter_chunked(_CHUNK):
                received += chunk
                if len(received) > MOST_QUESTION:
                    raise _too_big()
    except OSError:  # time is up, or the pod has hung up
        raise too_slow() from None
    return bytes(received)


async def _as_it_comes(request: web.BaseRequest) -> AsyncIterator[bytes]:
    """A body of any size, of which something comes every `SECONDS`. Raises BadInput (`gate.slow-question`)."""
    chunks = request.content.iter_chunked(_CHUNK)
    while True:
        try:
            async with asyncio.timeout(SECONDS):
                chunk = await anext(chunks, b"")
        except TimeoutError:
            raise too_slow() from None
        if not chunk:
            return
        yield chunk


def too_slow() -> BadInput:
    """A question, or an upload, that did not come to its end."""
    return BadInput(
        "gate.slow-question",
        "A question of the pod was not passed on.",
        f"It had begun and did not come to its end: for {SECONDS:g} seconds nothing came, or not all of it.",
        "The pod asks again by itself. If it goes on, look at how busy this computer is.",
    )


def _sent_elsewhere() -> BadInput:
    return BadInput(
        "gate.sent-elsewhere",
        "The answer of a host of the network was not passed on.",
        "It sends the pod to another address, or is no answer at all: what the pod would read there, nobody has held "
        "against what was decided.",
        "The pod asks again by itself. If it goes on, tell the network.",
    )


def _silent() -> Unavailable:
    return Unavailable(
        "gate.host-silent",
        "A host of the network did not answer the pod.",
        "There is no connection to it, or it was cut.",
        "The pod asks again by itself. If it goes on, check the connection.",
    )


def _too_big() -> BadInput:
    return BadInput(
        "gate.too-big",
        "A question of the pod was not passed on.",
        f"It or its answer has more than {MOST_QUESTION} bytes.",
        "Look at what the pod sends to the hub.",
    )
