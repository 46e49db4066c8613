"""What one can do with rules: make, change, switch on and off, remove, look at what they were. Each is journalled.

A version is never written over. Who changed what and why stands beside each, and in the journal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import NotFound, Refused
from podadmin.core.text import stranger
from podadmin.requests.grant_cover import check_may_decide
from podadmin.requests.policy import Rules
from podadmin.requests.rule_history import complete, policy_mark
from podadmin.requests.rule_records import rule, rule_version
from podadmin.requests.rule_words import changes
from podadmin.requests.rules import Rule, read_rule
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

REASON_LIMIT = 2000


@dataclass(frozen=True)
class Version:
    """A version of a rule: what it said, who changed it, when and why. `removed`: the rule ended with it."""

    rule: Rule
    at: datetime
    by: str
    reason: str
    removed: bool


class Shelf:
    """The rules in force, prepared again only when one of them has changed."""

    def __init__(self) -> None:
        self._mark: str | None = None
        self._rules = Rules()

    @property
    def asks(self) -> frozenset[str]:
        """The fields that rules asked for when they were read last."""
        return self._rules.asks

    def rules(self, connection: Connection) -> Rules:
        """The rules as they are now."""
        mark = policy_mark(connection)
        if mark != self._mark:
            self._rules = rules_of(connection)
            self._mark = mark
        return self._rules


def rules_of(connection: Connection) -> Rules:
    """All rules that were not removed, those that are switched off too."""
    rows = connection.execute(select(rule).where(rule.c.removed.is_(False)).order_by(rule.c.id))
    return Rules(_rule(row) for row in rows)


def find(connection: Connection, rule_id: str) -> Rule:
    """A rule as it is now. Raises NotFound (`rule.unknown`)."""
    return _rule(_row(connection, rule_id))


def history(connection: Connection, rule_id: str) -> tuple[Version, ...]:
    """Every version of a rule, the newest first. Raises NotFound (`rule.unknown`)."""
    rows = connection.execute(
        select(rule_version).where(rule_version.c.rule_id == rule_id).order_by(rule_version.c.version.desc())
    ).all()
    if not rows:
        raise _unknown()
    return tuple(
        Version(
            read_rule(row.rule_id, row.version, row.document, unstamp(row.at)),
            unstamp(row.at),
            row.by,
            row.reason,
            row.removed,
        )
        for row in rows
    )


def add(store: Store, clock: Clock, actor: str, wanted: Rule, reason: str) -> Rule:
    """Put a new rule into force. Raises Refused (`rule.reason-missing`, `grant.not-decider`)."""
    reason = _reason(reason)
    now = clock.now()
    made = replace(wanted, id=new_id("rul"), version=1, since=now)
    with store.record(Fact(actor, "rule.added", made.id, _body(None, made, reason))) as unit:
        check_may_decide(unit.connection, actor, now)
        unit.execute(
            insert(rule).values(id=made.id, version=1, document=made.document(), changed_at=stamp(now), removed=False)
        )
        _version(unit, made, now, actor, reason)
        complete(unit)
    return made


def change(store: Store, clock: Clock, actor: str, wanted: Rule, reason: str) -> Rule:
    """Put another version of a rule into force; `wanted` has the id and the version that it was made from.

    Raises NotFound (`rule.unknown`), Refused (`rule.reason-missing`, `rule.changed-meanwhile`, `rule.not-changed`,
    `grant.not-decider`); then nothing was changed.
    """
    reason = _reason(reason)
    now = clock.now()
    with store.record(Fact(actor, "rule.changed", wanted.id)) as unit:
        check_may_decide(unit.connection, actor, now)
        was = find(unit.connection, wanted.id)
        if was.version != wanted.version:
            raise Refused(
                "rule.changed-meanwhile",
                "The rule was not changed.",
                f"Somebody else has changed it meanwhile: it is at version {was.version}, not {wanted.version}.",
                "Look at what it says now, and enter your change again.",
            )
        made = replace(wanted, version=was.version + 1, since=now)
        if made.document() == was.document():
            raise Refused(
                "rule.not-changed",
                "The rule was not changed.",
                "It says the same as before.",
                "Leave it as it is, or change something.",
            )
        unit.note(**_body(was, made, reason))
        _replace(unit, made, now, actor, reason)
        complete(unit)
    return made


def switch(store: Store, clock: Clock, actor: str, rule_id: str, on: bool, reason: str) -> Rule:
    """Switch a rule on or off. Raises as `change` does."""
    with store.read() as connection:
        was = find(connection, rule_id)
    return change(store, clock, actor, replace(was, enabled=on), reason)


def remove(store: Store, clock: Clock, actor: str, rule_id: str, reason: str) -> None:
    """End a rule. What it was stays to be read. Raises NotFound (`rule.unknown`), Refused (`rule.reason-missing`)."""
    reason = _reason(reason)
    now = clock.now()
    with store.record(Fact(actor, "rule.removed", rule_id)) as unit:
        check_may_decide(unit.connection, actor, now)
        was = find(unit.connection, rule_id)
        unit.note(name=stranger(was.name), version=was.version, reason=reason, sha256=was.digest)
        last = replace(was, version=was.version + 1, since=now)
        _replace(unit, last, now, actor, reason, removed=True)


def _rule(row: Row[Any]) -> Rule:
    return read_rule(row.id, row.version, row.document, unstamp(row.changed_at))


def _row(connection: Connection, rule_id: str) -> Row[Any]:
    row = connection.execute(select(rule).where(rule.c.id == rule_id, rule.c.removed.is_(False))).first()
    if row is None:
        raise _unknown()
    return row


def _unknown() -> NotFound:
    return NotFound(
        "rule.unknown",
        "There is no such rule.",
        "No rule has this id, or it was removed.",
        "List the rules with `podadmin rules list`.",
    )


def _reason(reason: str) -> str:
    words = reason.strip()[:REASON_LIMIT]
    if not words:
        raise Refused(
            "rule.reason-missing",
            "The rule was not changed.",
            "A rule decides in your place, so whoever asks later has to find out why it says what it says.",
            "Write one sentence that says why.",
        )
    return words


def _body(was: Rule | None, now: Rule, reason: str) -> dict[str, Any]:
    return {
        "name": stranger(now.name),
        "version": now.version,
        "verdict": now.verdict,
        "changes": list(changes(was, now)),
        "reason": reason,
        "sha256": now.digest,
    }


def _version(unit: Unit, made: Rule, at: datetime, by: str, reason: str, removed: bool = False) -> None:
    unit.execute(
        insert(rule_version).values(
            rule_id=made.id,
            version=made.version,
            document=made.document(),
            at=stamp(at),
            by=by,
            reason=reason,
            removed=removed,
        )
    )


def _replace(unit: Unit, made: Rule, at: datetime, by: str, reason: str, removed: bool = False) -> None:
    values = {"version": made.version, "document": made.document(), "changed_at": stamp(at), "removed": removed}
    unit.execute(update(rule).where(rule.c.id == made.id).values(**values))
    _version(unit, made, at, by, reason, removed)
