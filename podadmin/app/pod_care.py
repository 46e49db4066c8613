"""Runs the pod of the network's own software as the rows want it: for the engine, beside the gate.

A pod is started behind the gate or not at all. Where the gate is off, the pod is not started, and one that runs is
left alone: without the gate it reaches nothing (gate contract, section 5).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from anyio import to_thread

from podadmin.core.errors import PodadminError, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks import service as networks
from podadmin.networks.bitfount.places import BITFOUNT_NETWORKS
from podadmin.pod import setup as setups
from podadmin.pod.launch import arguments, defences, environment
from podadmin.pod.output import Doing, Output, tell, told
from podadmin.pod.running import end_left, free_port, left_behind
from podadmin.pod.setup import BITFOUNT, Setup
from podadmin.pod.supervised import LENT, Loan, Start, SupervisedPod
from podadmin.pod.yaml_config import environment_value, missing_secret, written
from podadmin.pod.yaml_reading import KEY, KEY_ID, references
from podadmin.store.engine import Watcher
from podadmin.store.unit import Fact
from podadmin.vault.handover import Lent, lend, linked
from podadmin.vault.importing import POD_KEY
from podadmin.vault.model import Purpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

LOOK_SECONDS = 0.3
STOP_SECONDS = 8.0
"""Less than the engine waits when it ends: a pod that does not go by itself is ended, and none is left behind."""
CERTIFICATES = ("SSL_CERT_FILE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")


class Standing(Protocol):
    """A gate behind which a pod can be started."""

    def environment(self) -> Mapping[str, str]:
        """The environment in which the pod has to be started."""

    def pod_starts(self, key_id: str) -> None:
        """A new pod is started now, with the API key of this id; empty where it brings a proof of its own."""


def folder_of(profile: Profile) -> Path:
    """Where everything of the supervised pod lies in the profile."""
    return profile.folder / "pod"


class PodCare:
    """`gate` gives the gate that stands now, or None where none does."""

    def __init__(self, profile: Profile, gate: Callable[[], Standing | None], news: Callable[[], None]) -> None:
        self._profile = profile
        self._gate = gate
        self._news = news
        self._output = Output(folder_of(profile), profile.clock)
        self._pod: SupervisedPod | None = None
        self._runs: object = None
        self._left: Doing | None = None
        self._state = ""

    async def run(self) -> None:
        """Keep what is wanted running until cancelled; then everything is stopped."""
        watcher = Watcher(self._profile.store.path)
        self._left = await to_thread.run_sync(self._left_behind)
        try:
            while True:
                if await to_thread.run_sync(watcher.changed):
                    await self._follow(await to_thread.run_sync(self._wanted))
                await anyio.sleep(LOOK_SECONDS)
        finally:
            watcher.close()
            with anyio.CancelScope(shield=True):
                await self._follow(None)

    def _wanted(self) -> Setup | None:
        found = setups.find(self._profile.store)
        running = found is not None and found.wanted == "running"
        return found if running and setups.worker(self._profile.store) == BITFOUNT else None

    async def _follow(self, wanted: Setup | None) -> None:
        # another configuration is no reason to start again: the pod is told by a reload
        runs = None if wanted is None else (wanted.launch, wanted.storage, wanted.asked_at)
        if self._left is not None and (wanted is None or not _same_life(self._left, wanted)):
            await end_left(self._left)
            self._left = None
        if runs == self._runs:
            return
        if self._pod is not None:
            await self._pod.stop()
            self._pod = None
        self._runs = runs
        if wanted is not None:
            left, self._left = self._left, None
            self._pod = SupervisedPod(
                self._prepare, self._lent, self._output.take, self._told, self._profile.clock,
                stop_seconds=STOP_SECONDS, left=left,
            )  # fmt: skip
            self._pod.start()

    def _left_behind(self) -> Doing | None:
        """The pod that runs on where this application was ended by force."""
        folder = folder_of(self._profile)
        doing = told(folder)
        return doing if left_behind(doing, str(folder / "pod.yaml")) else None

    def _told(self, doing: Doing) -> None:
        try:
            tell(folder_of(self._profile), doing)
        except OSError:
            # the screen then shows what was told before; the pod itself is not worse for it
            return
        if doing.state != self._state:
            self._state = doing.state
            self._news()

    async def _prepare(self) -> Start:
        gate = self._gate()
        if gate is None:
            raise Unavailable(
                "pod.no-gate",
                "The pod is not started.",
                "The gate does not stand before it yet, and without the gate it would run whatever it is sent.",
                "Look at the state of the gate; the pod is started as soon as it stands.",
            )
        start = await to_thread.run_sync(self._start, gate.environment())
        key_id = start.secrets.get(KEY_ID)
        gate.pod_starts(key_id.reveal() if key_id is not None else "")
        return start

    def _start(self, gate: Mapping[str, str]) -> Start:
        profile = self._profile
        now = setups.needed(profile.store)
        folder = folder_of(profile)
        results = folder / "results"
        config = folder / "pod.yaml"
        port = free_port()
        try:
            for each in (folder, results, now.storage):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(written(now.config))
        except OSError as error:
            raise Unavailable(
                "pod.no-folder",
                "The pod is not started.",
                f"Its configuration could not be written: {error.strerror or type(error).__name__}.",
                "Check that the profile and the pod's storage are writable for your account.",
            ) from error
        secrets = secrets_of(profile, now)
        variables = environment(now.launch, os.environ, defences(now.storage, results, port), gate)
        certificates = [
            Path(gate[name]) for name in ("SSL_CERT_FILE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") if name in gate
        ]
        reads = [*certificates, *_data(now)]
        if not self._has_own_key(now):
            reads.append(Path(LENT))
        names = [*variables, *secrets] if now.launch.kind == "container" else []
        line = arguments(now.launch, config, names, reads, [now.storage, results], now.config.name)
        return Start(line, variables, secrets, Path(now.launch.folder or results), port)

    def _has_own_key(self, now: Setup) -> bool:
        """Does the storage hold the very key of the vault in clear? Then nothing is lent; it is told as odd."""
        from podadmin.vault.clearing import sealed_as

        path = now.storage / now.config.username / "pods" / now.config.name / POD_KEY
        return path.is_file() and not path.is_symlink() and bool(sealed_as(self._profile.vault, path))

    @contextlib.asynccontextmanager
    async def _lent(self) -> AsyncIterator[Loan]:
        now = await to_thread.run_sync(setups.needed, self._profile.store)
        if await to_thread.run_sync(self._has_own_key, now):
            yield Loan()
            return
        stack = contextlib.ExitStack()
        try:
            yield _Lent(await to_thread.run_sync(self._lend, now, stack))
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(stack.close)
                await to_thread.run_sync(self._taken_back)

    def _lend(self, now: Setup, stack: contextlib.ExitStack) -> Lent:
        profile, name, user = self._profile, now.config.name, now.config.username
        private = profile.open_vault().hand_over(f"the start of the pod {name}", profile.actor)
        try:
            lent = stack.enter_context(lend(profile.id, profile.folder, private, name, user))
            stack.enter_context(linked(lent, now.storage, name, user))
        except PodadminError:
            stack.close()
            raise
        return lent

    def _taken_back(self) -> None:
        key = self._profile.vault.find(Purpose.POD)
        body: dict[str, Any] = {"read": True}
        with self._profile.store.record(Fact(self._profile.actor, "key.taken-back", key.id if key else "pod", body)):
            pass


def _same_life(left: Doing, wanted: Setup) -> bool:
    """Is the pod that runs the one that is wanted? Whoever asked for a start after it had begun wants another one."""
    return left.since is not None and left.since >= wanted.asked_at


class _Lent(Loan):
    def __init__(self, lent: Lent) -> None:
        self._lent = lent
        self.storage = lent.storage

    def was_read(self) -> bool:
        return self._lent.was_read()


def secrets_of(profile: Profile, now: Setup) -> dict[str, Secret[str]]:
    """The values of the variables that the pod's configuration names, as its environment has to hold them.

    Raises Unavailable (`pod.config-secret`).
    """
    values = plain_secrets_of(profile, now)
    in_file = set(references(now.config))
    return {name: environment_value(value, in_file=name in in_file) for name, value in values.items()}


def plain_secrets_of(profile: Profile, now: Setup) -> dict[str, Secret[str]]:
    """The values themselves, by the names of their variables. Raises Unavailable (`pod.config-secret`)."""
    vault = profile.open_vault()
    found: dict[str, Secret[str]] = {}
    joined = sorted((each.kind for each in networks.joined(profile.store)), reverse=True)
    kind = next((each for each in (*joined, *BITFOUNT_NETWORKS) if networks.has_api_key(vault, each)), None)
    if kind is not None:
        api = networks.api_key(vault, kind)
        found = {KEY_ID: Secret(api.id), KEY: api.key}
    for name in references(now.config):
        if name in found:
            continue
        info = vault.find_secret(setups.PURPOSE, setups.holder(name))
        if info is None:
            raise missing_secret(name)
        found[name] = Secret(vault.secret(info.id).reveal().decode("utf-8"))
    return found


def _data(now: Setup) -> list[Path]:
    """The places of the pod's data, which a container has to see."""
    places: list[Path] = []
    for each in now.config.datasources or ():
        path = getattr(each.data_config.datasource_args, "path", None)
        places += [Path(text) for text in (path, each.schema_path) if text]
    return places
