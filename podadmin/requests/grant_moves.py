"""What happens to grants, inside an open unit of work: made, used, voided, revoked, varied, and what comes back unused.

A grant is found by its family or its fingerprint, each an index: what a request costs does not grow with the grants of
others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, or_, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.limits.records import usage
from podadmin.requests import receipts
from podadmin.requests.grant_pins import MAY_VARY, WORDS, Pins, varying
from podadmin.requests.grants import Change, Grant, enough, voided_by
from podadmin.requests.records import grant, grant_use
from podadmin.store.unit import Fact, Unit

GATE: Final = "gate"
MOST_RUNS, MOST_DAYS = 10_000, 3660
_MOST_CONSIDERED: Final = 500
"""Of one family. A person makes a handful; beyond this the newest are looked at."""
_SAME = grant.c.fingerprint == bindparam("fingerprint")
_ORDER = (grant.c.ended, grant.c.made_at.desc())
_ALIKE = select(grant).where(_SAME).order_by(*_ORDER).limit(_MOST_CONSIDERED)
_OF_FAMILY = (
    select(grant)
    .where(or_(_SAME, and_(grant.c.family == bindparam("family"), grant.c.family != "")))
    .order_by(*_ORDER)
    .limit(_MOST_CONSIDERED)
)


@dataclass(frozen=True)
class Terms:
    """How far a grant goes. `days` count from the approval. `inferences` None: the network's limits only."""

    runs: int = 1
    days: float = 30
    inferences: float | None = None
    may_vary: frozenset[str] = field(default_factory=frozenset)
    note: str = ""


def check_terms(terms: Terms) -> None:
    """Raises BadInput (`grant.bad-terms`)."""
    wrong = ""
    if not 1 <= terms.runs <= MOST_RUNS:
        wrong = f"The number of runs has to be from 1 to {MOST_RUNS:,}."
    elif not 0 < terms.days <= MOST_DAYS:
        wrong = f"It has to last for more than 0 and at most {MOST_DAYS:,} days."
    elif terms.inferences is not None and not 0 < terms.inferences < float("inf"):
        wrong = "The number of inferences has to be more than 0."
    elif not terms.may_vary <= MAY_VARY:
        wrong = f"Only these may vary: {', '.join(name for name in WORDS if name in MAY_VARY)}."
    if wrong:
        raise BadInput("grant.bad-terms", "No grant was made.", wrong, "Correct it and try again.")


def make_grant(unit: Unit, clock: Clock, row: Row[Any], pins: Pins | None, actor: str, terms: Terms) -> str:
    """Requests like this one are allowed within `terms`; the grant's id. Raises BadInput (`grant.bad-terms`)."""
    check_terms(terms)
    grant_id, now = new_id("grt"), clock.now()
    expires = stamp(now + timedelta(days=terms.days))
    unit.execute(
        insert(grant).values(
            id=grant_id,
            fingerprint=row.fingerprint,
            runs_left=terms.runs,
            expires_at=expires,
            made_at=stamp(now),
            made_from=row.id,
            family=pins.family if pins else "",
            pins=canonical(dict(pins.values)) if pins else "",
            may_vary=canonical(sorted(varying(terms.may_vary))),
            runs=terms.runs,
            inferences=terms.inferences,
            inferences_left=terms.inferences,
            made_by=actor,
            note=terms.note,
        )
    )
    body = {
        "request": row.id,
        "runs": terms.runs,
        "expires": expires,
        "inferences": terms.inferences,
        "may_vary": sorted(varying(terms.may_vary)),
        "pins": dict(pins.values) if pins else {},
    }
    unit.also(Fact(actor, "grant.made", grant_id, body))
    told = {**body, "grant": grant_id, "by": actor, "until": expires, "request": row}
    receipts.issue(unit, clock, "grant-made", ("grant.made", grant_id), told)
    return grant_id


def grant_of(row: Row[Any]) -> Grant:
    """A grant as it is matched, from its row."""
    pins = Pins(row.family, row.fingerprint, json.loads(row.pins)) if row.pins else None
    return Grant(
        id=row.id,
        fingerprint=row.fingerprint,
        runs_left=row.runs_left,
        expires_at=unstamp(row.expires_at),
        made_at=unstamp(row.made_at),
        made_from=row.made_from,
        voided_reason=row.voided_reason,
        pins=pins,
        may_vary=frozenset(json.loads(row.may_vary)),
        inferences_left=row.inferences_left,
    )


def grants_for(connection: Connection, pins: Pins) -> tuple[Grant, ...]:
    """The grants that a request with these pins is held against, whatever their state, the newest first."""
    wanted = _OF_FAMILY if pins.family else _ALIKE
    rows = connection.execute(wanted, {"fingerprint": pins.fingerprint, "family": pins.family})
    return tuple(grant_of(row) for row in rows)


def use(unit: Unit, clock: Clock, grant_id: str, request_id: str) -> bool:
    """Take one run. False, and nothing taken, where the grant does not last any more."""
    now = stamp(clock.now())
    taken = unit.execute(
        update(grant)
        .where(
            grant.c.id == grant_id,
            grant.c.runs_left > 0,
            grant.c.voided_reason.is_(None),
            grant.c.expires_at > now,
            grant.c.made_at <= now,
        )
        .values(runs_left=grant.c.runs_left - 1)
    )
    if taken.rowcount != 1:
        return False
    unit.execute(insert(grant_use).values(request_id=request_id, grant_id=grant_id, at=now))
    return True


def use_inferences(unit: Unit, grant_id: str, request_id: str, reserved: Sequence[float]) -> bool:
    """Take what was reserved from the grant's inferences. False, and nothing taken, where it has fewer left."""
    found = grant_of(row_of(unit.connection, grant_id))
    if not enough(found, reserved):
        return False
    amount = float(sum(reserved))
    if found.inferences_left is not None:
        unit.execute(update(grant).where(grant.c.id == grant_id).values(inferences_left=found.inferences_left - amount))
    unit.execute(update(grant_use).where(grant_use.c.request_id == request_id).values(reserved=amount))
    return True


def settle(unit: Unit, clock: Clock, request_id: str) -> None:
    """The task of a grant has ended: what it reserved and did not use goes back to the grant."""
    _settle(unit, clock, request_id, run_back=False)


def give_back(unit: Unit, clock: Clock, request_id: str) -> None:
    """What a grant allowed was never delivered: the run and everything that was reserved go back."""
    _settle(unit, clock, request_id, run_back=True)


def _settle(unit: Unit, clock: Clock, request_id: str, *, run_back: bool) -> None:
    open_use = unit.connection.execute(
        select(grant_use).where(grant_use.c.request_id == request_id, grant_use.c.settled_at.is_(None))
    ).first()
    if open_use is None:
        return
    used = unit.connection.execute(
        select(func.coalesce(func.sum(usage.c.amount), 0.0)).where(usage.c.request_id == request_id)
    ).scalar_one()
    back = max((open_use.reserved or 0.0) - float(used), 0.0)
    changed: dict[str, Any] = {}
    if run_back:
        changed["runs_left"] = grant.c.runs_left + 1
    if back:
        # stays NULL where the grant is not bounded
        changed["inferences_left"] = grant.c.inferences_left + back
    if changed:
        unit.execute(update(grant).where(grant.c.id == open_use.grant_id).values(**changed))
    unit.execute(
        update(grant_use).where(grant_use.c.request_id == request_id).values(used=used, settled_at=stamp(clock.now()))
    )
    unit.also(
        Fact(GATE, "grant.settled", open_use.grant_id, {"request": request_id, "back": back, "run_back": run_back})
    )


def void_broken(unit: Unit, clock: Clock, row: Row[Any], pins: Pins) -> tuple[str, ...]:
    """Void the grants that this request shows to be out of date (`grants.voided_by`); the ids of those."""
    broken = voided_by(grants_for(unit.connection, pins), pins, clock.now())
    for each, changes in broken:
        void(unit, clock, each.id, GATE, changes, {"request": row.id}, row)
    return tuple(each.id for each, _changes in broken)


def void(
    unit: Unit,
    clock: Clock,
    grant_id: str,
    by: str,
    changes: Sequence[Change],
    because: Mapping[str, str],
    row: Row[Any] | None = None,
) -> None:
    """End a grant because pins are not what they were. `because` names what showed it, `row` the request if one did."""
    reason = "A pin has changed. " + "; ".join(change.words for change in changes)
    shown = [{"pin": change.pin, "was": change.was, "now": change.now} for change in changes]
    _end(unit, clock, grant_id, "voided", reason, shown)
    unit.also(Fact(by, "grant.voided", grant_id, {**because, "changes": shown}))
    told = {"grant": grant_id, "by": by, "changes": shown, "reason": reason, **({"request": row} if row else because)}
    receipts.issue(unit, clock, "grant-voided", ("grant.voided", grant_id), told)


def revoke(unit: Unit, clock: Clock, grant_id: str, actor: str, reason: str) -> Row[Any]:
    """End a grant; the unit was opened with `grant.revoked` of it. Raises Refused (`grant.ended`), NotFound."""
    row = row_of(unit.connection, grant_id)
    _must_last(row, "revoked")
    _end(unit, clock, grant_id, "revoked", reason, [])
    receipts.issue(
        unit,
        clock,
        "grant-revoked",
        ("grant.revoked", grant_id),
        {"grant": grant_id, "by": actor, "reason": reason, "made_from": row.made_from},
    )
    return row


def let_vary(unit: Unit, clock: Clock, grant_id: str, actor: str, pin: str, reason: str) -> list[str]:
    """From now on a pin of the grant may be anything; returns all that may.

    The unit was opened with `grant.varied` of it. Raises BadInput (`grant.bad-pin`), Refused (`grant.ended`), NotFound
    (`grant.unknown`).
    """
    row = row_of(unit.connection, grant_id)
    if pin not in MAY_VARY:
        raise BadInput(
            "grant.bad-pin",
            "The grant was not changed.",
            f"{WORDS.get(pin, 'What was named')} stays as it was decided: another one needs a new decision.",
            f"These may vary: {', '.join(name for name in WORDS if name in MAY_VARY)}.",
        )
    _must_last(row, "changed")
    vary = sorted(varying({*json.loads(row.may_vary), pin}))
    unit.execute(update(grant).where(grant.c.id == grant_id).values(may_vary=canonical(vary)))
    receipts.issue(
        unit,
        clock,
        "grant-varied",
        ("grant.varied", grant_id),
        {"grant": grant_id, "by": actor, "pin": pin, "reason": reason, "may_vary": vary},
    )
    return vary


def row_of(connection: Connection, grant_id: str) -> Row[Any]:
    """The row of a grant. Raises NotFound (`grant.unknown`)."""
    row = connection.execute(select(grant).where(grant.c.id == grant_id)).first()
    if row is None:
        raise NotFound(
            "grant.unknown",
            "There is no such grant.",
            "No grant of this profile has this id.",
            "List the grants and use an id from there.",
        )
    return row


def _must_last(row: Row[Any], done: str) -> None:
    if row.voided_reason is not None:
        raise Refused(
            "grant.ended",
            f"The grant was not {done}.",
            f"It was {row.ended or 'voided'} before.",
            "Nothing needs to be done: it allows nothing any more.",
        )


def _end(unit: Unit, clock: Clock, grant_id: str, how: str, reason: str, changes: Sequence[dict[str, str]]) -> None:
    unit.execute(
        update(grant)
        .where(grant.c.id == grant_id)
        .values(voided_reason=reason, ended=how, ended_at=stamp(clock.now()), changes=canonical(list(changes)))
    )


def changes_in(row: Row[Any]) -> tuple[Change, ...]:
    """The pins that broke, from a grant's row."""
    return tuple(Change(each["pin"], each["was"], each["now"]) for each in json.loads(row.changes))


def lasts(row: Row[Any], now: datetime) -> bool:
    """Can the grant still cover something?"""
    return row.voided_reason is None and row.runs_left > 0 and now < unstamp(row.expires_at)
