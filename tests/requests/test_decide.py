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

from podadmin.core.errors import PodadminError, Tampered
from podadmin.limits.model import Check, Key, Meter, read_meter
from podadmin.limits.own import Effect, Own, OwnLimit, Scope
from podadmin.requests.decide import Considered, Invalid, Verdict, decide
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import Opened, Verified, VerifiedRequest, judge
from podadmin.requests.fingerprint import fingerprint
from podadmin.requests.grant_pins import pins_of
from podadmin.requests.grants import Grant
from podadmin.requests.policy import Grants
from podadmin.requests.rule_facts import facts_of
from podadmin.requests.rules import Rule, draft

Make = Callable[..., Verified[VerifiedRequest]]
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
RETINA = Key("local", "proj-1", "acme/Retina:3")


def grant_for(request: Verified[VerifiedRequest], **changes: Any) -> Grant:
    grant = Grant("grt_1", fingerprint(request), 1, NOW + timedelta(days=1), NOW - timedelta(days=1), "req_0")
    return dataclasses.replace(grant, **changes)


def meter(
    limit: float | None, used: float, *, asked: bool = True, reserved: float = 0, own: tuple[Own, ...] = ()
) -> Meter:
    return read_meter(RETINA, Check(limit, used, 0) if asked else None, 0, reserved, own=own)


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
    assert [each.name for each in found.trace] == [
        "Seen before",
        "The network's access check",
        "Envelope",
        "Clock",
        "Effects",
    ]
    assert {each.outcome for each in found.trace} == {"passes"}


def test_a_grant_allows_and_is_named(verified: Make) -> None:
    found = ask(verified(), grants=(grant_for(verified(project_id="p")), grant_for(verified(), id="grt_2")))
    assert (found.outcome, found.code, found.grant_id) == ("allow", "request.granted", "grt_2")
    assert found.trace[-1] == Considered(
        "Other grants", "does-not-apply", "1 other grant is for other requests.", about="grant:"
    )
    assert (found.trace[-2].outcome, found.trace[-2].about) == ("allows", "grant:grt_2")


def test_of_two_grants_that_match_the_one_that_ends_first_is_used(verified: Make) -> None:
    grants = (grant_for(verified()), grant_for(verified(), id="grt_2"))
    assert ask(verified(), grants=grants).grant_id == "grt_1"
    assert ask(verified(), grants=grants[::-1]).grant_id == "grt_1"
    longer = dataclasses.replace(grants[0], expires_at=NOW + timedelta(days=2))
    assert ask(verified(), grants=(longer, grants[1])).grant_id == "grt_2"


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
    near = [each for each in mine if each.fingerprint == fingerprint(request)]
    assert len(found.trace) == 5 + len(near) + (len(near) < len(mine))
    assert ask(request, grants=mine) == found


def test_an_invalid_request_is_refused_with_its_own_code_and_nothing_else_is_asked(
    opened: Callable[..., Opened],
) -> None:
    found = ask(invalid(opened, signature="bad"))
    assert (found.outcome, found.code) == ("refuse", "envelope.signature-bad")
    assert [each.name for each in found.trace] == ["Seen before", "The network's access check", "Envelope"]


def rule_for(verdict: str, rule_id: str = "rul_1", **conditions: str) -> Rule:
    more: dict[str, Any] = {"message": "Not on this pod."} if verdict == "refuse" else {}
    return draft("A rule", verdict, conditions or {"datasource": "only: patients"}, rule_id=rule_id, **more)


def test_a_rule_allows_refuses_and_holds(verified: Make) -> None:
    allow, refuse, hold = (rule_for(each, f"rul_{each}") for each in ("allow", "refuse", "hold"))
    found = ask(verified(), rules=[allow])
    assert (found.outcome, found.code, found.rule, found.grant_id) == ("allow", "rule.allowed", "rul_allow@1", "")
    found = ask(verified(), rules=[allow, hold])
    assert (found.outcome, found.code, found.rule) == ("hold", "rule.held", "rul_hold@1")
    found = ask(verified(), rules=[allow, hold, refuse], grants=(grant_for(verified()),))
    assert (found.outcome, found.code, found.rule, found.words) == (
        "refuse", "rule.refused", "rul_refuse@1", "Not on this pod.",
    )  # fmt: skip
    assert [each.name for each in found.trace[5:]] == ["Rule “A rule”"] * 3 + ["Grant grt_1"]


def test_a_rule_saves_the_run_of_a_grant(verified: Make) -> None:
    found = ask(verified(), rules=[rule_for("allow")], grants=(grant_for(verified()),))
    assert (found.rule, found.grant_id) == ("rul_1@1", "")


def test_a_rule_allows_nothing_that_the_gate_itself_refuses_or_doubts(
    opened: Callable[..., Opened], verified: Make, protocols: dict[str, Any]
) -> None:
    rules = [rule_for("allow")]
    request = verified(protocols["inference"])
    limits = (meter(5, 1),)
    assert ask(request, rules=rules, limits=limits).outcome == "allow"
    for changes in (
        {"replay": True},
        {"access": "NO_ACCESS"},
        {"access": None},
        {"effects": None},
        {"limits": ()},
        {"limits": (meter(5, 5),)},
        {"latest": NOW + timedelta(hours=48)},
    ):
        assert ask(request, **{"rules": rules, "limits": limits, **changes}).outcome != "allow"
    for bad in BAD:
        assert ask(invalid(opened, **bad), rules=rules).outcome == "refuse"
    unknown = verified({"class_name": "bitfount.Surprise"})
    assert ask(unknown, rules=rules).outcome == "hold"


def test_a_clock_that_was_set_back_holds_everything(verified: Make) -> None:
    request = verified()
    for latest, outcome in (
        (None, "allow"),
        (NOW - timedelta(hours=48), "allow"),
        (NOW + timedelta(seconds=120), "allow"),
        (NOW + timedelta(seconds=121), "hold"),
        (NOW + timedelta(hours=48), "hold"),
    ):
        for inputs in ({"rules": [rule_for("allow")]}, {"grants": (grant_for(request),)}):
            assert ask(request, latest=latest, **inputs).outcome == outcome
    assert ask(request, latest=NOW + timedelta(hours=48)).code == "request.clock-behind"


@pytest.mark.parametrize("jump", [timedelta(hours=-48), timedelta(), timedelta(hours=48)])
@pytest.mark.parametrize("start", [datetime(2028, 2, 28, 23, 59, tzinfo=UTC), datetime(2038, 1, 19, 3, 14, tzinfo=UTC)])
def test_no_expired_grant_or_rule_allows_whatever_the_clock_does(
    verified: Make, start: datetime, jump: timedelta
) -> None:
    request = verified()
    now = start + jump
    expired = grant_for(request, made_at=start - timedelta(days=9), expires_at=start - timedelta(hours=1))
    lasting = grant_for(request, made_at=start - timedelta(days=9), expires_at=start + timedelta(days=9))
    over = rule_for("allow", time=f"within: ..{(start - timedelta(days=1)).date().isoformat()}, UTC")
    good = rule_for("allow", time=f"within: ..{(start + timedelta(days=9)).date().isoformat()}, UTC")
    inputs: dict[str, Any] = {"now": now, "latest": start}
    for things in ({"grants": (expired,)}, {"rules": [over]}):
        assert ask(request, **inputs, **things).outcome == "hold"
    wanted = "hold" if jump < timedelta() else "allow"
    for things in ({"grants": (lasting,)}, {"rules": [good]}):
        assert ask(request, **inputs, **things).outcome == wanted


def test_the_reviewers_of_the_strictest_rule_are_asked_for(verified: Make) -> None:
    rules = [dataclasses.replace(rule_for("hold", f"rul_{n}"), reviewers=n) for n in (1, 3, 2)]
    assert ask(verified(), rules=rules).reviewers == 3
    assert ask(verified(), rules=rules[:1]).reviewers == 1
    assert ask(verified(), rules=[rule_for("allow")]).reviewers == 1


def test_a_grant_with_too_few_inferences_left_does_not_cover(verified: Make, protocols: dict[str, Any]) -> None:
    request = verified(protocols["inference"])
    limits = (meter(50, 1),)
    for inferences, left, outcome in (
        (5.0, 5.0, "allow"),
        (6.0, 5.0, "hold"),
        (None, 5.0, "hold"),
        (None, None, "allow"),
    ):
        facts = facts_of(request, statement(request, shipped()), inferences)
        grants = (grant_for(request, inferences_left=left),)
        found = ask(request, limits=limits, grants=grants, facts=facts)
        assert found.outcome == outcome
        if outcome == "hold":
            assert found.trace[-1].why == "It has fewer inferences left than the request can use."
            assert (found.trace[-1].outcome, found.trace[-1].code) == ("does-not-apply", "")


def test_grants_of_a_family_are_found_among_thousands(verified: Make) -> None:
    request = verified()
    pins = pins_of(request)
    mine = grant_for(request, id="grt_mine", pins=pins)
    others = [grant_for(request, id=f"grt_{n}", fingerprint=f"{n:064x}") for n in range(1234)]
    found = ask(request, grants=Grants.of([*others, mine], elsewhere=1000), pins=pins)
    assert found.grant_id == "grt_mine"
    assert [each.why for each in found.trace[5:]] == [
        "It was made for exactly this request and has 1 run left.",
        "2,234 other grants are for other requests.",
    ]


@given(st.permutations(["allow", "refuse", "hold"]), st.lists(st.booleans(), min_size=3, max_size=3))
def test_the_order_of_rules_makes_no_difference(verified: Make, order: list[str], on: list[bool]) -> None:
    rules = {
        verdict: dataclasses.replace(rule_for(verdict, f"rul_{verdict}"), enabled=each)
        for verdict, each in zip(("allow", "refuse", "hold"), on, strict=True)
    }
    found = ask(verified(), rules=[rules[each] for each in order])
    assert found == ask(verified(), rules=list(rules.values()))
    switched = {verdict for verdict, rule in rules.items() if rule.enabled}
    first = next((each for each in ("refuse", "hold", "allow") if each in switched), "hold")
    assert found.outcome == first


def own(amount: float, used: float, *, effect: Effect = "stops", reserved: float = 0) -> Own:
    return Own(OwnLimit("lim_1", 1, Scope(requester="lab\u202e"), "day", amount, effect), used, reserved)


@pytest.mark.parametrize(
    ("meters", "outcome", "code"),
    [
        (meter(None, 4, own=(own(10, 10),)), "refuse", "limit.own-exhausted"),
        (meter(50, 4, own=(own(10, 6, reserved=4),)), "refuse", "limit.own-exhausted"),
        (meter(50, 50, own=(own(10, 10),)), "refuse", "limit.own-exhausted"),
        (meter(50, 50, own=(own(10, 9),)), "refuse", "limit.exhausted"),
        (meter(50, 4, own=(own(0, 0),)), "refuse", "limit.own-exhausted"),
        (meter(50, 4, own=(own(10, 9), own(10, 10, effect="warns"))), "allow", "request.granted"),
        (meter(0, 0, asked=False, own=(own(10, 10),)), "hold", "limit.unknown"),
    ],
)
def test_a_limit_of_the_custodians_own_stops_as_well(
    verified: Make, protocols: dict[str, Any], meters: Meter, outcome: str, code: str
) -> None:
    request = verified(protocols["inference"])
    found = ask(request, grants=(grant_for(request),), limits=(meters,))
    assert (found.outcome, found.code) == (outcome, code)


def test_a_limit_of_the_custodians_own_is_said_as_such(verified: Make, protocols: dict[str, Any]) -> None:
    free = ask(verified(protocols["inference"]), limits=(meter(None, 4),))
    assert "The network sets no limit for this model in this project." in {each.why for each in free.trace}
    bounded = ask(
        verified(protocols["inference"]),
        limits=(meter(50, 1, own=(own(1500, 6, reserved=4), own(5, 9, effect="warns"))),),
    )
    assert (
        "49 of 50 inferences are free. "
        "Your own limit, at most 1,500 inferences a day for lab<U+202E>: 6 used, 4 promised and 1,490 free; it stops. "
        "Your own limit, at most 5 inferences a day for lab<U+202E>: 9 used and 0 free; it only warns."
    ) in {each.why for each in bounded.trace}
    over = ask(verified(protocols["inference"]), limits=(meter(50, 1, own=(own(10, 10),)),))
    assert {each.why for each in over.trace if each.outcome == "refuses"} == {
        "Your own limit, at most 10 inferences a day for lab<U+202E>, is used up or promised away."
    }
    assert over.words == "The custodian's limit for this use is used up or promised away.", "what a requester is told"


def test_every_line_of_a_trace_is_named_and_takes_a_stance_that_can_be_weighed(
    verified: Make, protocols: dict[str, Any]
) -> None:
    request = verified(protocols["inference"])
    names = {
        "Seen before", "The network's access check", "Envelope", "Clock", "Effects", "Limit of acme/Retina:3",
    }  # fmt: skip
    known = statement(request, shipped())
    unknown = dataclasses.replace(known, known=False)
    for effects, latest, limits in itertools.product(
        (known, unknown, None), (None, NOW, NOW + timedelta(days=2)), ((meter(5, 1),), (meter(None, 1),))
    ):
        found = ask(request, effects=effects, latest=latest, limits=limits, grants=(grant_for(request),))
        assert {each.name for each in found.trace} == {*names, "Grant grt_1"}
        assert {each.outcome for each in found.trace} <= {"refuses", "holds", "allows", "passes", "does-not-apply"}


def test_what_could_not_be_verified_is_told_with_its_reason() -> None:
    error = Tampered("envelope.bad-signature", "It is forged.", "The signature is wrong.", "Do nothing.")
    invalid = Invalid.of(error)
    assert (invalid.code, invalid.what, invalid.why) == (error.code, error.what, error.why)
    found = decide(invalid, effects=None, grants=(), limits=(), access="ACCEPT", now=NOW, replay=False)
    assert (found.outcome, found.code, found.words) == ("refuse", error.code, "It is forged. The signature is wrong.")


@pytest.mark.parametrize(("others", "words"), [(1, "1 other grant is for"), (2, "2 other grants are for")])
def test_grants_for_other_requests_are_counted_in_words(
    verified: Make, protocols: dict[str, Any], others: int, words: str
) -> None:
    shelf = Grants.of((), elsewhere=others)
    found = ask(verified(protocols["inference"]), grants=shelf, limits=(meter(5, 1),))
    assert next(each.why for each in found.trace if each.name == "Other grants").startswith(words)
