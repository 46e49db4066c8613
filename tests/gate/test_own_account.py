"""Once a pod has fetched a task, it connects and writes at its hub in the name of the same account, or not at all."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock, new_id
from podadmin.core.errors import Refused
from podadmin.gate import outgoing
from podadmin.gate.credentials import OfThePod
from podadmin.gate.outgoing import REFUSED, WEB_CALL
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.local.membership import join
from tests.gate.conftest import pod_behind, web_behind

CLOCK = SystemClock()


def token(subject: object, issued: int = 0) -> str:
    told = json.dumps({"iat": issued, "sub": subject}).encode()
    return ".".join(("e30", base64.urlsafe_b64encode(told).decode().rstrip("="), f"signed{issued}"))


POD = token("auth0|clinic")


def passes(shown: OfThePod, headers: dict[str, str]) -> bool:
    try:
        shown.must_be_own(tuple(headers.items()))
    except Refused as error:
        return error.code != "gate.other-account"
    return True


@pytest.mark.parametrize(
    ("fetched_with", "headers", "own"),
    [
        ({"token": POD}, {"authorization": f"Bearer {POD}"}, True),
        ({"token": POD}, {"authorization": f"Bearer {token('auth0|clinic', 7)}"}, True),
        ({"token": POD}, {"authorization": f"Bearer {token('auth0|lab')}"}, False),
        ({"token": POD}, {"authorization": f"Bearer {POD}", "x-api-key-id": "lab"}, False),
        ({"token": POD}, {"x-api-key-id": "auth0|clinic", "x-api-key": "key"}, False),
        ({"token": POD}, {"cookie": "session=lab"}, False),
        ({"token": POD}, {}, False),
        ({"token": "opaque"}, {"authorization": "Bearer opaque"}, True),
        ({"token": "opaque"}, {"authorization": "Bearer renewed"}, True),
        ({"token": "opaque"}, {"authorization": f"Bearer {POD}"}, False),
        ({"x-api-key-id": "pod", "x-api-key": "core"}, {"x-api-key-id": "pod", "x-api-key": "core:more"}, True),
        ({"x-api-key-id": "pod", "x-api-key": "core"}, {"x-api-key-id": "lab", "x-api-key": "core"}, False),
        ({}, {"x-api-key-id": "lab"}, True),
    ],
)
def test_whose_name_a_call_is_made_in(fetched_with: dict[str, str], headers: dict[str, str], own: bool) -> None:
    shown = OfThePod(CLOCK)
    shown.took(tuple(sorted(fetched_with.items())))
    assert passes(shown, headers) is own


def test_before_a_task_was_fetched_a_pod_may_come_back_with_another_account_and_afterwards_it_may_not() -> None:
    shown, lab = OfThePod(CLOCK), (("token", token("auth0|lab")),)
    shown.believed(lab)
    assert passes(shown, {"authorization": f"Bearer {POD}"})
    shown.took((("token", POD),))
    shown.took(lab)
    assert passes(shown, {"authorization": f"Bearer {POD}"})
    assert not passes(shown, dict(lab))


def test_a_pod_that_is_started_anew_may_have_another_account() -> None:
    shown, own, lab = OfThePod(CLOCK), {"x-api-key-id": "new"}, {"x-api-key-id": "lab"}
    shown.took((("token", POD),))
    shown.renewed("new")
    assert (passes(shown, own), passes(shown, lab)) == (True, False)
    shown.renewed("")
    assert passes(shown, lab)
    shown.took(tuple(own.items()))
    assert (passes(shown, own), passes(shown, lab)) == (True, False)


@given(st.one_of(st.text(max_size=60), st.recursive(st.none() | st.integers(), st.lists, max_leaves=5).map(token)))
def test_whatever_a_token_is_it_is_never_taken_for_that_of_somebody_whose_name_can_be_read(told: str) -> None:
    shown = OfThePod(CLOCK)
    shown.took((("token", told),))
    assert passes(shown, {"authorization": f"Bearer {told}"})
    assert not passes(shown, {"authorization": f"Bearer {token('somebody else')}"})


def test_code_in_the_worker_cannot_write_to_the_hub_in_its_masters_name(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        stranger = await join(network.address, new_id("s").lower().replace("_", "-"))
        own, lab = rig.settings["headers"], stranger.headers()
        where = f"https://{rig.gate.places.hub}/api/pods"

        async def written(headers: dict[str, str]) -> str:
            async with web_behind(rig.gate) as web:
                answer = await web.patch(where, json={"rows": "of patients"}, headers=headers)
            return str(answer.json().get("errorMessage", "")) if answer.status_code == 403 else ""

        assert await written(lab) == ""  # a pod that is idle may have come back with another account
        sent, _task = await rig.running()
        assert await written(own) == ""
        async with pod_behind(rig.gate, stranger.metadata()) as in_the_worker:
            # believed, this would be a pod that was started anew, whose task was cut short
            with pytest.raises(Refused):
                await in_the_worker.pod_connect(pb.PodData(podName="of-a-stranger", instanceId="another"))
        assert "for another account" in rig.gate.seen.alarm
        assert rig.found(sent.route.task_id).row.state == "running"
        assert [await written(each) for each in (lab, {}, {**lab, **own, "authorization": "Bearer x"})] == [
            "gate.other-account"
        ] * 3
        rig.gate.relay.outgoing.write(rig.store)
        listed = outgoing.listing(rig.store, rig.found(sent.route.task_id).row.id)
        stopped = [each for each in listed if each.type == WEB_CALL]
        assert {each.outcome for each in stopped} == {REFUSED}
        assert sum(each.count for each in stopped) == 3
        assert "for another account" in stopped[0].why

    tell_proxied(network, story)
