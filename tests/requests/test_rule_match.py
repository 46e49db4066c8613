"""Whether a rule speaks: unknown counts as the worst, spelling doubts fall on the strict side, and short cuts agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podadmin.requests.policy import Rules
from podadmin.requests.rule_facts import Facts, ModelFact
from podadmin.requests.rule_match import Prepared, check_of
from podadmin.requests.rule_words import cautions, considered, mismatch, reading
from podadmin.requests.rules import Condition, Rule, condition
from podadmin.requests.verdict import Considered, outcome_of, strongest, weigh
from tests.requests import rule_worlds as w

truth_of = check_of
NOW = w.NOW
OPPOSITE = {"yes": "no", "no": "yes", "unknown": "unknown"}


def truth(field: str, text: str, verdict: str = "allow", at: datetime = NOW, **changes: Any) -> str:
    return truth_of(condition(field, text), verdict)(w.make_facts(**changes), at)


RETINA = ModelFact("acme/Retina:3")
UNPINNED = ModelFact("")
OTHER = ModelFact("other/Model:2")


@pytest.mark.parametrize(
    ("field", "text", "changes", "expected"),
    [
        ("network", "only: local", {}, "yes"),
        ("network", "other: local", {}, "no"),
        ("requester_key", "only: " + "a" * 64, {}, "yes"),
        ("requester_key", "only: " + "b" * 64, {}, "no"),
        ("requester_name", "only: lab, clinic", {}, "yes"),
        ("project", "only: study", {"project": ""}, "no"),
        ("project", "other: study", {"project": ""}, "yes"),
        ("project", "none:", {"project": ""}, "yes"),
        ("project", "none:", {}, "no"),
        ("purpose", "only: DUO:0000037", {}, "no"),
        ("purpose", "any: DUO:0000037", {}, "no"),
        ("purpose", "other: DUO:0000037", {}, "no"),
        ("purpose", "only: DUO:0000037", {"purposes": ("DUO:0000037",)}, "yes"),
        ("purpose", "only: DUO:0000037", {"purposes": ("DUO:0000031", "DUO:0000037")}, "no"),
        ("purpose", "other: DUO:0000037", {"purposes": ("DUO:0000031",)}, "yes"),
        ("datasource", "only: eyes", {}, "no"),
        ("column", "only: age, sex", {}, "yes"),
        ("column", "only: age", {}, "no"),
        ("column", "only: age, sex", {"all_columns": True}, "unknown"),
        ("column", "only: age", {"all_columns": True}, "no"),
        ("column", "only: age", {"columns": ()}, "yes"),
        ("column", "only: age", {"columns": (), "all_columns": True}, "unknown"),
        ("column", "any: age, nhs", {}, "yes"),
        ("column", "any: nhs", {}, "no"),
        ("column", "any: nhs", {"all_columns": True}, "unknown"),
        ("column", "any: age", {"all_columns": True}, "yes"),
        ("column", "other: age", {}, "yes"),
        ("column", "other: age, sex", {}, "no"),
        ("column", "other: age, sex", {"all_columns": True}, "unknown"),
        ("column", "other: age", {"columns": ()}, "no"),
        ("column", "none:", {}, "no"),
        ("column", "none:", {"columns": ()}, "yes"),
        ("column", "none:", {"columns": (), "all_columns": True}, "unknown"),
        ("protocol", "only: ResultsOnly", {}, "yes"),
        ("algorithm", "only: SqlQuery, X", {}, "yes"),
        ("algorithm", "only: X", {}, "no"),
        ("algorithm", "only: SqlQuery", {"algorithms": ()}, "no"),
        ("algorithm", "any: SqlQuery", {"algorithms": ("A", "SqlQuery")}, "yes"),
        ("algorithm", "other: SqlQuery", {"algorithms": ("A", "SqlQuery")}, "yes"),
        ("model", "only: acme/", {}, "no"),
        ("model", "any: acme/", {}, "no"),
        ("model", "other: acme/", {}, "no"),
        ("model", "none:", {}, "yes"),
        ("model", "none:", {"models": (RETINA,)}, "no"),
        ("model", "only: acme/", {"models": (RETINA,)}, "yes"),
        ("model", "only: acme/", {"models": (RETINA, OTHER)}, "no"),
        ("model", "only: acme/, other/Model:1-2", {"models": (RETINA, OTHER)}, "yes"),
        ("model", "only: acme/", {"models": (RETINA, UNPINNED)}, "unknown"),
        ("model", "only: acme/", {"models": (OTHER, UNPINNED)}, "no"),
        ("model", "any: acme/", {"models": (OTHER, RETINA)}, "yes"),
        ("model", "any: acme/", {"models": (OTHER, UNPINNED)}, "unknown"),
        ("model", "any: acme/", {"models": (OTHER,)}, "no"),
        ("model", "other: acme/", {"models": (RETINA,)}, "no"),
        ("model", "other: acme/", {"models": (RETINA, OTHER)}, "yes"),
        ("model", "other: acme/", {"models": (RETINA, UNPINNED)}, "unknown"),
        ("leaves", "at-most: aggregate", {}, "yes"),
        ("leaves", "at-most: counts", {}, "no"),
        ("leaves", "at-most: row", {"level": "unknown"}, "unknown"),
        ("leaves", "at-most: row", {"level": "new-level"}, "unknown"),
        ("leaves", "more-than: counts", {}, "yes"),
        ("leaves", "more-than: aggregate", {}, "no"),
        ("leaves", "more-than: none", {"level": "unknown"}, "unknown"),
        ("inferences", "at-most: 5", {"inferences": 5.0}, "yes"),
        ("inferences", "at-most: 5", {"inferences": 5.5}, "no"),
        ("inferences", "at-most: 5", {"inferences": None}, "unknown"),
        ("inferences", "more-than: 5", {"inferences": 5.0}, "no"),
        ("inferences", "more-than: 5", {"inferences": 6.0}, "yes"),
        ("inferences", "at-most: 5", {"whole": True, "inferences": 9.0}, "no"),
        ("group", "at-least: 10", {}, "yes"),
        ("group", "at-least: 11", {}, "no"),
        ("group", "at-least: 11", {"smallest_group": None}, "unknown"),
        ("group", "at-least: all", {"smallest_group": None, "whole": True}, "yes"),
        ("group", "at-least: 5", {"smallest_group": None, "whole": True}, "yes"),
        ("group", "at-least: all", {}, "no"),
        ("group", "less-than: 10", {}, "no"),
        ("group", "less-than: 11", {}, "yes"),
        ("group", "less-than: all", {}, "yes"),
        ("group", "less-than: 10", {"smallest_group": None, "whole": True}, "no"),
        ("ehr", "is: used", {"ehr": True}, "yes"),
        ("ehr", "is: used", {"ehr": False}, "no"),
        ("ehr", "is: not-used", {"ehr": False}, "yes"),
        ("ehr", "is: not-used", {"ehr": None}, "unknown"),
        ("beside", "is: some", {"beside": True}, "yes"),
        ("beside", "is: some", {"beside": False}, "no"),
        ("beside", "is: none", {"beside": False}, "yes"),
        ("beside", "is: none", {"beside": True}, "no"),
        ("beside", "is: none", {"beside": None}, "unknown"),
        ("beside", "is: some", {"beside": None}, "unknown"),
        ("identity", "only: key-based", {}, "yes"),
        ("identity", "other: key-based", {}, "no"),
        ("time", "within: Sat, UTC", {}, "yes"),
        ("time", "outside: Sat, UTC", {}, "no"),
        ("time", "within: Fri, UTC", {}, "no"),
        ("time", "outside: Fri, UTC", {}, "yes"),
    ],
)
def test_what_a_condition_says(field: str, text: str, changes: dict[str, Any], expected: str) -> None:
    for verdict in ("allow", "refuse", "hold"):
        assert truth(field, text, verdict, **changes) == expected


def test_case_is_told_apart_only_where_that_is_stricter() -> None:
    assert truth("column", "only: Age, Sex", "allow") == "no"
    assert truth("column", "only: Age, Sex", "refuse") == "yes"
    assert truth("column", "any: AGE", "allow") == "no"
    assert truth("column", "any: AGE", "hold") == "yes"
    assert truth("column", "other: AGE, SEX", "allow") == "no"
    assert truth("column", "other: AGE, SEX", "refuse") == "yes"
    assert truth("requester_name", "only: ＬＡＢ", "refuse") == "yes"
    assert truth("requester_name", "only: ＬＡＢ", "allow") == "no"
    assert truth("requester_name", "other: LAB", "allow") == "no"
    assert truth("model", "any: ACME/retina", "refuse", models=(RETINA,)) == "yes"
    assert truth("model", "any: ACME/retina", "allow", models=(RETINA,)) == "no"


def test_what_is_not_known_never_helps_and_always_can_hurt() -> None:
    hidden = w.make_facts(all_columns=True)
    said = {
        verdict: Prepared(w.make_rule(verdict, column="only: age, sex, nhs")).says(hidden, NOW)
        for verdict in ("allow", "refuse", "hold")
    }
    assert said == {"allow": "does-not-apply", "refuse": "refuses", "hold": "holds"}
    unknown = w.make_facts(level="unknown")
    assert Prepared(w.make_rule(project="only: study")).says(unknown, NOW) == "does-not-apply"
    assert Prepared(w.make_rule("refuse", leaves="more-than: counts")).says(unknown, NOW) == "refuses"


def test_a_rule_that_is_off_or_from_the_future_does_not_allow() -> None:
    rule = w.make_rule(project="only: study")
    facts = w.make_facts()
    assert Prepared(rule).says(facts, NOW) == "allows"
    assert Prepared(replace(rule, enabled=False)).says(facts, NOW) == "does-not-apply"
    assert Prepared(replace(rule, since=NOW)).says(facts, NOW) == "allows"
    later = replace(rule, since=NOW + timedelta(microseconds=1))
    assert Prepared(later).says(facts, NOW) == "does-not-apply"
    refusing = replace(w.make_rule("refuse", project="only: study"), since=NOW + timedelta(hours=48))
    assert Prepared(refusing).says(facts, NOW) == "refuses"


@given(w.facts(), w.rules(), w.MOMENTS)
def test_the_line_in_the_trace_says_what_the_rule_says(facts: Facts, rule: Rule, at: datetime) -> None:
    prepared = Prepared(rule)
    line = considered(prepared, facts, at)
    assert line.outcome == prepared.says(facts, at)
    assert line.about == f"rule:{rule.mark}"
    assert line.why.endswith((".", "stated"))
    if line.outcome != "does-not-apply":
        assert line.code == {"allow": "rule.allowed", "refuse": "rule.refused", "hold": "rule.held"}[rule.verdict]
        assert (line.reviewers, line.told) == (rule.reviewers, rule.message)
        assert not list(prepared.against(facts, at))
    else:
        assert line.code == ""


@given(w.facts(), w.rules(verdicts=("allow",)), w.MOMENTS)
def test_a_rule_allows_only_what_every_condition_says_yes_to(facts: Facts, rule: Rule, at: datetime) -> None:
    answers = [truth_of(each, "allow")(facts, at) for each in rule.conditions]
    wanted = rule.enabled and facts.level != "unknown" and all(each == "yes" for each in answers)
    assert (Prepared(rule).says(facts, at) == "allows") is wanted


@given(w.facts(), w.rules(verdicts=("refuse", "hold")), w.MOMENTS)
def test_a_rule_refuses_or_holds_unless_a_condition_says_no(facts: Facts, rule: Rule, at: datetime) -> None:
    answers = [truth_of(each, rule.verdict)(facts, at) for each in rule.conditions]
    speaks = Prepared(rule).says(facts, at) != "does-not-apply"
    assert speaks is (rule.enabled and "no" not in answers)


@settings(max_examples=300)
@given(w.facts(), w.rule_sets(most=8), w.MOMENTS, st.randoms())
def test_the_short_way_says_what_all_opinions_come_to_in_any_order(
    facts: Facts, rules: list[Rule], at: datetime, chance: Any
) -> None:
    prepared = Rules(rules)
    opinions = prepared.opinions(facts, at)
    assert prepared.stance(facts, at) == strongest(each.outcome for each in opinions)
    shuffled = list(rules)
    chance.shuffle(shuffled)
    assert Rules(shuffled).opinions(facts, at) == opinions
    assert Rules(shuffled).stance(facts, at) == prepared.stance(facts, at)
    assert len(prepared) == len(rules) == len(list(prepared))


@pytest.mark.parametrize("verdict", ["allow", "refuse", "hold"])
@pytest.mark.parametrize("field", ["network", "requester_key", "requester_name", "project", "datasource", "protocol"])
def test_rules_are_looked_up_by_what_a_request_must_have_and_never_by_what_it_must_not(
    verdict: str, field: str
) -> None:
    facts = w.make_facts()
    value = getattr(facts, field)
    other = "b" * 64 if field == "requester_key" else "another"
    said = {"allow": "allows", "refuse": "refuses", "hold": "holds"}[verdict]
    for text, expected in (
        (f"only: {value}", said),
        (f"only: {other}, {value}", said),
        (f"only: {other}", "passes"),
        (f"other: {value}", "passes"),
        (f"other: {other}", said),
    ):
        assert Rules([w.make_rule(verdict, **{field: text})]).stance(facts, NOW) == expected


def test_rules_are_changed_by_their_ids() -> None:
    first, second = w.make_rule(rule_id="rul_b", project="only: a"), w.make_rule(rule_id="rul_a", project="only: b")
    rules = Rules([first, replace(second, since=NOW)])
    assert [each.id for each in rules.values] == ["rul_a", "rul_b"]
    other = w.make_rule("hold", rule_id="rul_b", project="only: c")
    assert rules.with_rule(other).values[1] == other
    assert rules.without("rul_b").values == (replace(second, since=NOW),)
    assert rules.as_if_always().values == (second, first)


def test_every_mismatch_names_what_the_request_has_and_what_the_rule_asks() -> None:
    facts = w.make_facts(columns=("age", "nhs"), requester_key="")
    lines = {
        field: considered(Prepared(w.make_rule(**{field: text})), facts, NOW).why
        for field, text in {
            "column": "only: age",
            "requester_key": "only: " + "a" * 64,
            "project": "only: other",
            "purpose": "any: DUO:0000037",
            "model": "only: acme/Retina",
            "leaves": "at-most: counts",
            "inferences": "more-than: 5",
            "group": "at-least: 50",
            "ehr": "is: used",
            "identity": "only: oidc-device-code",
            "algorithm": "any: X",
            "time": "within: Mon-Fri, UTC",
        }.items()
    }
    assert lines["column"] == ("Columns: “age”, “nhs”. The rule asks: It reads no other columns than “age”.")
    assert lines["requester_key"].startswith("Requester's key: no key. The rule asks: It is signed with the key aaaa")
    assert lines["purpose"].startswith("Purpose: no purpose is stated for it. The rule asks:")
    assert "DUO:0000037 (biomedical research)" in lines["purpose"]
    assert lines["model"].startswith("Models: it runs no model.")
    assert lines["leaves"].startswith(
        "What leaves: figures over many records. The rule asks: What leaves is at most counts."
    )
    assert lines["inferences"].startswith("Inferences: up to 0.")
    assert lines["group"].startswith("Smallest group: groups of 10 or more.")
    assert lines["ehr"] == "EHR system: not used. The rule asks: The EHR system is used."
    assert "a device code" in lines["identity"]
    assert lines["algorithm"].startswith("Algorithms: “SqlQuery”.")
    assert lines["time"].startswith("Days and hours: it came at 2026-11-21 03:00 UTC.")


def test_the_words_for_what_is_not_known() -> None:
    nothing = w.make_facts(
        columns=(), all_columns=True, level="row", inferences=None, smallest_group=None, ehr=None, project="",
        models=(UNPINNED,), algorithms=(),
    )  # fmt: skip
    said = {
        field: considered(Prepared(w.make_rule(**{field: text})), nothing, NOW).why
        for field, text in {
            "column": "only: age",
            "inferences": "at-most: 5",
            "group": "at-least: 5",
            "ehr": "is: not-used",
            "model": "only: acme/",
            "project": "only: study",
            "algorithm": "only: X",
        }.items()
    }
    assert said["column"].startswith("Columns: which columns is not known; what is not known is not allowed by a rule.")
    assert said["inferences"].startswith("Inferences: how many is not known; what is not known")
    assert said["group"].startswith("Smallest group: nothing guarantees a size of groups; what is not known")
    assert said["ehr"].startswith("EHR system: whether it is used is not known; what is not known")
    assert said["model"].startswith("Models: “not pinned”; what is not known")
    assert said["project"].startswith("Project: none is named. ")
    assert said["algorithm"].startswith("Algorithms: none. ")
    some = considered(Prepared(w.make_rule(column="only: age, sex")), w.make_facts(all_columns=True), NOW)
    assert some.why.startswith("Columns: “age”, “sex” and perhaps every other column; what is not known")
    whole = considered(Prepared(w.make_rule("hold", group="less-than: 5")), w.make_facts(whole=True), NOW)
    assert whole.why.startswith("Smallest group: no figure is about fewer than all records.")
    ehr = considered(Prepared(w.make_rule(ehr="is: not-used")), w.make_facts(ehr=True), NOW)
    assert ehr.why == "EHR system: used. The rule asks: The EHR system is not used."
    unknown = considered(Prepared(w.make_rule(project="only: study")), w.make_facts(level="unknown"), NOW)
    assert unknown.why == "What the request would do is not known, and no rule allows what is not known."
    level = considered(Prepared(w.make_rule(leaves="at-most: row")), w.make_facts(level="unknown"), NOW)
    assert level.why.startswith("What leaves: what leaves is not known; what is not known is not allowed")


def test_why_a_rule_speaks() -> None:
    facts = w.make_facts()

    def why(rule: Rule, **changes: Any) -> str:
        return considered(Prepared(rule), replace(facts, **changes), NOW).why

    assert why(w.make_rule("hold")) == "It has no condition."
    assert why(w.make_rule(project="only: study")) == "Its condition holds: project."
    two = w.make_rule("refuse", project="only: study", leaves="more-than: counts")
    assert why(two) == "All of its 2 conditions hold: project, what leaves."
    assert why(two, level="unknown") == (
        "All of its 2 conditions hold: project, what leaves. Not known, which counts as the worst: what leaves."
    )
    three = replace(w.make_rule("hold", project="only: study"), reviewers=3)
    assert why(three) == "Its condition holds: project. It asks for 3 people."
    assert why(replace(three, enabled=False)) == "It is switched off."
    future = replace(w.make_rule(project="only: study"), since=NOW + timedelta(hours=48))
    assert why(future) == "It was changed later than this computer's clock says it is now: check the clock."


def test_how_opinions_are_weighed() -> None:
    allows = Considered("a", "allows", "Yes.", "rule.allowed", "rule:rul_1@2")
    grant = Considered("g", "allows", "Granted.", "request.granted", "grant:grt_1")
    holds = Considered("h", "holds", "Two people.", "rule.held", "rule:rul_2@1", 2)
    third = Considered("i", "holds", "Three people.", "rule.held", "rule:rul_3@1", 3)
    refuses = Considered("r", "refuses", "All of it holds.", "rule.refused", "rule:rul_4@1", told="Not here.")
    passes = Considered("p", "passes", "Fine.")
    found = weigh([passes, allows, grant])
    assert (found.outcome, found.code, found.rule, found.grant_id) == ("allow", "rule.allowed", "rul_1@2", "")
    assert (found.words, found.reviewers) == ("Yes.", 1)
    assert (weigh([grant, allows]).grant_id, weigh([grant, allows]).rule) == ("grt_1", "")
    found = weigh([allows, holds, third])
    assert (found.outcome, found.rule, found.reviewers) == ("hold", "rul_2@1", 3)
    found = weigh([allows, holds, refuses])
    assert (found.outcome, found.words, found.rule) == ("refuse", "Not here.", "rul_4@1")
    assert weigh([refuses]).trace == (refuses,)
    found = weigh([passes])
    assert (found.outcome, found.code, found.rule, found.reviewers) == ("hold", "request.undecided", "", 1)
    assert [outcome_of(each) for each in ("allows", "holds", "refuses", "passes")] == [
        "allow",
        "hold",
        "refuse",
        "hold",
    ]
    assert strongest(()) == "passes"


def test_a_reading_says_what_is_asked_and_what_is_not() -> None:
    lines = {each.label: each for each in reading(w.make_rule(leaves="at-most: counts"))}
    assert lines["What leaves"].asked
    assert lines["What leaves"].words == "What leaves is at most counts."
    assert (lines["Requester's key"].asked, lines["Requester's key"].tone) == (False, "warn")
    assert lines["Requester's name"].words == "Any requester."
    answers = list(Prepared(w.make_rule(leaves="at-most: none")).against(w.make_facts(), NOW))
    assert [mismatch(each, w.make_facts(), NOW) for each in answers] == [
        "What leaves: figures over many records. The rule asks: What leaves is at most nothing that was computed."
    ]
    assert Condition("leaves", "at-most", ("none",)) == answers[0].condition


def test_what_a_careful_person_would_want_to_know_is_said() -> None:
    def said(rule: Rule) -> str:
        return " ".join(cautions(rule))

    wide = said(w.make_rule(project="only: study"))
    assert "everybody whom the network admits may" in wide
    assert "single records may leave as well" in wide
    assert "It has no last day" in wide
    assert "It goes by the name alone" in said(w.make_rule(requester_name="only: lab"))
    assert "It lets single records leave." in said(w.make_rule(leaves="at-most: row"))
    assert "no network carries one today" in said(w.make_rule(purpose="any: DUO:0000037"))
    assert "It can never speak" in said(w.make_rule(identity="only: oidc-device-code"))
    assert said(w.make_rule("hold")) == "It has no condition: it holds for a person every request."
    key = "only: " + "a" * 64
    figures = w.make_rule(requester_key=key, leaves="at-most: counts", time="within: ..2026-12-31, UTC")
    assert cautions(figures) == (
        (
            "It allows each figure by itself: two harmless ones can tell of one person together. Ask for “Other "
            "figures” that cannot be set against these, and a person looks at the second one."
        ),
    )
    beside = w.make_rule(
        requester_key=key, leaves="at-most: counts", time="within: ..2026-12-31, UTC", beside="is: none"
    )
    assert cautions(beside) == ()
    narrow = w.make_rule(requester_key=key, leaves="at-most: none", time="within: ..2026-12-31, UTC")
    assert cautions(narrow) == ()


FORMS = [
    "MALLORY",
    "mal\u200blory",
    "mallory\u202e",
    "mall\u00adory",
    "\uff4dallory",
    "mallo\ufe0fry",
    " mallory",
    "mallory\u3164",
]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("field", ["requester_name", "project", "datasource"])
def test_nobody_escapes_a_refusal_or_is_taken_for_another_by_another_form_of_a_name(field: str, name: str) -> None:
    strange = w.make_facts(**{field: name})
    for verdict, mode, said in (
        ("refuse", "only", "refuses"),
        ("hold", "only", "holds"),
        ("allow", "only", "does-not-apply"),
        ("allow", "other", "does-not-apply"),
        ("refuse", "other", "refuses"),
    ):
        rules = Rules([w.make_rule(verdict, **{field: f"{mode}: mallory"})])
        assert rules.stance(strange, NOW) == ("passes" if said == "does-not-apply" else said), (verdict, mode)
