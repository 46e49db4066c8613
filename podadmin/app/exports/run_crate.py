"""One request as a run of the Five Safes RO-Crate profile 0.4: who asked, for what, how it was assessed, what came.

Facts from the profile: the run is a CreateAction mentioned by the root, its instrument a Workflow RO-Crate that is the
root's mainEntity, its agent a person; the project is the root's sourceOrganization; each phase of review is an
AssessAction with the root as object, an actionStatus, and an additionalType of the Safe Haven Provenance ontology
(shp: CheckValue, ValidationCheck, SignOff, DisclosureCheck, GenerateCheckValue).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final

from podadmin.app.exports.request_facts import RequestFacts
from podadmin.app.exports.selection import Binding, Selection
from podadmin.app.journal_words import read_body, words_of
from podadmin.core.canon import canonical
from podadmin.core.clock import stamp
from podadmin.core.text import stranger
from podadmin.journal.chain import Entry
from podadmin.requests.receipts import Signed

RO_CRATE: Final = "https://w3id.org/ro/crate/1.2"
PROFILE: Final = "https://w3id.org/5s-crate/0.4"
WORKFLOW_PROFILE: Final = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_SHP: Final = "https://w3id.org/shp#"
_SCHEMA: Final = "http://schema.org/"
_NAMES: Final = uuid.UUID("2b0e6a0a-57c5-5d49-8a57-0d9d3f6f3a42")
COMPLETED, FAILED, ACTIVE, POTENTIAL = (
    f"{_SCHEMA}{name}ActionStatus" for name in ("Completed", "Failed", "Active", "Potential")
)
_STATUS: Final = {
    "finished": COMPLETED,
    "stopped": FAILED,
    "failed": FAILED,
    "interrupted": FAILED,
    "refused": FAILED,
    "invalid": FAILED,
    "running": ACTIVE,
    "delivering": ACTIVE,
}


def run_crate(facts: RequestFacts, binding: Binding, selection: Selection, own_journal: bool) -> list[dict[str, Any]]:
    """The entities of one request's crate, without its descriptor and bystanders."""
    phases = list(_phases(facts, binding))
    run, person = _name(facts, "run"), _name(facts, "requester")
    project = _name(facts, "project")
    people = {each["@id"]: each for each in _deciders(facts)}
    proofs = tuple(_proofs(facts))
    root = {
        "@id": "./",
        "@type": "Dataset",
        "conformsTo": {"@id": PROFILE},
        "name": f"{facts.task} by {facts.requester}",
        "description": f"A request to the pod {binding.pod}. {binding.words}",
        "datePublished": stamp(binding.made_at),
        "license": {"@id": "#conditions"},
        "publisher": {"@id": "#pod"},
        "identifier": facts.id,
        "mainEntity": {"@id": "workflow/"},
        "sourceOrganization": {"@id": project},
        "mentions": [{"@id": run}, *({"@id": each["@id"]} for each in phases)],
        "hasPart": [
            *({"@id": name} for name in ("workflow/", "journal.jsonl", "effects.json")),
            *({"@id": each["@id"]} for each in proofs),
        ],
    }
    action: dict[str, Any] = {
        "@id": run,
        "@type": "CreateAction",
        "name": f"Run of {facts.task} on {facts.datasource or 'the pod'}: {facts.state}",
        "actionStatus": _STATUS.get(facts.state, POTENTIAL),
        "agent": {"@id": person},
        "instrument": {"@id": "workflow/"},
        "object": [{"@id": _name(facts, "data")}],
    }
    began, ended = facts.last("request.started"), facts.last(*(f"request.{state}" for state in _STATUS))
    if began is not None:
        action["startTime"] = began.at
    if ended is not None and action["actionStatus"] in (COMPLETED, FAILED):
        action["endTime"] = ended.at
    entities = [
        root,
        action,
        {
            "@id": "workflow/",
            "@type": "Dataset",
            "name": facts.task,
            "conformsTo": {"@id": WORKFLOW_PROFILE},
            "subjectOf": {"@id": "workflow/ro-crate-metadata.json"},
        },
        {
            "@id": "workflow/ro-crate-metadata.json",
            "@type": "CreativeWork",
            "name": "Metadata of the task",
            "encodingFormat": "application/ld+json",
        },
        {"@id": WORKFLOW_PROFILE, "@type": "Profile", "name": "Workflow RO-Crate profile"},
        {
            "@id": person,
            "@type": "Person",
            "name": facts.requester,
            "description": f"As named in the request, whose signature was {facts.verified}",
            "memberOf": [{"@id": project}],
        },
        {"@id": project, "@type": "Project", "name": facts.project or "No project was named"},
        {
            "@id": _name(facts, "data"),
            "@type": "PropertyValue",
            "name": "datasource",
            "value": facts.datasource or "none",
        },
        {
            "@id": "effects.json",
            "@type": "File",
            "name": "Effect statement: what is read, computed and leaves, derived by the pod from the verified request",
            "encodingFormat": "application/json",
        },
        *proofs,
        *phases,
        *people.values(),
    ]
    if own_journal:
        entities.append(
            {
                "@id": "journal.jsonl",
                "@type": "File",
                "name": "Journal entries about this request, each with its hash",
                "encodingFormat": "application/jsonl",
            }
        )
    return entities


def receipt_file(signed: Signed) -> str:
    """Where a receipt lies in the crate."""
    return f"receipts/{signed.facts['reference']}.json"


def key_file(fingerprint: str) -> str:
    """Where the key that verifies receipts lies in the crate."""
    return f"receipts/key-{fingerprint[:16]}.pem"


def receipt_text(signed: Signed) -> str:
    """A receipt as its file. One that waits for its signature says so, and proves nothing yet."""
    return canonical({"receipt": signed.facts, "signature": signed.signature, "key": signed.key}) + "\n"


def _proofs(facts: RequestFacts) -> Iterator[dict[str, Any]]:
    """The receipts of the decisions, and the keys that verify them."""
    for each in facts.receipts:
        waits = "" if each.signature else ", which is not signed yet"
        yield {
            "@id": receipt_file(each),
            "@type": "File",
            "name": f"Receipt {each.facts['reference']} of “{each.facts['act']}”{waits}",
            "description": "Verify it offline with the key beside it, or with one that you trust more.",
            "encodingFormat": "application/json",
        }
    for fingerprint in facts.keys:
        yield {
            "@id": key_file(fingerprint),
            "@type": "File",
            "name": "Public key of the pod for receipts (Ed25519)",
            "identifier": fingerprint,
            "encodingFormat": "application/x-pem-file",
        }


def workflow_crate(facts: RequestFacts, binding: Binding) -> list[dict[str, Any]]:
    """The task as a Workflow RO-Crate, without its descriptor."""
    return [
        {
            "@id": "./",
            "@type": "Dataset",
            "conformsTo": {"@id": WORKFLOW_PROFILE},
            "name": facts.task,
            "description": "The task as the signed request describes it.",
            "datePublished": stamp(binding.made_at),
            "license": "Its rights are the requester's; the request does not name a licence.",
            "mainEntity": {"@id": "protocol.json"},
            "hasPart": [{"@id": "protocol.json"}],
        },
        {
            "@id": "protocol.json",
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": f"Verified protocol of {facts.task}",
            "encodingFormat": "application/json",
            "programmingLanguage": {"@id": "#task-language"},
        },
        {
            "@id": "#task-language",
            "@type": "ComputerLanguage",
            "name": "Serialised protocol of a federated task",
            "version": "as the request has it",
            "url": "urn:podadmin:task-protocol",
        },
        {"@id": WORKFLOW_PROFILE, "@type": "Profile", "name": "Workflow RO-Crate profile"},
    ]


def _phases(facts: RequestFacts, binding: Binding) -> Iterator[dict[str, Any]]:
    decided = False
    checked_results = False
    for entry in facts.entries:
        body = read_body(entry)
        if entry.act == "request.captured":
            yield _phase(facts, entry, "CheckValue", "problem" not in body, "sha-512")
        elif entry.act == "request.opened":
            yield _phase(facts, entry, "ValidationCheck", facts.verified == "verified", PROFILE)
        elif entry.act in ("request.approved", "request.refused"):
            decided = True
            yield _phase(facts, entry, "SignOff", entry.act == "request.approved", "")
        elif entry.act == "request.result":
            checked_results = True
            yield _phase(facts, entry, "DisclosureCheck", not body.get("withheld"), "")
    if not decided:
        yield _pending(facts, "SignOff", "Sign-off: nobody has decided yet")
    if facts.state in ("running", "delivering") and not checked_results:
        yield _pending(facts, "DisclosureCheck", "Disclosure check of results: there are none yet")
    yield {
        "@id": _name(facts, "bagging"),
        "@type": "UpdateAction",
        "additionalType": {"@id": f"{_SHP}GenerateCheckValue"},
        "name": "BagIt manifests were written",
        "endTime": stamp(binding.made_at),
        "object": {"@id": "./"},
        "instrument": {"@id": "https://www.iana.org/assignments/named-information#sha-512"},
        "agent": {"@id": "#podadmin"},
        "actionStatus": COMPLETED,
    }


def _phase(facts: RequestFacts, entry: Entry, kind: str, passed: bool, instrument: str) -> dict[str, Any]:
    objects: list[dict[str, str]] = [{"@id": "./"}]
    if kind == "SignOff":
        objects += [{"@id": "workflow/"}, {"@id": _name(facts, "project")}]
    phase: dict[str, Any] = {
        "@id": _name(facts, f"{kind}-{entry.seq}"),
        "@type": "AssessAction",
        "additionalType": {"@id": f"{_SHP}{kind}"},
        "name": words_of(entry.act, entry.subject, read_body(entry)),
        "endTime": entry.at,
        "object": objects if len(objects) > 1 else objects[0],
        "agent": {"@id": _agent(facts, entry)},
        "actionStatus": COMPLETED if passed else FAILED,
        "identifier": f"{entry.seq}:{entry.hash}",
    }
    if instrument == "sha-512":
        phase["instrument"] = {"@id": "https://www.iana.org/assignments/named-information#sha-512"}
    elif instrument:
        phase["instrument"] = {"@id": instrument}
    return phase


def _pending(facts: RequestFacts, kind: str, words: str) -> dict[str, Any]:
    return {
        "@id": _name(facts, f"{kind}-pending"),
        "@type": "AssessAction",
        "additionalType": {"@id": f"{_SHP}{kind}"},
        "name": words,
        "object": {"@id": "./"},
        "agent": {"@id": "#pod"},
        "actionStatus": POTENTIAL,
    }


def _agent(facts: RequestFacts, entry: Entry) -> str:
    return "#podadmin" if _is_software(entry) else _name(facts, f"person-{entry.actor}")


def _deciders(facts: RequestFacts) -> Iterator[dict[str, Any]]:
    for entry in facts.entries:
        if not _is_software(entry):
            yield {
                "@id": _agent(facts, entry),
                "@type": "Person",
                "name": stranger(entry.actor),
                "affiliation": {"@id": "#pod"},
            }


def _is_software(entry: Entry) -> bool:
    return entry.actor in {"gate", "podadmin", "engine"} or bool(read_body(entry).get("grant"))


def _name(facts: RequestFacts, part: str) -> str:
    """An id inside the crate: stable, and free of strangers' text."""
    return f"#{uuid.uuid5(_NAMES, f'{facts.id} {part}')}"
