"""Holds the keys of this pod and the book of trust against the journal: a revoked key stays revoked, a pin pinned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from podadmin.core.text import stranger
from podadmin.vault.records import key, trusted_key

Name = tuple[str, str, str, str]
"""Role, network, holder and the network's number of a key of somebody else."""

_MADE = {"key.created", "key.imported", "key.rotated", "key.restored"}
_STANDING = {"key.pinned": "", "key.replaced": "", "key.confirmed": "confirmed", "key.distrusted": "distrusted"}


@dataclass
class _Own:
    seq: int
    fingerprint: str
    retired: bool = False
    revoked: bool = False


@dataclass
class _Theirs:
    seq: int
    fingerprint: str
    standing: str


@dataclass
class KeysTold:
    """What the journal says about keys, later entries before earlier ones."""

    own: dict[str, _Own] = field(default_factory=dict)
    theirs: dict[Name, _Theirs] = field(default_factory=dict)

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        """Take in one entry whose act begins with `key.`."""
        if entry.act in _MADE:
            self.own[entry.subject] = _Own(entry.seq, body["fingerprint"])
            if body.get("was") in self.own:
                self.own[body["was"]].retired, self.own[body["was"]].seq = True, entry.seq
        elif entry.act == "key.revoked" and entry.subject in self.own:
            self.own[entry.subject].revoked, self.own[entry.subject].seq = True, entry.seq
        elif entry.act in _STANDING:
            name = (body.get("role", "requester"), body["network"], entry.subject, body["key"])
            self.theirs[name] = _Theirs(entry.seq, body["fingerprint"], _STANDING[entry.act])


def differing_key(connection: Connection, told: KeysTold) -> tuple[int | None, str] | None:
    """The first key that is not what the journal says: (entry or None where none tells of it, in words)."""
    seen = set()
    for row in connection.execute(select(key)):
        seen.add(row.id)
        said = told.own.get(row.id)
        what = f"The key {stranger(row.id)}"
        if said is None:
            return None, f"{what} is there, and no entry tells of it."
        found = (row.fingerprint, row.retired_at is not None, row.revoked_at is not None)
        if found != (said.fingerprint, said.retired, said.revoked):
            return said.seq, f"{what} is not as entry {said.seq} tells."
    for key_id, said in told.own.items():
        if key_id not in seen:
            return said.seq, f"The key {stranger(key_id)} that entry {said.seq} tells of is gone."
    return None


def differing_pin(connection: Connection, told: KeysTold) -> tuple[int | None, str] | None:
    """As `differing_key`, for the keys of others that are trusted."""
    seen = set()
    for row in connection.execute(select(trusted_key)):
        name = (row.role, row.network, row.holder, row.key_id)
        seen.add(name)
        said = told.theirs.get(name)
        what = f"The pinned key of {stranger(row.holder)}"
        if said is None:
            return None, f"{what} is there, and no entry tells of it."
        standing = "distrusted" if row.distrusted_at else "confirmed" if row.confirmed_at else ""
        if (row.fingerprint, standing) != (said.fingerprint, said.standing):
            return said.seq, f"{what} is not the one that entry {said.seq} tells of."
    for name, said in told.theirs.items():
        if name not in seen:
            return said.seq, f"The pinned key of {stranger(name[2])} that entry {said.seq} tells of is gone."
    return None
