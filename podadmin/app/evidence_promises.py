"""Holds what the network said of limits, and what is promised to requests, against the journal.

Whoever can write to the database could raise a limit as the network told it, or free what is promised to others. The
entries about a request tell of both, so that a slice of requests brings what is compared. Rows that an older podadmin
wrote are told of by none: they are believed, but none of them can follow on one that is told of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, func, select

from podadmin.app.evidence_rows import Found, Kept, compare
from podadmin.core.text import stranger
from podadmin.journal.records import journal_entry
from podadmin.limits.records import CHECKS, PROMISES, limit_check, proof_of, reservation
from podadmin.requests.state import State

_KINDS: Final[tuple[tuple[str, Table, Column[str], str], ...]] = (
    (CHECKS, limit_check, limit_check.c.request, "The network's word on a limit,"),
    (PROMISES, reservation, reservation.c.request_id, "The promise"),
)
_PROMISED: Final = frozenset({State.APPROVED, State.DELIVERING, State.RUNNING})
"""What is promised to a request in these states cannot be settled."""
ACCEPTED: Final = "limit.acknowledged"
"""The act by which a person accepts what the network says of a limit, which makes a row of no request."""
_AT_ONCE: Final = 500


@dataclass
class Written:
    """How many rows of a table were told of, and the place of the first."""

    count: int = 0
    first: int = 0

    def add(self, rows: Iterable[Any]) -> None:
        """Count these as well."""
        for row in rows:
            self.first = min(row.seq, self.first) if self.count else row.seq
            self.count += 1


class PromisesTold:
    """What entries say of rows: a digest of each, by kind and id."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Kept]] = {kind: {} for kind, *_ in _KINDS}

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        """Take in one entry."""
        for kind, told in self.rows.items():
            told.update({name: Kept(entry.seq, {"sha256": proof}) for name, proof in body.get(kind, {}).items()})


class Tally:
    """What was told of in all slices, by kind."""

    def __init__(self) -> None:
        self.rows = {kind: Written() for kind, *_ in _KINDS}


def differing_promise(connection: Connection, told: PromisesTold, states: Mapping[str, Kept], tally: Tally) -> Found:
    """The first row that is not as its entry tells, or is gone. `states` are those of the requests."""

    def same(row: Any, said: Mapping[str, Any]) -> bool:
        state = states.get(row.request_id) if "settled_at" in row._mapping else None
        freed = state is not None and state.facts["state"] in _PROMISED and row.settled_at is not None
        return bool(proof_of(row) == said["sha256"] and not freed)

    for kind, table, _request, what in _KINDS:
        names = list(told.rows[kind])
        for start in range(0, len(names), _AT_ONCE):
            some = {name: told.rows[kind][name] for name in names[start : start + _AT_ONCE]}
            rows = connection.execute(select(table).where(table.c.id.in_(some))).all()
            found = compare(rows, some, attrgetter("id"), what, same)
            if found is not None:
                return found
            tally.rows[kind].add(rows)
    return None


def unheard_of_promise(connection: Connection, tally: Tally) -> Found:
    """The first row behind one that is told of, and of which no entry tells."""
    for kind, table, request_of, what in _KINDS:
        written = tally.rows[kind]
        behind = table.c.seq >= written.first
        # counted first: to ask for each took as long as all the rest
        if connection.execute(select(func.count()).where(behind)).scalar() == written.count or not written.count:
            continue
        rows = select(table.c.id, request_of).where(behind).order_by(table.c.seq)
        for name, request_id in connection.execute(rows.execution_options(yield_per=_AT_ONCE)):
            if not _is_told(connection, kind, name, request_id):
                return None, f"{what} {stranger(name)} is there, and no entry tells of it."
    return None


def _is_told(connection: Connection, kind: str, name: str, request_id: str) -> bool:
    about = journal_entry.c.subject == request_id if request_id else journal_entry.c.act == ACCEPTED
    bodies = connection.execute(select(journal_entry.c.body).where(about)).scalars()
    return any(name in json.loads(body).get(kind, {}) for body in bodies)
