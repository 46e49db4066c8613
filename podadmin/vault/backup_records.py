"""The table of backups: which were made, what they hold up to, and when restoring one was last tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, String, Table, Text, select

from podadmin.core.clock import stamp, unstamp
from podadmin.store.tables import metadata

backup = Table(
    "backup",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("made_at", String(32), nullable=False),
    Column("place", Text, nullable=False),
    Column("lock", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("tested_at", String(32)),
    Column("test_words", Text, nullable=False, server_default=""),
)


@dataclass(frozen=True)
class Backup:
    """One backup. `place` is where it was written; `entries` is the number of the last journal entry in it.

    `test_words` is empty for a backup whose last test restore went well, else what went wrong.
    """

    id: str
    made_at: datetime
    place: str
    lock: str
    size: int
    sha256: str
    entries: int
    tested_at: datetime | None = None
    test_words: str = ""


def backups(connection: Connection) -> tuple[Backup, ...]:
    """Every backup that was made, the newest first."""
    rows = connection.execute(select(backup).order_by(backup.c.made_at.desc(), backup.c.id))
    return tuple(_backup_of(row) for row in rows)


def row_of(made: Backup) -> dict[str, str | int | None]:
    """The row of a backup."""
    return {
        "id": made.id,
        "made_at": stamp(made.made_at),
        "place": made.place,
        "lock": made.lock,
        "size": made.size,
        "sha256": made.sha256,
        "entries": made.entries,
        "tested_at": stamp(made.tested_at) if made.tested_at else None,
        "test_words": made.test_words,
    }


def _backup_of(row: Row[Any]) -> Backup:
    return Backup(
        id=row.id,
        made_at=unstamp(row.made_at),
        place=row.place,
        lock=row.lock,
        size=row.size,
        sha256=row.sha256,
        entries=row.entries,
        tested_at=unstamp(row.tested_at) if row.tested_at else None,
        test_words=row.test_words,
    )
