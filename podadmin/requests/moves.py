"""The steps that acts on requests are made of, inside an open unit of work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Row, bindparam, update

from podadmin.core.clock import Clock, new_reference
from podadmin.requests import receipts
from podadmin.requests.reading import row_of
from podadmin.requests.records import request
from podadmin.requests.state import Event, State, advance
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

GATE = "gate"
_CHANGE: Final = update(request).where(request.c.id == bindparam("of"))
_CHANGED: Final = _CHANGE.returning(request)


class Unchanged(Exception):
    """The unit is left without a trace: what it would record has happened, or cannot happen any more."""


@contextmanager
def unless_moved(store: Store, fact: Fact, *, together: bool = False) -> Iterator[Unit]:
    """`store.record`, but without entry and change where the body of the unit raises `Unchanged`.

    Whether something happens is only known inside the unit; a journal entry for what did not happen would be a lie.
    """
    try:
        with store.record(fact, together=together) as unit:
            yield unit
    except Unchanged:
        return


def change(unit: Unit, request_id: str, **values: Any) -> None:
    """Write these columns of a request."""
    unit.execute(_CHANGE, {"of": request_id, **values})


def changed(unit: Unit, request_id: str, **values: Any) -> Row[Any]:
    """`change`, and the row as it is then."""
    return unit.execute(_CHANGED, {"of": request_id, **values}).one()


def move(
    unit: Unit, request_id: str, event: Event, words: str, *, row: Row[Any] | None = None, owes: str = "", say: str = ""
) -> State:
    """Let `event` happen to a request and note its new state, where the unit was opened with a fact about it.

    `row` is the request's as it was read in this unit. `owes`, `say`: what the requester has to be told from then on,
    as in `owe`. Raises Refused (`request.wrong-state`).
    """
    known = row if row is not None else row_of(unit.connection, request_id)
    state = advance(State(known.state), event)
    answer = {"answer": owes, "answer_words": say} if owes else {}
    change(unit, request_id, state=state, state_words=words, **answer)
    if unit.facts[0].subject == request_id:
        unit.note(state=str(state))
    return state


def owe(unit: Unit, request_id: str, kind: str, words: str) -> None:
    """The requester has to be told `words` from now on: `kind` is reject, abort or pass."""
    change(unit, request_id, answer=kind, answer_words=words)


def lapse(unit: Unit, clock: Clock, request_id: str, about: tuple[str, str] | None = None) -> str:
    """The requester is told that the request is held, with the reference that is returned.

    `about` is the fact whose entry the receipt names, by act and subject; that with which the unit was opened, where
    none is given.
    """
    reference = new_reference()
    move(unit, request_id, Event.LAPSED, "Held: nobody decided while the requester was waiting")
    change(unit, request_id, reference=reference)
    told = {"by": GATE, "hold": reference, "request": row_of(unit.connection, request_id)}
    receipt = receipts.issue(unit, clock, "held", about or (unit.facts[0].act, unit.facts[0].subject), told)
    words = (
        f"Held for a decision by the data custodian, reference {reference}. Send it again once it is approved. "
        f"Receipt {receipt}."
    )
    owe(unit, request_id, "reject", words)
    return reference
