"""The engine of a profile: the local network, the gate, the built-in pod and the journal's anchor, in one thread.

There is one engine for each profile, held by a lock. It derives what should run from what is stored, and starts or
stops accordingly; a second process only reads and decides. Ending it at any moment is safe: see `podadmin.gate`.
"""

from __future__ import annotations

import logging
import shutil
import threading
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal

from podadmin.app import outside
from podadmin.app.engine_faults import changed, foreseen
from podadmin.app.engine_state import Snapshot
from podadmin.app.gate_wiring import Wanted, network_for, ports_of, worker_sources
from podadmin.app.pod_care import PodCare
from podadmin.app.proxy_mode import brought_as, pod_words, proxy_gate
from podadmin.app.record_care import RecordCare
from podadmin.app.sentinel import Sentinel
from podadmin.core.clock import new_id
from podadmin.core.errors import PodadminError, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.gate.credentials import OwnKey
from podadmin.gate.gate import Gate
from podadmin.gate.ports import Upstream
from podadmin.gate.proxy_gate import ProxyGate
from podadmin.journal.service import since
from podadmin.networks import service as networks
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.places import Role
from podadmin.networks.bitfount.references import ReferencePolicy
from podadmin.networks.local.service import LocalNetwork
from podadmin.networks.service import LOCAL
from podadmin.pod import service as pods
from podadmin.pod.config import PodConfig
from podadmin.pod.setup import BITFOUNT
from podadmin.pod.setup import worker as worker_of
from podadmin.pod.supervise import BuiltInPod, Event
from podadmin.requests import service as requests
from podadmin.store.engine import Watcher, explain
from podadmin.vault.model import Purpose
from podadmin.vault.service import Vault

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

LOOK_SECONDS = 0.1
TELL_SECONDS = 5.0
"""How often the screen hears of a gate that is on: its checks a minute change without anything being stored."""
RETRY_FIRST, RETRY_MOST = 2.0, 30.0
"""A keyring may ask a person each time it is tried: less and less often, and at once after any change."""
STOP_SECONDS = 10.0
GATE_KINDS = frozenset({"pod", "key", "keyring", "network", "datasource", "setting"})
"""Kinds of change after which the engine asks itself again what should run."""
log = logging.getLogger("podadmin.engine")


class Engine:
    """Runs beside a front end or alone (`podadmin serve`). `news` is set when the snapshot has changed."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.news = threading.Event()
        self._snapshot = Snapshot("starting")
        self._portal_context: AbstractContextManager[BlockingPortal] | None = None
        self._portal: BlockingPortal | None = None
        self._stopping: anyio.Event | None = None
        self._finished = threading.Event()
        self._gate: Gate | ProxyGate | None = None
        self._proxy_gate: ProxyGate | None = None
        self._pod: BuiltInPod | None = None
        self._record = RecordCare(profile)
        self._retry = RETRY_FIRST

    def start(self) -> bool:
        """Start, unless another process runs the engine of this profile: then False, and this process only watches.

        Raises Unavailable (`store.*`) where the folder of the profile cannot be written.
        """
        try:
            taken = self._profile.lock.take()
        except OSError as error:
            raise explain(error, "starting the gate") from error
        if not taken:
            self._finished.set()
            self._show(Snapshot("elsewhere", why="Another podadmin runs the gate of this profile."))
            return False
        context = start_blocking_portal(backend="asyncio", name="podadmin-engine")
        self._portal = context.__enter__()
        self._portal_context = context
        self._portal.start_task_soon(self._run)
        return True

    def stop(self) -> None:
        """Stop everything that runs here and wait for it; safe to call twice."""
        portal, self._portal = self._portal, None
        if portal is None:
            return
        portal.call(self._ask_to_stop)
        self._finished.wait(STOP_SECONDS)
        portal.call(portal.stop, True)
        if self._portal_context is not None:
            self._portal_context.__exit__(None, None, None)
        self._profile.lock.release()

    def snapshot(self) -> Snapshot:
        """What the engine is doing now. From any thread."""
        gate, shown = self._gate, self._snapshot
        if gate is None or shown.state != "on":
            return shown
        seen = gate.seen
        problem = seen.key_problem or next(iter(tuple(seen.store_problems.values())), "")
        return Snapshot(
            "blocked" if problem else "on",
            running_here=True,
            why=problem,
            upstream_problem=seen.upstream_problem,
            checks_per_minute=len(seen.checks),
            last_contact=seen.up_contact,
            worker=self._worker_words(),
        )

    def wait_until_on(self, progress: Progress, seconds: float = 60.0) -> None:
        """Wait until the gate is on. Raises Unavailable (`engine.not-on`), Cancelled."""
        clock = self._profile.clock
        end = clock.monotonic() + seconds
        pause = threading.Event()
        while self.snapshot().state != "on":
            progress.check()
            if clock.monotonic() > end:
                raise Unavailable(
                    "engine.not-on",
                    "The gate is not on yet.",
                    self.snapshot().why or "It did not start in time.",
                    "Look at the state of the gate on the first page.",
                )
            pause.wait(LOOK_SECONDS)

    @property
    def gate(self) -> Gate | ProxyGate | None:
        """The gate, while it is on."""
        return self._gate

    @property
    def proxy_gate(self) -> ProxyGate | None:
        """The gate of a pod behind the proxy, while it is on."""
        return self._proxy_gate

    def _worker_words(self) -> str:
        if self._proxy_gate is not None:
            return pod_words(self._proxy_gate, self._profile.clock)
        if self._pod is not None and self._pod.running:
            return "The built-in worker is ready"
        return "The built-in worker is not running"

    def _show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.news.set()

    async def _ask_to_stop(self) -> None:
        if self._stopping is not None:
            self._stopping.set()
        self._record.stop()

    async def _run(self) -> None:
        self._stopping = anyio.Event()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._live)
                group.start_soon(self._record.run)
                group.start_soon(PodCare(self._profile, lambda: self._proxy_gate, self.news.set).run)
                group.start_soon(Sentinel(self._profile).run)
                await self._stopping.wait()
                group.cancel_scope.cancel()
            await to_thread.run_sync(self._record.end)
        except BaseExceptionGroup as errors:
            for error in errors.exceptions:
                log.critical("the engine stopped: %s", getattr(error, "code", type(error).__name__))
            why = "It met a situation that it should have foreseen. Nothing is delivered."
            self._show(Snapshot("blocked", True, why, "Start podadmin again, and report the last lines of its log."))
        finally:
            self._finished.set()

    def _tidy(self) -> None:
        """What a crash may have left: files that an engine spilled, and tasks whose pod died with it."""
        shutil.rmtree(self._profile.work_folder, ignore_errors=True)
        try:
            self._profile.work_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise explain(error, "starting the gate") from error
        if worker_of(self._profile.store) != BITFOUNT:  # the network's own pod goes on while the gate is away
            requests.reconcile(self._profile.store, self._profile.clock)

    async def _live(self) -> None:
        """Run what is wanted until something else is wanted; wait and try again where it cannot run."""
        while True:
            try:
                await to_thread.run_sync(self._record.prove)
                await to_thread.run_sync(self._tidy)
                wanted, hindrance = await to_thread.run_sync(self._wanted)
                if wanted is None:
                    self._show(hindrance)
                    await self._until_changed(None)
                    continue
                if self._snapshot.state == "idle":
                    self._show(Snapshot("starting", True))
                await self._serve(wanted)
            except (PodadminError, ExceptionGroup) as raised:
                error = foreseen(raised)
                log.warning("the gate is off: %s", error.code)
                self._show(Snapshot("blocked", True, f"{error.what} {error.why}", error.next_step))
                await self._wait_to_retry()

    async def _wait_to_retry(self) -> None:
        seconds, self._retry = self._retry, min(self._retry * 2, RETRY_MOST)
        with anyio.move_on_after(seconds):
            try:
                await self._until_changed(None)
            except PodadminError:
                # the store cannot even be read: nothing to do but to wait
                await anyio.sleep(seconds)

    def _wanted(self) -> tuple[Wanted | None, Snapshot]:
        profile = self._profile
        pod = pods.find(profile.store)
        if pod is None:
            return None, Snapshot("idle", True, "There is no pod yet.", "Make the pod.")
        worker, owner, name = worker_of(profile.store), pod.owner, pod.name
        names: tuple[str, ...] = ()
        if worker == BITFOUNT:
            owner, name, names = brought_as(profile.store)
        joined = network_for(worker, networks.joined(profile.store))
        if joined is None:
            return None, Snapshot("idle", True, "The pod has joined no network that it can use.", "Join a network.")
        keys = profile.vault.accepted(Purpose.POD)
        if not keys or keys[0].retired_at is not None:
            why = "The pod has no key in use: it was revoked. Nothing is received or delivered."
            return None, Snapshot("blocked", True, why, "Make a new pod key on the Keys page.")
        return (
            Wanted(
                owner,
                name,
                joined.kind,
                joined.joined_at,
                tuple(info.id for info in keys),
                worker_sources(profile),
                profile.settings.number("worker.time-limit"),
                int(profile.settings.number("schema.memory")),
                worker,
                names,
                outside.mark(profile),
            ),
            self._snapshot,
        )

    async def _serve(self, wanted: Wanted) -> None:
        await to_thread.run_sync(outside.take, self._profile)
        if wanted.worker == BITFOUNT:
            await self._serve_behind_proxy(wanted)
            return
        profile = self._profile
        vault = await to_thread.run_sync(profile.open_vault)
        member = await to_thread.run_sync(networks.api_key, vault, wanted.network)
        network = LocalNetwork(profile.network_folder)
        await to_thread.run_sync(network.start)
        try:
            address = network.address
            upstream = Upstream(
                kind=wanted.network,
                title="Local network",
                message_service=address.message_service,
                tls=False,
                access_manager=address.access_manager,
                hub=address.hub,
                credentials=OwnKey(member.id, member.key),
                references=ReferencePolicy.local(address.object_store),
            )
            await self._register(upstream, wanted, vault)
            own_id, own_key = new_id("gate"), Secret(new_id("k") + new_id("k"))
            gate = Gate(ports_of(profile, wanted, upstream), own_id, own_key, self.news.set)
            async with anyio.create_task_group() as group:
                await group.start(gate.run)
                self._gate = gate
                handed = await to_thread.run_sync(vault.hand_over_all, "the start of the built-in pod")
                config = PodConfig(
                    gate_address=f"127.0.0.1:{gate.relay.port}",
                    access_url=gate.access.url,
                    pod_identifier=f"{wanted.owner}/{wanted.name}",
                    pod_name=wanted.name,
                    api_key_id=own_id,
                    api_key=own_key,
                    pod_key_pkcs8=handed[0],
                    earlier_keys_pkcs8=handed[1:],
                    datasources=wanted.datasources,
                    instance_id=new_id("pod"),
                    time_limit=wanted.time_limit,
                    memory_mb=wanted.memory_mb,
                )
                await self._with_pod(config, wanted, network, gate)
                group.cancel_scope.cancel()
        finally:
            self._gate = None
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(network.stop)
                await to_thread.run_sync(vault.record_use)

    async def _serve_behind_proxy(self, wanted: Wanted) -> None:
        """The gate of a pod of the network's own software, which somebody starts with the environment of this gate."""
        vault = await to_thread.run_sync(self._profile.open_vault)
        network = LocalNetwork(self._profile.network_folder) if wanted.network == LOCAL else None
        if network is not None:
            await to_thread.run_sync(network.start)
        try:
            make = await to_thread.run_sync(proxy_gate, self._profile, wanted, vault, network, self.news.set)
            gate = make()
            async with anyio.create_task_group() as group:
                await group.start(gate.run)
                self._proxy_gate = self._gate = gate
                self._retry = RETRY_FIRST
                self._show(Snapshot("on", True))
                await self._until_changed(wanted, network, gate)
                group.cancel_scope.cancel()
        finally:
            self._proxy_gate = self._gate = None
            with anyio.CancelScope(shield=True):
                if network is not None:
                    await to_thread.run_sync(network.stop)
                await to_thread.run_sync(vault.record_use)

    async def _register(self, upstream: Upstream, wanted: Wanted, vault: Vault) -> None:
        """Make the pod and each datasource known to the hub with the pod's public key, as a pod does at each start."""
        public = (await to_thread.run_sync(vault.pod_key)).public_ssh
        hub = HubClient(upstream.hub, upstream.credentials.headers(Role.HUB))
        for name in (wanted.name, *(source.name for source in wanted.datasources)):
            await hub.register_pod(name, public, display_name=name)

    async def _with_pod(self, config: PodConfig, wanted: Wanted, network: LocalNetwork, gate: Gate) -> None:
        events: list[Event] = []
        pod = BuiltInPod(events.append)
        self._show(Snapshot("starting", True, "The built-in worker is starting."))
        try:
            await pod.start(config)
            self._pod = pod
            self._retry = RETRY_FIRST
            self._show(Snapshot("on", True))
            await self._until_changed(wanted, network, gate, events)
        finally:
            self._pod = None
            with anyio.CancelScope(shield=True):
                await pod.stop()
                await to_thread.run_sync(requests.reconcile, self._profile.store, self._profile.clock)

    async def _until_changed(
        self,
        wanted: Wanted | None,
        network: LocalNetwork | None = None,
        gate: Gate | ProxyGate | None = None,
        events: list[Event] | None = None,
    ) -> None:
        """Return when something else is wanted than what runs. Meanwhile tell the gate of every change of rows."""
        profile = self._profile
        last = await to_thread.run_sync(profile.last_entry)
        watcher = Watcher(profile.store.path)
        told = profile.clock.monotonic()
        waits = False
        try:
            while True:
                await anyio.sleep(LOOK_SECONDS)
                self._record.check()
                if gate is not None and profile.clock.monotonic() - told >= TELL_SECONDS:
                    told = profile.clock.monotonic()
                    self.news.set()
                if network is not None and not network.running:
                    raise Unavailable(
                        "local.ended",
                        "The local network has stopped.",
                        "Its process ended.",
                        "It is started again by itself.",
                    )
                if events:
                    await self._pod_events(events)
                if not changed(watcher):
                    continue
                if gate is not None:
                    gate.nudge()
                entries = await to_thread.run_sync(since, profile.store, last)
                last = entries[-1].seq if entries else last
                if waits or any(entry.act.partition(".")[0] in GATE_KINDS for entry in entries):
                    now, hindrance = await to_thread.run_sync(self._wanted)
                    waits = await to_thread.run_sync(self._can_wait, wanted, now)
                    if now != wanted and not waits:
                        return
                    if now is None:
                        self._show(hindrance)
        finally:
            watcher.close()

    def _can_wait(self, running: Wanted | None, wanted: Wanted | None) -> bool:
        """May the pod go on with its task although its key was replaced? Not where the old one is accepted no more."""
        if running is None or wanted is None or not set(running.keys) <= set(wanted.keys):
            return False
        same = replace(wanted, keys=running.keys) == running
        return same and wanted != running and requests.active(self._profile.store) is not None

    async def _pod_events(self, events: list[Event]) -> None:
        taken, events[:] = list(events), []
        for event in taken:
            if event.get("event") == "died":
                log.warning("the built-in pod died")
                await to_thread.run_sync(requests.reconcile, self._profile.store, self._profile.clock)
            if event.get("event") == "task-ended":
                await to_thread.run_sync(self._task_ended, event.get("task", ""))
            if event.get("event") in {"died", "ready", "restarted"}:
                self.news.set()

    def _task_ended(self, task_id: str) -> None:
        """The pod is done with a task. Where the gate has not heard how, the requester has not either."""
        row = requests.by_task(self._profile.store, task_id)
        if row is not None:
            why = "The pod gave up this task without saying why."
            requests.interrupted(self._profile.store, self._profile.clock, row.id, why)
