"""Holds the records against the journal: what a table says now must be what its entries said when it was written.

The chain proves the entries; this proves that the rows beside them were not changed by another hand: the sealed bytes
and the state of every request, every decision, rule, purpose, grant, vote, receipt, pinned key and metered use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, true

from podadmin.app.evidence_anchors import KIND, AnchorsTold, differing_anchor
from podadmin.app.evidence_grants import KINDS, GrantsTold, differing_grant, differing_people, differing_receipt
from podadmin.app.evidence_keys import KeysTold, differing_key, differing_pin
from podadmin.app.evidence_limits import ACTS as LIMIT_ACTS
from podadmin.app.evidence_limits import LimitsTold, differing_limit
from podadmin.app.evidence_rows import same_moment
from podadmin.app.evidence_rules import KIND as RULES
from podadmin.app.evidence_rules import RulesTold, differing_purpose, differing_rule
from podadmin.core.text import stranger
from podadmin.journal.records import journal_entry
from podadmin.limits.records import usage
from podadmin.requests.records import decision, request, sealed
from podadmin.requests.state import TERMINAL
from podadmin.store.engine import Store

_VERDICTS = {"request.approved": "allow", "request.refused": "refuse"}
_LIVE: ColumnElement[bool] = request.c.state.not_in(sorted(TERMINAL))


@dataclass(frozen=True)
class Mismatch:
    """A record that differs from the entry `seq` that tells of it; None where no entry tells of it."""

    seq: int | None
    words: str


@dataclass(frozen=True)
class _Said:
    """What an entry said about a record, and which entry it was."""

    seq: int
    facts: Mapping[str, Any]


@dataclass
class _Told:
    """Everything that the journal says about records, by what it is about.

    `live` is true where only what can still lead to a delivery was listened to: requests that have not ended.
    """

    live: bool = False
    captured: dict[str, _Said] = field(default_factory=dict)
    opened: dict[str, _Said] = field(default_factory=dict)
    states: dict[str, _Said] = field(default_factory=dict)
    decided: dict[str, _Said] = field(default_factory=dict)
    used: dict[tuple[str, int, str], _Said] = field(default_factory=dict)
    granted: GrantsTold = field(default_factory=GrantsTold)
    keys: KeysTold = field(default_factory=KeysTold)
    anchors: AnchorsTold = field(default_factory=AnchorsTold)
    limits: LimitsTold = field(default_factory=LimitsTold)
    rules: RulesTold = field(default_factory=RulesTold)

    def hear(self, entry: Any) -> None:
        """Take in one entry; later ones go before earlier ones."""
        body = json.loads(entry.body)
        said = _Said(entry.seq, body)
        if entry.act.startswith("key."):
            self.keys.hear(entry, body)
        elif entry.act.startswith(KINDS):
            self.granted.hear(entry, body)
        elif entry.act.startswith(KIND):
            self.anchors.hear(entry, body)
        elif entry.act.startswith(RULES):
            self.rules.hear(entry, body)
        elif entry.act in LIMIT_ACTS:
            self.limits.hear(entry, body)
        elif entry.act.startswith("request."):
            self._hear_of_request(entry, body, said)

    def _hear_of_request(self, entry: Any, body: Mapping[str, Any], said: _Said) -> None:
        name = entry.subject
        if "state" in body:
            self.states[name] = said
        if entry.act == "request.captured":
            self.captured[name] = said
            self.states[name] = _Said(entry.seq, {"state": "invalid" if "problem" in body else "captured"})
        elif entry.act == "request.opened":
            self.opened[name] = said
        elif entry.act == "request.result" and not body.get("withheld"):
            for resource, amount in body["consumed"]:
                message = body["sha256"], body.get("number", 0), resource
                self.used.setdefault(message, _Said(entry.seq, {"amount": float(amount)}))
        elif entry.act in _VERDICTS and "code" not in body:
            self.decided[name] = _Said(entry.seq, _decision_of(entry, body))
            if "grant" in body:
                self.granted.used(body["grant"], body.get("inferences", 0.0))


def _decision_of(entry: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    by, reason = entry.actor, body.get("note", body.get("reason", ""))
    if "grant" in body:
        by, reason = "grant", f"Covered by the grant {body['grant']}"
    elif "rule" in body:
        by, reason = "rule", f"Allowed by the rule {body['rule']}"
    return {"verdict": _VERDICTS[entry.act], "by": by, "reason": reason, "at": entry.at}


def check_evidence(store: Store, *, live: bool = False) -> Mismatch | None:
    """The first record that is not what the journal says; None where all are. Raises Unavailable, Tampered.

    With `live` only what can still lead to a delivery is looked at: requests that have not ended, every permission,
    every rule, every key. It is quick however long the journal is, and the rest has to follow.
    """
    checks: tuple[Callable[[Connection, _Told], Mismatch | None], ...] = (
        _requests,
        _decisions,
        _decided,
        _ruled,
        _keys,
    )
    if not live:
        checks += (_uses,)
    with store.read() as connection:
        told = _Told(live)
        act = journal_entry.c.act
        kinds = (*(() if live else ("request.",)), "key.", KIND, RULES, *KINDS)
        # as ranges, which the index knows: a LIKE would look at every entry. After the dot comes the slash
        tests = [and_(act >= kind, act < f"{kind[:-1]}/") for kind in kinds]
        tests.append(act.in_(LIMIT_ACTS))
        if live:
            tests += [act == "request.approved", journal_entry.c.subject.in_(select(request.c.id).where(_LIVE))]
        wanted = select(journal_entry).where(or_(*tests))
        # the few of a live look are put in order here: asked for it, the database would walk through all of them
        few = sorted(connection.execute(wanted), key=lambda entry: int(entry.seq)) if live else ()
        every = wanted.order_by(journal_entry.c.seq).execution_options(yield_per=500)
        for entry in few if live else connection.execute(every):
            try:
                told.hear(entry)
            except (KeyError, TypeError, ValueError, AttributeError):
                # where the chain in front of an anchor was not walked yet, an entry can be anything
                return Mismatch(entry.seq, f"Entry {entry.seq} is not one that podadmin writes.")
        for check in checks:
            found = check(connection, told)
            if found is not None:
                return found
    return None


def _requests(connection: Connection, told: _Told) -> Mismatch | None:
    rows = connection.execute(
        select(request, sealed.c.wire, sealed.c.body)
        .outerjoin(sealed, sealed.c.request_id == request.c.id)
        .where(_LIVE if told.live else true())
        .execution_options(yield_per=50)
    )
    seen = set()
    for row in rows:
        seen.add(row.id)
        said = told.captured.get(row.id)
        if said is None:
            return _unheard_of(f"The request {stranger(row.id)}")
        if not _same_bytes(row, said):
            return _differs(said, f"The sealed bytes of the request {row.id} are not those")
        opened = told.opened.get(row.id)
        names = ("requester", "task", "risk", "fingerprint")
        if opened is not None and any(opened.facts[name] != getattr(row, name) for name in names):
            return _differs(opened, f"What is shown of the request {row.id} is not what was found in it,")
        state = told.states[row.id]
        if row.state != state.facts["state"]:
            return _differs(state, f"The state of the request {row.id} is not the one")
    for name, said in told.captured.items():
        if name not in seen:
            return _gone(said, f"The request {name}")
    return None


def _same_bytes(row: Any, said: _Said) -> bool:
    digest, wire = said.facts["sha256"], said.facts["wire"]
    # the body of a request that was too big is not kept; its digest is
    kept = hashlib.sha256(row.body).hexdigest() if row.body else digest
    whole = row.wire is not None and hashlib.sha256(row.wire).hexdigest() == wire
    gone = not row.body and said.facts["bytes"] > 0
    return bool(whole and not gone and digest == row.body_digest == kept)


def _decisions(connection: Connection, told: _Told) -> Mismatch | None:
    seen = set()
    rows = select(decision)
    if told.live:
        rows = rows.join(request, request.c.id == decision.c.request_id).where(_LIVE)
    for row in connection.execute(rows):
        seen.add(row.request_id)
        said = told.decided.get(row.request_id)
        what = f"The decision on the request {stranger(row.request_id)}"
        if said is None:
            return _unheard_of(what)
        same = all(said.facts[name] == getattr(row, name) for name in ("verdict", "by", "reason"))
        if not same or not same_moment(said.facts["at"], row.at):
            return _differs(said, f"{what} is not the one")
    for name, said in told.decided.items():
        if name not in seen and (not told.live or name in told.captured):
            return _gone(said, f"The decision on the request {name}")
    return None


def _decided(connection: Connection, told: _Told) -> Mismatch | None:
    # a receipt tells of a decision and leads to none
    receipts = () if told.live else (differing_receipt,)
    for check in (differing_grant, differing_people, *receipts):
        found = check(connection, told.granted)
        if found is not None:
            return Mismatch(*found)
    return None


def _ruled(connection: Connection, told: _Told) -> Mismatch | None:
    found = differing_rule(connection, told.rules) or differing_purpose(connection, told.rules)
    return Mismatch(*found) if found else None


def _keys(connection: Connection, told: _Told) -> Mismatch | None:
    found = differing_key(connection, told.keys) or differing_pin(connection, told.keys)
    found = found or differing_anchor(connection, told.anchors) or differing_limit(connection, told.limits)
    return Mismatch(*found) if found else None


def _uses(connection: Connection, told: _Told) -> Mismatch | None:
    seen = set()
    for row in connection.execute(select(usage)):
        # entries hold the names of strangers as they are shown
        name = (row.message_digest, row.sequence, stranger(row.resource))
        seen.add(name)
        said = told.used.get(name)
        if said is None:
            return _unheard_of(f"A use of {name[2]}")
        if row.amount != said.facts["amount"]:
            return _differs(said, f"The use of {name[2]} is not the one")
    for name, said in told.used.items():
        if name not in seen:
            return _gone(said, f"The use of {name[2]}")
    return None


def _differs(said: _Said, what: str) -> Mismatch:
    return Mismatch(said.seq, f"{what} that entry {said.seq} tells of.")


def _gone(said: _Said, what: str) -> Mismatch:
    return Mismatch(said.seq, f"{what} that entry {said.seq} tells of is gone.")


def _unheard_of(what: str) -> Mismatch:
    return Mismatch(None, f"{what} is there, and no entry tells of it.")
