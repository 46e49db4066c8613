"""Rules on a real store: made, changed, tried, switched, removed; every version kept, every change journalled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.journal.records import Journal, all_entries
from podadmin.requests import review_moves, rule_service, service
from podadmin.requests.grant_pins import Pins
from podadmin.requests.policy import Rules
from podadmin.requests.projects import Project, projects, state_purpose
from podadmin.requests.purposes import purposes_of
from podadmin.requests.rule_history import Tried, complete, past, policy_mark, prepared_grants, tried
from podadmin.requests.rule_records import request_facts
from podadmin.requests.rules import Rule, draft
from podadmin.requests.service import Captured, Opening
from podadmin.requests.simulation import Circumstances, replay
from podadmin.requests.state import State
from podadmin.requests.verdict import Considered
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from tests.requests import rule_worlds as w

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
ALLOW = draft("Counts", "allow", {"project": "only: study", "leaves": "at-most: counts"})
GATE = Considered("Envelope", "passes", "Whole.")
GRANT = Considered("Other grants", "does-not-apply", "For others.", about="grant:")
CIRCUMSTANCES = Circumstances((GATE,), (GRANT,))


class Desk:
    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(NOW)
        self.store = Store.open(path, Journal(self.clock))

    def open(self, task: str, verdict: str = "hold", *, keep: bool = True, findings: Any = None, **changes: Any) -> str:
        """A request that came and was opened."""
        request_id = service.capture(
            self.store,
            self.clock,
            Captured("local", task, 2, "lab", b"w", b"b", task, self.clock.now(), 300.0),
        )
        assert request_id is not None
        facts = w.make_facts(**changes.pop("facts", {}))
        with self.store.read() as connection:
            mark = policy_mark(connection)
        given: dict[str, Any] = {
            "requester": "lab", "task": "SQL", "datasource": "patients", "project": "study", "risk": "low",
            "verified": "verified", "fingerprint": "ab" * 32, "verdict": verdict, "code": f"request.{verdict}",
            "words": "Words", "answerable": True, "findings": findings or {}, "sealed_digest": task,
            "pins": Pins("", "ab" * 32, {}),
            "tried": Tried(self.clock.now(), facts, CIRCUMSTANCES, mark) if keep else None,
        }  # fmt: skip
        service.record_opening(self.store, self.clock, request_id, Opening(**{**given, **changes}))
        return request_id

    def acts(self) -> list[tuple[str, dict[str, Any]]]:
        with self.store.read() as connection:
            return [(each.act, json.loads(each.body)) for each in all_entries(connection) if "rule" in each.act]

    def rules(self) -> Rules:
        with self.store.read() as connection:
            return rule_service.rules_of(connection)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "podadmin.db")
    yield made
    made.store.close()


def test_a_rule_is_made_changed_switched_and_removed_and_nothing_is_forgotten(desk: Desk) -> None:
    made = rule_service.add(desk.store, desk.clock, "anna", ALLOW, " The committee agreed. ")
    assert (made.version, made.since, made.id[:4]) == (1, NOW, "rul_")
    desk.clock.advance(60)
    wider = made.with_condition("project", None)
    changed = rule_service.change(desk.store, desk.clock, "ben", wider, "All projects now.")
    off = rule_service.switch(desk.store, desk.clock, "ben", made.id, False, "A pause.")
    assert (changed.version, off.version, off.enabled) == (2, 3, False)
    assert desk.rules().values == (off,)
    rule_service.remove(desk.store, desk.clock, "anna", made.id, "Over.")
    assert desk.rules().values == ()
    with desk.store.read() as connection:
        versions = rule_service.history(connection, made.id)
    assert [(each.rule.version, each.by, each.reason, each.removed) for each in versions] == [
        (4, "anna", "Over.", True),
        (3, "ben", "A pause.", False),
        (2, "ben", "All projects now.", False),
        (1, "anna", "The committee agreed.", False),
    ]
    assert versions[3].rule.conditions == ALLOW.conditions
    acts = desk.acts()
    assert [act for act, _ in acts] == ["rule.added", "rule.changed", "rule.changed", "rule.removed"]
    assert acts[1][1]["changes"] == ["Project: was: The project is “study”. Now: Any project, or none."]
    assert acts[2][1]["changes"] == ["It was switched off."]
    assert acts[0][1]["changes"] == [
        "New: it allows.", "The project is “study”.", "What leaves is at most counts.",
    ]  # fmt: skip


def test_what_cannot_be_done_with_a_rule_changes_nothing(desk: Desk) -> None:
    made = rule_service.add(desk.store, desk.clock, "anna", ALLOW, "Because.")
    before = desk.acts()
    with pytest.raises(Refused, match="reason"):
        rule_service.add(desk.store, desk.clock, "anna", ALLOW, "  ")
    with pytest.raises(Refused) as same:
        rule_service.change(desk.store, desk.clock, "anna", made, "Because.")
    assert same.value.code == "rule.not-changed"
    with pytest.raises(Refused) as stale:
        rule_service.change(desk.store, desk.clock, "anna", replace(made, version=7, name="x"), "Because.")
    assert stale.value.code == "rule.changed-meanwhile"
    with pytest.raises(NotFound):
        rule_service.change(desk.store, desk.clock, "anna", replace(made, id="rul_x"), "Because.")
    with pytest.raises(NotFound):
        rule_service.remove(desk.store, desk.clock, "anna", "rul_x", "Because.")
    with desk.store.read() as connection, pytest.raises(NotFound):
        rule_service.history(connection, "rul_x")
    rule_service.remove(desk.store, desk.clock, "anna", made.id, "Over.")
    with pytest.raises(NotFound):
        rule_service.switch(desk.store, desk.clock, "anna", made.id, True, "Again.")
    assert desk.acts()[: len(before)] == before
    assert len(desk.acts()) == len(before) + 1


def test_the_shelf_sees_every_change_and_prepares_only_then(desk: Desk) -> None:
    shelf = rule_service.Shelf()

    def look() -> Rules:
        with desk.store.read() as connection:
            return shelf.rules(connection)

    assert len(look()) == 0
    assert look() is look()
    made = rule_service.add(desk.store, desk.clock, "anna", ALLOW, "Because.")
    first = look()
    assert first.values == (made,)
    assert look() is first
    rule_service.switch(desk.store, desk.clock, "anna", made.id, False, "Off.")
    assert [each.enabled for each in look().values] == [False]
    rule_service.remove(desk.store, desk.clock, "anna", made.id, "Over.")
    assert len(look()) == 0


def test_past_requests_are_decided_again_from_what_was_kept(desk: Desk) -> None:
    first = desk.open("t1")
    second = desk.open("t2", facts={"project": "other"})
    desk.open("t3", verified="failed", verdict="refuse", keep=False, answerable=False)
    service.refuse(desk.store, desk.clock, second, "anna", "No.")
    with desk.store.read() as connection:
        found = past(connection)
        kept = tried(connection, first)
        assert past(connection, 1) == past(connection, by_people=True) == found[1:]
    assert [(each.request_id, each.stance, each.decided) for each in found] == [
        (first, "passes", ""),
        (second, "passes", "refuse"),
    ]
    assert (kept.at, kept.facts, kept.circumstances) == (NOW, found[0].facts, CIRCUMSTANCES)
    verdict = replay(kept.facts, kept.at, kept.circumstances, Rules())
    assert [each.name for each in verdict.trace] == ["Envelope", "Other grants"]


def test_of_requests_from_before_facts_were_kept_their_record_is_taken_and_written_down(desk: Desk) -> None:
    findings = {
        "protocol": {"class_name": "bitfount.ResultsOnly", "algorithm": []},
        "requester_key": "ab" * 32,
        "effects": {"known": True, "level": "counts"},
        "trace": [
            {"considered": "The network's access check", "outcome": "Holds. It said nothing.", "tone": "warn"},
            {"considered": "Grant grt_1", "outcome": "Does not apply. It has expired.", "tone": "plain"},
            {"considered": "Verdict", "outcome": "Held for you. Decide.", "tone": "warn"},
        ],
    }
    old = desk.open("t1", keep=False, findings=findings)
    bare = desk.open("t2", keep=False)
    with desk.store.read() as connection:
        (only,) = past(connection)
        assert past(connection, by_people=True) == ()
        assert (only.request_id, only.stance, only.facts.level) == (old, "holds", "counts")
        assert [each.outcome for each in tried(connection, old).circumstances.before] == ["holds", "does-not-apply"]
        for unknown in (bare, "req_x"):
            with pytest.raises(NotFound, match="verified"):
                tried(connection, unknown)
        assert connection.execute(select(request_facts.c.request_id)).all() == []
    service.refuse(desk.store, desk.clock, old, "anna", "No.")
    with desk.store.read() as connection:
        assert past(connection, by_people=True) == (replace(only, decided="refuse"),)
    rule_service.add(desk.store, desk.clock, "anna", ALLOW, "Because.")
    with desk.store.read() as connection:
        assert connection.execute(select(request_facts.c.request_id)).scalars().all() == [old]
        assert past(connection) == past(connection, by_people=True) == (replace(only, decided="refuse"),)
    with desk.store.record(Fact("anna", "rule.changed", "x")) as unit:
        assert complete(unit) == 0


def test_a_request_allowed_by_a_rule_goes_to_the_pod_like_one_allowed_by_a_grant(desk: Desk) -> None:
    made = rule_service.add(desk.store, desk.clock, "anna", ALLOW, "Because.")
    allowed = desk.open("t1", "allow", rule=made.mark)
    found = service.find(desk.store, allowed)
    assert found.row.state == State.APPROVED
    assert found.decision is not None
    assert (found.decision.by, found.decision.reason) == ("rule", f"Allowed by the rule {made.mark}")
    refused = desk.open("t2", "refuse", rule=made.mark, words="Not here.")
    row = service.find(desk.store, refused).row
    assert row.state == State.REFUSED
    assert row.answer == "reject"
    assert row.answer_words.startswith("Not here.")
    with desk.store.read() as connection:
        assert past(connection)[0].decided == ""


def test_a_rule_that_changed_meanwhile_allows_nothing(desk: Desk) -> None:
    made = rule_service.add(desk.store, desk.clock, "anna", ALLOW, "Because.")
    stale = Tried(NOW, w.make_facts(), CIRCUMSTANCES, "0.0")
    held = desk.open("t1", "allow", rule=made.mark, tried=stale)
    assert service.find(desk.store, held).row.state == State.HELD


def test_the_purpose_of_a_project_is_what_the_custodian_has_stated(desk: Desk) -> None:
    def stated(project: str) -> tuple[str, ...]:
        with desk.store.read() as connection:
            return purposes_of(connection, project)

    assert stated("study") == ()
    state_purpose(desk.store, desk.clock, "anna", " study ", ["DUO:0000037", "DUO:0000031", ""])
    assert stated("study") == ("DUO:0000031", "DUO:0000037")
    assert stated("") == ()
    state_purpose(desk.store, desk.clock, "anna", "study", [])
    assert stated("study") == ()
    with desk.store.read() as connection:
        (project,) = projects(connection, NOW)
        assert (project.name, project.codes, project.by) == ("study", (), "anna")
        assert projects(connection, NOW, "never named") == (Project("never named", (), None, "", 0, 0, 0),)
    for name, codes in (("study", ["DUO:1"]), (" ", ["DUO:0000037"])):
        with pytest.raises(BadInput) as caught:
            state_purpose(desk.store, desk.clock, "anna", name, codes)
        assert caught.value.code == "rule.bad-purpose"
    assert desk.acts()[-1][1]["was"] == ["DUO:0000031", "DUO:0000037"]


def test_a_purpose_that_changed_meanwhile_lets_no_rule_allow(desk: Desk) -> None:
    made = rule_service.add(desk.store, desk.clock, "anna", ALLOW, "Because.")
    with desk.store.read() as connection:
        seen = Tried(NOW, w.make_facts(), CIRCUMSTANCES, policy_mark(connection))
    state_purpose(desk.store, desk.clock, "anna", "study", ["DUO:0000037"])
    assert service.find(desk.store, desk.open("t1", "allow", rule=made.mark, tried=seen)).row.state == State.HELD
    for codes in (["DUO:0000031"], ["DUO:0000037"]):
        with desk.store.read() as connection:
            before = policy_mark(connection)
        state_purpose(desk.store, desk.clock, "anna", "study", codes)
        with desk.store.read() as connection:
            assert policy_mark(connection) not in {before, seen.policy}, "no mark ever comes back"


def test_grants_that_are_for_other_requests_are_counted(desk: Desk) -> None:
    first = desk.open("t1")
    desk.clock.advance(400)
    service.lapse_due(desk.store, desk.clock)
    service.approve(desk.store, desk.clock, first, "anna", "", 30)
    with desk.store.read() as connection:
        near = prepared_grants(connection, Pins("", "ab" * 32, {}))
        far = prepared_grants(connection, Pins("other", "cd" * 32, {}))
    assert (near.count, far.count) == (1, 1)
    assert far.near(Pins("other", "cd" * 32, {})) == ()
    with desk.store.record(Fact("anna", "rule.changed", "x")) as unit:
        unit.execute(delete(request_facts))
    assert timedelta(seconds=400) == desk.clock.now() - NOW


# --- a rule that is made while a request waits binds whoever decides on it -------------------------------------------

WHY = "The committee."
UNSIGNED: dict[str, Any] = {
    "keep": False, "verified": "unsigned", "findings": {"flow": True}, "pins": None, "fingerprint": "",
}  # fmt: skip


def put(desk: Desk, name: str, verdict: Any, conditions: dict[str, str], **more: Any) -> Rule:
    more |= {"message": "Not this."} if verdict == "refuse" else {}
    return rule_service.add(desk.store, desk.clock, "anna", draft(name, verdict, conditions, **more), WHY)


def refused(desk: Desk, request_id: str) -> Refused:
    with pytest.raises(Refused) as caught:
        service.approve(desk.store, desk.clock, request_id, "anna", "", 30)
    return caught.value


def approved(desk: Desk, request_id: str) -> State:
    return service.approve(desk.store, desk.clock, request_id, "anna", "", 30)


def test_nobody_approves_past_a_rule_that_refuses_what_waits(desk: Desk) -> None:
    waits, other = desk.open("t1"), desk.open("t2", facts={"project": "asthma"}, project="asthma")
    rule = put(desk, "No study", "refuse", {"project": "only: study"})
    error = refused(desk, waits)
    assert (error.code, "“No study”" in error.why) == ("rule.refuses-now", True)
    assert service.find(desk.store, waits).row.state == State.HELD
    assert approved(desk, other) == State.APPROVED
    rule_service.switch(desk.store, desk.clock, "anna", rule.id, False, WHY)
    assert approved(desk, waits) == State.APPROVED


def test_it_may_still_be_refused(desk: Desk) -> None:
    waits = desk.open("t1")
    put(desk, "No study", "refuse", {"project": "only: study"})
    assert service.refuse(desk.store, desk.clock, waits, "anna", "No.") == State.REFUSED


def test_a_rule_for_three_asks_for_three_whatever_was_asked_before(desk: Desk) -> None:
    waits = desk.open("t1", votes_needed=2, review_why="A rule asks for it")
    assert refused(desk, waits).code == "review.votes-missing"
    put(desk, "Three", "hold", {}, reviewers=3)
    error = refused(desk, waits)
    assert (error.code, "3 reviewers" in error.why) == ("review.rule-asks", True)
    review_moves.ask(desk.store, desk.clock, waits, "anna", 3, (), "A new rule")
    assert refused(desk, waits).code == "review.votes-missing"


def test_what_a_rule_says_after_the_window_counts_for_the_grant_as_well(desk: Desk) -> None:
    waits = desk.open("t1")
    desk.clock.advance(301)
    service.lapse_due(desk.store, desk.clock)
    put(desk, "No study", "refuse", {"project": "only: study"})
    assert refused(desk, waits).code == "rule.refuses-now"


def test_a_clock_that_was_set_back_hides_no_rule(desk: Desk) -> None:
    waits = desk.open("t1")
    desk.clock.advance(-48 * 3600)
    put(desk, "No study", "refuse", {"project": "only: study"})
    assert refused(desk, waits).code == "rule.refuses-now"


def test_hours_are_those_of_the_arrival(desk: Desk) -> None:
    """What came in the hours of a rule may be decided outside them."""
    waits = desk.open("t1")
    put(desk, "Later", "refuse", {"time": "within: 05:00-06:00, UTC"})
    desk.clock.advance(2.5 * 3600)
    assert approved(desk, waits) == State.GRANTED


def test_the_purpose_is_the_one_that_is_stated_when_a_person_decides(desk: Desk) -> None:
    waits = desk.open("t1", facts={"purposes": ("DUO:0000006",)})
    put(desk, "Not for that", "refuse", {"purpose": "any: DUO:0000007"})
    state_purpose(desk.store, desk.clock, "anna", "study", ["DUO:0000007"])
    assert refused(desk, waits).code == "rule.refuses-now"
    state_purpose(desk.store, desk.clock, "anna", "study", ["DUO:0000006"])
    assert approved(desk, waits) == State.APPROVED


def test_of_what_nobody_signed_a_rule_sees_the_worst(desk: Desk) -> None:
    waits = desk.open("t1", **UNSIGNED)
    rule = put(desk, "Counts only", "refuse", {"leaves": "more-than: counts"})
    assert refused(desk, waits).code == "rule.refuses-now"
    narrower = replace(rule, conditions=draft("x", "refuse", {"project": "only: other"}, message="No.").conditions)
    rule_service.change(desk.store, desk.clock, "anna", narrower, WHY)
    assert approved(desk, waits) == State.APPROVED


def test_a_rule_that_allows_releases_nothing_that_waits(desk: Desk) -> None:
    waits = desk.open("t1")
    put(desk, "Yes", "allow", {"project": "only: study"})
    assert service.find(desk.store, waits).row.state == State.HELD


def test_a_rule_that_came_between_looking_and_writing_down_binds_as_well(desk: Desk) -> None:
    with desk.store.read() as connection:
        looked = Tried(NOW, w.make_facts(), CIRCUMSTANCES, policy_mark(connection))
    put(desk, "No study", "refuse", {"project": "only: study"})
    assert refused(desk, desk.open("t1", tried=looked)).code == "rule.refuses-now"


def test_rules_that_spoke_at_the_arrival_do_not_speak_again(desk: Desk) -> None:
    """A request that was held past them was held by them too: what they asked for was asked then."""
    put(desk, "Two", "hold", {}, reviewers=2)
    waits = desk.open("t1")
    assert approved(desk, waits) == State.APPROVED


def test_a_rule_for_one_or_for_fewer_than_look_asks_for_nobody_more(desk: Desk) -> None:
    waits, looked_at = desk.open("t1"), desk.open("t2", votes_needed=3, review_why="A rule asks for it")
    put(desk, "One", "hold", {})
    assert approved(desk, waits) == State.APPROVED
    other = desk.open("t3")
    put(desk, "Three", "hold", {"project": "only: asthma"}, reviewers=3)
    put(desk, "Two", "hold", {}, reviewers=2)
    assert refused(desk, other).code == "review.rule-asks"
    assert refused(desk, looked_at).code == "review.votes-missing"
    put(desk, "Also three", "hold", {}, reviewers=3)
    assert "“Also three”" in refused(desk, other).why
    assert refused(desk, looked_at).code == "review.votes-missing"


def test_what_a_rule_that_came_later_says_is_said_in_words(desk: Desk) -> None:
    waits = desk.open("t1")
    put(desk, "Three", "hold", {}, reviewers=3)
    assert refused(desk, waits).as_dict() == {
        "code": "review.rule-asks",
        "what": "The request was not approved.",
        "why": "Rule “Three”, which was made or changed since the request came, asks for 3 reviewers.",
        "next_step": "Ask for a review with 3 votes.",
    }
    put(desk, "No study", "refuse", {"project": "only: study"})
    assert refused(desk, waits).as_dict() == {
        "code": "rule.refuses-now",
        "what": "The request was not approved.",
        "why": "Rule “No study”, which was made or changed since the request came, refuses it. "
        "Its condition holds: project.",
        "next_step": "Refuse the request. Where the rule should not speak of it, change the rule first.",
    }


@pytest.mark.parametrize("kept", [{}, UNSIGNED])
def test_a_later_rule_is_held_against_this_request_and_no_other(desk: Desk, kept: dict[str, Any]) -> None:
    waits = desk.open("t1", **kept)
    claims = {"network": "local", "requester_name": "lab", "project": "study", "datasource": "patients"}
    asked = {name: f"only: {value}" for name, value in claims.items()}
    for name in claims:
        put(desk, name, "refuse", asked | {name: "only: another"})
    rule = put(desk, "This", "refuse", asked)
    assert refused(desk, waits).why.startswith("Rule “This”")
    rule_service.switch(desk.store, desk.clock, "anna", rule.id, False, WHY)
    assert approved(desk, waits) == State.APPROVED


def test_what_was_kept_at_the_arrival_is_what_a_later_rule_sees(desk: Desk) -> None:
    """Nothing at row level leaves with a request for figures, however much is not known of others."""
    waits = desk.open("t1")
    put(desk, "No rows", "refuse", {"leaves": "more-than: aggregate"})
    assert approved(desk, waits) == State.APPROVED


def test_hours_of_what_nobody_signed_are_those_of_its_arrival_too(desk: Desk) -> None:
    waits = desk.open("t1", **UNSIGNED)
    put(desk, "Early", "refuse", {"time": "within: 02:00-03:02, UTC"})
    desk.clock.advance(200)
    assert refused(desk, waits).code == "rule.refuses-now"
