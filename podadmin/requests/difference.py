"""What is different between two requests: in what they do first, then in how they are written.

A person who approved one request has decided about its effects. So the effects are compared as sentences, and every
change in the writing is tried alone: one that changes nothing of what the request does says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

from podadmin.core.canon import canonical
from podadmin.requests.effect_facts import Output
from podadmin.requests.effect_table import EffectTable
from podadmin.requests.effects import Effects, of_request
from podadmin.requests.envelope import Requester, Verified, VerifiedRequest
from podadmin.requests.fingerprint import NOT_DECIDED_ON
from podadmin.requests.paths import FieldChange, changed, field_changes

MAX_TRIED: Final = 40
"""Changes in the writing that are tried alone. Each costs a statement; whoever writes thousands is told so."""
MAX_SHOWN: Final = 400
MAX_DETAILS: Final = 40
_LISTS: Final = {
    "reads": "What it reads",
    "computes": "What it computes",
    "stays": "What stays in the pod",
    "leaves": "What leaves the pod",
    "reasons": "Why the risk is what it is",
}
_WORDS: Final = {"headline": "What it does", "destination": "Who gets it", "risk": "Risk"}


@dataclass(frozen=True)
class Change:
    """`kind`: effect | field. For a list of sentences, `was` holds those that went and `now` those that came.

    `effect` is for a field: whether this change alone changes what the request does; None where it was not tried.
    """

    kind: str
    path: str
    was: str
    now: str
    effect: bool | None = None
    title: str = ""


def decided_on(request: VerifiedRequest) -> dict[str, Any]:
    """What a decision about a request was about, as JSON. Two sendings of one request have the same."""
    return {**beside_protocol(request), "protocol": request.protocol}


def beside_protocol(request: VerifiedRequest) -> dict[str, Any]:
    """The same without the protocol.

    Not in it, because they differ with every sending or tell about the requester's own computer only: task id, times,
    session key, digest of the body and the switches of `fingerprint.NOT_DECIDED_ON`.
    """
    return {
        "network": request.network,
        "pod": request.pod_identifier,
        "pods": list(request.pod_identifiers),
        "requester_name_claimed": request.requester.name_claimed,
        "requester_key": request.requester.key_fingerprint,
        "auth_type": request.auth_type,
        "project_claimed": request.project_claimed,
        "flags_claimed": {
            name: json.loads(value) for name, value in request.flags_claimed if name not in NOT_DECIDED_ON
        },
    }


def difference(
    was: Verified[VerifiedRequest], now: Verified[VerifiedRequest], table: EffectTable
) -> tuple[Change, ...]:
    """Every difference between two requests in what was decided on, effects first. Empty: they are the same."""
    return compared(decided_on(was.value), decided_on(now.value), table)


def compared(was: Mapping[str, Any], now: Mapping[str, Any], table: EffectTable) -> tuple[Change, ...]:
    """The same of two records that `decided_on` made. Raises KeyError and TypeError where they are none."""
    before = _effects_of(was, table)
    fields = []
    for place, found in enumerate(field_changes(dict(was), dict(now))):
        if place == MAX_SHOWN:
            fields.append(Change("field", "(more)", "", "", None, "Further places are written differently"))
            break
        effect = _effects_of(_with(was, found), table) != before if place < MAX_TRIED else None
        fields.append(Change("field", found.path, found.was, found.now, effect))
    return (*_effects(before, _effects_of(now, table)), *fields)


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


def _effects_of(found: Mapping[str, Any], table: EffectTable) -> Effects:
    """What a request would do that was decided on like this. For comparing only: nothing here is verified."""
    request = VerifiedRequest(
        network=found["network"],
        task_id="",
        pod_identifier=found["pod"],
        pod_identifiers=tuple(found["pods"]),
        protocol_text=canonical(found["protocol"]),
        requester=Requester(found["requester_name_claimed"], found["requester_key"]),
        project_claimed=found["project_claimed"],
        auth_type=found["auth_type"],
        flags_claimed=tuple(sorted((name, canonical(value)) for name, value in found["flags_claimed"].items())),
        body_digest="",
        sent_at=None,
    )
    return of_request(request, table)


def _with(was: Mapping[str, Any], change: FieldChange) -> Mapping[str, Any]:
    made = changed(dict(was), change)
    return made if isinstance(made, dict) else was


def _effects(was: Effects, now: Effects) -> Iterator[Change]:
    for name, title in _WORDS.items():
        before, after = getattr(was, name), getattr(now, name)
        if before != after:
            yield Change("effect", name, before, after, title=title)
    for name, title in _LISTS.items():
        before, after = getattr(was, name), getattr(now, name)
        gone = "\n".join(each for each in before if each not in after)
        come = "\n".join(each for each in after if each not in before)
        if gone or come:
            yield Change("effect", name, gone, come, title=title)
    yield from _often(was.outputs, now.outputs)
    yield from _detail(was, now)


def _often(was: tuple[Output, ...], now: tuple[Output, ...]) -> Iterator[Change]:
    """What leaves more or less often than before, the words being the same."""
    before = {each.words: each.often for each in was}
    other = [(each, before[each.words]) for each in now if before.get(each.words, each.often) != each.often]
    if other:
        gone = "\n".join(f"{often}: {each.words}" for each, often in other)
        come = "\n".join(f"{each.often}: {each.words}" for each, _often in other)
        yield Change("effect", "often", gone, come, title="How often")


def _detail(was: Effects, now: Effects) -> Iterator[Change]:
    """What sentences shorten, where they say the same: the forty-first column, the middle of a long query."""
    for part, sentences in (("read", "reads"), ("computed", "computes")):
        if getattr(was, sentences) != getattr(now, sentences):
            continue
        before, after = _plain(getattr(was, part)), _plain(getattr(now, part))
        for found in islice(field_changes(before, after, part), MAX_DETAILS):
            title = "The SQL" if found.path.startswith("computed.sql") else "In detail"
            yield Change("effect", found.path, found.was, found.now, title=title)


def _plain(facts: Any) -> Any:
    return json.loads(canonical(asdict(facts)))
