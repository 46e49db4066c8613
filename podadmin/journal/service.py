"""What one can do with the journal: verify it, keep its head in the keyring, and read single entries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exc, select

from podadmin.core.clock import Clock
from podadmin.core.errors import NotFound
from podadmin.core.progress import Progress
from podadmin.journal.anchors import AnchorPlace, Signs, Verifies, anchor_of, read_signed, signed
from podadmin.journal.chain import START, Anchor, Break, Entry, Head, first_break
from podadmin.journal.records import entry_at, entry_of, journal_entry, last_entry, readable_entries
from podadmin.store.engine import Store

_STEP = 5000


@dataclass(frozen=True)
class Verification:
    """`entries` is the number of the last entry that is right; `broken` is the first that is not."""

    entries: int
    broken: Break | None


def head(store: Store) -> Entry | None:
    """The last entry; None for an empty journal."""
    with store.read() as connection:
        return last_entry(connection)


def length(store: Store) -> int:
    """How many entries there are; 0 where the database is too damaged to tell."""
    with store.read() as connection:
        return _total(connection)


def anchor_head(store: Store, place: AnchorPlace, signer: Signs, clock: Clock) -> Anchor | None:
    """Keep the head of the chain in the keyring, signed with the journal key. None for an empty journal."""
    last = head(store)
    if last is None:
        return None
    anchor = anchor_of(last, clock)
    place.put_anchor(signed(anchor, signer))
    return anchor


def read_anchor(place: AnchorPlace, signer: Verifies) -> Anchor | None:
    """The head that the keyring holds. Raises Tampered (`journal.anchor-forged`) where its signature is wrong."""
    kept = place.get_anchor()
    return None if kept is None else read_signed(kept, signer)


def verify(
    store: Store, anchors: Sequence[Anchor] = (), progress: Progress | None = None, after: Head = START
) -> Verification:
    """Recompute the chain behind `after` and hold it against the anchors. Raises Unavailable, Cancelled.

    An `after` that is not the beginning is itself held against the entry that it names.
    """
    with store.read() as connection:
        total = _total(connection)
        if after != START:
            known = entry_at(connection, after.seq)
            if known is None or known.hash != after.hash:
                why = "is gone" if known is None else "is not the one that was verified before"
                return Verification(after.seq - 1, Break(after.seq, f"entry {after.seq} {why}"))
        seen = after.seq

        def counted() -> Iterator[Entry]:
            nonlocal seen
            for entry in readable_entries(connection, after.seq):
                seen += 1
                if progress is not None and seen % _STEP == 0:
                    done = (seen - after.seq) / max(total - after.seq, 1)
                    progress.report(f"Checking entry {seen:,} of {total:,}", min(done, 1.0) if total else None)
                yield entry

        try:
            right, broken = first_break(counted(), anchors, after)
        except sqlite3.Error:
            if progress is not None:
                progress.check()
            why = f"entry {seen + 1} cannot be read: the database file is damaged there"
            return Verification(seen, Break(seen + 1, why))
    return Verification(right, broken)


def verify_from(store: Store, anchors: Sequence[Anchor], after: Head, progress: Progress | None = None) -> Verification:
    """As `verify` behind `after`, and every anchor before it is held against the one entry that it names."""
    with store.read() as connection:
        for anchor in sorted(anchors, key=lambda each: each.seq):
            entry = entry_at(connection, anchor.seq) if anchor.seq <= after.seq else None
            if anchor.seq <= after.seq and (entry is None or entry.hash != anchor.hash):
                differs = f"entry {anchor.seq} differs from the anchor in {anchor.where}"
                gone = f"entry {anchor.seq} is gone: the anchor in {anchor.where} proves what was written"
                why = differs if entry is not None else gone
                return Verification(anchor.seq - 1, Break(anchor.seq, why))
    return verify(store, anchors, progress, after)


def about(store: Store, subject: str, limit: int = 100) -> tuple[Entry, ...]:
    """The entries about one thing, oldest first."""
    with store.read() as connection:
        rows = connection.execute(
            select(journal_entry).where(journal_entry.c.subject == subject).order_by(journal_entry.c.seq).limit(limit)
        ).all()
    return tuple(entry_of(row) for row in rows)


def since(store: Store, seq: int, limit: int = 1000) -> tuple[Entry, ...]:
    """The entries after number `seq`, oldest first: the feed by which every part learns what has changed."""
    with store.read() as connection:
        rows = connection.execute(
            select(journal_entry).where(journal_entry.c.seq > seq).order_by(journal_entry.c.seq).limit(limit)
        ).all()
    return tuple(entry_of(row) for row in rows)


def find(store: Store, seq: int) -> Entry:
    """One entry. Raises NotFound (`journal.no-such-entry`)."""
    with store.read() as connection:
        found = entry_at(connection, seq) if abs(seq) < 2**63 else None
    if found is None:
        raise NotFound(
            "journal.no-such-entry",
            f"There is no entry {seq}.",
            "The journal ends before it.",
            "List the journal first.",
        )
    return found


def _total(connection: Connection) -> int:
    try:
        last = last_entry(connection)
    except (exc.DatabaseError, UnicodeDecodeError):
        return 0
    return last.seq if last else 0
