"""A custodian with this application, its network, a real pod behind its gate and real requesters on the other side.

Everything that the custodian does is a command of `podadmin`; the gate is `podadmin serve`, a process that a story may
kill. The pod is started by somebody else, with the environment that the gate prints.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from podadmin.core.clock import SystemClock
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.local.address import Address, read_address
from podadmin.networks.local.ledger import FILE, Ledger
from podadmin.networks.local.membership import Membership, join
from podadmin.networks.local.places import STORE, local_places
from podadmin.networks.local.rules import REQUESTER
from podadmin.networks.local.web import HUB_KEYS
from tests.interop.real_pod import real
from tests.interop.real_pod.internet import Internet
from tests.interop.real_pod.processes import Process

ROOT = Path(__file__).resolve().parents[3]
COMMAND_SECONDS = 120.0
GATE_SECONDS = 120.0
HELD_SECONDS = 150.0
"""A requester needs half a minute to start where other work runs beside it."""
RULES = {
    "object_store_name": STORE,
    "projects": {
        "open": {"members": [REQUESTER], "limits": {}},
        "limited": {"members": [REQUESTER], "limits": {"research-lab/MeanModel:1": 150}},
    },
}
"""Of the network: the real software takes bodies from a store with a name of the real network's form only."""


class Hospital:
    """Use it as a context: it is made when it is entered, and everything ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.profile = folder / "profile"
        self._ends = ExitStack()
        self._asked = 0
        self.figures: dict[str, float] = {}
        """Seconds, by what took them."""

    def __enter__(self) -> Hospital:
        try:
            self._make()
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._ends.close()

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        passphrase = self.folder / "passphrase"
        passphrase.write_text("nine quiet herons at dusk\n", encoding="utf-8")
        passphrase.chmod(0o600)
        network = self.profile / "local-network"
        network.mkdir(parents=True, mode=0o700)
        (network / "network.json").write_text(json.dumps(RULES), encoding="utf-8")
        config = real.pod_files(self.folder / "pod")
        self.does("pod", "import", str(config), "--storage", str(self.folder / "pod" / "storage"))
        self.does("pod", "worker", "bitfount")
        self.does("network", "join", "local")
        self.gate = self._ends.enter_context(self.start_gate())
        self.address: Address = read_address(network)
        self.pod_member, self.lab = (asyncio.run(join(self.address, name)) for name in (real.OWNER, REQUESTER))
        self.internet = self._ends.enter_context(Internet(local_places(self.address), self.folder / "internet"))
        self.pod = self._ends.enter_context(self.start_pod())
        self.model = real.publish_model(self.address, self.lab, "MeanModel")

    # --- the custodian -----------------------------------------------------------------------------------------------

    def does(self, *words: str) -> Any:
        """One command of the custodian; what it answers."""
        done = subprocess.run(
            [*self._program(*words), "--json"], cwd=self.folder, env=_own_environment(), capture_output=True,
            text=True, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"podadmin {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def _program(self, *words: str) -> list[str]:
        where = ["--profile", str(self.profile), "--keyring", "passphrase"]
        return [sys.executable, "-m", "podadmin", *words, *where, "--passphrase-file", str(self.folder / "passphrase")]

    def start_gate(self) -> Process:
        """`podadmin serve`, once its gate is on."""
        began = time.monotonic()
        gate = Process("serve", self._program("serve"), self.folder, _own_environment())
        try:
            gate.says(r'"gate": "on"', GATE_SECONDS)
        except BaseException:
            gate.kill()
            raise
        self.figures["gate on"] = time.monotonic() - began
        return gate

    def restart_gate(self) -> None:
        """`kill -9` of the gate, and another one."""
        self.gate.kill()
        self.gate = self._ends.enter_context(self.start_gate())

    def plant(self, messages: list[pb.BitfountMessage], hub_keys: str) -> None:
        """The network has these messages for the pod, and these keys; the gate is killed for it and started again."""
        self.gate.kill()
        ledger = Ledger(self.profile / "local-network", SystemClock())
        for message in messages:
            ledger.post(message.recipientMailboxId, message.SerializeToString())
        ledger.set_own(HUB_KEYS, hub_keys)
        ledger.close()
        self.restart_gate()

    def in_the_store(self, size: int) -> bool:
        """Does a body of so many bytes lie in the network's object store? The gate is killed for it and started again.

        The network keeps its file for itself while it is on, and it is on as long as the gate.
        """
        self.gate.kill()
        with closing(sqlite3.connect(self.profile / "local-network" / FILE)) as database:
            found = database.execute("SELECT count(*) FROM object WHERE length(body) = ?", (size,)).fetchone()
        self.gate = self._ends.enter_context(self.start_gate())
        return bool(found[0])

    def requests(self) -> list[dict[str, Any]]:
        """Every request that the gate has captured, the newest first."""
        return list(self.does("requests", "list")["rows"])

    def waiting(self, request: str, seconds: float, least: int = 1) -> list[dict[str, Any]]:
        """What of a request waits to be seen, as soon as it is so many messages."""
        ends = time.monotonic() + seconds
        while True:
            found = [each for each in self.does("gate", "results") if each["request_id"] == request]
            if len(found) >= least:
                return found
            assert time.monotonic() < ends, f"{found} after {seconds:g} s\n{self.gate.tail()}"

    # --- the pod and its requesters ----------------------------------------------------------------------------------

    def start_pod(self) -> Process:
        """The real pod in the environment that the gate prints, once it is ready."""
        began = time.monotonic()
        told: Mapping[str, str] = {each["name"]: each["value"] for each in self.does("gate", "environment")}
        pod = real.start_pod(self.folder / "pod", self.pod_member, told)
        try:
            real.is_ready(pod)
        except BaseException:
            pod.kill()
            raise
        self.figures["pod ready"] = time.monotonic() - began
        return pod

    def pod_by_podadmin(self) -> None:
        """The pod that somebody else started ends; this application starts it and looks after it from now on."""
        self.pod.__exit__()
        variables = real.given_to_software(self.folder / "pod")
        given = [part for name, value in variables.items() for part in ("--variables", f"{name}={value}")]
        self.does("pod", "launch", "--command", shlex.join(real.RUN_POD), *given)
        self.does("pod", "start")
        self.until_pod_is("ready")

    def until_pod_is(self, state: str) -> None:
        """Wait until the pod that this application looks after is in a state."""
        ends = time.monotonic() + real.READY_SECONDS
        while (shown := self.does("pod", "status"))["state"] != state:
            assert time.monotonic() < ends, f"{shown}\n{self.does('pod', 'output')}"

    def asks(
        self,
        algorithm: list[dict[str, Any]],
        project: str = "open",
        protocol: Mapping[str, Any] = real.RESULTS_ONLY,
    ) -> Process:
        """A real requester who sends a task. End it as a context."""
        self._asked += 1
        network = self.internet.environment()
        folder = self.folder / "lab"
        member: Membership = self.lab
        return real.ask(folder, f"request-{self._asked}", member, network, algorithm, project, protocol)

    def held(self, known: set[str], seconds: float = HELD_SECONDS) -> str:
        """The id of the next request that is held and not in `known`, which it is added to."""
        return self.comes_to(lambda each: each["id"] not in known and each["state"] == "held", seconds, known)

    def comes_to(self, wanted: Any, seconds: float, known: set[str] | None = None) -> str:
        """The id of a request for which `wanted` holds, as soon as there is one. Each look is a process of its own."""
        ends = time.monotonic() + seconds
        while True:
            rows = self.requests()
            found = next((str(each["id"]) for each in rows if wanted(each)), None)
            if found is not None:
                if known is not None:
                    known.add(found)
                return found
            assert time.monotonic() < ends, f"not in {seconds:g} s: {rows}\n{self.gate.tail()}"


def _own_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
