"""Results that wait to be seen: where the custodian wants it, nothing that a task brings leaves before a person looked.

The pod is told that its result was taken, so that it goes on; the requester gets it, and the word that all is done,
once somebody releases it. What is withheld ends the task for both sides (`wishes`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import PodadminError, Refused
from podadmin.core.text import quoted
from podadmin.gate.egress import CARRYING
from podadmin.gate.outgoing import give_up
from podadmin.gate.records import outgoing
from podadmin.gate.records import result as table
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.references import reference_in
from podadmin.networks.bitfount.types import MessageType, type_name
from podadmin.requests import service
from podadmin.requests.grant_cover import check_may_decide
from podadmin.requests.result_rules import Reason
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

_MOST_REFERRING: Final = 64 * 1024
"""Bytes of a message whose body is an address: its head is short (`words`), and addresses are."""
HELD: Final = "held"
RELEASED: Final = "released"
SENT: Final = "sent"
WITHHELD: Final = "withheld"
GIVEN_UP: Final = "given up"


@dataclass(frozen=True)
class Waiting:
    """A message of a task that waits to be seen. `wire` is the whole message, which may say where its body lies among
    the uploads; `size` and `digest` (SHA-256; empty where it is not listed) are those of that body. `reasons` say why
    it waits.
    """

    id: str
    request_id: str
    kind: str
    size: int
    at: datetime
    wire: bytes
    reasons: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class LetGo:
    """So many messages were let go, and so many still wait to be seen."""

    messages: int
    still: int


def hold(
    store: Store,
    clock: Clock,
    message: pb.BitfountMessage,
    wire: bytes,
    reasons: Sequence[Reason] = (),
    result_id: str = "",
    size: int = 0,
    digest: str = "",
) -> None:
    """Keep a message of a running task until a person has seen it, for these reasons.

    One without a reason of its own only keeps its place behind those before it: once these were let go, it follows, and
    at once where there are none. `size` and `digest` (SHA-256) are those of its body, which may lie among the uploads.
    The very same again, whose answer was lost, is the same result, whether it waits or has gone meanwhile.
    """
    row = service.by_task(store, message.taskId)
    assert row is not None  # it was judged before, or results of its task wait
    body: dict[str, Any] = {"type": type_name(message.messageType), "bytes": size or len(message.body)}
    if digest:
        body["body"] = digest
    if reasons:
        body["reasons"] = [each.words for each in reasons]
        body["rules"] = sorted({each.rule for each in reasons if each.rule})
    held = (table.c.request_id == row.id, table.c.state == HELD)
    with store.read() as connection:
        goes = not reasons and not _is_any(connection, *held)
    with store.record(Fact("gate", "gate.result-queued" if goes else "gate.result-held", row.id, body)) as unit:
        known = unit.connection.execute(select(table.c.id).where(*_same(row.id, message, wire)).limit(1)).scalar()
        if known is not None:
            unit.note(again=True)
            unit.execute(update(table).where(table.c.id == known).values(id=result_id or known))
            return
        number = unit.connection.execute(select(func.max(table.c.number))).scalar() or 0
        unit.note(sha256=hashlib.sha256(wire).hexdigest())
        unit.execute(
            insert(table).values(
                id=result_id or new_id("out"),
                request_id=row.id,
                number=number + 1,
                type=int(message.messageType),
                wire=wire,
                state=HELD if reasons or _is_any(unit.connection, *held) else RELEASED,
                at=stamp(clock.now()),
                reasons=json.dumps([_told(each) for each in reasons]),
                digest=_digest(message),
            )
        )


def has_its_place(store: Store, message: pb.BitfountMessage, wire: bytes) -> bool:
    """Was this message kept before, to be seen or because it was, and not withheld? Then it goes once and no more.

    A pod whose answer was lost says the same again (gate contract, section 7.9).
    """
    row = service.by_task(store, message.taskId)
    if row is None:
        return False
    with store.read() as connection:
        return _is_any(connection, *_same(row.id, message, wire))


def _same(request_id: str, message: pb.BitfountMessage, wire: bytes) -> tuple[ColumnElement[bool], ...]:
    same = or_(table.c.digest == _digest(message), table.c.wire == wire)
    return table.c.request_id == request_id, same, table.c.state != WITHHELD


def _digest(message: pb.BitfountMessage) -> str:
    """Of what makes a message of a task this one: who says it, what kind it is, and its sealed body."""
    head = canonical([message.senderMailboxId, int(message.messageType)])
    return hashlib.sha256(head.encode() + b"\n" + message.body).hexdigest()


def waits(store: Store, task_id: str) -> bool:
    """Does anything of this task wait, or is it on its way? Then what comes after it waits as well."""
    row = service.by_task(store, task_id)
    if row is None:
        return False
    with store.read() as connection:
        return _is_any(connection, table.c.request_id == row.id, table.c.state.in_((HELD, RELEASED)))


def _is_any(connection: Connection, *where: ColumnElement[bool]) -> bool:
    return connection.execute(select(table.c.id).where(*where).limit(1)).first() is not None


def may_go(store: Store, waiting_id: str) -> bool:
    """Was it let go, and not withheld since?"""
    with store.read() as connection:
        return _is_any(connection, table.c.id == waiting_id, table.c.state == RELEASED)


def on_their_way(store: Store) -> frozenset[str]:
    """The requests of which something was let go and has not gone."""
    with store.read() as connection:
        return frozenset(connection.execute(select(table.c.request_id).where(table.c.state == RELEASED)).scalars())


def referring(connection: Connection) -> frozenset[str]:
    """The addresses in the messages that wait or are on their way and say where their body lies."""
    short = func.length(table.c.wire) <= _MOST_REFERRING
    wanted = select(table.c.wire).where(table.c.state.in_((HELD, RELEASED)), short)
    found = (reference_in(pb.BitfountMessage.FromString(wire).body) for wire in connection.execute(wanted).scalars())
    return frozenset(url for url in found if url is not None)


def waiting(store: Store, request_id: str = "") -> tuple[Waiting, ...]:
    """Everything that waits to be seen, or what of one request does, the oldest first."""
    return tuple(map(_waiting, _rows(store, HELD, *((table.c.request_id == request_id,) if request_id else ()))))


def release(store: Store, clock: Clock, request_id: str, actor: str, through: str = "") -> LetGo:
    """Let what waits of a request go to its requester: all of it, or with `through` no more than that message and those
    before it. What follows it without a reason of its own goes as well; what came meanwhile and has one waits on.

    Raises Refused (`gate.nothing-held`, `grant.not-decider`).
    """
    held = (table.c.request_id == request_id, table.c.state == HELD)
    with store.record(Fact(actor, "gate.result-released", request_id)) as unit:
        check_may_decide(unit.connection, actor, clock.now())
        wanted = select(table.c.id, table.c.number, (table.c.reasons != "[]").label("to_see")).where(*held)
        rows = unit.connection.execute(wanted.order_by(table.c.number)).all()
        seen = next((place for place, row in enumerate(rows) if row.id == through), -1) if through else len(rows) - 1
        if seen < 0:
            why = (
                "That result of it does not wait any more."
                if through
                else "No result of this request waits to be seen."
            )
            raise Refused(
                "gate.nothing-held",
                "Nothing was released.",
                why,
                "See what waits with `podadmin gate results`.",
            )
        going = [*rows[: seen + 1], *takewhile(lambda row: not row.to_see, rows[seen + 1 :])]
        last, still = going[-1], sum(row.to_see for row in rows[len(going) :])
        unit.execute(update(table).where(*held, table.c.number <= last.number).values(state=RELEASED))
        wire = unit.connection.execute(select(table.c.wire).where(table.c.id == last.id)).scalar_one()
        unit.note(messages=len(going), through=hashlib.sha256(wire).hexdigest(), still=still)
    return LetGo(len(going), still)


def released(store: Store) -> tuple[Waiting, ...]:
    """What may go, in the order in which it came."""
    return tuple(_waiting(row) for row in _rows(store, RELEASED))


@dataclass(frozen=True)
class Went:
    """The body that has left: its size in bytes and its SHA-256, of the very bytes that went."""

    size: int
    digest: str


def sent(store: Store, gone: Waiting, went: Went | None) -> None:
    """One message has gone, or as the last word of its task is owed. Its bytes are forgotten, and what they were is
    known again by their digest.
    """
    body = {} if went is None else {"type": gone.kind, "bytes": went.size, "body": went.digest}
    with store.record(Fact("gate", "gate.result-sent", gone.request_id, body)) as unit:
        unit.execute(update(table).where(table.c.id == gone.id).values(state=SENT, wire=b""))


def given_up(store: Store, refused: Waiting, error: PodadminError) -> None:
    """One message reaches nobody, for good: nobody takes it, or it is not there. It is listed with the reason."""
    why = f"It has not left, and is not tried again: {error.why} {error.next_step}"
    body = {"type": refused.kind, "problem": error.code, "why": error.why}
    with store.record(Fact("gate", "gate.result-sent", refused.request_id, body)) as unit:
        unit.execute(update(table).where(table.c.id == refused.id).values(state=GIVEN_UP, wire=b""))
        give_up(unit, refused.request_id, refused.id, why)


def is_result(kind: int) -> bool:
    """Is this what a custodian wants to see before it leaves: a result, the parameters of a model in training, or
    anything else that carries what was computed?
    """
    return kind == MessageType.EVALUATION_RESULTS or (kind in CARRYING and kind != MessageType.ONLINE_RESPONSE)


def _rows(store: Store, state: str, *where: ColumnElement[bool]) -> Sequence[Row[Any]]:
    listed = and_(outgoing.c.request_id == table.c.request_id, outgoing.c.result_id == table.c.id)
    wanted = select(table, outgoing.c.size, outgoing.c.digest.label("body_digest")).select_from(
        table.outerjoin(outgoing, listed)
    )
    with store.read() as connection:
        return connection.execute(wanted.where(table.c.state == state, *where).order_by(table.c.number)).all()


def _waiting(row: Row[Any]) -> Waiting:
    reasons = tuple(json.loads(row.reasons))
    size = len(row.wire) if row.size is None else row.size
    return Waiting(
        row.id, row.request_id, type_name(row.type), size, unstamp(row.at), row.wire, reasons, row.body_digest or ""
    )


def _told(reason: Reason) -> str:
    return f"Rule {quoted(reason.name, 120)}: {reason.words}" if reason.name else reason.words
