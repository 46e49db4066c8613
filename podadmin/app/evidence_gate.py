"""Holds what the gate goes by against the journal: its settings, the hosts that a pod may reach, the results it holds.

Whoever can write to the database could switch “results are seen first” off, let a host through or let a result go.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, case, func, select

from podadmin.app.evidence_rows import Found, Kept, compare
from podadmin.app.settings import SETTINGS
from podadmin.core.text import stranger
from podadmin.gate.hosts import ALLOWED, REFUSED
from podadmin.gate.records import host, result
from podadmin.gate.results import HELD, RELEASED, SENT
from podadmin.store.settings import setting

_VERDICTS: Final = {"gate.host-allowed": ALLOWED, "gate.host-forbidden": REFUSED}
ACTS: Final = ("setting.changed", "gate.result-held", "gate.result-released", *_VERDICTS)


@dataclass
class _Held:
    """Results of one request that had to be seen: all of them, and those that nobody has let go."""

    seq: int
    count: int = 0
    waiting: int = 0


@dataclass
class GateTold:
    """What the journal says, later entries before earlier ones."""

    settings: dict[str, Kept] = field(default_factory=dict)
    hosts: dict[str, Kept] = field(default_factory=dict)
    results: dict[str, _Held] = field(default_factory=dict)

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        """Take in one entry whose act is one of `ACTS`."""
        if entry.act == "setting.changed":
            self.settings[entry.subject] = Kept(entry.seq, {"value": body["now"]})
        elif entry.act in _VERDICTS:
            self.hosts[entry.subject] = Kept(entry.seq, {"verdict": _VERDICTS[entry.act]})
        elif entry.act == "gate.result-released":
            if entry.subject in self.results:
                self.results[entry.subject].waiting = int(body.get("still", 0))
        elif body.get("reasons") and not body.get("again"):
            held = self.results.setdefault(entry.subject, _Held(entry.seq))
            held.seq, held.count, held.waiting = entry.seq, held.count + 1, held.waiting + 1


def differing_gate(connection: Connection, told: GateTold) -> Found:
    """The first setting, host or result that is not what the journal says; None where all are."""
    declared = {each.name for each in SETTINGS}
    settings = [row for row in connection.execute(select(setting)) if row.name in declared]
    known = {name: kept for name, kept in told.settings.items() if name in declared}
    decided = connection.execute(select(host).where(host.c.verdict != ""))
    return (
        compare(settings, known, lambda row: row.name, "The setting", _same_value)
        or compare(
            decided, told.hosts, lambda row: row.host, "The host", lambda row, said: row.verdict == said["verdict"]
        )
        or _differing_result(connection, told)
    )


def _same_value(row: Any, said: Mapping[str, Any]) -> bool:
    try:
        return bool(json.loads(row.value) == said["value"])
    except ValueError:
        return False


def _differing_result(connection: Connection, told: GateTold) -> Found:
    """A result that had a reason to be seen, and lost it, or went without a word of anybody or before its turn."""
    wanted = select(result.c.request_id, result.c.state, func.count()).where(result.c.reasons != "[]")
    kept: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for request_id, state, count in connection.execute(wanted.group_by(result.c.request_id, result.c.state)):
        kept[request_id] += count
        gone[request_id] += count if state in {RELEASED, SENT} else 0
    for request_id, held in told.results.items():
        if kept[request_id] < held.count or gone[request_id] > held.count - held.waiting:
            shown = stranger(request_id)
            return held.seq, f"A result of the request {shown} that entry {held.seq} tells to be held is not held."
    first = func.min(case((result.c.state == HELD, result.c.number)))
    last = func.max(case((result.c.state.in_((RELEASED, SENT)), result.c.number)))
    order = select(result.c.request_id).where(result.c.reasons != "[]").group_by(result.c.request_id)
    for request_id in connection.execute(order.having(first < last)).scalars():
        seq = told.results[request_id].seq if request_id in told.results else 0
        return seq, f"A result of the request {stranger(request_id)} went before one that waits."
    return None
