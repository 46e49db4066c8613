"""Rules at the real gate: what one allows reaches the pod by itself, what one refuses is told why, and each is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from podadmin.core.clock import SystemClock
from podadmin.requests import rule_service, service
from podadmin.requests.grant_moves import Terms
from podadmin.requests.policy import Rules
from podadmin.requests.projects import state_purpose
from podadmin.requests.rule_history import past, tried
from podadmin.requests.rules import draft
from podadmin.requests.simulation import replay, simulate
from podadmin.requests.state import State

CLOCK = SystemClock()


def test_a_rule_lets_through_and_another_refuses_and_both_are_kept_for_later(
    network: Any, tell: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        waiting = await rig.comes_to(await rig.send("sql"), State.HELD)
        with rig.store.read() as connection:
            known = tried(connection, waiting.row.id)
        allow = draft(
            "Counts",
            "allow",
            {"requester_key": f"only: {known.facts.requester_key}", "leaves": f"at-most: {known.facts.level}"},
        )
        with rig.store.read() as connection:
            found = simulate(past(connection), Rules(), allow)
        assert [flip.request_id for flip in found.to("allow")] == [waiting.row.id]

        made = rule_service.add(rig.store, CLOCK, "anna", allow, "The committee agreed.")
        sent = await rig.send("sql")
        approved = await rig.comes_to(sent, State.APPROVED, State.DELIVERING)
        assert approved.decision.by == "rule"
        assert ("request.approved", {"rule": made.mark}) in [
            (act, {"rule": body.get("rule")}) for act, body in rig.entries(approved.row.id)
        ]
        assert (await rig.take()).route.task_id == sent.route.task_id

        refuse = draft("Not that project", "refuse", {"project": "only: glaucoma-study"}, message="Not before May.")
        rule_service.add(rig.store, CLOCK, "anna", refuse, "The board said so.")
        sent = await rig.send("sql")
        refused = await rig.comes_to(sent, State.REFUSED)
        heard = await rig.heard(sent, "JOB_REJECT")
        assert "Not before May." in str(heard[-1].value)
        with rig.store.read() as connection:
            kept = tried(connection, refused.row.id)
            rules = rule_service.rules_of(connection)
        again = replay(kept.facts, kept.at, kept.circumstances, rules.as_if_always())
        shown = refused.findings["trace"]
        assert (again.outcome, again.words) == ("refuse", "Not before May.")
        assert [line["considered"] for line in shown[:-1]] == [each.name for each in again.trace]

    tell(network, story)


def test_of_two_figures_that_can_be_set_against_each_other_a_rule_allows_one(
    network: Any, tell: Callable[..., None]
) -> None:
    """Two at once; the first that was opened goes, and whatever came after it is for a person, but the same again."""
    every, some = "SELECT COUNT(*) AS n FROM t", "SELECT COUNT(*) AS n FROM t WHERE age < 89 HAVING COUNT(*) >= 10"

    async def story(rig: Any) -> None:
        counts = draft("Counts", "allow", {"leaves": "at-most: aggregate", "beside": "is: none"})
        rule_service.add(rig.store, CLOCK, "anna", counts, "One figure tells of nobody.")
        allowed, held = (State.APPROVED, State.DELIVERING, State.RUNNING), State.HELD
        both = {query: await rig.send("sql", query=query) for query in (every, some)}
        found = {query: await rig.comes_to(sent, *allowed, held) for query, sent in both.items()}
        (went,) = (query for query, each in found.items() if each.row.state != held)
        (waits,) = (each for each in found.values() if each.row.state == held)
        (line,) = (each for each in waits.findings["trace"] if each["considered"] == "Rule “Counts”")
        assert (
            "Other figures: may be set against these. The rule asks: Other figures of the same data" in line["outcome"]
        )
        await rig.comes_to(await rig.send("sql", query=went), *allowed)
        await rig.comes_to(await rig.send("sql", query=some if went == every else every), held)
        with rig.store.read() as connection:
            kept = tried(connection, waits.row.id)
            rules = rule_service.rules_of(connection)
        assert kept.facts.beside is True
        assert replay(kept.facts, kept.at, kept.circumstances, rules.as_if_always()).outcome == "hold"

    tell(network, story)


def test_a_grant_is_pinned_to_the_purpose_of_its_project_and_to_the_model_behind_its_name(
    network: Any, tell: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        first = await rig.comes_to(await rig.send("inference"), State.HELD)
        assert first.findings["models"] == [{"resource": "research-lab/hba1c-risk:1", "hash": "aa" * 32}]
        project = first.row.project
        state_purpose(rig.store, CLOCK, "anna", project, ["DUO:0000037"])

        def granted(found: Any) -> Any:
            service.approve(rig.store, CLOCK, found.row.id, "anna", "", 30, Terms(runs=5))
            return lambda: rig.grant_from(found.row.id)

        grant = granted(first)
        covered = await rig.comes_to(await rig.send("inference"), State.APPROVED, State.DELIVERING)
        assert covered.row.grant_id == grant().id

        rig.settings["model_hash"] = ""
        unknown = await rig.comes_to(await rig.send("inference"), State.HELD)
        assert grant().ended == "", "what cannot be told now is no change"
        assert unknown.findings["models"][0]["hash"] == ""
        rig.settings["model_hash"] = "bb" * 32
        other = await rig.comes_to(await rig.send("inference"), State.HELD)
        assert grant().ended == "voided"
        assert "The model behind its name: was research-lab/hba1c-risk:1: aa" in grant().voided_reason
        assert any("now research-lab/hba1c-risk:1: bb" in line["outcome"] for line in other.findings["trace"])

        newer = granted(other)
        await rig.comes_to(await rig.send("inference"), State.APPROVED, State.DELIVERING)
        assert state_purpose(rig.store, CLOCK, "anna", project, ["DUO:0000031"]) == (newer().id,)
        assert "was biomedical research (DUO:0000037), now method development" in newer().voided_reason
        await rig.comes_to(await rig.send("inference"), State.HELD)

    tell(network, story, model_hash="aa" * 32)
