"""Reads meters from the records: what the network said, what was counted, what is promised, and by whom.

One meter costs a handful of indexed looks. A list of all of them costs the same handful, however many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, or_, select, union

from podadmin.core.clock import stamp, unstamp
from podadmin.core.errors import NotFound
from podadmin.limits.model import Check, Key, Meter, counted_total, outstanding, read_meter
from podadmin.limits.own import Own, OwnLimit, Scope, Use, period_start
from podadmin.limits.records import limit_alarm, limit_check, own_limit, reservation, usage


@dataclass(frozen=True)
class Reservation:
    """`amount` inferences are promised to a request until they are settled."""

    id: str
    request_id: str
    key: Key
    amount: float
    made_at: datetime
    requester: str = ""
    datasource: str = ""


@dataclass(frozen=True)
class UsageEvent:
    at: datetime
    request_id: str
    task_id: str
    requester: str
    amount: float
    datasource: str = ""
    sequence: int = 0


def meter_of(
    connection: Connection,
    key: Key,
    *,
    now: datetime,
    requester: str | None = None,
    datasource: str | None = None,
    without: str = "",
) -> Meter:
    """The meter of one model in one project; with `without`, as if that request had nothing reserved.

    `now` says which day and month own limits count in; `requester` and `datasource` which of them apply besides those
    for everyone.
    """
    return read_meter(
        key,
        _check_of(last_check(connection, key)),
        local_total(connection, key),
        _outstanding(connection, _matches(reservation, key), without),
        last_used(connection, key),
        own_of(connection, Use(key.resource, key.project, requester, datasource), now, without),
    )


def as_checked(
    connection: Connection,
    key: Key,
    limit: float | None,
    network_total: float,
    *,
    now: datetime,
    requester: str | None = None,
    datasource: str | None = None,
) -> Meter:
    """The meter as it will stand once this answer of an access check is noted."""
    is_now = meter_of(connection, key, now=now, requester=requester, datasource=datasource)
    local = local_total(connection, key)
    before = last_check(connection, key)
    used, forgiven = (None, 0.0) if before is None else (is_now.used, before.forgiven)
    check = Check(limit, counted_total(network_total, used), local, forgiven)
    return read_meter(key, check, local, is_now.reserved, is_now.last_used, is_now.own)


def meters(connection: Connection, *, now: datetime) -> tuple[Meter, ...]:
    """Every meter that anything is known about, by network, project and model, with the own limits for everyone."""
    tables = (limit_check, usage, reservation, limit_alarm)
    known = union(*(select(table.c.network, table.c.project, table.c.resource) for table in tables))
    keys = [Key(*row) for row in connection.execute(known.order_by("network", "project", "resource"))]
    newest = select(func.max(limit_check.c.seq)).group_by(*_columns(limit_check))
    checks = {
        _key(row): row for row in connection.execute(select(limit_check).where(limit_check.c.seq.in_(newest))).all()
    }
    used = {
        _key(row): row
        for row in connection.execute(
            select(
                *_columns(usage), func.sum(usage.c.amount).label("total"), func.max(usage.c.at).label("last")
            ).group_by(*_columns(usage))
        ).all()
    }
    promised: dict[Key, float] = defaultdict(float)
    for made, left in _promises(connection, (), ""):
        promised[_key(made)] += left
    everyone = [each for each in own_limits(connection) if each.scope.for_everyone]
    taken = {each.id: _own(connection, each, now, "") for each in everyone}
    found = []
    for key in keys:
        sums = used.get(key)
        own = tuple(taken[each.id] for each in everyone if each.scope.covers(Use(key.resource, key.project)))
        total, last = (0.0, None) if sums is None else (float(sums.total), unstamp(sums.last))
        found.append(read_meter(key, _check_of(checks.get(key)), total, promised[key], last, own))
    return tuple(found)


def find_key(connection: Connection, meter_id: str) -> Key:
    """The key of a meter by its id. Raises NotFound (`limit.no-such-meter`)."""
    tables = (limit_check, usage, reservation, limit_alarm)
    known = union(*(select(table.c.network, table.c.project, table.c.resource) for table in tables))
    for row in connection.execute(known):
        key = Key(*row)
        if key.id == meter_id:
            return key
    raise NotFound(
        "limit.no-such-meter",
        "There is no such meter.",
        "Nothing was ever limited, reserved or used under this id.",
        "List the limits and use an id from there.",
    )


def names(connection: Connection, column: str) -> frozenset[str]:
    """What is known here by a column of what was used, promised and checked: `resource`, `project`, `requester` or
    `datasource`.
    """
    tables = [each for each in (usage, reservation, limit_check) if column in each.c]
    found = connection.execute(union(*(select(each.c[column]) for each in tables))).scalars()
    return frozenset(each for each in found if each)


def own_limits(connection: Connection) -> tuple[OwnLimit, ...]:
    """The custodian's own limits that are in force, in the order in which they were last changed."""
    rows = connection.execute(select(own_limit).where(own_limit.c.ended_at.is_(None)).order_by(own_limit.c.seq))
    return tuple(limit_of(row) for row in rows)


def own_of(connection: Connection, use: Use, now: datetime, without: str = "") -> tuple[Own, ...]:
    """The own limits that apply to a use, and how far each is taken; nothing reserved by `without` counts."""
    return tuple(_own(connection, each, now, without) for each in own_limits(connection) if each.scope.covers(use))


def own_taken(connection: Connection, limit: OwnLimit, now: datetime) -> Own:
    """How far one own limit is taken in its present period."""
    return _own(connection, limit, now, "")


def open_reservations(connection: Connection) -> tuple[Reservation, ...]:
    """Everything that is promised, oldest first."""
    rows = connection.execute(select(reservation).where(reservation.c.settled_at.is_(None)).order_by(reservation.c.seq))
    return tuple(reservation_of(row) for row in rows)


def has_reserved(connection: Connection, request_id: str) -> bool:
    """Was anything ever reserved for a request?"""
    found = select(reservation.c.id).where(reservation.c.request_id == request_id).limit(1)
    return connection.execute(found).first() is not None


def limited(connection: Connection, request_id: str, *, now: datetime) -> frozenset[str]:
    """The models of which something with a limit is promised to a request: what it sends has to tell their use."""
    promised = connection.execute(
        select(reservation).where(reservation.c.request_id == request_id, reservation.c.settled_at.is_(None))
    ).all()
    return frozenset(
        row.resource
        for row in promised
        if meter_of(connection, _key(row), now=now, requester=row.requester, datasource=row.datasource).free is not None
    )


def events(connection: Connection, key: Key, limit: int = 1000) -> tuple[UsageEvent, ...]:
    """What was counted on a meter, newest first."""
    rows = connection.execute(select(usage).where(*_matches(usage, key)).order_by(usage.c.seq.desc()).limit(limit))
    return tuple(
        UsageEvent(
            unstamp(row.at), row.request_id, row.task_id, row.requester, row.amount, row.datasource, row.sequence
        )
        for row in rows
    )


def by_day(connection: Connection, key: Key) -> tuple[tuple[str, float], ...]:
    """Use by day in UTC: (ISO date, inferences), for days with use, oldest first."""
    day = func.substr(usage.c.at, 1, 10)
    rows = connection.execute(
        select(day, func.sum(usage.c.amount)).where(*_matches(usage, key)).group_by(day).order_by(day)
    )
    return tuple((str(each), float(amount)) for each, amount in rows)


def series(connection: Connection, key: Key) -> tuple[tuple[str, float], ...]:
    """Cumulative use by day in UTC: (ISO date, used here up to its end), for days with use."""
    return added_up(by_day(connection, key))


def added_up(days: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Daily amounts as a running total."""
    total, found = 0.0, []
    for day, amount in days:
        total += amount
        found.append((day, total))
    return tuple(found)


def by_requester(connection: Connection, key: Key) -> tuple[tuple[str, float], ...]:
    """Use by requester, the most first."""
    return _by(connection, usage.c.requester, _matches(usage, key))


def by_datasource(connection: Connection, key: Key) -> tuple[tuple[str, float], ...]:
    """Use by datasource, the most first."""
    return _by(connection, usage.c.datasource, _matches(usage, key))


def by_project(connection: Connection, key: Key) -> tuple[tuple[str, float], ...]:
    """Use of the same model in the same network by project, the most first."""
    return _by(connection, usage.c.project, (usage.c.network == key.network, usage.c.resource == key.resource))


def local_total(connection: Connection, key: Key) -> float:
    """What was counted here on a meter."""
    total = connection.execute(select(func.sum(usage.c.amount)).where(*_matches(usage, key))).scalar()
    return float(total or 0.0)


def used_of(connection: Connection, key: Key, last: Row[Any]) -> float:
    """What is used by now as reckoned from the latest check."""
    return read_meter(key, _check_of(last), local_total(connection, key), 0.0).used


def last_used(connection: Connection, key: Key) -> datetime | None:
    """When something was last counted on a meter, by the clock of then."""
    last = connection.execute(select(func.max(usage.c.at)).where(*_matches(usage, key))).scalar()
    return unstamp(last) if last else None


def limit_of(row: Row[Any]) -> OwnLimit:
    """An own limit as its row has it."""
    scope = Scope(row.model, row.project, row.requester, row.datasource)
    return OwnLimit(row.id, row.version, scope, row.period, row.amount, row.effect)


def reservation_of(row: Row[Any]) -> Reservation:
    """A reservation as its row has it."""
    made_at = unstamp(row.made_at)
    return Reservation(row.id, row.request_id, _key(row), row.amount, made_at, row.requester, row.datasource)


def last_check(connection: Connection, key: Key) -> Row[Any] | None:
    """The row of the latest check of a meter; None where there was none."""
    newest = select(limit_check).where(*_matches(limit_check, key)).order_by(limit_check.c.seq.desc()).limit(1)
    return connection.execute(newest).first()


def _by(
    connection: Connection, column: ColumnElement[str], where: Sequence[ColumnElement[bool]]
) -> tuple[tuple[str, float], ...]:
    total = func.sum(usage.c.amount)
    rows = connection.execute(select(column, total).where(*where).group_by(column).order_by(total.desc(), column))
    return tuple((str(name), float(amount)) for name, amount in rows)


def _check_of(row: Row[Any] | None) -> Check | None:
    return None if row is None else Check(row.limit, row.network_total, row.local_total_at_check, row.forgiven)


def _own(connection: Connection, limit: OwnLimit, now: datetime, without: str) -> Own:
    start = period_start(limit.period, now)
    counted = [*_in_scope(usage, limit.scope)]
    if start is not None:
        # no end: what a clock that ran ahead has stamped counts until the clock is there again
        counted.append(usage.c.at >= stamp(start))
    used = connection.execute(select(func.sum(usage.c.amount)).where(*counted)).scalar()
    return Own(limit, float(used or 0.0), _outstanding(connection, _in_scope(reservation, limit.scope), without))


def _outstanding(connection: Connection, where: Sequence[ColumnElement[bool]], without: str) -> float:
    return sum(left for _made, left in _promises(connection, where, without))


def _promises(
    connection: Connection, where: Sequence[ColumnElement[bool]], without: str
) -> list[tuple[Row[Any], float]]:
    """What is promised and not settled, each with what its own request has left of it."""
    of_request = and_(
        usage.c.request_id == reservation.c.request_id,
        *(mine == its for mine, its in zip(_columns(usage), _columns(reservation), strict=True)),
    )
    used = select(func.coalesce(func.sum(usage.c.amount), 0.0)).where(of_request).scalar_subquery()
    rows = connection.execute(
        select(reservation, used.label("used")).where(
            *where, reservation.c.settled_at.is_(None), reservation.c.request_id != without
        )
    )
    return [(row, outstanding(row.amount, row.used)) for row in rows]


def _in_scope(table: Table, scope: Scope) -> tuple[ColumnElement[bool], ...]:
    """The same rule as `Scope.covers`, for rows."""
    wanted: list[ColumnElement[bool]] = []
    if scope.model is not None:
        versions = scope.model + ":"
        name = func.substr(table.c.resource, 1, len(versions)) == versions
        version = func.substr(table.c.resource, len(versions) + 1)
        wanted.append(or_(table.c.resource == scope.model, and_(name, version.not_like("%:%"))))
    named: Mapping[str, str | None] = {
        "project": scope.project,
        "requester": scope.requester,
        "datasource": scope.datasource,
    }
    wanted += [table.c[column] == value for column, value in named.items() if value is not None]
    return tuple(wanted)


def _columns(table: Table) -> tuple[ColumnElement[str], ...]:
    return table.c.network, table.c.project, table.c.resource


def _matches(table: Table, key: Key) -> tuple[ColumnElement[bool], ...]:
    return table.c.network == key.network, table.c.project == key.project, table.c.resource == key.resource


def _key(row: Any) -> Key:
    return Key(row.network, row.project, row.resource)
