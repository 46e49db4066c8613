"""What left for a task, message by message: sizes, kinds and facts, and nothing of the content.

A message that carries something of the data is written down in the transaction that lets it go (`put`). What only tells
how far a task is comes in numbers: it is kept in memory for a moment and written down together, as one entry of the
journal (`Outgoing`). There is a most of both; what is beyond it is counted with its like.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
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
WITHHELD: Final = "withheld"
REFUSED: Final = "refused"
STRIPPED: Final = "stripped"
MOST_ROWS: Final = 300
"""Messages of one task that are listed one by one."""
MOST_PENDING: Final = 200
MOST_ALIKE: Final = 20
"""Messages of one kind that are listed one by one each time."""
WRITE_AFTER: Final = 20.0
"""Seconds after which what is kept in memory is written down, while a task runs."""
UPLOAD: Final = -1
"""In the place of a type of message: an upload to the object store."""
_LARGEST_KEPT: Final = 64 * 1024
_LAST: Final = frozenset({MessageType.BATCHES_COMPLETE, MessageType.TASK_ABORT, MessageType.JOB_REJECT})
_AS_OUTCOME: Final = {"held": HELD, "released": HELD, "sent": PASSED, "withheld": WITHHELD}


@dataclass(frozen=True)
class Left:
    """A message that wanted to leave, or `count` alike.

    `sealed`: session (with the key of the task) | reference (its body lies sealed in the object store) | other (sealed
    for somebody else, or not readable) | no. `what` holds facts of the content: `kind`, `columns`, `consumed`. `rows`
    None: it has none, or their number cannot be told.
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


class Outgoing:
    """What waits to be written down. Its methods can be called from any thread; `write` uses the store."""

    def __init__(self, clock: Clock, look: Callable[[str, pb.BitfountMessage, Left], Left]) -> None:
        self._clock = clock
        self._look = look
        self._lock = threading.Lock()
        self._pending: OrderedDict[int, tuple[str, pb.BitfountMessage, Left]] = OrderedDict()
        self._next = 0
        self._since = 0.0
        self._urgent = False
        self.dropped = 0
        """Messages that were not listed, because too many came at once."""

    def note(self, message: pb.BitfountMessage, outcome: str = PASSED, why: str = "") -> None:
        """A message went out, or was kept back."""
        self.note_left(message, left_of(message, self._clock.now(), outcome, why))

    def note_left(self, message: pb.BitfountMessage, left: Left) -> None:
        """The same, with what is known of it already."""
        kept = message
        if len(message.body) > _LARGEST_KEPT:
            kept = pb.BitfountMessage(taskId=message.taskId, messageType=message.messageType)
        with self._lock:
            if len(self._pending) >= MOST_PENDING:
                self.dropped += 1
                return
            if not self._pending:
                self._since = self._clock.monotonic()
            self._pending[self._next] = (message.taskId, kept, left)
            self._next += 1
            self._urgent = self._urgent or left.type in _LAST or left.outcome != PASSED

    def due(self) -> bool:
        """Is it time to write?"""
        with self._lock:
            waited = self._clock.monotonic() - self._since
            many = len(self._pending) >= MOST_PENDING // 2
            return bool(self._pending) and (self._urgent or many or waited >= WRITE_AFTER)

    def pending(self, task_id: str, request_id: str) -> tuple[Left, ...]:
        """What waits to be written of a task, looked into."""
        with self._lock:
            found = [(message, left) for task, message, left in self._pending.values() if task == task_id]
        return tuple(self._look(request_id, message, left) for message, left in found)

    def write(self, store: Store) -> bool:
        """Write down what waits; was there anything? What belongs to no request is forgotten.

        Raises what the store raises.
        """
        with self._lock:
            taken = dict(self._pending)
        tasks: defaultdict[str, list[tuple[pb.BitfountMessage, Left]]] = defaultdict(list)
        for task, message, left in taken.values():
            tasks[task].append((message, left))
        written = 0
        for task, listed in tasks.items():
            row = service.by_task(store, task)
            if row is None:
                continue
            looked = [self._look(row.id, message, left) for message, left in _folded(listed)]
            body = {
                "messages": sum(each.count for each in looked),
                "bytes": sum(each.size for each in looked),
                "outcomes": dict(Counter(left.outcome for _, left in listed)),
            }
            with store.record(Fact("gate", "request.listed", row.id, body)) as unit:
                for each in looked:
                    put(unit, row.id, each)
            written += len(listed)
        with self._lock:
            for number in taken:
                self._pending.pop(number, None)
            self._urgent, self._since = False, self._clock.monotonic()
        return bool(written)


def _folded(listed: list[tuple[pb.BitfountMessage, Left]]) -> Iterator[tuple[pb.BitfountMessage, Left]]:
    """The first of each kind one by one, and the rest of the kind as one: a flood is not written message by message."""
    kinds: defaultdict[tuple[int, str], list[tuple[pb.BitfountMessage, Left]]] = defaultdict(list)
    for message, left in listed:
        kinds[left.type, left.outcome].append((message, left))
    for alike in kinds.values():
        yield from alike[:MOST_ALIKE]
        rest = [left for _, left in alike[MOST_ALIKE:]]
        if rest:
            bare = pb.BitfountMessage(taskId=alike[0][0].taskId, messageType=alike[0][0].messageType)
            count, size = sum(each.count for each in rest), sum(each.size for each in rest)
            yield bare, replace(rest[0], count=count, size=size, last_at=rest[-1].last_at or rest[-1].at)


def title(left: Left) -> str:
    """What kind of message it is, in the network's own word."""
    return "Upload to the object store" if left.type == UPLOAD else type_name(left.type)


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
