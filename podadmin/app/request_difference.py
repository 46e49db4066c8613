"""Two kept requests side by side, in words: what they do differently first, then how they are written differently."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from podadmin.app.views.facts import Fact
from podadmin.core.canon import canonical
from podadmin.core.errors import Refused
from podadmin.core.redaction import masked
from podadmin.core.text import elide, stranger, visible
from podadmin.requests.difference import Change, compared, summary
from podadmin.requests.effect_table import shipped
from podadmin.requests.service import Found

_SHOWN = 300
_SENTENCES = 4000
_NAMES = re.compile(r"[^.\[\]\"]+")
_NO_EFFECT = "This alone changes nothing of what it does, as far as podadmin can tell."


def difference_of(was: Found, now: Found) -> tuple[Change, ...]:
    """Every difference between two requests, effects first.

    Raises Refused (`request.not-comparable`) where one of them was never verified.
    """
    before, after = _side(was), _side(now)
    if "flags_claimed" not in before or "flags_claimed" not in after:
        # one of them was opened before its switches were kept: what is not known of both is not compared
        before, after = ({**side, "flags_claimed": {}, "pods": [side["pod"]]} for side in (before, after))
    return compared(before, after, shipped())


def comparable(found: Found) -> bool:
    """Was this request verified, so that there is something to compare?"""
    return bool(found.findings.get("protocol"))


def effect_facts(changes: Sequence[Change]) -> tuple[Fact, ...]:
    """The differences in what two requests do."""
    return tuple(
        Fact(each.title, _was_now(_bare(each, each.was), _bare(each, each.now), _sentences), "warn")
        for each in changes
        if each.kind == "effect"
    )


def field_facts(changes: Sequence[Change]) -> tuple[Fact, ...]:
    """The differences in how two requests are written; each says whether it alone changes what is done."""
    return tuple(_field(each) for each in changes if each.kind == "field")


def words_of(changes: Sequence[Change]) -> str:
    """The difference in one sentence."""
    return summary(tuple(changes))


def _field(change: Change) -> Fact:
    if not change.path or change.title:
        return Fact(change.title, "They are too many to be listed here.", "warn")
    told = _was_now(change.was, change.now, lambda text: stranger(_masked(change.path, text), _SHOWN))
    if change.effect is None:
        return Fact(stranger(change.path), f"{told}\nNot tried alone, because so many places differ.", "warn")
    if change.effect:
        return Fact(stranger(change.path), told, "warn")
    return Fact(
        stranger(change.path), f"{told}\nThis alone changes nothing of what it does, as far as podadmin can tell."
    )


def _masked(path: str, text: str) -> str:
    """A value that differs, without what could be a requester's secret: where it stands says whether it is one."""
    return canonical(masked(json.loads(text), _NAMES.findall(path)))


def _was_now(was: str, now: str, shown: Callable[[str], str]) -> str:
    if not was:
        return f"new: {shown(now)}"
    if not now:
        return f"no longer: {shown(was)}"
    return f"was: {shown(was)}\nnow: {shown(now)}"


def _bare(change: Change, text: str) -> str:
    """A fact that is text without the quotes of JSON; everything else as it is."""
    found = json.loads(text) if "." in change.path and text else text
    return found if isinstance(found, str) else text


def _sentences(text: str) -> str:
    return elide(visible(text, one_line=False), _SENTENCES)


def _side(found: Found) -> Mapping[str, Any]:
    findings = found.findings
    if not comparable(found):
        raise Refused(
            "request.not-comparable",
            "The requests were not compared.",
            "One of them could not be verified, so that nothing in it can be relied on.",
            "Choose a request that was verified.",
        )
    kept = findings.get("decided_on") or {
        "network": found.row.network,
        "pod": findings.get("pod_identifier", ""),
        "pods": [findings.get("pod_identifier", "")],
        "requester_name_claimed": found.row.requester,
        "requester_key": findings.get("requester_key", ""),
        "auth_type": "key-based",
        "project_claimed": found.row.project or None,
    }
    return {**kept, "protocol": findings["protocol"]}
