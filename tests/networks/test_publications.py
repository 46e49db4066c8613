"""What the software of the field asks of a hub beside requests: schemas, models, projects and heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from podadmin.networks.local.address import Address
from podadmin.networks.local.membership import Membership, join
from podadmin.networks.local.rules import PROJECT, REQUESTER
from podadmin.networks.local.service import LocalNetwork


class Member:
    """Somebody on the hub, by HTTP as the real software speaks it."""

    def __init__(self, address: Address, name: str) -> None:
        self.member: Membership = asyncio.run(join(address, name))
        self._web = httpx.Client(
            base_url=address.hub, headers=self.member.headers(), trust_env=False, timeout=60, follow_redirects=False
        )
        self._address = address

    def ask(self, verb: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self._web.request(verb, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def uploads(self, room: dict[str, Any], body: bytes) -> None:
        answer = self._web.post(room["uploadUrl"], data=room["uploadFields"], files={"file": ("x", body)})
        assert answer.status_code == 204, answer.text

    def fetches(self, url: str) -> bytes:
        assert url.startswith(f"{self._address.object_store}/object/")
        return self._web.get(url).raise_for_status().content

    def registers(self, public_key: str, size: int) -> dict[str, Any]:
        told = {"name": "patients", "podPublicKey": public_key, "schemaSize": size, "numberOfRecords": 3}
        return dict(self.ask("POST", "/api/pods?multipartUpload=true", told))

    def close(self) -> None:
        self._web.close()


@pytest.fixture
def members(network: LocalNetwork) -> Iterator[tuple[Member, Member, Member]]:
    """A pod's owner, a requester of the project, and somebody else."""
    found = tuple(Member(network.address, name) for name in ("alice", REQUESTER, "stranger"))
    yield found[0], found[1], found[2]
    for each in found:
        each.close()


def test_the_schema_of_a_pod_is_found_by_its_project_and_replaced_when_it_is_there(
    members: tuple[Member, Member, Member], pod_key: Any
) -> None:
    alice, lab, stranger = members
    room = alice.registers(pod_key.public, 5)
    seen = "/api/pods/alice/patients"
    assert "schemaDownloadUrl" not in alice.ask("GET", seen), "there is none before it is uploaded"
    alice.uploads(room, b"first")
    path = f"/api/projects/{PROJECT}/pods/alice/patients"
    shown = lab.ask("GET", path)
    assert lab.fetches(shown["schemaDownloadUrl"]) == b"first"
    assert shown["podPublicKey"] == pod_key.public
    later = alice.registers(pod_key.public, 6)
    assert later["alreadyExisted"]
    assert lab.fetches(lab.ask("GET", path)["schemaDownloadUrl"]) == b"first", "the old one until the new one is there"
    alice.uploads(later, b"second")
    assert lab.fetches(lab.ask("GET", path)["schemaDownloadUrl"]) == b"second"
    assert alice.ask("GET", path)["podIdentifier"] == "alice/patients", "its owner sees it as well"
    for wrong in (path.replace(PROJECT, "another"), path.replace("patients", "nobody")):
        lab.ask("GET", wrong, status=404)
    stranger.ask("GET", path, status=404)


def test_another_code_is_another_version_of_a_model_and_an_access_check_says_where_it_is(
    members: tuple[Member, Member, Member],
) -> None:
    _, lab, _ = members
    told = {"modelName": "Risk", "modelSize": 4, "modelHash": "one"}
    first = lab.ask("POST", "/api/models", told)
    assert (first["version"], first["alreadyExisted"]) == (1, False)
    query = f"/api/models?modellerName={REQUESTER}&modelName=Risk"
    lab.ask("GET", query, status=404)
    lab.uploads(first, b"code")
    again = lab.ask("POST", "/api/models", told)
    assert again["version"] == 1, "the same code is the same version"
    lab.uploads(again, b"code")
    second = lab.ask("POST", "/api/models", {**told, "modelHash": "two"})
    assert (second["version"], second["alreadyExisted"]) == (2, True)
    lab.uploads(second, b"CODE")
    newest = lab.ask("GET", query)
    assert (newest["modelVersion"], newest["modelHash"]) == (2, "two")
    assert lab.fetches(newest["modelDownloadUrl"]) == b"CODE"
    older = lab.ask("GET", f"{query}&modelVersion=1")
    assert lab.fetches(older["modelDownloadUrl"]) == b"code"
    lab.ask("GET", f"{query}&modelVersion=x", status=400)
    lab.ask("GET", f"{query}&modelVersion=3", status=404)


@pytest.mark.parametrize("size", [0, -1, "5", 10**12, None])
def test_a_model_of_an_odd_size_gets_no_room(members: tuple[Member, Member, Member], size: object) -> None:
    _, lab, _ = members
    told = {"modelName": "Risk", "modelSize": size, "modelHash": "one"}
    lab.ask("POST", "/api/models", told, status=400)


def test_a_project_is_listed_to_its_members_and_to_whose_pods_are_in_it(
    members: tuple[Member, Member, Member], pod_key: Any
) -> None:
    alice, lab, stranger = members
    alice.registers(pod_key.public, 5)
    roles = {each: each_one.ask("GET", "/api/projects?limit=100&offset=0") for each, each_one in
             (("alice", alice), ("lab", lab), ("stranger", stranger))}  # fmt: skip
    assert [each["role"] for each in roles["alice"]["projects"]] == ["DATA_PROVIDER"]
    assert [each["id"] for each in roles["lab"]["projects"]] == [PROJECT]
    assert roles["stranger"] == {"totalProjects": 0, "projects": []}
    assert lab.ask("GET", "/api/projects?limit=100&offset=1") == {"totalProjects": 1, "projects": []}
    limits = {each["resourceName"]: each["limit"] for each in lab.ask("GET", f"/api/projects/{PROJECT}/limits")}
    assert limits == {"research-lab/hba1c-risk:1": 500, "other/model:2": None}
    stranger.ask("GET", f"/api/projects/{PROJECT}/limits", status=404)


def test_a_heartbeat_is_taken_from_a_member_only(members: tuple[Member, Member, Member], network: LocalNetwork) -> None:
    alice, _, _ = members
    beat = {"instanceId": "i", "isBusy": False}
    assert alice.ask("PATCH", "/api/pods", beat) == {}
    with httpx.Client(base_url=network.address.hub, trust_env=False, timeout=60) as nobody:
        assert nobody.patch("/api/pods", json=beat).status_code == 401
