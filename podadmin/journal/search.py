"""Finding entries: a page at a time, the newest first, bounded in time however long the journal is.

A filter is looked for window by window of entry numbers, each window larger than the one before, so that the first
hits come at once, a search can be stopped between two windows, and none ever holds the database for long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, or_, select

from podadmin.core.clock import stamp
from podadmin.core.progress import Progress
from podadmin.journal.chain import Entry
from podadmin.journal.records import entry_of, journal_entry, last_entry
from podadmin.store.engine import Store

FIRST_WINDOW, LARGEST_WINDOW = 10_000, 160_000
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Wanted:
    """Which entries. `search`: text that stands in them, or their number or hash. `kind`: first word of their act.

    `since` (inclusive) and `until` (exclusive) are held against the times that the entries bear: a clock that was set
    back makes these times go back too, while the numbers always go on.
    """

    search: str = ""
    kind: str = ""
    actor: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        return self == Wanted()


@dataclass(frozen=True)
class Found:
    """One page. `next_before`: where the next one begins, None at the end. `total`: how many there are in all, where
    that is known without looking at each."""

    entries: tuple[Entry, ...]
    next_before: int | None
    total: int | None


def page(store: Store, wanted: Wanted, *, limit: int, before: int = 0, progress: Progress | None = None) -> Found:
    """The newest `limit` entries that are wanted, with numbers below `before` where it is not 0.

    The one whose number is looked for comes first and alone: it is there at once, however long the journal is.

    Raises Cancelled, Unavailable and Tampered (`store.*`).
    """
    with store.read() as connection:
        last = last_entry(connection)
        newest = last.seq if last else 0
        low, high = _between(connection, wanted, newest)
        named = _named(connection, wanted)
        if named is not None and not before:
            return Found((named,), newest + 1, None)
        top = min(high, before - 1) if before else high
        found = _look(connection, wanted, limit, low, top, progress or Progress(), named)
        total = None if before else _count(connection, wanted, newest)
    ended = len(found) < limit or found[-1].seq <= low
    return Found(tuple(found), None if ended else found[-1].seq, total)


def kinds(store: Store) -> tuple[str, ...]:
    """The first words of the acts that the journal holds."""
    with store.read() as connection:
        return tuple(dict.fromkeys(act.partition(".")[0] for act in _distinct(connection, journal_entry.c.act)))


def actors(store: Store, limit: int = 200) -> tuple[str, ...]:
    """Who did something, at most `limit` of them."""
    with store.read() as connection:
        return _distinct(connection, journal_entry.c.actor, limit)


def seqs(connection: Connection, wanted: Wanted) -> tuple[int, int]:
    """The numbers of the first and last entry that a walk through the wanted ones has to look at; (1, 0) for none."""
    last = last_entry(connection)
    return _between(connection, wanted, last.seq if last else 0)


def matching(connection: Connection, wanted: Wanted) -> ColumnElement[bool]:
    """The condition in SQL, without the bounds that `seqs` gives."""
    tests: list[ColumnElement[bool]] = []
    if wanted.kind:
        # by their whole names: each act is a run in the index, in the order of the numbers
        acts = [act for act in _distinct(connection, journal_entry.c.act) if act.partition(".")[0] == wanted.kind]
        tests.append(journal_entry.c.act.in_(acts) if acts else false())
    if wanted.actor:
        tests.append(journal_entry.c.actor == wanted.actor)
    if wanted.subject:
        tests.append(journal_entry.c.subject == wanted.subject)
    if wanted.since is not None:
        tests.append(journal_entry.c.at >= stamp(wanted.since))
    if wanted.until is not None:
        tests.append(journal_entry.c.at < stamp(wanted.until))
    if wanted.search:
        tests.append(_holds(wanted.search))
    return and_(True, *tests)


def _holds(search: str) -> ColumnElement[bool]:
    columns = (journal_entry.c.act, journal_entry.c.subject, journal_entry.c.actor, journal_entry.c.body)
    tests: list[ColumnElement[bool]] = [column.contains(search, autoescape=True) for column in columns]
    if _is_number(search):
        tests.append(journal_entry.c.seq == int(search))
    if _HASH.fullmatch(search):
        tests.append(journal_entry.c.hash == search)
    return or_(*tests)


def _between(connection: Connection, wanted: Wanted, newest: int) -> tuple[int, int]:
    if wanted.since is None and wanted.until is None:
        return 1, newest
    at = journal_entry.c.at
    bounds = select(func.min(journal_entry.c.seq), func.max(journal_entry.c.seq))
    if wanted.since is not None:
        bounds = bounds.where(at >= stamp(wanted.since))
    if wanted.until is not None:
        bounds = bounds.where(at < stamp(wanted.until))
    low, high = connection.execute(bounds).one()
    return (low, high) if low is not None else (1, 0)


def _named(connection: Connection, wanted: Wanted) -> Entry | None:
    """The entry that is looked for by its number, unless something else that is wanted leaves it out."""
    if not _is_number(wanted.search):
        return None
    one = journal_entry.c.seq == int(wanted.search)
    row = connection.execute(select(journal_entry).where(one, matching(connection, wanted))).first()
    return entry_of(row) if row else None


def _is_number(search: str) -> bool:
    return search.isdecimal() and len(search) < 19 and search == str(int(search))


def _look(
    connection: Connection,
    wanted: Wanted,
    limit: int,
    low: int,
    top: int,
    progress: Progress,
    without: Entry | None,
) -> list[Entry]:
    found: list[Entry] = []
    begin, window = top, FIRST_WINDOW
    condition = matching(connection, wanted)
    if without is not None:
        condition = and_(condition, journal_entry.c.seq != without.seq)
    while top >= low and len(found) < limit:
        progress.check()
        bottom = max(low, top - window + 1) if not wanted.everything else low
        asked: Select[tuple[object, ...]] = (
            select(journal_entry)
            .where(journal_entry.c.seq.between(bottom, top), condition)
            .order_by(journal_entry.c.seq.desc())
            .limit(limit - len(found))
        )
        found += [entry_of(row) for row in connection.execute(asked)]
        top, window = bottom - 1, min(window * 2, LARGEST_WINDOW)
        if len(found) < limit and top >= low:
            progress.report(f"Searched back to entry {bottom:,}", (begin - top) / max(begin - low + 1, 1))
    return found


def _count(connection: Connection, wanted: Wanted, newest: int) -> int | None:
    """How many there are, where one index alone can tell."""
    if wanted.everything:
        return newest
    dated = wanted.since is not None or wanted.until is not None
    if wanted.search or sum(map(bool, (wanted.kind, wanted.actor, wanted.subject, dated))) > 1:
        return None
    counted = select(func.count()).select_from(journal_entry)
    return int(connection.execute(counted.where(matching(connection, wanted))).scalar_one())


def _distinct(connection: Connection, column: ColumnElement[str], limit: int = 1000) -> tuple[str, ...]:
    """The different values of an indexed column, each found by one look into the index."""
    names: list[str] = []
    while len(names) < limit:
        following = select(func.min(column)).select_from(journal_entry)
        name = connection.execute(following.where(column > names[-1]) if names else following).scalar()
        if name is None:
            break
        names.append(name)
    return tuple(names)
