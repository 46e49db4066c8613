"""A simulation is the live decider on the same facts: byte for byte, and its short way comes to the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from podadmin.requests.decide import decide
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.policy import Rules
from podadmin.requests.rule_facts import Facts, facts_of, keep, kept, older
from podadmin.requests.rules import Rule
from podadmin.requests.simulation import Circumstances, Flip, Past, Simulated, replay, simulate
from podadmin.requests.verdict import Considered, Verdict, weigh
from tests.requests import rule_worlds as w

Make = Callable[..., Verified[VerifiedRequest]]


NOW = w.NOW


def live(request: Verified[VerifiedRequest], rules: list[Rule], at: datetime, **changes: Any) -> Verdict:
    effects = statement(request, shipped())
    given: dict[str, Any] = {
        "effects": effects, "grants": (), "limits": (), "access": "ACCEPT", "now": at, "replay": False,
        "facts": facts_of(request, effects, 0.0, ()),
    }  # fmt: skip
    return decide(request, rules=Rules(rules), **{**given, **changes})


def written(verdict: Verdict) -> bytes:
    return json.dumps(asdict(verdict), ensure_ascii=False).encode()


@settings(max_examples=150)
@given(data=st.data())
def test_a_replay_is_the_live_verdict_byte_for_byte(verified: Make, data: st.DataObject) -> None:
    request = verified(project_id=data.draw(st.sampled_from(["study", "other", None])))
    access = data.draw(st.sampled_from(["ACCEPT", "NO_ACCESS", None]))
    replayed = data.draw(st.booleans())
    at = data.draw(w.MOMENTS)
    then, now = data.draw(w.rule_sets()), data.draw(w.rule_sets())
    was = live(request, then, at, access=access, replay=replayed)
    facts = facts_of(request, statement(request, shipped()), 0.0, ())
    assert kept(keep(facts)) == facts
    circumstances = Circumstances.of(was)
    again = replay(kept(keep(facts)), at, circumstances, Rules(now))
    assert written(again) == written(live(request, now, at, access=access, replay=replayed))
    assert written(replay(facts, at, circumstances, Rules(then))) == written(was)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(w.facts(), w.MOMENTS, w.CIRCUMSTANCES, st.sampled_from(["", "allow", "refuse"])), max_size=6),
    w.rule_sets(),
    w.rules(),
    st.booleans(),
)
def test_a_simulation_counts_what_replays_give(
    history: list[tuple[Facts, datetime, Circumstances, str]], rules: list[Rule], edited: Rule, present: bool
) -> None:
    if present and rules:
        edited = replace(edited, id=rules[0].id)
    before = Rules(replace(each, since=NOW + timedelta(days=9)) for each in rules)
    past = [
        Past(f"req_{place}", place, at, facts, circumstances.stance, decided)
        for place, (facts, at, circumstances, decided) in enumerate(history)
    ]
    found = simulate(past, before, edited)
    was = [replay(f, at, c, before.as_if_always()) for f, at, c, _ in history]
    now = [replay(f, at, c, before.with_rule(edited).as_if_always()) for f, at, c, _ in history]
    expected = [
        Flip(f"req_{place}", one.outcome, other.outcome, history[place][3])
        for place, (one, other) in enumerate(zip(was, now, strict=True))
        if one.outcome != other.outcome
    ]
    assert list(found.flips) == expected[::-1]
    assert found.total == len(history)
    assert found.spoken == sum(
        any(line.about == f"rule:{edited.mark}" and line.outcome != "does-not-apply" for line in verdict.trace)
        for verdict in now
    )
    assert sum(len(found.to(outcome)) for outcome in ("allow", "refuse", "hold")) == len(expected)
    assert found.against == tuple(f for f in found.flips if {f.now, f.decided} == {"allow", "refuse"})


def test_a_rule_that_is_taken_away_is_simulated_too() -> None:
    rule = w.make_rule(project="only: study")
    past = [Past("req_1", 1, NOW, w.make_facts(), "passes", "refuse"), Past("req_2", 2, NOW, w.make_facts(), "holds")]
    found = simulate(past, Rules([rule]), None, "rul_1")
    assert found == Simulated(2, 0, (Flip("req_1", "allow", "hold", "refuse"),))
    assert found.against == ()
    back = simulate(past, Rules(), rule)
    assert back == Simulated(2, 2, (Flip("req_1", "hold", "allow", "refuse"),))
    assert back.against == back.flips


def test_an_edited_rule_stands_in_the_place_of_the_one_before() -> None:
    refuse, allow = (w.make_rule(verdict, project="only: study") for verdict in ("refuse", "allow"))
    past = [Past("req_1", 1, NOW, w.make_facts(), "passes"), Past("req_2", 2, NOW, w.make_facts(project="x"), "allows")]
    assert simulate(past, Rules([refuse]), allow) == Simulated(2, 1, (Flip("req_1", "refuse", "allow", ""),))
    assert simulate(past, Rules([allow]), refuse) == Simulated(2, 1, (Flip("req_1", "allow", "refuse", ""),))
    assert simulate(past, Rules([refuse]), refuse) == Simulated(2, 1, ())


def test_circumstances_are_the_trace_without_its_rules() -> None:
    gate = Considered("Envelope", "passes", "Whole.")
    rule = Considered("Rule “x”", "holds", "It holds.", "rule.held", "rule:rul_1@1")
    grant = Considered("Grant grt_1", "allows", "Yes.", "request.granted", "grant:grt_1")
    assert Circumstances.of(weigh([gate, rule, grant])) == Circumstances((gate,), (grant,))
    assert Circumstances.of(weigh([gate, rule, rule])) == Circumstances((gate,), ())
    assert Circumstances.of(weigh([gate, grant])) == Circumstances((gate,), (grant,))
    assert Circumstances.of(weigh([gate])) == Circumstances((gate,), ())
    assert Circumstances((gate,), (grant,)).stance == "allows"
    assert Circumstances((gate,), ()).stance == "passes"


@given(w.facts())
def test_facts_are_read_as_they_were_kept(facts: Facts) -> None:
    assert kept(keep(facts)) == facts


def test_what_is_no_fact_is_not_read_as_one() -> None:
    good = json.loads(keep(w.make_facts()))
    for broken in ([], {**good, "v": 2}, {**good, "more": 1}, {k: v for k, v in good.items() if k != "level"}):
        try:
            kept(json.dumps(broken))
        except ValueError as error:
            assert "not the facts" in str(error)  # noqa: PT017
        else:
            raise AssertionError(broken)


def test_the_facts_of_a_request_are_those_of_its_effects(verified: Make, protocols: dict[str, Any]) -> None:
    request = verified(flags={"requires_ehr_connection": True, "batched_execution": False})
    effects = statement(request, shipped())
    facts = facts_of(request, effects, 7.0, ("b", "a", "b"))
    assert (facts.requester_key, facts.requester_name, facts.project) == ("ab" * 32, "Dr. Mole", "proj-1")
    assert (facts.identity, facts.datasource, facts.network) == ("key-based", "patients", "local")
    assert (facts.protocol, facts.algorithms, facts.purposes) == ("ResultsOnly", ("SqlQuery",), ("a", "b"))
    assert (facts.inferences, facts.ehr) == (7.0, True)
    nothing = facts_of(request, None)
    assert (nothing.level, nothing.all_columns, nothing.smallest_group, nothing.whole) == ("unknown", True, None, False)
    assert (nothing.ehr, nothing.inferences, nothing.columns) == (True, None, ())
    quiet = verified()
    assert facts_of(quiet, None).ehr is None
    assert facts_of(quiet, statement(quiet, shipped())).ehr is False
    strange = verified({**protocols["sql"], "class_name": "evil.Protocol"})
    unknown = facts_of(strange, statement(strange, shipped()))
    assert (unknown.level, unknown.all_columns, unknown.ehr) == ("unknown", True, None)
    model = verified(protocols["inference"])
    assert [each.slug for each in facts_of(model, statement(model, shipped())).models] == ["acme/Retina:3"]
    assert [each.slug for each in facts_of(model, None).models] == ["acme/Retina:3"]
    assert facts_of(model, statement(model, shipped())).smallest_group == 1


def test_of_an_older_record_only_what_it_states_is_taken(protocols: dict[str, Any]) -> None:
    row = {"verified": "verified", "network": "local", "requester": "lab", "project": "p", "datasource": "patients"}
    findings = {
        "protocol": protocols["inference"], "requester_key": "ab" * 32, "effects": {"known": True, "level": "row"}
    }  # fmt: skip
    found = older(row, findings)
    assert found is not None
    assert (found.level, found.all_columns, found.inferences, found.ehr) == ("row", True, None, None)
    assert [each.slug for each in found.models] == ["acme/Retina:3"]
    assert "age" in found.columns
    assert older({**row, "verified": "failed"}, findings) is None
    assert older(row, {}) is None
    unknown = older(row, {"protocol": protocols["sql"], "effects": {"known": False, "level": "row"}})
    assert unknown is not None
    assert (unknown.level, unknown.requester_key) == ("unknown", "")
    bare = older(row, {"protocol": protocols["sql"]})
    assert bare is not None
    assert bare.level == "unknown"
    lost = older(row, {"protocol": protocols["sql"], "effects": {"known": True}})
    assert lost is not None
    assert lost.level == "unknown"


def test_every_past_request_is_decided_again_at_its_own_moment() -> None:
    old = w.make_rule(time="within: 2020-01-01..2020-12-31, UTC")
    past = [Past(f"req_{year}", year, NOW.replace(year=year), w.make_facts(), "passes") for year in (2019, 2020, 2021)]
    assert simulate(past, Rules(), old) == Simulated(3, 1, (Flip("req_2020", "hold", "allow", ""),))
    assert simulate(past, Rules([old]), None, old.id) == Simulated(3, 0, (Flip("req_2020", "allow", "hold", ""),))
