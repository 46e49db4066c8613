"""What is in force, as a whole: rules in every order and every way of being found come to one stance."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from podadmin.requests.grant_pins import Pins
from podadmin.requests.grants import Grant
from podadmin.requests.policy import Grants, Rules
from podadmin.requests.rule_match import Prepared, keys_of
from podadmin.requests.rules import Rule, draft
from podadmin.requests.verdict import Considered, Stance, outcome_of, strongest, weigh
from tests.requests import rule_worlds as w

NOW = w.NOW
GENERAL = {"leaves": "at-most: row"}
KEYED = {"project": "only: study, other"}
LOOKS = {"results": {"rows": "more-than: 10"}}


def rule(verdict: str, place: int, conditions: dict[str, str]) -> Rule:
    more: dict[str, Any] = {"refuse": {"message": "No."}, "look": LOOKS}.get(verdict, {})
    return draft(f"Rule {place}", verdict, conditions, rule_id=f"rul_{place}", **more)


@pytest.mark.parametrize("among", [GENERAL, KEYED])
def test_three_rules_of_any_verdicts_in_any_order_come_to_the_strongest(among: dict[str, str]) -> None:
    """Exhaustive: the short way that a simulation takes never says anything else than all opinions together."""
    facts = w.make_facts()
    for verdicts in itertools.product(("allow", "refuse", "hold", "look"), repeat=3):
        for last in (GENERAL, KEYED):
            found = Rules(rule(verdict, place, last if place == 2 else among) for place, verdict in enumerate(verdicts))
            wanted = next((each for each in ("refuse", "hold", "allow") if each in verdicts), "hold")
            assert outcome_of(found.stance(facts, NOW)) == wanted, verdicts
            assert weigh(found.opinions(facts, NOW)).outcome == wanted, verdicts


def test_what_says_nothing_passes_and_a_person_decides() -> None:
    assert strongest(()) == "passes"
    assert strongest(["does-not-apply", "passes"]) == "passes"
    assert strongest(["allows", "holds"]) == "holds"
    assert strongest(iter(["allows", "refuses", "holds"])) == "refuses"
    assert [outcome_of(each) for each in ("refuses", "holds", "allows", "passes", "does-not-apply")] == [
        "refuse", "hold", "allow", "hold", "hold",
    ]  # fmt: skip
    assert Rules().stance(w.make_facts(), NOW) == "passes"


def test_rules_are_kept_by_their_ids_and_one_can_be_tried_in_place_of_another() -> None:
    allow, refuse = rule("allow", 1, KEYED), rule("refuse", 2, GENERAL)
    both = Rules([refuse, allow])
    assert both.values == (allow, refuse)
    assert [each.rule for each in both] == [allow, refuse]
    assert (len(both), len(Rules())) == (2, 0)
    other = replace(rule("hold", 2, KEYED), enabled=False)
    assert both.with_rule(other).values == (allow, other)
    assert both.with_rule(rule("hold", 3, KEYED)).values == (allow, refuse, rule("hold", 3, KEYED))
    assert both.without("rul_2").values == (allow,)
    assert both.without("rul_9").values == (allow, refuse)
    since = Rules([replace(allow, since=NOW + timedelta(days=1))])
    assert since.stance(w.make_facts(), NOW) == "passes", "a rule of tomorrow allows nothing today"
    assert since.as_if_always().stance(w.make_facts(), NOW) == "allows"
    assert since.as_if_always().values == (allow,)


def test_a_rule_that_is_switched_off_says_and_watches_nothing() -> None:
    facts = w.make_facts()
    looks = [rule("look", 1, KEYED), rule("look", 2, GENERAL), rule("look", 3, {"project": "only: elsewhere"})]
    assert {each.id for each in Rules(looks).watching(facts, NOW)} == {"rul_1", "rul_2"}
    over = rule("look", 4, {"time": "within: ..2020-01-01, UTC"})
    assert Rules([over]).watching(facts, NOW) == ()
    assert Rules([over]).watching(facts, NOW.replace(year=2019)) == (over,)
    for verdict in ("allow", "refuse", "hold", "look"):
        off = replace(rule(verdict, 1, KEYED), enabled=False)
        assert Rules([off]).stance(facts, NOW) == "passes"
        assert Rules([off]).watching(facts, NOW) == ()
        assert [each.outcome for each in Rules([off]).opinions(facts, NOW)] == ["does-not-apply"]


def test_grants_are_found_by_family_or_fingerprint_those_that_end_first_before_others() -> None:
    def made(name: str, mark: str, days: int, family: str | None = None) -> Grant:
        pins = None if family is None else Pins(family, mark, {})
        return Grant(name, mark, 1, NOW + timedelta(days=days), NOW, "req", pins=pins)

    shelf = Grants.of(
        [made("c", "m", 2), made("b", "m", 1), made("a", "m", 2), made("d", "x", 1, "f"), made("e", "x", 9, "g")], 7
    )
    assert shelf.count == 12
    assert [each.id for each in shelf.near(Pins("f", "m", {}))] == ["b", "d", "a", "c"]
    assert [each.id for each in shelf.near(Pins("g", "x", {}))] == ["e"]
    assert shelf.near(Pins("", "", {})) == ()
    assert Grants().near(Pins("f", "m", {})) == ()
    assert (Grants().count, Grants.of().count, Grants.of([made("a", "m", 1)]).count) == (0, 0, 1)


def test_a_rule_is_looked_up_by_the_values_of_which_a_request_must_have_one() -> None:
    assert Prepared(rule("allow", 1, KEYED)).key() == (("project", "other"), ("project", "study"))
    assert Prepared(rule("allow", 1, {"project": "only: Study", "network": "only: Local"})).key() == (
        ("network", "local"),
    )
    for conditions in (GENERAL, {"project": "other: study"}, {"project": "none:"}):
        assert Prepared(rule("hold", 1, conditions)).key() == ()
    assert ("project", "study") in keys_of(w.make_facts(project="STUDY"))


def test_what_is_not_known_is_against_a_rule_only_where_it_allows() -> None:
    facts = w.make_facts(ehr=None)
    conditions = {"project": "only: elsewhere", "ehr": "is: used"}
    for verdict, fields in (("allow", ["project", "ehr"]), ("refuse", ["project"]), ("hold", ["project"])):
        asked = Prepared(rule(verdict, 1, conditions))
        assert sorted(each.condition.field for each in asked.against(facts, NOW)) == sorted(fields)


def test_as_many_people_have_to_agree_as_the_strictest_of_those_who_hold_asks_for() -> None:
    def said(stance: Stance, reviewers: int) -> Considered:
        return Considered("x", stance, "Why", reviewers=reviewers)

    for outcome, opinions in {
        "hold": [said("holds", 2), said("holds", 3), said("allows", 9), said("passes", 9)],
        "refuse": [said("holds", 3), said("refuses", 9)],
    }.items():
        found = weigh(opinions)
        assert (found.outcome, found.reviewers) == (outcome, 3)
    assert weigh([said("allows", 9)]).reviewers == 1


def test_a_rule_that_is_switched_off_hides_none_of_those_after_it() -> None:
    off, refuse = replace(rule("allow", 1, KEYED), enabled=False), rule("refuse", 2, KEYED)
    assert Rules([off, refuse]).stance(w.make_facts(), NOW) == "refuses"
    assert weigh(Rules([off, refuse]).opinions(w.make_facts(), NOW)).outcome == "refuse"


def test_every_opinion_is_that_of_its_moment() -> None:
    tomorrow = replace(rule("allow", 1, KEYED), since=NOW + timedelta(days=1))
    over = rule("refuse", 2, {"time": "within: ..2020-01-01, UTC"})
    assert weigh(Rules([tomorrow, over]).opinions(w.make_facts(), NOW)).outcome == "hold"
    assert weigh(Rules([tomorrow]).opinions(w.make_facts(), NOW + timedelta(days=2))).outcome == "allow"
    assert weigh(Rules([over]).opinions(w.make_facts(), NOW.replace(year=2019))).outcome == "refuse"


def test_only_a_rule_with_something_to_look_for_watches() -> None:
    facts = w.make_facts()
    assert not Prepared(rule("allow", 1, KEYED)).watches(facts, NOW)
    assert not Prepared(replace(rule("look", 1, KEYED), enabled=False)).watches(facts, NOW)
    assert Prepared(rule("look", 1, KEYED)).watches(facts, NOW)
    assert Rules([rule(verdict, 1, KEYED) for verdict in ("allow", "hold", "refuse")]).watching(facts, NOW) == ()
