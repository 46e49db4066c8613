"""A Five Safes RO-Crate (profile 0.4 over RO-Crate 1.2): requests as runs, the pod's checks as AssessActions.

One request makes one crate that follows the profile. A period or everything makes a crate of such crates, one folder
a request, as RO-Crate 1.2 describes nested crates ("Referencing other RO-Crates"): the profile knows one run a crate.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Final

from sqlalchemy import Connection

from podadmin.app.exports.bag import Bag
from podadmin.app.exports.lines import write_lines
from podadmin.app.exports.request_facts import RequestFacts, facts_of
from podadmin.app.exports.run_crate import (
    PROFILE,
    RO_CRATE,
    key_file,
    receipt_file,
    receipt_text,
    run_crate,
    workflow_crate,
)
from podadmin.app.exports.selection import Binding, Selection
from podadmin.core.clock import stamp
from podadmin.core.progress import Progress
from podadmin.journal.chain import Entry

CONTEXT: Final = f"{RO_CRATE}/context"
_NAMES: Final = uuid.UUID("6f1c5d0e-3d0b-5b7a-9a2d-4a8d7f0f6a11")


def write_crate(
    file: BinaryIO,
    binding: Binding,
    selection: Selection,
    entries: Iterable[Entry],
    connection: Connection,
    progress: Progress,
) -> int:
    """Write the crate as a ZIP with one bag; returns how many entries its journal holds. Raises Cancelled."""
    name = f"podadmin-{selection.request or 'journal'}-{binding.seq}"
    identifier = uuid.uuid5(_NAMES, f"{binding.profile}\n{binding.hash}\n{selection.words}")
    with Bag(file, name, f"urn:uuid:{identifier}", binding.made_at) as bag:
        about: dict[str, None] = {}
        with bag.payload("journal.jsonl") as lines:
            count = write_lines(lines, binding, selection, _noting(entries, about))
        found = facts_of(connection, list(about))
        if selection.request:
            for facts in found:
                _put_run(bag, "", facts, binding, selection)
        else:
            _put_many(bag, found, binding, selection, len(about), progress)
    return count


def _noting(entries: Iterable[Entry], about: dict[str, None]) -> Iterator[Entry]:
    for entry in entries:
        if entry.act.startswith("request."):
            about[entry.subject] = None
        yield entry


def _put_many(
    bag: Bag, found: Iterable[RequestFacts], binding: Binding, selection: Selection, many: int, progress: Progress
) -> None:
    parts: list[dict[str, Any]] = []
    for place, facts in enumerate(found):
        progress.report(f"Writing the request {facts.id}", place / max(many, 1))
        folder = f"requests/{facts.id}/"
        _put_run(bag, folder, facts, binding, selection)
        parts.append(
            {
                "@id": folder,
                "@type": "Dataset",
                "name": f"{facts.task} by {facts.requester}",
                "description": "What this request asked for, how the pod assessed it and what came of it.",
                "conformsTo": [{"@id": RO_CRATE}, {"@id": PROFILE}],
                "subjectOf": {"@id": f"{folder}ro-crate-metadata.json"},
            }
        )
        parts.append(
            {
                "@id": f"{folder}ro-crate-metadata.json",
                "@type": "CreativeWork",
                "name": f"Metadata of {facts.id}",
                "encodingFormat": "application/ld+json",
            }
        )
    _put_metadata(bag, "", [*_root(binding, selection, parts), *parts])


def _root(binding: Binding, selection: Selection, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    datasets = [{"@id": part["@id"]} for part in parts if part["@type"] == "Dataset"]
    return [
        descriptor(),
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"Journal of the pod {binding.pod or binding.profile}: {selection.words}",
            "description": binding.words,
            "datePublished": stamp(binding.made_at),
            "license": {"@id": "#conditions"},
            "publisher": {"@id": "#pod"},
            "identifier": f"{binding.seq}:{binding.hash}",
            "hasPart": [{"@id": "journal.jsonl"}, *datasets],
        },
        journal_file(binding),
        *bystanders(binding),
    ]


def _put_run(bag: Bag, folder: str, facts: RequestFacts, binding: Binding, selection: Selection) -> None:
    run = run_crate(facts, binding, selection, own_journal=bool(folder))
    shared = [] if folder else [journal_file(binding)]
    _put_metadata(bag, folder, [descriptor(), *run, *shared, *bystanders(binding)])
    if folder:
        with bag.payload(f"{folder}journal.jsonl") as lines:
            write_lines(lines, binding, Selection(facts.id, selection.since, selection.until), facts.entries)
    _put_metadata(bag, f"{folder}workflow/", [descriptor(), *workflow_crate(facts, binding)])
    protocol = facts.findings.get("protocol") or {"note": "Nothing in this request could be verified."}
    bag.put(f"{folder}workflow/protocol.json", _json(protocol))
    bag.put(f"{folder}effects.json", _json(facts.findings.get("effects") or {"known": False}))
    for each in facts.receipts:
        bag.put(f"{folder}{receipt_file(each)}", receipt_text(each).encode())
    for fingerprint, pem in facts.keys.items():
        bag.put(f"{folder}{key_file(fingerprint)}", pem.encode())


def _put_metadata(bag: Bag, folder: str, graph: list[dict[str, Any]]) -> None:
    bag.put(f"{folder}ro-crate-metadata.json", _json({"@context": CONTEXT, "@graph": graph}))


def descriptor() -> dict[str, Any]:
    """The entity that says that this file describes the folder in which it lies."""
    return {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": RO_CRATE},
    }


def journal_file(binding: Binding) -> dict[str, Any]:
    """The journal beside the metadata."""
    return {
        "@id": "journal.jsonl",
        "@type": "File",
        "name": "Journal entries, each with its hash",
        "description": binding.words,
        "encodingFormat": "application/jsonl",
    }


def bystanders(binding: Binding) -> list[dict[str, Any]]:
    """The pod, the software and the conditions that every crate names."""
    pod = binding.pod or binding.profile
    return [
        {"@id": "#pod", "@type": "Organization", "name": f"The custodian of the pod {pod}"},
        {
            "@id": "#podadmin",
            "@type": "SoftwareApplication",
            "name": "podadmin, the gate of the pod",
            "version": binding.podadmin,
            "url": "urn:podadmin:software",
            "provider": {"@id": "#pod"},
        },
        {
            "@id": "#conditions",
            "@type": "CreativeWork",
            "name": "Evidence for audit. It names people and projects; no licence to reuse it is given.",
        },
        {"@id": PROFILE, "@type": "Profile", "name": "Five Safes RO-Crate profile", "version": "0.4"},
        {
            "@id": "https://www.iana.org/assignments/named-information#sha-512",
            "@type": "DefinedTerm",
            "name": "sha-512 algorithm",
        },
    ]


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=False).encode(errors="backslashreplace") + b"\n"
