"""The real gate between a real local network and a pod of the test: processes, sockets and cryptography are real.

One network serves a whole module; each story has an owner, a pod, a store and a gate of its own.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import grpc.aio
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from sqlalchemy import func, select

from podadmin.core.clock import SystemClock, new_id
from podadmin.core.errors import Unavailable
from podadmin.core.secret import Secret
from podadmin.gate.authority import open_authority
from podadmin.gate.credentials import OfThePod, OwnKey
from podadmin.gate.gate import Gate
from podadmin.gate.ports import Numbers, Ports, Upstream
from podadmin.gate.proxy_gate import ProxyGate
from podadmin.gate.rooms import Rooms
from podadmin.gate.uploads import Uploads
from podadmin.journal.records import Journal, all_entries
from podadmin.journal.service import verify
from podadmin.limits import service as limits
from podadmin.limits.records import usage
from podadmin.networks.bitfount import crypto, messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient, api_key_metadata
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.job_request import OpenedJobRequest, open_job_request
from podadmin.networks.bitfount.references import ReferencePolicy
from podadmin.networks.local import demo_tasks
from podadmin.networks.local.membership import join
from podadmin.networks.local.places import STORE, local_places
from podadmin.networks.local.requester import Heard, Mischief, Requester, Sent
from podadmin.networks.local.service import LocalNetwork
from podadmin.requests import service
from podadmin.requests.records import grant
from podadmin.requests.state import State
from podadmin.store.engine import Store
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.service import Vault
from tests.patience import PATIENCE, meanwhile

VECTORS = Path(__file__).resolve().parents[1] / "interop" / "vectors"
CLOCK = SystemClock()
SOURCE, PROJECT, MODEL = "patients", "glaucoma-study", "research-lab/hba1c-risk:1"


class HeldKey:
    """The pod's private key of the golden vectors, with what the vault's handle offers."""

    def __init__(self, private: RSAPrivateKey) -> None:
        self._private = private

    def decrypt(self, block: bytes) -> bytes:
        return self._private.decrypt(block, crypto.oaep())

    @property
    def opened_by(self) -> str:
        return "key_of_the_vectors"

    def once(self) -> HeldKey:
        return self

    @property
    def public(self) -> str:
        return crypto.public_line(self._private.public_key())


@dataclass
class Task:
    """A delivered task as the pod sees it."""

    message: pb.BitfountMessage
    opened: OpenedJobRequest
    route: messages.Route


@dataclass
class Rig:
    """Everything that a story works with."""

    network: LocalNetwork
    store: Store
    gate: Any
    pod: MessageServiceClient
    requester: Requester
    owner: str
    key: HeldKey
    settings: dict[str, Any] = field(default_factory=dict)
    brought: list[pb.BitfountMessage] = field(default_factory=list)
    """What polls of the pod have brought that no story has taken."""

    @property
    def identifier(self) -> str:
        return f"{self.owner}/{SOURCE}"

    until = staticmethod(meanwhile)

    @property
    def proxied(self) -> bool:
        """Is the pod one of the network's own software, behind the proxy?"""
        return isinstance(self.gate, ProxyGate)

    async def send(
        self,
        what: str = "sql",
        mischief: Mischief | None = None,
        project: str | None = PROJECT,
        query: str | None = None,
    ) -> Sent:
        protocol = demo_tasks.protocol(what, SOURCE, query)
        return await self.requester.send(self.identifier, protocol, project, mischief)

    def found(self, task_id: str) -> service.Found:
        row = service.by_task(self.store, task_id)
        assert row is not None
        return service.find(self.store, row.id)

    async def comes_to(self, sent: Sent | str, *states: State) -> service.Found:
        """The request of a task, once it has come to one of `states`."""
        task_id = sent if isinstance(sent, str) else sent.route.task_id
        last: list[str] = []

        def look() -> service.Found | None:
            row = service.by_task(self.store, task_id)
            found = service.find(self.store, row.id) if row is not None else None
            last[:] = [] if found is None else [found.row.state, found.row.state_words]
            return found if found is not None and found.row.state in states else None

        # a real pod polls by itself, and that is how its gate hears of anything
        polls = asyncio.create_task(self._polling()) if self.proxied else None
        try:
            return await meanwhile(look, f"{task_id} is {states}")
        except AssertionError:
            raise AssertionError(f"{task_id} should be {states} and is {last}") from None
        finally:
            if polls is not None:
                polls.cancel()

    async def _polling(self) -> None:
        while True:
            try:
                message = await self.pod.get()
            except Unavailable:
                continue  # a real pod goes on polling for hours
            if message is not None:
                self.brought.append(message)

    def approve(self, found: service.Found) -> None:
        service.approve(self.store, self.gate.ports.clock, found.row.id, "anna", "fine", 30)
        self.gate.nudge()

    def refuse(self, found: service.Found, words: str) -> None:
        service.refuse(self.store, self.gate.ports.clock, found.row.id, "anna", words)
        self.gate.nudge()

    async def heard(self, sent: Sent, last: str, seconds: float = PATIENCE) -> list[Heard]:
        """What the requester hears up to a message of the type `last`."""
        heard: list[Heard] = []
        async for one in self.requester.hear(sent, seconds):
            heard.append(one)
            assert one.error is None
            if one.kind == last:
                return heard
        raise AssertionError(f"no {last} came, only {[one.kind for one in heard]}")

    async def silence(self, sent: Sent, seconds: float = 0.6) -> list[str]:
        """The types of what comes while the network is asked for a while."""
        return [one.kind async for one in self.requester.hear(sent, seconds)]

    async def poll(self) -> pb.BitfountMessage | None:
        """One idle poll of the pod."""
        return await self.pod.get()

    async def nothing_comes(self, seconds: float = 0.6) -> None:
        """The pod polls for a while and gets nothing."""
        poll = asyncio.create_task(self.pod.get())
        done, _ = await asyncio.wait([poll], timeout=seconds)
        poll.cancel()
        assert not done or poll.result() is None

    async def take(self) -> Task:
        """The next task that the gate delivers, acknowledged."""
        while not self.brought:
            message = await self.pod.get()
            if message is not None:
                self.brought.append(message)
        message = self.brought.pop(0)
        await self.pod.acknowledge(message.recipientMailboxId, message.receiptHandle)
        return Task(message, open_job_request(message.body, self.key, None), messages.route_of(message))

    async def pod_gets(self, task_id: str) -> pb.BitfountMessage:
        """The message of this task, once a poll of the pod brings it."""
        while True:
            for message in self.brought:
                if message.taskId == task_id:
                    self.brought.remove(message)
                    return message
            brought = await self.pod.get()
            if brought is not None:
                self.brought.append(brought)

    async def running(self, what: str = "sql", project: str = PROJECT) -> tuple[Sent, Task]:
        """A task that was approved, delivered and accepted."""
        return await self._begun(await self.send(what, project=project))

    async def training(self) -> tuple[Sent, Task]:
        """The same for a federated training."""
        name = {"class_name": "BitfountModelReference", "username": "research-lab"}
        train = {
            "class_name": "bitfount.FederatedModelTraining",
            "model": {**name, "model_ref": "net", "model_version": 1},
        }
        aggregator = {"class_name": "bitfount.Aggregator"}
        protocol = {"class_name": "bitfount.FederatedAveraging", "algorithm": [train], "aggregator": aggregator}
        return await self._begun(await self.requester.send(self.identifier, protocol, PROJECT, None))

    async def _begun(self, sent: Sent) -> tuple[Sent, Task]:
        self.approve(await self.comes_to(sent, State.HELD))
        task = await self.take()
        assert task.route.task_id == sent.route.task_id
        await self.say(messages.job_accept, task)
        await self.comes_to(sent, State.RUNNING)
        return sent, task

    async def say(self, build: Callable[..., pb.BitfountMessage], task: Task, *words: Any, **more: Any) -> None:
        await self.pod.send(build(task.route, task.opened.session_key, CLOCK.now(), *words, **more))

    async def room_for(self, message: pb.BitfountMessage) -> pb.BlobStorageData:
        """Room for the body of a message, as the pod is given it."""
        asked = pb.LargeStorageRequest(
            senderMailboxId=message.senderMailboxId, contentSize=len(message.body), taskId=message.taskId
        )
        return await self.pod.get_large_object_storage(asked)

    async def upload(self, room: pb.BlobStorageData, body: bytes) -> int:
        """Upload as the field's software does; the status that it is answered with."""
        form: dict[str, Any] = {"data": dict(room.uploadFields), "files": {"file": ("bitfount_file", body)}}
        async with web_behind(self.gate) as web:
            return (await web.post(room.uploadUrl, **form)).status_code

    async def send_large(self, message: pb.BitfountMessage) -> None:
        """A message whose body is too large for one. The built-in worker hands it to the gate as it is."""
        if self.proxied:
            room = await self.room_for(message)
            assert await self.upload(room, message.body) == 204
            message = messages.with_reference(message, room.downloadUrl)
        await self.pod.send(message)

    async def ask_access(self, task: Task, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
        """The question of a pod before it starts, straight over HTTP."""
        import base64

        body = {
            "podIdentifier": task.route.pod_identifier,
            "modellerProtocolRequest": dict(task.opened.protocol),
            "modellerName": task.route.requester,
            "projectId": task.opened.outer.project_id,
            "unsignedTask": base64.b64encode(task.opened.encrypted_request).decode(),
            "taskSignature": base64.b64encode(task.opened.signature or b"").decode(),
            "identityProvider": "SIGNATURE",
            "publicKeyId": task.opened.outer.key_id,
            **changes,
        }
        if isinstance(self.gate, ProxyGate):
            async with web_behind(self.gate) as web:
                url = f"https://{self.gate.places.access_manager}/api/access"
                return await web.post(url, content=json.dumps(body), headers=headers or self.settings["headers"])
        own = {"x-api-key-id": "gate-id", "x-api-key": "gate-key"}
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.post(
                f"{self.gate.access.url}/api/access",
                content=json.dumps(body),
                headers=own if headers is None else headers,
            )

    def entries(self, subject: str) -> list[tuple[str, dict[str, Any]]]:
        with self.store.read() as connection:
            return [(each.act, json.loads(each.body)) for each in all_entries(connection) if each.subject == subject]

    def acts(self, found: service.Found) -> list[str]:
        return [act for act, _ in self.entries(found.row.id)]

    def grant_from(self, request_id: str) -> Any:
        """The newest grant that was made from a request."""
        with self.store.read() as connection:
            wanted = select(grant).where(grant.c.made_from == request_id).order_by(grant.c.made_at.desc())
            return connection.execute(wanted).first()

    def used(self) -> float:
        """What was counted here, of any model; what the network says on top of it is left out."""
        with self.store.read() as connection:
            return float(connection.execute(select(func.sum(usage.c.amount))).scalar() or 0.0)

    def promised(self) -> float:
        with self.store.read() as connection:
            return sum(each.amount for each in limits.open_reservations(connection))


@pytest.fixture(scope="session")
def pod_key() -> HeldKey:
    key = load_ssh_private_key((VECTORS / "keys/pod/pod_rsa.pem").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return HeldKey(key)


@pytest.fixture(scope="session")
def requester_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("requester")
    (folder / "requester.pem").write_bytes((VECTORS / "keys/modeller.pem").read_bytes())
    return folder


def network_in(folder: Path) -> LocalNetwork:
    """A local network that redelivers quickly; `small` has a limit that a test can reach."""
    folder.mkdir(mode=0o700)
    rules = {
        "visibility_seconds": 0.4,
        "long_poll_seconds": 0.3,
        "projects": {
            PROJECT: {"members": ["research-lab"], "limits": {MODEL: 5000}},
            "small": {"members": ["research-lab"], "limits": {MODEL: 50}},
            "others": {"members": ["another-lab"], "limits": {}},
        },
    }
    (folder / "network.json").write_text(json.dumps(rules), encoding="utf-8")
    return LocalNetwork(folder)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    with network_in(tmp_path_factory.mktemp("network") / "n") as running:
        yield running


@pytest.fixture
def own_network(tmp_path: Path) -> Iterator[LocalNetwork]:
    """One that a story may stop, change and start."""
    with network_in(tmp_path / "n") as running:
        yield running


def pod_behind(gate: ProxyGate, metadata: Any = ()) -> MessageServiceClient:
    """A pod's message service client through the proxy, believing the gate's authority and nothing else."""
    roots = gate.authority.certificate_file.read_bytes()
    channel = grpc.aio.secure_channel(
        f"{gate.places.message_service}:443",
        grpc.ssl_channel_credentials(roots),
        options=(("grpc.http_proxy", gate.address), ("grpc.use_local_subchannel_pool", 1)),
    )
    return MessageServiceClient(channel, metadata, 20.0)


def web_behind(gate: ProxyGate) -> httpx.AsyncClient:
    """A pod's web client through the proxy."""
    context = ssl.create_default_context(cafile=str(gate.authority.bundle_file))
    return httpx.AsyncClient(proxy=gate.address, verify=context, trust_env=False, timeout=60)


@asynccontextmanager
async def tls_behind(gate: ProxyGate, host: str, *protocols: str) -> AsyncIterator[Any]:
    """A connection to `host` through the proxy, for bytes that no client would send: its reader and its writer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.proxy.port)
    writer.write(f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    context = ssl.create_default_context(cafile=str(gate.authority.bundle_file))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    await writer.start_tls(context, server_hostname=host)
    try:
        yield reader, writer
    finally:
        writer.close()


@asynccontextmanager
async def gate_on(
    network: LocalNetwork, folder: Path, key: HeldKey, requester_folder: Path, **settings: Any
) -> AsyncIterator[Rig]:
    address = network.address
    owner = new_id("c").lower().replace("_", "-")
    member = await join(address, owner)
    hub = HubClient(address.hub, member.headers())
    for name in ("clinic", SOURCE):
        await hub.register_pod(name, key.public, display_name=name)
    proxied, clock = bool(settings.pop("proxied", False)), settings.pop("clock", CLOCK)
    places, shown = local_places(address), OfThePod(clock) if proxied else None
    store = Store.open(folder / "podadmin.db", Journal(clock))
    given: dict[str, Any] = {
        "window": 300.0, "release_before": 270.0, "largest": 1_000_000, "paused": False, "records": 40,
        "model_hash": "", **settings,
    }  # fmt: skip

    def pod_key() -> Any:
        if "key_problem" in given:
            raise given["key_problem"]
        return key

    ports = Ports(
        store=store,
        clock=clock,
        owner=owner,
        pod_name="clinic",
        datasets=lambda: (SOURCE,),
        records=lambda _name: given["records"],
        pod_key=pod_key,
        paused=lambda: given["paused"],
        upstream=Upstream(
            kind="local",
            title="Local network",
            message_service=address.message_service,
            tls=False,
            access_manager=given.get("access_manager", address.access_manager),
            hub=address.hub,
            credentials=shown or OwnKey(member.api_key_id, member.api_key),
            references=ReferencePolicy.local(address.object_store, STORE if proxied else None),
            rooms=Rooms(places, Uploads(folder / "uploads")) if proxied else Rooms(),
        ),
        numbers=Numbers(
            window=lambda: given["window"],
            release_before=lambda: given["release_before"],
            largest_request=lambda: given["largest"],
            grant_days=lambda: 30,
            see_results=lambda: bool(given.get("see_results")),
        ),
        model_hash=lambda _slug: given["model_hash"],
        foreign=proxied,
    )
    gate: Any
    if shown is None:
        gate = Gate(ports, "gate-id", Secret("gate-key"), lambda: None)
    else:
        vault = Vault(folder / "keys", given.setdefault("keyring", MemoryKeyring()), store, CLOCK)
        vault.unlock()
        authority = open_authority(vault, store, clock, places.constraint, folder)
        gate = ProxyGate(ports, places, shown, authority, lambda: None)
        gate.relay.deliveries.redeliver_seconds = 1.0  # a poll that a story gives up may have brought something
    requester = await Requester.enter(address, requester_folder, "research-lab", CLOCK)
    try:
        async with requester, anyio.create_task_group() as group:
            await group.start(gate.run)
            client = (
                pod_behind(gate, member.metadata())
                if proxied
                else MessageServiceClient.open(
                    f"127.0.0.1:{gate.relay.port}", tls=False, metadata=api_key_metadata("gate-id", "gate-key")
                )
            )
            given["headers"] = member.headers()
            async with client:
                if proxied:
                    await client.pod_connect(pb.PodData(podName="clinic", datasetNames=[SOURCE], instanceId="test"))
                yield Rig(network, store, gate, client, requester, owner, key, given)
            group.cancel_scope.cancel()
        assert verify(store).broken is None
    finally:
        store.close()


Story = Callable[[Rig], Awaitable[None]]


@pytest.fixture
def tell(tmp_path: Path, pod_key: HeldKey, requester_folder: Path) -> Callable[..., None]:
    """Run a story with a gate of its own on a network."""

    def run(network: LocalNetwork, story: Story, **settings: Any) -> None:
        async def whole() -> None:
            async with gate_on(network, tmp_path, pod_key, requester_folder, **settings) as rig:
                await story(rig)

        asyncio.run(asyncio.wait_for(whole(), 280))

    return run


@pytest.fixture(params=["built-in", "behind the proxy"])
def tell_both(request: pytest.FixtureRequest, tell: Callable[..., None]) -> Callable[..., None]:
    """Run a story with the gate of the built-in worker, and again with a pod behind the proxy: they are one thing."""

    def run(network: LocalNetwork, story: Story, **settings: Any) -> None:
        tell(network, story, proxied=request.param == "behind the proxy", **settings)

    return run


@pytest.fixture
def tell_proxied(tell: Callable[..., None]) -> Callable[..., None]:
    """Run a story with a pod behind the proxy."""

    def run(network: LocalNetwork, story: Story, **settings: Any) -> None:
        tell(network, story, proxied=True, **settings)

    return run
