"""Holds the records against the journal: what a table says now must be what its entries said when it was written.

The chain proves the entries; this proves that the rows beside them were not changed by another hand: the sealed bytes
and the state of every request, every decision, rule, purpose, grant, vote, receipt, pinned key and metered use, what
the network said of limits and what is promised, the settings, the hosts that a pod may reach, the results that are
held, what people want of a task, datasources, networks and how the pod is started.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from podadmin.app.evidence_anchors import KIND, AnchorsTold, differing_anchor
from podadmin.app.evidence_gate import ACTS as GATE_ACTS
from podadmin.app.evidence_gate import GateTold, differing_gate
from podadmin.app.evidence_grants import KINDS, GrantsTold, differing_grant, differing_people
from podadmin.app.evidence_keys import KeysTold, differing_key, differing_pin
from podadmin.app.evidence_limits import ACTS as LIMIT_ACTS
from podadmin.app.evidence_limits import LimitsTold, differing_limit
from podadmin.app.evidence_promises import ACCEPTED, PromisesTold, Tally, differing_promise, unheard_of_promise
from podadmin.app.evidence_requests import Unknowable, differing_receipt, differing_request, differing_waiting
from podadmin.app.evidence_rows import Found
from podadmin.app.evidence_rules import KIND as RULES
from podadmin.app.evidence_rules import RulesTold, differing_purpose, differing_rule
from podadmin.app.evidence_sources import ACTS as SOURCE_ACTS
from podadmin.app.evidence_sources import SourcesTold, differing_source
from podadmin.app.evidence_triggers import differing_trigger
from podadmin.core.progress import Progress
from podadmin.journal.records import journal_entry
from podadmin.store.engine import Store

_APPROVED = "request.approved"


@dataclass(frozen=True)
class Mismatch:
    """A record that differs from the entry `seq` that tells of it; None where no entry tells of it."""

    seq: int | None
    words: str


@dataclass
class _Told:
    """What the journal says about everything of which there is little: permissions, rules, keys, anchors, limits."""

    granted: GrantsTold = field(default_factory=GrantsTold)
    keys: KeysTold = field(default_factory=KeysTold)
    anchors: AnchorsTold = field(default_factory=AnchorsTold)
    limits: LimitsTold = field(default_factory=LimitsTold)
    accepted: PromisesTold = field(default_factory=PromisesTold)
    rules: RulesTold = field(default_factory=RulesTold)
    gate: GateTold = field(default_factory=GateTold)
    sources: SourcesTold = field(default_factory=SourcesTold)

    def hear(self, entry: Any) -> None:
        """Take in one entry; later ones go before earlier ones."""
        body: Mapping[str, Any] = json.loads(entry.body)
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
        elif entry.act == ACCEPTED:
            self.accepted.hear(entry, body)
        elif entry.act in GATE_ACTS:
            self.gate.hear(entry, body)
        elif entry.act in SOURCE_ACTS:
            self.sources.hear(entry, body)
        elif "grant" in body and "code" not in body:
            self.granted.used(body["grant"], body.get("inferences", 0.0))


def check_evidence(store: Store, *, live: bool = False, progress: Progress | None = None) -> Mismatch | None:
    """The first record that is not what the journal says; None where all are. Raises Unavailable, Tampered, Cancelled.

    With `live` only what can still lead to a delivery is looked at: requests that have not ended, every permission,
    every rule, every key. It is quick however long the journal is, and the rest has to follow.
    """
    progress, tally = progress or Progress(), Tally()
    with store.read(progress) as connection:
        try:
            found = differing_trigger(connection) or differing_request(connection, live, progress, tally)
            found = found or _of_the_rest(connection, live, tally)
            if live:
                found = found or differing_waiting(connection)
            else:
                # a receipt tells of a decision and leads to none
                found = found or unheard_of_promise(connection, tally) or differing_receipt(connection, progress)
        except Unknowable as error:
            # where the chain in front of an anchor was not walked yet, an entry can be anything
            return _not_ours(error.seq)
    return Mismatch(*found) if found else None


def _of_the_rest(connection: Connection, live: bool, tally: Tally) -> Found:
    told = _Told()
    act = journal_entry.c.act
    # as ranges, which the index knows: a LIKE would look at every entry. After the dot comes the slash
    tests = [and_(act >= kind, act < f"{kind[:-1]}/") for kind in ("key.", KIND, RULES, *KINDS)]
    wanted = select(journal_entry).where(
        or_(*tests, act.in_([*LIMIT_ACTS, ACCEPTED, *GATE_ACTS, *SOURCE_ACTS, _APPROVED]))
    )
    # the few of a live look are put in order here: asked for it, the database would walk through all of them
    few = sorted(connection.execute(wanted), key=lambda entry: int(entry.seq)) if live else ()
    every = wanted.order_by(journal_entry.c.seq).execution_options(yield_per=500)
    for entry in few if live else connection.execute(every):
        try:
            told.hear(entry)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unknowable(entry.seq) from error
    return (
        differing_grant(connection, told.granted)
        or differing_people(connection, told.granted)
        or differing_rule(connection, told.rules)
        or differing_purpose(connection, told.rules)
        or differing_key(connection, told.keys)
        or differing_pin(connection, told.keys)
        or differing_anchor(connection, told.anchors)
        or differing_limit(connection, told.limits)
        or differing_promise(connection, told.accepted, {}, tally)
        or differing_gate(connection, told.gate)
        or differing_source(connection, told.sources)
    )


def _not_ours(seq: int) -> Mismatch:
    return Mismatch(seq, f"Entry {seq} is not one that podadmin writes.")
