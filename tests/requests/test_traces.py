"""What a custodian reads of a decision, word for word: whoever changes a sentence or an outcome looks at all of them.

`data/traces.json` holds the whole trace of every situation below. That none of them is allowed which must not be is
stated by itself, whatever the file says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from podadmin.limits.model import Check, Key, Meter, read_meter
from podadmin.limits.own import Effect, Own, OwnLimit, Scope
from podadmin.requests.decide import LATER, Invalid, Verdict, decide
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import BY_LOG_IN, Opened, Verified, VerifiedRequest, judge
from podadmin.requests.grant_pins import Surroundings, pins_of
from podadmin.requests.grants import Grant
from podadmin.requests.policy import Grants, Rules
from podadmin.requests.rule_facts import facts_of
from podadmin.requests.rules import draft

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
RETINA = "acme/Retina:3"
KEPT: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "traces.json").read_text(encoding="utf-8"))


def meter(limit: float | None, used: float, *own: Own, asked: bool = True, name: str = RETINA) -> Meter:
    return read_meter(Key("local", "proj-1", name), Check(limit, used, 0) if asked else None, 0, 0, own=own)


def own(amount: float, used: float, effect: Effect = "stops", requester: str = "lab") -> Own:
    return Own(OwnLimit("lim_1", 1, Scope(requester=requester), "day", amount, effect), used, 0)


ALLOW = draft("Retina", "allow", {"datasource": "only: patients"}, rule_id="rul_allow")
REFUSE = draft("No", "refuse", {"datasource": "only: patients"}, rule_id="rul_refuse", message="Not on this pod.")
FREE = (meter(50, 1),)


def situations(opened: Callable[..., Opened], protocols: dict[str, Any]) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Each by its name: what is asked for, and what is different from a request that a rule allows."""

    def verified(protocol: Any, **changes: Any) -> Verified[VerifiedRequest]:
        return judge(opened(protocol, **changes), by_network=True)

    request = verified(protocols["inference"])
    around = Surroundings({RETINA: "aa" * 32}, columns_read=("age", "sex"), purpose="DUO:0000042")
    pins = pins_of(request, around)
    grant = Grant("grt_1", pins.fingerprint, 2, NOW + timedelta(days=1), NOW - timedelta(days=1), "req_0", pins=pins)

    def now_asked(**changes: Any) -> dict[str, Any]:
        other = pins_of(verified(protocols["inference"], **changes), around)
        return {"grants": (grant,), "rules": (), "pins": other}

    def meeting(**changes: Any) -> dict[str, Any]:
        return {"grants": (replace(grant, **changes),), "rules": (), "pins": pins}

    nameless = {**protocols["inference"], "algorithm": {"class_name": "bitfount.ModelInference", "model": {}}}
    five = facts_of(request, statement(request, shipped()), 5.0)
    return {
        "a rule allows": (request, {}),
        "a grant allows": (request, {"rules": (), "grants": (grant,), "pins": pins}),
        "prepared rules allow": (request, {"rules": Rules((ALLOW,))}),
        "a rule and a grant allow": (request, {"grants": (grant,), "pins": pins}),
        "nobody has decided": (request, {"rules": ()}),
        "a rule refuses": (request, {"rules": (ALLOW, REFUSE)}),
        "replayed": (request, {"replay": True}),
        "the network has not answered": (request, {"access": None}),
        "the pod asks the network": (request, {"access": LATER}),
        "the network says no": (request, {"access": "NO_ACCESS\u202e" + "x" * 99}),
        "forged": (Invalid("envelope.signature-bad", "It is forged.", "The signature is wrong."), {}),
        "forged and replayed": (Invalid("envelope.odd", "It is odd.", "So it is."), {"replay": True}),
        **{f"log-in {each}": (verified(protocols["inference"], auth_type=each), {}) for each in sorted(BY_LOG_IN)},
        "the clock went back": (request, {"latest": NOW + timedelta(days=2)}),
        "no effects": (request, {"effects": None}),
        "effects not known": (verified({"class_name": "bitfount.Surprise"}), {"limits": ()}),
        "no meter": (request, {"limits": ()}),
        "a meter of another model too": (request, {"limits": (*FREE, meter(5, 5, name="zoo/Other:1"))}),
        "an unknown limit": (request, {"limits": (meter(None, 0, asked=False),)}),
        "no limit": (request, {"limits": (meter(None, 4, own(1500, 6), own(5, 9, "warns")),)}),
        "used up": (request, {"limits": (meter(5, 5),)}),
        "an own limit with a long name": (request, {"limits": (meter(50, 1, own(10, 1, "warns", "lab" * 200)),)}),
        "an own limit used up": (request, {"limits": (meter(50, 1, own(10, 10)),)}),
        "a model without a full name": (verified(nameless), {}),
        "many grants for others": (request, {"grants": Grants.of((), elsewhere=1234)}),
        "one grant for others": (request, {"grants": (replace(grant, pins=None, fingerprint="f" * 64),)}),
        "a grant with one run left": (request, meeting(runs_left=1)),
        "a grant without runs": (request, meeting(runs_left=0)),
        "an expired grant": (request, meeting(expires_at=NOW)),
        "a voided grant": (request, meeting(voided_reason="The model\u202e changed")),
        "a grant voided for no reason": (request, meeting(voided_reason="")),
        "a grant of tomorrow": (request, meeting(made_at=NOW + timedelta(days=1))),
        "too few inferences left": (request, {**meeting(inferences_left=4.0), "facts": five}),
        "inferences enough": (request, {**meeting(inferences_left=5.0), "facts": five}),
        "inferences not known": (request, meeting(inferences_left=5.0)),
        "another requester": (request, now_asked(requester_name="Dr. Vole")),
        "another key": (request, now_asked(requester_key_fingerprint="cd" * 32)),
        "another key and a switch": (
            request, now_asked(requester_key_fingerprint="cd" * 32, flags={"batched_execution": True}),
        ),
        "a switch outside the seal": (request, now_asked(flags={"batched_execution": True})),
        "a log-in that a grant was not made for": (
            verified(protocols["inference"], auth_type="oidc-device-code"), now_asked(auth_type="oidc-device-code"),
        ),
        "other places": (request, {
            **meeting(), "pins": pins_of(request, replace(around, destinations=("store by upload",))),
        }),
        "another model behind the name": (request, {
            **meeting(), "pins": pins_of(request, replace(around, model_hash={RETINA: "bb" * 32})),
        }),
        "a model that could not be looked at": (request, {
            **meeting(), "pins": pins_of(request, replace(around, model_hash={})),
        }),
        "a model that may vary": (request, {
            **meeting(may_vary=frozenset({"model_hash"})),
            "pins": pins_of(request, replace(around, model_hash={RETINA: "bb" * 32})),
        }),
        "a pin that the grant does not know": (request, meeting(
            pins=replace(pins, values={name: value for name, value in pins.values.items() if name != "purpose"})
        )),
    }  # fmt: skip


ALLOWED = {
    "a rule allows", "a grant allows", "a rule and a grant allow", "the pod asks the network", "no limit",
    "prepared rules allow", "an own limit with a long name", "many grants for others", "one grant for others",
    "a grant with one run left", "inferences enough", "a model that may vary",
}  # fmt: skip


def asked(request: Any, changes: dict[str, Any]) -> Verdict:
    inputs: dict[str, Any] = {
        "effects": None if isinstance(request, Invalid) else statement(request, shipped()),
        "grants": (),
        "limits": FREE,
        "access": "ACCEPT",
        "now": NOW,
        "replay": False,
        "rules": (ALLOW,),
    }
    return decide(request, **{**inputs, **changes})


def test_every_situation_is_kept(opened: Callable[..., Opened], protocols: dict[str, Any]) -> None:
    assert set(situations(opened, protocols)) == set(KEPT)
    assert {name for name, found in KEPT.items() if found["outcome"] == "allow"} == ALLOWED


@pytest.mark.parametrize("name", sorted(KEPT))
def test_what_a_custodian_reads_of_a_decision_is_what_was_looked_at(
    opened: Callable[..., Opened], protocols: dict[str, Any], name: str
) -> None:
    request, changes = situations(opened, protocols)[name]
    found = asked(request, changes)
    assert json.loads(json.dumps(asdict(found))) == KEPT[name]
    assert (found.outcome == "allow") == (name in ALLOWED)
