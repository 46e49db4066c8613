"""What keys and secrets were used for, counted in memory and written down together: one entry each, not one a block."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import update

from podadmin.core.clock import Clock, stamp
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.model import KeyInfo, SecretInfo
from podadmin.vault.records import key, secret

Info = TypeVar("Info", KeyInfo, SecretInfo)


@dataclass
class _Use:
    """What one key was used for since it was last written down, and when last."""

    at: datetime
    what: Counter[str] = field(default_factory=Counter)


class Uses:
    """The uses of the keys and secrets of one vault. Usable from any thread; noting one waits for nobody."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._of: dict[str, _Use] = {}

    def note(self, info: KeyInfo | SecretInfo, what: str) -> None:
        """It was used for `what` just now."""
        now = self._clock.now()
        with self._lock:
            use = self._of.setdefault(info.id, _Use(now))
            use.at = now
            use.what[what] += 1

    def shown(self, info: Info) -> Info:
        """The same, with the last use that is not written down yet."""
        with self._lock:
            use = self._of.get(info.id)
        return info if use is None else replace(info, last_used_at=use.at)

    def record(self, actor: str) -> None:
        """One entry for each key (`key.used`) and secret (`secret.used`), with what it was used for and how often."""
        with self._lock:
            used, self._of = self._of, {}
        for name, use in used.items():
            table, act = (secret, "secret.used") if name.startswith("sec_") else (key, "key.used")
            body = {"last_used_at": stamp(use.at), "for": dict(sorted(use.what.items()))}
            with self._store.record(Fact(actor, act, name, body)) as unit:
                unit.execute(update(table).where(table.c.id == name).values(last_used_at=stamp(use.at)))
