"""Holds the results that the gate keeps, and what people want of tasks, against the journal.

Whoever can write to the database could lay other bytes where a result waits that was looked at, or take back that a
task has to stop. What an older podadmin wrote has no digest in the journal; as many as it tells of are believed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, or_, select, union

from podadmin.app.evidence_rows import Found, Kept
from podadmin.core.text import stranger
from podadmin.gate.records import outgoing, result, wish
from podadmin.gate.results import HELD, RELEASED
from podadmin.gate.wishes import STOP, WITHHOLD, proof_of
from podadmin.journal.records import journal_entry

_KEPT: Final = ("gate.result-held", "gate.result-queued", "gate.result-copied")
_WISHES: Final = {"gate.stop-wanted": STOP, "gate.withholding-wanted": WITHHOLD}
_DONE: Final = "gate.wish-done"
_AT_ONCE: Final = 20
"""So many results are in memory at once; one may have many megabytes."""


@dataclass
class ResultsTold:
    """What entries say of the results and wishes of some requests.

    `results` and `older_results` are by request, `bodies` by the digest of a message, `wishes` by id. `older_…`: how
    many have no digest.
    """

    results: dict[str, dict[str, int]] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    older_results: Counter[str] = field(default_factory=Counter)
    wishes: dict[str, Kept] = field(default_factory=dict)
    older_wishes: Counter[tuple[str, str]] = field(default_factory=Counter)
    older_done: Counter[str] = field(default_factory=Counter)

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        """Take in one entry about a request; later ones go before earlier ones."""
        name = entry.subject
        if entry.act in _KEPT:
            if "sha256" in body:
                self.results.setdefault(name, {})[body["sha256"]] = entry.seq
                self.bodies[body["sha256"]] = body.get("body", "")
            elif not body.get("again"):
                self.older_results[name] += 1
        elif entry.act in _WISHES:
            if "wish" in body:
                self.wishes[body["wish"]] = Kept(entry.seq, {"sha256": body["sha256"], "done": False})
            else:
                self.older_wishes[name, _WISHES[entry.act]] += 1
        elif entry.act == _DONE:
            if body.get("wish") in self.wishes:
                self.wishes[body["wish"]] = Kept(entry.seq, {**self.wishes[body["wish"]].facts, "done": True})
            else:
                self.older_done[name] += 1


def open_ids() -> Select[str]:
    """The requests of which something can still leave, or that somebody wanted to stop: of both there are few."""
    waits = select(result.c.request_id).where(result.c.state.in_((HELD, RELEASED)))
    told = select(journal_entry.c.subject).where(journal_entry.c.act.in_(_WISHES))
    every = union(waits, select(wish.c.request_id).where(wish.c.done_at.is_(None)), told).subquery()
    return select(every.c[0])


def differing_result(connection: Connection, ids: Select[str], told: ResultsTold) -> Found:
    """The first result or wish of these requests that is not as its entry tells, or is gone."""
    return _results(connection, ids, told) or _wishes(connection, ids, told)


def stray_result(connection: Connection, ids: Select[str]) -> Found:
    """A result or a wish of a request that is not among `ids`, which are all that there are."""
    for table, what in ((result, "The result"), (wish, "The wish")):
        row = connection.execute(select(table.c.id).where(table.c.request_id.not_in(ids)).limit(1)).first()
        if row is not None:
            return None, f"{what} {stranger(row.id)} is there, and no entry tells of it."
    return None


def _results(connection: Connection, ids: Select[str], told: ResultsTold) -> Found:
    # what has gone, or was withheld, has no bytes any more
    waits = or_(result.c.wire != b"", result.c.state.in_((HELD, RELEASED)))
    listed = and_(outgoing.c.request_id == result.c.request_id, outgoing.c.result_id == result.c.id)
    columns = result.c.id, result.c.request_id, result.c.wire, outgoing.c.digest
    wanted = select(*columns).select_from(result.outerjoin(outgoing, listed)).where(result.c.request_id.in_(ids), waits)
    older = Counter(told.older_results)
    for row in connection.execute(wanted.execution_options(yield_per=_AT_ONCE)):
        said = told.results.get(row.request_id, {})
        digest = hashlib.sha256(row.wire).hexdigest()
        if digest in said:
            if row.digest and told.bodies[digest] not in {"", row.digest}:
                words = f"is listed with another body than entry {said[digest]} tells of"
                return said[digest], f"The result {stranger(row.id)} {words}."
            continue
        older[row.request_id] -= 1
        if older[row.request_id] < 0:
            seq = max(said.values(), default=None)
            tells = f"not the one that entry {seq} tells of" if seq else "there, and no entry tells of it"
            return seq, f"The result {stranger(row.id)} is {tells}."
    counted = select(result.c.request_id, func.count()).where(result.c.request_id.in_(ids))
    there = {row[0]: row[1] for row in connection.execute(counted.group_by(result.c.request_id))}
    for name, said in told.results.items():
        if there.get(name, 0) < len(said):
            seq = max(said.values())
            return seq, f"A result of the request {stranger(name)} that entry {seq} tells of is gone."
    return None


def _wishes(connection: Connection, ids: Select[str], told: ResultsTold) -> Found:
    wanted, done = Counter(told.older_wishes), Counter(told.older_done)
    seen = set()
    for row in connection.execute(select(wish).where(wish.c.request_id.in_(ids))):
        seen.add(row.id)
        said = told.wishes.get(row.id)
        if said is None:
            wanted[row.request_id, row.kind] -= 1
            done[row.request_id] -= row.done_at is not None
            if wanted[row.request_id, row.kind] < 0 or done[row.request_id] < 0:
                return None, f"The wish {stranger(row.id)} is there as no entry tells of it."
        elif said.facts != {"sha256": proof_of(*row[:6]), "done": row.done_at is not None}:
            return said.seq, f"The wish {stranger(row.id)} is not the one that entry {said.seq} tells of."
    for name, kept in told.wishes.items():
        if name not in seen:
            return kept.seq, f"The wish {stranger(name)} that entry {kept.seq} tells of is gone."
    return None
