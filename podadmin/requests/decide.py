"""The decider: one pure function from what is known about a request to allow, refuse or hold, with its reasons.

The gate's own checks, every rule and every grant are asked for their opinion and written into the trace; `weigh` turns
opinions into a verdict. Nothing in here knows the time, the store or the order in which rules were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from podadmin.core.errors import PodadminError
from podadmin.core.text import stranger
from podadmin.limits.model import Meter
from podadmin.limits.own import Own, standing, words
from podadmin.requests.effects import Effects
from podadmin.requests.envelope import BY_LOG_IN, Verified, VerifiedRequest
from podadmin.requests.grant_pins import Pins, pins_of
from podadmin.requests.grants import Grant, enough, matches
from podadmin.requests.policy import Grants, Rules
from podadmin.requests.protocols import read
from podadmin.requests.rule_facts import Facts, facts_of
from podadmin.requests.rules import Rule
from podadmin.requests.verdict import GRANT, Considered, Outcome, Stance, Verdict, weigh

__all__ = ["ACCEPT", "Considered", "Invalid", "Outcome", "Stance", "Verdict", "decide"]

ACCEPT: Final = "ACCEPT"
LATER: Final = "LATER"
"""The network was not asked yet, and will be by the pod itself."""
NO_RULES: Final = Rules()
_OWN_WORDS: Final = 400
CLOCK_SLACK: Final = timedelta(seconds=120)
"""How far the clock may be behind the journal: time servers set clocks back by less."""


@dataclass(frozen=True)
class Invalid:
    """A request that could not be verified: the error that `judge` or the opening before it raised."""

    code: str
    what: str
    why: str

    @classmethod
    def of(cls, error: PodadminError) -> Invalid:
        return cls(error.code, error.what, error.why)


def decide(
    request: Verified[VerifiedRequest] | Invalid,
    *,
    effects: Effects | None,
    grants: Grants | Sequence[Grant],
    limits: Sequence[Meter],
    access: str | None,
    now: datetime,
    replay: bool,
    pins: Pins | None = None,
    rules: Rules | Iterable[Rule] = NO_RULES,
    facts: Facts | None = None,
    latest: datetime | None = None,
) -> Verdict:
    """Allow, refuse or hold a request.

    `effects` is its effect statement (None where it could not be verified). `grants` may hold grants for anything;
    only those that match count. `limits` are the meters of the models that it uses. `access` is the code with which
    the network's access check answered, None where it has not answered. `replay`: the same body or the same task was
    seen before. `pins` are what grants are held against, `facts` what rules are; None: those of the request by itself.
    `latest` is the last moment that the journal knows: a clock that says less was set back.

    Codes: the code of an Invalid, `request.replayed`, `request.network-refused`, `limit.exhausted`,
    `limit.own-exhausted`, `rule.refused` (refuse); `request.clock-behind`, `request.identity-unproved`,
    `request.network-unanswered`,
    `limit.unknown`, `request.effects-missing`, `rule.held`, `request.undecided` (hold); `rule.allowed`,
    `request.granted` (allow).
    """
    prepared = rules if isinstance(rules, Rules) else Rules(rules)
    shelf = grants if isinstance(grants, Grants) else Grants.of(grants)
    opinions = [_replay(replay), _access(access)]
    if isinstance(request, Invalid):
        return weigh([*opinions, Considered("Envelope", "refuses", f"{request.what} {request.why}", request.code)])
    seen = facts if facts is not None else facts_of(request, effects)
    asked = pins if pins is not None else pins_of(request)
    return weigh(
        [
            *opinions,
            _envelope(request.value),
            _clock(now, latest),
            _effects(effects),
            *_limits(request, limits),
            *prepared.opinions(seen, now),
            *_grants(shelf, asked, seen.inferences, now),
        ]
    )


def _envelope(request: VerifiedRequest) -> Considered:
    if request.auth_type in BY_LOG_IN:
        return Considered(
            "Envelope",
            "holds",
            "The seal is whole, but who sent it is proved by a log-in that only the network can check, when the pod "
            "begins. Nothing but a person allows it.",
            "request.identity-unproved",
        )
    return Considered("Envelope", "passes", "The seal is whole and the signature is right.")


def _replay(replay: bool) -> Considered:
    if replay:
        return Considered(
            "Seen before",
            "refuses",
            "The very same message or task came before. A requester who wants another run sends a new request.",
            "request.replayed",
        )
    return Considered("Seen before", "passes", "Neither this message nor this task was seen before.")


def _access(access: str | None) -> Considered:
    name = "The network's access check"
    if access == LATER:
        return Considered(name, "passes", "The pod asks for it before it begins, and does not begin without a yes.")
    if access is None:
        return Considered(
            name, "holds", "The network has not said whether it permits this.", "request.network-unanswered"
        )
    if access != ACCEPT:
        return Considered(
            name, "refuses", f"The network does not permit this ({stranger(access, 40)}).", "request.network-refused"
        )
    return Considered(name, "passes", "The network permits it.")


def _clock(now: datetime, latest: datetime | None) -> Considered:
    if latest is not None and now < latest - CLOCK_SLACK:
        return Considered(
            "Clock",
            "holds",
            "This computer's clock says an earlier time than the journal's last entry, so nothing that ends at a "
            "certain time can be trusted. Set the clock right.",
            "request.clock-behind",
        )
    return Considered("Clock", "passes", "This computer's clock goes on from where the journal ends.")


def _effects(effects: Effects | None) -> Considered:
    if effects is None:
        return Considered("Effects", "holds", "What it would do was not worked out.", "request.effects-missing")
    if not effects.known:
        return Considered("Effects", "passes", "What it would do is not known; that counts as the worst.")
    return Considered("Effects", "passes", f"What it would do is known; its risk is {effects.risk}.")


def _limits(request: Verified[VerifiedRequest], limits: Sequence[Meter]) -> Iterator[Considered]:
    found = {each.key.resource: each for each in limits}
    models = {each.slug for each in read(request).models}
    for slug in sorted(models | set(found)):
        yield _limit(slug, found.get(slug))


def _limit(slug: str, meter: Meter | None) -> Considered:
    name = f"Limit of {stranger(slug) or 'a model without a full name'}"
    if meter is None or meter.mode == "unknown":
        return Considered(name, "holds", "Nobody has said how often this model may be used.", "limit.unknown")
    own = meter.used_up_own
    if own is not None:
        why = f"Your own limit, {_own_words(own)}, is used up or promised away."
        told = "The custodian's limit for this use is used up or promised away."
        return Considered(name, "refuses", why, "limit.own-exhausted", told=told)
    if meter.exhausted:
        return Considered(name, "refuses", "The limit of this model is used up or promised away.", "limit.exhausted")
    said = ["The network sets no limit for this model in this project."]
    if meter.limit is not None:
        said = [f"{meter.network_free:.15g} of {meter.limit:.15g} inferences are free."]
    said += [f"Your own limit, {_own_words(each)}: {standing(each)}." for each in meter.own]
    return Considered(name, "passes", " ".join(said))


def _own_words(own: Own) -> str:
    return stranger(words(own.limit), _OWN_WORDS)


def _grants(shelf: Grants, pins: Pins, inferences: float | None, now: datetime) -> Iterator[Considered]:
    near = shelf.near(pins)
    for grant in near:
        outcome = matches(grant, pins, now)
        covers, why = outcome.matches, outcome.why
        if covers and not _enough(grant, inferences):
            covers, why = False, "It has fewer inferences left than the request can use."
        code = "request.granted" if covers else ""
        yield Considered(f"Grant {grant.id}", "allows" if covers else "does-not-apply", why, code, GRANT + grant.id)
    others = shelf.count - len(near)
    if others:
        words = "1 other grant is" if others == 1 else f"{others:,} other grants are"
        yield Considered("Other grants", "does-not-apply", f"{words} for other requests.", about=GRANT)


def _enough(grant: Grant, inferences: float | None) -> bool:
    return grant.inferences_left is None or (inferences is not None and enough(grant, (inferences,)))
