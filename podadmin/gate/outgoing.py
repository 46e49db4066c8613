"""What left for a task, message by message: sizes, kinds and facts, and nothing of the content.

A message that carries something of the data is written down in the transaction that lets it go (`put`). What only tells
how far a task is comes in numbers: it is kept in memory for a moment and written down together, as one entry of the
journal (`Outgoing`). There is a most of both; what is beyond it is counted with its like.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from podadmin.core.clock import Clock, stamp, unstamp
from podadmin.core.text import stranger
from podadmin.gate.records import outgoing as table
from podadmin.gate.records import result
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.types import MessageType, type_name
from podadmin.requests import service
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

PASSED: Final = "passed"
HELD: Final = "held"
QUEUED: Final = "queued"
"""It may go, and has not gone yet."""
WITHHELD: Final = "withheld"
REFUSED: Final = "refused"
STRIPPED: Final = "stripped"
MOST_ROWS: Final = 300
"""Messages of one task that are listed one by one."""
MOST_PENDING: Final = 200
"""Messages that are kept one by one until they are written down; beyond it no new kind begins."""
MOST_ALIKE: Final = 20
"""Messages of one kind that are listed one by one each time; the rest is counted."""
WRITE_AFTER: Final = 20.0
"""Seconds after which what is kept in memory is written down, while a task runs."""
UPLOAD: Final = -1
"""In the place of a type of message: an upload to the object store."""
WEB_CALL: Final = -2
"""In the same place: a call that would write something at the network's hub."""
_NO_MESSAGES: Final = {UPLOAD: "Upload to the object store", WEB_CALL: "Call to the network's hub"}
_LARGEST_KEPT: Final = 64 * 1024
_LAST: Final = frozenset({MessageType.BATCHES_COMPLETE, MessageType.TASK_ABORT, MessageType.JOB_REJECT})
_AS_OUTCOME: Final = {"held": HELD, "released": QUEUED, "sent": PASSED, "withheld": WITHHELD}


@dataclass(frozen=True)
class Left:
    """A message that wanted to leave, or `count` alike.

    `sealed`: session (with the key of the task) | reference (its body lies sealed in the object store) | other (sealed
    for somebody else, or not readable) | no. `what` holds facts of the content: `kind`, `columns`, `consumed`. `rows`
    None: it has none, or their number cannot be told. `size` and `digest` (SHA-256) are those of the body, wherever it
    lies.
    """

    type: int
    at: datetime
    size: int
    recipient: str
    outcome: str = PASSED
    sealed: str = "session"
    what: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None
    why: str = ""
    digest: str = ""
    result_id: str = ""
    count: int = 1
    last_at: datetime | None = None


def left_of(message: pb.BitfountMessage, at: datetime, outcome: str = PASSED, why: str = "") -> Left:
    """A message as it is listed, before anybody has looked into it."""
    digest = hashlib.sha256(message.body).hexdigest()
    recipient = stranger(message.recipient, 200)
    return Left(int(message.messageType), at, len(message.body), recipient, outcome, "other", why=why, digest=digest)


def put(unit: Unit, request_id: str, left: Left) -> None:
    """Write one message down inside an open unit. The same one again takes the place of the first."""
    of_request = table.c.request_id == request_id
    values = _values(left)
    same = select(table.c.number).where(of_request, table.c.type == left.type, table.c.digest == left.digest).limit(1)
    if left.result_id or left.rows is not None or left.type == MessageType.EVALUATION_RESULTS:
        known = unit.connection.execute(same).scalar()
        if known is not None:
            unit.execute(update(table).where(table.c.number == known).values(**values))
            return
    listed = unit.connection.execute(select(func.count()).select_from(table).where(of_request)).scalar() or 0
    if listed >= MOST_ROWS and not left.result_id:
        alike = (of_request, table.c.type == left.type, table.c.outcome == left.outcome, table.c.result_id == "")
        last = unit.connection.execute(select(table).where(*alike).order_by(table.c.number.desc()).limit(1)).first()
        if last is not None:
            more = {
                "messages": last.messages + left.count,
                "size": last.size + left.size,
                "last_at": stamp(left.last_at or left.at),
                "rows": None if last.rows is None or left.rows is None else last.rows + left.rows,
            }
            unit.execute(update(table).where(table.c.number == last.number).values(**more))
            return
    unit.execute(insert(table).values(request_id=request_id, **values))


def give_up(unit: Unit, request_id: str, result_id: str, why: str) -> None:
    """What was kept to leave, under this name, reaches nobody."""
    listed = (table.c.request_id == request_id, table.c.result_id == result_id)
    unit.execute(update(table).where(*listed).values(outcome=REFUSED, why=why))


def listing(store: Store, request_id: str) -> tuple[Left, ...]:
    """What wanted to leave for a request, in its order. What was held says what has become of it since."""
    joined = table.outerjoin(result, result.c.id == table.c.result_id)
    wanted = select(table, result.c.state).select_from(joined).where(table.c.request_id == request_id)
    with store.read() as connection:
        return tuple(_left(row) for row in connection.execute(wanted.order_by(table.c.at, table.c.number)))


def rows_before(store: Store, request_id: str, digest: str) -> int | None:
    """The rows of all results of a request but the one with this digest; None where one does not tell its number."""
    brought = (table.c.type == int(MessageType.EVALUATION_RESULTS), table.c.outcome.in_((PASSED, HELD)))
    wanted = select(table.c.rows).where(table.c.request_id == request_id, table.c.digest != digest, *brought)
    with store.read() as connection:
        found = list(connection.execute(wanted).scalars())
    return None if None in found else sum(found)


def let_go(store: Store, request_id: str, kind: MessageType) -> int | None:
    """The size of the largest message of this kind that a person has seen and let go for a request; None of none."""
    seen = (result.c.state.in_(("released", "sent")), result.c.reasons != "[]")
    joined = table.join(result, result.c.id == table.c.result_id)
    wanted = select(func.max(table.c.size)).select_from(joined)
    with store.read() as connection:
        of_kind = (table.c.request_id == request_id, table.c.type == int(kind))
        return connection.execute(wanted.where(*of_kind, *seen)).scalar()


@dataclass
class _Alike:
    """Messages of one kind of one task: the first of them with what is known of each, and how many came after."""

    first: list[tuple[pb.BitfountMessage, Left]] = field(default_factory=list)
    count: int = 0
    size: int = 0
    since: datetime | None = None
    last_at: datetime | None = None

    def more(self, size: int, at: datetime) -> None:
        """One more, which is only counted."""
        self.count += 1
        self.size += size
        self.since = self.since or at
        self.last_at = at

    def join(self, other: _Alike) -> None:
        """Those that came later."""
        room = 0 if self.count else max(MOST_ALIKE - len(self.first), 0)
        self.first += other.first[:room]
        for _, left in other.first[room:]:
            self.more(left.size, left.at)
        if other.count:
            self.count += other.count
            self.size += other.size
            self.since, self.last_at = self.since or other.since, other.last_at

    def listed(self) -> Iterator[tuple[pb.BitfountMessage, Left]]:
        """The first one by one, and the rest as one: a flood is not written message by message."""
        yield from self.first
        if self.since is not None:
            message, left = self.first[0]
            bare = pb.BitfountMessage(taskId=message.taskId, messageType=message.messageType)
            yield bare, replace(left, at=self.since, size=self.size, count=self.count, last_at=self.last_at)


_Kind = tuple[str, int, str]
"""Its task, its type and what became of it."""


class Outgoing:
    """What waits to be written down. Its methods can be called from any thread; `write` uses the store."""

    def __init__(self, clock: Clock, look: Callable[[str, pb.BitfountMessage, Left], Left]) -> None:
        self._clock = clock
        self._look = look
        self._lock = threading.Lock()
        self._one_writes = threading.Lock()
        self._pending: dict[_Kind, _Alike] = {}
        self._written: dict[_Kind, _Alike] = {}
        self._one_by_one = 0
        self._since = 0.0
        self._urgent = False
        self.dropped = 0
        """Messages that were not listed, because too many kinds of them came at once."""

    def note(self, message: pb.BitfountMessage, outcome: str = PASSED, why: str = "") -> None:
        """A message went out, or was kept back."""
        now = self._clock.now()
        with self._lock:
            known = self._pending.get((message.taskId, message.messageType, outcome))
            if known is not None and len(known.first) >= MOST_ALIKE:
                known.more(len(message.body), now)
                return
        self.note_left(message, left_of(message, now, outcome, why))

    def note_left(self, message: pb.BitfountMessage, left: Left) -> None:
        """The same, with what is known of it already."""
        kept = message
        if len(message.body) > _LARGEST_KEPT:
            kept = pb.BitfountMessage(taskId=message.taskId, messageType=message.messageType)
        kind = message.taskId, left.type, left.outcome
        with self._lock:
            if self._one_by_one >= MOST_PENDING and kind not in self._pending:
                self.dropped += 1
                return
            if not self._pending:
                self._since = self._clock.monotonic()
            alike = self._pending.setdefault(kind, _Alike())
            if len(alike.first) >= MOST_ALIKE:
                alike.more(left.size, left.at)
            else:
                alike.first.append((kept, left))
                self._one_by_one += 1
            self._urgent = self._urgent or left.type in _LAST or left.outcome != PASSED

    def due(self) -> bool:
        """Is it time to write?"""
        with self._lock:
            waited = self._clock.monotonic() - self._since
            many = self._one_by_one >= MOST_PENDING // 2
            return bool(self._pending) and (self._urgent or many or waited >= WRITE_AFTER)

    def pending(self, task_id: str, request_id: str) -> tuple[Left, ...]:
        """What waits to be written of a task, looked into."""
        with self._lock:
            found = [
                each
                for waiting in (self._written, self._pending)
                for (task, _, _), alike in waiting.items()
                if task == task_id
                for each in alike.listed()
            ]
        return tuple(self._look(request_id, message, left) for message, left in found)

    def write(self, store: Store) -> bool:
        """Write down what waits; was there anything? What belongs to no request is forgotten.

        Raises what the store raises; then all of it waits on.
        """
        with self._one_writes:
            with self._lock:
                self._written, self._pending = self._pending, {}
                urgent, self._urgent = self._urgent, False
                self._one_by_one, self._since = 0, self._clock.monotonic()
            with ExitStack() as otherwise:
                otherwise.callback(self._wait_on, urgent)
                written = self._write(store)
                otherwise.pop_all()
            return written

    def _wait_on(self, urgent: bool) -> None:
        """What was to be written down could not be: it waits before what came meanwhile."""
        with self._lock:
            for kind, alike in self._pending.items():
                self._written.setdefault(kind, _Alike()).join(alike)
            self._pending, self._written = self._written, {}
            self._one_by_one = sum(len(alike.first) for alike in self._pending.values())
            self._urgent = self._urgent or urgent

    def _write(self, store: Store) -> bool:
        tasks: defaultdict[str, list[tuple[pb.BitfountMessage, Left]]] = defaultdict(list)
        for (task, _, _), alike in self._written.items():
            tasks[task] += alike.listed()
        written = False
        for task, listed in tasks.items():
            row = service.by_task(store, task)
            if row is None:
                self._done(task)
                continue
            looked = [self._look(row.id, message, left) for message, left in listed]
            outcomes: Counter[str] = Counter()
            for each in looked:
                outcomes[each.outcome] += each.count
            size = sum(each.size for each in looked)
            body = {"messages": outcomes.total(), "bytes": size, "outcomes": dict(outcomes)}
            with store.record(Fact("gate", "request.listed", row.id, body)) as unit:
                for each in looked:
                    put(unit, row.id, each)
            self._done(task)
            written = True
        return written

    def _done(self, task_id: str) -> None:
        with self._lock:
            self._written = {kind: alike for kind, alike in self._written.items() if kind[0] != task_id}


def title(left: Left) -> str:
    """What kind of message it is, in the network's own word."""
    return _NO_MESSAGES.get(left.type) or type_name(left.type)


def _values(left: Left) -> dict[str, Any]:
    return {
        "type": left.type,
        "at": stamp(left.at),
        "last_at": stamp(left.last_at or left.at),
        "messages": left.count,
        "size": left.size,
        "recipient": left.recipient,
        "sealed": left.sealed,
        "rows": left.rows,
        "what": json.dumps(dict(left.what)),
        "outcome": left.outcome,
        "why": left.why,
        "digest": left.digest,
        "result_id": left.result_id,
    }


def _left(row: Row[Any]) -> Left:
    left = Left(
        row.type, unstamp(row.at), row.size, row.recipient, row.outcome, row.sealed, json.loads(row.what), row.rows,
        row.why, row.digest, row.result_id, row.messages, unstamp(row.last_at),
    )  # fmt: skip
    return replace(left, outcome=_AS_OUTCOME[row.state]) if row.state in _AS_OUTCOME else left
