"""What one can do with limits: note them, reserve before the work, count what was used, settle, read the meters.

Every writing function takes an open unit and joins its transaction. A unit holds the database's write lock from its
first statement on, so that two reservations can never promise the same inference.

This is the face of the room: what is read (`reading`), the custodian's own limits (`keeping`) and what must not be
(`alerts`) are named here as well.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime

from sqlalchemy import insert, select, update

from podadmin.core.clock import new_id, stamp
from podadmin.core.errors import Refused
from podadmin.core.text import stranger
from podadmin.limits.alarms import Kind
from podadmin.limits.alerts import GATE, acknowledge, alarms, is_known_alarm, raise_alarm, unseen
from podadmin.limits.counting import WARN_AT, Metered, Task, meter_message
from podadmin.limits.keeping import remove_limit, set_limit, versions
from podadmin.limits.model import Key, Meter, check_amount, counted_total, grantable
from podadmin.limits.own import words
from podadmin.limits.reading import (
    Reservation,
    UsageEvent,
    added_up,
    as_checked,
    by_datasource,
    by_day,
    by_project,
    by_requester,
    events,
    find_key,
    has_reserved,
    last_check,
    limited,
    local_total,
    meter_of,
    meters,
    open_reservations,
    own_limits,
    own_of,
    own_taken,
    reservation_of,
    series,
    used_of,
)
from podadmin.limits.records import CHECKS, PROMISES, limit_check, reservation, tell
from podadmin.store.unit import Fact, Unit

__all__ = [
    "WARN_AT",
    "Metered",
    "Reservation",
    "Task",
    "UsageEvent",
    "acknowledge",
    "added_up",
    "alarms",
    "as_checked",
    "by_datasource",
    "by_day",
    "by_project",
    "by_requester",
    "events",
    "find_key",
    "has_reserved",
    "is_known_alarm",
    "limited",
    "meter_message",
    "meter_of",
    "meters",
    "note_limits",
    "open_reservations",
    "own_limits",
    "own_of",
    "own_taken",
    "raise_alarm",
    "reconcile",
    "remove_limit",
    "reserve",
    "series",
    "set_limit",
    "settle",
    "unseen",
    "versions",
]


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

    A total lower than one that was told before frees nothing and raises an alarm, and so does one beyond its limit.
    Raises BadInput (`limit.bad-amount`).
    """
    key = Key(network, project, resource)
    told, last = check_amount(network_total), last_check(unit.connection, key)
    used = None if last is None else used_of(unit.connection, key, last)
    bound = None if limit is None else check_amount(limit)
    made = new_id("chk")
    unit.execute(
        insert(limit_check).values(
            id=made,
            network=network,
            project=project,
            resource=resource,
            limit=bound,
            network_total=counted_total(told, used),
            told_total=told,
            local_total_at_check=local_total(unit.connection, key),
            forgiven=0.0 if last is None else last.forgiven,
            at=stamp(at),
            request=request_id,
        )
    )
    tell(unit, CHECKS, made)
    before = None if last is None else float(last.told_total)
    if before is not None and told < before:
        raise_alarm(
            unit, Kind.BACKWARDS, key, request_id=request_id, amount=told, limit=before, at=at, occasion=(str(before),)
        )
    if bound is not None and told > bound:
        raise_alarm(
            unit,
            Kind.OVERRUN,
            key,
            request_id=request_id,
            amount=told,
            limit=bound,
            at=at,
            occasion=(f"{told}/{bound}",),
        )


def reserve(
    unit: Unit,
    *,
    request_id: str,
    network: str,
    project: str,
    resource: str,
    requester: str,
    datasource: str,
    wanted: float,
    at: datetime,
) -> Reservation:
    """Promise up to `wanted` inferences to a request: as many as are free. Asking again returns the first promise.

    Raises Refused: `limit.exhausted` where nothing is free of the network's limit, `limit.own-exhausted` of one of the
    custodian's own, `limit.unknown` where no access check has ever said what the limit is, `limit.settled` where the
    request has ended already. Raises BadInput (`limit.bad-amount`).
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
        return reservation_of(made)
    asked = check_amount(wanted)
    found = meter_of(unit.connection, key, now=at, requester=requester, datasource=datasource)
    _check_free(found)
    row = {
        "id": new_id("rsv"),
        "request_id": request_id,
        "network": network,
        "project": project,
        "resource": resource,
        "requester": requester,
        "datasource": datasource,
        "amount": grantable(found, asked),
        "made_at": stamp(at),
    }
    unit.execute(insert(reservation).values(**row))
    tell(unit, PROMISES, str(row["id"]))
    return Reservation(str(row["id"]), request_id, key, grantable(found, asked), at, requester, datasource)


def settle(unit: Unit, request_id: str, outcome: str, at: datetime) -> int:
    """The request has ended: what it did not use comes back. Returns how many reservations were settled now."""
    done = unit.execute(
        update(reservation)
        .where(reservation.c.request_id == request_id, reservation.c.settled_at.is_(None))
        .values(settled_at=stamp(at), outcome=outcome)
    )
    return done.rowcount


def reconcile(unit: Unit, alive: Set[str], at: datetime) -> tuple[str, ...]:
    """After a crash or a restored backup: what is promised to requests that are not `alive` comes back.

    Returns those requests, oldest promise first.
    """
    gone = tuple(
        dict.fromkeys(made.request_id for made in open_reservations(unit.connection) if made.request_id not in alive)
    )
    for request_id in gone:
        settle(unit, request_id, "reconciled", at)
        unit.also(Fact(GATE, "limit.reconciled", request_id))
    return gone


def _check_free(meter: Meter) -> None:
    name = stranger(meter.key.resource)
    if meter.mode == "unknown":
        raise Refused(
            "limit.unknown",
            "No inferences were reserved.",
            f"The network has not said how often “{name}” may be used in this project.",
            "Wait until the network answers, then have the request sent again. Absent is not unlimited.",
        )
    own = meter.used_up_own
    if own is not None:
        raise Refused(
            "limit.own-exhausted",
            "No inferences were reserved.",
            f"Your own limit, {stranger(words(own.limit), 400)}, is used up or promised to other requests.",
            "Wait until a running task gives back what it does not need or the period ends, or change the limit.",
        )
    if meter.exhausted:
        raise Refused(
            "limit.exhausted",
            "No inferences were reserved.",
            f"The limit of “{name}” in this project is used up or promised to other requests.",
            "Wait until a running task gives back what it does not need, or ask the model's owner for a higher limit.",
        )
