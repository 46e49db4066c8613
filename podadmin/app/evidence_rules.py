"""Holds rules and the purposes of projects against the journal: what decides in a custodian's place is what they said.

Entries that an older podadmin wrote name a rule and its verdict, but hold no digest of what it says. Its conditions can
then be held against nothing: that proves nothing, neither way, and `unchecked_rules` says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from podadmin.app.evidence_rows import Found, Kept, compare, same_moment
from podadmin.core.text import stranger
from podadmin.journal.records import journal_entry
from podadmin.requests.rule_records import project_purpose, rule, rule_version

KIND: Final = "rule."
_ACTS: Final = {"rule.added", "rule.changed", "rule.removed"}
_NAMED: Final = 5
"""So many rules are called by their names in one sentence."""


@dataclass
class RulesTold:
    """What the journal says, later entries before earlier ones: every version, the newest of each rule, purposes."""

    versions: dict[tuple[str, int], Kept] = field(default_factory=dict)
    newest: dict[str, Kept] = field(default_factory=dict)
    purposes: dict[str, Kept] = field(default_factory=dict)

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        """Take in one entry whose act begins with `rule.`."""
        who = {"by": entry.actor, "at": entry.at}
        if entry.act == "rule.purpose-stated":
            before = self.purposes.get(entry.subject)
            times = before.facts["times"] + 1 if before is not None else 1
            facts = {**who, "codes": " ".join(body["codes"]), "times": times, "version": body.get("version")}
            self.purposes[entry.subject] = Kept(entry.seq, facts)
        elif entry.act in _ACTS:
            removed = entry.act == "rule.removed"
            # that a rule was removed is the last of its versions; the entry names the one before
            version = body["version"] + 1 if removed else body["version"]
            facts = {
                **who,
                "version": version,
                "removed": removed,
                "name": body["name"],
                "verdict": body.get("verdict"),
                "reason": body["reason"],
                "sha256": body.get("sha256"),
            }
            self.newest[entry.subject] = self.versions[entry.subject, version] = Kept(entry.seq, facts)


def differing_rule(connection: Connection, told: RulesTold) -> Found:
    """The first rule, or version of one, that is not what the journal says."""
    versions = {(row.rule_id, row.version): row for row in connection.execute(select(rule_version))}

    def now(row: Row[Any], facts: Mapping[str, Any]) -> bool:
        kept = versions.get((row.id, row.version))
        # both were written at once: where the entry holds no digest, they still have to say the same
        same = kept is not None and (row.document, row.changed_at) == (kept.document, kept.at)
        return same and (row.version, row.removed) == (facts["version"], facts["removed"]) and _says(row, facts)

    def then(row: Row[Any], facts: Mapping[str, Any]) -> bool:
        mine = (row.by, row.reason, row.removed)
        told_of = (facts["by"], facts["reason"], facts["removed"])
        return mine == told_of and same_moment(facts["at"], row.at) and _says(row, facts)

    def name(row: Row[Any]) -> tuple[str, int]:
        return (row.rule_id, row.version)

    return compare(versions.values(), told.versions, name, "A version of the rule", then) or compare(
        connection.execute(select(rule)), told.newest, lambda row: row.id, "The rule", now
    )


def differing_purpose(connection: Connection, told: RulesTold) -> Found:
    """The first project that is not for what the journal says it is."""

    def same(row: Row[Any], facts: Mapping[str, Any]) -> bool:
        told_of = (row.codes, row.by) == (facts["codes"], facts["by"]) and same_moment(facts["at"], row.at)
        # an older podadmin wrote no version; statements of one older still were not counted, so there are never more
        counted = range(1, facts["times"] + 1) if facts["version"] is None else [facts["version"]]
        return told_of and row.version in counted

    rows = connection.execute(select(project_purpose))
    return compare(rows, told.purposes, lambda row: row.project, "The stated purpose of the project", same)


def unchecked_rules(connection: Connection) -> tuple[str, ...]:
    """What cannot be checked of the rules as they are now, in sentences: entries of an older podadmin hold no digest.

    For a journal that is whole and rules that do not differ from it.
    """
    told = RulesTold()
    entries = select(journal_entry).where(journal_entry.c.act.in_(sorted(_ACTS))).order_by(journal_entry.c.seq)
    for entry in connection.execute(entries):
        told.hear(entry, json.loads(entry.body))
    names = [
        f"“{stranger(kept.facts['name'])}” (entry {kept.seq})"
        for kept in told.newest.values()
        if kept.facts["sha256"] is None and not kept.facts["removed"]
    ]
    if not names:
        return ()
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    which = f"What these rules ask for cannot be checked: {', '.join(names[:_NAMED])}{more}."
    why = "An older podadmin put them into force, and its entries hold no digest of a rule."
    return (f"{which} {why} Read them; after the next change of a rule it can be checked.",)


def _says(row: Row[Any], facts: Mapping[str, Any]) -> bool:
    """Does the document of a row say what its entry tells of it?"""
    try:
        if facts["sha256"] is not None:
            return bool(hashlib.sha256(row.document.encode()).hexdigest() == facts["sha256"])
        found = json.loads(row.document)
        return stranger(found["name"]) == facts["name"] and facts["verdict"] in {None, found["verdict"]}
    except (KeyError, TypeError, ValueError, AttributeError):
        # whoever writes into the database by hand need not write a rule
        return False
