"""The tables of the journal, and the recorder that the store asks for an entry in every transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, Row, String, Table, Text, select

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, stamp
from podadmin.journal.chain import Entry, Head, link
from podadmin.store.tables import metadata
from podadmin.store.unit import Fact

journal_entry = Table(
    "journal_entry",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False, index=True),
    Column("actor", Text, nullable=False, index=True),
    Column("act", Text, nullable=False, index=True),
    Column("subject", Text, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

anchor_place = Table(
    "anchor_place",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("place", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("added_at", String(32), nullable=False),
)
"""Where heads are kept besides the keyring. `kind`: file (`place` is a path) | time-stamp (`place` is an address)."""

time_stamp = Table(
    "time_stamp",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Column("place_id", String(32), primary_key=True),
    Column("token", LargeBinary, nullable=False),
)
"""Answers of time-stamping authorities (RFC 3161) over the hash of entry `seq`; `at` is the authority's time."""

_READ = "SELECT seq, at, actor, act, subject, body, previous, hash FROM journal_entry WHERE seq > ? ORDER BY seq"
_BATCH = 1000
_LAST = select(journal_entry).order_by(journal_entry.c.seq.desc()).limit(1)
_HEAD = "SELECT seq, hash FROM journal_entry ORDER BY seq DESC LIMIT 1"
_INSERT = (
    "INSERT INTO journal_entry (seq, at, actor, act, subject, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class Journal:
    """Appends entries inside the store's transactions. Knows the clock; the caller cannot set an entry's time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def append(self, connection: Connection, fact: Fact) -> int:
        """Append `fact` as the next entry; raises ValueError or TypeError where its body is not plain JSON.

        In the database's own words: making statements of them takes several times as long as running them.
        """
        head = _driver(connection).execute(_HEAD).fetchone()
        entry = link(
            Head._make(head) if head else None,
            stamp(self._clock.now()),
            fact.actor,
            fact.act,
            fact.subject,
            canonical(dict(fact.body)),
        )
        connection.exec_driver_sql(_INSERT, tuple(entry))
        return entry.seq


def last_entry(connection: Connection) -> Entry | None:
    """The head of the chain."""
    row = connection.execute(_LAST).first()
    return entry_of(row) if row else None


def entry_at(connection: Connection, seq: int) -> Entry | None:
    """The entry with this number."""
    row = connection.execute(select(journal_entry).where(journal_entry.c.seq == seq)).first()
    return entry_of(row) if row else None


def all_entries(connection: Connection, after: int = 0) -> Iterator[Entry]:
    """The entries behind number `after` in the order of their numbers, streamed. Raises sqlite3.Error.

    Past SQLAlchemy, which would take twice as long for the rows as verifying them takes.
    """
    cursor = _driver(connection).execute(_READ, (after,))
    while rows := cursor.fetchmany(_BATCH):
        yield from map(Entry._make, rows)


def readable_entries(connection: Connection, after: int = 0) -> Iterator[Entry]:
    """Every entry before the first that cannot be read, then the error of that one.

    Rows are fetched many at a time, and one that cannot be read takes the others of its batch with it; they are then
    fetched one by one. Raises sqlite3.Error.
    """
    try:
        for entry in all_entries(connection, after):
            yield entry
            after = entry.seq
        return
    except sqlite3.Error:
        while row := _driver(connection).execute(f"{_READ} LIMIT 1", (after,)).fetchone():
            yield Entry._make(row)
            after = row[0]
        raise


def entry_of(row: Row[Any]) -> Entry:
    return Entry(row.seq, row.at, row.actor, row.act, row.subject, row.body, row.previous, row.hash)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    # the transaction in which the connection sees one state begins with its first statement through SQLAlchemy
    if not connection.in_transaction():
        connection.begin()
    return driver
