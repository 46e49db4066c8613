"""A profile's folder with a real database, and sessions of podadmin that open and leave it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podadmin.core.clock import ManualClock
from podadmin.journal.records import Journal
from podadmin.store.engine import Store
from podadmin.vault import making
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.service import Vault


@dataclass
class Profile:
    """A profile's folder with what a session of podadmin opens in it."""

    folder: Path
    secrets: MemoryKeyring = field(default_factory=MemoryKeyring)
    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime(2026, 3, 1, 9, tzinfo=UTC)))
    stores: list[Store] = field(default_factory=list)

    def session(self, recorder: object = None) -> Vault:
        """A vault as after a restart, still locked."""
        store = Store.open(self.folder / "podadmin.db", recorder or Journal(self.clock))  # type: ignore[arg-type]
        self.stores.append(store)
        return Vault(self.keys, self.secrets, store, self.clock)

    def open(self, recorder: object = None) -> Vault:
        vault = self.session(recorder)
        vault.unlock()
        return vault

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def sql(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.folder / "podadmin.db") as connection:
            connection.execute(statement, values)

    def acts(self) -> list[tuple[str, str, str, dict[str, str]]]:
        with sqlite3.connect(self.folder / "podadmin.db") as connection:
            rows = connection.execute("SELECT actor, act, subject, body FROM journal_entry ORDER BY seq").fetchall()
        return [(actor, act, subject, json.loads(body)) for actor, act, subject, body in rows]


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Profile]:
    profile = Profile(tmp_path)
    yield profile
    for store in profile.stores:
        store.close()


@pytest.fixture
def small_rsa(monkeypatch: pytest.MonkeyPatch) -> None:
    """RSA-2048 where only the story of a key matters; the stories about RSA-4096 do not use this."""
    real = making.generate_private_key
    monkeypatch.setattr(
        making, "generate_private_key", lambda public_exponent, key_size: real(public_exponent, key_size // 2)
    )
