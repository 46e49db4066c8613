"""A grant: a decision that waits for the same request to come again. Matching and voiding are pure functions.

What a request does to a grant that still lasts, in this order:

1. Every pin is as it was, or may vary by an explicit act of a person: the grant **covers** the request.
2. The request is of another family (another requester, project, pod, kind of task, model by name, or query): it is
   another request. The grant stays as it is.
3. It is signed with another key. Anybody can sign anything under a key of their own, so it proves nothing about the
   one who got the grant. Only where *everything else* is the same does it **void** the grant: then the network now
   gives another key for the very requester and the very request, and the key that was granted may be lost or taken.
4. It is signed with the granted key, and differs only in what stands outside the signature, which whoever carries
   messages could have written, or in what could not be found out (a digest while the network is out of reach). The
   grant stays as it is, and does not cover the request either.
5. It is signed with the granted key and differs in a pin that the signature covers or that was found here (another
   version of the model, other columns, another model behind the same name, another purpose of the project, ...): what
   was decided on is not what is asked for any more. The grant is **void**, and says which pin was what and is what.

Where no key proved who asks (an identity that only the network can check), nothing voids.

A request is held against grants only after it was verified, and never where it is a replay. A request that some other
grant of the family was made for voids nothing: two grants of one requester, for two versions of a model, stand beside
each other. So nobody can void a grant of somebody else by sending anything: that takes the granted key, or a network
that vouches for another key under the requester's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from podadmin.core.text import stranger
from podadmin.requests.grant_pins import FOUND_HERE, KEY, UNKNOWN, UNSIGNED, WORDS, Pins, shown

_ANOTHER: Final = "It was made for a different request."


@dataclass(frozen=True)
class Change:
    """A pin that is not what it was. `was` and `now` in the words of a person."""

    pin: str
    was: str
    now: str

    @property
    def words(self) -> str:
        return f"{WORDS[self.pin]}: was {self.was}, now {self.now}"


@dataclass(frozen=True)
class Grant:
    """Allows what meets its pins, `runs_left` more times, from `made_at` until before `expires_at`.

    `made_from` is the request that was decided on. A `voided_reason` (even an empty one) ends the grant for good.
    `inferences_left` None: bounded by the limits of the network only. `pins` None: a grant of an older podadmin, which
    covers exactly the request with its fingerprint and is never voided by another.
    """

    id: str
    fingerprint: str
    runs_left: int
    expires_at: datetime
    made_at: datetime
    made_from: str
    voided_reason: str | None = None
    pins: Pins | None = None
    may_vary: frozenset[str] = field(default_factory=frozenset)
    inferences_left: float | None = None


@dataclass(frozen=True)
class GrantOutcome:
    """Whether a grant covers a request, and why (not), as a sentence for the trace. `changes`: what voids it."""

    matches: bool
    why: str
    changes: tuple[Change, ...] = ()


def matches(grant: Grant, asked: Pins, now: datetime) -> GrantOutcome:
    """Does `grant` cover a request with these pins at `now`?

    A grant that was made after `now` does not: then the clock was set back, and an expiry cannot be trusted.
    """
    if not asked.fingerprint:
        return GrantOutcome(False, _ANOTHER)
    differing = _differing(grant, asked)
    if differing is None:
        return GrantOutcome(False, _ANOTHER)
    ended = _ended(grant, now)
    if ended:
        return GrantOutcome(False, ended)
    if differing:
        return _changed(grant, asked, differing)
    runs = "1 run" if grant.runs_left == 1 else f"{grant.runs_left} runs"
    exactly = "exactly this request" if grant.fingerprint == asked.fingerprint else "this request, which may vary so,"
    return GrantOutcome(True, f"It was made for {exactly} and has {runs} left.")


def voided_by(grants: Sequence[Grant], asked: Pins, now: datetime) -> tuple[tuple[Grant, tuple[Change, ...]], ...]:
    """The grants that a request with these pins voids, each with what has changed: see the head of this file."""
    if any(grant.voided_reason is None and not _differing_or_other(grant, asked) for grant in grants):
        return ()
    outcomes = ((grant, matches(grant, asked, now)) for grant in grants)
    return tuple((grant, outcome.changes) for grant, outcome in outcomes if outcome.changes)


def enough(grant: Grant, wanted: Iterable[float]) -> bool:
    """Has the grant as many inferences left as a request asks for?"""
    return grant.inferences_left is None or sum(wanted) <= grant.inferences_left


def _differing_or_other(grant: Grant, asked: Pins) -> bool:
    differing = _differing(grant, asked)
    return differing is None or bool(differing)


def _differing(grant: Grant, asked: Pins) -> frozenset[str] | None:
    """The pins that are not met; None for a request that the grant has nothing to do with."""
    if grant.pins is None:
        return frozenset() if grant.fingerprint == asked.fingerprint else None
    if grant.pins.family != asked.family:
        return None
    pinned = grant.pins.values
    # a pin that this grant does not know was added by a newer podadmin: it cannot have been agreed to
    return frozenset(
        name for name in WORDS if name not in grant.may_vary and pinned.get(name) != asked.values.get(name)
    )


def _ended(grant: Grant, now: datetime) -> str:
    if grant.voided_reason is not None:
        return f"It was voided: {stranger(grant.voided_reason, 1000) or 'no reason is recorded'}."
    if grant.runs_left <= 0:
        return "All its runs are used."
    if now >= grant.expires_at:
        return "It has expired."
    if now < grant.made_at:
        return "It was made later than this computer's clock says it is now: check the clock."
    return ""


def _changed(grant: Grant, asked: Pins, differing: frozenset[str]) -> GrantOutcome:
    changes = changes_of(grant, asked, differing)
    words = "; ".join(each.words for each in changes)
    if KEY in differing:
        if differing == {KEY} and UNKNOWN.isdisjoint(_both(KEY, grant, asked)):
            return GrantOutcome(False, f"The same request came under another key. {words}.", changes)
        return GrantOutcome(False, "It was made for another key.")
    if not UNKNOWN.isdisjoint(_both(KEY, grant, asked)) or all(
        _proves_nothing(name, grant, asked) for name in differing
    ):
        return GrantOutcome(False, f"It was made for a request like this, but not for this one. {words}.")
    return GrantOutcome(False, f"What was granted is not what is asked for any more. {words}.", changes)


def _proves_nothing(name: str, grant: Grant, asked: Pins) -> bool:
    return name in UNSIGNED or (name in FOUND_HERE and not UNKNOWN.isdisjoint(_both(name, grant, asked)))


def _both(name: str, grant: Grant, asked: Pins) -> tuple[str | None, str | None]:
    return (_pinned(grant).get(name), asked.values.get(name))


def _pinned(grant: Grant) -> Mapping[str, str]:
    """What the grant pins: nothing, where it is of an older podadmin."""
    return grant.pins.values if grant.pins is not None else {}


def changes_of(grant: Grant, asked: Pins, differing: Iterable[str]) -> tuple[Change, ...]:
    """The pins called `differing` as they were granted and as they are asked for, in the order of `WORDS`."""
    was = _pinned(grant)
    return tuple(
        Change(name, _shown(name, was.get(name)), _shown(name, asked.values.get(name)))
        for name in WORDS
        if name in set(differing)
    )


def _shown(name: str, value: str | None) -> str:
    return shown(name, value) if value is not None else "not pinned"
