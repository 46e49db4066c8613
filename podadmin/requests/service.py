"""What happens to a request, act by act: captured, opened, decided, delivered, started, ended, answered.

Every function is one transaction together with its journal entry. A crash between two of them leaves a state from
which the gate goes on: nothing is lost, and nothing is started twice, because `started` is recorded before the pod
may work and can be recorded once only.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, new_reference, stamp, unstamp
from podadmin.core.errors import NotFound, PodadminError, Refused
from podadmin.limits import service as limits
from podadmin.requests.records import decision, grant, request, requester_key, sealed
from podadmin.requests.state import Event, State, advance
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

GATE = "gate"
REASON_LIMIT = 2000
LAST_MESSAGE = "last_message"
"""In the findings: the message with which the pod ended the task, in base 64, kept until it was sent."""


class _Unchanged(Exception):
    """The unit is left without a trace: what it would record has happened, or cannot happen any more."""


@contextmanager
def _unless_moved(store: Store, fact: Fact) -> Iterator[Unit]:
    """`store.record`, but without entry and change where the body of the unit raises `_Unchanged`.

    Whether something happens is only known inside the unit; a journal entry for what did not happen would be a lie.
    """
    try:
        with store.record(fact) as unit:
            yield unit
    except _Unchanged:
        return


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


@dataclass(frozen=True)
class Found:
    """A request with what was found in it and the decision on it, as stored."""

    row: Row[Any]
    findings: Mapping[str, Any]
    decision: Row[Any] | None


@dataclass(frozen=True)
class Sealed:
    """The bytes of a captured request."""

    request_id: str
    task_id: str
    sender: str
    wire: bytes
    body: bytes
    deadline: datetime


@dataclass(frozen=True)
class Listing:
    rows: tuple[Row[Any], ...]
    total: int
    next_after: str | None
    by_state: Mapping[str, int] = field(default_factory=dict)


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


def seen_before(store: Store, request_id: str, sealed_digest: str) -> bool:
    """Was a request with the very same sealed part opened before?

    The sealed part is what the signature covers. What stands around it can be rewritten by anybody who has captured
    a request, so a digest of the whole body would be a new one for an old request.
    """
    with store.read() as connection:
        same = select(request.c.id).where(request.c.sealed_digest == sealed_digest, request.c.id != request_id)
        return connection.execute(same.limit(1)).first() is not None


def record_opening(store: Store, clock: Clock, request_id: str, opening: Opening) -> State:
    """Write what opening found, and the verdict of the rules on it, in one transaction; returns the new state.

    Raises Refused (`request.wrong-state`) where the request was opened before; then nothing was changed.
    """
    with store.record(
        Fact(GATE, "request.opened", request_id, {"verdict": opening.verdict, "code": opening.code})
    ) as unit:
        row = _row(unit.connection, request_id)
        advance(State(row.state), Event.HELD)  # only what is captured and nothing else can be opened
        findings = {**_findings(unit.connection, request_id), **opening.findings}
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
            state = _move(unit, request_id, Event.HELD, opening.words)
            unit.also(Fact(GATE, "request.held", request_id, {"until": row.deadline}))
        else:
            state = _move(unit, request_id, Event.INVALID, opening.words)
            if opening.answerable:
                _answer(unit, request_id, "reject", opening.words)
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
        found = _found(unit.connection, request_id)
        check_approve(found)
        _decide(unit, clock, request_id, "allow", actor, note)
        late = found.row.state == State.LAPSED or clock.now() >= unstamp(found.row.deadline)
        if not late:
            _reserve(unit, clock, found, request_id)
            return _move(unit, request_id, Event.APPROVED, "Approved, waiting for delivery to the pod")
        if found.row.state == State.HELD:
            unit.note(reference=_lapse(unit, request_id))
        _make_grant(unit, clock, _row(unit.connection, request_id), actor, grant_days)
        return _move(
            unit, request_id, Event.GRANTED, "Approved after its window: a grant waits for it to be sent again"
        )


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
        found = _found(unit.connection, request_id)
        check_refuse(found)
        _decide(unit, clock, request_id, "refuse", actor, words)
        if found.row.state == State.HELD:
            _answer(unit, request_id, "reject", words)
        return _move(unit, request_id, Event.REFUSED, f"Refused by {actor}")


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
        with _unless_moved(store, Fact(GATE, "request.lapsed", request_id)) as unit:
            if _row(unit.connection, request_id).state != State.HELD:
                raise _Unchanged
            unit.note(reference=_lapse(unit, request_id))
            lapsed.append(request_id)
    return tuple(lapsed)


def next_to_deliver(store: Store, clock: Clock, latest: float, grant_days: int) -> Sealed | None:
    """Take the oldest approved request for delivery, one at a time; None where nothing may be delivered now.

    One that is older than `latest` seconds is not delivered any more: a grant takes its place.
    """
    while True:
        with store.read() as connection:
            busy = _busy(connection)
            row = connection.execute(
                select(request).where(request.c.state == State.APPROVED).order_by(request.c.number).limit(1)
            ).first()
        if busy or row is None:
            return None
        if clock.now() > _sent(store, row) + timedelta(seconds=latest):
            _too_late(store, clock, row.id, grant_days)
            continue
        kept, taken = bytes_of(store, row.id), False
        with _unless_moved(store, Fact(GATE, "request.delivering", row.id, {"task": row.task_id})) as unit:
            if _busy(unit.connection) or _row(unit.connection, row.id).state != State.APPROVED:
                raise _Unchanged
            _move(unit, row.id, Event.DELIVERING, "On its way to the pod")
            taken = True
        return kept if taken else None


def started(store: Store, request_id: str) -> None:
    """The pod has accepted and will begin. Raises Refused (`request.not-to-start`) unless it was just delivered."""
    with store.record(Fact(GATE, "request.started", request_id)) as unit:
        if _row(unit.connection, request_id).state != State.DELIVERING:
            raise Refused(
                "request.not-to-start",
                "The pod was not allowed to begin this task.",
                "It was not delivered to it, or it was begun before.",
                "Restart the pod if this comes again.",
            )
        _move(unit, request_id, Event.STARTED, "Running in the pod")


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
) -> bool:
    """The task has ended; what was reserved and not used comes back.

    What the requester has to hear of it is owed from then on and survives a crash: our own `abort`, or the pod's
    `last_message`. False, and nothing recorded, where the request has ended already or never went to the pod.
    """
    with _unless_moved(store, Fact(GATE, f"request.{event}", request_id, facts or {})) as unit:
        if _row(unit.connection, request_id).state not in {State.DELIVERING, State.RUNNING}:
            raise _Unchanged
        end(unit, clock, request_id, event, words, abort=abort, last_message=last_message)
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
    _move(unit, request_id, event, words)
    if last_message:
        findings = {
            **_findings(unit.connection, request_id),
            LAST_MESSAGE: base64.b64encode(last_message).decode("ascii"),
        }
        unit.execute(update(sealed).where(sealed.c.request_id == request_id).values(findings=canonical(findings)))
        _answer(unit, request_id, "pass", "")
    elif abort:
        _answer(unit, request_id, "abort", abort)


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
            with _unless_moved(store, fact) as unit:
                if _row(unit.connection, row.id).state != State.DELIVERING:
                    raise _Unchanged
                _move(unit, row.id, Event.UNDELIVERED, "Approved, waiting for delivery to the pod")
                changed.append(row.id)
        elif interrupted(store, clock, row.id, "The pod stopped while this task was running."):
            changed.append(row.id)
    return tuple(changed)


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


def answers_due(store: Store) -> tuple[tuple[str, str, str], ...]:
    """The answers that are owed to requesters: (request, `reject`, `abort` or `pass`, words), oldest first.

    For `pass` the answer is the pod's own: see `last_message_of`.
    """
    with store.read() as connection:
        rows = connection.execute(
            select(request.c.id, request.c.answer, request.c.answer_words)
            .where(request.c.answer.in_(["reject", "abort", "pass"]))
            .order_by(request.c.number)
        )
        return tuple((row.id, row.answer, row.answer_words) for row in rows)


def last_message_of(store: Store, request_id: str) -> bytes:
    """The message with which the pod ended the task. Raises NotFound (`request.unknown`)."""
    with store.read() as connection:
        _row(connection, request_id)
        return base64.b64decode(_findings(connection, request_id).get(LAST_MESSAGE, ""))


def answered(store: Store, request_id: str, kind: str, problem: str = "") -> None:
    """The answer was sent, or can never be sent because of `problem`. Nothing happens where none of `kind` is owed."""
    body = {"kind": kind, "problem": problem} if problem else {"kind": kind}
    with _unless_moved(store, Fact(GATE, "request.answered", request_id, body)) as unit:
        if _row(unit.connection, request_id).answer != kind:
            raise _Unchanged
        unit.execute(update(request).where(request.c.id == request_id).values(answer="made"))


def waiting_to_open(store: Store) -> tuple[str, ...]:
    """Requests that are kept but not opened, oldest first."""
    with store.read() as connection:
        rows = connection.execute(
            select(request.c.id).where(request.c.state == State.CAPTURED).order_by(request.c.number)
        )
        return tuple(rows.scalars())


def bytes_of(store: Store, request_id: str) -> Sealed:
    """The sealed bytes of a request. Raises NotFound (`request.unknown`)."""
    with store.read() as connection:
        row = _row(connection, request_id)
        kept = connection.execute(select(sealed).where(sealed.c.request_id == request_id)).one()
    return Sealed(request_id, row.task_id, row.requester, kept.wire, kept.body, unstamp(row.deadline))


def by_task(store: Store, task_id: str) -> Found | None:
    """The request that a task belongs to."""
    with store.read() as connection:
        row = connection.execute(select(request.c.id).where(request.c.task_id == task_id).limit(1)).first()
        return _found(connection, row.id) if row else None


def active(store: Store) -> Found | None:
    """The one request that is on its way to the pod or running in it."""
    with store.read() as connection:
        row = connection.execute(
            select(request.c.id).where(request.c.state.in_([State.DELIVERING, State.RUNNING])).limit(1)
        ).first()
        return _found(connection, row.id) if row else None


def find(store: Store, name: str) -> Found:
    """A request by its id or its reference. Raises NotFound (`request.unknown`)."""
    with store.read() as connection:
        if name.upper().startswith("H-"):
            row = connection.execute(select(request.c.id).where(request.c.reference == name.upper())).first()
            name = row.id if row else name
        return _found(connection, name)


def last_approved_like(store: Store, found: Found) -> Found | None:
    """The request last approved before this one from the same requester for the same kind of task."""
    with store.read() as connection:
        row = connection.execute(
            select(request.c.id)
            .join(decision, decision.c.request_id == request.c.id)
            .where(
                decision.c.verdict == "allow",
                request.c.requester == found.row.requester,
                request.c.task == found.row.task,
                request.c.number < found.row.number,
            )
            .order_by(request.c.number.desc())
            .limit(1)
        ).first()
        return _found(connection, row.id) if row else None


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


def grants_for(connection: Connection, fingerprint: str) -> tuple[Row[Any], ...]:
    """The grants whose pins a request with this fingerprint meets, whatever their state."""
    return tuple(connection.execute(select(grant).where(grant.c.fingerprint == fingerprint)).all())


def count_held(store: Store) -> int:
    """How many requests wait for a decision."""
    with store.read() as connection:
        counted = select(func.count()).select_from(request).where(request.c.state.in_([State.HELD, State.LAPSED]))
        return int(connection.execute(counted).scalar_one())


def listing(store: Store, *, state: str, search: str, limit: int, after: str) -> Listing:
    """Requests newest first: a page of `limit` after the request number `after` (empty: from the newest)."""
    wanted = select(request)
    if search:
        pattern = "%" + search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        columns = (request.c.requester, request.c.task, request.c.datasource, request.c.project, request.c.reference)
        by_text = [column.like(pattern, escape="\\") for column in columns]
        wanted = wanted.where(or_(*by_text, request.c.id == search))
    if state:
        wanted = wanted.where(request.c.state.in_(state.split(",")))
    with store.read() as connection:
        counts = connection.execute(select(request.c.state, func.count()).group_by(request.c.state)).all()
        by_state = {row[0]: int(row[1]) for row in counts}
        if search:
            total = int(connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one())
        else:
            total = sum(count for name, count in by_state.items() if not state or name in state.split(","))
        if after.isdecimal():
            wanted = wanted.where(request.c.number < int(after))
        rows = tuple(connection.execute(wanted.order_by(request.c.number.desc()).limit(limit + 1)).all())
    more = str(rows[limit - 1].number) if len(rows) > limit else None
    return Listing(rows[:limit], total, more, by_state)


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
            _reserve(unit, clock, _found(unit.connection, request_id), request_id)
    except Refused as error:
        unit.execute(update(grant).where(grant.c.id == opening.grant_id).values(runs_left=grant.c.runs_left + 1))
        return _hold_after_all(unit, request_id, error.code, error.what)
    unit.execute(update(request).where(request.c.id == request_id).values(grant_id=opening.grant_id))
    _decide(unit, clock, request_id, "allow", "grant", f"Covered by the grant {opening.grant_id}")
    unit.also(Fact(GATE, "request.approved", request_id, {"grant": opening.grant_id}))
    return _move(unit, request_id, Event.APPROVED, "Approved by a grant, waiting for delivery to the pod")


def _hold_after_all(unit: Unit, request_id: str, why: str, words: str) -> State:
    unit.also(Fact(GATE, "request.held", request_id, {"why": why}))
    return _move(unit, request_id, Event.HELD, words)


def _reserve(unit: Unit, clock: Clock, found: Found, request_id: str) -> None:
    for want in found.findings.get("wants", ()):
        reservation = limits.reserve(
            unit,
            request_id=request_id,
            network=found.row.network,
            project=found.row.project,
            resource=want["resource"],
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


def _make_grant(unit: Unit, clock: Clock, row: Row[Any], actor: str, days: int) -> None:
    grant_id = new_id("grt")
    now = clock.now()
    expires = stamp(now + timedelta(days=days))
    unit.execute(
        insert(grant).values(
            id=grant_id,
            fingerprint=row.fingerprint,
            runs_left=1,
            expires_at=expires,
            made_at=stamp(now),
            made_from=row.id,
        )
    )
    unit.also(Fact(actor, "grant.made", grant_id, {"request": row.id, "runs": 1, "expires": expires}))


def _too_late(store: Store, clock: Clock, request_id: str, days: int) -> None:
    with _unless_moved(store, Fact(GATE, "request.too-late", request_id)) as unit:
        row = _row(unit.connection, request_id)
        if row.state != State.APPROVED:
            raise _Unchanged
        limits.settle(unit, request_id, "not-delivered", clock.now())
        unit.note(reference=_lapse(unit, request_id))
        _make_grant(unit, clock, row, GATE, days)
        _move(
            unit, request_id, Event.GRANTED, "Approved, but too late to deliver: a grant waits for it to be sent again"
        )


def _busy(connection: Connection) -> bool:
    on_its_way = select(request.c.id).where(request.c.state.in_([State.DELIVERING, State.RUNNING])).limit(1)
    return connection.execute(on_its_way).first() is not None


def _lapse(unit: Unit, request_id: str) -> str:
    reference = new_reference()
    words = f"Held for a decision by the data custodian, reference {reference}. Send it again once it is approved."
    _move(unit, request_id, Event.LAPSED, "Held: nobody decided while the requester was waiting")
    unit.execute(update(request).where(request.c.id == request_id).values(reference=reference))
    _answer(unit, request_id, "reject", words)
    return reference


def _answer(unit: Unit, request_id: str, kind: str, words: str) -> None:
    unit.execute(update(request).where(request.c.id == request_id).values(answer=kind, answer_words=words))


def _move(unit: Unit, request_id: str, event: Event, words: str) -> State:
    row = _row(unit.connection, request_id)
    state = advance(State(row.state), event)
    unit.execute(update(request).where(request.c.id == request_id).values(state=state, state_words=words))
    unit.note(state=str(state))
    return state


def _sent(store: Store, row: Row[Any]) -> datetime:
    with store.read() as connection:
        sent_at = _findings(connection, row.id).get("sent_at")
    received = unstamp(row.received_at)
    return min(unstamp(sent_at), received) if sent_at else received


def _row(connection: Connection, request_id: str) -> Row[Any]:
    row = connection.execute(select(request).where(request.c.id == request_id)).first()
    if row is None:
        raise NotFound(
            "request.unknown",
            "There is no such request.",
            "No request has this id or reference.",
            "List the requests and use an id or a reference from there.",
        )
    return row


def _findings(connection: Connection, request_id: str) -> dict[str, Any]:
    text = connection.execute(select(sealed.c.findings).where(sealed.c.request_id == request_id)).scalar_one()
    found: dict[str, Any] = json.loads(text)
    return found


def _found(connection: Connection, request_id: str) -> Found:
    row = _row(connection, request_id)
    decided = connection.execute(select(decision).where(decision.c.request_id == request_id)).first()
    return Found(row, _findings(connection, request_id), decided)
