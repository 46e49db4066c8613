"""What is said about a request, and how it is weighed: the one place where opinions become allow, refuse or hold.

Opinions come from the gate's own checks, from rules and from grants. A single refusal refuses; without one a single
doubt holds; only then does a permission allow; and where nobody says anything a person decides: the default is hold.
New kinds of opinion can be added; they cannot change how opinions are weighed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Outcome = Literal["allow", "refuse", "hold"]
Stance = Literal["refuses", "holds", "allows", "passes", "does-not-apply"]
WEIGHT: Final[tuple[tuple[Stance, Outcome], ...]] = (("refuses", "refuse"), ("holds", "hold"), ("allows", "allow"))
"""From the strongest to the weakest. What is not in it says nothing."""
UNDECIDED: Final = "request.undecided"
RULE: Final = "rule:"
GRANT: Final = "grant:"


@dataclass(frozen=True)
class Considered:
    """One line of the trace: who was asked, what they say, why.

    `code` names the opinion for programs. `about` is `rule:ID@VERSION`, `grant:ID` or empty. `reviewers`: how many
    people have to agree, where this is what holds the request. `told`: what the requester is told, where that is not
    `why`.
    """

    name: str
    outcome: Stance
    why: str
    code: str = ""
    about: str = ""
    reviewers: int = 1
    told: str = ""


@dataclass(frozen=True)
class Verdict:
    """`code` and `words` name the opinion that settled it; `rule` (`ID@VERSION`) or `grant_id` is what allows or
    refuses, where one of them does. `reviewers` people have to agree to let it run.
    """

    outcome: Outcome
    code: str
    words: str
    trace: tuple[Considered, ...]
    grant_id: str = ""
    rule: str = ""
    reviewers: int = 1


def weigh(opinions: Sequence[Considered]) -> Verdict:
    """The verdict on a request about which this was said. Of two opinions of one weight, the first one settles it."""
    trace = tuple(opinions)
    reviewers = max((each.reviewers for each in trace if each.outcome == "holds"), default=1)
    for stance, outcome in WEIGHT:
        for each in trace:
            if each.outcome == stance:
                return Verdict(
                    outcome,
                    each.code,
                    each.told or each.why,
                    trace,
                    each.about.removeprefix(GRANT) if each.about.startswith(GRANT) else "",
                    each.about.removeprefix(RULE) if each.about.startswith(RULE) else "",
                    reviewers,
                )
    return Verdict("hold", UNDECIDED, "Nobody has decided on a request like this: you decide.", trace)


def strongest(stances: Iterable[Stance]) -> Stance:
    """The stance that settles a verdict; `passes` where none does."""
    found = frozenset(stances)
    return next((stance for stance, _outcome in WEIGHT if stance in found), "passes")


def outcome_of(stance: Stance) -> Outcome:
    """The verdict that a strongest stance leads to."""
    return next((outcome for each, outcome in WEIGHT if each == stance), "hold")
