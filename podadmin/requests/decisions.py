"""What a person decides about a request: approve it, once or with a grant for the runs to come, or refuse it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from podadmin.core.clock import Clock, unstamp
from podadmin.core.errors import Refused
from podadmin.requests import grant_cover, receipts, review_moves
from podadmin.requests.grant_moves import Terms, check_terms, make_grant
from podadmin.requests.moves import lapse, move, owe
from podadmin.requests.opening_record import REASON_LIMIT, decide, pins_decided, reserve
from podadmin.requests.reading import Found, found_of, row_of
from podadmin.requests.rules_now import check_rules
from podadmin.requests.state import WAITING, Event, State
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

Check = Callable[[Connection, Found, str, datetime], None]


def check_approve(connection: Connection, found: Found, actor: str, now: datetime) -> None:
    """May `actor` approve this request now?

    Raises Refused: `request.cannot-approve`, `grant.not-decider`, `rule.refuses-now`, `review.rule-asks`,
    `review.votes-missing`, `review.said-no`, `review.own`.
    """
    if found.row.state not in WAITING:
        raise Refused(
            "request.cannot-approve",
            "The request was not approved.",
            _not_waiting(found),
            "Open the list of requests to see those that wait.",
        )
    grant_cover.check_may_decide(connection, actor, now)
    check_rules(connection, found)
    review_moves.check_reviewed(connection, found.row.id, actor)


def check_refuse(connection: Connection, found: Found, actor: str, now: datetime) -> None:
    """May `actor` refuse this request now? Raises Refused: `request.cannot-refuse`, `grant.not-decider`."""
    if found.row.state not in WAITING:
        raise Refused(
            "request.cannot-refuse",
            "The request was not refused.",
            _not_waiting(found),
            "Open the list of requests to see those that wait.",
        )
    grant_cover.check_may_decide(connection, actor, now)


def approve(
    store: Store,
    clock: Clock,
    request_id: str,
    actor: str,
    note: str,
    grant_days: float,
    terms: Terms | None = None,
) -> State:
    """Decide for the request. In its window it will be delivered; after it, a grant waits for it to be sent again.

    With `terms` a grant is made in the window too, for runs to come; after it, the grant has those terms instead of
    one run in `grant_days`. Raises what `check_approve` raises, Refused (`limit.exhausted`) and BadInput
    (`grant.bad-terms`); then nothing was changed.
    """
    if terms is not None:
        check_terms(terms)
    with store.record(Fact(actor, "request.approved", request_id, {"note": note[:REASON_LIMIT]})) as unit:
        found = found_of(unit.connection, request_id)
        now = clock.now()
        check_approve(unit.connection, found, actor, now)
        covered = grant_cover.check_may_decide(unit.connection, actor, now)
        if covered:
            unit.note(stands_for=covered)
        decide(unit, clock, request_id, "allow", actor, note)
        told = {"by": actor, "request": found.row, **({"stands_for": covered} if covered else {})}
        receipts.issue(unit, clock, "approved", ("request.approved", request_id), told)
        pins = pins_decided(unit, found)
        late = found.row.state == State.LAPSED or now >= unstamp(found.row.deadline)
        if (late or terms is not None) and found.findings.get("flow"):
            raise Refused(
                "request.once-only",
                "The request was not approved.",
                "A flow can be approved only for this once and while it can be delivered: nothing in it could be "
                "pinned by a grant.",
                "Ask for it to be sent again, and decide in time.",
            )
        if late or terms is not None:
            made = make_grant(unit, clock, found.row, pins, actor, terms or Terms(1, grant_days, note=note))
            unit.note(makes=made)
        if not late:
            reserve(unit, clock, found, request_id)
            return move(unit, request_id, Event.APPROVED, "Approved, waiting for delivery to the pod")
        if found.row.state == State.HELD:
            unit.note(reference=lapse(unit, clock, request_id))
        return move(unit, request_id, Event.GRANTED, "Approved after its window: a grant waits for it to be sent again")


def refuse(store: Store, clock: Clock, request_id: str, actor: str, reason: str) -> State:
    """Decide against the request, with the words that its requester will read.

    Raises what `check_refuse` raises and Refused (`request.reason-missing`); then nothing was changed.
    """
    words = reason.strip()
    if not words:
        raise Refused(
            "request.reason-missing",
            "The request was not refused.",
            "A refusal needs a reason: its requester will read it, and so will whoever asks later.",
            "Write one sentence that says why.",
        )
    with store.record(Fact(actor, "request.refused", request_id, {"reason": words[:REASON_LIMIT]})) as unit:
        found = found_of(unit.connection, request_id)
        check_refuse(unit.connection, found, actor, clock.now())
        covered = grant_cover.check_may_decide(unit.connection, actor, clock.now())
        if covered:
            unit.note(stands_for=covered)
        decide(unit, clock, request_id, "refuse", actor, words)
        told = {
            "by": actor,
            "reason": words[:REASON_LIMIT],
            "request": row_of(unit.connection, request_id),
            **({"stands_for": covered} if covered else {}),
        }
        reference = receipts.issue(unit, clock, "refused", ("request.refused", request_id), told)
        if found.row.state == State.HELD:
            owe(unit, request_id, "reject", f"{words}\nReceipt {reference}.")
        return move(unit, request_id, Event.REFUSED, f"Refused by {actor}")


def _not_waiting(found: Found) -> str:
    return f"It is not waiting for a decision: {found.row.state_words[:1].lower()}{found.row.state_words[1:]}."
