"""Where a pod may leave something in the object store: only where the network gave room for it, and for that."""

from __future__ import annotations

from typing import Any

import pytest

from podadmin.gate.rooms import Rooms, offered
from podadmin.networks.bitfount.places import PRODUCTION

OURS = "https://bitfount-schemas.s3.eu-west-2.amazonaws.com/a?X-Amz-Signature=x"
THEIRS = "https://mallory.s3.amazonaws.com/drop"


@pytest.mark.parametrize(
    ("method", "path", "document", "found"),
    [
        ("POST", "/api/pods", {"uploadUrl": OURS, "uploadFields": {"key": THEIRS}}, [(OURS, True)]),
        ("POST", "/api/pods", {"uploadUrls": [OURS, 5], "uploadUrl": None}, [(OURS, True)]),
        ("POST", "/api/pods", {"uploadUrls": OURS}, []),
        ("GET", "/api/pods", {"uploadUrl": OURS}, []),
        ("POST", "/api/models", {"uploadUrl": OURS}, []),
        ("GET", "/api/pods/alice/patients", {"schemaDownloadUrl": OURS, "description": THEIRS}, [(OURS, False)]),
        ("GET", "/api/models", {"modelDownloadUrl": OURS, "weightsDownloadUrl": None}, [(OURS, False)]),
        ("POST", "/api/access", {"code": "ACCEPT", "limits": [{"modelDownloadUrl": OURS}, 5]}, [(OURS, False)]),
        ("POST", "/api/access", {"limits": [{"resourceName": THEIRS}], "more": {"modelDownloadUrl": THEIRS}}, []),
        ("GET", "/api/projects", {"tasks": [{"uploadUrl": THEIRS}], "readme": THEIRS}, []),
        ("GET", "/api/projects", [{"modelDownloadUrl": THEIRS}], []),
        ("GET", "/api/projects", THEIRS, []),
    ],
)
def test_an_address_that_a_requester_wrote_into_an_answer_of_the_hub_is_no_room(
    method: str, path: str, document: Any, found: list[tuple[str, bool]]
) -> None:
    assert list(offered(method, path, document)) == found


def test_room_is_for_one_address_on_one_host() -> None:
    rooms = Rooms(PRODUCTION)
    rooms.tell("https://one.s3.amazonaws.com/a/b?X-Amz-Signature=x", "task-1")
    assert rooms.what_for("one.s3.amazonaws.com", "/a/b") == "task-1"
    assert rooms.reach("https://two.s3.amazonaws.com/a/b") == "two.s3.amazonaws.com"
    assert rooms.has_host("one.s3.amazonaws.com")
    assert rooms.has_host("two.s3.amazonaws.com")
    for host, path in (
        ("two.s3.amazonaws.com", "/a/b"),
        ("one.s3.amazonaws.com", "/a"),
        ("three.s3.amazonaws.com", "/a/b"),
    ):
        assert rooms.what_for(host, path) is None
    assert not rooms.has_host("three.s3.amazonaws.com")
    assert rooms.reach("https:///a/b") == ""
