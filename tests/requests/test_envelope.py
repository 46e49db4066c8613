"""Verified and unverified are two things, and only a judge turns one into the other."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.canon import canonical
from podadmin.core.errors import PodadminError, Refused, Tampered
from podadmin.requests.envelope import Opened, ProtocolDiffers, Unverified, Verified, VerifiedRequest, judge
from podadmin.requests.paths import WHOLE

Make = Callable[..., Opened]


def refusal(opened: Opened) -> PodadminError:
    with pytest.raises(PodadminError) as caught:
        judge(opened)
    return caught.value


def test_a_good_request_is_verified_with_its_claims_marked_as_claims(opened: Make, protocols: dict[str, Any]) -> None:
    flags = {"test_run": False, "supports_mps": None}
    found = judge(opened(flags=flags, pod_identifiers=("z/z", "alice/patients", "z/z"))).value
    assert found.protocol == protocols["sql"]
    assert found.requester.key_fingerprint == "ab" * 32
    assert (found.requester.name_claimed, found.project_claimed) == ("Dr. Mole", "proj-1")
    assert found.flags_claimed == (("supports_mps", "null"), ("test_run", "false"))
    assert found.pod_identifiers == ("alice/patients", "z/z")
    assert (found.network, found.task_id, found.auth_type) == ("local", "task-1", "key-based")


def test_nobody_else_can_make_a_verified_value(opened: Make) -> None:
    found = judge(opened())
    with pytest.raises(TypeError):
        Verified(found.value, object())
    with pytest.raises(TypeError):
        copy.copy(found)
    with pytest.raises(TypeError):
        pickle.dumps(found)
    with pytest.raises(AttributeError):
        found.value = None  # type: ignore[misc,assignment]


def test_verified_values_are_equal_by_what_they_hold(opened: Make) -> None:
    one, same, other = judge(opened()), judge(opened()), judge(opened(task_id="task-2"))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != one.value
    assert repr(one).startswith("Verified(")
    assert repr(Unverified("x")) == "Unverified('x')"


def test_what_was_verified_cannot_be_changed_afterwards(opened: Make) -> None:
    mine = opened()
    found = judge(mine)
    before = found.value.protocol
    assert isinstance(mine.protocol, dict)
    mine.protocol["algorithm"][0]["query"] = "SELECT * FROM `patients`"
    found.value.protocol["class_name"] = "bitfount.Other"
    assert found.value.protocol == before


@pytest.mark.parametrize(
    ("changes", "code", "kind"),
    [
        ({"has_flow_spec": True}, "envelope.flow-unsupported", Refused),
        ({"kind": "dataset-project-linked"}, "envelope.flow-unsupported", Refused),
        ({"signature": "bad"}, "envelope.signature-bad", Tampered),
        ({"signature": "absent"}, "envelope.signature-absent", Refused),
        ({"signature": "unknown-key"}, "envelope.unknown-key", Refused),
        ({"requester_key_fingerprint": None}, "envelope.unknown-key", Refused),
        ({"requester_key_fingerprint": ""}, "envelope.unknown-key", Refused),
        ({"auth_type": "oidc-device-code", "signature": "absent"}, "envelope.identity-unverified", Refused),
        ({"auth_type": "oidc-auth-code"}, "envelope.identity-unverified", Refused),
        ({"pod_identifiers": ("bob/patients",)}, "envelope.wrong-pod", Refused),
        ({"pod_identifiers": ()}, "envelope.wrong-pod", Refused),
        ({"protocol": [], "outer": []}, "envelope.malformed-protocol", Refused),
        ({"protocol": {}, "outer": {}}, "envelope.malformed-protocol", Refused),
        ({"protocol": {"class_name": ""}}, "envelope.malformed-protocol", Refused),
        ({"protocol": {"class_name": 7}}, "envelope.malformed-protocol", Refused),
        ({"protocol": {"class_name": b"bitfount.ResultsOnly"}}, "envelope.malformed-protocol", Refused),
        ({"flags": {"test_run": b""}}, "envelope.malformed-protocol", Refused),
        ({"outer": None}, "envelope.protocol-differs", Tampered),
        ({"outer": {"class_name": "bitfount.ResultsOnly"}}, "envelope.protocol-differs", Tampered),
    ],
)
def test_what_is_wrong_is_refused_by_name(
    opened: Make, changes: dict[str, Any], code: str, kind: type[PodadminError]
) -> None:
    error = refusal(opened(**changes))
    assert error.code == code
    assert isinstance(error, kind)
    assert all(sentence.strip().endswith(".") for sentence in (error.what, error.why, error.next_step))


def test_a_missing_sealed_protocol_is_malformed(opened: Make) -> None:
    found = opened()
    bare = Opened(**{**found.__dict__, "protocol": None})
    assert refusal(bare).code == "envelope.malformed-protocol"


def test_a_swapped_outside_is_tampering_and_says_where(opened: Make, protocols: dict[str, Any]) -> None:
    outer = copy.deepcopy(protocols["sql"])
    outer["algorithm"][0]["query"] = "SELECT 1"
    outer["nice\u202e"] = 1
    error = refusal(opened(outer=outer))
    assert isinstance(error, ProtocolDiffers)
    assert error.paths == ("algorithm[0].query", '"nice<U+202E>"')
    assert "algorithm[0].query" in error.why


def test_many_differences_are_counted_and_not_all_read_out(opened: Make, protocols: dict[str, Any]) -> None:
    error = refusal(opened(outer={**protocols["sql"], **{f"k{n}": n for n in range(9)}}))
    assert isinstance(error, ProtocolDiffers)
    assert len(error.paths) == 9
    assert "and 4 more" in error.why


def test_an_outside_that_is_not_json_differs_as_a_whole(opened: Make) -> None:
    error = refusal(opened(outer={"class_name": b"bitfount.ResultsOnly"}))
    assert isinstance(error, ProtocolDiffers)
    assert error.paths == (WHOLE,)


def test_a_bad_signature_is_named_before_everything_that_follows_from_it(opened: Make) -> None:
    error = refusal(opened(signature="bad", outer=None, pod_identifiers=(), auth_type="oidc-auth-code"))
    assert error.code == "envelope.signature-bad"


def test_strangers_text_in_an_error_is_made_safe(opened: Make) -> None:
    assert "<U+202E>" in refusal(opened(auth_type="\u202eevil")).why


def everywhere(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [path]
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.extend(everywhere(value[key], (*path, key)))
    return found


@given(data=st.data())
def test_no_change_of_the_outside_survives(opened: Make, protocols: dict[str, Any], data: st.DataObject) -> None:
    outer = copy.deepcopy(data.draw(st.sampled_from(list(protocols.values()))))
    inner = copy.deepcopy(outer)
    place = data.draw(st.sampled_from([path for path in everywhere(outer) if path]))
    holder: Any = outer
    for key in place[:-1]:
        holder = holder[key]
    new: object = data.draw(st.none() | st.booleans() | st.integers() | st.text() | st.just([]) | st.just({}))
    if data.draw(st.booleans()):
        del holder[place[-1]]
    else:
        holder[place[-1]] = new
    made = opened(inner, outer=outer)
    if canonical(outer) == canonical(inner):
        assert judge(made).value.protocol == inner
    else:
        assert refusal(made).code == "envelope.protocol-differs"


@given(
    signature=st.sampled_from(["good", "bad", "absent", "unknown-key"]),
    auth=st.sampled_from(["key-based", "oidc-auth-code", "oidc-device-code", "", "saml"]),
    key=st.sampled_from([None, "", "ab" * 32]),
    pods=st.lists(st.sampled_from(["alice/patients", "bob/patients", ""]), max_size=3).map(tuple),
    flow=st.booleans(),
    same=st.booleans(),
)
def test_only_a_whole_good_request_is_verified(
    opened: Make, signature: str, auth: str, key: str | None, pods: tuple[str, ...], flow: bool, same: bool
) -> None:
    changes: dict[str, Any] = {} if same else {"outer": {"class_name": "bitfount.ResultsOnly"}}
    made = opened(
        signature=signature,
        auth_type=auth,
        requester_key_fingerprint=key,
        pod_identifiers=pods,
        has_flow_spec=flow,
        **changes,
    )
    good = signature == "good" and auth == "key-based" and bool(key) and "alice/patients" in pods and not flow and same
    if good:
        found = judge(made)
        assert isinstance(found, Verified)
        assert isinstance(found.value, VerifiedRequest)
    else:
        assert refusal(made).code.startswith("envelope.")
