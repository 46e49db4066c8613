"""What happens to a request, act by act: captured, opened, decided, delivered, started, ended, answered.

Every function is one transaction together with its journal entry. A crash between two of them leaves a state from
which the gate goes on: nothing is lost, and nothing is started twice, because `started` is recorded before the pod
may work and can be recorded once only.

This is the face of the room: what is read (`reading`), what rules and people decide (`opening_record`, `decisions`) and
what follows (`delivery`) are named here as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import PodadminError
from podadmin.requests import receipts
from podadmin.requests.decisions import approve, check_approve, check_refuse, refuse
from podadmin.requests.delivery import answered, end, ended, interrupted, next_to_deliver, reconcile, started
from podadmin.requests.grant_moves import Terms, grants_for
from podadmin.requests.moves import GATE, Unchanged, lapse, unless_moved
from podadmin.requests.opening_record import LimitSeen, Look, Opening, open_by, record_opening
from podadmin.requests.reading import (
    Found,
    Listing,
    Sealed,
    active,
    answers_due,
    arrived,
    by_task,
    bytes_of,
    count_held,
    find,
    last_approved_like,
    last_message_of,
    listing,
    row_of,
    seen_before,
    waiting_to_open,
    wire_of,
)
from podadmin.requests.records import request, sealed
from podadmin.requests.state import Event, State, advance
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault import trust

__all__ = [
    "GATE",
    "Captured",
    "Found",
    "LimitSeen",
    "Listing",
    "Look",
    "Opening",
    "Sealed",
    "Terms",
    "active",
    "answered",
    "answers_due",
    "approve",
    "arrived",
    "by_task",
    "bytes_of",
    "capture",
    "capture_all",
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
    "open_by",
    "pin_requester_key",
    "reconcile",
    "record_opening",
    "refuse",
    "seen_before",
    "started",
    "waiting_to_open",
    "wire_of",
]

# made once: making a statement takes longer than running it
_REQUEST = insert(request)
_SEALED = insert(sealed)
_OF_TASK = select(request.c.id).where(
    request.c.network == bindparam("network"),
    request.c.task_id == bindparam("task"),
    request.c.type == bindparam("type"),
)


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
    kept = {"wire": captured.wire, "body": captured.body, "findings": canonical(findings)}
    with unless_moved(store, Fact(GATE, "request.captured", request_id, body), together=True) as unit:
        if unit.connection.execute(
            _OF_TASK, {"network": captured.network, "task": captured.task_id, "type": captured.type}
        ).first():
            raise Unchanged
        unit.execute(
            _REQUEST,
            {
                "id": request_id,
                "network": captured.network,
                "task_id": captured.task_id,
                "type": captured.type,
                "state": state,
                "state_words": words,
                "received_at": stamp(now),
                "deadline": stamp(started + timedelta(seconds=captured.window)),
                "requester": captured.sender,
                "body_digest": captured.body_digest,
            },
        )
        unit.execute(_SEALED, {"request_id": request_id, **kept})
        if captured.problem is not None:
            told = {
                "by": "the gate's own checks",
                "code": captured.problem.code,
                "reason": captured.problem.what,
                "request": row_of(unit.connection, request_id),
            }
            receipts.issue(unit, clock, "refused", ("request.captured", request_id), told)
        return request_id
    return None


def capture_all(store: Store, clock: Clock, triggers: Sequence[Captured]) -> list[str | None]:
    """`capture` of each in this order, on the disk when it returns: they wait for it once."""
    with store.gathered():
        return [capture(store, clock, each) for each in triggers]


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
            unit.note(reference=lapse(unit, clock, request_id))
            lapsed.append(request_id)
    return tuple(lapsed)


def pin_requester_key(
    store: Store, clock: Clock, *, network: str, requester: str, key_id: str, fingerprint: str, public_pem: str
) -> bool:
    """Pin a requester's key at first sight, in the vault's book of trust. False where another one is pinned there.

    Raises Refused (`vault.distrusted`) for a key that the custodian has turned away.
    """
    seen = trust.Seen("requester", network, requester, key_id, fingerprint, public_pem)
    return trust.see(store, clock, seen)
