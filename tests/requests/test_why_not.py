"""Why not: each answer was applied and allows, none smaller would have done, and what no rule can change is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import given, settings

from podadmin.requests.policy import Rules
from podadmin.requests.rule_changes import FIXED, eased, met, narrowed, unmet
from podadmin.requests.rule_facts import Facts, ModelFact
from podadmin.requests.rule_match import check_of
from podadmin.requests.rules import Condition, Rule, condition
from podadmin.requests.simulation import Circumstances, replay
from podadmin.requests.verdict import Considered
from podadmin.requests.why_not import WhyNot, why_not
from tests.requests import rule_worlds as w

NOW, FREE = w.NOW, w.FREE


def ask(facts: Facts, *rules: Rule, circumstances: Circumstances = FREE, at: datetime = NOW) -> WhyNot:
    return why_not(facts, at, circumstances, Rules(rules))


def words(found: WhyNot, side: str) -> tuple[str, ...]:
    return next((each.words for each in found.ways if each.side == side), ())


@settings(max_examples=200)
@given(w.facts(), w.rule_sets(), w.CIRCUMSTANCES, w.MOMENTS)
def test_every_answer_was_applied_and_allows(
    facts: Facts, rules: list[Rule], circumstances: Circumstances, at: datetime
) -> None:
    found = why_not(facts, at, circumstances, Rules(rules))
    if replay(facts, at, circumstances, Rules(rules)).outcome == "allow":
        assert found == WhyNot((), ())
        return
    free = Circumstances(
        tuple(each for each in circumstances.before if each.outcome == "passes"),
        tuple(each for each in circumstances.after if each.outcome in {"allows", "does-not-apply"}),
    )
    stands = [each for each in circumstances.before if each.outcome != "passes"]
    assert len(found.blockers) == len(stands)
    assert len({each.side for each in found.ways}) == len(found.ways)
    for way in found.ways:
        assert way.words
        assert replay(way.facts, way.at, free, way.rules).outcome == "allow"
        if way.side == "request":
            assert way.rules.values == Rules(rules).values
            assert way.changed == ()
            for field in ("network", "requester_key", "requester_name", "purposes", "identity"):
                assert getattr(way.facts, field) == getattr(facts, field)
        else:
            assert (way.facts, way.at) == (facts, at)
            assert {each.id for each in way.changed} <= {each.id for each in rules}
            assert [each for each in way.rules.values if each not in rules] == sorted(
                way.changed, key=lambda rule: rule.id
            )
    if found.new_rule is not None:
        assert replay(facts, at, free, Rules([*rules, found.new_rule])).outcome == "allow"


@settings(max_examples=200)
@given(w.facts(), w.rules(verdicts=("allow",), most=3))
def test_with_one_rule_every_condition_in_the_way_is_one_change(facts: Facts, rule: Rule) -> None:
    rule = replace(rule, enabled=True)
    against = [each for each in rule.conditions if check_of(each, "allow")(facts, NOW) != "yes"]
    found = ask(facts, rule)
    if not against:
        return
    for way in found.ways:
        assert len(way.words) >= len(against) if way.side == "request" else way.words
    if facts.level == "unknown":
        assert "rule" not in {each.side for each in found.ways}
        assert found.new_rule is None


def test_the_request_that_reads_less_would_be_allowed() -> None:
    rule = w.make_rule(column="only: age", leaves="at-most: aggregate")
    found = ask(w.make_facts(), rule)
    assert words(found, "request") == ("Columns: “age”, and not: “age”, “sex”.",)
    assert words(found, "rule") == ("Rule “Rule rul_1”. Columns: added “sex”.",)
    assert found.blockers == ()
    assert found.new_rule is not None
    assert found.new_rule.condition("column") == Condition("column", "only", ("age", "sex"))


def test_the_rule_that_is_nearest_is_the_one_that_is_changed() -> None:
    far = w.make_rule(rule_id="rul_a", project="only: other", leaves="at-most: counts", column="only: age")
    near = w.make_rule(rule_id="rul_b", leaves="at-most: counts")
    found = ask(w.make_facts(), far, near)
    (one,) = words(found, "rule")
    assert one.startswith(
        "Rule “Rule rul_b”. What leaves: was: What leaves is at most counts. Now: What leaves is at most"
    )
    assert words(found, "request") == ("What leaves: counts, and not: figures over many records.",)


def test_the_nearest_rule_is_found_among_many() -> None:
    far = [
        w.make_rule(rule_id=f"rul_{n:02}", project="only: other", leaves="at-most: none", ehr="is: used")
        for n in range(30)
    ]
    near = w.make_rule(rule_id="rul_zz", leaves="at-most: counts")
    found = ask(w.make_facts(), *far, near)
    assert len(words(found, "rule")) == 1
    assert words(found, "rule")[0].startswith("Rule “Rule rul_zz”.")


def test_a_refusal_is_undone_in_the_smallest_way() -> None:
    allow = w.make_rule(rule_id="rul_a", project="only: study")
    refuse = w.make_rule("refuse", rule_id="rul_b", column="any: nhs, sex")
    found = ask(w.make_facts(), allow, refuse)
    assert words(found, "rule") == ("Rule “Rule rul_b”. Columns: took out “sex”.",)
    assert words(found, "request") == ("Columns: “age”, and not: “age”, “sex”.",)
    only_off = w.make_rule("refuse", rule_id="rul_b", project="only: study")
    found = ask(w.make_facts(), allow, only_off)
    assert words(found, "rule") == ("Rule “Rule rul_b”. It was switched off.",)


def test_a_refusal_without_an_allowance_needs_both() -> None:
    allow = w.make_rule(rule_id="rul_a", leaves="at-most: counts")
    hold = w.make_rule("hold", rule_id="rul_b", leaves="more-than: counts")
    found = ask(w.make_facts(), allow, hold)
    assert words(found, "request") == ("What leaves: counts, and not: figures over many records.",)
    assert len(words(found, "rule")) == 2
    assert found.new_rule is None


def test_a_rule_that_is_switched_off_is_one_change_away() -> None:
    off = replace(w.make_rule(project="only: study"), enabled=False)
    found = ask(w.make_facts(), off)
    assert words(found, "rule") == ("Rule “Rule rul_1”. It was switched on.",)
    assert words(found, "request") == ()


def test_who_asks_is_not_the_requesters_to_change() -> None:
    found = ask(w.make_facts(), w.make_rule(requester_key="only: " + "b" * 64))
    assert words(found, "request") == ()
    assert words(found, "rule") == ("Rule “Rule rul_1”. Requester's key: added aaaa aaaa aaaa aaaa.",)
    assert set(FIXED) == {"network", "requester_key", "requester_name", "purpose", "identity", "beside"}


def test_a_request_can_come_at_another_time() -> None:
    found = ask(w.make_facts(), w.make_rule(time="within: Mon, 08:00-18:00, UTC"))
    way = next(each for each in found.ways if each.side == "request")
    assert way.at == datetime.fromisoformat("2026-11-23T08:00+00:00")
    assert "2026-11-23 08:00 UTC" in way.words[0]
    never = ask(w.make_facts(), w.make_rule(time="within: ..2026-01-01, UTC", project="only: study"))
    assert words(never, "request") == ()
    assert "At any time." in words(never, "rule")[0]
    near = ask(w.make_facts(), w.make_rule(time="within: 2026-12-05.., UTC"))
    assert "2026-12-05 00:00 UTC" in words(near, "request")[0]
    far = ask(w.make_facts(), w.make_rule(time="within: 2026-12-06.., UTC"))
    assert words(far, "request") == ()
    refused = w.make_rule("refuse", rule_id="rul_b", time="outside: 08:00-18:00, UTC")
    moved = ask(w.make_facts(), w.make_rule(project="only: study"), refused)
    assert "2026-11-21 08:00 UTC" in words(moved, "request")[0]


def test_without_any_rule_a_new_one_is_offered_and_nothing_else() -> None:
    found = ask(w.make_facts())
    assert found.ways == ()
    assert found.new_rule is not None
    assert replay(w.make_facts(), NOW, FREE, Rules([found.new_rule])).outcome == "allow"
    assert ask(w.make_facts(level="unknown")).new_rule is None
    assert ask(w.make_facts(algorithms=("",))).new_rule is None


def test_what_no_rule_can_change_is_named_apart() -> None:
    limit = Considered("Limit of acme/Retina:3", "refuses", "The limit is used up.", "limit.exhausted")
    grant = Considered("Grant grt_1", "does-not-apply", "It has expired.", about="grant:grt_1")
    found = ask(w.make_facts(), w.make_rule(project="only: study"), circumstances=Circumstances((limit,), (grant,)))
    assert found.blockers == ("Limit of acme/Retina:3: The limit is used up.",)
    assert found.ways == ()
    holding = Circumstances((), (Considered("x", "holds", "It waits."),))
    found = ask(w.make_facts(), w.make_rule(project="only: other"), circumstances=holding)
    assert found.blockers == ("x: It waits.",)
    assert len(found.ways) == 2


def test_a_rule_from_the_future_is_no_way_out() -> None:
    later = replace(w.make_rule(project="only: other"), since=datetime.fromisoformat("2026-11-23T03:00+00:00"))
    assert ask(w.make_facts(), later).ways == ()


def test_a_rule_that_would_lose_its_only_condition_is_left_alone() -> None:
    found = ask(w.make_facts(ehr=True), w.make_rule(ehr="is: not-used"))
    assert words(found, "rule") == ()
    assert words(found, "request") == ("EHR system: not used, and not: used.",)


RETINA = ModelFact("acme/Retina:3")


def changed(field: str, text: str, **changes: Any) -> list[Facts]:
    return [facts for facts, _at in met(condition(field, text), w.make_facts(**changes), NOW)]


def without(field: str, text: str, **changes: Any) -> list[Facts]:
    return [facts for facts, _at in unmet(condition(field, text), w.make_facts(**changes), NOW)]


def test_how_a_request_can_be_changed() -> None:
    assert [f.project for f in changed("project", "only: a, b, c, d")] == ["a", "b", "c"]
    assert [f.project for f in changed("project", "none:")] == [""]
    assert [f.project for f in changed("project", "other: study")] == [""]
    assert changed("datasource", "other: patients") == []
    assert [f.datasource for f in changed("datasource", "only: eyes")] == ["eyes"]
    assert changed("requester_name", "only: x") == []
    assert [f.columns for f in changed("column", "any: nhs")] == [("age", "sex", "nhs")]
    assert [f.columns for f in changed("column", "none:")] == [()]
    assert [(f.columns, f.all_columns) for f in changed("column", "only: age", all_columns=True)] == [(("age",), False)]
    assert changed("column", "other: nhs, age, sex") == []
    assert [f.algorithms for f in changed("algorithm", "any: X")] == [("SqlQuery", "X")]
    assert changed("algorithm", "only: X") == []
    assert [f.level for f in changed("leaves", "at-most: none")] == ["none"]
    assert changed("leaves", "more-than: row") == []
    assert [f.inferences for f in changed("inferences", "at-most: 5", inferences=None)] == [5.0]
    assert changed("inferences", "more-than: 5") == []
    assert [f.smallest_group for f in changed("group", "at-least: 50")] == [50]
    assert [f.whole for f in changed("group", "at-least: all")] == [True]
    assert changed("group", "less-than: 5") == []
    assert [f.ehr for f in changed("ehr", "is: used")] == [True]
    assert [f.models[0].slug for f in changed("model", "only: acme/Retina:5-7", models=(RETINA,))] == ["acme/Retina:5"]
    assert [f.models[0].slug for f in changed("model", "only: acme/Retina:-2", models=(RETINA,))] == ["acme/Retina:2"]
    assert [f.models[0].slug for f in changed("model", "only: acme/Retina:4", models=(ModelFact(""),))] == [
        "acme/Retina:4"
    ]
    both = (RETINA, ModelFact("x/Y:1"))
    assert [[m.slug for m in f.models] for f in changed("model", "only: acme/Retina:3", models=both)] == [
        ["acme/Retina:3", "acme/Retina:3"]
    ]
    hashed = changed("model", "only: acme/Retina:3#" + "a" * 16, models=(RETINA,))
    assert [f.models[0].code for f in hashed] == ["a" * 16]
    assert changed("model", "only: acme/", models=(ModelFact("x/Y:1"),)) == []
    assert changed("model", "any: x/Y", models=(RETINA,)) == []


def test_how_a_request_gets_out_of_the_way_of_a_rule() -> None:
    assert [f.columns for f in without("column", "any: sex")] == [("age",)]
    assert [f.columns for f in without("column", "other: age")] == [("age",)]
    assert without("column", "only: age, sex") == [replace(w.make_facts(), columns=())][:0]
    assert without("column", "none:", columns=()) == []
    assert [f.level for f in without("leaves", "more-than: none")] == ["none"]
    assert without("leaves", "at-most: row") == []
    assert [f.inferences for f in without("inferences", "more-than: 5", inferences=9.0)] == [5.0]
    assert without("inferences", "at-most: 5") == []
    assert [f.smallest_group for f in without("group", "less-than: 50")] == [50]
    assert [f.ehr for f in without("ehr", "is: used", ehr=True)] == [False]
    assert [f.project for f in without("project", "only: study")] == [""]
    assert [f.project for f in without("project", "other: x, y")] == ["x", "y"]
    assert without("project", "none:", project="") == []
    assert without("protocol", "only: ResultsOnly") == []
    both = (RETINA, ModelFact("x/Y:1"))
    assert [[m.slug for m in f.models] for f in without("model", "any: x/Y", models=both)] == [["acme/Retina:3"]]
    assert without("model", "any: acme/", models=(RETINA,)) == []
    assert without("model", "only: acme/", models=(RETINA,)) == []


def test_how_a_condition_is_widened_for_a_request() -> None:
    facts = w.make_facts(models=(RETINA,), inferences=7.2, purposes=("DUO:0000037",))

    def wider(field: str, text: str, **changes: Any) -> str | None:
        found = eased(condition(field, text), replace(facts, **changes))
        return found.text if found is not None else None

    assert wider("column", "only: age") == "only: age, sex"
    assert wider("column", "only: age", all_columns=True) is None
    assert wider("column", "any: nhs") == "any: age, nhs"
    assert wider("column", "any: nhs", all_columns=True) == "any: age, nhs"
    assert wider("column", "any: nhs", columns=()) is None
    assert wider("column", "other: age") is None
    assert wider("column", "none:") is None
    assert wider("project", "other: study, x") == "other: x"
    assert wider("project", "other: study") is None
    assert wider("project", "other: x") is None
    assert wider("project", "only: x", project="") is None
    assert wider("model", "only: x/Y") == "only: acme/Retina:3, x/Y"
    assert wider("model", "only: x/Y", models=(ModelFact(""),)) is None
    assert wider("purpose", "only: DUO:0000031") == "only: DUO:0000031, DUO:0000037"
    assert wider("leaves", "at-most: none") == "at-most: aggregate"
    assert wider("leaves", "at-most: none", level="unknown") is None
    assert wider("leaves", "more-than: row") is None
    assert wider("inferences", "at-most: 5") == "at-most: 8"
    assert wider("inferences", "at-most: 5", inferences=None) is None
    assert wider("group", "at-least: 50") == "at-least: 10"
    assert wider("group", "at-least: 50", smallest_group=None) is None
    assert wider("group", "less-than: 5") is None
    assert wider("ehr", "is: used") is None
    assert wider("time", "within: Mon, UTC") is None


def test_how_a_refusing_condition_is_narrowed_for_a_request() -> None:
    facts = w.make_facts(models=(RETINA,), inferences=7.2)

    def smaller(field: str, text: str, **changes: Any) -> str | None:
        found = narrowed(condition(field, text), replace(facts, **changes), NOW)
        return found.text if found is not None else None

    assert smaller("column", "any: age, nhs") == "any: nhs"
    assert smaller("column", "any: age") is None
    assert smaller("column", "any: AGE, nhs") is None
    assert smaller("column", "any: age, nhs", all_columns=True) is None
    assert smaller("column", "only: age, sex") is None
    assert smaller("project", "only: study, x") == "only: x"
    assert smaller("project", "only: study") is None
    assert smaller("project", "other: x") is None
    assert smaller("leaves", "more-than: none") == "more-than: aggregate"
    assert smaller("leaves", "more-than: none", level="unknown") is None
    assert smaller("leaves", "at-most: row") is None
    assert smaller("inferences", "more-than: 5") == "more-than: 8"
    assert smaller("inferences", "more-than: 5", inferences=None) is None
    assert smaller("group", "less-than: 50") == "less-than: 10"
    assert smaller("group", "less-than: 50", smallest_group=None) is None
    assert smaller("ehr", "is: not-used") is None
