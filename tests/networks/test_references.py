"""Addresses that strangers write lead to the object store of the network or nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import BadInput, PodadminError, Refused, Unavailable
from podadmin.networks.bitfount import codec, references
from podadmin.networks.bitfount.references import ReferencePolicy, check_reference, download

STORE = "https://a-message-service-external.s3.eu-west-2.amazonaws.com"
PUBLIC = ReferencePolicy()
LOCAL = ReferencePolicy.local("http://127.0.0.1:4000")


@pytest.mark.parametrize(
    "url",
    [f"{STORE}/obj/1?X-Amz-Signature=a%2Fb", "https://b-message-service-external2.s3.amazonaws.com/x"],
)
def test_the_object_store_may_be_followed(url: str) -> None:
    assert check_reference(url, PUBLIC) == url
    with pytest.raises(Refused):
        check_reference(url, LOCAL)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://a-message-service-external.s3.eu-west-2.amazonaws.com@127.0.0.1:7443/x", "userinfo"),
        ("https://a-message-service-external.s3.eu-west-2.amazonaws.com.evil.example/x", "host"),
        ("https://evil.example/a-message-service-external.s3.amazonaws.com", "host"),
        ("https://evil.example#a-message-service-external.s3.amazonaws.com", "odd"),
        ("https://evil.example\\@a-message-service-external.s3.amazonaws.com/", "odd"),
        (f"{STORE}:443/x", "port"),
        (f"{STORE}:/x", "port"),
        (STORE.replace("https", "http") + "/x", "scheme"),
        (STORE.replace("https", "file") + "/x", "scheme"),
        ("/etc/hostname", "scheme"),
        ("C:\\secrets", "odd"),
        ("file:///etc/hostname", "scheme"),
        ("https://127.0.0.1/x", "host"),
        ("https://[::1]/x", "port"),
        ("http://127.0.0.1:4000/x", "scheme"),
        (f"{STORE}/\nx", "odd"),
        (f"{STORE}/ x", "odd"),
        (f"{STORE}/é", "odd"),
        ("https://" + "a" * 9000, "odd"),
        ("https://a-message-service-external.s3.eu-west-2.amazonaws.com\u3002evil.example/", "odd"),
        ("", "odd"),
        ("https://[bad/x", "odd"),
        ("https://x:99999999/x", "odd"),
    ],
)
def test_everything_else_is_refused(url: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        check_reference(url, PUBLIC)
    assert caught.value.code == f"reference.{code}"


def test_a_local_network_with_a_name_is_reached_where_it_is_and_nobody_is_asked_for_the_name() -> None:
    name = STORE.removeprefix("https://")
    named = ReferencePolicy.local("http://127.0.0.1:4000", name)
    assert check_reference(f"{STORE}/object/x?y=1", named) == "http://127.0.0.1:4000/object/x?y=1"
    assert check_reference("http://127.0.0.1:4000/object/x", named) == "http://127.0.0.1:4000/object/x"
    for url in (
        f"{STORE}.evil.example/x", f"{STORE}@127.0.0.1:1/x", f"{STORE}:443/x", f"http://{name}/x", f"https://x{name}/x",
    ):  # fmt: skip
        with pytest.raises(Refused):
            check_reference(url, named)


def test_the_local_network_is_exactly_one_origin() -> None:
    assert check_reference("http://127.0.0.1:4000/object/x", LOCAL)
    for url in (
        "http://127.0.0.1:4001/x", "http://127.0.0.1/x", "http://localhost:4000/x", "http://127.0.0.1:4000@evil/x",
        "https://127.0.0.1:4000/x", "http://127.0.0.1:40000/x", "HTTP://127.0.0.1:4000.evil.example/x",
    ):  # fmt: skip
        with pytest.raises(Refused):
            check_reference(url, LOCAL)
    for origin in ("http://192.0.2.1:4000", "http://127.0.0.1", "https://127.0.0.1:4000", "http://127.0.0.1:4000/x"):
        with pytest.raises(ValueError):
            ReferencePolicy.local(origin)


@given(st.text(max_size=200))
def test_only_our_errors_escape_and_nothing_random_is_followed(text: str) -> None:
    with pytest.raises(Refused):
        check_reference(text, PUBLIC)


@given(st.binary(max_size=200))
def test_a_body_is_a_reference_only_where_it_is_one_text(body: bytes) -> None:
    url = references.reference_in(body)
    if url is not None:
        assert codec.unpack_plain(body) == url


@given(st.text(max_size=300))
def test_every_text_is_recognised(text: str) -> None:
    assert references.reference_in(codec.pack_plain(text)) == text
    assert references.reference_in(codec.pack_plain(text) + b"\xc0") is None
    assert references.reference_in(codec.pack_plain([text])) is None


Act = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def store(act: Act) -> AsyncIterator[str]:
    """A real HTTP server that misbehaves as `act` says; its origin."""
    app = web.Application()
    app.router.add_get("/{path:.*}", act)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def fetched(act: Act, cap: int = 1000, timeout: float = 5.0) -> bytes:
    async def story() -> bytes:
        async with store(act) as origin:
            return await download(f"{origin}/object", ReferencePolicy.local(origin), cap, timeout)

    return asyncio.run(story())


def code_of(act: Act, cap: int = 1000, timeout: float = 5.0) -> str:
    with pytest.raises(PodadminError) as caught:
        fetched(act, cap, timeout)
    return caught.value.code


async def whole(request: web.Request) -> web.StreamResponse:
    return web.Response(body=bytes(1000))


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(bytes(500))


async def stuck(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"x")
    await asyncio.Event().wait()
    return answer


async def elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:1/")


async def gone(request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


async def ill(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500)


async def packed(request: web.Request) -> web.StreamResponse:
    return web.Response(body=bytes(10), headers={"content-encoding": "gzip"})


def test_a_body_within_the_cap_is_fetched_whole() -> None:
    assert fetched(whole) == bytes(1000)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (endless, "too-big"),
        (elsewhere, "redirect"),
        (gone, "gone"),
        (ill, "failed"),
        (packed, "odd"),
    ],
)
def test_a_store_that_misbehaves_is_cut_off(act: Act, code: str) -> None:
    assert code_of(act) == f"reference.{code}"


def test_a_store_that_never_ends_its_answer_is_left() -> None:
    assert code_of(stuck, timeout=0.3) == "reference.slow"


def test_a_store_that_is_not_there_is_said_to_be_unreachable() -> None:
    async def story() -> None:
        async with store(whole) as origin:
            pass
        with pytest.raises(Unavailable) as caught:
            await download(f"{origin}/x", ReferencePolicy.local(origin), 10, 5)
        assert caught.value.code == "reference.unreachable"

    asyncio.run(story())


def test_a_cap_is_exact() -> None:
    with pytest.raises(BadInput):
        fetched(whole, cap=999)
