"""Who may decide: the custodians who are named, and a colleague who stands in for one of them from a day until a day.

While nobody is named, everybody who can open the profile may decide; that is a state of its own and is shown as such.
The first who is named is the one who names: nobody can lock themselves out by accident.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.core.text import stranger
from podadmin.requests.records import decider
from podadmin.store.engine import Store
from podadmin.store.unit import Fact


def check_may_decide(connection: Connection, actor: str, now: datetime) -> str:
    """Whom `actor` stands in for, empty where they decide for themselves. Raises Refused (`grant.not-decider`)."""
    rows = in_force(connection, now)
    custodians = [row for row in rows if not row.stands_for]
    if not custodians or any(row.account == actor for row in custodians):
        return ""
    may = {row.account for row in custodians}
    covering = next((row for row in rows if row.account == actor and row.stands_for in may), None)
    if covering is not None:
        return str(covering.stands_for)
    named = ", ".join(stranger(row.account, 60) for row in rows if not row.stands_for or row.stands_for in may)
    raise Refused(
        "grant.not-decider",
        "Nothing was decided.",
        f"{stranger(actor, 60)} is not among those who decide here: {named}.",
        "Ask one of them, or have one of them name you as cover for a time.",
    )


def must_decide(store: Store, clock: Clock, actor: str) -> None:
    """As `check_may_decide`, for what is then written elsewhere. Raises Refused (`grant.not-decider`)."""
    with store.read() as connection:
        check_may_decide(connection, actor, clock.now())


def check_decides_for_good(connection: Connection, actor: str, now: datetime) -> None:
    """May `actor` say who decides? Who stands in for somebody may not: it would last longer than the standing in.

    Raises Refused (`grant.not-decider`, `grant.cover-of-cover`).
    """
    if check_may_decide(connection, actor, now):
        raise Refused(
            "grant.cover-of-cover",
            "Who may decide was not changed.",
            "You stand in for somebody yourself, and cover cannot be passed on or made to last.",
            "Ask the custodian whom you stand in for.",
        )


def in_force(connection: Connection, now: datetime) -> tuple[Row[Any], ...]:
    """The custodians and covers of this moment."""
    at = stamp(now)
    wanted = select(decider).where(
        decider.c.ended_at.is_(None),
        decider.c.from_at <= at,
        or_(decider.c.until_at.is_(None), decider.c.until_at > at),
    )
    return tuple(connection.execute(wanted.order_by(decider.c.from_at, decider.c.id)))


def listing(store: Store) -> tuple[Row[Any], ...]:
    """Everybody who was ever named and has not been taken back, also those whose time is over or to come."""
    with store.read() as connection:
        wanted = select(decider).where(decider.c.ended_at.is_(None)).order_by(decider.c.from_at, decider.c.id)
        return tuple(connection.execute(wanted))


def name_custodian(store: Store, clock: Clock, actor: str, account: str, reason: str) -> str:
    """From now on `account` is one of those who decide.

    Raises Refused (`grant.not-decider`, `grant.cover-of-cover`, `grant.name-self-first`), BadInput
    (`grant.reason-missing`).
    """
    account, reason = _said(account, reason)
    named = new_id("dcd")
    fact = Fact(actor, "decider.named", named, {"account": account, "reason": reason, "stands_for": ""})
    with store.record(fact) as unit:
        check_decides_for_good(unit.connection, actor, clock.now())
        if not in_force(unit.connection, clock.now()) and account != actor:
            raise Refused(
                "grant.name-self-first",
                "Nobody was named.",
                "The first custodian has to be the one who names: with another one first, you could decide nothing.",
                f"Name yourself ({stranger(actor, 60)}) first, then the others.",
            )
        now = stamp(clock.now())
        unit.execute(insert(decider).values(id=named, account=account, from_at=now, reason=reason, named_by=actor))
    return named


def name_cover(
    store: Store, clock: Clock, actor: str, account: str, starts: datetime, ends: datetime, reason: str
) -> str:
    """`account` may decide in the place of `actor` from `starts` until before `ends`.

    Raises Refused (`grant.not-decider`, `grant.cover-of-cover`), BadInput (`grant.bad-cover`).
    """
    account, reason = _said(account, reason)
    if not starts < ends or ends <= clock.now():
        raise BadInput(
            "grant.bad-cover",
            "No cover was named.",
            "It has to end after it begins, and in the future.",
            "Give both moments, the earlier first.",
        )
    if account == actor:
        raise BadInput(
            "grant.bad-cover", "No cover was named.", "Nobody stands in for themselves.", "Name a colleague's account."
        )
    named = new_id("dcd")
    body = {
        "account": account,
        "stands_for": actor,
        "from": stamp(starts),
        "until": stamp(ends),
        "reason": reason,
    }
    with store.record(Fact(actor, "decider.named", named, body)) as unit:
        check_decides_for_good(unit.connection, actor, clock.now())
        unit.execute(
            insert(decider).values(
                id=named,
                account=account,
                stands_for=actor,
                from_at=stamp(starts),
                until_at=stamp(ends),
                reason=reason,
                named_by=actor,
            )
        )
    return named


def take_back(store: Store, clock: Clock, actor: str, named: str, reason: str) -> None:
    """End a custodian's or a cover's right to decide. Raises NotFound (`grant.decider-unknown`), Refused."""
    _, reason = _said(named, reason)
    with store.record(Fact(actor, "decider.ended", named, {"reason": reason})) as unit:
        now = clock.now()
        check_decides_for_good(unit.connection, actor, now)
        row = unit.connection.execute(
            select(decider).where(decider.c.id == named, decider.c.ended_at.is_(None))
        ).first()
        if row is None:
            raise NotFound(
                "grant.decider-unknown",
                "Nobody's right to decide was ended.",
                "Nobody who can decide here has this id.",
                "List who may decide, and use an id from there.",
            )
        unit.note(account=row.account)
        unit.execute(update(decider).where(decider.c.id == named).values(ended_at=stamp(now)))


def _said(name: str, reason: str) -> tuple[str, str]:
    if not name.strip() or not reason.strip():
        raise BadInput(
            "grant.reason-missing",
            "Nothing was changed.",
            "A name and a reason are needed: both are recorded.",
            "Write both.",
        )
    return name.strip(), reason.strip()[:2000]
