"""What is sent as a flow of the next version cannot go around the rules that a request would have met."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from podadmin.gate.flows import Claimed, facts_of, held
from podadmin.requests.policy import Rules
from podadmin.requests.rules import Rule, draft
from podadmin.requests.service import Opening

NOW = datetime(2026, 5, 1, tzinfo=UTC)
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


def test_no_rule_allows_one() -> None:
    found = opened(rule("yes", "allow", {"project": "only: glaucoma"}))
    assert (found.verdict, found.code) == ("hold", "request.flow")
    assert opened(rule("yes", "allow", {"project": "only: glaucoma"}), replayed=True).code == "request.replayed"
