"""What is different between two requests: in what they do first, then in how they are written.

A person who approved one request has decided about its effects. So the effects are compared as sentences, and a
difference that changes none of them says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from podadmin.requests.effects import Effects
from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.paths import field_changes

_LISTS: Final = ("reads", "computes", "stays", "leaves", "reasons")
_WORDS: Final = ("headline", "destination", "risk")


@dataclass(frozen=True)
class Change:
    """`kind`: effect | field. For a list of sentences, `was` holds those that went and `now` those that came."""

    kind: str
    path: str
    was: str
    now: str


def difference(
    was: Verified[VerifiedRequest],
    was_effects: Effects,
    now: Verified[VerifiedRequest],
    now_effects: Effects,
) -> tuple[Change, ...]:
    """Every difference between two requests in what was decided on, effects first. Empty: they are the same.

    Not compared, because they differ with every sending: task id, times and digest of the body.
    """
    return (*_effects(was_effects, now_effects), *_fields(was.value, now.value))


def summary(changes: tuple[Change, ...]) -> str:
    """The difference in one sentence."""
    effects = sum(each.kind == "effect" for each in changes)
    fields = len(changes) - effects
    if not changes:
        return "It is the same request."
    written = "1 field is written differently" if fields == 1 else f"{fields} fields are written differently"
    if not effects:
        return f"It does the same as far as podadmin can tell; {written}."
    told = "1 thing that it does is" if effects == 1 else f"{effects} things that it does are"
    return f"{told} different; {written}."


def _effects(was: Effects, now: Effects) -> Iterator[Change]:
    for name in _WORDS:
        before, after = getattr(was, name), getattr(now, name)
        if before != after:
            yield Change("effect", name, before, after)
    for name in _LISTS:
        before, after = getattr(was, name), getattr(now, name)
        gone = "\n".join(each for each in before if each not in after)
        come = "\n".join(each for each in after if each not in before)
        if gone or come:
            yield Change("effect", name, gone, come)


def _fields(was: VerifiedRequest, now: VerifiedRequest) -> Iterator[Change]:
    for found in field_changes(_decided_on(was), _decided_on(now)):
        yield Change("field", found.path, found.was, found.now)


def _decided_on(request: VerifiedRequest) -> dict[str, object]:
    return {
        "network": request.network,
        "pod": request.pod_identifier,
        "pods": list(request.pod_identifiers),
        "requester_name_claimed": request.requester.name_claimed,
        "requester_key": request.requester.key_fingerprint,
        "auth_type": request.auth_type,
        "project_claimed": request.project_claimed,
        "flags_claimed": dict(request.flags_claimed),
        "protocol": request.protocol,
    }
