"""What is known of requests: one, the ones that something is to be done with, or a page of all of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    bindparam,
    column,
    func,
    or_,
    select,
    table,
    text,
)

from podadmin.core.clock import unstamp
from podadmin.core.errors import NotFound
from podadmin.requests.list_orders import COLUMNS, NEWEST, in_order, place_of
from podadmin.requests.records import decision, request, request_count, sealed
from podadmin.requests.state import WAITING, State
from podadmin.store.engine import Store

TRIGRAM, LOOKED_AT, MOST_COUNTED = 3, 20_000, 1001
request_text = table("request_text", column("rowid", Integer))
"""The text index of revision 0005, kept by triggers of the database."""
# made once: making a statement takes longer than running it, and these run several times for every request
_BY_ID = select(request).where(request.c.id == bindparam("of"))
_FINDINGS = select(sealed.c.findings).where(sealed.c.request_id == bindparam("of"))
_SEEN = (
    select(request.c.id).where(request.c.sealed_digest == bindparam("digest"), request.c.id != bindparam("of")).limit(1)
)
LAST_MESSAGE = "last_message"
"""In the findings: the message with which the pod ended the task, in base 64, kept until it was sent."""


@dataclass(frozen=True)
class Found:
    """A request with what was found in it and the decision on it, as stored."""

    row: Row[Any]
    findings: Mapping[str, Any]
    decision: Row[Any] | None


@dataclass(frozen=True)
class Sealed:
    """The bytes of a captured request."""

    request_id: str
    task_id: str
    sender: str
    wire: bytes
    body: bytes
    deadline: datetime


@dataclass(frozen=True)
class Listing:
    rows: tuple[Row[Any], ...]
    total: int
    next_after: str | None
    by_state: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrived:
    """Requests that have come to wait for a person; `more` besides those; `after` is the place to go on from."""

    found: tuple[Found, ...]
    more: int
    after: int


def arrived(store: Store, after: int, most: int) -> Arrived:
    """Requests that are held and have a greater number than `after`, the oldest first, at most `most` of them.

    An `after` below 0 only finds the place: what waited before somebody looked is on the screen already. A request
    that is still being opened holds the place, so that none is passed over.
    """
    with store.read() as connection:
        sealed_yet = select(func.min(request.c.number)).where(request.c.state == State.CAPTURED)
        first = connection.execute(sealed_yet).scalar_one()
        last = connection.execute(select(func.coalesce(func.max(request.c.number), 0))).scalar_one()
        place = last if first is None else min(last, first - 1)
        if after < 0:
            return Arrived((), 0, place)
        fresh = (request.c.state == State.HELD, request.c.number > after, request.c.number <= place)
        wanted = select(request.c.id).where(*fresh).order_by(request.c.number)
        ids = connection.execute(wanted.limit(100)).scalars().all()
        return Arrived(tuple(found_of(connection, each) for each in ids[:most]), max(len(ids) - most, 0), place)


def waiting_to_open(store: Store) -> tuple[str, ...]:
    """Requests that are kept but not opened, oldest first."""
    with store.read() as connection:
        rows = connection.execute(
            select(request.c.id).where(request.c.state == State.CAPTURED).order_by(request.c.number)
        )
        return tuple(rows.scalars())


def answers_due(store: Store) -> tuple[tuple[str, str, str], ...]:
    """The answers that are owed to requesters: (request, `reject`, `abort` or `pass`, words), oldest first.

    For `pass` the answer is the pod's own: see `last_message_of`.
    """
    with store.read() as connection:
        rows = connection.execute(
            select(request.c.id, request.c.answer, request.c.answer_words)
            .where(request.c.answer.in_(["reject", "abort", "pass"]))
            .order_by(request.c.number)
        )
        return tuple((row.id, row.answer, row.answer_words) for row in rows)


def last_message_of(store: Store, request_id: str) -> bytes:
    """The message with which the pod ended the task. Raises NotFound (`request.unknown`)."""
    with store.read() as connection:
        row_of(connection, request_id)
        return base64.b64decode(findings_of(connection, request_id).get(LAST_MESSAGE, ""))


def bytes_of(store: Store, request_id: str) -> Sealed:
    """The sealed bytes of a request. Raises NotFound (`request.unknown`)."""
    with store.read() as connection:
        row = row_of(connection, request_id)
        kept = connection.execute(select(sealed).where(sealed.c.request_id == request_id)).one()
    return Sealed(request_id, row.task_id, row.requester, kept.wire, kept.body, unstamp(row.deadline))


def wire_of(store: Store, request_id: str) -> bytes:
    """The message that brought a request, without its body, which can have many megabytes.

    Raises NotFound (`request.unknown`).
    """
    with store.read() as connection:
        row_of(connection, request_id)
        wire: bytes = connection.execute(select(sealed.c.wire).where(sealed.c.request_id == request_id)).scalar_one()
    return wire


def by_task(store: Store, task_id: str) -> Row[Any] | None:
    """The row of the request that a task belongs to: one look, because it is asked for every message."""
    with store.read() as connection:
        return connection.execute(select(request).where(request.c.task_id == task_id).limit(1)).first()


def active(store: Store) -> Found | None:
    """The one request that is on its way to the pod or running in it."""
    with store.read() as connection:
        row = connection.execute(
            select(request.c.id).where(request.c.state.in_([State.DELIVERING, State.RUNNING])).limit(1)
        ).first()
        return found_of(connection, row.id) if row else None


def find(store: Store, name: str) -> Found:
    """A request by its id or its reference. Raises NotFound (`request.unknown`)."""
    with store.read() as connection:
        if name.upper().startswith("H-"):
            row = connection.execute(select(request.c.id).where(request.c.reference == name.upper())).first()
            name = row.id if row else name
        return found_of(connection, name)


def last_approved_like(store: Store, found: Found) -> Found | None:
    """The request last approved before this one from the same requester for the same kind of task."""
    with store.read() as connection:
        row = connection.execute(
            select(request.c.id)
            .join(decision, decision.c.request_id == request.c.id)
            .where(
                decision.c.verdict == "allow",
                request.c.requester == found.row.requester,
                request.c.task == found.row.task,
                request.c.number < found.row.number,
            )
            .order_by(request.c.number.desc())
            .limit(1)
        ).first()
        return found_of(connection, row.id) if row else None


def seen_before(connection: Connection, request_id: str, sealed_digest: str) -> bool:
    """Was a request with the very same sealed part opened before?

    The sealed part is what the signature covers. What stands around it can be rewritten by anybody who has captured
    a request, so a digest of the whole body would be a new one for an old request.
    """
    return connection.execute(_SEEN, {"digest": sealed_digest, "of": request_id}).first() is not None


def count_held(store: Store) -> int:
    """How many requests wait for a decision."""
    with store.read() as connection:
        counts = _by_state(connection)
    return sum(counts.get(state, 0) for state in WAITING)


def listing(store: Store, *, state: str, search: str, limit: int, after: str, order: str = NEWEST) -> Listing:
    """A page of `limit` requests behind the place `after`, as the page before it said (empty: from the first).

    `order` is one of `ORDERS`. `search` finds any part of what a request is listed by, and a whole id. With fewer than
    three letters it looks at the newest `LOOKED_AT` requests only. `total` counts a search up to `MOST_COUNTED`, and
    everything else exactly.
    """
    states = [each for each in state.split(",") if each]
    wanted = select(request)
    if states:
        wanted = wanted.where(request.c.state.in_(states))
    with store.read() as connection:
        by_state = _by_state(connection)
        number: ColumnElement[int] = request.c.number
        total = sum(count for name, count in by_state.items() if not states or name in states)
        few = bool(states) and total <= LOOKED_AT
        if search:
            found, number = _holding(wanted, search, few)
            counted = found.with_only_columns(request.c.number).limit(MOST_COUNTED).subquery()
            total = int(connection.execute(select(func.count()).select_from(counted)).scalar_one())
            if order in COLUMNS and total == MOST_COUNTED:
                # a walk in this order soon meets enough of so many, and sorting them all would take long
                found, number = wanted.where(_in_a_column(search)), request.c.number
            elif order in COLUMNS:
                few = True
            wanted = found
        rows = tuple(connection.execute(in_order(wanted, order, number, after, few).limit(limit + 1)).all())
    more = place_of(rows[limit - 1], order) if len(rows) > limit else None
    return Listing(rows[:limit], total, more, by_state)


def _holding(wanted: Select[Any], search: str, few: bool) -> tuple[Select[Any], ColumnElement[int]]:
    """What holds a text, and the number by which it is read in order: the text index's own, where that is used.

    `few`: there are so few requests in the wanted states that each is looked at.
    """
    if search.startswith("req_"):
        return wanted.where(request.c.id == search), request.c.number
    # what SQLite would take for the end of the text cannot be part of it
    search = search.replace("\0", "\ufffd")
    if len(search) >= TRIGRAM and not few:
        quoted = '"' + search.replace('"', '""') + '"'
        # read from the index in its own order, from the newest on: nothing is sorted, and a page is enough
        found = wanted.join(request_text, request_text.c.rowid == request.c.number).where(
            text("request_text MATCH :quoted").bindparams(quoted=quoted)
        )
        return found, request_text.c.rowid
    newest = select(func.coalesce(func.max(request.c.number), 0)).scalar_subquery()
    bound = () if few else (request.c.number > newest - LOOKED_AT,)
    return wanted.where(*bound, _in_a_column(search)), request.c.number


def _in_a_column(search: str) -> ColumnElement[bool]:
    pattern = "%" + search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    columns = (request.c.requester, request.c.task, request.c.datasource, request.c.project, request.c.reference)
    return or_(*(each.like(pattern, escape="\\") for each in columns))


def _by_state(connection: Connection) -> dict[str, int]:
    """Kept by triggers of the database: counting a million rows takes too long for a page."""
    return {row.state: row.n for row in connection.execute(select(request_count).where(request_count.c.n > 0))}


def is_busy(connection: Connection) -> bool:
    """Is a task on its way to the pod, or running in it?"""
    on_its_way = select(request.c.id).where(request.c.state.in_([State.DELIVERING, State.RUNNING])).limit(1)
    return connection.execute(on_its_way).first() is not None


def row_of(connection: Connection, request_id: str) -> Row[Any]:
    """The row of a request. Raises NotFound (`request.unknown`)."""
    row = connection.execute(_BY_ID, {"of": request_id}).first()
    if row is None:
        raise NotFound(
            "request.unknown",
            "There is no such request.",
            "No request has this id or reference.",
            "List the requests and use an id or a reference from there.",
        )
    return row


def findings_of(connection: Connection, request_id: str) -> dict[str, Any]:
    """What was found in a request."""
    text = connection.execute(_FINDINGS, {"of": request_id}).scalar_one()
    found: dict[str, Any] = json.loads(text)
    return found


def found_of(connection: Connection, request_id: str) -> Found:
    """A request with its findings and its decision. Raises NotFound (`request.unknown`)."""
    row = row_of(connection, request_id)
    decided = connection.execute(select(decision).where(decision.c.request_id == request_id)).first()
    return Found(row, findings_of(connection, request_id), decided)
