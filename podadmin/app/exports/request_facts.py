"""What the profile holds about a request, gathered for an export: its row, what was found in it, and its entries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select

from podadmin.app.exports.safe import without_secrets
from podadmin.app.journal_words import read_body
from podadmin.core.text import stranger
from podadmin.journal.chain import Entry
from podadmin.journal.records import entry_of, journal_entry
from podadmin.requests.receipts import Signed, signed_of
from podadmin.requests.records import receipt, request, sealed
from podadmin.vault.records import key

_MANY = 400


@dataclass(frozen=True)
class RequestFacts:
    """One request. Strangers' names are made visible; `findings` holds no secret. `entries` are the oldest first.

    `receipts` are those of its decisions, the oldest first; `keys` the public halves (PEM) that verify them, by the
    fingerprint that a receipt names.
    """

    id: str
    state: str
    requester: str
    task: str
    datasource: str
    project: str
    risk: str
    verified: str
    received_at: str
    reference: str
    findings: Mapping[str, Any]
    entries: tuple[Entry, ...] = field(default=())
    receipts: tuple[Signed, ...] = field(default=())
    keys: Mapping[str, str] = field(default_factory=dict)

    def last(self, *acts: str) -> Entry | None:
        """The newest entry with one of these acts."""
        return next((entry for entry in reversed(self.entries) if entry.act in acts), None)

    @property
    def decision(self) -> tuple[str, str, str]:
        """(verdict, by, why) in words; empty texts where nobody has decided."""
        entry = self.last("request.approved", "request.refused")
        if entry is None:
            return "", "", ""
        body = read_body(entry)
        by = f"the grant {body['grant']}" if body.get("grant") else stranger(str(body.get("by") or entry.actor))
        why = stranger(str(body.get("note") or body.get("reason") or body.get("code") or ""), 300)
        return entry.act.rpartition(".")[2], by, why


def facts_of(connection: Connection, ids: Sequence[str]) -> Iterator[RequestFacts]:
    """The requests with these ids, in their order; one that is not there is passed over."""
    for start in range(0, len(ids), _MANY):
        some = ids[start : start + _MANY]
        rows = connection.execute(
            select(request, sealed.c.findings)
            .outerjoin(sealed, sealed.c.request_id == request.c.id)
            .where(request.c.id.in_(some))
        )
        found = {row.id: row for row in rows}
        for name in some:
            if name in found:
                yield _facts(connection, found[name])


def _facts(connection: Connection, row: Row[Any]) -> RequestFacts:
    entries = connection.execute(
        select(journal_entry).where(journal_entry.c.subject == row.id).order_by(journal_entry.c.seq)
    )
    made = connection.execute(select(receipt).where(receipt.c.request_id == row.id).order_by(receipt.c.number))
    receipts = tuple(signed_of(each) for each in made)
    names = {each.key for each in receipts if each.key}
    public = connection.execute(select(key.c.fingerprint, key.c.public_pem).where(key.c.fingerprint.in_(names)))
    try:
        findings = json.loads(row.findings or "{}")
    except ValueError:
        findings = {}
    return RequestFacts(
        row.id,
        row.state,
        stranger(row.requester) or "not known",
        stranger(row.task) or "not opened",
        stranger(row.datasource),
        stranger(row.project),
        row.risk,
        row.verified,
        row.received_at,
        row.reference,
        without_secrets(findings) if isinstance(findings, dict) else {},
        tuple(entry_of(entry) for entry in entries),
        receipts,
        {each.fingerprint: each.public_pem for each in public} if names else {},
    )
