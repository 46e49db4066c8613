"""Where a pod may leave something in the object store: only where the network gave room for it, and for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podadmin.core.errors import Refused
from podadmin.gate.rooms import Rooms, offered
from podadmin.gate.uploads import Uploads
from podadmin.networks.bitfount import messages_pb2 as pb
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


@pytest.mark.parametrize("offered_at", ["", "/path-alone", "https:///no-host"])
def test_a_task_gets_no_room_where_the_network_gave_none_that_leads_anywhere(tmp_path: Path, offered_at: str) -> None:
    answer = pb.BlobStorageData(uploadUrl=offered_at, downloadUrl=OURS).SerializeToString()
    with pytest.raises(Refused):
        Rooms(PRODUCTION, Uploads(tmp_path)).of_a_task(answer, "req_000000000000", 5)
    with pytest.raises(Refused):
        Rooms(PRODUCTION).of_a_task(pb.BlobStorageData(uploadUrl=OURS).SerializeToString(), "req_000000000000", 5)
    assert list(tmp_path.iterdir()) == []


def test_the_room_of_a_task_leads_here_by_the_name_of_the_store_and_tells_nothing_of_the_real_one(
    tmp_path: Path,
) -> None:
    rooms = Rooms(PRODUCTION, Uploads(tmp_path))
    given = pb.BlobStorageData(uploadUrl=OURS, downloadUrl=THEIRS, uploadFields={"policy": "signed"}, key="k")
    answer = pb.BlobStorageData.FromString(rooms.of_a_task(given.SerializeToString(), "req_000000000000", 5))
    assert answer.uploadUrl == answer.downloadUrl
    assert answer.uploadUrl.startswith("https://bitfount-schemas.s3.eu-west-2.amazonaws.com/body_")
    assert "Signature" not in str(answer)
    assert "signed" not in str(answer)
    assert rooms.has_host("bitfount-schemas.s3.eu-west-2.amazonaws.com")
    assert not rooms.is_given("bitfount-schemas.s3.eu-west-2.amazonaws.com", "/a")


def test_room_is_for_one_address_on_one_host() -> None:
    rooms = Rooms(PRODUCTION)
    rooms.tell("https://one.s3.amazonaws.com/a/b?X-Amz-Signature=x")
    assert rooms.is_given("one.s3.amazonaws.com", "/a/b")
    assert rooms.reach("https://two.s3.amazonaws.com/a/b") == "two.s3.amazonaws.com"
    assert rooms.has_host("one.s3.amazonaws.com")
    assert rooms.has_host("two.s3.amazonaws.com")
    for host, path in (
        ("two.s3.amazonaws.com", "/a/b"),
        ("one.s3.amazonaws.com", "/a"),
        ("three.s3.amazonaws.com", "/a/b"),
    ):
        assert not rooms.is_given(host, path)
    assert not rooms.has_host("three.s3.amazonaws.com")
    assert rooms.reach("https:///a/b") == ""
