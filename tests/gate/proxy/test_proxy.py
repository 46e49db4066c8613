"""The proxy in front of a real pod, on real sockets: what it ends, what it lets through, what it turns away."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.clock import ManualClock, SystemClock
from podadmin.core.errors import BadInput, Refused
from podadmin.gate import hosts as rules
from podadmin.gate import proxy as proxy_module
from podadmin.gate.authority import LIFE, RENEW_BEFORE, open_authority
from podadmin.gate.proxy_head import BadHead, read_head
from podadmin.journal.records import Journal
from podadmin.networks.bitfount.places import BITFOUNT_NETWORKS, PRODUCTION, Role
from podadmin.pod.environment import environment
from podadmin.store.engine import Store
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.service import Vault

CLOCK = SystemClock()
POD = """
import asyncio, json, sys
import grpc, grpc.aio, httpx
async def main():
    found = {}
    async with grpc.aio.secure_channel(sys.argv[1] + ":443", grpc.ssl_channel_credentials()) as channel:
        call = channel.unary_unary("/messages.MessageService/GetBitfountMessage")
        try:
            await call(b"", timeout=60, metadata=(("x-api-key-id", "nobody"), ("x-api-key", "wrong")))
        except grpc.aio.AioRpcError as error:
            found["grpc"] = error.code().name
    async with httpx.AsyncClient(timeout=60) as web:
        found["hub"] = (await web.get("https://" + sys.argv[2] + "/api/access-manager-key")).status_code
        for name in ("https://evil.example/x", "http://plain.example/x"):
            try:
                found[name] = (await web.get(name)).status_code
            except httpx.HTTPError as error:
                found[name] = type(error).__name__ + " " + str(error)
    print(json.dumps(found))
asyncio.run(main())
"""


async def said(port: int, data: bytes, seconds: float = 5.0) -> bytes:
    """What the proxy answers to these bytes, until it ends the connection or `seconds` have passed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(200), seconds)
    except TimeoutError:
        return b"(silence)"
    finally:
        writer.close()


def test_a_program_with_the_printed_environment_and_nothing_else_goes_through_the_gate(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    """No code of the program knows of a proxy or of a certificate: its libraries read the environment."""

    async def story(rig: Any) -> None:
        places = rig.gate.places
        mine = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", POD, places.message_service, places.hub,
            env={**mine, **rig.gate.environment("*.bitfount.com,.podadmin.internal")},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        found = json.loads(out)
        assert found["grpc"] == "UNAUTHENTICATED"  # the network's own answer, unchanged
        assert found["hub"] == 200
        assert "403" in found["https://evil.example/x"]
        assert found["http://plain.example/x"] == 403
        kept = {each.place: each.count for each in rules.listing(rig.store)}
        assert kept == {"evil.example": 1, "plain.example:80": 1}
        assert [act for act, _ in rig.entries("evil.example")] == ["gate.host-refused"]

    tell_proxied(network, story)


def test_a_head_that_is_not_plainly_right_is_refused_and_a_slow_one_ends(
    network: Any, tell_proxied: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_module, "HEAD_SECONDS", 0.5)

    async def story(rig: Any) -> None:
        port, hub = rig.gate.proxy.port, rig.gate.places.hub.encode()
        end = b"\r\n\r\n"
        for bad in (
            b"GET / HTTP/1.1" + end,
            b"CONNECT " + hub + b" HTTP/1.1" + end,
            b"CONNECT user@" + hub + b":443 HTTP/1.1" + end,
            b"CONNECT " + hub + b":443 HTTP/1.1\r\nA: b\r\n c" + end,
            b"CONNECT " + hub + b":443 HTTP/1.1\nA: b" + end,
            b"CONNECT " + hub + b":443 HTTP/1.1" + end + b"early",
            b"CONNECT " + hub + b":99999 HTTP/1.1" + end,
            b"\x16\x03\x01" + end,
            b"CONNECT " + b"a" * 20_000,
        ):
            assert (await said(port, bad)).startswith(b"HTTP/1.1 400"), bad[:60]
        assert (await said(port, b"CONNECT " + hub + b":8443 HTTP/1.1" + end)).startswith(b"HTTP/1.1 403")
        assert (await said(port, b"CONNECT hub.other.example:443 HTTP/1.1" + end)).startswith(b"HTTP/1.1 403")
        assert (await said(port, b"CONNECT " + hub)).startswith(b"HTTP/1.1 408")
        # two hundred that say nothing do not keep the pod out
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
        assert await rig.poll() is None
        for _, writer in idle:
            writer.close()

    tell_proxied(network, story)


def test_old_tls_and_other_names_end_at_the_gate(network: Any, tell_proxied: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        gate, roots = rig.gate, rig.gate.authority.certificate_file

        def old() -> ssl.SSLContext:
            context = ssl.create_default_context(cafile=str(roots))
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
            return context

        for host in (gate.places.hub, gate.places.message_service):
            with pytest.warns(DeprecationWarning, match="TLSv1"):
                context = old()
            async with httpx.AsyncClient(proxy=gate.address, verify=context, trust_env=False) as web:
                with pytest.raises(httpx.HTTPError):
                    await web.get(f"https://{host}/")
        # the authority's certificate holds to its names, whoever asks it for another one
        leaf = gate.authority.leaf("evil.example")
        server = grpc.aio.server()
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(leaf.key.reveal(), leaf.chain)]))
        await server.start()
        channel = grpc.aio.secure_channel(
            f"127.0.0.1:{port}",
            grpc.ssl_channel_credentials(roots.read_bytes()),
            options=(("grpc.ssl_target_name_override", "evil.example"), ("grpc.enable_http_proxy", 0)),
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/a.B/C")(b"", timeout=3)
        assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
        await channel.close()
        await server.stop(None)

    tell_proxied(network, story)


def test_a_host_is_let_through_once_a_person_allows_it(network: Any, tell_proxied: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        place, head = f"localhost:{port}", f"CONNECT localhost:{port} HTTP/1.1\r\n\r\n".encode()
        assert (await said(rig.gate.proxy.port, head)).startswith(b"HTTP/1.1 403")
        rules.decide(rig.store, CLOCK, rig.gate.places, place, rules.ALLOWED, "anna", "the EHR")
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.gate.proxy.port)
        writer.write(head)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        big = os.urandom(3_000_000)
        sending = asyncio.create_task(_write(writer, big))
        assert await reader.readexactly(len(big)) == big
        await sending
        writer.close()
        rules.decide(rig.store, CLOCK, rig.gate.places, place, rules.REFUSED, "anna", "no more")
        assert (await said(rig.gate.proxy.port, head)).startswith(b"HTTP/1.1 403")
        server.close()
        with pytest.raises(Refused, match="belongs to the network"):
            rules.decide(rig.store, CLOCK, rig.gate.places, rig.gate.places.hub, rules.REFUSED, "anna", "why")
        with pytest.raises(BadInput):
            rules.decide(rig.store, CLOCK, rig.gate.places, "a b", rules.ALLOWED, "anna", "why")

    tell_proxied(network, story)


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def test_the_authority_is_made_once_renewed_in_time_and_survives_a_clock_that_jumps(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    store = Store.open(tmp_path / "podadmin.db", Journal(clock))
    vault = Vault(tmp_path / "keys", MemoryKeyring(), store, clock)
    vault.unlock()
    names = PRODUCTION.constraint

    def files() -> int:
        return (tmp_path / "gate-authority.pem").read_text().count("BEGIN CERTIFICATE")

    first = open_authority(vault, store, clock, names, tmp_path)
    leaf = first.leaf("hub.bitfount.com")
    assert first.leaf("hub.bitfount.com") is leaf
    again = open_authority(vault, store, clock, names, tmp_path)
    assert (files(), again.restart_by) == (1, None)
    assert leaf.ends - leaf.begins < timedelta(hours=26)
    for jump in (timedelta(hours=13), timedelta(days=3), -timedelta(days=4)):
        clock.advance(jump.total_seconds())
        fresh = first.leaf("hub.bitfount.com")
        assert fresh.begins <= clock.now() < fresh.ends
    clock.advance((LIFE - RENEW_BEFORE + timedelta(days=1)).total_seconds())
    renewed = open_authority(vault, store, clock, names, tmp_path)
    assert files() == 2  # a pod that is started now believes both
    assert renewed.restart_by is not None
    assert _issuer(renewed.leaf("hub.bitfount.com").chain) == _issuer(leaf.chain)
    clock.advance(timedelta(days=28).total_seconds())
    assert _issuer(renewed.leaf("hub.bitfount.com").chain) != _issuer(leaf.chain)
    assert open_authority(vault, store, clock, ("other.example",), tmp_path).leaf("other.example").host
    assert b"PRIVATE" not in b"".join(path.read_bytes() for path in tmp_path.glob("*.pem"))
    assert not list(tmp_path.glob(".leaf-*"))
    store.close()


def _issuer(chain: bytes) -> x509.Name:
    return x509.load_pem_x509_certificate(chain).issuer


def test_the_environment_replaces_every_proxy_and_excepts_no_host_of_the_network() -> None:
    found = environment(
        "http://127.0.0.1:9",
        Path("/b"),
        Path("/a"),
        PRODUCTION.names,
        "*, .bitfount.com,com,intranet.example,10.0.0.0/8",
    )
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "grpc_proxy", "ALL_PROXY", "all_proxy"):
        assert found[name] == "http://127.0.0.1:9"
    assert found["NO_PROXY"] == found["no_proxy"] == "localhost,127.0.0.1,::1,intranet.example,10.0.0.0/8"
    assert found["SSL_CERT_FILE"] == found["REQUESTS_CA_BUNDLE"] == "/b"
    assert found["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] == "/a"


def test_the_networks_are_data() -> None:
    assert set(BITFOUNT_NETWORKS) == {"bitfount", "bitfount-staging", "bitfount-sandbox"}
    assert PRODUCTION.role_of("messaging.bitfount.com") is Role.MESSAGES
    assert PRODUCTION.role_of("am.hub.bitfount.com") is Role.ACCESS
    assert PRODUCTION.role_of("eu-message-service-external.s3.eu-west-2.amazonaws.com") is Role.STORE
    for other in ("evil-message-service-external.s3.amazonaws.com.evil.example", "bitfount.com", "xhub.bitfount.com"):
        assert PRODUCTION.role_of(other) is None


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading_of_a_head(data: bytes) -> None:
    for head in (data, b"CONNECT " + data + b"\r\n\r\n", data + b"\r\n\r\n"):
        try:
            found = read_head(head)
        except BadHead:
            continue
        assert 0 < found.port < 65536
        assert found.host == found.host.lower()
        assert found.host.isascii()
