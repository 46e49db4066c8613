"""Holds the custodian's own limits against the journal: nobody raises or removes one with a hand in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, select

from podadmin.app.evidence_rows import Found
from podadmin.core.text import stranger
from podadmin.limits.records import own_limit

ACTS: Final = ("limit.set", "limit.removed")


@dataclass
class LimitsTold:
    """What the journal says: each version of a limit, and the one that is in force."""

    versions: dict[tuple[str, int], tuple[int, Mapping[str, Any]]] = field(default_factory=dict)
    in_force: dict[str, int] = field(default_factory=dict)

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        """Take in one entry; later ones go before earlier ones."""
        if entry.act == "limit.removed":
            self.in_force.pop(body["limit"], None)
        else:
            self.versions[body["limit"], body["version"]] = entry.seq, body["now"]
            self.in_force[body["limit"]] = body["version"]


def differing_limit(connection: Connection, told: LimitsTold) -> Found:
    """The first own limit that is not what the journal says; None where all are."""
    seen = set()
    for row in connection.execute(select(own_limit).order_by(own_limit.c.seq)):
        name = row.id, row.version
        seen.add(name)
        if name not in told.versions:
            return None, f"The limit {stranger(row.id)} is there, and no entry tells of it."
        seq, said = told.versions[name]
        if _shown(row) != said or (row.ended_at is None) != (told.in_force.get(row.id) == row.version):
            return seq, f"The limit {row.id} is not the one that entry {seq} tells of."
    for name, (seq, _) in told.versions.items():
        if name not in seen:
            return seq, f"The limit {name[0]} that entry {seq} tells of is gone."
    return None


def _shown(row: Any) -> dict[str, Any]:
    """A row as its entry told it: the names of strangers as they are shown, what it does not name left out."""
    named = {name: getattr(row, name) for name in ("model", "project", "requester", "datasource")}
    shown = {name: stranger(value) for name, value in named.items() if value is not None}
    return {**shown, "period": row.period, "amount": row.amount, "effect": row.effect}
