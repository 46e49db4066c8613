"""What cannot be reached through the hospital's own proxy: since when and why, until it can be reached again.

A pod tries again and again. The journal is told once when a host is lost, once more for each other cause, and once when
it works again; what stands now follows from these entries, so that every process of the profile sees the same.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from anyio import to_thread
from sqlalchemy import select

from podadmin.core.clock import unstamp
from podadmin.core.errors import PodadminError
from podadmin.core.text import stranger
from podadmin.journal.records import journal_entry
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

LOST: Final = "gate.way-out-lost"
BACK: Final = "gate.way-out-back"
OF_THE_PROXY: Final = "network.proxy-"
"""How the codes of what the hospital's proxy did begin."""
log = logging.getLogger("podadmin.gate")


@dataclass(frozen=True)
class Outage:
    """A host that the hospital's proxy does not lead to. `why` and `next_step` are those of the latest cause."""

    host: str
    since: datetime
    why: str
    next_step: str


def standing(store: Store) -> tuple[Outage, ...]:
    """What cannot be reached now, the longest first."""
    told = select(journal_entry).where(journal_entry.c.act.in_((LOST, BACK))).order_by(journal_entry.c.seq)
    found: dict[str, Outage] = {}
    with store.read() as connection:
        for row in connection.execute(told):
            if row.act == BACK:
                found.pop(row.subject, None)
                continue
            body, before = json.loads(row.body), found.get(row.subject)
            since = before.since if before is not None else unstamp(row.at)
            found[row.subject] = Outage(row.subject, since, body["why"], body["next_step"])
    return tuple(sorted(found.values(), key=lambda each: (each.since, each.host)))


class Outages:
    """Notes what the connections of one gate meet. Use it inside the gate's loop. `news` hears of every change."""

    def __init__(self, store: Store, news: Callable[[], None]) -> None:
        self._store = store
        self._news = news
        self._known: dict[str, set[str]] = {}

    async def open(self) -> None:
        """What stood when the gate was switched off stands still. Raises what the store raises."""
        for each in await to_thread.run_sync(standing, self._store):
            self._known.setdefault(each.host, set())

    async def failed(self, host: str, error: PodadminError) -> None:
        """A host was not reached. What is not the proxy's doing is not told here."""
        name = stranger(host, 260)
        known = self._known.get(name)
        if not error.code.startswith(OF_THE_PROXY) or (known is not None and error.code in known):
            return
        self._known.setdefault(name, set()).add(error.code)
        body = {"cause": error.code, "why": error.why, "next_step": error.next_step}
        if not await self._tell(Fact("gate", LOST, name, body)):
            self._known[name].discard(error.code)

    async def worked(self, host: str) -> None:
        """A host was reached."""
        name = stranger(host, 260)
        causes = self._known.pop(name, None)
        if causes is not None and not await self._tell(Fact("gate", BACK, name)):
            self._known.setdefault(name, causes)

    async def _tell(self, fact: Fact) -> bool:
        """A connection does not fail because it could not be written down; the next one tells it."""
        try:
            await to_thread.run_sync(self._write, fact)
        except PodadminError as error:
            log.warning("what became of the way out was not written down: %s", error.code)
            return False
        self._news()
        return True

    def _write(self, fact: Fact) -> None:
        with self._store.record(fact):
            return
