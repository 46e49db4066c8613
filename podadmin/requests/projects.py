"""The projects that requests have named, and stating what each is for.

A purpose is a pin: what was decided while a project was for one thing was not decided for another. So another purpose
voids the grants that were made under the one before, at once and in the same transaction. A purpose that is taken back
without another being stated voids nothing: those grants cover nothing until the same is stated again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.sqlite import insert as put

from podadmin.core.clock import Clock, stamp, unstamp
from podadmin.core.errors import BadInput
from podadmin.core.text import quoted, stranger
from podadmin.requests import grant_moves
from podadmin.requests.grant_acts import hold_again
from podadmin.requests.grant_cover import check_may_decide
from podadmin.requests.grant_pins import PURPOSE, UNKNOWN
from podadmin.requests.grants import changes_of
from podadmin.requests.purposes import as_decided, as_pin, purposes_of
from podadmin.requests.records import grant, request
from podadmin.requests.rule_records import project_purpose
from podadmin.requests.terms import duo
from podadmin.store.engine import Store
from podadmin.store.unit import Fact


@dataclass(frozen=True)
class Project:
    """A project that requests have named or whose purpose was stated. `codes` empty: nothing is stated (any more).

    `at` and `by` None and empty: nothing ever was. `bound`: lasting grants that another purpose than `codes` voids.
    """

    name: str
    codes: tuple[str, ...]
    at: datetime | None
    by: str
    requests: int
    grants: int
    bound: int


def projects(connection: Connection, now: datetime, only: str = "") -> tuple[Project, ...]:
    """Every project that was named in a request or here, by name; with `only` that one, also where nobody named it."""
    named = select(request.c.project, func.count().label("n")).where(request.c.project != "")
    stated = select(project_purpose)
    if only:
        named, stated = named.where(request.c.project == only), stated.where(project_purpose.c.project == only)
    counts = {row.project: int(row.n) for row in connection.execute(named.group_by(request.c.project))}
    kept = {row.project: row for row in connection.execute(stated)}
    grants = _lasting(connection, now, only)
    lasting, bound = Counter(row.project for row in grants), Counter(row.project for row in grants if _bound(row))
    found = []
    for name in sorted({*counts, *kept, *([only] if only else [])}):
        row = kept.get(name)
        found.append(
            Project(
                name,
                tuple(row.codes.split()) if row else (),
                unstamp(row.at) if row else None,
                row.by if row else "",
                counts.get(name, 0),
                lasting[name],
                bound[name],
            )
        )
    return tuple(found)


def state_purpose(store: Store, clock: Clock, actor: str, project: str, codes: Iterable[str]) -> tuple[str, ...]:
    """State what a project is for; no codes: nothing is stated any more. Returns the grants that are void now.

    Raises BadInput (`rule.bad-purpose`), Refused (`grant.not-decider`).
    """
    wanted = tuple(sorted({each.strip() for each in codes if each.strip()}))
    unknown = [each for each in wanted if each not in duo().terms]
    if unknown or not project.strip():
        raise BadInput(
            "rule.bad-purpose",
            "The purpose was not stated.",
            f"{quoted(unknown[0], 40)} is no code of the Data Use Ontology." if unknown else "It names no project.",
            "See the codes with `podadmin rules purposes`.",
        )
    name, now = project.strip(), clock.now()
    fact = Fact(actor, "rule.purpose-stated", name, {"codes": list(wanted), "words": [duo().words(c) for c in wanted]})
    with store.record(fact) as unit:
        check_may_decide(unit.connection, actor, now)
        unit.note(was=list(purposes_of(unit.connection, name)))
        values = {"codes": as_pin(wanted), "at": stamp(now), "by": actor}
        unit.execute(
            put(project_purpose)
            .values(project=name, version=1, **values)
            .on_conflict_do_update(
                [project_purpose.c.project], set_={**values, "version": project_purpose.c.version + 1}
            )
        )
        version = select(project_purpose.c.version).where(project_purpose.c.project == name)
        unit.note(version=unit.connection.execute(version).scalar_one())
        voided = []
        for row in _lasting(unit.connection, now, name):
            found = grant_moves.grant_of(row)
            if found.pins is None or not _bound(row):
                continue
            asked = as_decided(unit.connection, found.pins, name)
            if asked.values[PURPOSE] not in {*UNKNOWN, found.pins.values[PURPOSE]}:
                changes = changes_of(found, asked, (PURPOSE,))
                grant_moves.void(unit, clock, found.id, actor, changes, {"project": stranger(name)})
                hold_again(unit, clock, actor, found.id)
                voided.append(found.id)
        if voided:
            unit.note(voids=voided)
    return tuple(voided)


def _lasting(connection: Connection, now: datetime, project: str) -> tuple[Row[Any], ...]:
    """The grants that last, each with the project of the request that it was made from; empty: of every project."""
    wanted = select(grant, request.c.project).join(request, request.c.id == grant.c.made_from)
    if project:
        wanted = wanted.where(request.c.project == project)
    return tuple(row for row in connection.execute(wanted.where(grant.c.ended == "")) if grant_moves.lasts(row, now))


def _bound(row: Row[Any]) -> bool:
    """Is a grant bound to a purpose that was known when it was made?"""
    return bool(row.pins) and json.loads(row.pins).get(PURPOSE) not in UNKNOWN
