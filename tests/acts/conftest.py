"""Real profiles, opened in this process; acts are called by their names, as desktop and commands call them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.resources import resource
from podadmin.vault import making
from tests.sealed import seal_lightly

PASSPHRASE = "seven quiet herons by the river"


@pytest.fixture
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weakest scrypt that is accepted, and RSA-2048: the stories here are not about the strength of keys."""
    seal_lightly(monkeypatch)
    real = making.generate_private_key
    monkeypatch.setattr(
        making, "generate_private_key", lambda public_exponent, key_size: real(public_exponent, key_size // 2)
    )


@pytest.fixture
def options(tmp_path: Path) -> Options:
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\nnot this line\n", encoding="utf-8")
    return Options(profile=tmp_path / "profile", passphrase_file=tmp_path / "passphrase")


@pytest.fixture
def profile(options: Options, quick_keys: None) -> Iterator[Profile]:
    """A new profile: nothing is chosen, nothing is made."""
    with open_profile(options) as profile:
        yield profile


class Do(Protocol):
    """Calls an act of the profile by its name."""

    def __call__(self, name: str, /, **arguments: object) -> Any: ...


@pytest.fixture
def do(profile: Profile) -> Do:
    def act(name: str, /, **arguments: object) -> Any:
        return call(find(name), profile, arguments)

    return act


@pytest.fixture
def made(do: Do) -> Do:
    """A profile with a pod, under a passphrase file."""
    do("keyring choose", backend="passphrase")
    do("pod create", name="eye-clinic", owner="trust")
    return do


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    return Path(shutil.copy(resource("demo", "patients.csv"), tmp_path / "patients.csv"))


@pytest.fixture
def acts(profile: Profile) -> Callable[[], list[str]]:
    """The acts that were recorded, the oldest first."""

    def recorded() -> list[str]:
        return [entry.act for entry in profile.entries_since(0)]

    return recorded
