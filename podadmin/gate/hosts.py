"""Which hosts beside the network's own a pod may reach: none, until a person has allowed one.

The first attempt on a host is journalled, and again when there were ten, a hundred and so on: a pod that tries without
end does not fill the journal. Between that, attempts are counted in memory.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Row, select
from sqlalchemy.dialects.sqlite import insert

from podadmin.core.clock import Clock, stamp, unstamp
from podadmin.core.errors import BadInput, Refused
from podadmin.core.text import stranger
from podadmin.gate.records import host as table
from podadmin.networks.bitfount.places import Places
from podadmin.requests.grant_cover import check_may_decide
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

ALLOWED: Final = "allowed"
REFUSED: Final = "refused"
MOST_NEW: Final = 200
"""Hosts that are told by name since the gate was switched on; every further one is counted under `OTHERS`."""
OTHERS: Final = "(others)"
HTTPS: Final = 443
_PLACE: Final = re.compile(r"(?=.{1,260}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?")
log = logging.getLogger("podadmin.gate")


@dataclass(frozen=True)
class Host:
    """`place`: the name of a host, with its port where that is not 443. `verdict`: allowed, refused or empty."""

    place: str
    verdict: str
    count: int
    first_at: datetime | None
    last_at: datetime | None
    decided_by: str
    reason: str


def place_of(host: str, port: int) -> str:
    """How a host is named here."""
    return host if port == HTTPS else f"{host}:{port}"


def listing(store: Store) -> tuple[Host, ...]:
    """Every host that was tried or decided on, the latest first."""
    with store.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.last_at.desc(), table.c.host)).all()
    return tuple(_host(row) for row in rows)


def decide(store: Store, clock: Clock, places: Places, place: str, verdict: str, actor: str, reason: str) -> Host:
    """A person allows or refuses a host.

    Raises BadInput (`gate.bad-host`), Refused (`gate.own-host`, `grant.not-decider`).
    """
    name, words = place.strip().lower(), reason.strip()[:500]
    if not _PLACE.fullmatch(name) or not words:
        raise BadInput(
            "gate.bad-host",
            "Nothing was changed.",
            "It is not the name of a host, or no reason was given." if words else "A reason is needed.",
            "Give a name such as “ehr.hospital.example”, with “:8443” after it for another port, and a reason.",
        )
    if places.role_of(name.partition(":")[0]) is not None:
        raise Refused(
            "gate.own-host",
            "Nothing was changed.",
            "This host belongs to the network: the gate always looks into what goes there.",
            "Leave the network if the pod should not speak to it any more.",
        )
    values = {"verdict": verdict, "decided_by": actor, "decided_at": stamp(clock.now()), "reason": words}
    act = "gate.host-allowed" if verdict == ALLOWED else "gate.host-forbidden"
    with store.record(Fact(actor, act, name, {"reason": words})) as unit:
        check_may_decide(unit.connection, actor, clock.now())
        unit.execute(insert(table).values(host=name, **values).on_conflict_do_update([table.c.host], set_=values))
        row = unit.connection.execute(select(table).where(table.c.host == name)).one()
    return _host(row)


class Hosts:
    """The rule for one pod: its network's hosts are inspected, others go by what was decided. Safe from any thread."""

    def __init__(self, store: Store, clock: Clock, places: Places) -> None:
        self._store = store
        self._clock = clock
        self._places = places
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._last: dict[str, datetime] = {}

    def may_tunnel(self, host: str, port: int) -> bool:
        """May the pod reach a host that is none of the network's? Raises what reading the store raises."""
        place = place_of(host, port)
        with self._store.read() as connection:
            verdict = connection.execute(select(table.c.verdict).where(table.c.host == place)).scalar()
        if verdict:
            return bool(verdict == ALLOWED)
        return port == HTTPS and host in self._places.tunnelled

    def counts(self) -> Mapping[str, tuple[int, datetime]]:
        """How often each host was tried since the gate was switched on, and when last."""
        with self._lock:
            return {place: (count, self._last[place]) for place, count in self._counts.items()}

    def tried(self, host: str, port: int, allowed: bool) -> None:
        """The pod tried a host that is none of the network's. Raises what writing to the store raises."""
        place, now = stranger(place_of(host, port), 260), self._clock.now()
        with self._lock:
            if place not in self._counts and len(self._counts) >= MOST_NEW:
                place = OTHERS
            count = self._counts[place] = self._counts.get(place, 0) + 1
            self._last[place] = now
        if str(count).strip("0") != "1":
            return
        act = "gate.host-reached" if allowed else "gate.host-refused"
        with self._store.record(Fact("gate", act, place, {"count": count})) as unit:
            before = unit.connection.execute(select(table.c.count).where(table.c.host == place)).scalar()
            first = insert(table).values(host=place, count=count, first_at=stamp(now), last_at=stamp(now))
            more = {"count": (before or 0) + max(count - count // 10, 1), "last_at": stamp(now)}
            if before is None or before == 0:
                more["first_at"] = stamp(now)
            unit.execute(first.on_conflict_do_update([table.c.host], set_=more))


def _host(row: Row[tuple[str, ...]]) -> Host:
    kept = row._mapping
    first, last = kept["first_at"], kept["last_at"]
    return Host(
        kept["host"],
        kept["verdict"],
        kept["count"],
        unstamp(first) if first else None,
        unstamp(last) if last else None,
        kept["decided_by"],
        kept["reason"],
    )
