"""Raises alarms about meters, keeps them, and lets a person say that they have seen to one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from podadmin.core.clock import new_id, stamp, unstamp
from podadmin.core.errors import NotFound, Refused
from podadmin.core.text import stranger
from podadmin.limits.alarms import WORDS, Alarm, Kind, mark, sentence
from podadmin.limits.model import Key
from podadmin.limits.reading import last_check, local_total
from podadmin.limits.records import CHECKS, limit_alarm, limit_check, tell
from podadmin.store.unit import Fact, Unit

GATE: Final = "gate"


def raise_alarm(
    unit: Unit,
    kind: Kind,
    key: Key,
    *,
    at: datetime,
    amount: float,
    occasion: tuple[str, ...],
    limit: float | None = None,
    request_id: str = "",
    task_id: str = "",
) -> Alarm | None:
    """Keep that something must not be, and tell the journal. None where this `occasion` was told before."""
    name = mark(kind, key, *occasion)
    if is_known_alarm(unit.connection, kind, key, occasion):
        return None
    made = Alarm(new_id("alm"), kind, key, request_id, task_id, amount, limit, at)
    unit.execute(
        insert(limit_alarm).values(
            id=made.id,
            mark=name,
            kind=kind,
            network=key.network,
            project=key.project,
            resource=key.resource,
            request_id=request_id,
            task_id=task_id,
            amount=amount,
            limit=limit,
            at=stamp(at),
        )
    )
    body = {
        "alarm": made.id,
        "model": stranger(key.resource) or "not named",
        "meter": key.id,
        "kind": str(kind),
        "title": WORDS[kind].title,
        "words": sentence(made),
        "project": stranger(key.project),
        "request": request_id,
        "task": stranger(task_id),
    }
    unit.also(Fact(GATE, "limit.alarm", stranger(key.resource), body))
    return made


def is_known_alarm(connection: Connection, kind: Kind, key: Key, occasion: tuple[str, ...]) -> bool:
    """Was this occasion told before?"""
    name = mark(kind, key, *occasion)
    return connection.execute(select(limit_alarm.c.id).where(limit_alarm.c.mark == name)).first() is not None


def acknowledge(unit: Unit, alarm_id: str, *, by: str, reason: str, at: datetime, accept: bool = False) -> Alarm:
    """A person has seen to an alarm and says what was done. With `accept`, a total that fell counts from now on.

    Raises NotFound (`limit.no-such-alarm`); Refused (`limit.alarm-seen`, `limit.alarm-reason`, `limit.not-acceptable`).
    """
    row = unit.connection.execute(select(limit_alarm).where(limit_alarm.c.id == alarm_id)).first()
    if row is None:
        raise NotFound(
            "limit.no-such-alarm",
            "There is no such alarm.",
            "Nothing was ever told under this id.",
            "List the alarms and use an id from there.",
        )
    found, why = _alarm(row), reason.strip()
    if found.seen_at is not None:
        raise Refused(
            "limit.alarm-seen",
            "Nothing was changed.",
            f"{stranger(found.seen_by)} has seen to this alarm before.",
            "Open the journal to see what was done.",
        )
    if not why:
        raise Refused(
            "limit.alarm-reason",
            "The alarm stays.",
            "Nobody has said what was done about it.",
            "Write one sentence: what you found, and what you did.",
        )
    if accept:
        _accept(unit, found, at)
        unit.note(accepted=found.amount)
    unit.execute(
        update(limit_alarm)
        .where(limit_alarm.c.id == alarm_id)
        .values(seen_at=stamp(at), seen_by=by, seen_reason=why[:2000])
    )
    unit.note(alarm=found.id, kind=str(found.kind), title=WORDS[found.kind].title, reason=stranger(why, 400))
    return found


def alarms(connection: Connection, key: Key | None = None, *, limit: int = 200) -> tuple[Alarm, ...]:
    """Alarms of a meter, or of all: those that nobody has seen to first, then the newest."""
    wanted = select(limit_alarm).order_by(limit_alarm.c.seen_at.is_not(None), limit_alarm.c.seq.desc()).limit(limit)
    if key is not None:
        wanted = wanted.where(
            limit_alarm.c.network == key.network,
            limit_alarm.c.project == key.project,
            limit_alarm.c.resource == key.resource,
        )
    return tuple(_alarm(row) for row in connection.execute(wanted))


def unseen(connection: Connection) -> dict[Key, tuple[Kind, ...]]:
    """The kinds of alarm that nobody has seen to, by meter."""
    rows = connection.execute(
        select(limit_alarm.c.network, limit_alarm.c.project, limit_alarm.c.resource, limit_alarm.c.kind, func.count())
        .where(limit_alarm.c.seen_at.is_(None))
        .group_by(limit_alarm.c.network, limit_alarm.c.project, limit_alarm.c.resource, limit_alarm.c.kind)
        .order_by(limit_alarm.c.kind)
    )
    found: dict[Key, tuple[Kind, ...]] = {}
    for network, project, resource, kind, _times in rows:
        key = Key(network, project, resource)
        found[key] = (*found.get(key, ()), Kind(kind))
    return found


def _accept(unit: Unit, found: Alarm, at: datetime) -> None:
    newest, local = last_check(unit.connection, found.key), local_total(unit.connection, found.key)
    if found.kind is not Kind.BACKWARDS or newest is None or newest.told_total >= newest.network_total:
        raise Refused(
            "limit.not-acceptable",
            "Nothing was accepted.",
            "Only a total of the network that fell, and is still lower than what counts here, can be accepted.",
            "See to the alarm without accepting anything.",
        )
    made = new_id("chk")
    unit.execute(
        insert(limit_check).values(
            id=made,
            network=found.key.network,
            project=found.key.project,
            resource=found.key.resource,
            limit=newest.limit,
            network_total=newest.told_total,
            told_total=newest.told_total,
            local_total_at_check=local,
            forgiven=max(0.0, local - newest.told_total),
            at=stamp(at),
            request="",
        )
    )
    tell(unit, CHECKS, made)


def _alarm(row: Row[Any]) -> Alarm:
    return Alarm(
        row.id,
        Kind(row.kind),
        Key(row.network, row.project, row.resource),
        row.request_id,
        row.task_id,
        row.amount,
        row.limit,
        unstamp(row.at),
        unstamp(row.seen_at) if row.seen_at else None,
        row.seen_by or "",
        row.seen_reason or "",
    )
