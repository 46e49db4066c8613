"""Two requests side by side, as the page and the command line compare them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from podadmin.app.profile import Profile
from podadmin.app.views.requests import Comparison, RequestDetail
from podadmin.core.errors import NotFound, Refused
from podadmin.core.redaction import CUT
from podadmin.gate.findings import effects_shown
from podadmin.requests import service
from podadmin.requests.difference import beside_protocol
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.fingerprint import fingerprint
from podadmin.requests.protocols import read
from podadmin.requests.service import Captured, Opening
from tests.requests import conftest as factories

NO_EFFECT = "This alone changes nothing of what it does, as far as podadmin can tell."


@pytest.fixture
def came(made: Any, profile: Profile) -> Callable[..., str]:
    """A verified request that waits for a decision: `came("a", protocol, **changes of the envelope)`."""

    def come(name: str, protocol: Any = None, older: bool = False, **changes: Any) -> str:
        store, clock = profile.store, profile.clock
        captured = Captured("local", name, 2, "Dr. Mole", b"w", b"b", f"{name:0>64}", clock.now(), 300.0)
        request = service.capture(store, clock, captured)
        assert request is not None
        verified = factories.make_verified(protocol, **changes)
        effects = statement(verified, shipped())
        findings: dict[str, Any] = {
            "protocol": verified.value.protocol,
            "effects": effects_shown(effects),
            "pod_identifier": verified.value.pod_identifier,
            "requester_key": verified.value.requester.key_fingerprint,
        }
        if not older:
            findings["decided_on"] = beside_protocol(verified.value)
        opening = Opening(
            requester=verified.value.requester.name_claimed,
            task=read(verified).task,
            datasource="patients",
            project=verified.value.project_claimed or "",
            risk=effects.risk,
            verified="verified",
            fingerprint=fingerprint(verified),
            verdict="hold",
            code="request.undecided",
            words="Waiting for your decision",
            answerable=True,
            findings=findings,
            sealed_digest=f"{name:f>64}",
        )
        service.record_opening(store, clock, request, opening)
        return request

    return come


def other_sql(query: str) -> dict[str, Any]:
    protocol: dict[str, Any] = copy.deepcopy(factories.SQL)
    protocol["algorithm"][0]["query"] = query
    return protocol


def test_any_two_requests_are_compared_effects_first(made: Any, came: Callable[..., str]) -> None:
    one, other = came("a"), came("b", other_sql("SELECT *\nFROM `patients`"))
    found: Comparison = made("requests compare", request=other, other=one)
    assert (found.was.id, found.now.id) == (one, other)
    assert found.words == "3 things that it does are different; 1 field is written differently."
    assert [fact.label for fact in found.effects] == ["What it reads", "What leaves the pod", "The SQL"]
    assert found.effects[0].value.endswith("now: By the SQL, of the table “patients”: every column.")
    assert found.effects[2].value.endswith("now: SELECT *\nFROM `patients`")
    assert [fact.label for fact in found.fields] == ["protocol.algorithm[0].query"]
    assert NO_EFFECT not in found.fields[0].value


def test_a_change_that_has_no_effect_says_so(made: Any, came: Callable[..., str]) -> None:
    protocol = copy.deepcopy(factories.SQL)
    protocol["algorithm"][0]["datastructure"]["compatible_datasources"] = ["CSVSource", "x\u202e"]
    one, other = came("a"), came("b", protocol, project_id="proj-2")
    found: Comparison = made("requests compare", request=other, other=one)
    assert found.effects == ()
    assert found.words.startswith("It does the same as far as podadmin can tell; 2 fields")
    assert [fact.value.endswith(NO_EFFECT) for fact in found.fields] == [True, True]
    assert "x<U+202E>" in found.fields[1].value
    same: Comparison = made("requests compare", request=one, other=came("c", sent_at=None, task_id="other"))
    assert (same.words, same.effects, same.fields) == ("It is the same request.", (), ())


def test_a_requesters_own_token_is_shown_nowhere(made: Any, came: Callable[..., str]) -> None:
    protocol = copy.deepcopy(factories.SQL)
    protocol["algorithm"][0]["access_token"] = "hunter22-hunter22"
    one, other = came("a"), came("b", protocol)
    detail: RequestDetail = made("requests show", request=other)
    found: Comparison = made("requests compare", request=other, other=one)
    protocol["algorithm"][0]["access_token"] = {"of": ["swordfish-2"]}
    third: Comparison = made("requests compare", request=came("c", protocol), other=other)
    told = f"{detail} {found} {third}"
    assert detail.protocol["algorithm"][0]["access_token"] == CUT
    assert "hunter22" not in told
    assert "swordfish" not in told
    assert [fact.label for fact in found.fields] == ["protocol.algorithm[0].access_token"], "that it is there is told"
    assert CUT in third.fields[0].value


def test_without_a_second_one_it_is_the_last_approved_like_it(made: Any, came: Callable[..., str]) -> None:
    one = came("a")
    with pytest.raises(Refused) as refused:
        made("requests compare", request=one)
    assert refused.value.code == "request.nothing-like-it"
    made("requests approve", request=one)
    other = came("b", other_sql("SELECT COUNT(*) AS n FROM `patients`"))
    found: Comparison = made("requests compare", request=other)
    assert found.was.id == one
    detail: RequestDetail = made("requests show", request=other)
    assert detail.compared_with == one
    assert detail.difference_words == found.words
    assert detail.differences == (*found.effects, *found.fields)
    assert ("Risk", "was: high\nnow: low") in [(fact.label, fact.value) for fact in found.effects]


def test_a_request_from_before_its_switches_were_kept_is_compared_in_what_is_known_of_both(
    made: Any, came: Callable[..., str]
) -> None:
    one = came("a", older=True)
    other = came("b", flags={"batched_execution": True}, pod_identifiers=("alice/patients", "b/b"))
    found: Comparison = made("requests compare", request=other, other=one)
    assert found.words == "It is the same request."


def test_what_was_never_verified_is_not_compared(made: Any, came: Callable[..., str], profile: Profile) -> None:
    one = came("a")
    captured = Captured("local", "bad", 2, "x", b"w", b"b", "e" * 64, profile.clock.now(), 300.0)
    bad = service.capture(profile.store, profile.clock, captured)
    assert bad is not None
    for pair in ({"request": one, "other": bad}, {"request": bad, "other": one}):
        with pytest.raises(Refused) as refused:
            made("requests compare", **pair)
        assert refused.value.code == "request.not-comparable"
    with pytest.raises(NotFound):
        made("requests compare", request=one, other="req_nothing")


def test_thousands_of_changes_are_told_in_bounds(made: Any, came: Callable[..., str]) -> None:
    protocol = copy.deepcopy(factories.SQL)
    protocol["algorithm"][0]["datastructure"]["schema_requirements"] = {f"k{n}": n for n in range(500)}
    was = copy.deepcopy(factories.SQL)
    was["algorithm"][0]["datastructure"]["schema_requirements"] = {"k0": 1}
    found: Comparison = made("requests compare", request=came("b", protocol), other=came("a", was))
    assert len(found.fields) == 401
    assert found.fields[-1].label == "Further places are written differently"
    assert "Not tried alone" in found.fields[100].value


def test_the_page_of_a_request_has_its_sql_line_for_line_and_what_every_task_lets_out_apart(
    made: Any, came: Callable[..., str]
) -> None:
    query = "SELECT 1 -- x\nFROM `patients`\u202e"
    effects = made("requests show", request=came("a", other_sql(query))).effects
    assert effects.sql == ("SELECT 1 -- x\nFROM `patients`<U+202E>",)
    assert len(effects.leaves) == 1
    assert len(effects.always) == 3
