"""Does a rule speak about a request? Each condition answers yes, no or unknown, and unknown counts as the worst.

A rule that allows needs a yes from every condition, and never covers a request of which it is not known what it would
do. A rule that refuses or holds speaks unless some condition says no: what is not known never helps and can always
hurt. For the same reason the forms in which one name can be written are told apart only where that makes a rule
stricter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from podadmin.core.text import folded
from podadmin.requests.effect_facts import LEVELS
from podadmin.requests.rule_facts import Facts
from podadmin.requests.rule_fields import ALL, FIELDS, NONE
from podadmin.requests.rule_models import Models, Truth
from podadmin.requests.rule_time import Times
from podadmin.requests.rules import Condition, Rule
from podadmin.requests.verdict import Stance

Test = Callable[[Facts, datetime], Truth]
Fold = Callable[[str], str]
STANCES: Final[dict[str, Stance]] = {"allow": "allows", "refuse": "refuses", "hold": "holds", "look": "passes"}
_RANK: Final[dict[str, int]] = {level: rank for rank, level in enumerate(LEVELS)}
_UNKNOWN_LEVEL: Final = "unknown"
_NEGATED: Final[dict[Truth, Truth]] = {"yes": "no", "no": "yes", "unknown": "unknown"}
_ONE: Final[dict[str, Callable[[Facts], str]]] = {
    "network": lambda facts: facts.network,
    "requester_key": lambda facts: facts.requester_key,
    "requester_name": lambda facts: facts.requester_name,
    "project": lambda facts: facts.project,
    "datasource": lambda facts: facts.datasource,
    "protocol": lambda facts: facts.protocol,
    "identity": lambda facts: facts.identity,
}
_FLAGS: Final[dict[str, Callable[[Facts], bool | None]]] = {
    "ehr": lambda facts: facts.ehr,
    "beside": lambda facts: facts.beside,
}
FLAGGED: Final = frozenset({"used", "some"})
"""The values of flags that ask for one to be set."""
INDEXED: Final = tuple(_ONE)
"""Fields by which rules can be looked up: a request has exactly one value for each."""


@dataclass(frozen=True)
class Answer:
    """What one condition says about a request."""

    condition: Condition
    truth: Truth


class Prepared:
    """A rule made ready to be asked many times."""

    __slots__ = ("_tests", "rule", "stance")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.stance = STANCES[rule.verdict]
        self._tests = tuple((each, check_of(each, rule.verdict)) for each in rule.conditions)

    def says(self, facts: Facts, at: datetime) -> Stance:
        """The rule's stance on a request that is decided at `at`: its own, or `does-not-apply`."""
        rule = self.rule
        if not rule.enabled:
            return "does-not-apply"
        if rule.verdict == "allow":
            if facts.level == _UNKNOWN_LEVEL or self.from_the_future(at):
                return "does-not-apply"
            for _condition, test in self._tests:
                if test(facts, at) != "yes":
                    return "does-not-apply"
            return "allows"
        for _condition, test in self._tests:
            if test(facts, at) == "no":
                return "does-not-apply"
        return self.stance

    def watches(self, facts: Facts, at: datetime) -> bool:
        """Are the results of a request that was decided at `at` held where this rule says so?

        Whatever its verdict is: what is not known about a request can always hold its results, and never frees them.
        """
        if not (self.rule.enabled and self.rule.results):
            return False
        return all(test(facts, at) != "no" for _condition, test in self._tests)

    def from_the_future(self, at: datetime) -> bool:
        """Did this version come into force later than `at`? Then the clock was set back and nothing can be allowed."""
        return self.rule.since is not None and at < self.rule.since

    def answers(self, facts: Facts, at: datetime) -> Iterator[Answer]:
        """What every condition says, in the order of the form."""
        for each, test in self._tests:
            yield Answer(each, test(facts, at))

    def against(self, facts: Facts, at: datetime) -> Iterator[Answer]:
        """The conditions because of which the rule does not speak."""
        wanted = {"no", "unknown"} if self.rule.verdict == "allow" else {"no"}
        return (each for each in self.answers(facts, at) if each.truth in wanted)

    def key(self) -> tuple[tuple[str, str], ...]:
        """Field and value, folded, of which a request must have one for the rule to speak; empty: any request."""
        for field in INDEXED:
            found = self.rule.condition(field)
            if found is not None and found.mode == "only":
                return tuple((field, folded(each)) for each in found.values)
        return ()


def keys_of(facts: Facts) -> tuple[tuple[str, str], ...]:
    """The keys under which the rules that may speak about a request are found."""
    return tuple((field, folded(value(facts))) for field, value in _ONE.items())


def as_is(text: str) -> str:
    return text


def check_of(condition: Condition, verdict: str) -> Test:
    """The condition as a function. `verdict` decides on which side doubt about spelling falls."""
    fold = folded if (verdict != "allow") != (condition.mode == "other") else as_is
    kind = FIELDS[condition.field].kind
    if kind == "one":
        return _one(condition, fold)
    if kind == "some":
        return _some(condition, fold)
    if kind == "models":
        return _models(condition, fold)
    if kind == "level":
        return _level(condition)
    if kind == "number":
        return _number(condition)
    if kind == "yes-no":
        return _flag(condition)
    return _time(condition)


def _one(condition: Condition, fold: Fold) -> Test:
    value, wanted = _ONE[condition.field], frozenset(map(fold, condition.values))
    if condition.mode == NONE:
        return lambda facts, _at: "no" if value(facts) else "yes"
    inside: Truth = "yes" if condition.mode == "only" else "no"
    outside = _NEGATED[inside]
    return lambda facts, _at: inside if fold(value(facts)) in wanted else outside


def _some(condition: Condition, fold: Fold) -> Test:
    wanted = frozenset(map(fold, condition.values))
    field, mode = condition.field, condition.mode

    def test(facts: Facts, _at: datetime) -> Truth:
        found, open_ended = _found(field, facts)
        inside = [fold(each) in wanted for each in found]
        doubt: Truth = "unknown" if open_ended else "no"
        if mode == NONE:
            return "no" if found else "unknown" if open_ended else "yes"
        if mode == "any":
            return "yes" if any(inside) else doubt
        if mode == "other":
            return doubt if all(inside) else "yes"
        if not all(inside):
            return "no"
        # a request that reads no column at all reads no other; one without a purpose has none that could be right
        return "yes" if (inside or field == "column") and not open_ended else doubt

    return test


def _found(field: str, facts: Facts) -> tuple[tuple[str, ...], bool]:
    """The values that a request has for a field, and whether there may be more."""
    if field == "column":
        return facts.columns, facts.all_columns
    if field == "algorithm":
        return facts.algorithms, False
    return facts.purposes, False


def _models(condition: Condition, fold: Fold) -> Test:
    wanted = tuple(Models.read(each) for each in condition.values)
    mode = condition.mode

    if mode == NONE:
        return lambda facts, _at: "no" if facts.models else "yes"

    def test(facts: Facts, _at: datetime) -> Truth:
        covered = [_best(each.covers(model, fold) for each in wanted) for model in facts.models]
        if mode == "any":
            return _best(covered)
        if mode == "other":
            return _best(_NEGATED[each] for each in covered)
        return _NEGATED[_best(_NEGATED[each] for each in covered)] if covered else "no"

    return test


def _best(truths: Iterator[Truth] | list[Truth]) -> Truth:
    """Yes if one says so, else unknown if one does, else no."""
    found = set(truths)
    return "yes" if "yes" in found else "unknown" if "unknown" in found else "no"


def _level(condition: Condition) -> Test:
    bound = _RANK[condition.values[0]]
    within: Truth = "yes" if condition.mode == "at-most" else "no"
    beyond = _NEGATED[within]

    def test(facts: Facts, _at: datetime) -> Truth:
        rank = _RANK.get(facts.level, _RANK["unknown"])
        return "unknown" if rank == _RANK["unknown"] else within if rank <= bound else beyond

    return test


def _number(condition: Condition) -> Test:
    bound = math.inf if condition.values[0] == ALL else int(condition.values[0])
    mode, group = condition.mode, condition.field == "group"

    def test(facts: Facts, _at: datetime) -> Truth:
        found = facts.smallest_group if group else facts.inferences
        if group and facts.whole:
            return "yes" if mode == "at-least" else "no"
        if found is None:
            return "unknown"
        if mode == "at-most":
            return "yes" if found <= bound else "no"
        if mode == "more-than":
            return "yes" if found > bound else "no"
        if mode == "at-least":
            return "yes" if found >= bound else "no"
        return "yes" if found < bound else "no"

    return test


def _flag(condition: Condition) -> Test:
    value, wanted = _FLAGS[condition.field], condition.values[0] in FLAGGED
    return lambda facts, _at: "unknown" if value(facts) is None else "yes" if value(facts) == wanted else "no"


def _time(condition: Condition) -> Test:
    times = Times.read(condition.values)
    inside: Truth = "yes" if condition.mode == "within" else "no"
    outside = _NEGATED[inside]
    return lambda _facts, at: inside if times.holds(at) else outside
