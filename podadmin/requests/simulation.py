"""What would rules have decided? Past requests decided again with other rules, everything else as it was then.

What the gate's own checks and the grants said of a request is kept with it; only the rules are asked anew. So a
simulation and the live decider are the same computation: `replay` gives the very verdict, line by line, that `decide`
would have given with these rules at that moment, and `simulate` gives its outcome without writing the lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from podadmin.requests.policy import Rules
from podadmin.requests.rule_facts import Facts
from podadmin.requests.rules import Rule
from podadmin.requests.verdict import GRANT, RULE, Considered, Outcome, Stance, Verdict, outcome_of, strongest, weigh

_AGAINST: Final = frozenset({("allow", "refuse"), ("refuse", "allow")})


@dataclass(frozen=True)
class Circumstances:
    """What was said of a request apart from rules, as it stands before and after them in the trace."""

    before: tuple[Considered, ...]
    after: tuple[Considered, ...]

    @classmethod
    def of(cls, verdict: Verdict) -> Circumstances:
        """The circumstances of a verdict: its trace without the rules."""
        trace = verdict.trace
        places = [place for place, each in enumerate(trace) if each.about.startswith(RULE)]
        grants = next((place for place, each in enumerate(trace) if each.about.startswith(GRANT)), len(trace))
        begin, end = (places[0], places[-1] + 1) if places else (grants, grants)
        return cls(trace[:begin], trace[end:])

    @property
    def stance(self) -> Stance:
        """The strongest of it."""
        return strongest(each.outcome for each in (*self.before, *self.after))


@dataclass(frozen=True)
class Past:
    """A past request, for deciding again. `at`: when it was decided. `stance`: that of its circumstances.

    `decided`: allow | refuse for what a person decided then; empty where nobody did.
    """

    request_id: str
    number: int
    at: datetime
    facts: Facts
    stance: Stance
    decided: str = ""


@dataclass(frozen=True)
class Flip:
    """A request that would be decided otherwise. `decided` as in Past."""

    request_id: str
    was: Outcome
    now: Outcome
    decided: str


@dataclass(frozen=True)
class Simulated:
    """`total` requests were decided again; `spoken`: of how many the rule speaks; `flips` come newest first."""

    total: int
    spoken: int
    flips: tuple[Flip, ...]

    def to(self, outcome: Outcome) -> tuple[Flip, ...]:
        """The requests that would flip to `outcome`."""
        return tuple(each for each in self.flips if each.now == outcome)

    @property
    def against(self) -> tuple[Flip, ...]:
        """The requests that would be allowed although a person refused them, or refused although one allowed them."""
        return tuple(each for each in self.flips if (each.now, each.decided) in _AGAINST)


def simulate(past: Iterable[Past], rules: Rules, edited: Rule | None, without: str = "") -> Simulated:
    """Decide `past` again: with `rules`, and with `edited` in its place among them.

    `edited` None with the id of a rule in `without`: as if that one were removed. Rules count as if they had been in
    force for ever.
    """
    always = rules.as_if_always()
    replaced = edited.id if edited is not None else without
    rest = always.without(replaced)
    before = [each for each in always if each.rule.id == replaced]
    after = list(Rules([edited]).as_if_always()) if edited is not None else []
    flips: list[Flip] = []
    total = spoken = 0
    for each in past:
        total += 1
        others = strongest((each.stance, rest.stance(each.facts, each.at)))
        said = [one.says(each.facts, each.at) for one in after]
        spoken += any(one != "does-not-apply" for one in said)
        was = outcome_of(strongest((others, *(one.says(each.facts, each.at) for one in before))))
        now = outcome_of(strongest((others, *said)))
        if was != now:
            flips.append(Flip(each.request_id, was, now, each.decided))
    return Simulated(total, spoken, tuple(reversed(flips)))


def replay(facts: Facts, at: datetime, circumstances: Circumstances, rules: Rules) -> Verdict:
    """The verdict that `decide` gives on these facts in these circumstances with `rules`, with its whole trace."""
    said: Sequence[Considered] = rules.opinions(facts, at)
    return weigh((*circumstances.before, *said, *circumstances.after))
