"""Refuse wins, doubt holds, a grant allows, and without any of these a person decides."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import PodadminError
from podadmin.limits.model import Check, Key, Meter, read_meter
from podadmin.requests.decide import Considered, Invalid, Verdict, decide
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import Opened, Verified, VerifiedRequest, judge
from podadmin.requests.fingerprint import fingerprint
from podadmin.requests.grants import Grant

Make = Callable[..., Verified[VerifiedRequest]]
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
RETINA = Key("local", "proj-1", "acme/Retina:3")


def grant_for(request: Verified[VerifiedRequest], **changes: Any) -> Grant:
    grant = Grant("grt_1", fingerprint(request), 1, NOW + timedelta(days=1), NOW - timedelta(days=1), "req_0")
    return dataclasses.replace(grant, **changes)


def meter(limit: float | None, used: float, *, asked: bool = True, reserved: float = 0) -> Meter:
    return read_meter(RETINA, Check(limit, used, 0) if asked else None, 0, reserved)


def ask(request: Verified[VerifiedRequest] | Invalid, **changes: Any) -> Verdict:
    known = None if isinstance(request, Invalid) else statement(request, shipped())
    inputs: dict[str, Any] = {
        "effects": known,
        "grants": (),
        "limits": (),
        "access": "ACCEPT",
        "now": NOW,
        "replay": False,
    }
    return decide(request, **{**inputs, **changes})


def test_what_nobody_has_decided_is_held(verified: Make) -> None:
    found = ask(verified())
    assert (found.outcome, found.code, found.grant_id) == ("hold", "request.undecided", "")
    assert [each.outcome for each in found.trace] == ["passes"] * 4


def test_a_grant_allows_and_is_named(verified: Make) -> None:
    found = ask(verified(), grants=(grant_for(verified(project_id="p")), grant_for(verified(), id="grt_2")))
    assert (found.outcome, found.code, found.grant_id) == ("allow", "request.granted", "grt_2")
    assert found.trace[-2] == Considered("Grant grt_1", "does-not-apply", "It was made for a different request.")
    assert found.trace[-1].outcome == "allows"


def test_of_two_grants_that_match_the_first_is_used(verified: Make) -> None:
    grants = (grant_for(verified()), grant_for(verified(), id="grt_2"))
    assert ask(verified(), grants=grants).grant_id == "grt_1"


@pytest.mark.parametrize(
    "change",
    [{"runs_left": 0}, {"expires_at": NOW}, {"voided_reason": "model changed"}, {"made_at": NOW + timedelta(hours=48)}],
)
def test_a_grant_that_is_over_never_allows(verified: Make, change: dict[str, Any]) -> None:
    found = ask(verified(), grants=(grant_for(verified(), **change),))
    assert (found.outcome, found.code) == ("hold", "request.undecided")
    assert found.trace[-1].outcome == "does-not-apply"


@pytest.mark.parametrize(
    ("changes", "outcome", "code"),
    [
        ({"replay": True}, "refuse", "request.replayed"),
        ({"access": "NO_ACCESS"}, "refuse", "request.network-refused"),
        ({"access": "accept"}, "refuse", "request.network-refused"),
        ({"access": ""}, "refuse", "request.network-refused"),
        ({"access": None}, "hold", "request.network-unanswered"),
        ({"effects": None}, "hold", "request.effects-missing"),
        ({"limits": ()}, "hold", "limit.unknown"),
        ({"limits": (meter(None, 0, asked=False),)}, "hold", "limit.unknown"),
        ({"limits": (meter(5, 5),)}, "refuse", "limit.exhausted"),
        ({"limits": (meter(5, 1, reserved=4),)}, "refuse", "limit.exhausted"),
        ({"limits": (meter(0, 0),)}, "refuse", "limit.exhausted"),
        ({"limits": (meter(5, 9),)}, "refuse", "limit.exhausted"),
        ({"limits": (meter(5, 4),)}, "allow", "request.granted"),
        ({"limits": (meter(None, 4),)}, "allow", "request.granted"),
    ],
)
def test_a_grant_does_not_help_against_anything_else(
    verified: Make, protocols: dict[str, Any], changes: dict[str, Any], outcome: str, code: str
) -> None:
    request = verified(protocols["inference"])
    inputs = {"grants": (grant_for(request),), "limits": (meter(5, 1),), **changes}
    found = ask(request, **inputs)
    assert (found.outcome, found.code) == (outcome, code)
    assert any(each.why == found.words for each in found.trace)
    assert found.grant_id == ("grt_1" if outcome == "allow" else "")


def test_the_trace_says_how_much_is_free(verified: Make, protocols: dict[str, Any]) -> None:
    found = ask(verified(protocols["inference"]), limits=(meter(1_234_567, 1_000_000),))
    assert ("Limit of acme/Retina:3", "234567 of 1234567 inferences are free.") in {
        (each.name, each.why) for each in found.trace
    }


def test_a_model_without_a_full_name_is_never_allowed(verified: Make, protocols: dict[str, Any]) -> None:
    protocol = {**protocols["inference"], "algorithm": {"class_name": "bitfount.ModelInference", "model": {}}}
    request = verified(protocol)
    found = ask(request, grants=(grant_for(request),), limits=(meter(5, 0),))
    assert (found.outcome, found.code) == ("hold", "limit.unknown")


def test_a_custodian_may_grant_what_has_unknown_effects_and_the_trace_says_so(verified: Make) -> None:
    request = verified({"class_name": "bitfount.Surprise"})
    found = ask(request, grants=(grant_for(request),))
    assert found.outcome == "allow"
    assert any("counts as the worst" in each.why for each in found.trace)


def invalid(opened: Callable[..., Opened], **changes: Any) -> Invalid:
    with pytest.raises(PodadminError) as caught:
        judge(opened(**changes))
    return Invalid.of(caught.value)


BAD: list[dict[str, Any]] = [
    {"signature": "bad"},
    {"signature": "absent"},
    {"signature": "unknown-key"},
    {"auth_type": "oidc-device-code"},
    {"outer": {"class_name": "bitfount.ResultsOnly"}},
    {"pod_identifiers": ()},
    {"has_flow_spec": True},
]


def test_no_combination_lets_what_is_wrong_pass(
    opened: Callable[..., Opened], verified: Make, protocols: dict[str, Any]
) -> None:
    """Exhaustive: every bad envelope, replay, refusal of the network and exhausted limit, with all the rest at best."""
    good = verified(protocols["inference"])
    requests: list[Verified[VerifiedRequest] | Invalid] = [good, *(invalid(opened, **each) for each in BAD)]
    limits = [(meter(5, 5),), (meter(0, 0),), (meter(5, 0),), (meter(None, 0),), (), (meter(None, 0, asked=False),)]
    grants = [(), (grant_for(good),), (grant_for(good), grant_for(good, id="grt_2", runs_left=9))]
    access = ["ACCEPT", "NO_ACCESS", "UNAUTHORISED", None]
    allowed = 0
    for request, limit, grant, code, replay, known in itertools.product(
        requests, limits, grants, access, [False, True], [statement(good, shipped()), None]
    ):
        found = ask(request, limits=limit, grants=grant, access=code, replay=replay, effects=known)
        wrong = isinstance(request, Invalid) or replay or code not in {"ACCEPT", None}
        exhausted = bool(limit) and limit[0].exhausted
        if found.outcome == "allow":
            allowed += 1
            assert grant
            assert not wrong
            assert not exhausted
            assert code == "ACCEPT"
            assert limit
            assert limit[0].mode != "unknown"
            assert known is not None
        if wrong:
            assert found.outcome == "refuse"
        assert (found.grant_id != "") == (found.outcome == "allow")
    assert allowed == 4


@given(
    st.lists(
        st.builds(
            Grant,
            id=st.just("g"),
            fingerprint=st.sampled_from(["same", "other"]),
            runs_left=st.integers(-1, 2),
            expires_at=st.sampled_from([NOW, NOW + timedelta(days=1)]),
            made_at=st.sampled_from([NOW, NOW + timedelta(days=1)]),
            made_from=st.just("r"),
            voided_reason=st.sampled_from([None, "", "x"]),
        )
    )
)
def test_only_a_grant_that_matches_in_full_allows(verified: Make, grants: list[Grant]) -> None:
    request = verified()
    mine = [
        dataclasses.replace(each, fingerprint=fingerprint(request) if each.fingerprint == "same" else "f" * 64)
        for each in grants
    ]
    matching = [
        each
        for each in mine
        if each.fingerprint == fingerprint(request)
        and each.runs_left > 0
        and each.made_at <= NOW < each.expires_at
        and each.voided_reason is None
    ]
    found = ask(request, grants=mine)
    assert found.outcome == ("allow" if matching else "hold")
    assert len(found.trace) == 4 + len(mine)
    assert ask(request, grants=mine) == found


def test_an_invalid_request_is_refused_with_its_own_code_and_nothing_else_is_asked(
    opened: Callable[..., Opened],
) -> None:
    found = ask(invalid(opened, signature="bad"))
    assert (found.outcome, found.code) == ("refuse", "envelope.signature-bad")
    assert [each.name for each in found.trace] == ["Seen before", "The network's access check", "Envelope"]
