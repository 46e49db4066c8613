"""Holds grants, who may decide, reviewers and votes against the journal, and says what a receipt has to be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from sqlalchemy import Connection, select

from podadmin.app.evidence_rows import Found, Kept, compare
from podadmin.core.text import stranger
from podadmin.requests import receipts
from podadmin.requests.records import decider, grant, request, reviewer, vote
from podadmin.vault.records import key

KINDS: Final = ("grant.", "decider.", "reviewer.", "review.")


@dataclass
class GrantsTold:
    """What the journal says, later entries before earlier ones."""

    grants: dict[str, Kept] = field(default_factory=dict)
    deciders: dict[str, Kept] = field(default_factory=dict)
    reviewers: dict[str, Kept] = field(default_factory=dict)
    votes: dict[tuple[str, str], Kept] = field(default_factory=dict)

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        """Take in one entry whose act begins with one of `KINDS`."""
        kind, _, what = entry.act.partition(".")
        if kind == "grant":
            self._hear_of_grant(entry, body, what)
        elif kind in {"decider", "reviewer"}:
            book = self.deciders if kind == "decider" else self.reviewers
            if what in {"named", "enrolled"}:
                book[entry.subject] = Kept(entry.seq, {**body, "over": False})
            elif entry.subject in book:
                book[entry.subject] = Kept(entry.seq, {**book[entry.subject].facts, "over": True})
        elif entry.act == "review.asked":
            for name in [name for name in self.votes if name[0] == entry.subject]:
                del self.votes[name]
        elif entry.act == "review.cast":
            self.votes[entry.subject, body["reviewer"]] = Kept(entry.seq, {"digest": body["digest"], "verdict": ""})
        elif entry.act == "review.opened":
            for each in body["votes"]:
                self.votes[entry.subject, each["reviewer"]].facts["verdict"] = each["verdict"]

    def used(self, grant_id: str, inferences: float) -> None:
        """A request was let through by a grant."""
        kept = self.grants.get(grant_id)
        if kept is not None:
            _count(kept, -1, -inferences)

    def _hear_of_grant(self, entry: Any, body: Mapping[str, Any], what: str) -> None:
        if what == "made":
            facts = {
                **body,
                "left": body["runs"],
                "inferences_left": body.get("inferences"),
                "may_vary": body.get("may_vary", []),
                "pins": body.get("pins", {}),
                "ended": "",
            }
            self.grants[entry.subject] = Kept(entry.seq, facts)
            return
        kept = self.grants.get(entry.subject)
        if kept is None:
            return
        if what == "settled":
            _count(kept, int(body["run_back"]), body["back"])
            return
        kept.seq = entry.seq
        if what == "varied":
            kept.facts["may_vary"] = body["may_vary"]
        else:
            kept.facts["ended"] = what


def _count(kept: Kept, runs: int, inferences: float) -> None:
    kept.facts["left"] += runs
    if kept.facts["inferences_left"] is not None:
        kept.facts["inferences_left"] += inferences


def differing_grant(connection: Connection, told: GrantsTold) -> Found:
    """The first grant that is not what the journal says."""
    made_from = select(request.c.id, request.c.fingerprint).where(request.c.id.in_(select(grant.c.made_from)))
    marks = {row.id: row.fingerprint for row in connection.execute(made_from)}

    def same(row: Any, facts: Mapping[str, Any]) -> bool:
        shown = (row.made_from, row.expires_at, row.runs_left, row.ended, json.loads(row.may_vary), row.inferences)
        said = ("request", "expires", "left", "ended", "may_vary", "inferences")
        pins = json.loads(row.pins) if row.pins else {}
        return (
            shown == tuple(facts.get(name) for name in said)
            and pins == facts["pins"]
            and _near(row.inferences_left, facts["inferences_left"])
            and (row.voided_reason is not None) == bool(row.ended)
            and row.fingerprint == marks.get(row.made_from)
        )

    return compare(connection.execute(select(grant)), told.grants, lambda row: row.id, "The grant", same)


def differing_people(connection: Connection, told: GrantsTold) -> Found:
    """The first who may decide or review, or the first vote, that is not what the journal says."""

    def decides(row: Any, facts: Mapping[str, Any]) -> bool:
        mine = (row.account, row.stands_for, row.until_at, row.ended_at is not None)
        return mine == (facts["account"], facts["stands_for"], facts.get("until"), facts["over"])

    def reviews(row: Any, facts: Mapping[str, Any]) -> bool:
        mine = (stranger(row.name), row.public_key, row.account, row.kind, row.removed_at is not None)
        return mine == tuple(facts[name] for name in ("name", "public_key", "account", "kind", "over"))

    def voted(row: Any, facts: Mapping[str, Any]) -> bool:
        return bool((row.digest, row.verdict) == (facts["digest"], facts["verdict"]))

    def who(row: Any) -> tuple[str, str]:
        return (row.request_id, row.reviewer_id)

    return (
        compare(connection.execute(select(decider)), told.deciders, lambda row: row.id, "The right to decide", decides)
        or compare(connection.execute(select(reviewer)), told.reviewers, lambda row: row.id, "The reviewer", reviews)
        or compare(connection.execute(select(vote)), told.votes, who, "The vote on", voted)
    )


def same_receipt(connection: Connection) -> Callable[[Any, Mapping[str, Any]], bool]:
    """Tells whether a receipt is the one that its entry tells of, and its signature that of a key of this pod."""
    public = {row.fingerprint: _raw(row.public_pem) for row in connection.execute(select(key))}

    def same(row: Any, facts: Mapping[str, Any]) -> bool:
        digest = hashlib.sha256(row.document.encode()).hexdigest()
        if (digest, row.entry, row.act) != (facts["sha256"], facts["entry"], facts["of"]):
            return False
        signed = receipts.signed_of(row)
        return not row.signature or receipts.right(signed, public.get(row.key, b""))

    return same


def _near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= 1e-6 * max(1.0, abs(one))


def _raw(pem: str) -> bytes:
    public = load_pem_public_key(pem.encode())
    if not isinstance(public, Ed25519PublicKey):
        return b""
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
