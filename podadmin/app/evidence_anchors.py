"""Holds the places where heads are kept, and the time stamps, against the journal: none was added or lost by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from podadmin.core.text import stranger
from podadmin.journal.records import anchor_place, time_stamp

KIND = "journal."


@dataclass
class AnchorsTold:
    """What the journal says about places and stamps, later entries before earlier ones."""

    places: dict[str, tuple[int, str]] = field(default_factory=dict)
    stamps: dict[tuple[int, str], tuple[int, str, str]] = field(default_factory=dict)

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        """Take in one entry whose act begins with `journal.`."""
        if entry.act == "journal.place-added":
            self.places[entry.subject] = (entry.seq, body["place"])
        elif entry.act == "journal.place-removed":
            self.places.pop(entry.subject, None)
        elif entry.act == "journal.time-stamped":
            self.stamps[body["entry"], entry.subject] = (entry.seq, body["hash"], body["sha256"])


def differing_anchor(connection: Connection, told: AnchorsTold) -> tuple[int | None, str] | None:
    """The first place or stamp that is not what the journal says: (entry or None where none tells of it, in words)."""
    rows = {row.id: stranger(row.place) for row in connection.execute(select(anchor_place))}
    for name, place in rows.items():
        if name not in told.places:
            return None, f"The anchor {stranger(name, 40)} is there, and no entry tells of it."
        if told.places[name][1] != place:
            return told.places[name][0], f"The anchor {name} is not the one that entry {told.places[name][0]} tells of."
    for name, (seq, _place) in told.places.items():
        if name not in rows:
            return seq, f"The anchor {name} that entry {seq} tells of is gone."
    seen = set()
    for row in connection.execute(select(time_stamp)):
        said = told.stamps.get((row.seq, row.place_id))
        if said is None:
            return None, f"A time stamp of entry {row.seq} is there, and no entry tells of it."
        seen.add((row.seq, row.place_id))
        if said[1:] != (row.hash, hashlib.sha256(row.token).hexdigest()):
            return said[0], f"The time stamp of entry {row.seq} is not the one that entry {said[0]} tells of."
    for stamp, said in told.stamps.items():
        if stamp not in seen:
            return said[0], f"The time stamp of entry {stamp[0]} that entry {said[0]} tells of is gone."
    return None
