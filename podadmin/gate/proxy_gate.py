"""The gate of a real pod: a proxy in front of it, and behind the proxy the relays that speak to its network.

The pod's own software is not changed; it is started with an environment that leads every connection here (gate
contract, sections 0.3 and 6). The pod polls the network itself, with its own proof, and the gate captures what comes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import anyio
import grpc
from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from podadmin.core.errors import PodadminError
from podadmin.gate.authority import Authority
from podadmin.gate.credentials import OfThePod
from podadmin.gate.door import ForeignPod
from podadmin.gate.hosts import Hosts
from podadmin.gate.outages import Outages
from podadmin.gate.ports import Ports, Seen
from podadmin.gate.proxy import Proxy
from podadmin.gate.records import port as port_table
from podadmin.gate.relay import Relay
from podadmin.gate.steps import Steps
from podadmin.gate.web_relay import WebRelay
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.places import Places
from podadmin.pod.environment import environment
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

RENEW_SECONDS = 6 * 3600.0
_PROXY = "proxy"
log = logging.getLogger("podadmin.gate")


class ProxyGate:
    """Stands between one real pod and one network. Run it inside the engine's loop.

    `ports.upstream.credentials` is the `credentials` given here: what the pod itself shows.
    """

    def __init__(
        self, ports: Ports, places: Places, credentials: OfThePod, authority: Authority, news: Callable[[], None]
    ) -> None:
        self.ports = ports
        self.places = places
        self.authority = authority
        self._credentials = credentials
        self.seen = Seen(ports.clock.now())
        self._news = news
        target, tls = places.message_target
        self._client = MessageServiceClient.open(target, tls=tls, metadata=credentials.metadata)
        self.hosts = Hosts(ports.store, ports.clock, places)
        self.outages = Outages(ports.store, news)
        self.relay = Relay(
            ports, self._client, self.seen, ForeignPod(credentials), self._alarm, self.nudge, self.outages
        )
        self._web = WebRelay(ports, places, credentials, self.seen, self.relay.outgoing, self.outages)
        rooms, serve = ports.upstream.rooms, self._web.serve
        self.proxy = Proxy(
            places, self.hosts, rooms, authority, lambda: self.relay.port, serve, self._refused, self.outages
        )
        self._steps = Steps(ports, self._client, self.seen, self.relay, news)

    @property
    def address(self) -> str:
        """What the pod's environment names as its proxy."""
        return f"http://127.0.0.1:{self.proxy.port}"

    def environment(self, no_proxy: str = "") -> Mapping[str, str]:
        """The environment in which the pod has to be started; `no_proxy` as the machine has it."""
        files = self.authority.bundle_file.absolute(), self.authority.certificate_file.absolute()
        return environment(self.address, *files, self.places.names, no_proxy)

    def pod_starts(self, key_id: str) -> None:
        """A new pod is started behind this gate, with the API key of this id; empty where it brings another proof."""
        self._credentials.renewed(key_id)

    async def run(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Switch the gate on and keep it on until cancelled. Raises Unavailable (`gate.*`), what the store raises."""
        kept = await to_thread.run_sync(kept_port, self.ports.store)
        await self.outages.open()
        await self.relay.start(self._certificates())
        try:
            await self.proxy.start(kept)
            if not kept:
                await to_thread.run_sync(keep_port, self.ports.store, self.proxy.port)
            async with anyio.create_task_group() as group:
                group.start_soon(self._steps.run)
                group.start_soon(self._renew)
                task_status.started()
        finally:
            with anyio.CancelScope(shield=True):
                await self.proxy.stop()
                await self.relay.stop()
                await self._web.close()
                await self._client.close()

    def nudge(self) -> None:
        """Rows may have changed. Call it in the gate's own loop."""
        self._steps.nudge()

    def _certificates(self) -> grpc.ServerCredentials:
        """TLS as the message service, with a certificate that is asked for at every connection."""

        def present() -> grpc.ServerCertificateConfiguration:
            leaf = self.authority.leaf(self.places.message_service)
            return grpc.ssl_server_certificate_configuration([(leaf.key.reveal(), leaf.chain)])

        return grpc.dynamic_ssl_server_credentials(present(), present, False)

    async def _renew(self) -> None:
        while True:
            await anyio.sleep(RENEW_SECONDS)
            try:
                await to_thread.run_sync(self.authority.renew)
            except PodadminError as error:
                log.warning("the gate's authority was not renewed: %s", error.code)

    def _refused(self, host: str) -> None:
        self.seen.count("hosts-refused")
        self._news()

    def _alarm(self, message: pb.BitfountMessage) -> None:
        log.warning("a trigger came on the mailbox of a running task")
        self.seen.count("alarms")


def kept_port(store: Store) -> int:
    """Where the gate listened before, 0 where it never did."""
    with store.read() as connection:
        return connection.execute(select(port_table.c.port).where(port_table.c.name == _PROXY)).scalar() or 0


def keep_port(store: Store, number: int, actor: str = "gate") -> None:
    """Listen there from now on: a pod that runs knows no other address. 0: a new one is chosen at the next start."""
    with store.record(Fact(actor, "gate.port-chosen", _PROXY, {"port": number})) as unit:
        values = {"name": _PROXY, "port": number}
        unit.execute(insert(port_table).values(**values).on_conflict_do_update([port_table.c.name], set_=values))
