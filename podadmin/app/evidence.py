"""Holds the records against the journal: what a table says now must be what its entries said when it was written.

The chain proves the entries; this proves that the rows beside them were not changed by another hand: the sealed bytes
of every request, every decision and every metered use.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from podadmin.journal.records import journal_entry
from podadmin.limits.records import usage
from podadmin.requests.records import decision, request, sealed
from podadmin.store.engine import Store

_VERDICTS = {"request.approved": "allow", "request.refused": "refuse"}


@dataclass(frozen=True)
class Mismatch:
    """A record that differs from the entry `seq` that tells of it."""

    seq: int
    words: str


def check_evidence(store: Store) -> Mismatch | None:
    """The first record that is not what the journal says; None where all are. Raises Unavailable, Tampered."""
    with store.read() as connection:
        acts = ("request.captured", "request.approved", "request.refused", "request.result")
        wanted = select(journal_entry).where(journal_entry.c.act.in_(acts)).order_by(journal_entry.c.seq)
        captured: dict[str, tuple[int, str, str]] = {}
        decided: dict[str, tuple[int, str]] = {}
        used: dict[tuple[str, str], tuple[int, float]] = {}
        for entry in connection.execute(wanted.execution_options(yield_per=500)):
            body = json.loads(entry.body)
            if entry.act == "request.captured":
                captured[entry.subject] = (entry.seq, body["sha256"], body["wire"])
            elif entry.act == "request.result":
                if not body.get("withheld"):
                    used |= {(body["sha256"], name): (entry.seq, float(amount)) for name, amount in body["consumed"]}
            elif "code" not in body:
                decided[entry.subject] = (entry.seq, _VERDICTS[entry.act])
        return _sealed_bytes(connection, captured) or _decisions(connection, decided) or _uses(connection, used)


def _sealed_bytes(connection: Any, captured: dict[str, tuple[int, str, str]]) -> Mismatch | None:
    rows = connection.execute(
        select(request.c.id, request.c.body_digest, sealed.c.wire, sealed.c.body)
        .join(sealed, sealed.c.request_id == request.c.id)
        .execution_options(yield_per=50)
    )
    seen = set()
    for row in rows:
        seen.add(row.id)
        seq, digest, wire = captured.get(row.id, (0, "", ""))
        kept = hashlib.sha256(row.body).hexdigest() if row.body else digest
        if digest != row.body_digest or kept != digest or hashlib.sha256(row.wire).hexdigest() != wire:
            return Mismatch(seq, f"The sealed bytes of the request {row.id} are not those that entry {seq} tells of.")
    for request_id, (seq, _body, _wire) in captured.items():
        if request_id not in seen:
            return Mismatch(seq, f"The request {request_id} that entry {seq} tells of is gone.")
    return None


def _decisions(connection: Any, decided: dict[str, tuple[int, str]]) -> Mismatch | None:
    rows = {row.request_id: row.verdict for row in connection.execute(select(decision))}
    for request_id in rows.keys() | decided.keys():
        seq, verdict = decided.get(request_id, (0, ""))
        if rows.get(request_id) != verdict:
            return Mismatch(seq, f"The decision on the request {request_id} is not the one that entry {seq} tells of.")
    return None


def _uses(connection: Any, used: dict[tuple[str, str], tuple[int, float]]) -> Mismatch | None:
    rows = {(row.message_digest, row.resource): row.amount for row in connection.execute(select(usage))}
    for key in rows.keys() | used.keys():
        seq, amount = used.get(key, (0, -1.0))
        if rows.get(key) != amount:
            return Mismatch(seq, f"The use of {key[1]} is not the one that entry {seq} tells of.")
    return None
