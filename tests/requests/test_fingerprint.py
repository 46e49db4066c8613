"""The fingerprint is the same for the same decision and different for every other."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.fingerprint import fingerprint

Make = Callable[..., Verified[VerifiedRequest]]


@given(task=st.text(), digest=st.text(max_size=64), name=st.text(), key=st.text())
def test_it_does_not_change_when_a_request_is_sent_again(
    verified: Make, task: str, digest: str, name: str, key: str
) -> None:
    again = verified(
        task_id=task,
        body_digest=digest,
        requester_name=name,
        key_id=key,
        sent_at=datetime(2026, 2, 28, tzinfo=UTC),
    )
    assert fingerprint(again) == fingerprint(verified())
    assert re.fullmatch("[0-9a-f]{64}", fingerprint(again))


def test_the_order_of_keys_and_pods_and_the_requesters_processor_do_not_matter(
    verified: Make, protocols: dict[str, Any]
) -> None:
    turned = dict(reversed(list(protocols["sql"].items())))
    one = verified(turned, pod_identifiers=("b/b", "alice/patients"), flags={"supports_mps": True, "test_run": False})
    other = verified(pod_identifiers=("alice/patients", "b/b"), flags={"test_run": False, "supports_mps": None})
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    "change",
    [
        {"network": "bitfount"},
        {"pod_identifier": "b/b", "pod_identifiers": ("b/b",)},
        {"pod_identifiers": ("alice/patients", "b/b")},
        {"requester_key_fingerprint": "ac" * 32},
        {"project_id": "proj-2"},
        {"project_id": None},
        {"flags": {"batched_execution": True, "requires_ehr_connection": False}},
        {"flags": {}},
    ],
)
def test_whatever_was_decided_on_changes_it(verified: Make, change: dict[str, Any]) -> None:
    assert fingerprint(verified(**change)) != fingerprint(verified())


@given(data=st.data())
def test_any_change_of_the_protocol_changes_it(verified: Make, protocols: dict[str, Any], data: st.DataObject) -> None:
    protocol = copy.deepcopy(protocols["sql"])
    before = fingerprint(verified(protocol))
    step = protocol["algorithm"][0]
    key = data.draw(st.sampled_from([*step, "new"]))
    value = data.draw(st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text())
    unchanged = key in step and step[key] == value
    step[key] = value
    assert (fingerprint(verified(protocol)) == before) == unchanged


def test_where_one_field_ends_and_the_next_begins_matters(verified: Make) -> None:
    one = verified(flags={"a": "b"}, project_id='x"')
    other = verified(flags={"a": 'b"'}, project_id="x")
    assert fingerprint(one) != fingerprint(other)


def test_the_number_itself_stays_what_it_was_when_podadmin_is_updated(verified: Make) -> None:
    """Grants wait under it for months: another way of counting would void them all."""
    assert fingerprint(verified()) == "f0d428deb3858e8f17189c052af9b2744ec4cf44f901a64a7184f2e61f21f3d3"
