"""What the gate of a real pod costs: the same calls straight to a message service and through proxy, TLS and relay.

Three processes, as in a hospital: the pod's side, the gate, the network. The network's side answers everything at once,
so that nothing but the way is measured; the gate is the whole one, with its store, and the task runs. Both ways take
turns in one run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import quantiles
from typing import Any, NoReturn

import anyio
import psutil
from anyio import to_thread
from sqlalchemy import insert

from podadmin.core.clock import SystemClock, stamp
from podadmin.core.errors import Unavailable
from podadmin.gate import words
from podadmin.gate.authority import open_authority
from podadmin.gate.credentials import OfThePod
from podadmin.gate.ports import Ports, Upstream
from podadmin.gate.proxy_gate import ProxyGate
from podadmin.gate.rooms import Rooms
from podadmin.journal.records import Journal
from podadmin.networks.bitfount.places import PRODUCTION, Places
from podadmin.networks.bitfount.references import ReferencePolicy
from podadmin.requests.records import request, sealed
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.service import Vault
from tests.benchmarks import bare_gate
from tests.benchmarks.figures import ROOT, environment, figure, in_turns

ROUNDS, AT_ONCE, TURNS, MANY = 400, 32, 7, 50_000
TASK = "task_benchmark"

NETWORK = """
import asyncio, grpc, grpc.aio
class All(grpc.GenericRpcHandler):
    def service(self, details):
        async def act(data, context):
            return b""
        return grpc.unary_unary_rpc_method_handler(act)
async def main():
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    server.add_generic_rpc_handlers((All(),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()
asyncio.run(main())
"""

POD = """
import asyncio, json, sys, time
import grpc, grpc.aio
straight, proxy, host, roots, rounds, at_once, turns, many, message = sys.argv[1:]
rounds, at_once, turns, many, message = int(rounds), int(at_once), int(turns), int(many), bytes.fromhex(message)
SEND = "/messages.MessageService/SendBitfountMessage"
PROOF = (("x-api-key-id", "pod"), ("x-api-key", "key"))
async def main():
    far = grpc.aio.insecure_channel(straight, options=(("grpc.enable_http_proxy", 0),))
    credentials = grpc.ssl_channel_credentials(open(roots, "rb").read())
    near = grpc.aio.secure_channel(host + ":443", credentials, options=(("grpc.http_proxy", proxy),))
    ways = {"straight": far.unary_unary(SEND), "through": near.unary_unary(SEND)}
    seen = {name: [] for name in ways}
    for number in range(rounds + 30):
        for name, act in ways.items():
            began = time.perf_counter()
            await act(message, timeout=20, metadata=PROOF)
            if number >= 30:
                seen[name].append((time.perf_counter() - began) * 1000)
    rates = {name: [] for name in ways}
    async def several(act, count):
        for _ in range(count):
            await act(message, timeout=20, metadata=PROOF)
    for _ in range(turns):
        for name, act in ways.items():
            began = time.perf_counter()
            await asyncio.gather(*(several(act, 40) for _ in range(at_once)))
            rates[name].append(at_once * 40 / (time.perf_counter() - began))
    await asyncio.gather(*(several(ways["through"], many // at_once) for _ in range(at_once)))
    print(json.dumps({"seen": seen, "rates": rates}))
asyncio.run(main())
"""


def run(rounds: int = ROUNDS, many: int = MANY) -> list[dict[str, Any]]:
    """p50 and p99 of one message, messages a second at 32 at once, what the gate's process works for each, and what it
    holds after `many`."""
    found = anyio.run(_measure, rounds, many)
    seen, rates = found["seen"], found["rates"]
    note = f"{rounds} messages of a running task each way, in turns; the peer is the same service without a gate"
    figures = []
    for name, place in (("p50", 49), ("p99", 98)):
        ours, peer = quantiles(seen["through"], n=100)[place], quantiles(seen["straight"], n=100)[place]
        least, most = min(seen["through"]) / min(seen["straight"]), max(seen["through"]) / max(seen["straight"])
        figures.append(figure(f"a message through the proxy, {name}", "ms", note, ours, peer, ours / peer, least, most))
    note = f"{AT_ONCE} at once, the median of {TURNS} turns of each way; more is better"
    figures.append(in_turns("messages a second", "1/s", note, rates["through"], rates["straight"]))
    ours, peer = found["work"]
    note = (
        "of a processor, in the gate's process; the peer is what the service's own needs for each; over the whole run"
    )
    figures.append(figure("work for a message", "ms", note, ours, peer, ours / peer, ours / peer, ours / peer))
    before, after = found["memory"]
    note = f"the gate's process after {many} messages, beside what it held before them"
    ratio = after / before
    figures.append(figure("resident memory", "MB", note, after, before, ratio, ratio, ratio))
    return figures


async def _measure(rounds: int, many: int) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([sys.executable, "-c", NETWORK], stdout=subprocess.PIPE, text=True) as network,
    ):
        assert network.stdout is not None
        try:
            port = int((await to_thread.run_sync(network.stdout.readline)).strip())
            return await _through(Path(folder), f"127.0.0.1:{port}", rounds, many, psutil.Process(network.pid))
        finally:
            network.kill()


async def _through(folder: Path, address: str, rounds: int, many: int, far: psutil.Process) -> dict[str, Any]:
    clock = SystemClock()
    store = Store.open(folder / "podadmin.db", Journal(clock))
    vault = Vault(folder / "keys", MemoryKeyring(), store, clock)
    vault.unlock()
    places = Places(**{**vars(PRODUCTION), "addresses": {PRODUCTION.message_service: f"http://{address}"}})
    authority = open_authority(vault, store, clock, places.constraint, folder)
    shown = OfThePod(clock)
    gate = ProxyGate(_ports(store, clock, places, address, shown), places, shown, authority, lambda: None)
    message = _running(store, clock)
    # as many messages as this are those of many tasks, each of which may say a part of it
    words._MOST = {True: rounds * many * len(message), False: rounds * many * len(message)}
    try:
        async with anyio.create_task_group() as group:
            await group.start(gate.run)
            before = psutil.Process().memory_info().rss / 1e6
            worked = _worked(psutil.Process()), _worked(far)
            arguments = [
                address, gate.address, places.message_service, str(authority.certificate_file), str(rounds),
                str(AT_ONCE), str(TURNS), str(many), message.hex(),
            ]  # fmt: skip
            done = await anyio.run_process(
                [sys.executable, "-c", POD, *arguments], cwd=ROOT, env=environment(), stderr=sys.stderr
            )
            after = psutil.Process().memory_info().rss / 1e6
            through = rounds + TURNS * AT_ONCE * 40 + many
            straight = rounds + TURNS * AT_ONCE * 40
            ours, peer = _worked(psutil.Process()) - worked[0], _worked(far) - worked[1]
            group.cancel_scope.cancel()
    finally:
        store.close()
    work = ours / through * 1000, peer / (through + straight) * 1000
    return {**json.loads(done.stdout), "memory": (before, after), "work": work}


def _worked(process: psutil.Process) -> float:
    """Seconds of a processor that a process has used."""
    used = process.cpu_times()
    return used.user + used.system


def _running(store: Store, clock: SystemClock) -> bytes:
    """A task that runs, made by hand, and one message of it in bytes."""
    from podadmin.networks.bitfount import messages_pb2 as pb

    now = stamp(clock.now())
    with store.record(Fact("benchmark", "request.captured", "req_BENCHMARK")) as unit:
        unit.execute(
            insert(request).values(
                id="req_BENCHMARK", network="bitfount", task_id=TASK, type=2, state="running", received_at=now,
                deadline=now, body_digest="",
            )
        )  # fmt: skip
        asked = pb.BitfountMessage(taskId=TASK, senderMailboxId="requester").SerializeToString()
        unit.execute(insert(sealed).values(request_id="req_BENCHMARK", wire=asked, body=b"", findings="{}"))
    return pb.BitfountMessage(
        messageType=pb.BitfountMessage.CURRENT_BATCH_ID, taskId=TASK, body=os.urandom(1024), senderMailboxId="pod",
        recipientMailboxId="requester", recipient="lab", sender="clinic/patients",
    ).SerializeToString()  # fmt: skip


def _ports(store: Store, clock: SystemClock, places: Places, address: str, shown: OfThePod) -> Ports:
    nowhere = "http://127.0.0.1:9"
    rooms = Rooms(places)
    upstream = Upstream("bitfount", "Bitfount", address, False, nowhere, nowhere, shown, ReferencePolicy(), rooms)
    return replace(bare_gate.ports(store, clock, upstream), pod_key=_locked)


def _locked() -> NoReturn:
    raise Unavailable("vault.locked", "Nothing is opened here.", "The task was made by hand.", "Measure the way alone.")


if __name__ == "__main__":
    for each in run():
        print(f"{each['name']}: {each['ours']:.3g} {each['unit']} (straight {each['peer']:.3g}; {each['ratio']:.2f})")
