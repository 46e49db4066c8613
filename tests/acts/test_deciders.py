"""Only those who are named decide: by every act that lets something through, or says whom to believe."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from podadmin.core.errors import NotFound, Refused
from podadmin.gate import hosts
from podadmin.networks.bitfount.places import PRODUCTION
from podadmin.requests import grant_cover

DECISIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "a result": ("gate release-result", {"request_id": "req_1"}),
    "what is seen": ("settings set", {"name": "gate.see-results", "value": "no"}),
    "a warning": ("settings set", {"name": "limits.warn-at", "value": "0.9"}),
    "a limit": ("limits set", {"amount": 5.0, "reason": "More."}),
    "no limit": ("limits remove", {"limit": "own_1", "reason": "No more."}),
    "a reviewer": ("reviews enrol", {"name": "A friend", "public_key": "ab" * 32}),
    "no reviewer": ("reviews remove", {"reviewer": "A friend", "reason": "No more."}),
    "a key": ("keys confirm", {"key": "1", "words": "six words"}),
    "another key": ("keys accept", {"key": "1", "reason": "They said so."}),
    "a decider": ("grants custodian", {"account": "me", "reason": "Me, too."}),
    "no rule": ("rules remove", {"rule": "rul_1", "reason": "No more."}),
}


@pytest.mark.parametrize("what", DECISIONS)
def test_who_is_not_named_decides_by_no_act(what: str, do: Any, profile: Any) -> None:
    act, given = DECISIONS[what]
    grant_cover.name_custodian(profile.store, profile.clock, "anna", "anna", "She answers for the data.")
    with pytest.raises(Refused) as caught:
        do(act, **given)
    assert caught.value.code == "grant.not-decider"


def test_who_is_not_named_lets_the_pod_reach_no_host(profile: Any) -> None:
    grant_cover.name_custodian(profile.store, profile.clock, "anna", "anna", "She answers for the data.")
    decide = partial(hosts.decide, profile.store, profile.clock, PRODUCTION, "ehr.hospital.example", hosts.ALLOWED)
    with pytest.raises(Refused) as caught:
        decide("ben", "The EHR.")
    assert caught.value.code == "grant.not-decider"
    assert decide("anna", "The EHR.").verdict == hosts.ALLOWED


def test_what_is_no_decision_is_open_to_everybody(do: Any, profile: Any) -> None:
    """A setting of the screen; and whoever sees that a key is wrong turns it away."""
    grant_cover.name_custodian(profile.store, profile.clock, "anna", "anna", "She answers for the data.")
    assert do("settings set", name="desktop.notify", value="off").value == "off"
    for act in ("keys keep", "keys distrust"):
        with pytest.raises(NotFound):
            do(act, key="1", reason="It is stolen.")
