"""Whole installations that can be killed: a prepared profile, its engine as a real process, and a requester that waits.

A profile with its keys is made once and copied for each test. Everything is driven by conditions with a deadline.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.options import Options
from podadmin.app.profile import open_profile
from podadmin.app.settings import Settings
from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError, Unavailable
from podadmin.core.own_process import environment
from podadmin.core.progress import Progress
from podadmin.journal.records import Journal, all_entries
from podadmin.journal.service import verify
from podadmin.limits import service as limits
from podadmin.networks.local import demo_tasks
from podadmin.networks.local.address import read_address
from podadmin.networks.local.requester import Requester, Sent
from podadmin.networks.local.rules import PROJECT, REQUESTER
from podadmin.requests import service
from podadmin.requests.state import TERMINAL, State
from podadmin.store.engine import Store
from tests.interop.real_pod import real
from tests.nursery import Process, run
from tests.patience import until
from tests.sealed import lightly_sealed

VECTORS = Path(__file__).resolve().parents[1] / "interop" / "vectors"
SOURCE = "patients"
RECORDS = 40


class Served:
    """A running `podadmin serve`; `states` is what it said about the gate."""

    def __init__(self, process: Process) -> None:
        self.states: list[dict[str, str]] = []
        self.errors = b""
        self.process = process
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._hear, self._note)]
        for each in self._threads:
            each.start()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.states.append(json.loads(line))

    def _note(self) -> None:
        assert self.process.stderr is not None
        self.errors = self.process.stderr.read()

    def is_now(self, state: str) -> bool:
        return bool(self.states) and self.states[-1]["gate"] == state

    def wait_for(self, state: str) -> dict[str, str]:
        """What it said when the gate came to `state`."""

        def look() -> dict[str, str] | None:
            assert self.process.poll() is None, self.errors.decode()
            return next((each for each in reversed(self.states) if each["gate"] == state), None)

        return until(look, f"the gate is {state}; it said {self.states}")

    def was_killed(self) -> bool:
        return until(lambda: self.process.poll() is not None, "the engine is dead") and (
            self.process.returncode == -signal.SIGKILL
        )

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for each in self._threads:
            each.join(60)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()


@dataclass
class Listening:
    """A requester in a thread of its own that sends one task and follows it through every outage of the network."""

    folder: Path
    state: Path
    what: str
    pod: str = f"custodian/{SOURCE}"
    heard: list[tuple[str, Any]] = field(default_factory=list)
    sent: Sent | None = None
    problem: str = ""

    def start(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._follow()), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in list(self.heard)]

    def value(self, kind: str) -> Any:
        return next(value for name, value in self.heard if name == kind)

    async def _follow(self) -> None:
        requester = await Requester.enter(read_address(self.folder), self.state, REQUESTER, SystemClock())
        async with requester:
            protocol = demo_tasks.protocol(self.what, SOURCE)
            self.sent = await requester.send(self.pod, protocol, PROJECT)
            while not self._ended.is_set():
                try:
                    async for heard in requester.hear(self.sent, 0.3):
                        self.heard.append((heard.kind, heard.value))
                        await requester.answer(self.sent, heard)
                except Unavailable:
                    await asyncio.sleep(0.05)  # the network is down: it comes back on the same ports
                except PodadminError as error:
                    self.problem = error.code
                    return


class Installation:
    """One profile folder, what runs on it, and what its store says."""

    def __init__(self, folder: Path, passphrase: Path, pod: str = f"custodian/{SOURCE}") -> None:
        self.folder = folder
        self.passphrase = passphrase
        self.identifier = pod
        self.running: list[Served] = []
        self.listening: list[Listening] = []
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        if self._store is None:
            self._store = Store.open(self.folder / "podadmin.db", Journal(SystemClock()))
        return self._store

    def options(self, *words: str) -> list[str]:
        return ["--profile", str(self.folder), "--passphrase-file", str(self.passphrase), *words]

    def serve(self, crash: tuple[str, str] | None = None) -> Served:
        served = Served(Process(self.options("serve"), environment(PYTHONUNBUFFERED="1"), crash=crash))
        self.running.append(served)
        return served

    def cli(self, *words: str, crash: tuple[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        return run(self.options("--json", *words), environment(PYTHONUNBUFFERED="1"), 300, crash=crash)

    def set(self, name: str, value: float) -> None:
        Settings(self.store).change(name, str(value), "test")

    def send(self, what: str) -> Listening:
        listening = Listening(self.folder / "local-network", self.folder / "demo-requester", what, self.identifier)
        self.listening.append(listening)
        listening.start()
        return listening

    def decide_and(self, done: Callable[[], bool], what: str) -> None:
        """Approve whatever waits, as a second process does it, until `done`."""

        def look() -> bool:
            for row in self.rows():
                if row.state == State.HELD:
                    self.approve(row.id)
            return done()

        until(look, what)

    until = staticmethod(until)

    # --- looking -----------------------------------------------------------------------------------------------------

    def rows(self) -> list[Any]:
        return list(service.listing(self.store, state="", search="", limit=50, after="").rows)[::-1]

    def only(self, *states: State) -> Any:
        """The one request, when it has come to one of `states`."""

        def look() -> Any:
            rows = self.rows()
            assert len(rows) <= 1
            return rows[0] if rows and (not states or rows[0].state in states) else None

        names = [str(each) for each in states]
        return until(look, f"the request is {names}; it is {[row.state for row in self.rows()]}")

    def acts(self, request_id: str) -> list[str]:
        with self.store.read() as connection:
            return [each.act for each in all_entries(connection) if each.subject == request_id]

    def approve(self, request_id: str) -> None:
        """As a second process does it: a row is written, and the engine acts on it."""
        service.approve(self.store, SystemClock(), request_id, "anna", "fine", 30)

    def used(self) -> float:
        with self.store.read() as connection:
            return sum(meter.used for meter in limits.meters(connection, now=SystemClock().now()))

    def check(self) -> None:
        """What holds after any crash, whatever became of the requests."""
        found = verify(self.store)
        assert found.broken is None
        with self.store.read() as connection:
            promised = {each.request_id for each in limits.open_reservations(connection)}
        for row in self.rows():
            acts = self.acts(row.id)
            assert acts.count("request.captured") == 1
            assert acts.count("request.started") <= 1
            assert row.state in TERMINAL | {State.LAPSED, State.HELD, State.CAPTURED, State.APPROVED}
            if row.state in TERMINAL:
                assert row.id not in promised
        for listening in self.listening:
            assert listening.kinds.count("EVALUATION_RESULTS") <= 1
            assert listening.kinds.count("JOB_ACCEPT") <= 1

    def close(self) -> None:
        for served in self.running:
            served.end()
        for listening in self.listening:
            listening.stop()
        if self._store is not None:
            self._store.close()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with pod, datasource, schema and a joined local network. Its key is made once in a session."""
    folder = _folder(tmp_path_factory.mktemp("prepared"))
    data = folder / "patients.csv"
    data.write_text(
        "age,bmi,smoker,systolic_bp,hba1c\n"
        + "".join(f"{40 + n},{20 + n % 15},{n % 2},{110 + n},{5 + n / 20:.1f}\n" for n in range(RECORDS)),
        encoding="utf-8",
    )
    _does(
        folder,
        ("pod create", {"name": "clinic"}),
        ("datasource add", {"name": SOURCE, "path": str(data)}),
        ("schema generate", {"datasource": SOURCE, "save": True}),
        ("network join", {"kind": "local"}),
    )
    return folder


@pytest.fixture(scope="session")
def prepared_proxied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile that a pod of the field's own software was brought to, with its configuration and its key."""
    folder = _folder(tmp_path_factory.mktemp("prepared-proxied"))
    config = real.pod_files(folder / "pod")
    _does(
        folder,
        ("pod import", {"file": str(config), "storage": str(folder / "pod" / "storage")}),
        ("pod worker", {"which": "bitfount"}),
        ("network join", {"kind": "local"}),
    )
    return folder


def _folder(folder: Path) -> Path:
    """A place for a profile, with its passphrase, the rules of its network and its requester's key."""
    (folder / "secret").write_text("a long enough passphrase for tests\n", encoding="utf-8")
    (folder / "secret").chmod(0o600)
    network = folder / "profile" / "local-network"
    network.mkdir(parents=True, mode=0o700)
    (network / "network.json").write_text(
        '{"visibility_seconds": 0.5, "long_poll_seconds": 1, "projects": {"glaucoma-study":'
        ' {"members": ["research-lab"], "limits": {"research-lab/hba1c-risk:1": 5000}}}}',
        encoding="utf-8",
    )
    lightly_sealed(folder / "profile", "a long enough passphrase for tests")
    requester = folder / "profile" / "demo-requester"
    requester.mkdir(mode=0o700)
    shutil.copy(VECTORS / "keys/modeller.pem", requester / "requester.pem")
    return folder


def _does(folder: Path, *acts: tuple[str, dict[str, Any]]) -> None:
    options = Options(profile=folder / "profile", keyring="passphrase", passphrase_file=folder / "secret")
    with open_profile(options) as profile:
        for name, arguments in acts:
            call(find(name), profile, arguments, Progress())


@pytest.fixture
def installation(prepared: Path, tmp_path: Path) -> Iterator[Installation]:
    shutil.copytree(prepared / "profile", tmp_path / "profile")
    made = Installation(tmp_path / "profile", prepared / "secret")
    yield made
    made.close()


@pytest.fixture
def proxied(prepared_proxied: Path, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose gate stands before a pod of the network's own software."""
    shutil.copytree(prepared_proxied / "profile", tmp_path / "profile")
    made = Installation(tmp_path / "profile", prepared_proxied / "secret", real.POD)
    yield made
    made.close()
