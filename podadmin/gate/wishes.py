"""What a person wants of a task that runs: that it stops, or that its result does not leave. A wish is a row.

Any process can write one; the gate that stands before the pod acts on it (design, “The house”). The requester gets the
person's words; how the pod is told depends on how far it is (gate contract, sections 3.6 and 7.7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Row, insert, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import Refused
from podadmin.gate.records import result
from podadmin.gate.records import wish as table
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.requests import service
from podadmin.requests.records import request
from podadmin.requests.state import Event, State
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

STOP: Final = "stop"
WITHHOLD: Final = "withhold"
MOST_WORDS: Final = 1000
_LATELY: Final = timedelta(hours=6)
_MOST_AGAIN: Final = 16
_STOPPABLE: Final = frozenset({State.DELIVERING, State.RUNNING, State.FINISHED})


def wish(store: Store, clock: Clock, request_id: str, kind: str, words: str, actor: str) -> None:
    """Ask the gate to stop the task of a request, or to withhold what comes out of it.

    Raises NotFound (`request.unknown`), Refused (`gate.not-stoppable`, `gate.words-missing`).
    """
    told = words.strip()[:MOST_WORDS]
    row = service.find(store, request_id).row
    if not told:
        raise Refused(
            "gate.words-missing",
            "Nothing was stopped.",
            "The requester will read why, and so will whoever asks later.",
            "Write one sentence that says why.",
        )
    check_wish(row.state, kind)
    act = "gate.stop-wanted" if kind == STOP else "gate.withholding-wanted"
    with store.record(Fact(actor, act, request_id, {"words": told})) as unit:
        asked = new_id("wish"), request_id, kind, told, actor, stamp(clock.now())
        names = ("id", "request_id", "kind", "words", "asked_by", "asked_at")
        unit.execute(insert(table).values(dict(zip(names, asked, strict=True))))
        unit.note(wish=asked[0], sha256=proof_of(*asked))
        # what waits to be seen does not leave from this moment on, however long the rest takes
        _keep_back(unit, request_id)


def proof_of(*asked: str) -> str:
    """SHA-256 of a wish as it was asked for, in hex: its columns from `id` to `asked_at`, in their order."""
    return hashlib.sha256(canonical(asked).encode()).hexdigest()


def check_wish(state: str, kind: str) -> None:
    """Can a task in this state be stopped, or what it brings be withheld? Raises Refused (`gate.not-stoppable`)."""
    if state not in (_STOPPABLE if kind == STOP else _STOPPABLE - {State.FINISHED}):
        raise Refused(
            "gate.not-stoppable",
            "Nothing was stopped.",
            "The task does not run: it was not begun, or it has ended.",
            "Open the request to see how it stands.",
        )


def fulfil(store: Store, clock: Clock, tell_pod: Callable[[str], None]) -> int:
    """Do what is wanted and was not done; how much was. `tell_pod` gets the pod's mailbox of a task that ends."""
    with store.read() as connection:
        rows = connection.execute(select(table).where(table.c.done_at.is_(None)).order_by(table.c.asked_at)).all()
    for row in rows:
        mailbox = _mailbox(store, row.request_id)
        said = "stopped this task" if row.kind == STOP else "withheld the result of this task"
        abort = f"The data custodian {said}: {row.words}"
        shown = f"{'Stopped' if row.kind == STOP else 'Result withheld'} by {row.asked_by}"
        ends = partial(_end, clock=clock, row=row)
        if not service.ended(store, clock, row.request_id, Event.STOPPED, shown, abort=abort, then=ends):
            outcome = "the pod is told"  # it had ended by itself, and its requester knows
            with store.record(_is_done(row, outcome)) as unit:
                _done(unit, clock, row, outcome)
        if mailbox:
            tell_pod(mailbox)  # where the gate dies before, the next one does: `to_tell_again`
    return len(rows)


def _end(unit: Unit, *, clock: Clock, row: Row[Any]) -> None:
    """The wish ends with the task: no gate that dies in between leaves one of them without the other."""
    outcome = "the requester and the pod are told"
    unit.also(_is_done(row, outcome))
    _done(unit, clock, row, outcome)


def _is_done(row: Row[Any], outcome: str) -> Fact:
    return Fact("gate", "gate.wish-done", row.request_id, {"outcome": outcome, "wish": row.id})


def _done(unit: Unit, clock: Clock, row: Row[Any], outcome: str) -> None:
    _keep_back(unit, row.request_id)
    unit.execute(update(table).where(table.c.id == row.id).values(done_at=stamp(clock.now()), outcome=outcome))


def to_tell_again(store: Store, clock: Clock) -> tuple[tuple[str, bool], ...]:
    """The pod's mailboxes of tasks that were ended lately, each with whether the task had sent all of its results.

    That the requester was told is on record; whether the pod had fetched its word as well died with the gate before.
    """
    since = stamp(clock.now() - _LATELY)
    with store.read() as connection:
        rows = connection.execute(
            select(table.c.request_id, request.c.state)
            .join(request, request.c.id == table.c.request_id)
            .where(table.c.done_at > since)
            .order_by(table.c.done_at.desc())
            .limit(_MOST_AGAIN)
        ).all()
    found = ((_mailbox(store, row.request_id), row.state == State.FINISHED) for row in rows)
    return tuple((mailbox, complete) for mailbox, complete in found if mailbox)


def _mailbox(store: Store, request_id: str) -> str:
    message = pb.BitfountMessage.FromString(service.wire_of(store, request_id))
    return message.podMailboxIds.get(message.recipient, "")


def _keep_back(unit: Unit, request_id: str) -> None:
    unit.execute(
        update(result)
        .where(result.c.request_id == request_id, result.c.state.in_(("held", "released")))
        .values(state="withheld", wire=b"")
    )
