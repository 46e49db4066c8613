"""What is sent as a flow of the next version cannot go around the rules that a request would have met."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.canon import canonical
from podadmin.core.clock import ManualClock
from podadmin.gate.flows import Claimed, facts_of, held, latest_of, taken, window_of
from podadmin.journal.records import Journal
from podadmin.networks.bitfount.types import MessageType
from podadmin.requests import service
from podadmin.requests.policy import Rules
from podadmin.requests.rules import Rule, draft
from podadmin.requests.service import Captured, Opening
from podadmin.requests.state import State
from podadmin.requests.verdict import Considered
from podadmin.store.engine import Store

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LINK, HUB, JOB = MessageType.DATASET_PROJECT_LINKED, MessageType.JOB_REQUEST_FROM_HUB, MessageType.JOB_REQUEST
FLOW = Claimed(38, "hub", "patients", "glaucoma", {"name": "f"}, (), False)


def rule(name: str, verdict: Any, conditions: dict[str, str] | None = None, **more: Any) -> Rule:
    return replace(draft(name, verdict, conditions or {}, **more), id=f"rul_{name}", version=1)


def opened(*rules: Rule, replayed: bool = False) -> Opening:
    return held(FLOW, replay=replayed, rules=Rules(rules).opinions(facts_of(FLOW, "bitfount"), NOW))


def test_without_a_rule_about_it_a_person_decides() -> None:
    found = opened(rule("other", "refuse", {"project": "only: asthma"}, message="No."))
    assert (found.verdict, found.code, found.votes_needed, found.rule) == ("hold", "request.flow", 0, "")
    assert "problem" not in found.findings


def test_a_rule_that_asks_for_two_people_asks_for_them_here_too() -> None:
    found = opened(rule("two", "hold", reviewers=2), rule("three", "hold", {"project": "only: asthma"}, reviewers=3))
    assert (found.verdict, found.code) == ("hold", "request.flow")
    assert (found.votes_needed, found.review_why) == (2, "A rule asks for it")
    assert [each["considered"] for each in found.findings["trace"]][1:3]


@pytest.mark.parametrize("conditions", [{"project": "only: glaucoma"}, {"leaves": "more-than: aggregate"}])
def test_a_rule_that_refuses_speaks_where_nothing_says_no(conditions: dict[str, str]) -> None:
    """What would leave is not known, and what is not known never helps."""
    found = opened(rule("no", "refuse", conditions, message="Not before May."))
    assert (found.verdict, found.code, found.words, found.rule) == (
        "refuse", "rule.refused", "Not before May.", "rul_no@1",
    )  # fmt: skip
    assert found.findings["problem"]["why"] == "Not before May."


def test_a_rule_about_who_asks_where_and_for_what_speaks_of_it() -> None:
    asked = {"network": "only: bitfount", "requester_name": "only: hub", "datasource": "only: patients"}
    assert opened(rule("no", "refuse", asked, message="No.")).verdict == "refuse"
    for name in asked:
        assert opened(rule("no", "refuse", asked | {name: "only: other"}, message="No.")).verdict == "hold"


def test_no_rule_allows_one() -> None:
    found = opened(rule("yes", "allow", {"project": "only: glaucoma"}))
    assert (found.verdict, found.code, found.rule) == ("hold", "request.flow", "")
    assert opened(rule("yes", "allow", {"project": "only: glaucoma"}), replayed=True).code == "request.replayed"
    said = Considered("Rule “yes”", "allows", "It says so.", about="rule:rul_yes@1")
    found = held(FLOW, replay=False, rules=[said])
    assert (found.verdict, found.rule, len(found.findings["trace"])) == ("hold", "", 2), "nothing that allows is heard"


def test_what_is_kept_of_one_says_that_nobody_signed_it() -> None:
    proof = ({"label": "Signature of the hub", "value": "right", "tone": "good", "mono": False},)
    flow = {"name": "f\u202e" * 100, "worker": {}}
    found = held(replace(FLOW, proof=proof, flow=flow, answerable=True), replay=False)
    assert (found.requester, found.datasource, found.project) == ("hub", "patients", "glaucoma")
    assert (found.verified, found.fingerprint, found.risk) == ("unsigned", "", "unknown")
    assert (found.pins, found.grant_id, found.answerable, found.review_why) == (None, "", True, "")
    assert (found.words, len(found.task), "\u202e" in found.task) == ("Waiting for your decision", 120, False)
    assert found.findings["verification"] == [
        *proof,
        {"label": "Its steps", "value": "not signed by anybody who asks", "tone": "warn", "mono": False},
    ]
    assert (found.findings["protocol"], found.findings["flow"], found.findings["code"]) == (flow, True, found.code)
    assert found.findings["effects"]["known"] is False
    assert "“hub”" in found.findings["effects"]["to"]
    assert found.findings["effects"]["read"]["datasource"] == "patients"
    (why,) = (each["outcome"] for each in found.findings["trace"][:-1])
    assert why.startswith("Holds. It is a flow of protocol version 9: no access check")
    assert found.findings["trace"][0]["considered"] == "Who may decide"
    assert found.sealed_digest == hashlib.sha256(canonical([38, "patients", flow]).encode()).hexdigest()
    digests = {held(each, replay=False).sealed_digest for each in (FLOW, replace(FLOW, kind=39))}
    digests |= {held(replace(FLOW, datasource="eyes"), replay=False).sealed_digest, found.sealed_digest}
    assert len(digests) == 4, "nothing of it can change and be taken for the very same"


def test_a_kind_that_nobody_knows_is_held_by_its_number() -> None:
    found = held(Claimed(77, "lab", "", "", None, (), False), replay=False)
    assert (found.verdict, found.answerable, found.findings["protocol"]) == ("hold", False, {})
    assert found.task in found.findings["trace"][0]["outcome"]
    assert "77" in found.task


def test_the_very_same_is_refused_and_says_so() -> None:
    found = opened(replayed=True)
    assert (found.verdict, found.words) == (
        "refuse", "The very same came before. Whoever wants another run sends a new one.",
    )  # fmt: skip
    assert [each["considered"] for each in found.findings["trace"][:2]] == ["Seen before", "Who may decide"]
    assert (found.findings["code"], found.findings["problem"]["why"]) == ("request.replayed", found.words)


def test_a_link_waits_for_a_year_and_what_the_hub_starts_for_five_minutes() -> None:
    assert [window_of(int(each), 270.0) for each in (LINK, HUB, JOB)] == [365 * 86_400.0, 300.0, 270.0]
    assert latest_of(270.0) == {int(LINK): math.inf, int(HUB): 300.0, int(JOB): 270.0}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(tmp_path / "podadmin.db", Journal(ManualClock(NOW)))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (LINK, State.DELIVERING, State.FINISHED),
        (HUB, State.DELIVERING, State.FINISHED),
        (HUB, State.RUNNING, State.FINISHED),
        (HUB, State.APPROVED, State.APPROVED),
        (JOB, State.DELIVERING, State.DELIVERING),
        (JOB, State.RUNNING, State.RUNNING),
    ],
)
def test_what_the_pod_never_answers_has_ended_with_being_handed_over(
    store: Store, kind: MessageType, before: State, after: State
) -> None:
    clock = ManualClock(NOW)
    request_id = service.capture(
        store, clock, Captured("bitfount", "t", int(kind), "hub", b"w", b"b", "00" * 32, NOW, window_of(kind, 270.0))
    )
    assert request_id is not None
    service.record_opening(store, clock, request_id, held(replace(FLOW, kind=int(kind)), replay=False))
    service.approve(store, clock, request_id, "anna", "", 30)
    if before != State.APPROVED:
        assert service.next_to_deliver(store, clock, 270.0, 30, latest_of(270.0)) is not None
    if before == State.RUNNING:
        service.started(store, request_id)
    for _ in range(2):
        taken(store, clock, request_id)
        row = service.find(store, request_id).row
        assert row.state == after
    assert (row.state_words == "Handed to the pod, which works on it by itself") == (after == State.FINISHED)
