"""FHIR R4 AuditEvents: what R4 requires of each, codes from its value sets, and the hash of each entry.

The rules are those of HL7 FHIR R4 (4.0.1), resource AuditEvent and the data types it uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podadmin.app.profile import Profile
from podadmin.journal.records import all_entries
from podadmin.store.unit import Fact

ELEMENTS = {
    "resourceType", "id", "type", "subtype", "action", "recorded", "outcome", "outcomeDesc", "agent", "source", "entity"
}  # fmt: skip
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
CODE = re.compile(r"[^\s]+(\s[^\s]+)*")
URI = re.compile(r"\S+")


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def check_text(value: object) -> None:
    assert isinstance(value, str)
    assert value.strip(), "a FHIR string is not empty"
    assert len(value.encode()) < 1024 * 1024
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", value)


def check_coding(value: Mapping[str, Any]) -> None:
    assert set(value) <= {"system", "version", "code", "display", "userSelected"}
    assert URI.fullmatch(value["system"])
    assert CODE.fullmatch(value["code"])


def check_reference(value: Mapping[str, Any]) -> None:
    assert value
    assert set(value) <= {"reference", "type", "identifier", "display"}
    if "identifier" in value:
        assert URI.fullmatch(value["identifier"]["system"])
        check_text(value["identifier"]["value"])


def check_event(event: Mapping[str, Any]) -> None:
    """The cardinalities and value sets of R4."""
    assert set(event) <= ELEMENTS
    assert event["resourceType"] == "AuditEvent"
    assert ID.fullmatch(event["id"])
    check_coding(event["type"])
    for each in event.get("subtype", []):
        check_coding(each)
    assert event["action"] in {"C", "R", "U", "D", "E"}
    assert INSTANT.fullmatch(event["recorded"])
    assert event["outcome"] in {"0", "4", "8", "12"}
    assert event["agent"]
    for agent in event["agent"]:
        assert isinstance(agent["requestor"], bool)
        check_reference(agent["who"])
        check_text(agent["name"])
    assert set(event["source"]) <= {"site", "observer", "type"}
    check_reference(event["source"]["observer"])
    for entity in event["entity"]:
        assert set(entity) <= {"what", "type", "role", "lifecycle", "name", "description", "query", "detail"}
        assert not ("name" in entity and "query" in entity), "sev-1: either a name or a query"
        for detail in entity["detail"]:
            check_text(detail["type"])
            check_text(detail["valueString"])


def test_every_entry_is_a_valid_event_and_carries_its_hash(gate: Any, export: Any, profile: Profile) -> None:
    with profile.store.record(Fact("x", "odd act without a dot", "  ", {"": "", "deep": {"a": [1, None]}, "n": 1.5})):
        pass
    with profile.store.read() as connection:
        entries = list(all_entries(connection))
    of_export, *events = lines_of(export("fhir"))
    check_event(of_export)
    told = {detail["type"]: detail["valueString"] for detail in of_export["entity"][0]["detail"]}
    assert told["belongs to entry"] == str(entries[-1].seq)
    assert told["hash of that entry"] == entries[-1].hash
    assert len(events) == len(entries)
    for event, entry in zip(events, entries, strict=True):
        check_event(event)
        details = {detail["type"]: detail["valueString"] for detail in event["entity"][0]["detail"]}
        assert details["journal hash"] == entry.hash
        assert event["recorded"] == entry.at


def test_who_asked_and_who_acted_are_told_apart(gate: Any, export: Any) -> None:
    events = lines_of(export("fhir"))
    opened = next(each for each in events if each.get("subtype", [{}])[0].get("code") == "request.opened")
    assert [(agent["name"], agent["requestor"]) for agent in opened["agent"]] == [
        ("gate", False),
        ("research-lab", True),
    ]
    refused = next(each for each in events if each.get("subtype", [{}])[0].get("code") == "request.refused")
    assert [(agent["name"], agent["requestor"]) for agent in refused["agent"]] == [("bert", True)]
    assert refused["outcome"] == "4"
    assert "Not this purpose." in refused["outcomeDesc"]


def test_strangers_text_is_visible_in_events(gate: Any, export: Any) -> None:
    text = export("fhir").read_text(encoding="utf-8")
    assert "<U+202E>" in text
    assert "\u202e" not in text


def test_the_same_events_as_one_bundle(gate: Any, export: Any) -> None:
    lines = lines_of(export("fhir", "lines"))
    bundle = json.loads(export("bundle", "bundle").read_text(encoding="utf-8"))
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    resources = [each["resource"] for each in bundle["entry"]]
    assert resources[1 : len(lines)] == lines[1:], "the export before is one entry more"
    for each in resources:
        check_event(each)
    urls = [each["fullUrl"] for each in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert all(url.startswith("urn:uuid:") for url in urls)
    again = json.loads(export("bundle", "again").read_text(encoding="utf-8"))
    assert [each["fullUrl"] for each in again["entry"]][1 : len(urls)] == urls[1:]
