"""The decider: one pure function from what is known about a request to allow, refuse or hold, with its reasons.

Every input is asked for its opinion and written into the trace. A single refusal refuses; without one, a single doubt
holds; only then does a permission allow; and where nobody says anything, a person decides: the default is hold.
New kinds of input (rules, reviewers) are further opinions; they cannot change how opinions are weighed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from podadmin.core.errors import PodadminError
from podadmin.core.text import stranger
from podadmin.limits.model import Meter
from podadmin.requests.effects import Effects
from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.fingerprint import fingerprint
from podadmin.requests.grants import Grant, matches
from podadmin.requests.protocols import read

ACCEPT: Final = "ACCEPT"
Outcome = Literal["allow", "refuse", "hold"]
Stance = Literal["refuses", "holds", "allows", "passes", "does-not-apply"]
_WEIGHT: Final[tuple[tuple[Stance, Outcome], ...]] = (("refuses", "refuse"), ("holds", "hold"), ("allows", "allow"))


@dataclass(frozen=True)
class Invalid:
    """A request that could not be verified: the error that `judge` or the opening before it raised."""

    code: str
    what: str
    why: str

    @classmethod
    def of(cls, error: PodadminError) -> Invalid:
        return cls(error.code, error.what, error.why)


@dataclass(frozen=True)
class Considered:
    """One line of the trace. `outcome`: refuses | holds | allows | passes | does-not-apply."""

    name: str
    outcome: Stance
    why: str


@dataclass(frozen=True)
class Verdict:
    """`code` and `words` name the opinion that settled it. `grant_id` is the grant that allows, else empty."""

    outcome: Outcome
    code: str
    words: str
    trace: tuple[Considered, ...]
    grant_id: str = ""


@dataclass(frozen=True)
class _Opinion:
    considered: Considered
    code: str
    grant_id: str = ""


def decide(
    request: Verified[VerifiedRequest] | Invalid,
    *,
    effects: Effects | None,
    grants: Sequence[Grant],
    limits: Sequence[Meter],
    access: str | None,
    now: datetime,
    replay: bool,
) -> Verdict:
    """Allow, refuse or hold a request.

    `effects` is its effect statement (None where it could not be verified). `grants` may hold grants for anything;
    only those that match count. `limits` are the meters of the models that it uses. `access` is the code with which
    the network's access check answered, None where it has not answered. `replay`: the same body or the same task was
    seen before.

    Codes: the code of an Invalid, `request.replayed`, `request.network-refused`, `limit.exhausted` (refuse);
    `request.network-unanswered`, `limit.unknown`, `request.effects-missing`, `request.undecided` (hold);
    `request.granted` (allow).
    """
    opinions = [*_opinions(request, effects, grants, limits, access, now, replay)]
    trace = tuple(each.considered for each in opinions)
    for stance, outcome in _WEIGHT:
        for each in opinions:
            if each.considered.outcome == stance:
                return Verdict(outcome, each.code, each.considered.why, trace, each.grant_id)
    return Verdict("hold", "request.undecided", "Nobody has decided on a request like this: you decide.", trace)


def _opinions(
    request: Verified[VerifiedRequest] | Invalid,
    effects: Effects | None,
    grants: Sequence[Grant],
    limits: Sequence[Meter],
    access: str | None,
    now: datetime,
    replay: bool,
) -> Iterator[_Opinion]:
    yield _replay(replay)
    yield _access(access)
    if isinstance(request, Invalid):
        yield _opinion("Envelope", "refuses", f"{request.what} {request.why}", request.code)
        return
    yield _opinion("Envelope", "passes", "The seal is whole and the signature is right.")
    yield _effects(effects)
    yield from _limits(request, limits)
    yield from _grants(request, grants, now)


def _replay(replay: bool) -> _Opinion:
    if replay:
        return _opinion(
            "Seen before",
            "refuses",
            "The very same message or task came before. A requester who wants another run sends a new request.",
            "request.replayed",
        )
    return _opinion("Seen before", "passes", "Neither this message nor this task was seen before.")


def _access(access: str | None) -> _Opinion:
    name = "The network's access check"
    if access is None:
        return _opinion(
            name, "holds", "The network has not said whether it permits this.", "request.network-unanswered"
        )
    if access != ACCEPT:
        return _opinion(
            name, "refuses", f"The network does not permit this ({stranger(access, 40)}).", "request.network-refused"
        )
    return _opinion(name, "passes", "The network permits it.")


def _effects(effects: Effects | None) -> _Opinion:
    if effects is None:
        return _opinion("Effects", "holds", "What it would do was not worked out.", "request.effects-missing")
    if not effects.known:
        return _opinion("Effects", "passes", "What it would do is not known; that counts as the worst.")
    return _opinion("Effects", "passes", f"What it would do is known; its risk is {effects.risk}.")


def _limits(request: Verified[VerifiedRequest], limits: Sequence[Meter]) -> Iterator[_Opinion]:
    found = {each.key.resource: each for each in limits}
    models = {each.slug for each in read(request).models}
    for slug in sorted(models | set(found)):
        yield _limit(slug, found.get(slug))


def _limit(slug: str, meter: Meter | None) -> _Opinion:
    name = f"Limit of {stranger(slug) or 'a model without a full name'}"
    if meter is None or meter.mode == "unknown":
        return _opinion(name, "holds", "Nobody has said how often this model may be used.", "limit.unknown")
    if meter.exhausted:
        return _opinion(name, "refuses", "The limit of this model is used up or promised away.", "limit.exhausted")
    if meter.mode == "unlimited":
        return _opinion(name, "passes", "The network sets no limit for this model in this project.")
    return _opinion(name, "passes", f"{meter.free or 0:.15g} of {meter.limit or 0:.15g} inferences are free.")


def _grants(request: Verified[VerifiedRequest], grants: Sequence[Grant], now: datetime) -> Iterator[_Opinion]:
    mark = fingerprint(request)
    for grant in grants:
        outcome = matches(grant, mark, now)
        stance: Stance = "allows" if outcome.matches else "does-not-apply"
        yield _Opinion(
            Considered(f"Grant {grant.id}", stance, outcome.why),
            "request.granted" if outcome.matches else "",
            grant.id if outcome.matches else "",
        )


def _opinion(name: str, stance: Stance, why: str, code: str = "") -> _Opinion:
    return _Opinion(Considered(name, stance, why), code)
