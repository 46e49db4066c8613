"""A profile with pod, datasource, schema and local network, made once, and copied for each test."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.engine import Engine
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.own_process import environment
from podadmin.core.progress import Progress
from tests.nursery import run
from tests.patience import until
from tests.sealed import lightly_sealed

VECTORS = Path(__file__).resolve().parents[1] / "interop" / "vectors"


@dataclass
class House:
    """One profile folder, the engines that were started on it here, and the command line beside them."""

    folder: Path
    secret: Path
    opened: list[Profile] = field(default_factory=list)
    until = staticmethod(until)

    def options(self, **changes: Any) -> Options:
        return Options(**{"profile": self.folder, "passphrase_file": self.secret, **changes})

    def open(self, **changes: Any) -> Profile:
        profile = open_profile(self.options(**changes))
        self.opened.append(profile)
        return profile

    def engine(self, profile: Profile) -> Engine:
        """A started engine; ended with the test."""
        profile.engine = Engine(profile)
        assert profile.engine.start()
        return profile.engine

    def on(self, profile: Profile) -> Engine:
        engine = self.engine(profile)
        until(lambda: engine.snapshot().state == "on", "the gate is on")
        return engine

    def act(self, profile: Profile, act: str, /, **arguments: object) -> Any:
        return call(find(act), profile, arguments, Progress())

    def cli(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        words = ("--profile", str(self.folder), "--passphrase-file", str(self.secret), "--json", *words)
        return run([*words], environment(PYTHONUNBUFFERED="1"), 300)

    def said(self, *words: str) -> Any:
        """What a command that must succeed prints."""
        done = self.cli(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def error(self, *words: str) -> dict[str, Any]:
        """The error of a command that must fail."""
        done = self.cli(*words)
        assert done.returncode != 0, done.stdout
        text = (done.stdout or done.stderr).decode()
        found = json.loads(text)["error"] if "{" in text else {}
        return {**found, "exit": done.returncode}

    def close(self) -> None:
        for profile in self.opened:
            if profile.engine is not None:
                profile.engine.stop()
            profile.close()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "secret").write_text("a long enough passphrase for tests\n", encoding="utf-8")
    data = folder / "patients.csv"
    data.write_text("age,sex\n" + "".join(f"{40 + n},{'FM'[n % 2]}\n" for n in range(40)), encoding="utf-8")
    network = folder / "profile" / "local-network"
    network.mkdir(parents=True, mode=0o700)
    (network / "network.json").write_text(
        '{"visibility_seconds": 0.5, "long_poll_seconds": 0.5, "projects": {"glaucoma-study":'
        ' {"members": ["research-lab"], "limits": {"research-lab/hba1c-risk:1": 5000}}}}',
        encoding="utf-8",
    )
    lightly_sealed(folder / "profile", "a long enough passphrase for tests")
    requester = folder / "profile" / "demo-requester"
    requester.mkdir(mode=0o700)
    shutil.copy(VECTORS / "keys/modeller.pem", requester / "requester.pem")
    options = Options(profile=folder / "profile", keyring="passphrase", passphrase_file=folder / "secret")
    with open_profile(options) as profile:
        for name, arguments in (
            ("pod create", {"name": "clinic"}),
            ("datasource add", {"name": "patients", "path": str(data)}),
            ("schema generate", {"datasource": "patients", "save": True}),
            ("network join", {"kind": "local"}),
        ):
            call(find(name), profile, arguments, Progress())
    return folder


@pytest.fixture
def house(prepared: Path, tmp_path: Path) -> Iterator[House]:
    shutil.copytree(prepared / "profile", tmp_path / "profile")
    shutil.copy(prepared / "secret", tmp_path / "secret")
    made = House(tmp_path / "profile", tmp_path / "secret")
    yield made
    made.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a small disk of its own; skips where this machine does not let us."""
    where = tmp_path / "disk"
    mounted = False

    def mount(options: str) -> Path:
        nonlocal mounted
        where.mkdir(exist_ok=True)
        if sys.platform != "linux" or not shutil.which("mount"):
            pytest.skip("small disks are made with Linux's mount")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(where)], capture_output=True)
        if done.returncode != 0:
            pytest.skip("mounting is not permitted here")
        mounted = True
        return where

    yield mount
    if mounted:
        subprocess.run(["umount", "-l", str(where)], check=True)
