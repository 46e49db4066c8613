"""The bad days of a gate before a real pod, by name: what happens, what the custodian sees, and that nothing is lost.

| day                                             | told in                                                           |
|-------------------------------------------------|-------------------------------------------------------------------|
| the network is gone for an hour                 | here                                                              |
| the gate is killed at every commit, while idle, | `tests/faults/test_kill_proxied.py`; by the real pod and gate in  |
| holding, running, withholding                   | `tests/interop/real_pod`                                          |
| the pod is killed between delivery and          | here; `test_foreign_pod`: a pod that was started again            |
| acknowledgement                                 |                                                                   |
| the network delivers again                      | here                                                              |
| a mailbox is gone                               | here; `test_relay`: a mailbox that is not the pod's               |
| 3 GiB are announced                             | here: by the object store, by a question, as a message            |
| a slow-loris at the proxy                       | here; `test_proxy`: a head that is slow                           |
| a body that unpacks to 10 GiB, msgpack bombs    | here: a job request, a call, an answer of the hub                 |
| a reference to a local path, another host, …    | `test_hostile_requests`: messages that no honest network sends    |
| TLS downgrade                                   | `test_proxy`: old TLS and other names                             |
| a certificate near its end                      | here; `test_proxy`: the authority is renewed                      |
| the clock jumps                                 | here                                                              |
| the disk is full at capture                     | here, by SQLite's own limit                                       |
| the store is locked by a backup                 | here                                                              |
| two gates for one pod                           | here: of one profile; `test_foreign_pod`: of two                  |
"""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import httpx
import psutil
import pytest
import zstandard
from aiohttp import web
from cryptography import x509

from podadmin.app.proxy_mode import red_words
from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, Refused, Unavailable
from podadmin.gate import proxy as proxy_module
from podadmin.gate import web_forward
from podadmin.gate.proxy import Proxy
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import references
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.job_request import read_claims
from podadmin.networks.local.ledger import FILE, Ledger
from podadmin.networks.local.requester import Mischief
from podadmin.requests import service
from podadmin.requests.state import State
from podadmin.store import engine
from tests.gate.conftest import tls_behind
from tests.gate.jumping_clock import JumpingClock

CLOCK = SystemClock()
GIB = 1024**3


def memory() -> float:
    """What this process holds, in MiB."""
    return psutil.Process().memory_info().rss / 2**20


def bomb(gigabytes: int) -> bytes:
    """So many GiB of zeros as one gzip stream: a block that is made once and repeated."""
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = packing.compress(b"\0") + packing.flush(zlib.Z_FULL_FLUSH)
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = raw.compress(bytes(16 * 2**20)) + raw.flush(zlib.Z_FULL_FLUSH)
    return start + block * (gigabytes * 64) + b"\x03\x00" + bytes(8)


def plant(network: Any, *posted: pb.BitfountMessage) -> None:
    """Put messages into a pod's own mailbox as a network that is not honest could."""
    network.stop()
    ledger = Ledger(network.folder, CLOCK)
    for message in posted:
        ledger.post(message.recipientMailboxId, message.SerializeToString())
    ledger.close()
    network.start()


@asynccontextmanager
async def a_web_place(act: Callable[[web.BaseRequest], Any]) -> AsyncIterator[str]:
    """A real HTTP server that does what `act` says; its origin."""
    server = web.Server(act)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def hub_at(rig: Any, origin: str) -> None:
    """The hub of this network is somewhere else from now on."""
    rig.gate.places.addresses[rig.gate.places.hub] = origin


def web_of(rig: Any) -> httpx.AsyncClient:
    context = ssl.create_default_context(cafile=str(rig.gate.authority.bundle_file))
    return httpx.AsyncClient(proxy=rig.gate.address, verify=context, trust_env=False, timeout=60)


@pytest.mark.slow
def test_the_network_is_gone_for_an_hour(own_network: Any, tell_proxied: Callable[..., None]) -> None:
    """What waited lapses and is told so when there is a network; a task that ran goes on; the screen says why."""
    clock = JumpingClock()

    async def story(rig: Any) -> None:
        running, task = await rig.running()
        waiting = await rig.send("rows")
        await rig.comes_to(waiting, State.HELD)
        await asyncio.to_thread(own_network.stop)
        route = task.route
        result = pb.BitfountMessage(
            messageType=7, taskId=route.task_id, senderMailboxId="w", body=b"sealed",
            recipientMailboxId=route.requester_mailbox,
        )  # fmt: skip
        for _ in range(2):
            with pytest.raises(Unavailable):
                await rig.pod.get()
            with pytest.raises(Unavailable):
                await rig.pod.send(result)
        assert rig.gate.seen.upstream_problem == "unavailable"
        clock.jump(3600)
        assert "nothing for two minutes" in red_words(rig.gate, clock), "the pod was silent as well"
        found = await rig.comes_to(waiting, State.LAPSED)
        assert found.row.answer not in {"", "made"}, "owed, and not sent anywhere"
        await asyncio.to_thread(own_network.start)
        heard = await rig.heard(waiting, "JOB_REJECT")
        assert found.row.reference in heard[0].value["msg"]
        # the hour has passed for the gate alone: to it, what is sent by the network's clock has waited for an hour
        rig.settings["window"] += 3600.0
        following = await rig.comes_to(await rig.send("sql"), State.HELD)
        assert (rig.gate.seen.upstream_problem, red_words(rig.gate, clock)) == ("", "")
        assert rig.found(running.route.task_id).row.state == State.RUNNING
        assert following.row.state == State.HELD

    tell_proxied(own_network, story, clock=clock)


def test_the_pod_is_killed_between_delivery_and_acknowledgement(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    """Its socket is cut with the request in it: the request is handed out again, and begun once."""

    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        rig.approve(await rig.comes_to(sent, State.HELD))
        first = await rig.pod_gets(sent.route.task_id)
        for transport in tuple(rig.gate.proxy._open):
            transport.abort()
        again = None
        while again is None:
            try:
                again = await rig.poll()
            except Unavailable:
                continue
        assert (again.body, again.receiptHandle) == (first.body, first.receiptHandle)
        rig.brought.insert(0, again)
        task = await rig.take()
        assert task.route.task_id == sent.route.task_id
        acts = rig.acts(rig.found(sent.route.task_id))
        assert (acts.count("request.delivering"), acts.count("request.captured")) == (1, 1)

    tell_proxied(network, story)


@pytest.mark.slow
def test_the_network_delivers_again(own_network: Any, tell_proxied: Callable[..., None]) -> None:
    """The same trigger three times over: kept once, acknowledged each time, decided once."""

    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        found = await rig.comes_to(sent, State.HELD)
        wire = pb.BitfountMessage.FromString(service.bytes_of(rig.store, found.row.id).wire)
        wire.receiptHandle = ""
        plant(own_network, wire, wire, wire)
        last = await rig.send("rows")
        await rig.comes_to(last, State.HELD)
        await rig.until(lambda: rig.gate.seen.summary().get("repeated") == 3, "all of them came and went")
        assert len(service.listing(rig.store, state="", search="", limit=10, after="").rows) == 2
        assert rig.acts(found).count("request.captured") == 1

    tell_proxied(own_network, story)


@pytest.mark.slow
def test_a_mailbox_is_gone(own_network: Any, tell_proxied: Callable[..., None]) -> None:
    """The requester left meanwhile: the refusal stands, and the journal says that it was not heard."""

    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        held = await rig.comes_to(sent, State.HELD)
        await asyncio.to_thread(own_network.stop)
        with sqlite3.connect(own_network.folder / FILE) as database:
            database.execute("DELETE FROM mailbox WHERE id = ?", (sent.route.requester_mailbox,))
        database.close()
        await asyncio.to_thread(own_network.start)
        rig.refuse(held, "No.")
        await rig.until(lambda: "request.answered" in rig.acts(held), "it was tried")
        assert rig.entries(held.row.id)[-1][1]["problem"] == "network.mailbox-gone"
        assert service.answers_due(rig.store) == ()
        await rig.comes_to(await rig.send("rows"), State.HELD)

    tell_proxied(own_network, story)


async def question_of(rig: Any, begun: bytes) -> bytes:
    """How the hub answers a question that begins with these bytes and has no end; nothing where it hangs up."""
    async with tls_behind(rig.gate, rig.gate.places.hub) as (reader, writer):
        writer.write(begun)
        return bytes(await asyncio.wait_for(reader.read(100), 60))


HEADERS, RST_STREAM, SETTINGS, GOAWAY = 1, 3, 4, 7


async def first_answer(rig: Any, begun: bytes) -> int:
    """The type of the first frame by which the message service answers a call that begins with these bytes.

    By hand, because no client would send such a call (RFC 9113, sections 3.4 and 4.1; RFC 7541, section 6.2.2).
    """
    host = rig.gate.places.message_service
    fields = {
        ":method": "POST", ":scheme": "https", ":path": "/messages.MessageService/SendBitfountMessage",
        ":authority": host, "te": "trailers", "content-type": "application/grpc", **rig.settings["headers"],
    }  # fmt: skip
    literal = b"".join(
        b"\0" + b"".join(bytes([len(each)]) + each.encode() for each in field) for field in fields.items()
    )

    def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
        return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body

    async with tls_behind(rig.gate, host, "h2") as (reader, writer):
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b""))
        writer.write(frame(HEADERS, 4, 1, literal) + frame(0, 0, 1, begun))
        while True:
            head = await asyncio.wait_for(reader.readexactly(9), 60)
            await reader.readexactly(int.from_bytes(head[:3], "big"))
            if head[3] in {HEADERS, RST_STREAM, GOAWAY}:
                return int(head[3])


def test_three_gigabytes_are_announced(network: Any, tell_proxied: Callable[..., None]) -> None:
    """By the object store, by a question to the hub, and as one message: none of it is waited for."""

    async def huge(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-length": str(3 * GIB)})
        await answer.prepare(request)
        await asyncio.Event().wait()
        return answer

    async def story(rig: Any) -> None:
        async with a_web_place(huge) as origin:
            policy = references.ReferencePolicy.local(origin)
            with pytest.raises(BadInput) as caught:
                await references.download(f"{origin}/object", policy, 1_000_000, 5.0)
            assert caught.value.code == "reference.too-big"
        said = await question_of(
            rig, f"POST /api/pods HTTP/1.1\r\nHost: h\r\nContent-Length: {3 * GIB}\r\n\r\nx".encode()
        )
        assert b" 503 " in said
        assert await first_answer(rig, b"\0" + (3 * GIB).to_bytes(4, "big")) in {HEADERS, RST_STREAM, GOAWAY}
        assert await rig.poll() is None
        room = pb.LargeStorageRequest(senderMailboxId="w", contentSize=3 * GIB, taskId="no-such-task")
        with pytest.raises(Refused):
            await rig.pod.get_large_object_storage(room)

    tell_proxied(network, story)


def test_a_slow_loris(network: Any, tell_proxied: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A tunnel without a handshake, a head and a body that do not end: each is let go, and the pod polls."""
    for module, name in ((proxy_module, "HEAD_SECONDS"), (proxy_module, "HANDSHAKE_SECONDS"), (web_forward, "SECONDS")):
        monkeypatch.setattr(module, name, 0.4)

    async def story(rig: Any) -> None:
        hub, port = rig.gate.places.hub, rig.gate.proxy.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"CONNECT {hub}:443 HTTP/1.1\r\n\r\n".encode())
        assert b"200" in await reader.readuntil(b"\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 60) == b"", "nobody shook hands"
        assert await question_of(rig, b"GET / HT") == b""
        assert b" 503 " in await question_of(rig, b"POST /api/pods HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx")
        assert await rig.poll() is None
        await rig.until(lambda: rig.gate.proxy.connections < 4, "the places are free again")

    tell_proxied(network, story)


@pytest.mark.slow
def test_what_unpacks_to_ten_gigabytes(own_network: Any, tell_proxied: Callable[..., None]) -> None:
    """A job request, a deep and a wide one, a compressed call, an answer of the hub: refused before they are large."""
    packed = bomb(10)
    assert len(packed) < 12 * 2**20

    async def answers(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=packed, headers={"content-encoding": "gzip"})

    async def story(rig: Any) -> None:
        frame = zstandard.ZstdCompressor(level=1)
        zeros = frame.compress(bytes(200 * 2**20))
        ten = b"\x28\xb5\x2f\xfd\xe0" + (10 * GIB).to_bytes(8, "little") + zeros[9:]
        bodies = {
            "ten gigabytes": ten,
            "as large as its frame": zeros,
            "deep": frame.compress(b"\x91" * 100_000 + b"\xc0"),
            "wide": frame.compress(b"\xdd\x00\x98\x96\x80" + b"\xc0" * 10_000_000),
        }
        before = memory()
        for body in bodies.values():
            found = await rig.comes_to(await rig.send("sql", Mischief(body=body)), State.INVALID)
            assert found.findings["code"] == "envelope.too-big"
            with pytest.raises(BadInput):
                read_claims(body)
        act = rig.pod._channel.unary_unary("/messages.MessageService/SendBitfountMessage")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await act(
                bytes(60 * 2**20), timeout=10, compression=grpc.Compression.Gzip,
                metadata=tuple(rig.settings["headers"].items()),
            )  # fmt: skip
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        async with a_web_place(answers) as origin, web_of(rig) as asked:
            hub_at(rig, origin)
            answer = await asked.get(f"https://{rig.gate.places.hub}/api/pods")
            assert (answer.status_code, answer.json()["errorMessage"]) == (503, "gate.too-big")
        assert memory() - before < 400, "MiB; some of it is what this test itself has made"

    tell_proxied(own_network, story, largest=20 * 2**20)


def test_a_certificate_is_near_its_end(network: Any, tell_proxied: Callable[..., None]) -> None:
    """The next connection gets a fresh one, and one that is open goes on as it is."""
    clock = JumpingClock(-timedelta(hours=20))

    async def serial(rig: Any) -> int:
        async with tls_behind(rig.gate, rig.gate.places.hub) as (_, writer):
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(shown).serial_number

    async def story(rig: Any) -> None:
        assert await rig.poll() is None
        first = await serial(rig)
        assert await serial(rig) == first
        open_before = set(rig.gate.proxy._open)
        clock.jump(20 * 3600)
        assert await serial(rig) != first
        assert await rig.poll() is None, "the pod's connection goes on"
        assert open_before & set(rig.gate.proxy._open)
        fresh = MessageServiceClient(
            grpc.aio.secure_channel(
                f"{rig.gate.places.message_service}:443",
                grpc.ssl_channel_credentials(rig.gate.authority.certificate_file.read_bytes()),
                options=(("grpc.http_proxy", rig.gate.address), ("grpc.use_local_subchannel_pool", 1)),
            ),
            tuple(rig.settings["headers"].items()),
            20.0,
        )
        async with fresh:
            assert await fresh.get() is None

    tell_proxied(network, story, clock=clock)


def test_the_clock_jumps(network: Any, tell_proxied: Callable[..., None]) -> None:
    """Back: no grant and no rule decides any more, and it is said why. Forward: nothing is delivered late."""
    clock = JumpingClock()

    async def story(rig: Any) -> None:
        first = await rig.comes_to(await rig.send("sql"), State.HELD)
        service.approve(rig.store, clock, first.row.id, "anna", "always", 30, service.Terms(runs=5))
        rig.gate.nudge()
        task = await rig.take()
        await rig.pod.acknowledge(task.route.pod_mailbox, "gate:x", delete_mailbox=True)
        clock.jump(-2 * 86_400)
        same = await rig.comes_to(await rig.send("sql"), State.HELD, State.APPROVED, State.DELIVERING)
        assert same.row.state == State.HELD, "a grant counts by a clock that can be believed"
        assert any("clock" in json.dumps(line).lower() for line in same.findings["trace"])
        clock.jump(2 * 86_400)
        rig.settings["paused"] = True
        late = await rig.comes_to(await rig.send("rows"), State.HELD)
        rig.approve(late)
        clock.jump(86_400)
        rig.settings["paused"] = False
        await rig.nothing_comes()
        assert rig.found(late.row.task_id).row.state in {State.GRANTED, State.LAPSED, State.APPROVED}

    tell_proxied(network, story, clock=clock)


def test_the_disk_is_full_at_capture(network: Any, tell_proxied: Callable[..., None]) -> None:
    """Not acknowledged, said on the screen with what to do, and captured by itself once there is room."""

    async def story(rig: Any) -> None:
        held = await rig.comes_to(await rig.send("sql"), State.HELD)
        writer = rig.store._writer.connect()
        pages = writer.exec_driver_sql("PRAGMA page_count").scalar_one()
        writer.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        writer.close()
        sent = await rig.send("rows")

        def said() -> str:
            return str(rig.gate.seen.store_problems.get("intake", ""))

        while not said():
            assert await rig.poll() is None
        assert said().startswith("The disk that holds the profile is full.")
        assert service.by_task(rig.store, sent.route.task_id) is None
        writer = rig.store._writer.connect()
        writer.exec_driver_sql("PRAGMA max_page_count = 1073741823")
        writer.close()
        await rig.comes_to(sent, State.HELD)
        assert said() == ""
        assert rig.found(held.row.task_id).row.state == State.HELD

    tell_proxied(network, story)


def test_the_store_is_locked_by_a_backup(
    network: Any, tell_proxied: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)

    async def story(rig: Any) -> None:
        approved = await rig.comes_to(await rig.send("sql"), State.HELD)
        backup = sqlite3.connect(rig.store.path, isolation_level=None)
        backup.execute("BEGIN EXCLUSIVE")
        sent = await rig.send("rows")
        while "Another program holds" not in rig.gate.seen.store_problems.get("intake", ""):
            assert await rig.poll() is None
        with pytest.raises(Unavailable):
            rig.approve(approved)
        backup.execute("ROLLBACK")
        backup.close()
        await rig.comes_to(sent, State.HELD)
        rig.approve(approved)
        assert (await rig.take()).route.task_id == approved.row.task_id
        assert rig.gate.seen.store_problems == {}

    tell_proxied(network, story)


def test_two_gates_for_one_pod(network: Any, tell_proxied: Callable[..., None]) -> None:
    """The second one of a profile finds the pod's one address taken and says what to do; the first goes on."""

    async def story(rig: Any) -> None:
        gate = rig.gate
        second = Proxy(
            gate.places,
            gate.hosts,
            gate.ports.upstream.rooms,
            gate.authority,
            lambda: 1,
            lambda *_: None,
            lambda _: None,
            gate.outages,
        )
        with pytest.raises(Unavailable) as caught:
            await second.start(gate.proxy.port)
        assert caught.value.code == "gate.port-taken"
        assert "new-port" in caught.value.next_step
        await second.stop()
        with socket.create_connection(("127.0.0.1", gate.proxy.port)):
            assert await rig.poll() is None

    tell_proxied(network, story)
