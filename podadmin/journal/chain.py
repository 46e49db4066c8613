"""The rules of the chain: pure functions over entries, no database, no clock.

Each entry's hash covers its number, time, actor, act, subject, body and the hash before it. Changing, removing,
inserting or reordering an entry breaks the chain at that entry; cutting the end off is found by the anchor, which
lies in the keyring and is signed with the journal key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from podadmin.core.canon import canonical
from podadmin.core.clock import unstamp

GENESIS = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One entry as it is stored. `at` is RFC 3339 text in UTC, `body` canonical JSON text, hashes are hex SHA-256."""

    seq: int
    at: str
    actor: str
    act: str
    subject: str
    body: str
    previous: str
    hash: str


@dataclass(frozen=True)
class Anchor:
    """A head of the chain that was kept somewhere else: `seq` and `hash` of the last entry at the moment `at`."""

    seq: int
    hash: str
    at: str


@dataclass(frozen=True)
class Break:
    """Where the chain is not what was written. `seq` names the first entry that is wrong."""

    seq: int
    why: str


def hash_of(seq: int, at: str, actor: str, act: str, subject: str, body: str, previous: str) -> str:
    """The hash of an entry: SHA-256 over the canonical JSON of its seven parts."""
    return hashlib.sha256(canonical([seq, at, actor, act, subject, body, previous]).encode()).hexdigest()


def link(last: Entry | None, at: str, actor: str, act: str, subject: str, body: str) -> Entry:
    """The entry that follows `last`."""
    seq = last.seq + 1 if last else 1
    previous = last.hash if last else GENESIS
    return Entry(seq, at, actor, act, subject, body, previous, hash_of(seq, at, actor, act, subject, body, previous))


def first_break(entries: Iterable[Entry], anchor: Anchor | None) -> tuple[int, Break | None]:
    """Walk the chain from its first entry: how many entries are right, and the first break or None.

    With an anchor, a chain that ends before it or that has another hash at its number is broken too.
    """
    expected_seq, previous, anchored = 1, GENESIS, anchor is None
    for entry in entries:
        if entry.seq != expected_seq:
            return expected_seq - 1, Break(expected_seq, f"entry {expected_seq} is missing or out of order")
        if entry.previous != previous:
            return expected_seq - 1, Break(entry.seq, f"entry {entry.seq} does not follow entry {entry.seq - 1}")
        if not _well_formed(entry) or entry.hash != _recomputed(entry):
            return expected_seq - 1, Break(entry.seq, f"entry {entry.seq} is not what was written")
        if anchor is not None and entry.seq == anchor.seq:
            if entry.hash != anchor.hash:
                return expected_seq - 1, Break(entry.seq, f"entry {entry.seq} differs from the anchor in the keyring")
            anchored = True
        previous = entry.hash
        expected_seq += 1
    if not anchored and anchor is not None:
        one = expected_seq == anchor.seq
        lost = f"entry {anchor.seq} is" if one else f"the entries from {expected_seq} to {anchor.seq} are"
        gone = f"{lost} gone: the keyring's anchor proves what was written"
        return expected_seq - 1, Break(expected_seq, gone)
    return expected_seq - 1, None


def moment_of(anchor: Anchor) -> datetime:
    return unstamp(anchor.at)


def _recomputed(entry: Entry) -> str | None:
    """The hash that the entry should have; None where its text is no Unicode and so was never written here."""
    try:
        return hash_of(entry.seq, entry.at, entry.actor, entry.act, entry.subject, entry.body, entry.previous)
    except UnicodeEncodeError:
        return None


def _well_formed(entry: Entry) -> bool:
    texts = (entry.at, entry.actor, entry.act, entry.subject, entry.body, entry.previous, entry.hash)
    return all(isinstance(text, str) for text in texts)
