"""The table of the journal, and the recorder that the store asks for an entry in every transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, String, Table, Text, exc, insert, select

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, stamp
from podadmin.journal.chain import Entry, link
from podadmin.store.tables import metadata
from podadmin.store.unit import Fact

journal_entry = Table(
    "journal_entry",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", Text, nullable=False, index=True),
    Column("subject", Text, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)


class Journal:
    """Appends entries inside the store's transactions. Knows the clock; the caller cannot set an entry's time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def append(self, connection: Connection, fact: Fact) -> int:
        """Append `fact` as the next entry; raises ValueError or TypeError where its body is not plain JSON."""
        entry = link(
            last_entry(connection),
            stamp(self._clock.now()),
            fact.actor,
            fact.act,
            fact.subject,
            canonical(dict(fact.body)),
        )
        connection.execute(insert(journal_entry).values(**entry.__dict__))
        return entry.seq


def last_entry(connection: Connection) -> Entry | None:
    """The head of the chain."""
    row = connection.execute(select(journal_entry).order_by(journal_entry.c.seq.desc()).limit(1)).first()
    return entry_of(row) if row else None


def all_entries(connection: Connection) -> Iterator[Entry]:
    """Every entry in the order of its number, streamed."""
    rows = connection.execution_options(yield_per=500).execute(select(journal_entry).order_by(journal_entry.c.seq))
    for row in rows:
        yield entry_of(row)


def readable_entries(connection: Connection) -> Iterator[Entry]:
    """Every entry before the first that cannot be read, then the error of that one.

    Rows are fetched many at a time, and one that cannot be read takes the others of its batch with it; they are then
    fetched one by one. Raises sqlalchemy.exc.DatabaseError, UnicodeDecodeError.
    """
    last = 0
    try:
        for entry in all_entries(connection):
            yield entry
            last = entry.seq
        return
    except (exc.DatabaseError, UnicodeDecodeError):
        following = select(journal_entry).order_by(journal_entry.c.seq).limit(1)
        while row := connection.execute(following.where(journal_entry.c.seq > last)).first():
            yield entry_of(row)
            last = row.seq
        raise


def entry_of(row: Row[Any]) -> Entry:
    return Entry(row.seq, row.at, row.actor, row.act, row.subject, row.body, row.previous, row.hash)
