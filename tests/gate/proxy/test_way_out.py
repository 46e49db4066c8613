"""A tunnel of the pod leaves through the hospital's proxy, and what the gate refuses never reaches that proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from podadmin.core.clock import SystemClock
from podadmin.core.secret import Secret
from podadmin.gate import hosts
from podadmin.gate.outages import BACK, LOST, Outages, standing
from podadmin.networks import way_out
from podadmin.networks.way_out import WayOut

CLOCK = SystemClock()


async def connect(rig: Any, host: str) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.gate.proxy.port)
    writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    return head.split(" ")[1], reader, writer


def test_allowed_hosts_are_reached_through_the_hospitals_proxy(network: Any, tell_proxied: Callable[..., None]) -> None:
    heads: list[str] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if "Basic " not in heads[-1]:
            writer.write(b"HTTP/1.1 407 Login\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 Fine\r\nServer: squid\r\n\r\n")
            writer.write((await reader.readline()).upper())
        writer.close()

    async def story(rig: Any) -> None:
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        where = "ehr.hospital.example"
        hosts.decide(rig.store, CLOCK, rig.gate.places, where, hosts.ALLOWED, "anna", "The EHR.")
        async with server:
            way_out.use(WayOut("127.0.0.1", port, "pod", Secret("pw")))
            try:
                status, reader, writer = await connect(rig, where)
                assert status == "200"
                writer.write(b"hello\n")
                assert await reader.readline() == b"HELLO\n"
                writer.close()
                assert heads[0].startswith(f"CONNECT {where}:443 HTTP/1.1")
                assert (await connect(rig, "elsewhere.example"))[0] == "403"
                assert len(heads) == 1
                way_out.use(WayOut("127.0.0.1", port))
                assert (await connect(rig, where))[0] == "503"
                sent, _task = await rig.running()  # the local network and the pod's own messages need no way out
                assert rig.found(sent.route.task_id).row.state == "running"
                assert len(heads) == 2
            finally:
                way_out.use(None)

    tell_proxied(network, story)


def test_what_the_proxy_does_not_lead_to_is_told_once_and_once_when_it_works_again(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    answers = {"status": b"407 Login"}
    good = "good.hospital.example"

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.write(b"HTTP/1.1 " + (b"200 Fine" if good in head else answers["status"]) + b"\r\n\r\n")
        writer.close()

    async def story(rig: Any) -> None:
        def told() -> list[str]:
            return [act for act, _ in rig.entries(where) if act.startswith("gate.way-out")]

        where = "ehr.hospital.example"
        for host in (where, good):
            hosts.decide(rig.store, CLOCK, rig.gate.places, host, hosts.ALLOWED, "anna", "The EHR.")
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        async with server:
            way_out.use(WayOut("127.0.0.1", server.sockets[0].getsockname()[1], "pod", Secret("pw")))
            try:
                for _ in range(3):
                    assert (await connect(rig, where))[0] == "503"
                    assert (await connect(rig, good))[0] == "200"
                await rig.until(lambda: told() == [LOST], "the outage is told")
                (lost,) = standing(rig.store)
                assert (lost.host, "name and a password" in lost.why) == (where, True)
                assert "pw" not in str(rig.entries(where))
                answers["status"] = b"403 No"
                for _ in range(2):
                    assert (await connect(rig, where))[0] == "503"
                await rig.until(lambda: told() == [LOST, LOST], "another cause is told")
                (again,) = standing(rig.store)
                assert (again.since, "403" in again.why) == (lost.since, True)
                # a gate that is started anew knows what stood
                after = Outages(rig.store, lambda: None)
                await after.open()
                await after.worked(good)
                assert standing(rig.store) == (again,)
                answers["status"] = b"200 Fine"
                for _ in range(2):
                    assert (await connect(rig, where))[0] == "200"
                await rig.until(lambda: told() == [LOST, LOST, BACK], "that it works again is told")
                assert standing(rig.store) == ()
            finally:
                way_out.use(None)

    tell_proxied(network, story)
