"""What a verified request will do, in plain sentences: derived from the bytes that will run, never from a claim.

A class, a combination, an argument or a switch without a row in the effect table makes the effects unknown, and
unknown counts as the worst. The risk is a stated rule over the level of what leaves: nothing or counts is low,
aggregates and model parameters are medium, anything per record is high. What leaves with every task of the network
alike (progress, error texts, telemetry) is always told and does not enter the rule, because it tells no two requests
apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from podadmin.core.text import elide, stranger, visible
from podadmin.requests.effect_facts import Channel, Computing, Level, ModelUse, Output, Reading
from podadmin.requests.effect_table import LEVELS, ArgumentRule, EffectTable, PartRow, TaskRow
from podadmin.requests.envelope import Requester, Verified, VerifiedRequest
from podadmin.requests.protocols import Algorithm, Part, Protocol, read

Risk = Literal["low", "medium", "high", "unknown"]
UNKNOWN_HEADLINE: Final = "What this request would do is not known."
_RISKS: Final[dict[str, Risk]] = {
    "none": "low",
    "counts": "low",
    "aggregate": "medium",
    "parameters": "medium",
    "row": "high",
    "unknown": "unknown",
}
_REASONS: Final = {
    "none": "Nothing that was computed leaves the pod.",
    "counts": "Only counts leave the pod.",
    "aggregate": "Figures over many records leave the pod.",
    "parameters": "Model parameters leave the pod; they can remember records.",
    "row": "Something about every single record leaves the pod.",
}
_QUERY_SHOWN: Final = 4000
_COLUMNS_SHOWN: Final = 40
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_DATA_STRUCTURE_LISTS: Final = ("original_cols", "columns_to_include")


@dataclass(frozen=True)
class Effects:
    """An effect statement. `known` false: treat it as the worst. `level` is the worst level of what leaves.

    The sentences are for people. `read`, `computed` and `outputs` say the same as facts, for rules, grants and risk.
    """

    known: bool
    headline: str
    reads: tuple[str, ...]
    computes: tuple[str, ...]
    stays: tuple[str, ...]
    leaves: tuple[str, ...]
    destination: str
    risk: Risk
    reasons: tuple[str, ...]
    level: str
    read: Reading
    computed: Computing
    outputs: tuple[Output, ...]


@dataclass
class _Draft:
    """Collects sentences while a protocol is walked through."""

    reads: list[str] = field(default_factory=list)
    computes: list[str] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def say(self, to: str, sentences: Iterable[str]) -> None:
        place = {"reads": self.reads, "computes": self.computes, "stays": self.stays}[to]
        place.extend(each for each in sentences if each not in place)


def statement(verified: Verified[VerifiedRequest], table: EffectTable) -> Effects:
    """The effect statement of a verified request by an effect table (`effect_table.shipped()`)."""
    request = verified.value
    protocol = read(verified)
    draft = _Draft()
    for path in protocol.malformed:
        draft.unknown.append(f"At “{path}” stands something that is not a step.")
    _walk(protocol, table, draft)
    _arguments("The request", dict(request.flags_claimed), table.flags, draft)
    row = table.task(protocol.part.class_name, tuple(each.part.class_name for each in protocol.algorithms))
    if row is None:
        draft.unknown.append(f"“{stranger(protocol.title)}” is not a combination that podadmin knows.")
    words = _words(protocol)
    if row is None or draft.unknown:
        return _unknown(draft, row, request.requester, words, _reading(request, protocol), _computing(protocol))
    level = max((each.level for each in row.leaves), key=LEVELS.index)
    return Effects(
        known=True,
        headline=_fill(row.headline, words),
        reads=tuple(draft.reads),
        computes=tuple(draft.computes),
        stays=tuple(draft.stays) or ("Nothing but the pod's own logs.",),
        leaves=(*(each.words for each in row.leaves), *(each.words for each in table.always)),
        destination=_destination(request.requester),
        risk=_RISKS[level],
        reasons=(_REASONS[level],),
        level=level,
        read=_reading(request, protocol),
        computed=_computing(protocol),
        outputs=tuple(
            Output(cast(Level, each.level), cast(Channel, each.channel), "requester", each.words) for each in row.leaves
        ),
    )


def _reading(request: VerifiedRequest, protocol: Protocol) -> Reading:
    tables = dict.fromkeys(each.table for each in protocol.algorithms if each.table)
    columns = dict.fromkeys(name for each in protocol.algorithms for name in each.columns)
    return Reading(request.pod_identifier.rpartition("/")[2], tuple(tables), tuple(columns))


def _computing(protocol: Protocol) -> Computing:
    return Computing(
        protocol.part.class_name,
        tuple(each.part.class_name for each in protocol.algorithms),
        protocol.aggregator.class_name if protocol.aggregator else "",
        tuple(ModelUse(each.slug) for each in protocol.models),
        tuple(each.query for each in protocol.algorithms if each.query),
    )


def _unknown(
    draft: _Draft,
    row: TaskRow | None,
    requester: Requester,
    words: Mapping[str, str],
    reading: Reading,
    computing: Computing,
) -> Effects:
    known_part = "" if row is None else f" Apart from what is not known: {_fill(row.headline, words)}"
    return Effects(
        known=False,
        headline=UNKNOWN_HEADLINE + known_part,
        reads=("Not known: count on everything that the pod can read.", *draft.reads),
        computes=("Not known.", *draft.computes),
        stays=("Not known.", *draft.stays),
        leaves=("Not known: count on every record leaving.", *(each.words for each in (row.leaves if row else ()))),
        destination=f"{_destination(requester)} Other destinations cannot be ruled out.",
        risk="unknown",
        reasons=tuple(draft.unknown),
        level="unknown",
        read=reading,
        computed=computing,
        outputs=(Output("unknown", "unknown", "unknown", "Not known: count on every record leaving."),),
    )


def _walk(protocol: Protocol, table: EffectTable, draft: _Draft) -> None:
    _part(protocol.part, table, draft, {})
    if protocol.aggregator is not None:
        _part(protocol.aggregator, table, draft, {})
    for algorithm in protocol.algorithms:
        words = _algorithm_words(algorithm)
        row = _part(algorithm.part, table, draft, words)
        for each in algorithm.datastructures:
            _part(each, table, draft, words)
        if algorithm.model is not None:
            _part(algorithm.model.part, table, draft, words)
            if not algorithm.model.slug:
                draft.unknown.append("The model is not named with owner, name and version.")
        elif row is not None and "model" in row.needs:
            draft.unknown.append(f"“{stranger(algorithm.part.name)}” does not say which model it runs.")
        if row is not None and algorithm.model is not None and "model" not in row.needs:
            draft.unknown.append(f"“{stranger(algorithm.part.name)}” carries a model that it should not have.")


def _part(part: Part, table: EffectTable, draft: _Draft, words: Mapping[str, str]) -> PartRow | None:
    row = table.part(part.role, part.class_name)
    if row is None:
        draft.unknown.append(f"The {part.role} “{stranger(part.class_name) or 'without a class'}” is not known.")
        return None
    draft.say("reads", (_fill(each, words) for each in row.reads))
    draft.say("computes", (_fill(each, words) for each in row.computes))
    draft.say("stays", (_fill(each, words) for each in row.stays))
    _arguments(f"“{stranger(part.name) or part.role}”", dict(part.arguments), row.arguments, draft)
    return row


def _arguments(whose: str, found: Mapping[str, str], rules: Mapping[str, ArgumentRule], draft: _Draft) -> None:
    for name in (each for each, rule in rules.items() if rule.text):
        if not _is_text(found.get(name)):
            draft.unknown.append(f"{whose} lacks its “{name}”.")
    for name, text in found.items():
        rule = rules.get(name)
        if rule is None:
            draft.unknown.append(f"{whose} has “{stranger(name, 60)}”, and what that changes is not known.")
        elif rule.only is not None and text not in rule.only:
            draft.unknown.append(f"{whose} sets “{name}” to {stranger(text, 60)}, and what that changes is not known.")
        else:
            for saying in rule.says:
                if _applies(saying.contains, json.loads(text)):
                    draft.say(saying.to, (saying.words,))


def _applies(contains: str, value: object) -> bool:
    return contains in value if contains and isinstance(value, list) else bool(value)


def _is_text(value: str | None) -> bool:
    return value is not None and value.startswith('"') and bool(json.loads(value).strip())


def _words(protocol: Protocol) -> dict[str, str]:
    """The words for a headline: each from the first algorithm that has something to say."""
    words = _algorithm_words(Algorithm(Part("algorithm", "", ()), None, ()))
    for algorithm in reversed(protocol.algorithms):
        said = _algorithm_words(algorithm)
        words["table"] = said["table"] if algorithm.table else words["table"]
        words["model"] = said["model"] if algorithm.model is not None else words["model"]
    return words


def _algorithm_words(algorithm: Algorithm) -> dict[str, str]:
    listed = [each for name in _DATA_STRUCTURE_LISTS for each in algorithm.part.texts(name)]
    return {
        "table": f"“{stranger(algorithm.table)}”" if algorithm.table else "(none is named)",
        "columns": _listed(algorithm.columns),
        "report_columns": _listed(tuple(dict.fromkeys(listed))),
        "model": f"“{stranger(algorithm.model.slug)}”" if algorithm.model and algorithm.model.slug else "(not named)",
        "query": elide(visible(algorithm.query, one_line=False), _QUERY_SHOWN),
    }


def _listed(columns: tuple[str, ...]) -> str:
    if not columns:
        return "all columns, because the request does not name any"
    shown = ", ".join(f"“{stranger(each, 80)}”" for each in columns[:_COLUMNS_SHOWN])
    more = len(columns) - _COLUMNS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _fill(template: str, words: Mapping[str, str]) -> str:
    """Put words into a template in one pass, so that braces inside a stranger's words stay what they are."""
    return _PLACEHOLDER.sub(lambda found: words.get(found.group(1), found.group(0)), template)


def _destination(requester: Requester) -> str:
    key = f"key {requester.key_fingerprint[:16]}"
    return f"The requester who calls themselves “{stranger(requester.name_claimed)}” ({key}), by encrypted messages."
