"""The rules of the chain: pure functions over entries, no database, no clock.

Each entry's hash covers its number, time, actor, act, subject, body and the hash before it. Changing, removing,
inserting or reordering an entry breaks the chain at that entry; cutting the end off is found by an anchor: a head that
was signed with the journal key and kept somewhere else (the keyring, a file on another disk, a printed sheet).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from podadmin.core.canon import canonical_texts
from podadmin.core.clock import unstamp

GENESIS = "0" * 64
KEYRING = "the keyring"


class Entry(NamedTuple):
    """One entry as it is stored. `at` is RFC 3339 text in UTC, `body` canonical JSON text, hashes are hex SHA-256."""

    seq: int
    at: str
    actor: str
    act: str
    subject: str
    body: str
    previous: str
    hash: str


class Head(NamedTuple):
    """A place in the chain: the number of an entry and its hash. Where nothing precedes: `START`."""

    seq: int
    hash: str


START = Head(0, GENESIS)


@dataclass(frozen=True)
class Anchor:
    """A head of the chain that was kept somewhere else: `seq` and `hash` of the last entry at the moment `at`.

    `where` says in words where it was found; it is not part of what was signed.
    """

    seq: int
    hash: str
    at: str
    where: str = KEYRING

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)


@dataclass(frozen=True)
class Break:
    """Where the chain is not what was written. `seq` names the first entry that is wrong."""

    seq: int
    why: str


def hash_of(seq: int, at: str, actor: str, act: str, subject: str, body: str, previous: str) -> str:
    """The hash of an entry: SHA-256 over the canonical JSON of its seven parts."""
    text = canonical_texts(seq, (at, actor, act, subject, body, previous))
    return hashlib.sha256(text.encode()).hexdigest()


def link(last: Entry | Head | None, at: str, actor: str, act: str, subject: str, body: str) -> Entry:
    """The entry that follows `last`."""
    seq = last.seq + 1 if last else 1
    previous = last.hash if last else GENESIS
    return Entry(seq, at, actor, act, subject, body, previous, hash_of(seq, at, actor, act, subject, body, previous))


def first_break(
    entries: Iterable[Entry], anchors: Sequence[Anchor] = (), after: Head = START
) -> tuple[int, Break | None]:
    """Walk the chain: the number of the last entry that is right, and the first break or None.

    `entries` are those behind `after`, which is taken as right: from the first entry on, where nothing else is said.
    A chain that ends before an anchor, or that has another hash at its number, is broken too. Anchors before `after`
    are left out.
    """
    due: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        if anchor.seq > after.seq:
            due.setdefault(anchor.seq, []).append(anchor)
    right, previous = after
    for entry in entries:
        seq = right + 1
        if entry.seq != seq:
            return right, Break(seq, f"entry {seq} is missing or out of order")
        if entry.previous != previous:
            return right, Break(seq, f"entry {seq} does not follow entry {right}")
        if not _is_what_was_written(entry):
            return right, Break(seq, f"entry {seq} is not what was written")
        for anchor in due.pop(seq, ()):
            if entry.hash != anchor.hash:
                return right, Break(seq, f"entry {seq} differs from the anchor in {anchor.where}")
        right, previous = seq, entry.hash
    if due:
        return right, _cut(right + 1, due[max(due)][0])
    return right, None


def moment_of(anchor: Anchor) -> datetime:
    return unstamp(anchor.at)


def _cut(first: int, anchor: Anchor) -> Break:
    lost = f"entry {first} is" if first == anchor.seq else f"the entries from {first} to {anchor.seq} are"
    return Break(first, f"{lost} gone: the anchor in {anchor.where} proves what was written")


def _is_what_was_written(entry: Entry) -> bool:
    """Does the hash fit? Never where a value is no text, or no Unicode: such an entry was not written here."""
    try:
        return entry.hash == hash_of(*entry[:7])
    except (TypeError, UnicodeEncodeError):
        return False
