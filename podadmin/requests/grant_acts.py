"""What a person does with grants: make one from an earlier approval, let a pin vary, revoke. One transaction each."""

from __future__ import annotations

from sqlalchemy import select

from podadmin.core.clock import Clock
from podadmin.core.errors import BadInput, Refused
from podadmin.limits import service as limits
from podadmin.requests import grant_cover, grant_moves
from podadmin.requests.grant_moves import Terms
from podadmin.requests.moves import lapse
from podadmin.requests.opening_record import REASON_LIMIT, pins_decided
from podadmin.requests.reading import find, found_of
from podadmin.requests.records import request
from podadmin.requests.state import State
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit


def make_from(store: Store, clock: Clock, name: str, actor: str, terms: Terms) -> str:
    """A grant for more runs of a request that a person has approved; its id.

    Raises Refused (`grant.no-approval`, `grant.not-decider`), BadInput (`grant.bad-terms`), NotFound.
    """
    grant_moves.check_terms(terms)
    request_id = find(store, name).row.id
    with store.record(Fact(actor, "grant.wanted", request_id, {"runs": terms.runs})) as unit:
        grant_cover.check_may_decide(unit.connection, actor, clock.now())
        found = found_of(unit.connection, request_id)
        by_person = found.decision is not None and found.decision.by not in {"grant", "rule"}
        if found.decision is None or found.decision.verdict != "allow" or not by_person:
            raise Refused(
                "grant.no-approval",
                "No grant was made.",
                "A grant is made from a decision, and no person has approved this request.",
                "Decide on the request first; approving it can make a grant at once.",
            )
        return grant_moves.make_grant(unit, clock, found.row, pins_decided(unit, found), actor, terms)


def revoke(store: Store, clock: Clock, grant_id: str, actor: str, reason: str) -> None:
    """End a grant at once. What it let through and what has not gone to the pod yet is held again; what runs goes on.

    Raises NotFound (`grant.unknown`), Refused (`grant.ended`, `grant.not-decider`), BadInput (`grant.reason-missing`).
    """
    words = _reason(reason)
    with store.record(Fact(actor, "grant.revoked", grant_id, {"reason": words})) as unit:
        grant_cover.check_may_decide(unit.connection, actor, clock.now())
        grant_moves.revoke(unit, clock, grant_id, actor, words)
        unit.note(held_again=hold_again(unit, clock, actor, grant_id))


def hold_again(unit: Unit, clock: Clock, actor: str, grant_id: str) -> list[str]:
    """A grant has ended: what it let through and what has not gone to the pod yet is held again; those requests."""
    waiting = unit.connection.execute(
        select(request.c.id).where(request.c.grant_id == grant_id, request.c.state == State.APPROVED)
    ).scalars()
    held = list(waiting)
    for request_id in held:
        limits.settle(unit, request_id, "not-delivered", clock.now())
        grant_moves.give_back(unit, clock, request_id)
        unit.also(Fact(actor, "request.held-again", request_id, {"grant": grant_id, "state": str(State.LAPSED)}))
        lapse(unit, clock, request_id, ("request.held-again", request_id))
    return held


def let_vary(store: Store, clock: Clock, grant_id: str, actor: str, pin: str, reason: str) -> None:
    """From now on a pin of the grant may be anything. Raises as `revoke`, and BadInput (`grant.bad-pin`)."""
    words = _reason(reason)
    with store.record(Fact(actor, "grant.varied", grant_id, {"pin": pin, "reason": words})) as unit:
        grant_cover.check_may_decide(unit.connection, actor, clock.now())
        unit.note(may_vary=grant_moves.let_vary(unit, clock, grant_id, actor, pin, words))


def _reason(reason: str) -> str:
    if not reason.strip():
        raise BadInput(
            "grant.reason-missing",
            "Nothing was changed.",
            "A name and a reason are needed: both are recorded.",
            "Write both.",
        )
    return reason.strip()[:REASON_LIMIT]
