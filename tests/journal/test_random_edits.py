"""The journal edited at random 1 000 times, by hand in the file and by SQL: every edit is found, its entry named."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from podadmin.core.clock import ManualClock
from podadmin.journal import service
from podadmin.journal.chain import Anchor, Entry, link
from podadmin.journal.records import Journal, all_entries
from podadmin.store.engine import Store

ENTRIES = 120
FIELDS = ("at", "actor", "act", "subject", "body", "previous", "hash")


@dataclass
class Closed:
    """A closed, checkpointed database file with what was written to it, and where in the file each entry lies."""

    path: Path
    entries: list[Entry]
    anchor: Anchor
    places: list[range]

    def verify(self) -> tuple[service.Verification, tuple[str, ...]]:
        store = Store.open(self.path, Journal(ManualClock(None)))  # type: ignore[arg-type] - it never writes here
        try:
            return service.verify(store, [self.anchor]), store.soundness()
        finally:
            store.close()


@pytest.fixture
def closed(tmp_path: Path, store: Store, write: Callable[[int], None]) -> Closed:
    write(ENTRIES)
    with store.read() as connection:
        entries = list(all_entries(connection))
    store.close()
    path = tmp_path / "podadmin.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # pages that were split keep old copies of rows in their unused part; those are no part of the journal
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = path.read_bytes()
    places = []
    for entry in entries:
        text = "".join(getattr(entry, field) for field in FIELDS).encode()
        assert data.count(text) == 1, "an entry lies in the file once, its texts one after the other"
        start = data.index(text)
        places.append(range(start, start + len(text)))
    return Closed(path, entries, Anchor(entries[-1].seq, entries[-1].hash, entries[-1].at), places)


@pytest.mark.slow
def test_700_bytes_changed_by_hand_in_the_file_are_found_at_their_entry(closed: Closed) -> None:
    chance = random.Random(20260301)
    data = closed.path.read_bytes()
    for turn in range(700):
        index = chance.randrange(ENTRIES)
        place = chance.choice(closed.places[index])
        byte = chance.choice([other for other in range(256) if other != data[place]])
        _put(closed.path, place, byte)
        found, _ = closed.verify()
        assert found.broken is not None, f"turn {turn}: byte {place} of entry {index + 1} was changed to {byte:#x}"
        assert (found.broken.seq, found.entries) == (index + 1, index), found.broken.why
        _put(closed.path, place, data[place])
    assert closed.path.read_bytes() == data
    assert closed.verify() == (service.Verification(ENTRIES, None), ())


@pytest.mark.slow
def test_bytes_changed_before_an_entrys_texts_are_found_too(closed: Closed) -> None:
    """The length, the number and the types of the texts, which SQLite keeps before them."""
    chance = random.Random(7)
    data = closed.path.read_bytes()
    for turn in range(100):
        index = chance.randrange(ENTRIES)
        place = closed.places[index].start - 1 - turn % 10
        byte = chance.choice([other for other in range(256) if other != data[place]])
        _put(closed.path, place, byte)
        found, damage = closed.verify()
        assert found.broken is not None or damage, f"turn {turn}: byte {place} before entry {index + 1}: {byte:#x}"
        if found.broken is not None:
            assert found.broken.seq <= index + 1, found.broken.why
        _put(closed.path, place, data[place])
    assert closed.path.read_bytes() == data


@pytest.mark.slow
def test_300_edits_of_rows_are_found_at_their_entry(closed: Closed) -> None:
    chance = random.Random(42)
    data = closed.path.read_bytes()
    edits: tuple[Callable[[sqlite3.Connection, Closed, random.Random], int], ...] = (
        _edit_a_field,
        _edit_with_its_hash,
        _delete,
        _delete_and_renumber,
        _insert,
        _swap,
        _cut,
    )
    for turn in range(300):
        edit = edits[turn % len(edits)]
        with closing(sqlite3.connect(closed.path)) as connection, connection:
            wrong = edit(connection, closed, chance)
        found, _ = closed.verify()
        assert found.broken is not None, f"turn {turn}: {edit.__name__} at entry {wrong}"
        assert (found.broken.seq, found.entries) == (wrong, wrong - 1), f"{edit.__name__}: {found.broken.why}"
        closed.path.write_bytes(data)
    assert closed.verify()[0].broken is None


def _put(path: Path, place: int, byte: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(bytes([byte]))


def _edit_a_field(connection: sqlite3.Connection, closed: Closed, chance: random.Random) -> int:
    seq, field = chance.randint(1, ENTRIES), chance.choice(FIELDS)
    value = chance.choice(["", "x", "{}", None, 5, b"\xff\xfe", getattr(closed.entries[seq - 1], field) + " "])
    if value is None:
        connection.execute("PRAGMA writable_schema = ON")
        value = ""
    connection.execute(f"UPDATE journal_entry SET {field} = ? WHERE seq = ?", (value, seq))
    return seq


def _edit_with_its_hash(connection: sqlite3.Connection, closed: Closed, chance: random.Random) -> int:
    """Somebody who knows how hashes are made: the next entry, or the anchor, gives it away."""
    seq = chance.randint(1, ENTRIES)
    old = closed.entries[seq - 1]
    before = closed.entries[seq - 2] if seq > 1 else None
    forged = link(before, old.at, old.actor, "request.approved", old.subject, old.body)
    connection.execute("UPDATE journal_entry SET act = ?, hash = ? WHERE seq = ?", (forged.act, forged.hash, seq))
    return min(seq + 1, ENTRIES)


def _delete(connection: sqlite3.Connection, closed: Closed, chance: random.Random) -> int:
    seq = chance.randint(1, ENTRIES)
    connection.execute("DELETE FROM journal_entry WHERE seq = ?", (seq,))
    return seq


def _delete_and_renumber(connection: sqlite3.Connection, closed: Closed, chance: random.Random) -> int:
    seq = chance.randint(1, ENTRIES)
    connection.execute("DELETE FROM journal_entry WHERE seq = ?", (seq,))
    for later in range(seq + 1, ENTRIES + 1):
        connection.execute("UPDATE journal_entry SET seq = ? WHERE seq = ?", (later - 1, later))
    return seq


def _insert(connection: sqlite3.Connection, closed: Closed, chance: random.Random) -> int:
    """A forged entry that follows the one before it, the others moved on."""
    seq = chance.randint(1, ENTRIES)
    for later in range(ENTRIES, seq - 1, -1):
        connection.execute("UPDATE journal_entry SET seq = ? WHERE seq = ?", (later + 1, later))
    forged = link(closed.entries[seq - 2] if seq > 1 else None, "t", "custodian", "request.approved", "r", "{}")
    connection.execute("INSERT INTO journal_entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", tuple(forged))
    # what stood here before does not follow the forged one; at the very end the anchor gives it away
    return seq if seq == ENTRIES else seq + 1


def _swap(connection: sqlite3.Connection, closed: Closed, chance: random.Random) -> int:
    first, second = sorted(chance.sample(range(1, ENTRIES + 1), 2))
    connection.execute("UPDATE journal_entry SET seq = -1 WHERE seq = ?", (first,))
    connection.execute("UPDATE journal_entry SET seq = ? WHERE seq = ?", (first, second))
    connection.execute("UPDATE journal_entry SET seq = ? WHERE seq = -1", (second,))
    return first


def _cut(connection: sqlite3.Connection, closed: Closed, chance: random.Random) -> int:
    seq = chance.randint(1, ENTRIES)
    connection.execute("DELETE FROM journal_entry WHERE seq >= ?", (seq,))
    return seq
