"""What one can do with the journal: read it, verify it, anchor its head, export it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import String, cast, exc, func, or_, select

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, stamp
from podadmin.core.errors import NotFound, Tampered, Unavailable
from podadmin.core.progress import Progress
from podadmin.journal.chain import Anchor, Break, Entry, first_break, moment_of
from podadmin.journal.records import all_entries, entry_of, journal_entry, last_entry, readable_entries
from podadmin.store.engine import Store, explain


class AnchorPlace(Protocol):
    """Where the head is kept outside the database: the keyring, through the vault."""

    def put_anchor(self, value: bytes) -> None: ...

    def get_anchor(self) -> bytes | None: ...


class Signs(Protocol):
    """The journal key's handle."""

    def sign(self, data: bytes) -> bytes: ...

    def verify(self, data: bytes, signature: bytes) -> bool: ...


@dataclass(frozen=True)
class Verification:
    """`entries` are right from the first on; `broken` is the first that is not; `anchor` is what the keyring held."""

    entries: int
    broken: Break | None
    anchor: Anchor | None


def anchor_head(store: Store, place: AnchorPlace, signer: Signs, clock: Clock) -> Anchor | None:
    """Keep the head of the chain in the keyring, signed with the journal key. None for an empty journal."""
    with store.read() as connection:
        last = last_entry(connection)
    if last is None:
        return None
    anchor = Anchor(last.seq, last.hash, stamp(clock.now()))
    signed = canonical(asdict(anchor))
    place.put_anchor(canonical({"head": signed, "signature": signer.sign(signed.encode()).hex()}).encode())
    return anchor


def read_anchor(place: AnchorPlace, signer: Signs) -> Anchor | None:
    """The head that the keyring holds. Raises Tampered (`journal.anchor-forged`) where its signature is wrong."""
    kept = place.get_anchor()
    if kept is None:
        return None
    try:
        value = json.loads(kept)
        signed, signature = value["head"], bytes.fromhex(value["signature"])
        right = signer.verify(signed.encode(), signature)
        anchor = Anchor(**json.loads(signed))
        right = right and isinstance(anchor.seq, int) and isinstance(anchor.hash, str) and bool(moment_of(anchor))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _forged() from error
    if not right:
        raise _forged()
    return anchor


def verify(store: Store, anchor: Anchor | None, progress: Progress | None = None) -> Verification:
    """Recompute the whole chain and hold it against the anchor. Raises Unavailable, Cancelled."""
    with store.read() as connection:
        total = connection.execute(select(func.count()).select_from(journal_entry)).scalar_one()
        seen = 0

        def counted() -> Iterator[Entry]:
            nonlocal seen
            for entry in readable_entries(connection):
                seen += 1
                if progress is not None and seen % 2000 == 0:
                    progress.report(f"Checking entry {seen} of {total}", seen / max(total, 1))
                yield entry

        try:
            right, broken = first_break(counted(), anchor)
        except (exc.DatabaseError, UnicodeDecodeError):
            right, broken = (
                seen,
                Break(seen + 1, f"entry {seen + 1} cannot be read: the database file is damaged there"),
            )
    return Verification(right, broken, anchor)


def page(store: Store, *, search: str, limit: int, before: int) -> tuple[tuple[Entry, ...], int]:
    """Entries newest first (numbers below `before`, where it is not 0) that hold `search`, and how many there are."""
    wanted = select(journal_entry)
    if search:
        pattern = f"%{_escaped(search)}%"
        columns = (journal_entry.c.act, journal_entry.c.subject, journal_entry.c.actor, journal_entry.c.body)
        by_text = [column.like(pattern, escape="\\") for column in columns]
        wanted = wanted.where(or_(*by_text, cast(journal_entry.c.seq, String) == search))
    with store.read() as connection:
        total = connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        if before:
            wanted = wanted.where(journal_entry.c.seq < before)
        rows = connection.execute(wanted.order_by(journal_entry.c.seq.desc()).limit(limit)).all()
    return tuple(entry_of(row) for row in rows), total


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
        row = connection.execute(select(journal_entry).where(journal_entry.c.seq == seq)).first()
    if row is None:
        raise NotFound(
            "journal.no-such-entry",
            f"There is no entry {seq}.",
            "The journal ends before it.",
            "List the journal first.",
        )
    return entry_of(row)


def export_lines(store: Store, to: Path) -> int:
    """Write every entry as one JSON line to a new file; returns how many. Raises Unavailable (`journal.export`)."""
    count = 0
    temporary = to.with_name(to.name + ".part")
    try:
        with store.read() as connection, temporary.open("w", encoding="utf-8") as file:
            for entry in all_entries(connection):
                file.write(canonical(asdict(entry)) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(to)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = explain(error, "writing the export")
        raise Unavailable("journal.export", "The journal was not exported.", reason.why, reason.next_step) from error
    return count


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _forged() -> Tampered:
    return Tampered(
        "journal.anchor-forged",
        "The journal's anchor in the keyring is not one that this pod has signed.",
        "Somebody or something has replaced it.",
        "Treat the journal as unproved from this moment on: keep a copy of the profile and ask who could write there.",
    )
