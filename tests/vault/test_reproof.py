"""Asking again who somebody is: by the passphrase, by the keyring's own question, and honestly not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.errors import BadInput, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault import reproof
from podadmin.vault.backends import MemoryKeyring, open_backend
from podadmin.vault.keyring_states import trouble
from podadmin.vault.model import KeyringState
from podadmin.vault.passphrase_file import PassphraseFile
from podadmin.vault.reproof import Means, means_of, passphrase_needed, prove_by_keyring, prove_passphrase


class Keyring:
    preferred_collection = ""


class SecretServiceKeyring(Keyring):
    __module__ = "keyring.backends.SecretService"


def test_what_can_be_asked_depends_on_where_secrets_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert means_of(MemoryKeyring(), tmp_path) is Means.NONE
    file = PassphraseFile(tmp_path / "secrets.sealed", Secret("nine quiet herons"), strength=14)
    assert means_of(file, tmp_path) is Means.NONE, "nothing is sealed yet"
    file.put("kek", b"x")
    assert means_of(file, tmp_path) is Means.PASSPHRASE
    system = open_backend("system", profile_id="profile_TEST", folder=tmp_path)
    for chosen, means in ((SecretServiceKeyring(), Means.KEYRING), (Keyring(), Means.NONE)):
        monkeypatch.setattr(reproof, "choose", lambda chosen=chosen: chosen)
        assert means_of(system, tmp_path) is means

    def absent() -> None:
        raise trouble(KeyringState.ABSENT)

    monkeypatch.setattr(reproof, "choose", absent)
    assert means_of(system, tmp_path) is Means.NONE
    assert all(each.words.endswith(".") for each in Means)


def test_only_the_passphrase_that_sealed_it_proves_anything(tmp_path: Path) -> None:
    PassphraseFile(tmp_path / "secrets.sealed", Secret("nine quiet herons"), strength=14).put("kek", b"x")
    prove_passphrase(tmp_path, Secret("nine quiet herons"))
    with pytest.raises(BadInput) as wrong:
        prove_passphrase(tmp_path, Secret("ten quiet herons"))
    assert wrong.value.code == "vault.passphrase-wrong"
    assert passphrase_needed().code == "lock.passphrase-needed"


class Bus:
    """The parts of `secretstorage` that are used, as a person answers, closes the window or lets it be."""

    def __init__(self, answer: Callable[[], bool]) -> None:
        self.answer = answer
        self.log: list[str] = []

    def dbus_init(self) -> Any:
        return types.SimpleNamespace(close=lambda: self.log.append("closed"))

    def Collection(self, _connection: object, path: str) -> Any:
        assert path == reproof.DEFAULT_COLLECTION
        return types.SimpleNamespace(lock=lambda: self.log.append("locked"), unlock=self._unlock)

    def _unlock(self, timeout: float) -> bool:
        self.log.append(f"asked for {timeout:.0f} s")
        return self.answer()


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bool]], Bus]:
    def made(answer: Callable[[], bool]) -> Bus:
        found = Bus(answer)
        monkeypatch.setitem(sys.modules, "secretstorage", found)
        monkeypatch.setattr(reproof, "choose", SecretServiceKeyring)
        return found

    return made


def test_the_keyring_is_locked_and_asks_its_own_question(bus: Callable[[Callable[[], bool]], Bus]) -> None:
    asked = bus(lambda: False)
    prove_by_keyring()
    assert asked.log == ["locked", "asked for 120 s", "closed"]


def test_a_closed_question_proves_nothing(bus: Callable[[Callable[[], bool]], Bus]) -> None:
    asked = bus(lambda: True)
    with pytest.raises(Refused) as refused:
        prove_by_keyring()
    assert refused.value.code == "lock.not-proved"
    assert asked.log[-1] == "closed"


def test_a_keyring_that_fails_is_told_in_its_own_states(bus: Callable[[Callable[[], bool]], Bus]) -> None:
    def gone() -> bool:
        raise RuntimeError("the bus went away")

    bus(gone)
    with pytest.raises(Unavailable) as failed:
        prove_by_keyring()
    assert failed.value.code == "vault.keyring-unresponsive"

    def late() -> bool:
        raise TimeoutError

    bus(late)
    with pytest.raises(Unavailable) as unanswered:
        prove_by_keyring()
    assert unanswered.value.code == "vault.keyring-unresponsive"


@pytest.mark.keyring
@pytest.mark.skipif(
    not all(map(shutil.which, ("dbus-run-session", "gnome-keyring-daemon"))),
    reason="gnome-keyring and dbus-daemon are not installed",
)
def test_a_real_keyring_is_locked_and_asks_in_its_own_window(tmp_path: Path) -> None:
    """Without a screen its window cannot be shown: the question counts as closed, and the keyring stays locked."""
    program = textwrap.dedent(
        """
        from pathlib import Path
        from podadmin.core.errors import PodadminError
        from podadmin.vault.os_keyring import OsKeyring
        from podadmin.vault.reproof import means_of, prove_by_keyring
        keyring = OsKeyring("p")
        keyring.put("kek", bytes(32))
        print(keyring.state().value, means_of(keyring, Path(".")).value)
        try:
            prove_by_keyring()
        except PodadminError as error:
            print(error.code, keyring.state().value)
        """
    )
    for folder in ("data/keyrings", "config"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "run").mkdir(mode=0o700)
    unlock = "printf %s 'a password' | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null"
    ended = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", f'{unlock} && "$0" -c "$1"', sys.executable, program],
        cwd=Path(reproof.__file__).parents[2],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "XDG_DATA_HOME": str(tmp_path / "data"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    assert ended.stdout.split() == ["ready", "keyring", "lock.not-proved", "locked"]
