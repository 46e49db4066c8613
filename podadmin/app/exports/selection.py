"""What an export holds, and to which place of the journal it belongs. Pure values, and one walk through the entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, select

from podadmin.core.clock import stamp
from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress
from podadmin.journal.chain import Entry
from podadmin.journal.records import entry_of, journal_entry
from podadmin.journal.search import Wanted, matching, seqs

_WINDOW = 20_000


@dataclass(frozen=True)
class Selection:
    """Everything, one request, or a period: from `since` on and before `until`."""

    request: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def wanted(self) -> Wanted:
        """As a filter of the journal. The id of a request stands in every entry that is about it."""
        return Wanted(search=self.request, since=self.since, until=self.until)

    @property
    def words(self) -> str:
        parts = [f"the request {self.request}"] if self.request else []
        if self.since is not None:
            parts.append(f"from {self.since:%d %B %Y, %H:%M} UTC")
        if self.until is not None:
            parts.append(f"before {self.until:%d %B %Y, %H:%M} UTC")
        return ", ".join(parts) or "everything"

    def as_json(self) -> dict[str, Any]:
        return {
            "request": self.request or None,
            "since": stamp(self.since) if self.since else None,
            "until": stamp(self.until) if self.until else None,
        }


@dataclass(frozen=True)
class Binding:
    """To which place of the journal an export belongs: its last entry at that moment, and how it was made.

    `recorded` is false where an auditor made it, who cannot add to the journal.
    """

    seq: int
    hash: str
    at: datetime
    made_at: datetime
    made_by: str
    pod: str
    profile: str
    podadmin: str
    recorded: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "entry": self.seq,
            "hash": self.hash,
            "entry_at": stamp(self.at),
            "made_at": stamp(self.made_at),
            "made_by": self.made_by,
            "pod": self.pod,
            "profile": self.profile,
            "podadmin": self.podadmin,
            "recorded_in_the_journal": self.recorded,
        }

    @property
    def words(self) -> str:
        made = "and is itself recorded in it" if self.recorded else "and was made by an auditor, who records nothing"
        return f"This belongs to entry {self.seq} of the journal with the hash {self.hash}, {made}."


def walk(connection: Connection, selection: Selection, progress: Progress, doing: str) -> Iterator[Entry]:
    """The entries of a selection, the oldest first. Raises Cancelled."""
    wanted = selection.wanted
    low, high = seqs(connection, wanted)
    first, condition = low, matching(connection, wanted)
    while low <= high:
        progress.report(f"{doing}: entry {low:,} of {high:,}", (low - first) / (high - first + 1))
        top = min(low + _WINDOW - 1, high)
        rows = connection.execute(
            select(journal_entry).where(journal_entry.c.seq.between(low, top), condition).order_by(journal_entry.c.seq)
        )
        for row in rows:
            yield entry_of(row)
        low = top + 1


def moment(text: str, *, end: bool = False) -> datetime | None:
    """A day (2026-03-01) or a moment (RFC 3339); None for nothing. A day that ends a period is part of it.

    Raises BadInput (`journal.bad-period`).
    """
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        if found.tzinfo is not None:
            return found.astimezone(UTC)
        if found.time() == time() and len(text.strip()) <= len("2026-03-01"):
            return (found + timedelta(days=1 if end else 0)).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise BadInput(
        "journal.bad-period",
        "The period cannot be used as it is given.",
        "Its beginning and end are days such as 2026-03-01, or moments with a zone such as 2026-03-01T09:00:00Z.",
        "Give days, or nothing for everything.",
    )
