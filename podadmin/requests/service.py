"""What happens to a request, act by act: captured, opened, decided, delivered, started, ended, answered.

Every function is one transaction together with its journal entry. A crash between two of them leaves a state from
which the gate goes on: nothing is lost, and nothing is started twice, because `started` is recorded before the pod
may work and can be recorded once only.

This is the face of the room: what is read (`reading`) and what follows a decision (`delivery`) are named here as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import PodadminError, Refused
from podadmin.limits import service as limits
from podadmin.requests.delivery import answered, end, ended, interrupted, next_to_deliver, reconcile, started
from podadmin.requests.moves import GATE, Unchanged, lapse, make_grant, move, owe, unless_moved
from podadmin.requests.reading import (
    Found,
    Listing,
    Sealed,
    active,
    answers_due,
    by_task,
    bytes_of,
    count_held,
    find,
    findings_of,
    found_of,
    grants_for,
    last_approved_like,
    last_message_of,
    listing,
    row_of,
    seen_before,
    waiting_to_open,
)
from podadmin.requests.records import decision, grant, request, requester_key, sealed
from podadmin.requests.state import Event, State, advance
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

__all__ = [
    "GATE",
    "Captured",
    "Found",
    "LimitSeen",
    "Listing",
    "Opening",
    "Sealed",
    "active",
    "answered",
    "answers_due",
    "approve",
    "by_task",
    "bytes_of",
    "capture",
    "check_approve",
    "check_refuse",
    "count_held",
    "end",
    "ended",
    "find",
    "grants_for",
    "interrupted",
    "lapse_due",
    "last_approved_like",
    "last_message_of",
    "listing",
    "next_to_deliver",
    "pin_requester_key",
    "reconcile",
    "record_opening",
    "refuse",
    "seen_before",
    "started",
    "waiting_to_open",
]
REASON_LIMIT = 2000


@dataclass(frozen=True)
class Captured:
    """A trigger as it came: `wire` is the whole message, `body` what it carries or refers to. `window` in seconds."""

    network: str
    task_id: str
    type: int
    sender: str
    wire: bytes
    body: bytes
    body_digest: str
    sent_at: datetime | None
    window: float
    problem: PodadminError | None = None


@dataclass(frozen=True)
class LimitSeen:
    """One limit of an access check. `limit` None: the network sets none."""

    resource: str
    limit: float | None
    network_total: float


@dataclass(frozen=True)
class Opening:
    """What opening a request found. `verdict`: allow | refuse | hold. `findings` is JSON: what the screens show."""

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


def capture(store: Store, clock: Clock, captured: Captured) -> str | None:
    """Keep a trigger before anything is acknowledged. None where this task's trigger is already kept."""
    now = clock.now()
    request_id = new_id("req")
    started = min(captured.sent_at or now, now)
    words = captured.problem.what if captured.problem else "Captured, not opened yet"
    findings: dict[str, Any] = {"sent_at": stamp(captured.sent_at) if captured.sent_at else None}
    state = State.CAPTURED
    if captured.problem is not None:
        state = advance(state, Event.INVALID)
        findings["problem"] = captured.problem.as_dict()
    body = {
        "network": captured.network,
        "task": captured.task_id,
        "type": captured.type,
        "bytes": len(captured.body),
        "sha256": captured.body_digest,
        "wire": hashlib.sha256(captured.wire).hexdigest(),
    }
    if captured.problem is not None:
        body["problem"] = captured.problem.code
    try:
        with store.record(Fact(GATE, "request.captured", request_id, body)) as unit:
            unit.execute(
                insert(request).values(
                    id=request_id,
                    network=captured.network,
                    task_id=captured.task_id,
                    type=captured.type,
                    state=state,
                    state_words=words,
                    received_at=stamp(now),
                    deadline=stamp(started + timedelta(seconds=captured.window)),
                    requester=captured.sender,
                    body_digest=captured.body_digest,
                )
            )
            unit.execute(
                insert(sealed).values(
                    request_id=request_id, wire=captured.wire, body=captured.body, findings=canonical(findings)
                )
            )
    except PodadminError as error:
        if isinstance(error.__cause__, IntegrityError) and _is_kept(store, captured):
            return None
        raise
    return request_id


def _is_kept(store: Store, captured: Captured) -> bool:
    same = select(request.c.id).where(
        request.c.network == captured.network,
        request.c.task_id == captured.task_id,
        request.c.type == captured.type,
    )
    with store.read() as connection:
        return connection.execute(same).first() is not None


def record_opening(store: Store, clock: Clock, request_id: str, opening: Opening) -> State:
    """Write what opening found, and the verdict of the rules on it, in one transaction; returns the new state.

    Raises Refused (`request.wrong-state`) where the request was opened before; then nothing was changed.
    """
    with store.record(
        Fact(GATE, "request.opened", request_id, {"verdict": opening.verdict, "code": opening.code})
    ) as unit:
        row = row_of(unit.connection, request_id)
        advance(State(row.state), Event.HELD)  # only what is captured and nothing else can be opened
        findings = {**findings_of(unit.connection, request_id), **opening.findings}
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
        unit.execute(update(sealed).where(sealed.c.request_id == request_id).values(findings=canonical(findings)))
        unit.execute(update(request).where(request.c.id == request_id).values(**values))
        unit.note(requester=values["requester"], task=opening.task, risk=opening.risk, fingerprint=opening.fingerprint)
        if opening.verdict == "allow":
            state = _allow_by_grant(unit, clock, request_id, opening)
        elif opening.verdict == "hold":
            state = move(unit, request_id, Event.HELD, opening.words)
            unit.also(Fact(GATE, "request.held", request_id, {"until": row.deadline}))
        else:
            state = move(unit, request_id, Event.INVALID, opening.words)
            if opening.answerable:
                owe(unit, request_id, "reject", opening.words)
            unit.also(Fact(GATE, "request.refused", request_id, {"code": opening.code, "by": "the gate's own checks"}))
    return state


def check_approve(found: Found) -> None:
    """Raises Refused (`request.cannot-approve`) where this request cannot be approved any more or at all."""
    if found.row.state in {State.HELD, State.LAPSED}:
        return
    raise Refused(
        "request.cannot-approve",
        "The request was not approved.",
        f"It is not waiting for a decision: {found.row.state_words[:1].lower()}{found.row.state_words[1:]}.",
        "Open the list of requests to see those that wait.",
    )


def check_refuse(found: Found) -> None:
    """Raises Refused (`request.cannot-refuse`) where there is nothing left to refuse."""
    if found.row.state in {State.HELD, State.LAPSED}:
        return
    raise Refused(
        "request.cannot-refuse",
        "The request was not refused.",
        f"It is not waiting for a decision: {found.row.state_words[:1].lower()}{found.row.state_words[1:]}.",
        "Open the list of requests to see those that wait.",
    )


def approve(store: Store, clock: Clock, request_id: str, actor: str, note: str, grant_days: int) -> State:
    """Decide for the request. In its window it will be delivered; after it, a grant waits for it to be sent again.

    Raises Refused (`request.cannot-approve`, `limit.exhausted`); then nothing was changed.
    """
    with store.record(Fact(actor, "request.approved", request_id, {"note": note[:REASON_LIMIT]})) as unit:
        found = found_of(unit.connection, request_id)
        check_approve(found)
        _decide(unit, clock, request_id, "allow", actor, note)
        late = found.row.state == State.LAPSED or clock.now() >= unstamp(found.row.deadline)
        if not late:
            _reserve(unit, clock, found, request_id)
            return move(unit, request_id, Event.APPROVED, "Approved, waiting for delivery to the pod")
        if found.row.state == State.HELD:
            unit.note(reference=lapse(unit, request_id))
        make_grant(unit, clock, row_of(unit.connection, request_id), actor, grant_days)
        return move(unit, request_id, Event.GRANTED, "Approved after its window: a grant waits for it to be sent again")


def refuse(store: Store, clock: Clock, request_id: str, actor: str, reason: str) -> State:
    """Decide against the request, with the words that its requester will read.

    Raises Refused (`request.cannot-refuse`, `request.reason-missing`); then nothing was changed.
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
        check_refuse(found)
        _decide(unit, clock, request_id, "refuse", actor, words)
        if found.row.state == State.HELD:
            owe(unit, request_id, "reject", words)
        return move(unit, request_id, Event.REFUSED, f"Refused by {actor}")


def lapse_due(store: Store, clock: Clock) -> tuple[str, ...]:
    """Tell the requesters of all requests whose window has passed that they are held, each with its reference."""
    now = stamp(clock.now())
    with store.read() as connection:
        due = connection.execute(
            select(request.c.id).where(request.c.state == State.HELD, request.c.deadline <= now)
        ).scalars()
        waiting = tuple(due)
    lapsed = []
    for request_id in waiting:
        with unless_moved(store, Fact(GATE, "request.lapsed", request_id)) as unit:
            if row_of(unit.connection, request_id).state != State.HELD:
                raise Unchanged
            unit.note(reference=lapse(unit, request_id))
            lapsed.append(request_id)
    return tuple(lapsed)


def pin_requester_key(
    store: Store, clock: Clock, *, network: str, requester: str, key_id: str, fingerprint: str, public_pem: str
) -> bool:
    """Pin a requester's key at first sight. False where another key was pinned under this name before."""
    where = (
        requester_key.c.network == network,
        requester_key.c.requester == requester,
        requester_key.c.key_id == key_id,
    )
    with store.read() as connection:
        pinned = connection.execute(select(requester_key.c.fingerprint).where(*where)).scalar_one_or_none()
    if pinned is not None:
        return bool(pinned == fingerprint)
    body = {"network": network, "requester": requester, "key": key_id, "fingerprint": fingerprint}
    with store.record(Fact(GATE, "key.pinned", requester, body)) as unit:
        unit.execute(
            insert(requester_key).values(
                network=network,
                requester=requester,
                key_id=key_id,
                fingerprint=fingerprint,
                public_pem=public_pem,
                first_seen_at=stamp(clock.now()),
            )
        )
    return True


def _allow_by_grant(unit: Unit, clock: Clock, request_id: str, opening: Opening) -> State:
    used = unit.execute(
        update(grant)
        .where(grant.c.id == opening.grant_id, grant.c.runs_left > 0, grant.c.voided_reason.is_(None))
        .values(runs_left=grant.c.runs_left - 1)
    )
    if used.rowcount != 1:
        return _hold_after_all(unit, request_id, "the grant was used up meanwhile", "Waiting for your decision")
    try:
        # all or nothing: a promise for one model must not stay behind when the other has none left
        with unit.connection.begin_nested():
            _reserve(unit, clock, found_of(unit.connection, request_id), request_id)
    except Refused as error:
        unit.execute(update(grant).where(grant.c.id == opening.grant_id).values(runs_left=grant.c.runs_left + 1))
        return _hold_after_all(unit, request_id, error.code, error.what)
    unit.execute(update(request).where(request.c.id == request_id).values(grant_id=opening.grant_id))
    _decide(unit, clock, request_id, "allow", "grant", f"Covered by the grant {opening.grant_id}")
    unit.also(Fact(GATE, "request.approved", request_id, {"grant": opening.grant_id}))
    return move(unit, request_id, Event.APPROVED, "Approved by a grant, waiting for delivery to the pod")


def _hold_after_all(unit: Unit, request_id: str, why: str, words: str) -> State:
    unit.also(Fact(GATE, "request.held", request_id, {"why": why}))
    return move(unit, request_id, Event.HELD, words)


def _reserve(unit: Unit, clock: Clock, found: Found, request_id: str) -> None:
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


def _decide(unit: Unit, clock: Clock, request_id: str, verdict: str, by: str, reason: str) -> None:
    unit.execute(
        insert(decision).values(
            id=new_id("dec"),
            request_id=request_id,
            verdict=verdict,
            by=by,
            reason=reason[:REASON_LIMIT],
            at=stamp(clock.now()),
        )
    )
