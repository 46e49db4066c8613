"""Entries as FHIR R4 AuditEvents, one a line (NDJSON) or as one Bundle, for a hospital's own audit repository.

Facts: HL7 FHIR R4 (4.0.1), resource AuditEvent: `type`, `recorded`, `agent` (with `requestor`) and `source` (with
`observer`) are required; types are codes of DICOM PS3.16 (system `…/ontology/DCM`), actions are C R U D E, outcomes 0
(success), 4 (minor failure) and 8 (serious failure). The first line is the event of the export itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, Final

from podadmin.app.exports.safe import without_secrets
from podadmin.app.exports.selection import Binding, Selection
from podadmin.app.journal_words import read_body, words_of
from podadmin.core.canon import canonical
from podadmin.core.clock import stamp
from podadmin.core.text import stranger
from podadmin.journal.chain import Entry

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES: Final = {
    "application": ("110100", "Application Activity"),
    "log": ("110101", "Audit Log Used"),
    "export": ("110106", "Export"),
    "query": ("110112", "Query"),
    "network": ("110128", "Network Configuration"),
    "security": ("110129", "Security Configuration"),
    "software": ("110131", "Software Configuration"),
}
_KINDS: Final = {
    "request": "query",
    "grant": "security",
    "rule": "security",
    "key": "security",
    "keyring": "security",
    "network": "network",
    "setting": "software",
    "journal": "log",
}
_ACTIONS: Final = {
    "C": {"made", "created", "added", "captured", "saved", "joined", "pinned"},
    "R": {"opened", "checked", "verified", "used"},
    "U": {"changed", "paused", "resumed", "chosen", "rotated", "renewed"},
    "D": {"removed", "left", "revoked", "voided"},
}
_FAILED: Final = {"failed": "8", "interrupted": "8", "refused": "4", "too-late": "4"}
_OWN_PARTS: Final = {"gate", "podadmin", "engine"}
_LONGEST: Final = 4000
_NAMES: Final = uuid.UUID("0d0c5f9e-6f0a-5a53-8a8e-0f7b1c8f2a77")


def write_events(file: BinaryIO, binding: Binding, selection: Selection, entries: Iterable[Entry]) -> int:
    """Write the event of the export and one event an entry; returns the number of entries."""
    file.write(canonical(export_event(binding, selection)).encode() + b"\n")
    count = 0
    for entry in entries:
        file.write(canonical(event_of(entry, binding)).encode(errors="backslashreplace") + b"\n")
        count += 1
    return count


def write_bundle(file: BinaryIO, binding: Binding, selection: Selection, entries: Iterable[Entry]) -> int:
    """Write the same events as one Bundle of the type `collection`; returns the number of entries.

    It is written as it goes, whatever its length. Each resource has a URL of its own (`urn:uuid:`), the same in every
    export of this profile.
    """
    head = {"resourceType": "Bundle", "type": "collection", "timestamp": stamp(binding.made_at)}
    head["id"] = f"journal-to-{binding.seq}"
    file.write(canonical(head).encode()[:-1] + b',"entry":[')
    file.write(_bundled(export_event(binding, selection), binding))
    count = 0
    for entry in entries:
        file.write(b",\n" + _bundled(event_of(entry, binding), binding))
        count += 1
    file.write(b"]}\n")
    return count


def _bundled(event: Mapping[str, Any], binding: Binding) -> bytes:
    url = f"urn:uuid:{uuid.uuid5(_NAMES, ' '.join((binding.profile, event['id'])))}"
    return canonical({"fullUrl": url, "resource": event}).encode(errors="backslashreplace")


def event_of(entry: Entry, binding: Binding) -> dict[str, Any]:
    """The AuditEvent of one entry."""
    body = read_body(entry)
    kind, _, what = entry.act.partition(".")
    outcome = _FAILED.get(what, "0")
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": f"entry-{entry.seq}",
        "type": _type("export" if what in {"exported", "result"} else _KINDS.get(kind, "application")),
        "subtype": [{"system": "urn:podadmin:act", "code": _code(entry.act)}],
        "action": next((letter for letter, words in _ACTIONS.items() if what in words), "E"),
        "recorded": entry.at,
        "outcome": outcome,
        "agent": _agents(entry, body),
        "source": _source(binding),
        "entity": [_entity(entry, body)],
    }
    if outcome != "0":
        event["outcomeDesc"] = _text(words_of(entry.act, entry.subject, body))
    return event


def export_event(binding: Binding, selection: Selection) -> dict[str, Any]:
    """The AuditEvent of the export, which says to which entry and hash everything after it belongs."""
    told = {"belongs to entry": str(binding.seq), "hash of that entry": binding.hash, "selection": selection.words}
    told["recorded in the journal"] = "yes" if binding.recorded else "no: made by an auditor"
    return {
        "resourceType": "AuditEvent",
        "id": f"export-at-{binding.seq}",
        "type": _type("export"),
        "action": "R",
        "recorded": stamp(binding.made_at),
        "outcome": "0",
        "agent": [{"who": {"display": binding.made_by}, "name": binding.made_by, "requestor": True}],
        "source": _source(binding),
        "entity": [{"name": "journal", "detail": _details(told)}],
    }


def _type(name: str) -> dict[str, str]:
    code, display = _TYPES[name]
    return {"system": _DCM, "code": code, "display": display}


def _agents(entry: Entry, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = _text(stranger(entry.actor))
    requester = body.get("requester")
    asked = isinstance(requester, str) and bool(requester.strip())
    software = entry.actor in _OWN_PARTS
    agents: list[dict[str, Any]] = [{"who": {"display": name}, "name": name, "requestor": not asked and not software}]
    if asked:
        agents.append({"who": {"display": _text(requester)}, "name": _text(requester), "requestor": True})
    return agents


def _source(binding: Binding) -> dict[str, Any]:
    return {
        "site": _text(binding.pod or binding.profile),
        "observer": {
            "identifier": {"system": "urn:podadmin:profile", "value": binding.profile},
            "display": f"podadmin {binding.podadmin}",
        },
        "type": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                "code": "4",
                "display": "Application Server",
            }
        ],
    }


def _entity(entry: Entry, body: Mapping[str, Any]) -> dict[str, Any]:
    safe = without_secrets(body)
    told = {str(name): value if isinstance(value, str) else canonical(value) for name, value in safe.items()}
    told |= {"journal entry": str(entry.seq), "journal hash": entry.hash, "journal hash before": entry.previous}
    entity: dict[str, Any] = {
        "description": _text(words_of(entry.act, entry.subject, body)),
        "detail": _details(told),
    }
    if entry.subject.strip():
        subject = _text(stranger(entry.subject))
        entity = {
            "what": {"identifier": {"system": "urn:podadmin:subject", "value": subject}},
            "name": subject,
        } | entity
    return entity


def _details(told: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"type": _text(name), "valueString": _text(value)} for name, value in told.items()]


def _text(value: object) -> str:
    """A FHIR string is never empty, and never longer than a repository will take."""
    return stranger(str(value), _LONGEST).strip() or "–"


def _code(act: str) -> str:
    """A FHIR code has no blanks at its ends and single ones inside."""
    return " ".join(stranger(act, 200).split()) or "unknown"
