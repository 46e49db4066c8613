"""The clients turn every way in which a network can fail into one of our errors."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import grpc
import grpc.aio
import pytest
from aiohttp import web

from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks.bitfount import messages, rpc
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.access_manager import AccessManagerClient, AccessRequest
from podadmin.networks.bitfount.client import MessageServiceClient, api_key_metadata, error_of
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.types import PodResponseType, Reason, type_name


@asynccontextmanager
async def service(acts: Mapping[str, rpc.Act]) -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((rpc.serve(acts),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


def status(code: grpc.StatusCode) -> rpc.Act:
    async def act(data: bytes, context: rpc.Context) -> bytes:
        await context.abort(code, "words of the peer that nobody may see")

    return act


@pytest.mark.parametrize(
    ("code", "kind", "name"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, NotFound, "mailbox-gone"),
        (grpc.StatusCode.UNAVAILABLE, Unavailable, "unreachable"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Unavailable, "slow"),
        (grpc.StatusCode.UNAUTHENTICATED, Refused, "not-allowed"),
        (grpc.StatusCode.PERMISSION_DENIED, Refused, "not-let"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Unavailable, "busy"),
        (grpc.StatusCode.INVALID_ARGUMENT, BadInput, "refused-as-wrong"),
        (grpc.StatusCode.UNIMPLEMENTED, BadInput, "unknown-method"),
        (grpc.StatusCode.INTERNAL, Unavailable, "failed"),
    ],
)
def test_a_status_becomes_an_error_without_the_words_of_the_peer(
    code: grpc.StatusCode, kind: type[PodadminError], name: str
) -> None:
    async def story() -> None:
        async with (
            service({"GetBitfountMessage": status(code)}) as address,
            MessageServiceClient.open(address, tls=False) as client,
        ):
            with pytest.raises(kind) as caught:
                await client.get()
            assert caught.value.code == f"network.{name}"
            assert "words of the peer" not in str(caught.value)

    asyncio.run(story())


def test_every_status_has_an_error() -> None:
    for code in grpc.StatusCode:
        assert error_of(code).code.startswith("network.")


def test_an_empty_mailbox_is_none_and_a_missing_method_is_not() -> None:
    async def story() -> None:
        async with (
            service({"GetBitfountMessage": status(grpc.StatusCode.NOT_FOUND)}) as address,
            MessageServiceClient.open(address, tls=False) as client,
        ):
            assert await client.get() is None
            with pytest.raises(BadInput) as caught:
                await client.acknowledge("m", "r")
            assert caught.value.code == "network.unknown-method"

    asyncio.run(story())


def test_every_call_ends_by_its_deadline() -> None:
    async def forever(data: bytes, context: rpc.Context) -> bytes:
        await asyncio.Event().wait()
        return b""

    async def story() -> None:
        async with (
            service({"GetBitfountMessage": forever}) as address,
            MessageServiceClient.open(address, tls=False, seconds=0.2) as client,
        ):
            with pytest.raises(Unavailable) as caught:
                await client.get()
            assert caught.value.code == "network.slow"

    asyncio.run(story())


def test_garbage_from_the_service_is_told() -> None:
    async def garbage(data: bytes, context: rpc.Context) -> bytes:
        return b"\xff\xff\xff"

    async def story() -> None:
        async with (
            service({"GetBitfountMessage": garbage}) as address,
            MessageServiceClient.open(address, tls=False) as client,
        ):
            with pytest.raises(BadInput) as caught:
                await client.get()
            assert caught.value.code == "network.garbage"

    asyncio.run(story())


def test_metadata_is_asked_for_before_every_call_and_bytes_pass_untouched() -> None:
    seen: list[tuple[bytes, str]] = []

    async def act(data: bytes, context: rpc.Context) -> bytes:
        sent = dict(context.invocation_metadata() or ())
        seen.append((data, f"{sent['x-api-key-id']}:{sent['x-api-key']}"))
        return data

    async def story() -> None:
        keys = iter("abc")
        async with (
            service({"SendBitfountMessage": act}) as address,
            MessageServiceClient.open(
                address, tls=False, metadata=lambda: api_key_metadata("id", next(keys))
            ) as client,
        ):
            strange = b"\xfa\x3e\x03new"
            assert await client.call_raw("SendBitfountMessage", strange) == strange
            await client.call_raw("SendBitfountMessage", b"")
            await client.call_raw("SendBitfountMessage", b"", metadata=api_key_metadata("other", "z"))
            assert seen == [(strange, "id:a"), (b"", "id:b"), (b"", "other:z")]

    asyncio.run(story())


def test_an_unencrypted_connection_stays_on_this_machine() -> None:
    for act in (
        lambda: MessageServiceClient.open("messaging.example:50051", tls=False),
        lambda: AccessManagerClient("http://am.example"),
        lambda: HubClient("http://hub.example"),
        lambda: HubClient("http://127.0.0.1.evil.example:1"),
    ):
        with pytest.raises(Refused) as caught:
            act()
        assert caught.value.code.endswith(".needs-tls")


Act = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def manager(act: Act) -> AsyncIterator[AccessManagerClient]:
    app = web.Application()
    app.router.add_post("/api/access", act)
    app.router.add_get("/api/access-manager-key", act)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield AccessManagerClient(f"http://127.0.0.1:{runner.addresses[0][1]}", timeout=20.0)
    finally:
        await runner.cleanup()


QUESTION = AccessRequest("a/b", {"class_name": "x"}, "bob", "p", b"task", b"sign", "k")


def answer_to(body: bytes, status_code: int = 200) -> object:
    async def act(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status_code)

    async def story() -> object:
        async with manager(act) as client:
            try:
                return await client.check(QUESTION)
            except PodadminError as error:
                return error.code

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "status_code", "code"),
    [
        (b"", 200, "access.malformed"),
        (b"{}", 200, "access.malformed"),
        (b'{"code": null}', 200, "access.malformed"),
        (b'{"code": 1}', 200, "access.malformed"),
        (b'{"code": "ACCEPT", "limits": [{"resourceType": "MODEL_INFERENCE"}]}', 200, "access.malformed"),
        (b'{"code":"ACCEPT","limits":[{"resourceType":"M","resourceName":"r","totalUsage":-1}]}', 200,
         "access.malformed"),
        (b'{"code":"ACCEPT","limits":[{"resourceType":"M","resourceName":"r","totalUsage":1,"limit":1.5}]}', 200,
         "access.malformed"),
        (b" " * 2_000_000, 200, "access.malformed"),
        (b'{"code": "ACCEPT"}', 401, "access.not-allowed"),
        (b'{"code": "ACCEPT"}', 302, "access.failed"),
        (b'{"code": "ACCEPT"}', 500, "access.failed"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_read_never_counts_as_permission(body: bytes, status_code: int, code: str) -> None:
    assert answer_to(body, status_code) == code


def test_an_unknown_code_means_no_access() -> None:
    answer = answer_to(b'{"code": "BRAND_NEW", "limits": null}')
    assert getattr(answer, "code", None) is PodResponseType.NO_ACCESS
    assert not answer.accepted  # type: ignore[attr-defined]
    good = answer_to(b'{"code":"ACCEPT","limits":[{"resourceType":"M","resourceName":"r","totalUsage":3,"limit":0}]}')
    assert good.accepted  # type: ignore[attr-defined]
    assert [(one.limit, one.total_usage) for one in good.limits] == [(0, 3)]  # type: ignore[attr-defined]


def test_a_question_carries_what_the_contract_says() -> None:
    signed = QUESTION.as_json()
    assert signed == {
        "podIdentifier": "a/b", "modellerProtocolRequest": {"class_name": "x"}, "modellerName": "bob",
        "projectId": "p", "unsignedTask": "dGFzaw==", "taskSignature": "c2lnbg==", "identityProvider": "SIGNATURE",
        "publicKeyId": "k",
    }  # fmt: skip
    by_login = AccessRequest("a/b", {}, "bob", None, token="t").as_json()
    assert (by_login["identityProvider"], by_login["modellerToken"]) == ("OIDC", "t")
    assert "unsignedTask" not in by_login


def test_an_access_manager_that_hangs_or_is_gone_is_told() -> None:
    async def forever(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async def story() -> None:
        async with manager(forever) as client:
            with pytest.raises(Unavailable) as caught:
                await client.check(QUESTION)
            assert caught.value.code == "access.slow"
        with pytest.raises(Unavailable) as caught:
            await client.public_key()
        assert caught.value.code == "access.unreachable"

    asyncio.run(story())


def test_amounts_that_cannot_be_are_refused() -> None:
    route, key = messages.Route("a/b", "w", "bob", "m", "t"), Secret(bytes(32))
    now = datetime(2026, 1, 2, tzinfo=UTC)
    for amount in (-1.0, float("nan"), float("inf")):
        message = messages.evaluation_results(route, key, now, None, used=(("a/b:1", amount),))
        with pytest.raises(BadInput):
            messages.resources_consumed(message)
    absent = pb.BitfountMessage()
    absent.messageMetadata.resourcesConsumed.add(resourceIdentifier="a/b:1")
    assert messages.resources_consumed(absent) == (("a/b:1", 0.0),)
    assert messages.reason_of(pb.BitfountMessage()) is None
    aborted = messages.task_abort(route, key, now, "no", Reason.NO_DATA)
    assert messages.reason_of(aborted) is Reason.NO_DATA
    with pytest.raises(BadInput):
        messages.reject_texts(["no"])
    assert (type_name(2), type_name(4711)) == ("JOB_REQUEST", "TYPE_4711")


def test_every_answer_of_a_pod_has_its_standard_text() -> None:
    texts = {response.text for response in PodResponseType}
    assert len(texts) == len(PodResponseType) == 11


_LETS_GO = """
import asyncio, gc, socket, threading
from podadmin.networks.bitfount.client import MessageServiceClient

async def used(address):
    async with MessageServiceClient.open(address, tls=False):
        pass

with socket.create_server(("127.0.0.1", 0)) as silent:
    asyncio.run(used("127.0.0.1:%d" % silent.getsockname()[1]))
gc.collect()
print(sum("_poll_wrapper" in each.name for each in threading.enumerate()))
"""


def test_nobody_who_lets_go_of_the_last_connection_has_to_wait_for_the_thread_that_they_shared() -> None:
    """It goes on: the collector of garbage, which may be the window's thread, has waited for its end for ever."""
    done = subprocess.run([sys.executable, "-c", _LETS_GO], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr
