"""A proposal comes from the same approval made three times, and would never allow what was not approved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from podadmin.requests.effect_facts import LEVELS
from podadmin.requests.policy import Rules
from podadmin.requests.rule_facts import Facts, ModelFact
from podadmin.requests.rule_match import Prepared
from podadmin.requests.rule_words import sentence
from podadmin.requests.simulation import Past
from podadmin.requests.suggestion import intersection, suggestions
from tests.requests import rule_worlds as w

NOW = w.NOW
TODAY = date(2026, 11, 21)


def past(*facts: Facts, decided: str = "allow") -> list[Past]:
    return [Past(f"req_{n}", n, NOW, each, "passes", decided) for n, each in enumerate(facts)]


def covers(approved: Facts, asked: Facts) -> bool:
    """Is what is asked for no more than what was approved? Written apart from the rules, on purpose."""
    same = ("network", "requester_key", "project", "identity", "datasource", "protocol")
    if any(getattr(approved, name) != getattr(asked, name) for name in same):
        return False
    if not set(asked.algorithms) <= set(approved.algorithms) or bool(asked.models) != bool(approved.models):
        return False
    if {each.slug for each in asked.models} - {each.slug for each in approved.models}:
        return False
    if approved.purposes and not (asked.purposes and set(asked.purposes) <= set(approved.purposes)):
        return False
    if not approved.all_columns and (asked.all_columns or not set(asked.columns) <= set(approved.columns)):
        return False
    if asked.level == "unknown" or LEVELS.index(asked.level) > LEVELS.index(approved.level):  # type: ignore[arg-type]
        return False
    if approved.inferences is not None and (asked.inferences is None or asked.inferences > approved.inferences):
        return False
    if approved.whole and not asked.whole:
        return False
    fewest = approved.smallest_group
    if fewest is not None and not asked.whole and (asked.smallest_group is None or asked.smallest_group < fewest):
        return False
    return approved.ehr is not False or asked.ehr is False


@settings(max_examples=400)
@given(st.data())
def test_a_proposal_is_never_wider_than_what_was_approved(data: st.DataObject) -> None:
    first = data.draw(w.facts())
    approved = []
    for _ in range(3):
        other = data.draw(w.facts())
        alike = {
            name: getattr(first, name)
            for name in (
                "network", "requester_key", "project", "identity", "datasource", "protocol", "algorithms", "models",
                "purposes",
            )
        }  # fmt: skip
        level = other.level if other.level != "unknown" else "row"
        approved.append(replace(other, **alike, level=level, inferences=first.inferences and other.inferences))
    asked = data.draw(w.facts())
    if data.draw(st.booleans()):
        asked = replace(asked, **{name: getattr(first, name) for name in alike})
    for found in suggestions(past(*approved), TODAY):
        if Prepared(found.rule).says(asked, NOW) == "allows":
            assert all(covers(each, asked) for each in approved)
        assert found.rule.verdict == "allow"
        assert found.requests == ("req_0", "req_1", "req_2")


@given(w.facts())
def test_the_same_request_three_times_is_what_the_proposal_allows(facts: Facts) -> None:
    found = suggestions(past(facts, facts, facts), TODAY)
    for each in found:
        known = not facts.all_columns and facts.level != "unknown"
        if known and facts.inferences is not None and (facts.ehr is not None):
            assert Prepared(each.rule).says(facts, NOW) in {"allows", "does-not-apply"}
    plain = replace(facts, level="counts", all_columns=False, smallest_group=10, whole=False, inferences=3.0, ehr=True)
    plain = replace(plain, models=(), algorithms=("SqlQuery",), inferences=0.0)
    (one,) = suggestions(past(plain, plain, plain), TODAY)
    assert Prepared(one.rule).says(plain, NOW) == "allows"
    assert Prepared(one.rule).says(plain, NOW + timedelta(days=31)) == "does-not-apply"
    assert Prepared(one.rule).says(plain, NOW + timedelta(days=30)) == "allows"


def test_three_times_and_never_refused() -> None:
    facts = w.make_facts()
    assert suggestions(past(facts, facts), TODAY) == ()
    assert len(suggestions(past(facts, facts, facts), TODAY)) == 1
    assert len(suggestions(past(facts, facts), TODAY, least=2)) == 1
    refused = [*past(facts, facts, facts), replace(past(facts)[0], decided="refuse", request_id="req_9")]
    assert suggestions(refused, TODAY) == ()
    assert suggestions(past(facts, facts, facts, decided="refuse"), TODAY) == ()
    assert suggestions(past(facts, facts, facts, decided=""), TODAY) == ()
    unknown = replace(facts, level="unknown")
    assert suggestions(past(unknown, unknown, unknown), TODAY) == ()
    nobody = replace(facts, requester_key="")
    assert suggestions(past(nobody, nobody, nobody), TODAY) == ()
    others = [replace(facts, project=name) for name in ("a", "b", "c")]
    assert suggestions(past(*others), TODAY) == ()


def test_the_most_frequent_comes_first() -> None:
    often, seldom = w.make_facts(project="a"), w.make_facts(project="b")
    found = suggestions(past(*[seldom] * 3, *[often] * 4), TODAY)
    assert [len(each.requests) for each in found] == [4, 3]


def said(*approved: Facts) -> dict[str, str]:
    rule = intersection(approved, TODAY)
    assert rule is not None
    return rule.texts()


def test_what_a_proposal_says() -> None:
    facts = w.make_facts()
    wider = w.make_facts(columns=("age", "nhs"), level="row", smallest_group=1, ehr=True)
    assert said(facts, wider) == {
        "network": "only: local",
        "requester_key": "only: " + "a" * 64,
        "project": "only: study",
        "datasource": "only: patients",
        "column": "only: age",
        "protocol": "only: ResultsOnly",
        "algorithm": "only: SqlQuery",
        "model": "none:",
        "leaves": "at-most: aggregate",
        "inferences": "at-most: 0",
        "group": "at-least: 10",
        "ehr": "is: not-used",
        "identity": "only: key-based",
        "time": "within: ..2026-12-21, UTC",
    }
    assert intersection([facts], TODAY).name == "lab: ResultsOnly"  # type: ignore[union-attr]
    bare = said(w.make_facts(all_columns=True, inferences=None, smallest_group=None, ehr=None, project=""))
    assert "column" not in bare
    assert bare.keys().isdisjoint({"inferences", "group", "ehr"})
    assert bare["project"] == "none:"
    assert said(facts, w.make_facts(all_columns=True))["column"] == "only: age, sex"
    assert said(w.make_facts(columns=()))["column"] == "none:"
    assert intersection([w.make_facts(columns=("a",)), w.make_facts(columns=("b",))], TODAY) is None
    assert said(w.make_facts(whole=True), facts)["group"] == "at-least: all"
    assert said(w.make_facts(ehr=True)).get("ehr") is None
    assert said(w.make_facts(purposes=("DUO:0000037",)))["purpose"] == "only: DUO:0000037"
    assert said(w.make_facts(inferences=1e30))["inferences"] == "at-most: 999999999999999"
    models = (ModelFact("acme/Retina:3", "a" * 16), ModelFact("x/Y:1"))
    assert said(w.make_facts(models=models))["model"] == "only: acme/Retina:3#aaaaaaaaaaaaaaaa, x/Y:1"
    assert intersection([w.make_facts(models=(ModelFact(""),))], TODAY) is None
    assert intersection([w.make_facts(algorithms=())], TODAY) is None


def test_a_proposal_is_not_in_force() -> None:
    facts = w.make_facts()
    found = suggestions(past(facts, facts, facts), TODAY)
    assert Rules().stance(facts, NOW) == "passes"
    assert Rules([found[0].rule]).stance(facts, NOW) == "allows"
    assert [sentence(each) for each in found[0].rule.conditions][
        -1
    ] == "It comes until the end of 2026-12-21 (UTC time)."
