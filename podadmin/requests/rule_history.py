"""Past requests for deciding again: their facts and circumstances, kept at opening, read ten thousand at once.

Requests of an older podadmin have no facts yet. What their record still says is taken for a simulation, and written
down when a rule is next saved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Connection, Row, Select, func, insert, select

from podadmin.core.canon import canonical
from podadmin.core.clock import stamp, unstamp
from podadmin.core.errors import NotFound
from podadmin.requests.grant_moves import grants_for
from podadmin.requests.grant_pins import Pins
from podadmin.requests.policy import Grants
from podadmin.requests.records import decision, grant, request, sealed
from podadmin.requests.rule_facts import Facts, keep, kept, older
from podadmin.requests.rule_records import project_purpose, request_facts, rule
from podadmin.requests.simulation import Circumstances, Past
from podadmin.requests.verdict import Considered, Stance
from podadmin.store.unit import Unit

MOST: Final = 10_000
"""So many of the newest verified requests are decided again."""
MOST_AT_ONCE: Final = 1_000
_BY_ITSELF: Final = frozenset({"grant", "rule"})
POLICY: Final = "policy"
"""In the findings of a request: the mark of the rules that it met when it was opened."""
# made once: making a statement takes longer than running it, and these run for every request
_RULES: Final = select(func.count(), func.sum(rule.c.version)).select_from(rule)
_PURPOSES: Final = select(func.sum(project_purpose.c.version))
_GRANTS: Final = select(func.count()).select_from(grant)
_KEEP: Final = insert(request_facts)


@dataclass(frozen=True)
class Tried:
    """What a verdict was reached on: the facts, everything that was said apart from rules, when, and which rules.

    `policy` is what `policy_mark` said of the rules; empty where it is not known.
    """

    at: datetime
    facts: Facts
    circumstances: Circumstances
    policy: str = ""


def policy_mark(connection: Connection) -> str:
    """A mark of the rules in force and of the purposes that they ask for.

    Another one after every change, and never one that was there before.
    """
    count, versions = connection.execute(_RULES).one()
    stated = connection.execute(_PURPOSES).scalar()
    return f"{count}.{versions or 0}.{stated or 0}"


def keep_facts(unit: Unit, request_id: str, number: int, tried: Tried) -> None:
    """Keep what a request was decided on."""
    unit.execute(_KEEP, _values(request_id, number, tried))


def prepared_grants(connection: Connection, pins: Pins) -> Grants:
    """The grants that may cover a request with these pins; all others are counted."""
    near = grants_for(connection, pins)
    every = int(connection.execute(_GRANTS).scalar_one())
    return Grants.of(near, every - len(near))


def past(connection: Connection, most: int = MOST, *, by_people: bool = False) -> tuple[Past, ...]:
    """The newest `most` verified requests, oldest first; of these, `by_people` asks for those that people decided."""
    numbers = select(request.c.number).where(request.c.verified == "verified").order_by(request.c.number.desc())
    first = connection.execute(numbers.offset(most - 1).limit(1)).scalar() or 0
    decided = {row.request_id: row.verdict for row in connection.execute(_decisions(first))}
    wanted = select(
        request_facts.c.request_id,
        request_facts.c.number,
        request_facts.c.at,
        request_facts.c.facts,
        request_facts.c.stance,
    ).where(request_facts.c.number >= first)
    old = _without_facts(first, most)
    if by_people:
        chosen = _decisions(first).with_only_columns(decision.c.request_id)
        wanted = wanted.where(request_facts.c.request_id.in_(chosen))
        old = old.where(request.c.id.in_(chosen))
    found = [
        Past(
            row.request_id,
            row.number,
            unstamp(row.at),
            kept(row.facts),
            cast(Stance, row.stance),
            decided.get(row.request_id, ""),
        )
        for row in connection.execute(wanted)
    ]
    for row, tried in _as_older(connection, old):
        decision_then = decided.get(row.id, "")
        found.append(Past(row.id, row.number, tried.at, tried.facts, tried.circumstances.stance, decision_then))
    return tuple(sorted(found, key=lambda each: each.number))


def tried(connection: Connection, request_id: str) -> Tried:
    """What a request was decided on. Raises NotFound (`rule.no-facts`) where nothing of it could be verified."""
    row = connection.execute(select(request_facts).where(request_facts.c.request_id == request_id)).first()
    if row is not None:
        said = json.loads(row.opinions)
        return Tried(unstamp(row.at), kept(row.facts), Circumstances(_said(said["before"]), _said(said["after"])))
    old = connection.execute(
        select(request, sealed.c.findings)
        .join(sealed, sealed.c.request_id == request.c.id)
        .where(request.c.id == request_id)
    ).first()
    found = _older(old) if old is not None else None
    if found is None:
        raise NotFound(
            "rule.no-facts",
            "Rules cannot be held against this request.",
            "Nothing in it could be verified, so it is not known what it asks for.",
            "Ask its requester to send it again.",
        )
    return found


def complete(unit: Unit) -> int:
    """Write down the facts of requests that were opened before facts were kept, a thousand at a time; how many."""
    written = 0
    for row, found in _as_older(unit.connection, _without_facts(0, MOST_AT_ONCE)):
        keep_facts(unit, row.id, row.number, found)
        written += 1
    return written


def _decisions(first: int) -> Select[Any]:
    return (
        select(decision.c.request_id, decision.c.verdict)
        .join(request, request.c.id == decision.c.request_id)
        .where(request.c.number >= first, decision.c.by.not_in(_BY_ITSELF))
    )


def _without_facts(first: int, most: int) -> Select[Any]:
    return (
        select(request, sealed.c.findings)
        .join(sealed, sealed.c.request_id == request.c.id)
        .join(request_facts, request_facts.c.number == request.c.number, isouter=True)
        .where(request.c.number >= first, request.c.verified == "verified", request_facts.c.number.is_(None))
        .order_by(request.c.number.desc())
        .limit(most)
    )


def _as_older(connection: Connection, wanted: Select[Any]) -> Iterator[tuple[Row[Any], Tried]]:
    for row in connection.execute(wanted):
        found = _older(row)
        if found is not None:
            yield row, found


def _older(row: Row[Any]) -> Tried | None:
    findings: Mapping[str, Any] = json.loads(row.findings)
    facts = older(dict(row._mapping), findings)
    if facts is None:
        return None
    return Tried(unstamp(row.received_at), facts, Circumstances(tuple(_worded(findings)), ()))


def _worded(findings: Mapping[str, Any]) -> Iterator[Considered]:
    """What was said then, from the lines that were shown: their first word is the stance."""
    stances: dict[str, Stance] = {"Refuses": "refuses", "Holds": "holds", "Allows": "allows", "No objection": "passes"}
    for line in findings.get("trace", ())[:-1]:
        first, _, why = str(line.get("outcome", "")).partition(". ")
        yield Considered(str(line.get("considered", "")), stances.get(first, "does-not-apply"), why)


def _values(request_id: str, number: int, found: Tried) -> dict[str, Any]:
    said = {
        "before": [asdict(each) for each in found.circumstances.before],
        "after": [asdict(each) for each in found.circumstances.after],
    }
    return {
        "request_id": request_id,
        "number": number,
        "at": stamp(found.at),
        "facts": keep(found.facts),
        "stance": found.circumstances.stance,
        "opinions": canonical(said),
    }


def _said(lines: list[dict[str, Any]]) -> tuple[Considered, ...]:
    return tuple(Considered(**each) for each in lines)
