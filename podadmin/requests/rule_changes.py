"""The smallest changes that make a condition hold or not hold: of the request, or of the condition itself.

Only what could really be changed is offered. A requester cannot become somebody else or prove an identity in another
way, so those changes are left to rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from podadmin.requests.effect_facts import LEVELS
from podadmin.requests.rule_facts import Facts, ModelFact
from podadmin.requests.rule_fields import ALL, FIELDS, NONE
from podadmin.requests.rule_match import FLAGGED, as_is, check_of
from podadmin.requests.rule_models import Models
from podadmin.requests.rules import Condition

FIXED: Final = frozenset({"network", "requester_key", "requester_name", "purpose", "identity", "beside"})
"""Not the requester's to change."""
MOST_HOURS: Final = 14 * 24
_TRIED: Final = 3
_OPPOSITE: Final = {
    "any": "without",
    "other": "only",
    NONE: "",
    "only": "",
    "more-than": "at-most",
    "at-most": "",
    "less-than": "at-least",
    "at-least": "",
}
_LISTS: Final = {"column": "columns", "algorithm": "algorithms"}


def met(condition: Condition, facts: Facts, at: datetime) -> Iterator[tuple[Facts, datetime]]:
    """The request, changed so that it meets the condition; nothing where a requester could not change it so."""
    yield from _changed(condition, condition.mode, facts, at, wanted="yes")


def unmet(condition: Condition, facts: Facts, at: datetime) -> Iterator[tuple[Facts, datetime]]:
    """The request, changed so that it does not meet the condition any more."""
    yield from _changed(condition, _OPPOSITE.get(condition.mode, condition.mode), facts, at, wanted="no")


def _changed(
    condition: Condition, mode: str, facts: Facts, at: datetime, wanted: str
) -> Iterator[tuple[Facts, datetime]]:
    if condition.field in FIXED:
        return
    kind = FIELDS[condition.field].kind
    if kind == "time":
        moment = _next(condition, facts, at, wanted)
        if moment is not None:
            yield facts, moment
        return
    if kind == "yes-no":
        flag: dict[str, Any] = {condition.field: (condition.values[0] in FLAGGED) == (wanted == "yes")}
        yield replace(facts, **flag), at
        return
    for each in _facts(condition, mode, facts):
        # whatever was put together here counts only if the evaluator agrees
        if check_of(condition, "allow" if wanted == "yes" else "refuse")(each, at) == wanted:
            yield each, at


def _facts(condition: Condition, mode: str, facts: Facts) -> Iterator[Facts]:
    field = condition.field
    if field == "model":
        yield from _models(condition, mode, facts)
    elif field in _LISTS:
        name = _LISTS[field]
        found = getattr(facts, name)
        keep = {
            "only": tuple(each for each in found if each in condition.values),
            "without": tuple(each for each in found if each not in condition.values),
            "any": (*found, condition.values[0]) if condition.values else found,
        }.get(mode, ())
        changes: dict[str, Any] = {name: keep}
        if field == "column":
            changes["all_columns"] = False
        yield replace(facts, **changes)
    elif field == "leaves":
        if mode == "at-most":
            yield replace(facts, level=condition.values[0])
    elif field == "inferences":
        if mode == "at-most":
            yield replace(facts, inferences=float(condition.values[0]))
    elif field == "group":
        if mode == "at-least" and condition.values[0] == ALL:
            yield replace(facts, whole=True)
        elif mode == "at-least":
            yield replace(facts, smallest_group=int(condition.values[0]))
    elif mode == "only":
        for value in condition.values[:_TRIED]:
            other: dict[str, Any] = {field: value}
            yield replace(facts, **other)
    elif field == "project":
        yield replace(facts, project="")


def _models(condition: Condition, mode: str, facts: Facts) -> Iterator[Facts]:
    wanted = tuple(Models.read(each) for each in condition.values)
    if mode == "only":
        yield replace(facts, models=tuple(_nearest(each, wanted) for each in facts.models))
    elif mode == "without":
        kept = tuple(each for each in facts.models if all(one.covers(each, as_is) == "no" for one in wanted))
        if kept:
            yield replace(facts, models=kept)


def _nearest(model: ModelFact, wanted: tuple[Models, ...]) -> ModelFact:
    """The model itself where it is wanted, else the wanted one that is most like it."""
    if any(each.covers(model, as_is) == "yes" for each in wanted):
        return model
    slug, _, version = model.slug.rpartition(":")
    like = next((each for each in wanted if f"{each.owner}/{each.name}" == slug), wanted[0])
    number = int(version) if version.isdecimal() else 1
    if like.first is not None:
        number = max(number, like.first)
    if like.last is not None:
        number = min(number, like.last)
    return ModelFact(f"{like.owner}/{like.name}:{number}", like.digest, like.digest)


def _next(condition: Condition, facts: Facts, at: datetime, wanted: str) -> datetime | None:
    """The next full hour at which the condition says what is wanted, within two weeks."""
    test = check_of(condition, "allow")
    hour = at.replace(minute=0, second=0, microsecond=0)
    later = (hour + timedelta(hours=each) for each in range(1, MOST_HOURS))
    return next((each for each in later if test(facts, each) == wanted), None)


def eased(condition: Condition, facts: Facts) -> Condition | None:
    """The condition, widened just so far that the request meets it; None to drop it where nothing less will do."""
    field, mode, values = condition.field, condition.mode, condition.values
    kind = FIELDS[field].kind
    if mode in {"only", "any"}:
        found = _values(field, facts)
        open_ended = field == "column" and facts.all_columns and mode == "only"
        missing = tuple(each for each in found if each not in values)
        if not missing or not all(missing) or open_ended:
            return None
        added = missing if mode == "only" else missing[:1]
        return Condition(field, mode, tuple(sorted({*values, *added})))
    if mode == "other" and kind == "one":
        rest = tuple(each for each in values if each not in _values(field, facts))
        return Condition(field, mode, rest) if rest and rest != values else None
    if mode == "at-most" and kind == "level":
        return Condition(field, mode, (facts.level,)) if facts.level != LEVELS[-1] else None
    if mode == "at-most":
        return Condition(field, mode, (str(math.ceil(facts.inferences)),)) if facts.inferences is not None else None
    if mode == "at-least" and facts.smallest_group is not None:
        return Condition(field, mode, (str(facts.smallest_group),))
    return None


def narrowed(condition: Condition, facts: Facts, at: datetime) -> Condition | None:
    """The condition of a rule that refuses or holds, changed just so far that the request does not meet it; None where
    only switching the rule off will do.
    """
    field, mode, values = condition.field, condition.mode, condition.values
    changed: Condition | None = None
    if mode == "any" or (mode == "only" and FIELDS[field].kind == "one"):
        found = _values(field, facts)
        rest = tuple(each for each in values if each not in found)
        changed = Condition(field, mode, rest) if rest else None
    elif mode == "more-than" and field == "leaves":
        changed = Condition(field, mode, (facts.level,)) if facts.level != LEVELS[-1] else None
    elif mode == "more-than" and facts.inferences is not None:
        changed = Condition(field, mode, (str(math.ceil(facts.inferences)),))
    elif mode == "less-than" and facts.smallest_group is not None:
        changed = Condition(field, mode, (str(facts.smallest_group),))
    if changed is None or changed == condition or check_of(changed, "refuse")(facts, at) != "no":
        return None
    return changed


def _values(field: str, facts: Facts) -> tuple[str, ...]:
    """What a request has for a field that is asked by values."""
    if field == "model":
        return tuple(each.slug for each in facts.models)
    if field == "purpose":
        return facts.purposes
    found = getattr(facts, _LISTS.get(field, field))
    return found if isinstance(found, tuple) else (found,)
