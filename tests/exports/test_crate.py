"""The RO-Crate against the rules of RO-Crate 1.2 and of the Five Safes profile 0.4, and its bag against RFC 8493."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

METADATA = "ro-crate-metadata.json"
STATUS = {f"http://schema.org/{name}ActionStatus" for name in ("Completed", "Failed", "Active", "Potential")}
SHP = "https://w3id.org/shp#"
WORKFLOW = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILE = "https://w3id.org/5s-crate/0.4"


class Bag:
    """An unpacked bag: its top folder checked, its payload by path."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            files = {name: archive.read(name) for name in archive.namelist()}
        tops = {PurePosixPath(name).parts[0] for name in files}
        assert len(tops) == 1, "one bag, one folder at the top"
        assert all(".." not in PurePosixPath(name).parts for name in files)
        self.tags = {name.partition("/")[2]: data for name, data in files.items() if "/data/" not in name}
        self.payload = {name.partition("/data/")[2]: data for name, data in files.items() if "/data/" in name}

    def graph(self, folder: str = "") -> dict[str, dict[str, Any]]:
        """The entities of a crate by their ids."""
        document = json.loads(self.payload[folder + METADATA])
        assert document["@context"] == "https://w3id.org/ro/crate/1.2/context"
        ids = [entity["@id"] for entity in document["@graph"]]
        assert len(ids) == len(set(ids)), "an id stands once"
        return {entity["@id"]: entity for entity in document["@graph"]}


def check_bag(bag: Bag) -> None:
    """RFC 8493: declaration, manifests that cover the whole payload, tag manifest, oxum."""
    assert bag.tags["bagit.txt"] == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    manifest = dict(reversed(line.split("  ", 1)) for line in bag.tags["manifest-sha512.txt"].decode().splitlines())
    assert set(manifest) == {f"data/{path}" for path in bag.payload}
    for path, data in bag.payload.items():
        assert manifest[f"data/{path}"] == hashlib.sha512(data).hexdigest()
    tags = dict(reversed(line.split("  ", 1)) for line in bag.tags["tagmanifest-sha512.txt"].decode().splitlines())
    assert tags == {
        name: hashlib.sha512(data).hexdigest() for name, data in bag.tags.items() if not name.startswith("tagmanifest")
    }
    info = dict(line.split(": ", 1) for line in bag.tags["bag-info.txt"].decode().splitlines())
    assert info["External-Identifier"].startswith("urn:uuid:")
    assert info["Payload-Oxum"] == f"{sum(map(len, bag.payload.values()))}.{len(bag.payload)}"


def references(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [value["@id"]] if set(value) == {"@id"} else [r for inner in value.values() for r in references(inner)]
    return [r for inner in value for r in references(inner)] if isinstance(value, list) else []


def check_crate(bag: Bag, folder: str = "") -> dict[str, dict[str, Any]]:
    """RO-Crate 1.2: descriptor, root with its required properties, types and names, links that lead somewhere."""
    graph = bag.graph(folder)
    descriptor, root = graph[METADATA], graph["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.2"}
    assert root["@type"] == "Dataset"
    assert datetime.fromisoformat(root["datePublished"]).tzinfo is not None
    for name in ("name", "description", "license"):
        assert root[name]
    for entity in graph.values():
        assert entity["@type"]
        assert entity["@id"] in (METADATA, "./") or entity["name"]
        types = entity["@type"] if isinstance(entity["@type"], list) else [entity["@type"]]
        if "File" in types:
            assert folder + entity["@id"] in bag.payload, "a file of the crate lies in it"
        if "Dataset" in types and entity["@id"] != "./":
            assert any(path.startswith(folder + entity["@id"]) for path in bag.payload)
        for link in references({name: value for name, value in entity.items() if name != "@id"}):
            known = link in graph or link == "https://w3id.org/ro/crate/1.2" or link.startswith(SHP)
            assert known, f"{entity['@id']} names {link}, which is not described"
    parts = set(references(root.get("hasPart", [])))
    for entity in graph.values():
        if entity["@id"] != "./" and ("File" in entity["@type"] or entity["@type"] == "Dataset"):
            assert entity["@id"] in parts
    return graph


def check_five_safes(bag: Bag, folder: str = "") -> list[dict[str, Any]]:
    """The profile: a run that the root mentions, a workflow crate, a person, a project, phases. Returns the phases."""
    graph = check_crate(bag, folder)
    root = graph["./"]
    assert root["conformsTo"] == {"@id": PROFILE}
    workflow = graph[root["mainEntity"]["@id"]]
    assert workflow["@type"] == "Dataset"
    assert workflow["conformsTo"] == {"@id": WORKFLOW}
    assert graph[root["sourceOrganization"]["@id"]]["@type"] == "Project"
    mentioned = [graph[each["@id"]] for each in root["mentions"]]
    (run,) = [each for each in mentioned if each["@type"] == "CreateAction"]
    assert run["instrument"] == root["mainEntity"]
    assert run["actionStatus"] in STATUS
    assert graph[run["agent"]["@id"]]["@type"] == "Person"
    phases = [each for each in mentioned if each["@type"] == "AssessAction"]
    for phase in phases:
        assert phase["additionalType"]["@id"].removeprefix(SHP) in {
            "CheckValue", "ValidationCheck", "SignOff", "DisclosureCheck"
        }  # fmt: skip
        assert phase["actionStatus"] in STATUS
        assert {"@id": "./"} in (phase["object"] if isinstance(phase["object"], list) else [phase["object"]])
        agent = graph[phase["agent"]["@id"]]
        assert agent["@type"] in ("Person", "Organization", "SoftwareApplication")
        if agent["@type"] == "SoftwareApplication":
            assert graph[agent["provider"]["@id"]]["@type"] == "Organization"
        if phase["actionStatus"].endswith(("CompletedActionStatus", "FailedActionStatus")):
            assert datetime.fromisoformat(phase["endTime"]).tzinfo is not None
    assert not any(entity["@type"] == "AssessAction" and entity not in phases for entity in graph.values())
    inner = check_crate(bag, f"{folder}workflow/")
    main = inner[inner["./"]["mainEntity"]["@id"]]
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow"} <= set(main["@type"])
    assert inner[main["programmingLanguage"]["@id"]]["@type"] == "ComputerLanguage"
    return phases


def outcome(phases: list[dict[str, Any]]) -> dict[str, str]:
    return {
        each["additionalType"]["@id"].removeprefix(SHP): each["actionStatus"]
        .removeprefix("http://schema.org/")
        .removesuffix("ActionStatus")
        for each in phases
    }


@pytest.mark.parametrize(
    ("request_id", "status"),
    [
        (
            "req_000000000001",
            {
                "CheckValue": "Completed",
                "ValidationCheck": "Completed",
                "SignOff": "Completed",
                "DisclosureCheck": "Completed",
            },
        ),
        ("req_000000000002", {"CheckValue": "Completed", "ValidationCheck": "Completed", "SignOff": "Failed"}),
        ("req_000000000003", {"CheckValue": "Completed", "ValidationCheck": "Completed", "SignOff": "Potential"}),
    ],
)
def test_one_request_makes_one_five_safes_crate(gate: Any, export: Any, request_id: str, status: Any) -> None:
    bag = Bag(export("crate", request=request_id))
    check_bag(bag)
    assert outcome(check_five_safes(bag)) == status
    about, *entries = [json.loads(line) for line in bag.payload["journal.jsonl"].decode().splitlines()]
    assert {entry["subject"] for entry in entries} == {request_id}
    root = bag.graph()["./"]
    assert f"entry {about['belongs_to']['entry']} of the journal" in root["description"]
    assert about["belongs_to"]["hash"] in root["description"]


def test_everything_makes_a_crate_of_crates(gate: Any, export: Any) -> None:
    bag = Bag(export("crate"))
    check_bag(bag)
    graph = check_crate(bag)
    folders = [name for name in graph if name.startswith("requests/") and name.endswith("/")]
    assert len(folders) == 4
    for folder in folders:
        assert {"@id": PROFILE} in graph[folder]["conformsTo"]
        check_five_safes(bag, folder)


def test_a_strangers_name_is_text_and_no_id_and_no_path(gate: Any, export: Any) -> None:
    bag = Bag(export("crate"))
    graph = bag.graph("requests/req_000000000004/")
    assert not any("Bold" in name for name in [*graph, *bag.payload])
    person = next(each for each in graph.values() if each["@type"] == "Person")
    assert "<U+202E>" in person["name"]


def test_nothing_to_tell_makes_a_crate_all_the_same(gate: Any, export: Any) -> None:
    bag = Bag(export("crate", since="2030-01-01"))
    check_bag(bag)
    check_crate(bag)
