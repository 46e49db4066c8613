"""`kill -9` at every write of making, importing, replacing and exchanging keys: the old state is there, or the new one.

A child process does one thing and is killed at its n-th write: before or after each sync, rename, removal and commit.
The next session has to open everything that is recorded, and to be able to do the same thing.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from podadmin.core.clock import ManualClock
from podadmin.core.errors import Refused
from podadmin.core.secret import Secret
from podadmin.journal.records import Journal
from podadmin.journal.service import verify
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit
from podadmin.vault.kek import NEXT_ITEM
from podadmin.vault.model import KeyInfo, Purpose, SecretPurpose
from podadmin.vault.passphrase_file import PassphraseFile
from podadmin.vault.service import Vault

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL are of POSIX"),
]
DOING: dict[str, Callable[[Vault], object]] = {
    "create": lambda vault: vault.create(Purpose.REVIEWER, "custodian", "bert"),
    "import": lambda vault: vault.import_key(Purpose.REVIEWER, Ed25519PrivateKey.generate(), "custodian", "bert"),
    "rotate": lambda vault: vault.rotate(current(vault).id, "custodian", timedelta(days=14)),
    "revoke": lambda vault: vault.revoke(current(vault, Purpose.REVIEWER, "anna").id, "custodian", "it was copied"),
    "secret": lambda vault: vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"token"), "custodian"),
    "exchange": lambda vault: vault.exchange_kek("custodian"),
}


def current(vault: Vault, purpose: Purpose = Purpose.JOURNAL, name: str = "") -> KeyInfo:
    found = vault.find(purpose, name)
    assert found is not None
    return found


def killed_at(folder: Path, what: str, last: int) -> bool:
    """Do it in a process of its own that dies at its `last` write; False where it came to its end before that."""
    pid = os.fork()
    if pid == 0:
        try:
            _child(folder, what, last)
        finally:
            os._exit(7)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _child(folder: Path, what: str, last: int) -> None:
    vault, store = opened(folder)
    seen = 0

    def point() -> None:
        nonlocal seen
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **more: Any) -> Any:
            point()
            result = real(*words, **more)
            point()
            return result

        return call

    for name in ("fsync", "replace", "unlink"):
        setattr(os, name, around(getattr(os, name)))
    record = store.record

    @contextmanager
    def recorded(fact: Fact) -> Iterator[Unit]:
        with record(fact) as unit:
            yield unit
            point()
        point()

    store.record = recorded  # type: ignore[method-assign]
    DOING[what](vault)
    os._exit(0)


def opened(folder: Path) -> tuple[Vault, Store]:
    clock = ManualClock(datetime(2026, 3, 3, 9, tzinfo=UTC))
    store = Store.open(folder / "podadmin.db", Journal(clock))
    secrets = PassphraseFile(folder / "secrets.sealed", Secret("correct horse battery"), strength=14)
    vault = Vault(folder / "keys", secrets, store, clock)
    vault.unlock()
    return vault, store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A profile with a journal key, a reviewer's key and a secret."""
    vault, store = opened(tmp_path)
    vault._clock = vault._making_keys._clock = ManualClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    vault.create(Purpose.JOURNAL, "custodian")
    vault.create(Purpose.REVIEWER, "custodian", "anna")
    vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"token"), "custodian")
    store.close()
    return tmp_path


def whole(vault: Vault, store: Store) -> None:
    """Everything that is recorded opens, nothing is there twice, and the journal is right."""
    for info in vault.every_key():
        assert vault.private(info).reveal()
    for kept in vault.secrets_kept():
        assert vault.secret(kept.id).reveal() == b"token"
    kept_keys = vault.keys()
    in_use = [(info.purpose, info.name) for info in kept_keys]
    assert len(set(in_use)) == len(in_use)
    assert (Purpose.JOURNAL, "") in in_use
    assert len(vault.secrets_kept()) == 1
    assert verify(store).broken is None


@pytest.mark.parametrize("what", list(DOING))
def test_killed_at_any_write_everything_recorded_opens_and_it_can_be_done_again(folder: Path, what: str) -> None:
    deaths = 0
    while killed_at(folder, what, deaths + 1):
        deaths += 1
        vault, store = opened(folder)
        try:
            whole(vault, store)
            again(vault, what)
            whole(vault, store)
            assert vault.secrets.get(NEXT_ITEM) is None
        finally:
            store.close()
    vault, store = opened(folder)
    whole(vault, store)
    store.close()
    assert deaths >= 2


def again(vault: Vault, what: str) -> None:
    """Do the same in this session, and leave the profile as the next child expects it."""
    if what in {"create", "import"}:
        if vault.find(Purpose.REVIEWER, "bert") is None:
            vault.create(Purpose.REVIEWER, "custodian", "bert")
        with pytest.raises(Refused):
            vault.create(Purpose.REVIEWER, "custodian", "bert")
        found = vault.find(Purpose.REVIEWER, "bert")
        assert found is not None
        vault.revoke(found.id, "custodian", "the next child makes it")
        return
    if what == "revoke":
        found = vault.find(Purpose.REVIEWER, "anna")
        if found is not None:
            vault.revoke(found.id, "custodian", "done again")
        vault.create(Purpose.REVIEWER, "custodian", "anna")
        return
    DOING[what](vault)
