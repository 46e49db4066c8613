"""From an approved request to its end: delivered, started once, ended, and its requester told.

Every function is one transaction together with its journal entry. `started` is recorded before the pod may work and
can be recorded once only; what the requester has to hear is owed in the transaction that makes it so.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, unstamp
from podadmin.core.errors import Refused
from podadmin.journal.service import about
from podadmin.limits import service as limits
from podadmin.requests import grant_moves
from podadmin.requests.moves import GATE, Unchanged, lapse, move, owe, unless_moved
from podadmin.requests.opening_record import pins_in
from podadmin.requests.reading import LAST_MESSAGE, Sealed, bytes_of, findings_of, found_of, is_busy, row_of
from podadmin.requests.records import request, sealed
from podadmin.requests.state import Event, State
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

LONGEST_WORD = 4000


def next_to_deliver(
    store: Store, clock: Clock, latest: float, grant_days: int, latest_of: Mapping[int, float] | None = None
) -> Sealed | None:
    """Take the oldest approved request for delivery, one at a time; None where nothing may be delivered now.

    One that is older than `latest` seconds is not delivered any more: a grant takes its place. `latest_of` says it for
    types of message that have another limit, or none: infinity.
    """
    while True:
        with store.read() as connection:
            busy = is_busy(connection)
            row = connection.execute(
                select(request).where(request.c.state == State.APPROVED).order_by(request.c.number).limit(1)
            ).first()
        if busy or row is None:
            return None
        limit = (latest_of or {}).get(row.type, latest)
        if math.isfinite(limit) and clock.now() > _sent(store, row) + timedelta(seconds=limit):
            _too_late(store, clock, row.id, grant_days)
            continue
        kept, taken = bytes_of(store, row.id), False
        with unless_moved(store, Fact(GATE, "request.delivering", row.id, {"task": row.task_id})) as unit:
            if is_busy(unit.connection) or row_of(unit.connection, row.id).state != State.APPROVED:
                raise Unchanged
            move(unit, row.id, Event.DELIVERING, "On its way to the pod")
            taken = True
        return kept if taken else None


def started(store: Store, request_id: str, accept: str = "") -> None:
    """The pod has accepted and will begin. Raises Refused (`request.not-to-start`) unless it was just delivered.

    `accept`: the SHA-256 of the message by which it did. The very same one again is the same beginning, whatever became
    of the task since: its answer was lost with a network that was away or a gate that was killed.
    """
    if accept and _began_by(store, request_id, accept):
        return
    with store.record(Fact(GATE, "request.started", request_id, {"accept": accept} if accept else {})) as unit:
        if row_of(unit.connection, request_id).state != State.DELIVERING:
            raise Refused(
                "request.not-to-start",
                "The pod was not allowed to begin this task.",
                "It was not delivered to it, or it was begun before.",
                "Restart the pod if this comes again.",
            )
        move(unit, request_id, Event.STARTED, "Running in the pod")


def _began_by(store: Store, request_id: str, accept: str) -> bool:
    begun = (each for each in about(store, request_id) if each.act == "request.started")
    return any(json.loads(each.body).get("accept") == accept for each in begun)


def ended(
    store: Store,
    clock: Clock,
    request_id: str,
    event: Event,
    words: str,
    *,
    abort: str = "",
    last_message: bytes = b"",
    facts: Mapping[str, Any] | None = None,
    then: Callable[[Unit], None] | None = None,
) -> bool:
    """The task has ended; what was reserved and not used comes back. `then` is done in the same unit of work.

    What the requester has to hear of it is owed from then on and survives a crash: our own `abort`, or the pod's
    `last_message`. False, and nothing recorded, where the request has ended already or never went to the pod.
    """
    with unless_moved(store, Fact(GATE, f"request.{event}", request_id, facts or {})) as unit:
        if row_of(unit.connection, request_id).state not in {State.DELIVERING, State.RUNNING}:
            raise Unchanged
        end(unit, clock, request_id, event, words, abort=abort, last_message=last_message)
        if then is not None:
            then(unit)
        return True
    return False


def end(
    unit: Unit,
    clock: Clock,
    request_id: str,
    event: Event,
    words: str,
    *,
    abort: str = "",
    last_message: bytes = b"",
) -> None:
    """`ended` inside an open unit. Raises Refused (`request.wrong-state`) where it cannot end so now."""
    limits.settle(unit, request_id, str(event), clock.now())
    grant_moves.settle(unit, clock, request_id)
    move(unit, request_id, event, words)
    if last_message:
        findings = {
            **findings_of(unit.connection, request_id),
            LAST_MESSAGE: base64.b64encode(last_message).decode("ascii"),
        }
        unit.execute(update(sealed).where(sealed.c.request_id == request_id).values(findings=canonical(findings)))
        owe(unit, request_id, "pass", "")
    elif abort:
        owe(unit, request_id, "abort", abort)


def reconcile(store: Store, clock: Clock) -> tuple[str, ...]:
    """After the pod has died: what it had not begun is delivered again; what it had begun is not repeated."""
    with store.read() as connection:
        rows = connection.execute(
            select(request.c.id, request.c.state).where(request.c.state.in_([State.DELIVERING, State.RUNNING]))
        ).all()
    changed = []
    for row in rows:
        if row.state == State.DELIVERING:
            fact = Fact(GATE, "request.delivery-undone", row.id, {"why": "the pod had not begun it"})
            with unless_moved(store, fact) as unit:
                if row_of(unit.connection, row.id).state != State.DELIVERING:
                    raise Unchanged
                move(unit, row.id, Event.UNDELIVERED, "Approved, waiting for delivery to the pod")
                changed.append(row.id)
        elif interrupted(store, clock, row.id, "The pod stopped while this task was running."):
            changed.append(row.id)
    _give_back(store, clock)
    return tuple(changed)


def _give_back(store: Store, clock: Clock) -> None:
    """What is promised to requests that will never run comes back: after a crash, or a backup that was restored."""
    waiting = select(request.c.id).where(request.c.state.in_([State.APPROVED, State.DELIVERING, State.RUNNING]))
    with store.read() as connection:
        alive = set(connection.execute(waiting).scalars())
        lost = {each.request_id for each in limits.open_reservations(connection)} - alive
    if lost:
        with store.record(Fact(GATE, "limit.reconciling", "", {"requests": len(lost)})) as unit:
            limits.reconcile(unit, set(unit.connection.execute(waiting).scalars()), clock.now())


def interrupted(store: Store, clock: Clock, request_id: str, why: str) -> bool:
    """The task has ended without a word of the pod. It is not repeated, and its requester is told so."""
    return ended(
        store,
        clock,
        request_id,
        Event.INTERRUPTED,
        f"Interrupted: {why[:1].lower()}{why[1:]}",
        abort=f"{why} It was not repeated; send the request again.",
    )


def answered(store: Store, request_id: str, kind: str, problem: str = "", said: str = "") -> None:
    """The answer was sent, or can never be sent because of `problem`. Nothing happens where none of `kind` is owed.

    `said` is what the pod's own last word says, for the custodian. It is kept beside the request and not in the
    journal, which is exported: an error text of a pod can quote data.
    """
    body = {"kind": kind, "problem": problem} if problem else {"kind": kind}
    with unless_moved(store, Fact(GATE, "request.answered", request_id, body)) as unit:
        if row_of(unit.connection, request_id).answer != kind:
            raise Unchanged
        words = {"answer_words": said[:LONGEST_WORD]} if said else {}
        unit.execute(update(request).where(request.c.id == request_id).values(answer="made", **words))


def _too_late(store: Store, clock: Clock, request_id: str, days: int) -> None:
    with unless_moved(store, Fact(GATE, "request.too-late", request_id)) as unit:
        row = row_of(unit.connection, request_id)
        if row.state != State.APPROVED:
            raise Unchanged
        limits.settle(unit, request_id, "not-delivered", clock.now())
        unit.note(reference=lapse(unit, clock, request_id))
        if row.grant_id:
            # the grant that covered it goes on covering it: what it gave for this delivery comes back
            grant_moves.give_back(unit, clock, request_id)
        else:
            pins = pins_in(found_of(unit.connection, request_id))
            grant_moves.make_grant(unit, clock, row, pins, GATE, grant_moves.Terms(1, days))
        move(
            unit, request_id, Event.GRANTED, "Approved, but too late to deliver: a grant waits for it to be sent again"
        )


def _sent(store: Store, row: Row[Any]) -> datetime:
    with store.read() as connection:
        sent_at = findings_of(connection, row.id).get("sent_at")
    received = unstamp(row.received_at)
    return min(unstamp(sent_at), received) if sent_at else received
