"""Why was a request not allowed, and what is the least that would have to be otherwise?

The evaluator itself finds it: each condition that stands in the way has changes that would satisfy it, on the side of
the request or on the side of the rule. The fewest changes win, and every answer was applied and decided again before
it is given. What no rule can change (a limit, the network's word, a replay) is named apart.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from podadmin.core.text import quoted
from podadmin.requests.policy import Rules
from podadmin.requests.rule_changes import eased, met, narrowed, unmet
from podadmin.requests.rule_facts import Facts
from podadmin.requests.rule_fields import FIELDS
from podadmin.requests.rule_match import Prepared
from podadmin.requests.rule_words import changes, value_words
from podadmin.requests.rules import Rule
from podadmin.requests.simulation import Circumstances, replay
from podadmin.requests.suggestion import intersection

Side = Literal["request", "rule"]
MOST_STEPS: Final = 6
MOST_LOOKS: Final = 400
NEAREST: Final = 20
"""So many of the rules that allow are tried, those with the fewest conditions in the way first."""
_STANDS: Final = frozenset({"refuses", "holds"})


@dataclass(frozen=True)
class WayOut:
    """A smallest change after which the request is allowed. `words`: one sentence a change.

    `side`: what would have to change, the request or rules. `facts`, `at` and `rules` are as they would be then;
    `changed` are the rules that are not what they were.
    """

    side: Side
    words: tuple[str, ...]
    facts: Facts
    at: datetime
    rules: Rules
    changed: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class WhyNot:
    """`blockers`: what stands in the way whatever rules say. `ways`: at most one for each side. `new_rule`: the
    narrowest rule that would cover the request, where one can be written.
    """

    blockers: tuple[str, ...]
    ways: tuple[WayOut, ...]
    new_rule: Rule | None = None


@dataclass(frozen=True)
class _State:
    facts: Facts
    at: datetime
    rules: Rules
    words: tuple[str, ...] = ()
    changed: tuple[Rule, ...] = ()


def why_not(facts: Facts, at: datetime, circumstances: Circumstances, rules: Rules) -> WhyNot:
    """What would have to be otherwise for a request to be allowed. Nothing at all where it is allowed as it stands."""
    if replay(facts, at, circumstances, rules).outcome == "allow":
        return WhyNot((), ())
    said = (*circumstances.before, *circumstances.after)
    blockers = tuple(f"{each.name}: {each.why}" for each in said if each.outcome in _STANDS)
    free = Circumstances(
        tuple(each for each in circumstances.before if each.outcome not in _STANDS),
        tuple(each for each in circumstances.after if each.outcome not in _STANDS),
    )
    start = _State(facts, at, rules)
    found = (_way(side, start, free) for side in ("request", "rule"))
    return WhyNot(blockers, tuple(each for each in found if each is not None), _new_rule(start, free))


def _new_rule(start: _State, free: Circumstances) -> Rule | None:
    """The narrowest rule for exactly this request; None where it could not be written or would not help by itself."""
    if start.facts.level == "unknown":
        return None
    rule = intersection([start.facts], start.at.date())
    if rule is None or replay(start.facts, start.at, free, start.rules.with_rule(rule)).outcome != "allow":
        return None
    return rule


def _way(side: Side, start: _State, free: Circumstances) -> WayOut | None:
    """The smallest change on one side, applied and decided again; None where none was found."""
    queue: list[tuple[int, int, _State]] = [(0, 0, start)]
    looks = 0
    while queue and looks < MOST_LOOKS:
        cost, _place, state = heapq.heappop(queue)
        looks += 1
        if cost and replay(state.facts, state.at, free, state.rules).outcome == "allow":
            return WayOut(side, state.words, state.facts, state.at, state.rules, state.changed)
        for number, after in enumerate(_steps(side, state)):
            if len(after.words) <= MOST_STEPS:
                heapq.heappush(queue, (len(after.words), looks * 1000 + number, after))
    return None


def _steps(side: Side, state: _State) -> Iterator[_State]:
    """The states that lie one meaningful change away: a rule in the way undone, or else a rule that allows reached."""
    standing = [each for each in state.rules if each.says(state.facts, state.at) in _STANDS]
    if standing:
        yield from _undo(side, state, standing[0])
        return
    allowing = [each for each in state.rules if each.rule.verdict == "allow" and not each.from_the_future(state.at)]
    allowing.sort(key=lambda each: (not each.rule.enabled) + sum(1 for _ in each.against(state.facts, state.at)))
    for each in allowing[:NEAREST]:
        yield from _reach(side, state, each)


def _undo(side: Side, state: _State, prepared: Prepared) -> Iterator[_State]:
    rule = prepared.rule
    if side == "rule":
        for answer in prepared.answers(state.facts, state.at):
            smaller = narrowed(answer.condition, state.facts, state.at)
            if smaller is not None:
                yield _with_rule(state, rule, rule.with_condition(answer.condition.field, smaller))
        yield _with_rule(state, rule, replace(rule, enabled=False))
        return
    for answer in prepared.answers(state.facts, state.at):
        for facts, at in unmet(answer.condition, state.facts, state.at):
            yield _with_request(state, answer.condition.field, facts, at)


def _reach(side: Side, state: _State, prepared: Prepared) -> Iterator[_State]:
    rule = prepared.rule
    against = tuple(each.condition for each in prepared.against(state.facts, state.at))
    if side == "rule":
        wider = replace(rule, enabled=True)
        for each in against:
            wider = wider.with_condition(each.field, eased(each, state.facts))
        if wider.conditions and wider != rule:
            yield _with_rule(state, rule, wider)
        return
    if not rule.enabled:
        return
    states = [state]
    for each in against:
        states = [
            _with_request(before, each.field, facts, at)
            for before in states
            for facts, at in met(each, before.facts, before.at)
        ]
    yield from states


def _with_rule(state: _State, was: Rule, now: Rule) -> _State:
    words = tuple(f"Rule {quoted(was.name, 120)}. {each}" for each in changes(was, now))
    changed = (*(each for each in state.changed if each.id != now.id), now)
    return replace(state, rules=state.rules.with_rule(now), words=(*state.words, *words), changed=changed)


def _with_request(state: _State, field: str, facts: Facts, at: datetime) -> _State:
    asked = FIELDS[field]
    was, now = value_words(asked, state.facts, state.at), value_words(asked, facts, at)
    return replace(state, facts=facts, at=at, words=(*state.words, f"{asked.label}: {now}, and not: {was}."))
