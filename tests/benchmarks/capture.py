"""From the network's answer to the journal: how long a request takes until it is kept and may be acknowledged.

The way of a real gate: the message is read, its body is fetched from an object store (a process of its own, as in a
hospital), and both are written with their entry in one transaction that is on the disk. The bound is the issue's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from podadmin.core.clock import SystemClock, stamp
from podadmin.gate import intake
from podadmin.gate.credentials import OfThePod
from podadmin.gate.ports import Seen, Upstream
from podadmin.journal.records import Journal
from podadmin.networks.bitfount import codec
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.references import ReferencePolicy
from podadmin.store.engine import Store
from tests.benchmarks import bare_gate
from tests.benchmarks.figures import beside_bound

COUNT, WARM, BOUND = 60, 5, 150.0
BODY = 2400
"""Bytes of a usual request (gate contract, section 2.1)."""

OTHER_SIDE = """
import asyncio, os, sys
import grpc, grpc.aio
from aiohttp import web
body = os.urandom(int(sys.argv[1]))
class All(grpc.GenericRpcHandler):
    def service(self, details):
        async def act(data, context):
            return b""
        return grpc.unary_unary_rpc_method_handler(act)
async def give(request):
    return web.Response(body=body)
async def main():
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((All(),))
    messages = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    app = web.Application()
    app.router.add_get("/{path:.*}", give)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(messages, runner.addresses[0][1], flush=True)
    await server.wait_for_termination()
asyncio.run(main())
"""


def run(count: int = COUNT) -> list[dict[str, Any]]:
    """Milliseconds from the message to its acknowledgement, beside the bound."""
    took = anyio.run(_measure, count)
    how = f"body of {BODY} bytes fetched, kept with its entry, acknowledged; at most {max(took):.0f} ms"
    return [beside_bound("capture to journalled", took, BOUND, how)]


async def _measure(count: int) -> list[float]:
    program = [sys.executable, "-c", OTHER_SIDE, str(BODY)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert other.stdout is not None
        try:
            messages, objects = (await to_thread.run_sync(other.stdout.readline)).split()
            return await _captured(Path(folder), f"127.0.0.1:{messages}", f"http://127.0.0.1:{objects}", count)
        finally:
            other.kill()


async def _captured(folder: Path, messages: str, objects: str, count: int) -> list[float]:
    clock = SystemClock()
    store = Store.open(folder / "podadmin.db", Journal(clock))
    shown = OfThePod(clock)
    upstream = Upstream(
        "bitfount", "Bitfount", messages, False, objects, objects, shown, ReferencePolicy.local(objects)
    )
    ports = bare_gate.ports(store, clock, upstream)
    seen, took = Seen(clock.now()), []
    try:
        async with MessageServiceClient.open(messages, tls=False) as client:
            for number in range(count + WARM):
                message = pb.BitfountMessage(
                    messageType=pb.BitfountMessage.JOB_REQUEST, taskId=f"task-{number}", sender="lab",
                    recipient="clinic/patients", recipientMailboxId="clinic/patients", senderMailboxId="m",
                    body=codec.pack_plain(f"{objects}/object/{os.urandom(8).hex()}"), timestamp=stamp(clock.now()),
                )  # fmt: skip
                began = clock.monotonic()
                kept = await intake.take(ports, client, message, seen)
                took.append((clock.monotonic() - began) * 1000)
                assert kept
    finally:
        store.close()
    return took[WARM:]
