"""The same decision made again and again becomes a proposal: a rule that is never wider than what was approved.

Every condition is the intersection of what each of the approved requests was: what the rule would allow, each of them
would have covered. A proposal is only ever shown; nothing comes into force without a person who saves it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from podadmin.core.errors import BadInput
from podadmin.core.text import stranger
from podadmin.requests.effect_facts import LEVELS
from podadmin.requests.rule_facts import Facts, ModelFact
from podadmin.requests.rule_fields import ALL, NONE
from podadmin.requests.rules import Condition, Rule, draft
from podadmin.requests.simulation import Past

LEAST: Final = 3
"""As often has the same decision to be made before it is proposed."""
DAYS: Final = 30
MOST_AMOUNT: Final = 999_999_999_999_999
_RANK: Final[dict[str, int]] = {level: place for place, level in enumerate(LEVELS)}


@dataclass(frozen=True)
class Suggestion:
    """A proposed rule, and the requests whose approval it comes from."""

    rule: Rule
    requests: tuple[str, ...]


def suggestions(past: Iterable[Past], today: date, least: int = LEAST) -> tuple[Suggestion, ...]:
    """What could be proposed after these decisions, the most frequent first.

    Requests are alike where the same key asked in the same project for the same work on the same datasource. Where
    one of them was refused, nothing is proposed: that was not the same decision.
    """
    alike: defaultdict[tuple[object, ...], list[Past]] = defaultdict(list)
    for each in past:
        if each.decided and each.facts.requester_key and each.facts.level != "unknown":
            alike[_kind(each.facts)].append(each)
    found = []
    for group in alike.values():
        if len(group) >= least and all(each.decided == "allow" for each in group):
            rule = intersection([each.facts for each in group], today)
            if rule is not None:
                found.append(Suggestion(rule, tuple(each.request_id for each in group)))
    return tuple(sorted(found, key=lambda each: (-len(each.requests), each.rule.name, each.requests)))


def intersection(approved: Sequence[Facts], today: date) -> Rule | None:
    """The rule that allows what all of these would have covered; None where they have too little in common.

    `approved` are alike in what `_kind` compares.
    """
    first = approved[0]
    wanted: dict[str, tuple[str, tuple[str, ...]]] = {
        "network": ("only", (first.network,)),
        "requester_key": ("only", (first.requester_key,)),
        "project": ("only", (first.project,)) if first.project else (NONE, ()),
        "datasource": ("only", (first.datasource,)),
        "protocol": ("only", (first.protocol,)),
        "algorithm": ("only", first.algorithms),
        "model": ("only", tuple(_model(each) for each in first.models)) if first.models else (NONE, ()),
        "leaves": ("at-most", (min((each.level for each in approved), key=_RANK.__getitem__),)),
        "identity": ("only", (first.identity,)),
        "time": ("within", (f"..{(today + timedelta(days=DAYS)).isoformat()}", "UTC")),
    }
    if first.purposes:
        wanted["purpose"] = ("only", first.purposes)
    named = [frozenset(each.columns) for each in approved if not each.all_columns]
    if named:
        common = frozenset.intersection(*named)
        wanted["column"] = ("only", tuple(sorted(common))) if common else (NONE, ())
        if not common and any(named):
            return None
    amounts = [each.inferences for each in approved if each.inferences is not None]
    if amounts:
        wanted["inferences"] = ("at-most", (str(int(min(MOST_AMOUNT, *amounts))),))
    groups = [each.smallest_group for each in approved if each.smallest_group is not None]
    if any(each.whole for each in approved):
        wanted["group"] = ("at-least", (ALL,))
    elif groups:
        wanted["group"] = ("at-least", (str(max(groups)),))
    if any(each.ehr is False for each in approved):
        wanted["ehr"] = ("is", ("not-used",))
    name = f"{stranger(first.requester_name, 40)}: {stranger(first.protocol, 60)}"
    try:
        return draft(name, "allow", {field: Condition(field, *each).text for field, each in wanted.items()})
    except BadInput:
        return None  # a name that no condition can hold: such a request is decided by a person each time


def _model(model: ModelFact) -> str:
    return f"{model.slug}#{model.code}" if model.code else model.slug


def _kind(facts: Facts) -> tuple[object, ...]:
    return (
        facts.network,
        facts.requester_key,
        facts.project,
        facts.identity,
        facts.datasource,
        facts.protocol,
        facts.algorithms,
        facts.models,
        facts.purposes,
    )
