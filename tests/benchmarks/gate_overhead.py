"""What the gate costs a message: one log message of a running task, straight to the network and through the gate.

The network, the gate and the pod's side of the wire are the real ones, on loopback; only the task is made by hand, so
that nothing else happens meanwhile. Both ways take turns, message by message.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import anyio
from anyio import to_thread

from podadmin.app.acts import datasource, network, pod
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.progress import Progress
from podadmin.core.resources import resource
from podadmin.core.secret import Secret
from podadmin.gate.credentials import OwnKey
from podadmin.gate.gate import Gate
from podadmin.gate.ports import Numbers, Ports, Upstream
from podadmin.networks import service as networks
from podadmin.networks.bitfount import messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient, api_key_metadata
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.references import ReferencePolicy
from podadmin.networks.local import demo_tasks, rules
from podadmin.networks.local.address import Address
from podadmin.networks.local.requester import Requester
from podadmin.networks.local.service import LocalNetwork
from podadmin.requests import service
from tests.benchmarks.figures import figure

POD, DATASOURCE, OWNER = "bench-pod", "patients", "custodian"
CREDENTIAL = ("bench", Secret("bench-secret"))


def run(rounds: int = 400) -> list[dict[str, Any]]:
    """p50 and p99 of one message in ms: through the gate beside straight to the network."""
    with tempfile.TemporaryDirectory() as folder, open_profile(Options(Path(folder), keyring="memory")) as profile:
        pod.create(profile, POD, owner=OWNER, progress=Progress())
        datasource.add(profile, DATASOURCE, str(resource("demo", "patients.csv")))
        network.join_network(profile, "local", progress=Progress())
        with LocalNetwork(profile.network_folder) as local:
            through, straight = anyio.run(_measure, profile, local.address, rounds)
    figures = []
    for name, pick in (("p50", median), ("p99", lambda seen: quantiles(seen, n=100)[98])):
        ours, peer = pick(through), pick(straight)
        figures.append(
            figure(
                f"a message through the gate, {name}",
                "ms",
                f"{rounds} messages each way; the peer is the network without a gate",
                ours,
                peer,
                ours / peer,
                min(through) / min(straight),
                max(through) / max(straight),
            )
        )
    return figures


async def _measure(profile: Profile, address: Address, rounds: int) -> tuple[list[float], list[float]]:
    member = networks.api_key(profile.open_vault(), "local")
    upstream = Upstream(
        "local",
        "Local network",
        address.message_service,
        False,
        address.access_manager,
        address.hub,
        OwnKey(member.id, member.key),
        ReferencePolicy.local(address.object_store),
    )
    hub = HubClient(address.hub, dict(api_key_metadata(member.id, member.key.reveal())))
    for name in (POD, DATASOURCE):
        await hub.register_pod(name, profile.vault.pod_key().public_ssh)
    gate = Gate(_ports(profile, upstream), *CREDENTIAL, lambda: None)
    async with anyio.create_task_group() as group:
        await group.start(gate.run)
        near = MessageServiceClient.open(
            f"127.0.0.1:{gate.relay.port}", tls=False, metadata=api_key_metadata(CREDENTIAL[0], CREDENTIAL[1].reveal())
        )
        far = MessageServiceClient.open(
            address.message_service, tls=False, metadata=api_key_metadata(member.id, member.key.reveal())
        )
        async with near, far:
            trigger, key = await _running_task(profile, address, near, gate)
            route = messages.route_of(trigger)
            through: list[float] = []
            straight: list[float] = []
            for number in range(rounds + 20):
                for client, seen in ((near, through), (far, straight)):
                    message = messages.log_message(route, key, profile.clock.now(), f"message {number}")
                    began = perf_counter()
                    await client.send(message)
                    seen.append((perf_counter() - began) * 1000)
        group.cancel_scope.cancel()
    return through[20:], straight[20:]


async def _running_task(
    profile: Profile, address: Address, near: MessageServiceClient, gate: Gate
) -> tuple[pb.BitfountMessage, Secret[bytes]]:
    """A request that was sent, approved, delivered and accepted."""
    requester = await Requester.enter(address, profile.requester_folder, rules.REQUESTER, profile.clock)
    async with requester:
        sent = await requester.send(f"{OWNER}/{DATASOURCE}", demo_tasks.protocol("sql", DATASOURCE), rules.PROJECT)
        while not (held := service.listing(profile.store, state="held", search="", limit=1, after="").rows):
            await anyio.sleep(0.02)
        await to_thread.run_sync(service.approve, profile.store, profile.clock, held[0].id, "benchmark", "", 1)
        gate.nudge()
        trigger = None
        while trigger is None:
            trigger = await near.get()
        await near.send(messages.job_accept(messages.route_of(trigger), sent.session_key, profile.clock.now(), 1))
        return trigger, sent.session_key


def _ports(profile: Profile, upstream: Upstream) -> Ports:
    return Ports(
        store=profile.store,
        clock=profile.clock,
        owner=OWNER,
        pod_name=POD,
        datasets=lambda: (DATASOURCE,),
        records=lambda _name: 600,
        pod_key=lambda: profile.open_vault().pod_key(),
        paused=lambda: False,
        upstream=upstream,
        numbers=Numbers(lambda: 300.0, lambda: 270.0, lambda: 2**24, lambda: 30),
    )
