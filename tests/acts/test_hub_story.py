"""A custodian logs in to a hub, looks at what would leave, publishes exactly that, and sees projects and limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.profile import Profile
from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Unavailable
from podadmin.core.progress import Progress, Step
from podadmin.core.secret import Secret
from podadmin.networks import service as networks
from podadmin.networks.bitfount import places
from tests.networks import hub_double

Do = Callable[..., Any]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with hub_double.serving() as hub:
        real = places.PRODUCTION
        hosts = (real.hub, real.access_manager, *real.tunnelled)
        here = dataclasses.replace(real, addresses=dict.fromkeys(hosts, hub.url))
        monkeypatch.setitem(places.BITFOUNT_NETWORKS, "bitfount", here)  # type: ignore[arg-type]
        yield hub


@pytest.fixture
def member(made: Do, hub: Any) -> Do:
    made("hub key", key_id="kid", key=Secret("core:rest"), owner="alice")
    return made


@pytest.fixture
def released(member: Do, patients: Path) -> Do:
    """A datasource whose schema was generated, looked at and released."""
    member("datasource add", name="patients", path=str(patients), ignore=["patient_id"], force={"sex": "categorical"})
    member("schema generate", datasource="patients", save=True)
    waiting = member("schema show", datasource="patients").unconfirmed
    if waiting:
        member("schema confirm", datasource="patients", column=list(waiting))
    member("schema release", datasource="patients")
    return member


def code(kind: type[PodadminError], act: Callable[[], object]) -> str:
    with pytest.raises(kind) as met:
        act()
    return met.value.code


def test_one_logs_in_with_a_code_on_a_page_and_the_session_lies_in_the_vault(
    made: Do, hub: Any, profile: Profile, acts: Callable[[], list[str]]
) -> None:
    assert made("hub show").by == "nothing"
    assert code(Unavailable, lambda: made("hub projects")) == "hub.not-logged-in"
    hub.pending = 2
    steps: list[str] = []
    told = call(find("hub login"), profile, {}, Progress(lambda step: steps.append(_words(step))))
    assert (told.by, told.username) == ("a session of a person", "alice")
    assert any("ABCD-EFGH" in step and "/activate" in step for step in steps)
    assert [each.kind for each in networks.joined(profile.store)] == ["bitfount"]
    assert made("hub projects") == ()
    assert hub.asked[-1][2]["authorization"].startswith("Bearer eyJ")
    for path in profile.folder.rglob("*"):
        assert not path.is_file() or b"eyJhbGciOiJub25lIn0" not in path.read_bytes()
    made("hub logout")
    assert made("hub show").by == "nothing"
    assert networks.joined(profile.store) == ()
    assert {"network.joined", "network.left", "secret.kept"} <= set(acts())


def _words(step: Step) -> str:
    return step.what


def test_a_session_is_renewed_before_it_ends_and_said_to_have_ended_where_it_cannot_be(
    made: Do, hub: Any, profile: Profile
) -> None:
    hub.lifetime = 60
    made("hub login")
    made("hub projects")
    assert hub.asked[-1][2]["authorization"] == "Bearer renewed"
    hub.tokens.clear()
    assert code(Refused, lambda: made("hub projects")) == "hub.not-allowed"


def test_a_login_that_is_refused_leaves_nothing(made: Do, hub: Any, profile: Profile) -> None:
    hub.denied = True
    assert code(Refused, lambda: made("hub login")) == "login.denied"
    assert made("hub show").by == "nothing"
    assert networks.joined(profile.store) == ()


def test_an_api_key_proves_the_pod_by_its_first_part(member: Do, hub: Any) -> None:
    assert member("hub show").by == "an API key"
    member("hub register")
    verb, path, headers, body = hub.asked[-1]
    assert (verb, path) == ("POST", "/api/pods")
    assert (headers["x-api-key-id"], headers["x-api-key"]) == ("kid", "core")
    assert body["name"] == "eye-clinic"
    assert body["podPublicKey"].startswith("ssh-rsa ")
    hub.keys.clear()
    assert code(Refused, lambda: member("hub register")) == "hub.not-allowed"


def test_nothing_is_published_that_was_not_released_and_looked_at(member: Do, hub: Any, patients: Path) -> None:
    member("datasource add", name="patients", path=str(patients))
    assert code(NotFound, lambda: member("hub publish", datasource="patients")) == "schema.not-released"
    assert hub.bodies("POST", "/api/pods") == []


def test_exactly_what_was_looked_at_is_published(
    released: Do, hub: Any, acts: Callable[[], list[str]], profile: Profile
) -> None:
    shown = released("hub publish", datasource="patients")
    assert not shown.published
    assert "Nothing has left yet" in shown.words
    assert next(each for each in shown.columns if each.name == "sex").labels >= 2
    assert "patient_id" not in [each.name for each in shown.columns]
    assert hub.bodies("POST", "/api/pods") == []
    assert (
        code(Refused, lambda: released("hub publish", datasource="patients", seen="0" * 64)) == "hub.not-what-was-seen"
    )
    assert released("hub publish", datasource="patients", seen=shown.seen).published
    (body,) = hub.bodies("POST", "/api/pods")
    assert body["accessManagerPublicKey"] == "ssh-rsa ACCESS"
    assert body["numberOfRecords"] > 0
    (form,) = hub.fields
    assert b'name="policy"' in form
    packed = form[form.index(b"\r\n\r\n", form.index(b'name="file"')) + 4 :][: body["schemaSize"]]
    schema = msgpack.unpackb(packed)
    assert [each["featureName"] for each in schema["features"]] == [each.name for each in shown.columns]
    assert acts()[-2:] == ["hub.publishing", "hub.published"]


def test_a_large_schema_goes_in_parts(released: Do, hub: Any) -> None:
    hub.chunk = 400
    released("hub publish", datasource="patients", seen=released("hub publish", datasource="patients").seen)
    (body,) = hub.bodies("POST", "/api/pods")
    (ended,) = hub.bodies("POST", "/api/upload")
    assert sum(map(len, hub.uploads.values())) == body["schemaSize"]
    assert (ended["objectType"], ended["uploadId"], ended["key"]) == ("Schema", "u-1", "k-1")
    assert [part["PartNumber"] for part in ended["parts"]] == list(range(1, len(hub.uploads) + 1))


@pytest.mark.parametrize(
    "place", ["https://evil.example", "https://store.amazonaws.com@127.0.0.1", "http://store.amazonaws.com",
              "https://store.amazonaws.com.evil.example"]
)  # fmt: skip
def test_a_schema_goes_to_no_other_place_than_an_object_store(released: Do, hub: Any, place: str) -> None:
    seen = released("hub publish", datasource="patients").seen
    hub.place = place
    assert code(Refused, lambda: released("hub publish", datasource="patients", seen=seen)) == "hub.odd-place"
    assert hub.fields == []


def test_projects_limits_links_and_news_of_the_pod(released: Do, hub: Any) -> None:
    linked = [{"ownerId": 1, "ownerUsername": "alice", "name": "patients", "lastOnline": None}]
    hub.projects = [
        {"id": f"p-{number}", "name": f"Study \u202e{number}", "role": "OWNER", "created_at": "", "updated_at": "",
         "status": "PUBLISHED", "isDemo": False, "linked_datasets": linked}
        for number in range(73)
    ]  # fmt: skip
    found = released("hub projects")
    assert len(found) == 73
    assert found[0].datasets == ("alice/patients",)
    assert "<U+202E>" in found[0].name
    assert [(each.model, each.used, each.limit) for each in released("hub limits", project="p-1")] == [
        ("bob/M:1", 7, None)
    ]
    (one,) = released("hub limits", project="p-1", model="bob/M:1")
    assert (one.limit, one.user) == (40, "bob")
    released("hub link", project="p-1", datasource="patients")
    assert hub.bodies("PUT", "/api/projects/p-1/pod") == [[{"podName": "patients"}]]
    released("hub beat")
    (news,) = hub.bodies("PATCH", "/api/pods")
    assert news["datasourceHealth"] == [{"name": "patients", "status": "healthy"}]
    assert (news["isBusy"], news["isEhrConfigured"]) == (False, False)
    released("hub archive", datasource="patients")
    assert hub.bodies("POST", "/api/pods/trust/patients") == [{"archive": True}]


def test_a_network_that_nobody_knows_is_refused_by_the_command_itself(made: Do) -> None:
    assert code(BadInput, lambda: made("hub show", network="elsewhere")) == "act.bad-argument"
