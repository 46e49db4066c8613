"""Holds requests, the decisions on them, their use, promises, results and receipts against the journal, in slices.

There can be millions of them. What the journal says of one is found by its subject, so that only the entries of one
slice are ever held in memory, and the work can tell how far it is and be stopped between two slices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, select, true

from podadmin.app.evidence_grants import same_receipt
from podadmin.app.evidence_promises import PromisesTold, Tally, differing_promise
from podadmin.app.evidence_results import ResultsTold, differing_result, open_ids, stray_result
from podadmin.app.evidence_rows import Found, Kept, compare, same_moment
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.journal.records import journal_entry
from podadmin.limits.records import usage
from podadmin.requests.records import decision, receipt, request, sealed
from podadmin.requests.state import TERMINAL, State

SLICE: Final = 500
_AT_ONCE: Final = 20
"""So many sealed bodies are in memory at once; one may have many megabytes."""
_VERDICTS: Final = {"request.approved": "allow", "request.refused": "refuse"}
LIVE: Final[ColumnElement[bool]] = request.c.state.in_(sorted(set(State) - TERMINAL))
"""What can still lead to a delivery: by name, so that an index finds them among the ones that have ended."""


class Unknowable(Exception):
    """An entry that podadmin does not write, by its number."""

    def __init__(self, seq: int) -> None:
        super().__init__(seq)
        self.seq = seq


@dataclass
class _Told:
    """What the journal says of the requests of one slice; later entries go before earlier ones."""

    captured: dict[str, Kept] = field(default_factory=dict)
    opened: dict[str, Kept] = field(default_factory=dict)
    states: dict[str, Kept] = field(default_factory=dict)
    decided: dict[str, Kept] = field(default_factory=dict)
    used: dict[tuple[str, int, str], Kept] = field(default_factory=dict)
    promises: PromisesTold = field(default_factory=PromisesTold)
    results: ResultsTold = field(default_factory=ResultsTold)

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        self.promises.hear(entry, body)
        self.results.hear(entry, body)
        if not entry.act.startswith("request."):
            return
        name, said = entry.subject, Kept(entry.seq, dict(body))
        if "state" in body:
            self.states[name] = said
        if entry.act == "request.captured":
            self.captured[name] = said
            self.states[name] = Kept(entry.seq, {"state": "invalid" if "problem" in body else "captured"})
        elif entry.act == "request.opened":
            self.opened[name] = said
        elif entry.act == "request.result" and not body.get("withheld"):
            for resource, amount in body["consumed"]:
                message = body["sha256"], body.get("number", 0), resource
                self.used.setdefault(message, Kept(entry.seq, {"amount": float(amount)}))
        elif entry.act in _VERDICTS and "code" not in body:
            self.decided[name] = Kept(entry.seq, _decision_of(entry, body))


def _decision_of(entry: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    by, reason = entry.actor, body.get("note", body.get("reason", ""))
    if "grant" in body:
        by, reason = "grant", f"Covered by the grant {body['grant']}"
    elif "rule" in body:
        by, reason = "rule", f"Allowed by the rule {body['rule']}"
    return {"verdict": _VERDICTS[entry.act], "by": by, "reason": reason, "at": entry.at}


def differing_request(connection: Connection, live: bool, progress: Progress, tally: Tally) -> Found:
    """The first request that is not what the journal says, or whose decision, bytes, use, promises or results are not.

    With `live` only those that have not ended. Raises Unknowable, Cancelled.
    """
    wanted = LIVE if live else true()
    newest = int(connection.execute(select(func.max(request.c.number))).scalar() or 0)
    # not from a number on: who writes into the database by hand can give any
    behind: ColumnElement[bool] = true()
    while True:
        numbers = select(request.c.number).where(wanted, behind).order_by(request.c.number)
        found = connection.execute(numbers.limit(SLICE)).scalars().all()
        if not found:
            return None if live else _left_over(connection)
        # asked for by where they lie: to name each of them took as long as to read them
        ids = select(request.c.id).where(wanted, behind, request.c.number <= found[-1])
        told = _told(connection, ids)
        differs = _requests(connection, ids, told) or _decisions(connection, ids, told)
        differs = differs or (None if live else _uses(connection, ids, told))
        differs = differs or differing_promise(connection, told.promises, told.states, tally)
        differs = differs or differing_result(connection, ids, told.results)
        if differs:
            return differs
        behind = request.c.number > found[-1]
        _report(progress, "requests", found[-1], newest)


def differing_waiting(connection: Connection) -> Found:
    """The first wish, or result that waits, that is not what the journal says."""
    ids = open_ids()
    return differing_result(connection, ids, _told(connection, ids).results)


def _told(connection: Connection, ids: Select[str]) -> _Told:
    told = _Told()
    for entry, body in _entries(connection, ids, "request.", "gate.", "limit."):
        try:
            told.hear(entry, body)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unknowable(entry.seq) from error
    return told


def differing_receipt(connection: Connection, progress: Progress) -> Found:
    """The first receipt that is not the one that was made, or whose signature is not that of a key of this pod."""
    same = same_receipt(connection)
    newest = int(connection.execute(select(func.max(receipt.c.number))).scalar() or 0)
    behind: ColumnElement[bool] = true()
    while rows := connection.execute(select(receipt).where(behind).order_by(receipt.c.number).limit(SLICE)).all():
        names = select(receipt.c.reference).where(behind, receipt.c.number <= rows[-1].number)
        told = {entry.subject: Kept(entry.seq, body) for entry, body in _entries(connection, names, "receipt.made")}
        differs = compare(rows, told, lambda row: row.reference, "The receipt", same)
        if differs:
            return differs
        behind = receipt.c.number > rows[-1].number
        _report(progress, "receipts", rows[-1].number, newest)
    gone = _first(
        connection,
        select(journal_entry.c.seq, journal_entry.c.subject).where(
            journal_entry.c.act == "receipt.made",
            ~exists().where(receipt.c.reference == journal_entry.c.subject),
        ),
    )
    return None if gone is None else _gone(Kept(gone.seq, {}), f"The receipt {stranger(gone.subject)}")


def _report(progress: Progress, what: str, last: int, newest: int) -> None:
    said = f"Holding the {what} up to {last:,} of {newest:,} against their entries"
    progress.report(said, min(max(last, 0) / max(newest, 1), 1.0))


def _entries(connection: Connection, subjects: Select[str], *acts: str) -> list[tuple[Any, dict[str, Any]]]:
    """The entries about these subjects whose act begins with one of these, in their order, each with its body."""
    wanted = select(journal_entry).where(journal_entry.c.subject.in_(subjects))
    rows = sorted(connection.execute(wanted), key=lambda entry: int(entry.seq))
    return [(row, _body(row)) for row in rows if row.act.startswith(acts)]


def _body(entry: Any) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(entry.body)
    except (TypeError, ValueError) as error:
        raise Unknowable(entry.seq) from error
    return body


def _requests(connection: Connection, ids: Select[str], told: _Told) -> Found:
    rows = connection.execute(
        select(request, sealed.c.wire, sealed.c.body)
        .outerjoin(sealed, sealed.c.request_id == request.c.id)
        .where(request.c.id.in_(ids))
        .order_by(request.c.number)
        .execution_options(yield_per=_AT_ONCE)
    )
    for row in rows:
        said = told.captured.get(row.id)
        if said is None:
            return _unheard_of(f"The request {stranger(row.id)}")
        if not _same_bytes(row, said):
            return _differs(said, f"The sealed bytes of the request {row.id} are not those")
        opened = told.opened.get(row.id)
        names = ("requester", "task", "risk", "fingerprint")
        if opened is not None and any(opened.facts.get(name) != getattr(row, name) for name in names):
            return _differs(opened, f"What is shown of the request {row.id} is not what was found in it,")
        state = told.states[row.id]
        if row.state != state.facts["state"]:
            return _differs(state, f"The state of the request {row.id} is not the one")
    return None


def _same_bytes(row: Any, said: Kept) -> bool:
    digest, wire = said.facts["sha256"], said.facts["wire"]
    # the body of a request that was too big is not kept; its digest is
    kept = hashlib.sha256(row.body).hexdigest() if row.body else digest
    whole = row.wire is not None and hashlib.sha256(row.wire).hexdigest() == wire
    gone = not row.body and said.facts["bytes"] > 0
    return bool(whole and not gone and digest == row.body_digest == kept)


def _decisions(connection: Connection, ids: Select[str], told: _Told) -> Found:
    seen = set()
    for row in connection.execute(select(decision).where(decision.c.request_id.in_(ids))):
        seen.add(row.request_id)
        said = told.decided.get(row.request_id)
        what = f"The decision on the request {stranger(row.request_id)}"
        if said is None:
            return _unheard_of(what)
        same = all(said.facts[name] == getattr(row, name) for name in ("verdict", "by", "reason"))
        if not same or not same_moment(said.facts["at"], row.at):
            return _differs(said, f"{what} is not the one")
    for name, said in told.decided.items():
        if name not in seen:
            return _gone(said, f"The decision on the request {name}")
    return None


def _uses(connection: Connection, ids: Select[str], told: _Told) -> Found:
    seen = set()
    for row in connection.execute(select(usage).where(usage.c.request_id.in_(ids))):
        # entries hold the names of strangers as they are shown
        name = (row.message_digest, row.sequence, stranger(row.resource))
        seen.add(name)
        said = told.used.get(name)
        if said is None:
            return _unheard_of(f"A use of {name[2]}")
        if row.amount != said.facts["amount"]:
            return _differs(said, f"The use of {name[2]} is not the one")
    for name, said in told.used.items():
        if name not in seen and not _counted_before(connection, name, said):
            return _gone(said, f"The use of {name[2]}")
    return None


def _counted_before(connection: Connection, name: tuple[str, int, str], said: Kept) -> bool:
    """Was the message counted already when another request brought it? It counts once only."""
    same = select(usage).where(usage.c.message_digest == name[0], usage.c.sequence == name[1])
    rows = connection.execute(same).all()
    return any(stranger(row.resource) == name[2] and row.amount == said.facts["amount"] for row in rows)


def _left_over(connection: Connection) -> Found:
    """What belongs to no request that there is: an entry that tells of one, a decision on one, a use by one."""
    gone = _first(
        connection,
        select(journal_entry.c.seq, journal_entry.c.subject).where(
            journal_entry.c.act == "request.captured",
            ~exists().where(request.c.id == journal_entry.c.subject),
        ),
    )
    if gone is not None:
        return _gone(Kept(gone.seq, {}), f"The request {stranger(gone.subject)}")
    stray = _first(connection, select(decision).where(~exists().where(request.c.id == decision.c.request_id)))
    if stray is not None:
        return _unheard_of(f"The decision on the request {stranger(stray.request_id)}")
    used = _first(connection, select(usage).where(~exists().where(request.c.id == usage.c.request_id)))
    if used is not None:
        return _unheard_of(f"A use of {stranger(used.resource)}")
    return stray_result(connection, select(request.c.id))


def _first(connection: Connection, wanted: Select[Any]) -> Row[Any] | None:
    return connection.execute(wanted.limit(1)).first()


def _differs(said: Kept, what: str) -> Found:
    return said.seq, f"{what} that entry {said.seq} tells of."


def _gone(said: Kept, what: str) -> Found:
    return said.seq, f"{what} that entry {said.seq} tells of is gone."


def _unheard_of(what: str) -> Found:
    return None, f"{what} is there, and no entry tells of it."
