"""A pod writes to its hub what its own software writes; code in the worker finds no other place to leave data at."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import Refused
from podadmin.gate import outgoing
from podadmin.gate.outgoing import REFUSED, WEB_CALL, title
from podadmin.gate.web_calls import MOST_BODY, check

KNOWN = [
    ("GET", "/api/models"),
    ("GET", "/anything/at/all"),
    ("POST", "/api/access"),
    ("POST", "/api/pods"),
    ("PATCH", "/api/pods"),
    ("POST", "/api/pods/clinic/eye-patients"),
    ("POST", "/api/upload"),
    ("PUT", "/api/compute/instances/i-0a1b"),
    ("POST", "/api/dr.who/keys"),
    ("PUT", "/api/projects/4f0c-11/pod"),
    ("PUT", "/api/ehr/jwks/clinic"),
    ("POST", "/api/compute-clusters/7/datasets"),
]
UNKNOWN = [
    ("POST", "/api/models"),
    ("PUT", "/api/models"),
    ("DELETE", "/api/pods"),
    ("POST", "/api/projects/4f0c-11/limits"),
    ("PATCH", "/api/pods/"),
    ("POST", "//api/pods"),
    ("POST", "/api/pods/../models"),
    ("POST", "/api/pods/./models"),
    ("POST", "/api/pods/clinic/.."),
    ("POST", "/api/pods/%2e%2e/models"),
    ("POST", "/api/pods%2F..%2Fmodels"),
    ("POST", "/api/pods/clinic/a;b"),
    ("POST", "/api/pods\n"),
    ("POST", "/api/pods/clinic/a\\b"),
    ("post", "/api/pods"),
    ("GET", "/api/models"),
    ("PROPFIND", "/api/pods"),
]


def refused(method: str, path: str, size: int = 10) -> str:
    try:
        check(method, path, size)
    except Refused as error:
        return error.code
    return ""


@pytest.mark.parametrize(("method", "path"), KNOWN)
def test_what_the_software_of_a_pod_does_passes(method: str, path: str) -> None:
    assert refused(method, path, 0 if method == "GET" else 10) == ""


@pytest.mark.parametrize(("method", "path"), UNKNOWN)
def test_what_it_does_not_do_is_stopped(method: str, path: str) -> None:
    assert refused(method, path) == "gate.unknown-web-call"


def test_a_call_is_small_but_the_one_that_shows_the_request() -> None:
    assert refused("PATCH", "/api/pods", MOST_BODY) == ""
    assert refused("PATCH", "/api/pods", MOST_BODY + 1) == "gate.web-call-too-big"
    assert refused("POST", "/api/access", MOST_BODY + 1) == ""


@given(st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]), st.text(max_size=40))
def test_no_path_that_means_another_one_passes(method: str, path: str) -> None:
    if refused(method, f"/api/{path}") == "":
        assert path.isascii()
        assert not {"", ".", ".."} & set(path.split("/"))
        assert not set(path) & set("%\\;?# \n\t")


def test_a_worker_that_leaves_data_at_the_hub_is_stopped_and_it_is_listed(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent, _task = await rig.running()
        gate, hub = rig.gate, rig.gate.places.hub
        roots = ssl.create_default_context(cafile=str(gate.authority.certificate_file))
        async with httpx.AsyncClient(proxy=gate.address, verify=roots, trust_env=False, timeout=30) as web:
            for path in ("/api/models", "/api/pods/%2e%2e/models"):
                answer = await web.post(f"https://{hub}{path}", content=b"rows of patients" * 100)
                assert answer.status_code == 403
                assert answer.json()["errorMessage"] == "gate.unknown-web-call"
            large = await web.patch(f"https://{hub}/api/pods", content=b"x" * (MOST_BODY + 1))
            assert large.json()["errorMessage"] == "gate.web-call-too-big"
            passed = await web.get(f"https://{hub}/api/access-manager-key")
            assert passed.status_code == 200
        gate.relay.outgoing.write(rig.store)
        listed = outgoing.listing(rig.store, rig.found(sent.route.task_id).row.id)
        stopped = [each for each in listed if each.type == WEB_CALL]
        assert {each.outcome for each in stopped} == {REFUSED}
        assert sum(each.count for each in stopped) == 3
        assert "would write something there" in stopped[0].why
        assert title(stopped[0]) == "Call to the network's hub"

    tell_proxied(network, story)
