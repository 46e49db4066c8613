"""Counts what messages say was used: each once, all of a message or nothing, and the journal hears of thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, insert, select

from podadmin.core.clock import new_id, stamp
from podadmin.core.text import stranger
from podadmin.limits.alarms import Kind
from podadmin.limits.alerts import GATE, raise_alarm
from podadmin.limits.model import Key, Meter, check_amount, crossed
from podadmin.limits.own import words
from podadmin.limits.reading import meter_of
from podadmin.limits.records import usage
from podadmin.store.unit import Fact, Unit

WARN_AT: Final = 0.8
"""The part of a limit from which on it is said to be nearly reached, where nobody has chosen another."""


@dataclass(frozen=True)
class Metered:
    """What counting a message did. `counted` false: it was counted before.

    `exceeded`: what is used and what is promised to other requests is more than a limit that stops, so this task must
    stop. `limit` and `used_after` are then those of that limit, and `by_own` tells the custodian's own from the
    network's. `known` false: nobody has ever said anything about this model here.
    """

    counted: bool
    used_after: float
    limit: float | None
    exceeded: bool
    by_own: str = ""
    known: bool = True

    @property
    def stops(self) -> bool:
        """Must the message that was counted stay here?"""
        return self.exceeded or not self.known


@dataclass(frozen=True)
class Task:
    """Whose use is counted, and for what. `project` is empty where there is none."""

    request_id: str
    task_id: str
    network: str
    project: str
    requester: str
    datasource: str


@dataclass(frozen=True)
class _Counted:
    key: Key
    amount: float
    metered: Metered
    reached: tuple[Fact, ...]
    renumbered: bool


def meter_message(
    unit: Unit,
    task: Task,
    consumed: Mapping[str, float],
    *,
    message_digest: str,
    at: datetime,
    sequence: int = 0,
    warn_at: float = WARN_AT,
) -> tuple[tuple[str, Metered], ...]:
    """Count what one message says was used, by resource. The same message under the same number counts once.

    All or nothing: where one resource exceeds its limit, or is one about which nobody has ever said anything, nothing
    of the message is counted, and what `stops` in the answer says why. `sequence` is the message's number within its
    task, 0 for none. Where use reaches `warn_at` or the whole of a limit, the journal tells. Raises BadInput
    (`limit.bad-amount`).
    """
    with unit.connection.begin_nested() as savepoint:
        counted = [
            _count(unit, task, resource, amount, message_digest, sequence, at, warn_at)
            for resource, amount in consumed.items()
        ]
        stopped = any(each.metered.stops for each in counted)
        if stopped:
            savepoint.rollback()
    for each in () if stopped else counted:
        _tell(unit, task, each, sequence, at)
    return tuple((each.key.resource, each.metered) for each in counted)


def _metered(counted: bool, found: Meter) -> Metered:
    if found.limit is not None and found.used + found.reserved > found.limit:
        return Metered(counted, found.used, found.limit, exceeded=True)
    known = found.mode != "unknown"
    for each in found.own:
        if each.stops and each.used + each.reserved > each.limit.amount:
            return Metered(counted, each.used, each.limit.amount, exceeded=True, by_own=words(each.limit), known=known)
    return Metered(counted, found.used, found.limit, exceeded=False, known=known)


def _count(
    unit: Unit,
    task: Task,
    resource: str,
    amount: float,
    digest: str,
    sequence: int,
    at: datetime,
    warn_at: float,
) -> _Counted:
    key, kept = Key(task.network, task.project, resource), check_amount(amount)

    def look() -> Meter:
        return meter_of(
            unit.connection,
            key,
            now=at,
            requester=task.requester,
            datasource=task.datasource,
            without=task.request_id,
        )

    def there(*where: ColumnElement[bool]) -> bool:
        wanted = select(usage.c.id).where(usage.c.resource == resource, usage.c.sequence == sequence, *where).limit(1)
        return unit.connection.execute(wanted).first() is not None

    before = look()
    if there(usage.c.message_digest == digest):
        return _Counted(key, kept, _metered(False, before), (), False)
    renumbered = sequence > 0 and there(usage.c.request_id == task.request_id)
    unit.execute(
        insert(usage).values(
            id=new_id("use"),
            request_id=task.request_id,
            task_id=task.task_id,
            network=task.network,
            project=task.project,
            resource=resource,
            amount=kept,
            at=stamp(at),
            message_digest=digest,
            sequence=sequence,
            requester=task.requester,
            datasource=task.datasource,
        )
    )
    after = look()
    return _Counted(key, kept, _metered(True, after), _reached(task, before, after, warn_at), renumbered)


def _tell(unit: Unit, task: Task, counted: _Counted, sequence: int, at: datetime) -> None:
    for fact in counted.reached:
        unit.also(fact)
    if counted.renumbered:
        raise_alarm(
            unit,
            Kind.RENUMBERED,
            counted.key,
            request_id=task.request_id,
            task_id=task.task_id,
            amount=counted.amount,
            at=at,
            occasion=(task.request_id, str(sequence)),
        )


def _reached(task: Task, before: Meter, after: Meter, warn_at: float) -> tuple[Fact, ...]:
    name, found = stranger(after.key.resource), []
    facts = {"model": name, "meter": after.id, "request": task.request_id, "project": stranger(task.project)}
    if after.limit is not None:
        reached = crossed(before.used, after.used, after.limit, warn_at)
        if reached is not None:
            body = {**facts, "reached": reached, "used": after.used, "limit": after.limit, "stops": True}
            found.append(Fact(GATE, "limit.threshold", name, body))
    for was, now in zip(before.own, after.own, strict=True):
        reached = crossed(was.used, now.used, now.limit.amount, warn_at)
        if reached is not None:
            own = {"own": stranger(words(now.limit), 400), "own_id": now.limit.id}
            body = {**facts, **own, "reached": reached, "used": now.used, "limit": now.limit.amount, "stops": now.stops}
            found.append(Fact(GATE, "limit.threshold", name, body))
    return tuple(found)
