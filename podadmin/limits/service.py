"""What one can do with limits: note them, reserve before the work, count what was used, settle, read the meters.

Every writing function takes an open unit and joins its transaction. A unit holds the database's write lock from its
first statement on, so that two reservations can never promise the same inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    UnaryExpression,
    func,
    insert,
    literal_column,
    select,
    union,
    update,
)

from podadmin.core.clock import new_id, stamp, unstamp
from podadmin.core.errors import NotFound, Refused
from podadmin.core.text import stranger
from podadmin.limits.model import Check, Key, Meter, check_amount, grantable, outstanding, read_meter
from podadmin.limits.records import limit_check, reservation, usage
from podadmin.store.unit import Unit

# by the order of writing and not by the clock, which can be set back
_ROWID: Final[ColumnElement[Any]] = literal_column("rowid")
_NEWEST: Final[UnaryExpression[Any]] = _ROWID.desc()


@dataclass(frozen=True)
class Reservation:
    """`amount` inferences are promised to a request until they are settled."""

    id: str
    request_id: str
    key: Key
    amount: float
    made_at: datetime


@dataclass(frozen=True)
class Metered:
    """What counting a message did. `counted` false: it was counted before.

    `exceeded`: what is used and what is promised to other requests is more than the limit, so this task must stop.
    """

    counted: bool
    used_after: float
    limit: float | None
    exceeded: bool


@dataclass(frozen=True)
class UsageEvent:
    at: datetime
    request_id: str
    task_id: str
    requester: str
    amount: float


def note_limits(
    unit: Unit,
    *,
    network: str,
    project: str,
    resource: str,
    limit: float | None,
    network_total: float,
    request_id: str,
    at: datetime,
) -> None:
    """Keep what an access check said about one resource. `limit` None: the network sets none.

    Raises BadInput (`limit.bad-amount`).
    """
    key = Key(network, project, resource)
    unit.execute(
        insert(limit_check).values(
            id=new_id("chk"),
            network=network,
            project=project,
            resource=resource,
            limit=None if limit is None else check_amount(limit),
            network_total=check_amount(network_total),
            local_total_at_check=_local_total(unit.connection, key),
            at=stamp(at),
            request=request_id,
        )
    )


def reserve(
    unit: Unit, *, request_id: str, network: str, project: str, resource: str, wanted: float, at: datetime
) -> Reservation:
    """Promise up to `wanted` inferences to a request: as many as are free. Asking again returns the first promise.

    Raises Refused: `limit.exhausted` where nothing is free, `limit.unknown` where no access check has ever said what
    the limit is, `limit.settled` where the request has ended already. Raises BadInput (`limit.bad-amount`).
    """
    key = Key(network, project, resource)
    made = unit.connection.execute(
        select(reservation).where(reservation.c.request_id == request_id, reservation.c.resource == resource)
    ).first()
    if made is not None:
        if made.settled_at is not None:
            raise Refused(
                "limit.settled",
                "No inferences were reserved.",
                "What was reserved for this request was settled when it ended.",
                "A new run needs a new request.",
            )
        return _reservation(made)
    asked = check_amount(wanted)
    meter = meter_of(unit.connection, key)
    if meter.mode == "unknown":
        raise Refused(
            "limit.unknown",
            "No inferences were reserved.",
            f"The network has not said how often “{stranger(resource)}” may be used in this project.",
            "Wait until the network answers, then have the request sent again. Absent is not unlimited.",
        )
    if meter.exhausted:
        raise Refused(
            "limit.exhausted",
            "No inferences were reserved.",
            f"The limit of “{stranger(resource)}” in this project is used up or promised to other requests.",
            "Wait until a running task gives back what it does not need, or ask the model's owner for a higher limit.",
        )
    row = {
        "id": new_id("rsv"),
        "request_id": request_id,
        "network": network,
        "project": project,
        "resource": resource,
        "amount": grantable(meter, asked),
        "made_at": stamp(at),
    }
    unit.execute(insert(reservation).values(**row))
    return Reservation(str(row["id"]), request_id, key, grantable(meter, asked), at)


def meter(
    unit: Unit,
    *,
    request_id: str,
    task_id: str,
    network: str,
    project: str,
    resource: str,
    amount: float,
    requester: str,
    message_digest: str,
    at: datetime,
) -> Metered:
    """Count what one message says was used. The same message counts once per resource, however often it comes.

    Raises BadInput (`limit.bad-amount`).
    """
    key = Key(network, project, resource)
    counted_before = unit.connection.execute(
        select(usage.c.id).where(usage.c.message_digest == message_digest, usage.c.resource == resource)
    ).first()
    if counted_before is None:
        unit.execute(
            insert(usage).values(
                id=new_id("use"),
                request_id=request_id,
                task_id=task_id,
                network=network,
                project=project,
                resource=resource,
                amount=check_amount(amount),
                at=stamp(at),
                message_digest=message_digest,
                requester=requester,
            )
        )
    found = meter_of(unit.connection, key, without=request_id)
    exceeded = found.limit is not None and found.used + found.reserved > found.limit
    return Metered(counted_before is None, found.used, found.limit, exceeded)


def settle(unit: Unit, request_id: str, outcome: str, at: datetime) -> int:
    """The request has ended: what it did not use comes back. Returns how many reservations were settled now."""
    done = unit.execute(
        update(reservation)
        .where(reservation.c.request_id == request_id, reservation.c.settled_at.is_(None))
        .values(settled_at=stamp(at), outcome=outcome)
    )
    return done.rowcount


def limited(connection: Connection, request_id: str) -> frozenset[str]:
    """The resources of which something with a limit is promised to a request: what it sends has to tell their use."""
    promised = connection.execute(
        select(reservation).where(reservation.c.request_id == request_id, reservation.c.settled_at.is_(None))
    ).all()
    keys = (Key(row.network, row.project, row.resource) for row in promised)
    return frozenset(key.resource for key in keys if meter_of(connection, key).mode == "stops")


def open_reservations(connection: Connection) -> tuple[Reservation, ...]:
    """Everything that is promised, oldest first."""
    rows = connection.execute(select(reservation).where(reservation.c.settled_at.is_(None)).order_by(_ROWID.asc()))
    return tuple(_reservation(row) for row in rows)


def meter_of(connection: Connection, key: Key, *, without: str = "") -> Meter:
    """The meter of one resource in one project; with `without`, as if that request had nothing reserved."""
    checked = connection.execute(
        select(limit_check).where(*_matches(limit_check, key)).order_by(_NEWEST).limit(1)
    ).first()
    check = None if checked is None else Check(checked.limit, checked.network_total, checked.local_total_at_check)
    last = connection.execute(select(func.max(usage.c.at)).where(*_matches(usage, key))).scalar()
    return read_meter(
        key,
        check,
        _local_total(connection, key),
        _outstanding(connection, key, without),
        unstamp(last) if last else None,
    )


def as_checked(connection: Connection, key: Key, limit: float | None, network_total: float) -> Meter:
    """The meter as it will stand once this answer of an access check is noted."""
    now, local = meter_of(connection, key), _local_total(connection, key)
    return read_meter(key, Check(limit, network_total, local), local, now.reserved, now.last_used)


def meters(connection: Connection) -> tuple[Meter, ...]:
    """Every meter that anything is known about, by network, project and resource."""
    tables = (limit_check, usage, reservation)
    known = union(*(select(table.c.network, table.c.project, table.c.resource) for table in tables))
    rows = connection.execute(known.order_by("network", "project", "resource"))
    return tuple(meter_of(connection, Key(*row)) for row in rows.all())


def find_meter(connection: Connection, meter_id: str) -> Meter:
    """A meter by its id. Raises NotFound (`limit.no-such-meter`)."""
    for found in meters(connection):
        if found.id == meter_id:
            return found
    raise NotFound(
        "limit.no-such-meter",
        "There is no such meter.",
        "Nothing was ever limited, reserved or used under this id.",
        "List the limits and use an id from there.",
    )


def events(connection: Connection, key: Key, limit: int = 1000) -> tuple[UsageEvent, ...]:
    """What was counted on a meter, newest first."""
    rows = connection.execute(select(usage).where(*_matches(usage, key)).order_by(_NEWEST).limit(limit))
    return tuple(UsageEvent(unstamp(row.at), row.request_id, row.task_id, row.requester, row.amount) for row in rows)


def series(connection: Connection, key: Key) -> tuple[tuple[str, float], ...]:
    """Cumulative use by day in UTC: (ISO date, used here up to its end), for days with use."""
    day = func.substr(usage.c.at, 1, 10)
    rows = connection.execute(
        select(day, func.sum(usage.c.amount)).where(*_matches(usage, key)).group_by(day).order_by(day)
    )
    total, found = 0.0, []
    for date, amount in rows:
        total += amount
        found.append((str(date), total))
    return tuple(found)


def by_requester(connection: Connection, key: Key) -> tuple[tuple[str, float], ...]:
    """Use by requester, the most first."""
    total = func.sum(usage.c.amount)
    rows = connection.execute(
        select(usage.c.requester, total)
        .where(*_matches(usage, key))
        .group_by(usage.c.requester)
        .order_by(total.desc(), usage.c.requester)
    )
    return tuple((str(name), float(amount)) for name, amount in rows)


def _local_total(connection: Connection, key: Key) -> float:
    total = connection.execute(select(func.sum(usage.c.amount)).where(*_matches(usage, key))).scalar()
    return float(total or 0.0)


def _outstanding(connection: Connection, key: Key, without: str) -> float:
    promised = connection.execute(
        select(reservation.c.request_id, reservation.c.amount).where(
            *_matches(reservation, key), reservation.c.settled_at.is_(None), reservation.c.request_id != without
        )
    ).all()
    used = connection.execute(
        select(usage.c.request_id, func.sum(usage.c.amount))
        .where(*_matches(usage, key), usage.c.request_id.in_([row.request_id for row in promised]))
        .group_by(usage.c.request_id)
    ).all()
    by_request = {name: float(amount) for name, amount in used}
    return sum(outstanding(row.amount, by_request.get(row.request_id, 0.0)) for row in promised)


def _matches(table: Table, key: Key) -> tuple[ColumnElement[bool], ...]:
    return table.c.network == key.network, table.c.project == key.project, table.c.resource == key.resource


def _reservation(row: Row[Any]) -> Reservation:
    key = Key(row.network, row.project, row.resource)
    return Reservation(row.id, row.request_id, key, row.amount, unstamp(row.made_at))
