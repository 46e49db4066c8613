"""What opening a request found and what follows from it by itself: covered by a grant, settled by a rule, or held.

One transaction: the findings, the grants that the request voids, the verdict, the answer that is owed and the receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import Refused
from podadmin.limits import service as limits
from podadmin.limits.records import PROMISES
from podadmin.requests import grant_moves, receipts, review_moves
from podadmin.requests.grant_pins import Pins
from podadmin.requests.moves import GATE, changed, move
from podadmin.requests.purposes import as_decided
from podadmin.requests.reading import Found, findings_of, found_of, row_of
from podadmin.requests.records import decision, sealed
from podadmin.requests.rule_history import POLICY, Tried, keep_facts, policy_mark
from podadmin.requests.state import Event, State, advance
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

REASON_LIMIT: Final = 2000
REPLAYED: Final = "request.replayed"
_FOUND: Final = update(sealed).where(sealed.c.request_id == bindparam("of"))


@dataclass(frozen=True)
class LimitSeen:
    """One limit of an access check. `limit` None: the network sets none."""

    resource: str
    limit: float | None
    network_total: float


@dataclass(frozen=True)
class Opening:
    """What opening a request found. `verdict`: allow | refuse | hold. `findings` is JSON: what the screens show.

    `pins` are those of a verified request, None for any other. `rule` names the rule that settled the verdict, if one
    did. `votes_needed`: how many reviewers have to say yes before a person may approve; `review_why` says why. `tried`
    is what rules were held against.
    """

    requester: str
    task: str
    datasource: str
    project: str
    risk: str
    verified: str
    fingerprint: str
    verdict: str
    code: str
    words: str
    answerable: bool
    findings: Mapping[str, Any]
    sealed_digest: str = ""
    grant_id: str = ""
    seen: tuple[LimitSeen, ...] = ()
    pins: Pins | None = None
    rule: str = ""
    votes_needed: int = 0
    review_why: str = ""
    tried: Tried | None = None


Look = Callable[[Connection], Opening]
"""What opening finds, seen through a connection."""


def record_opening(store: Store, clock: Clock, request_id: str, opening: Opening) -> State:
    """Write what opening found, and the verdict on it, in one transaction; returns the new state.

    Raises Refused (`request.wrong-state`) where the request was opened before; then nothing was changed.
    """
    return open_by(store, clock, request_id, lambda _connection: opening)


def open_by(store: Store, clock: Clock, request_id: str, look: Look) -> State:
    """`record_opening` of what `look` finds with the connection that writes it down.

    So a verdict is given on what is so when it is recorded: no grant, rule or request can change in between.
    """
    with store.record(Fact(GATE, "request.opened", request_id), together=True) as unit:
        row = row_of(unit.connection, request_id)
        advance(State(row.state), Event.HELD)  # only what is captured and nothing else can be opened
        opening = look(unit.connection)
        unit.note(verdict=opening.verdict, code=opening.code)
        row = _keep(unit, clock, row, opening)
        if opening.pins is not None and opening.code != REPLAYED:
            voided = grant_moves.void_broken(unit, clock, row, opening.pins)
            if voided:
                unit.note(voids=list(voided))
        if opening.verdict == "allow":
            return _allow(unit, clock, row, opening)
        if opening.verdict == "hold":
            if opening.votes_needed:
                asked_by = f"rule {opening.rule}" if opening.rule else GATE
                review_moves.open_review(
                    unit, clock, request_id, opening.votes_needed, (), opening.review_why, asked_by
                )
            unit.also(Fact(GATE, "request.held", request_id, {"until": row.deadline}))
            return move(unit, request_id, Event.HELD, opening.words, row=row)
        return _refuse(unit, clock, row, opening)


def _keep(unit: Unit, clock: Clock, row: Row[Any], opening: Opening) -> Row[Any]:
    """Write down what was found; the request's row as it stands then."""
    request_id = row.id
    spoke = opening.tried.policy if opening.tried is not None else policy_mark(unit.connection)
    findings = {**findings_of(unit.connection, request_id), **opening.findings, POLICY: spoke}
    if opening.pins is not None:
        findings["pins"] = {"family": opening.pins.family, "values": dict(opening.pins.values)}
    if opening.tried is not None:
        keep_facts(unit, request_id, row.number, opening.tried)
    for seen in opening.seen:
        limits.note_limits(
            unit,
            network=row.network,
            project=opening.project,
            resource=seen.resource,
            limit=seen.limit,
            network_total=seen.network_total,
            request_id=request_id,
            at=clock.now(),
        )
    values: dict[str, Any] = {
        "requester": opening.requester or row.requester,
        "task": opening.task,
        "datasource": opening.datasource,
        "project": opening.project,
        "risk": opening.risk,
        "verified": opening.verified,
        "fingerprint": opening.fingerprint,
        "sealed_digest": opening.sealed_digest,
        "state_words": opening.words,
    }
    unit.execute(_FOUND, {"of": request_id, "findings": canonical(findings)})
    after = changed(unit, request_id, **values)
    unit.note(requester=values["requester"], task=opening.task, risk=opening.risk, fingerprint=opening.fingerprint)
    if opening.findings.get("opened_by"):
        unit.note(key=opening.findings["opened_by"])  # the use of a private key is told where it was used
    return after


def pins_in(found: Found) -> Pins | None:
    """The pins that were found when a request was opened; None for one that was not verified or is older than pins."""
    kept = found.findings.get("pins")
    return Pins(kept["family"], found.row.fingerprint, kept["values"]) if kept else None


def pins_decided(unit: Unit, found: Found) -> Pins | None:
    """The pins on which a person decides now: the project may be for something else than when the request came."""
    pins = pins_in(found)
    if pins is None:
        return None
    decided = as_decided(unit.connection, pins, found.row.project)
    if decided != pins:
        findings = {**found.findings, "pins": {"family": decided.family, "values": dict(decided.values)}}
        unit.execute(_FOUND, {"of": found.row.id, "findings": canonical(findings)})
    return decided


def _allow(unit: Unit, clock: Clock, row: Row[Any], opening: Opening) -> State:
    request_id = row.id
    if opening.tried is not None and opening.tried.policy != policy_mark(unit.connection):
        return _hold_after_all(unit, row, "rules were changed meanwhile", "Waiting for your decision")
    grant_id = opening.grant_id
    if not grant_id and not opening.rule:
        return _hold_after_all(unit, row, "nothing names what allows it", "Waiting for your decision")
    try:
        # all or nothing: neither a run of the grant nor a promise for one model may stay behind where the rest fails
        with unit.connection.begin_nested():
            if grant_id and not grant_moves.use(unit, clock, grant_id, request_id):
                raise _grant_over("The grant ended meanwhile", "the grant was used up or ended meanwhile")
            amounts = reserve(unit, clock, found_of(unit.connection, request_id), request_id)
            if grant_id and not grant_moves.use_inferences(unit, grant_id, request_id, amounts):
                raise _grant_over("The grant has too few inferences left", "the grant has too few inferences left")
    except Refused as error:
        unit.note(**{PROMISES: {}})  # what the entry tells of was taken back
        why = error.why if error.code == "grant.over" else error.code
        return _hold_after_all(unit, row, why, error.what)
    by = "grant" if grant_id else "rule"
    fact: dict[str, Any] = {"rule": opening.rule}
    if grant_id:
        fact = {"grant": grant_id, "inferences": sum(amounts)}
    row = changed(unit, request_id, grant_id=grant_id)
    reason = f"Covered by the grant {grant_id}" if grant_id else f"Allowed by the rule {opening.rule}"
    decide(unit, clock, request_id, "allow", by, reason)
    unit.also(Fact(GATE, "request.approved", request_id, fact))
    told = {**fact, "by": by, "request": row}
    receipts.issue(unit, clock, "approved", ("request.approved", request_id), told)
    return move(unit, request_id, Event.APPROVED, f"Approved by a {by}, waiting for delivery to the pod", row=row)


def _grant_over(what: str, why: str) -> Refused:
    return Refused("grant.over", what, why, "Decide on the request by hand.")


def _refuse(unit: Unit, clock: Clock, row: Row[Any], opening: Opening) -> State:
    request_id = row.id
    by = f"the rule {opening.rule}" if opening.rule else "the gate's own checks"
    unit.also(Fact(GATE, "request.refused", request_id, {"code": opening.code, "by": by}))
    told = {
        "by": by,
        "code": opening.code,
        "reason": opening.words,
        **({"rule": opening.rule} if opening.rule else {}),
        "request": row,
    }
    reference = receipts.issue(unit, clock, "refused", ("request.refused", request_id), told)
    event = Event.REFUSED if opening.rule else Event.INVALID
    owes, say = ("reject", f"{opening.words} Receipt {reference}.") if opening.answerable else ("", "")
    return move(unit, request_id, event, opening.words, row=row, owes=owes, say=say)


def _hold_after_all(unit: Unit, row: Row[Any], why: str, words: str) -> State:
    unit.also(Fact(GATE, "request.held", row.id, {"why": why}))
    return move(unit, row.id, Event.HELD, words, row=row)


def reserve(unit: Unit, clock: Clock, found: Found, request_id: str) -> tuple[float, ...]:
    """Promise what the request wants; how much of each model was. Raises Refused (`limit.*`)."""
    amounts = []
    for want in found.findings.get("wants", ()):
        reservation = limits.reserve(
            unit,
            request_id=request_id,
            network=found.row.network,
            project=found.row.project,
            resource=want["resource"],
            requester=found.row.requester,
            datasource=found.row.datasource,
            wanted=want["amount"],
            at=clock.now(),
        )
        unit.note(reserved=reservation.amount, resource=want["resource"])
        amounts.append(reservation.amount)
    return tuple(amounts)


def decide(unit: Unit, clock: Clock, request_id: str, verdict: str, by: str, reason: str) -> None:
    """Write down the decision on a request."""
    unit.execute(
        insert(decision),
        {
            "id": new_id("dec"),
            "request_id": request_id,
            "verdict": verdict,
            "by": by,
            "reason": reason[:REASON_LIMIT],
            "at": stamp(clock.now()),
        },
    )
