"""Sets, changes and removes the custodian's own limits: every version is kept, with who, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from podadmin.core.clock import new_id, stamp, unstamp
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.core.text import folded, quoted, stranger
from podadmin.limits.own import Effect, OwnLimit, Period, Scope, check_own_amount, check_scope, words
from podadmin.limits.reading import limit_of, names, own_limits
from podadmin.limits.records import own_limit
from podadmin.store.unit import Unit

REASON_LIMIT: Final = 2000


@dataclass(frozen=True)
class Version:
    """An own limit as it was from `at` on, until `ended_at` (None: it is in force)."""

    limit: OwnLimit
    reason: str
    by: str
    at: datetime
    ended_at: datetime | None
    ended_reason: str


def set_limit(
    unit: Unit,
    *,
    scope: Scope,
    period: Period,
    amount: float,
    effect: Effect,
    reason: str,
    by: str,
    at: datetime,
) -> OwnLimit:
    """Set an own limit, or change the one that covers exactly the same over the same period.

    Raises BadInput (`limit.no-scope`, `limit.bad-scope`, `limit.other-form`, `limit.bad-own-amount`) and Refused
    (`limit.reason-missing`, `limit.same`).
    """
    check_scope(scope)
    _check_forms(unit.connection, scope)
    kept, why = check_own_amount(amount), _reason(reason, "The limit was not set.")
    before = next((each for each in own_limits(unit.connection) if (each.scope, each.period) == (scope, period)), None)
    if before is not None and (before.amount, before.effect) == (kept, effect):
        raise Refused(
            "limit.same",
            "The limit was not changed.",
            f"It is already {stranger(words(before), 400)}.",
            "Give another amount, or another effect.",
        )
    made = OwnLimit(
        before.id if before else new_id("lim"), before.version + 1 if before else 1, scope, period, kept, effect
    )
    if before is not None:
        _end(unit, before, why, at)
        unit.note(was=_shown(before))
    unit.execute(
        insert(own_limit).values(
            id=made.id,
            version=made.version,
            model=scope.model,
            project=scope.project,
            requester=scope.requester,
            datasource=scope.datasource,
            period=period,
            amount=kept,
            effect=effect,
            reason=why,
            by=by,
            at=stamp(at),
        )
    )
    unit.note(limit=made.id, version=made.version, now=_shown(made), reason=stranger(why, 400), words=_words(made))
    return made


def _check_forms(connection: Connection, scope: Scope) -> None:
    """Raises BadInput (`limit.other-form`) for a name that is known here in another form only: it limits nothing."""
    for wanted, column in (
        (scope.model, "resource"),
        (scope.project, "project"),
        (scope.requester, "requester"),
        (scope.datasource, "datasource"),
    ):
        if not wanted:
            continue
        known = names(connection, column)
        every = known | {each.rpartition(":")[0] for each in known}
        alike = [each for each in every if folded(each) == folded(wanted)]
        if alike and wanted not in alike:
            raise BadInput(
                "limit.other-form",
                "The limit was not set.",
                f"Nothing is called {quoted(wanted, 120)} here, and so it would never apply. The network writes "
                f"{quoted(min(alike), 120)}.",
                "Give the name exactly as the list of models or requests shows it.",
            )


def remove_limit(unit: Unit, limit_id: str, reason: str, at: datetime) -> OwnLimit:
    """Take an own limit out of force. Raises NotFound (`limit.no-such-limit`), Refused (`limit.reason-missing`)."""
    found = next((each for each in own_limits(unit.connection) if each.id == limit_id), None)
    if found is None:
        raise no_such_limit()
    why = _reason(reason, "The limit was not removed.")
    _end(unit, found, why, at)
    unit.note(limit=found.id, version=found.version, was=_shown(found), reason=stranger(why, 400), words=_words(found))
    return found


def versions(connection: Connection, limit_id: str) -> tuple[Version, ...]:
    """Every version of an own limit, the newest first. Raises NotFound (`limit.no-such-limit`)."""
    rows = connection.execute(
        select(own_limit).where(own_limit.c.id == limit_id).order_by(own_limit.c.version.desc())
    ).all()
    if not rows:
        raise no_such_limit()
    return tuple(_version(row) for row in rows)


def no_such_limit() -> NotFound:
    """The error for an own limit that is not in force or never was."""
    return NotFound(
        "limit.no-such-limit",
        "There is no such limit.",
        "None of your own limits has this id, or it was removed before.",
        "List your own limits and use an id from there.",
    )


def _end(unit: Unit, limit: OwnLimit, reason: str, at: datetime) -> None:
    unit.execute(
        update(own_limit)
        .where(own_limit.c.id == limit.id, own_limit.c.version == limit.version)
        .values(ended_at=stamp(at), ended_reason=reason)
    )


def _reason(reason: str, what: str) -> str:
    why = reason.strip()[:REASON_LIMIT]
    if not why:
        raise Refused(
            "limit.reason-missing",
            what,
            "A change of a limit needs a reason: whoever looks at the record later has to understand it.",
            "Write one sentence that says why.",
        )
    return why


def _shown(limit: OwnLimit) -> dict[str, Any]:
    scope = limit.scope
    named = {
        "model": scope.model,
        "project": scope.project,
        "requester": scope.requester,
        "datasource": scope.datasource,
    }
    shown = {name: stranger(value) for name, value in named.items() if value is not None}
    return {**shown, "period": limit.period, "amount": limit.amount, "effect": limit.effect}


def _words(limit: OwnLimit) -> str:
    return f"{stranger(words(limit), 400)} ({'stops' if limit.effect == 'stops' else 'warns only'})"


def _version(row: Row[Any]) -> Version:
    ended = unstamp(row.ended_at) if row.ended_at else None
    return Version(limit_of(row), row.reason, row.by, unstamp(row.at), ended, row.ended_reason or "")
