"""Grants on a real store: made with a decision, used, counted, voided, revoked, varied, and who may do so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from podadmin.app.evidence import check_evidence
from podadmin.limits import service as limits
from podadmin.requests import grant_acts, grant_cover, grant_moves, service
from podadmin.requests.grant_moves import Terms
from podadmin.requests.grant_pins import Pins
from podadmin.requests.projects import projects, state_purpose
from podadmin.requests.records import grant, grant_use
from podadmin.requests.service import Captured, Opening
from podadmin.requests.state import Event, State
from podadmin.store.unit import Fact
from tests.requests.desks import BODY, NOW, Desk, pins, refused


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    made = Desk(tmp_path / "podadmin.db")
    yield made
    assert check_evidence(made.store) is None
    made.store.close()


# --- made and used ---------------------------------------------------------------------------------------------------


def test_approving_in_the_window_can_also_let_the_runs_to_come_through(desk: Any) -> None:
    first = desk.send(pins())
    assert desk.approve(first, Terms(runs=2, days=7, note="for the board")) == State.APPROVED
    desk.run(first)
    for _ in range(2):
        again = desk.send(pins())
        assert desk.state(again) == "approved"
        desk.run(again)
    assert desk.state(desk.send(pins())) == "held"
    (made,) = desk.bodies("grant.made")
    assert (made["runs"], made["request"], made["may_vary"]) == (2, first, [])
    assert made["expires"] == "2026-11-28T03:00:00.000000Z"
    assert made["pins"] == dict(pins().values)


def test_the_life_of_a_grant_counts_from_the_approval_and_not_from_the_request(desk: Any) -> None:
    request_id = desk.send(pins())
    desk.clock.advance(40 * 86400)
    assert desk.approve(request_id) == State.GRANTED
    desk.clock.advance(29.9 * 86400)
    assert desk.state(desk.send(pins())) == "approved"


@pytest.mark.parametrize(
    "terms",
    [
        {"runs": 0},
        {"runs": 10_001},
        {"days": 0},
        {"days": 3661},
        {"days": float("nan")},
        {"inferences": 0.0},
        {"inferences": float("inf")},
        {"inferences": float("nan")},
        {"may_vary": frozenset({"requester_key"})},
        {"may_vary": frozenset({"protocol", "columns"})},
        {"may_vary": frozenset({"anything"})},
    ],
)
def test_terms_that_cannot_be_meant_make_no_grant_and_no_decision(desk: Any, terms: dict[str, Any]) -> None:
    request_id = desk.send(pins())
    refused(lambda: desk.approve(request_id, Terms(**terms)), "grant.bad-terms")
    assert desk.state(request_id) == "held"
    assert desk.receipts(request_id) == []


@pytest.mark.parametrize("terms", [{"runs": 1}, {"runs": 10_000, "days": 3660}, {"inferences": 0.5}])
def test_terms_at_the_edge_are_fine(desk: Any, terms: dict[str, Any]) -> None:
    desk.granted(pins(), **terms)


def test_inferences_of_a_grant_are_reserved_and_what_was_not_used_comes_back(desk: Any) -> None:
    made = desk.granted(pins(), wants=10, runs=5, inferences=30)
    first = desk.send(pins(), wants=20)
    assert desk.row(made).inferences_left == 10
    desk.run(first, used=5)
    assert desk.row(made).inferences_left == 25
    assert desk.row(made).runs_left == 4
    assert desk.state(desk.send(pins(), wants=26)) == "held"
    assert desk.row(made).inferences_left == 25
    assert desk.row(made).runs_left == 4
    exactly = desk.send(pins(), wants=25)
    assert desk.state(exactly) == "approved"
    desk.run(exactly, used=25)
    assert desk.row(made).inferences_left == 0
    with desk.store.read() as connection:
        uses = connection.execute(select(grant_use).order_by(grant_use.c.at)).all()
    assert [(each.reserved, each.used) for each in uses] == [(20, 5), (25, 25)]


def test_what_a_grant_allowed_and_was_not_delivered_in_time_goes_back_to_it(desk: Any) -> None:
    made = desk.granted(pins(), wants=1, inferences=10)
    desk.send(pins(), wants=4)
    assert (desk.row(made).runs_left, desk.row(made).inferences_left) == (1, 6)
    desk.clock.advance(280)
    assert service.next_to_deliver(desk.store, desk.clock, 270.0, 30) is None
    assert (desk.row(made).runs_left, desk.row(made).inferences_left) == (2, 10)
    assert len(desk.bodies("grant.made")) == 1


def test_a_grant_from_an_earlier_approval(desk: Any) -> None:
    request_id = desk.send(pins())
    refused(lambda: grant_acts.make_from(desk.store, desk.clock, request_id, "anna", Terms()), "grant.no-approval")
    desk.approve(request_id)
    desk.run(request_id)
    made = grant_acts.make_from(desk.store, desk.clock, request_id, "anna", Terms(runs=3))
    by_grant = desk.send(pins())
    assert service.find(desk.store, by_grant).row.grant_id == made
    refused(lambda: grant_acts.make_from(desk.store, desk.clock, by_grant, "anna", Terms()), "grant.no-approval")
    refused(lambda: grant_acts.make_from(desk.store, desk.clock, request_id, "anna", Terms(runs=0)), "grant.bad-terms")
    refusal = desk.send(pins(4))
    service.refuse(desk.store, desk.clock, refusal, "anna", "No.")
    refused(lambda: grant_acts.make_from(desk.store, desk.clock, refusal, "anna", Terms()), "grant.no-approval")


# --- voided ----------------------------------------------------------------------------------------------------------


def test_a_changed_pin_voids_the_grant_with_a_receipt_that_says_was_and_now(desk: Any) -> None:
    made = desk.granted(pins())
    newer = desk.send(pins(4))
    assert desk.state(newer) == "held"
    row = desk.row(made)
    assert (row.ended, row.runs_left) == ("voided", 2)
    assert row.voided_reason == "A pin has changed. The version of the model: was 3, now 4"
    assert json.loads(row.changes) == [{"pin": "model_version", "was": "3", "now": "4"}]
    (told,) = desk.bodies("grant.voided")
    assert told == {"request": newer, "changes": [{"pin": "model_version", "was": "3", "now": "4"}]}
    assert desk.receipts(made)[-1]["act"] == "grant-voided"
    assert desk.state(desk.send(pins())) == "held"


def test_a_replay_voids_nothing(desk: Any) -> None:
    made = desk.granted(pins())
    desk.send(pins(4), code="request.replayed")
    assert desk.row(made).ended == ""


def test_the_same_request_under_another_key_voids_and_crap_under_another_key_does_not(desk: Any) -> None:
    made = desk.granted(pins())
    desk.send(pins(4, key="ee"))
    desk.send(pins(key="ee", family="other"))
    desk.send(pins(key="ee", protocol='"x"'))
    assert desk.row(made).ended == ""
    desk.send(pins(key="ee"))
    assert desk.row(made).ended == "voided"


@pytest.mark.parametrize("times", [1, 2, 7, 100])
def test_duplicates_and_reordering_leave_one_story(desk: Any, times: int) -> None:
    made = desk.granted(pins(), runs=3)
    other = desk.granted(pins(family="other"), runs=3)
    for _ in range(times):
        desk.send(pins(4))
    assert len(desk.bodies("grant.voided")) == 1
    assert desk.row(made).ended == "voided"
    assert desk.row(other).ended == ""
    held = [desk.state(desk.send(pins(family="other"))) for _ in range(min(times, 10))]
    assert held.count("approved") == min(times, 3)


def test_a_pin_that_was_let_vary_voids_nothing(desk: Any) -> None:
    made = desk.granted(pins(), runs=9)
    grant_acts.let_vary(desk.store, desk.clock, made, "anna", "model_version", "Every version is reviewed elsewhere.")
    assert desk.state(desk.send(pins(4))) == "approved"
    assert desk.row(made).ended == ""
    assert json.loads(desk.row(made).may_vary) == ["code", "model_hash", "model_version", "weights"]
    refused(
        lambda: grant_acts.let_vary(desk.store, desk.clock, made, "anna", "requester_key", "Why not"), "grant.bad-pin"
    )
    refused(lambda: grant_acts.let_vary(desk.store, desk.clock, made, "anna", "columns", " "), "grant.reason-missing")
    refused(lambda: grant_acts.let_vary(desk.store, desk.clock, "grt_x", "anna", "columns", "Why"), "grant.unknown")
    assert [told["act"] for told in desk.receipts(made)] == ["grant-made", "grant-varied", "approved"]


# --- the purpose of a project ---------------------------------------------------------------------------------------

BIO, METHODS = "DUO:0000037", "DUO:0000031"


def purpose(*codes: str) -> dict[str, str]:
    return {"purpose": json.dumps(" ".join(codes))}


def test_another_purpose_voids_the_grants_that_were_made_under_the_one_before(desk: Any) -> None:
    state_purpose(desk.store, desk.clock, "anna", "study", [BIO])
    made = desk.granted(pins(**purpose(BIO)), runs=5)
    waiting, running = desk.send(pins(**purpose(BIO))), desk.send(pins(**purpose(BIO)))
    desk.run(waiting)
    assert desk.state(running) == "approved"
    with desk.store.read() as connection:
        (shown,) = projects(connection, desk.clock.now(), "study")
    assert (shown.codes, shown.requests, shown.grants, shown.bound) == ((BIO,), 3, 1, 1)
    assert state_purpose(desk.store, desk.clock, "anna", "study", [METHODS]) == (made,)
    row = desk.row(made)
    assert row.ended == "voided"
    assert row.voided_reason == (
        f"A pin has changed. The purpose of the project: was biomedical research ({BIO}), "
        f"now method development ({METHODS})"
    )
    (told,) = desk.bodies("grant.voided")
    assert (told["project"], told["changes"][0]["pin"]) == ("study", "purpose")
    assert desk.bodies("rule.purpose-stated")[-1]["voids"] == [made]
    last = desk.receipts(made)[-1]
    assert (last["act"], last["by"], last["project"]) == ("grant-voided", "anna", "study")
    assert desk.state(running) == "lapsed", "what had not gone to the pod is held again"
    assert desk.state(desk.send(pins(**purpose(METHODS)))) == "held"
    assert state_purpose(desk.store, desk.clock, "anna", "study", [BIO]) == (), "what is void stays void"
    assert desk.state(desk.send(pins(**purpose(BIO)))) == "held"


def test_the_same_purpose_again_or_one_of_another_project_voids_nothing(desk: Any) -> None:
    state_purpose(desk.store, desk.clock, "anna", "study", [BIO])
    made = desk.granted(pins(**purpose(BIO)))
    assert state_purpose(desk.store, desk.clock, "anna", "study", [BIO]) == ()
    assert state_purpose(desk.store, desk.clock, "anna", "elsewhere", [METHODS]) == ()
    assert desk.row(made).ended == ""


def test_a_purpose_that_is_taken_back_voids_nothing_and_lets_nothing_through(desk: Any) -> None:
    state_purpose(desk.store, desk.clock, "anna", "study", [BIO])
    made = desk.granted(pins(**purpose(BIO)))
    assert state_purpose(desk.store, desk.clock, "anna", "study", []) == ()
    assert desk.state(desk.send(pins(**purpose()))) == "held"
    assert desk.row(made).ended == ""
    state_purpose(desk.store, desk.clock, "anna", "study", [BIO])
    assert desk.state(desk.send(pins(**purpose(BIO)))) == "approved"


def test_a_grant_from_before_anything_was_stated_is_not_void_and_covers_nothing_any_more(desk: Any) -> None:
    made = desk.granted(pins())
    assert state_purpose(desk.store, desk.clock, "anna", "study", [BIO]) == ()
    assert desk.state(desk.send(pins(**purpose(BIO)))) == "held"
    assert desk.row(made).ended == ""


def test_what_counts_is_what_the_project_was_for_when_a_person_decided(desk: Any) -> None:
    came = desk.send(pins())
    state_purpose(desk.store, desk.clock, "anna", "study", [BIO])
    desk.approve(came, Terms(runs=1))
    desk.run(came)
    (made,) = desk.bodies("grant.made")
    assert made["pins"]["purpose"] == json.dumps(BIO)
    assert desk.state(desk.send(pins(**purpose(BIO)))) == "approved"


def test_an_approval_that_comes_too_late_is_pinned_to_the_purpose_of_its_moment(desk: Any) -> None:
    state_purpose(desk.store, desk.clock, "anna", "study", [BIO])
    came = desk.send(pins(**purpose(BIO)))
    state_purpose(desk.store, desk.clock, "anna", "study", [METHODS])
    desk.approve(came)
    state_purpose(desk.store, desk.clock, "anna", "study", [BIO])
    desk.clock.advance(280)
    assert service.next_to_deliver(desk.store, desk.clock, 270.0, 30) is None
    (made,) = desk.bodies("grant.made")
    assert made["pins"]["purpose"] == json.dumps(METHODS)
    assert desk.state(desk.send(pins(**purpose(BIO)))) == "held"


def test_only_who_may_decide_states_a_purpose(desk: Any) -> None:
    grant_cover.name_custodian(desk.store, desk.clock, "anna", "anna", "Custodian.")
    made = desk.granted(pins())
    refused(lambda: state_purpose(desk.store, desk.clock, "eve", "study", [BIO]), "grant.not-decider")
    assert desk.row(made).ended == ""
    assert desk.bodies("rule.purpose-stated") == []


# --- revoked ---------------------------------------------------------------------------------------------------------


def test_revoking_holds_again_what_has_not_gone_to_the_pod_and_lets_run_what_runs(desk: Any) -> None:
    made = desk.granted(pins(), wants=1, inferences=100)
    running, waiting = desk.send(pins(), wants=10), desk.send(pins(), wants=20)
    taken = service.next_to_deliver(desk.store, desk.clock, 270.0, 30)
    assert taken is not None
    service.started(desk.store, running)
    grant_acts.revoke(desk.store, desk.clock, made, "anna", "The study is over.")
    assert (desk.state(running), desk.state(waiting)) == ("running", "lapsed")
    (told,) = desk.bodies("grant.revoked")
    assert told == {"reason": "The study is over.", "held_again": [waiting]}
    with desk.store.read() as connection:
        assert {each.request_id for each in limits.open_reservations(connection)} == {running}
    answers = {request: words for request, _kind, words in service.answers_due(desk.store)}
    assert "reference H-" in answers[waiting]
    assert "Receipt R-" in answers[waiting]
    service.ended(desk.store, desk.clock, running, Event.FINISHED, "Over")
    refused(lambda: grant_acts.revoke(desk.store, desk.clock, made, "anna", "Again."), "grant.ended")
    refused(lambda: grant_acts.revoke(desk.store, desk.clock, made, "anna", " "), "grant.reason-missing")
    refused(lambda: grant_acts.let_vary(desk.store, desk.clock, made, "anna", "columns", "x"), "grant.ended")
    assert desk.state(desk.send(pins())) == "held"


def test_a_grant_that_ends_between_the_verdict_and_its_record_lets_nothing_through(desk: Any) -> None:
    made = desk.granted(pins())

    def late(**changes: Any) -> str:
        name = desk.send(pins(family="elsewhere"))
        assert desk.state(name) == "held"
        desk.count += 1
        request_id = service.capture(
            desk.store,
            desk.clock,
            Captured("local", f"t{desk.count}", 2, "lab", b"w", b"body", BODY, desk.clock.now(), 300.0),
        )
        assert request_id is not None
        opening = Opening(
            "lab",
            "x",
            "patients",
            "study",
            "low",
            "verified",
            "f",
            "allow",
            "request.granted",
            "w",
            True,
            {},
            **changes,
        )
        service.record_opening(desk.store, desk.clock, request_id, opening)
        return desk.state(request_id)

    assert late(grant_id=made) == "approved"
    assert late(grant_id="grt_none") == "held"
    assert late() == "held"
    assert late(rule="rul_1@2") == "approved"
    desk.clock.advance(31 * 86400)
    assert late(grant_id=made) == "held"
    desk.clock.advance(-60 * 86400)
    assert late(grant_id=made) == "held"


# --- who may decide --------------------------------------------------------------------------------------------------


def test_once_custodians_are_named_only_they_and_their_cover_decide(desk: Any) -> None:
    store, clock = desk.store, desk.clock
    first, second, third, fourth = (desk.send(pins(n)) for n in range(10, 14))
    desk.approve(first, actor="anybody")
    grant_cover.must_decide(store, clock, "anybody")
    refused(lambda: grant_cover.name_custodian(store, clock, "anna", "ben", "Head"), "grant.name-self-first")
    named = grant_cover.name_custodian(store, clock, "anna", "anna", "She answers for the data.")
    error = refused(lambda: desk.approve(second, actor="ben"), "grant.not-decider")
    assert "anna" in error.why
    refused(lambda: grant_cover.must_decide(store, clock, "ben"), "grant.not-decider")
    refused(lambda: service.refuse(store, clock, second, "ben", "No."), "grant.not-decider")
    refused(lambda: grant_cover.name_custodian(store, clock, "ben", "ben", "Me too"), "grant.not-decider")
    refused(lambda: grant_cover.take_back(store, clock, "ben", named, "Me"), "grant.not-decider")
    week = timedelta(days=7)
    grant_cover.name_cover(store, clock, "anna", "ben", NOW + week, NOW + 2 * week, "Holiday")
    refused(lambda: desk.approve(second, actor="ben"), "grant.not-decider")
    clock.advance(7 * 86400)
    assert desk.approve(second, actor="ben") == State.GRANTED
    grant_cover.must_decide(store, clock, "ben")
    assert desk.bodies("request.approved")[-1]["stands_for"] == "anna"
    assert desk.receipts(second)[0]["stands_for"] == "anna"
    refused(
        lambda: grant_cover.name_cover(store, clock, "ben", "carl", NOW, NOW + 3 * week, "Me too"),
        "grant.cover-of-cover",
    )
    service.refuse(store, clock, third, "ben", "Not now.")
    assert desk.bodies("request.refused")[-1]["stands_for"] == "anna"
    clock.advance(7 * 86400)
    refused(lambda: desk.approve(fourth, actor="ben"), "grant.not-decider")
    assert desk.approve(fourth, actor="anna") == State.GRANTED


def test_cover_and_custodians_are_named_with_care(desk: Any) -> None:
    store, clock = desk.store, desk.clock
    day = timedelta(days=1)
    for starts, ends in ((NOW, NOW), (NOW + day, NOW), (NOW - 2 * day, NOW - day)):
        refused(lambda s=starts, e=ends: grant_cover.name_cover(store, clock, "a", "b", s, e, "x"), "grant.bad-cover")
    refused(lambda: grant_cover.name_cover(store, clock, "a", "a", NOW, NOW + day, "x"), "grant.bad-cover")
    refused(lambda: grant_cover.name_cover(store, clock, "a", " ", NOW, NOW + day, "x"), "grant.reason-missing")
    refused(lambda: grant_cover.name_custodian(store, clock, "a", "a", " "), "grant.reason-missing")
    first = grant_cover.name_custodian(store, clock, "a", "a", "x")
    second = grant_cover.name_custodian(store, clock, "a", "b", "x")
    grant_cover.take_back(store, clock, "a", second, "Left")
    refused(lambda: grant_cover.take_back(store, clock, "a", second, "Left"), "grant.decider-unknown")
    cover = grant_cover.name_cover(store, clock, "a", "c", NOW - day, NOW + day, "Holiday")
    refused(lambda: grant_cover.take_back(store, clock, "c", first, "Coup"), "grant.cover-of-cover")
    refused(lambda: grant_cover.name_custodian(store, clock, "c", "c", "For good"), "grant.cover-of-cover")
    assert [row.account for row in grant_cover.listing(store)] == ["c", "a"]
    with store.read() as connection:
        assert [row.account for row in grant_cover.in_force(connection, clock.now())] == ["c", "a"]
    grant_cover.take_back(store, clock, "a", cover, "Back")
    grant_cover.take_back(store, clock, "a", first, "Nobody is named any more")
    desk.approve(desk.send(pins()), actor="anybody")


def test_cover_ends_with_the_right_of_the_one_for_whom_it_stands_in(desk: Any) -> None:
    """A custodian who left, or whose right was ended for a reason, decides no more, through nobody."""
    store, clock, day = desk.store, desk.clock, timedelta(days=1)
    grant_cover.name_cover(store, clock, "eve", "carl", NOW - day, NOW + day, "While nobody was named.")
    grant_cover.name_custodian(store, clock, "anna", "anna", "She answers for the data.")
    gone = grant_cover.name_custodian(store, clock, "anna", "ben", "He does, too.")
    refused(lambda: desk.approve(desk.send(pins(10)), actor="carl"), "grant.not-decider")
    grant_cover.name_cover(store, clock, "ben", "dora", NOW - day, NOW + day, "Holiday.")
    assert desk.approve(desk.send(pins(11)), actor="dora")
    grant_cover.take_back(store, clock, "anna", gone, "He has left.")
    error = refused(lambda: desk.approve(desk.send(pins(12)), actor="dora"), "grant.not-decider")
    assert error.why == "dora is not among those who decide here: anna."


# --- lists -----------------------------------------------------------------------------------------------------------


def test_grants_are_found_by_family_or_fingerprint_and_by_nothing_else(desk: Any) -> None:
    made = desk.granted(pins())
    old = desk.send(pins(family="older"))
    desk.approve(old, Terms())
    with desk.store.record(Fact("test", "pod.reload-failed", "x")) as unit:
        unit.execute(grant.update().where(grant.c.made_from == old).values(family="", pins=""))
    with desk.store.read() as connection:
        assert [each.id for each in service.grants_for(connection, pins(9))] == [made]
        (legacy,) = service.grants_for(connection, pins(family="older"))
        assert legacy.pins is None
        assert service.grants_for(connection, Pins("", "x", {})) == ()
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT * FROM grant_ WHERE fingerprint = 'a' OR (family = 'b' AND family <> '')"
        ).all()
    assert all("USING INDEX" in row[-1] for row in plan if "SEARCH" in row[-1] or "SCAN" in row[-1])
    with desk.store.record(Fact("test", "pod.reload-failed", "x")) as unit:
        kept = pins(family="older")
        unit.execute(
            grant.update()
            .where(grant.c.made_from == old)
            .values(family=kept.family, pins=json.dumps(dict(kept.values), sort_keys=True))
        )


# --- to the letter ---------------------------------------------------------------------------------------------------


def test_a_grant_keeps_who_made_it_what_it_bounds_and_why(desk: Any) -> None:
    made = desk.granted(pins(), wants=1, runs=3, days=0.5, inferences=7, note="for the board")
    row = desk.row(made)
    assert made.startswith("grt_")
    assert (row.made_by, row.note, row.runs, row.inferences) == ("anna", "for the board", 3, 7)
    assert row.expires_at == "2026-11-21T15:00:00.000000Z"


def test_at_the_moment_at_which_it_expires_a_grant_gives_no_run(desk: Any) -> None:
    made = desk.granted(pins(), days=1)
    desk.clock.advance(86400)
    with desk.store.record(Fact("gate", "limit.test", made)) as unit:
        assert not grant_moves.use(unit, desk.clock, made, "req_x")
    assert desk.row(made).runs_left == 2


def test_what_came_back_comes_back_once(desk: Any) -> None:
    made = desk.granted(pins(), wants=1, runs=5, inferences=30)
    ran = desk.send(pins(), wants=20)
    desk.run(ran, used=5)
    left = (desk.row(made).runs_left, desk.row(made).inferences_left)
    with desk.store.record(Fact("gate", "limit.test", made)) as unit:
        grant_moves.settle(unit, desk.clock, ran)
        grant_moves.give_back(unit, desk.clock, ran)
    assert (desk.row(made).runs_left, desk.row(made).inferences_left) == left
    (told,) = (each for each in desk.bodies("grant.settled") if each["request"] == ran)
    assert told == {"request": ran, "back": 15, "run_back": False}
    with desk.store.read() as connection:
        (settled,) = connection.execute(select(grant_use.c.settled_at)).scalars()
    assert settled == "2026-11-21T03:00:00.000000Z"


def test_a_revocation_is_told_with_a_receipt_and_is_not_done_twice(desk: Any) -> None:
    made = desk.granted(pins())
    grant_acts.revoke(desk.store, desk.clock, made, "anna", "It is over.")
    last = desk.receipts(made)[-1]
    assert (last["act"], last["by"], last["reason"]) == ("grant-revoked", "anna", "It is over.")
    again = refused(lambda: grant_acts.revoke(desk.store, desk.clock, made, "anna", "Again."), "grant.ended")
    assert (again.what, again.why) == ("The grant was not revoked.", "It was revoked before.")


def test_who_decides_is_kept_with_the_reason_in_the_order_of_time(desk: Any) -> None:
    nobody = refused(
        lambda: grant_cover.name_custodian(desk.store, desk.clock, "e" * 61, "anna", "Custodian."),
        "grant.name-self-first",
    )
    assert "…" in nobody.next_step
    for account in ("anna", "bert"):
        grant_cover.name_custodian(desk.store, desk.clock, "anna", account, " Custodian. ")
        desk.clock.advance(60)
    soon, later = desk.clock.now() + timedelta(days=1), desk.clock.now() + timedelta(days=2)
    cover = grant_cover.name_cover(desk.store, desk.clock, "anna", "zoe", soon, later, "x" * 2001)
    early = grant_cover.name_cover(
        desk.store, desk.clock, "anna", "ada", desk.clock.now() - timedelta(days=9), later, "Holiday."
    )
    assert cover.startswith("dcd_")
    assert early.startswith("dcd_")
    bodies = desk.bodies("decider.named")
    assert [each["reason"] for each in bodies] == ["Custodian.", "Custodian.", "x" * 2000, "Holiday."]
    assert [each["stands_for"] for each in bodies] == ["", "", "anna", "anna"]
    listed = grant_cover.listing(desk.store)
    assert [row.account for row in listed] == ["ada", "anna", "bert", "zoe"]
    assert [row.id[:4] for row in listed] == ["dcd_"] * 4
    with desk.store.read() as connection:
        assert [row.account for row in grant_cover.in_force(connection, desk.clock.now())] == ["ada", "anna", "bert"]
        long = refused(
            lambda: grant_cover.check_may_decide(connection, "eve" * 40, desk.clock.now()), "grant.not-decider"
        )
    assert "…" in long.why


def test_those_who_were_named_at_one_moment_stand_in_the_order_of_their_ids(desk: Any) -> None:
    """The order of a list that nothing else gives an order must not change from one look to the next."""
    for account in ("anna", "bert", "cleo", "dan", "eve", "flo"):
        grant_cover.name_custodian(desk.store, desk.clock, "anna", account, "Custodian.")
    with desk.store.read() as connection:
        now = [row.id for row in grant_cover.in_force(connection, desk.clock.now())]
    assert now == sorted(now)
    assert now == [row.id for row in grant_cover.listing(desk.store)]


def test_cover_lasts_for_some_time_and_ends_in_the_future(desk: Any) -> None:
    now = desk.clock.now()
    for starts, ends in (
        (now, now),
        (now + timedelta(days=1), now + timedelta(days=1)),
        (now - timedelta(days=1), now),
    ):
        refused(
            lambda starts=starts, ends=ends: grant_cover.name_cover(  # type: ignore[misc]
                desk.store, desk.clock, "anna", "zoe", starts, ends, "Holiday."
            ),
            "grant.bad-cover",
        )
