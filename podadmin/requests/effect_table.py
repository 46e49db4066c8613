"""The effect table as values: which classes are known, which arguments they may have, what they do.

The rows live in `resources/effects/*.json` and cite their source. A table with a mistake is refused as a whole: half
a table would turn unknown effects into silence.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from podadmin.core.canon import canonical
from podadmin.core.resources import resource
from podadmin.requests.effect_facts import CHANNELS, LEVELS, Channel, Level

ANY: Final = "*"
"""In `takes`: any algorithm that has a result of its own to send."""
_FIELDS: Final = frozenset({"reads", "computes", "stays", "filters"})
_ROLES: Final = frozenset({"protocol", "algorithm", "aggregator", "model", "datastructure", "step"})
_DESTINATIONS: Final = frozenset({"requester", "operator", "store", "recipients", "unknown"})
_OFTEN: Final = frozenset({"once", "each-batch", "each-round", "on-failure", "while-running"})
_ORIGINS: Final = frozenset({"", "hugging-face", "timm", "monai"})


@dataclass(frozen=True)
class Saying:
    """A sentence that joins `to` (one of reads | computes | stays | filters) where the argument is set.

    With `contains`, only where the argument is a list that holds it.
    """

    to: str
    words: str
    contains: str = ""


@dataclass(frozen=True)
class ArgumentRule:
    """`only`: the values, as canonical JSON, for which the effects are known; None for all. `text`: must be text."""

    only: frozenset[str] | None = None
    text: bool = False
    says: tuple[Saying, ...] = ()


@dataclass(frozen=True)
class Leaving:
    """One thing that leaves; see `effect_facts.Output` for the fields.

    `when`: only where this argument is set. `unless`: not where this argument is exactly true.
    """

    level: Level
    channel: Channel
    words: str
    destination: str = "requester"
    often: str = "once"
    when: str = ""
    unless: str = ""


@dataclass(frozen=True)
class PartRow:
    """What one class does by itself.

    `takes` (a protocol): how many of which algorithms, by class or `*`. `sends` (a protocol): the algorithm's own
    `result` is what leaves, under the algorithm's `headline`. `leaves`: what leaves beside that. `analyse`: the
    argument that holds SQL. `model_argument`: the argument that names a model of `origin`. `foreign_code`: it brings
    code of its own. `trains`: it changes the model.
    """

    role: str
    class_name: str
    source: str
    arguments: Mapping[str, ArgumentRule]
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    computes: tuple[str, ...]
    stays: tuple[str, ...]
    headline: str
    leaves: tuple[Leaving, ...]
    result: tuple[Leaving, ...]
    takes: Mapping[str, int]
    sends: bool
    ehr: bool
    origin: str
    model_argument: str
    foreign_code: bool
    trains: bool
    analyse: str
    same_as: str

    @property
    def has_result(self) -> bool:
        return bool(self.result or self.analyse)


@dataclass(frozen=True)
class EffectTable:
    """`flow` is what leaves in every flow of protocol version 9, whatever its steps are."""

    network: str
    parts: Mapping[tuple[str, str], PartRow]
    always: tuple[Leaving, ...]
    flags: Mapping[str, ArgumentRule]
    flow_headline: str
    flow: tuple[Leaving, ...]

    def part(self, role: str, class_name: str) -> PartRow | None:
        """The row of a class, with an older name resolved; None where the class is not known."""
        found = self.parts.get((role, class_name))
        return self.parts[role, found.same_as] if found is not None and found.same_as else found

    def fits(self, protocol: PartRow, algorithms: Sequence[PartRow]) -> bool:
        """Is it known what this protocol does with these algorithms?"""
        if not algorithms:
            return False
        if ANY in protocol.takes:
            return len(algorithms) <= protocol.takes[ANY] and all(each.has_result for each in algorithms)
        wanted = Counter(each.class_name for each in algorithms)
        return all(count <= protocol.takes.get(name, 0) for name, count in wanted.items())


@cache
def shipped(name: str = "bitfount") -> EffectTable:
    """The table that ships for a network. Raises FileNotFoundError, ValueError where the installation is damaged."""
    return parse(json.loads(resource("effects", f"{name}.json").read_text(encoding="utf-8")))


def parse(document: Mapping[str, Any]) -> EffectTable:
    """A table from its JSON. Raises ValueError with the row at fault."""
    parts: dict[tuple[str, str], PartRow] = {}
    for row in document["parts"]:
        part = _part(row)
        if part.role not in _ROLES or not part.source or (part.role, part.class_name) in parts:
            raise ValueError(f"effect table: {part.role} {part.class_name!r} has no known role, no source or a twin")
        parts[part.role, part.class_name] = part
    for part in parts.values():
        _check(part, parts)
    return EffectTable(
        document["network"],
        parts,
        _leavings(document["always"]["leaves"]),
        _rules(document["flags"]["arguments"]),
        document["flows"]["headline"],
        _leavings(document["flows"]["leaves"]),
    )


def _check(part: PartRow, parts: Mapping[tuple[str, str], PartRow]) -> None:
    target = parts.get((part.role, part.same_as))
    if part.same_as:
        if target is None or target.same_as:
            raise ValueError(f"effect table: {part.class_name} is the same as a row that is not there")
        return
    for name in part.takes:
        taken = parts.get(("algorithm", name))
        if name != ANY and (taken is None or taken.same_as):
            raise ValueError(f"effect table: {part.class_name} takes {name!r}, which has no row")
    named = {part.analyse, part.model_argument} - {""}
    if not named <= set(part.arguments) or part.origin not in _ORIGINS:
        raise ValueError(f"effect table: {part.class_name} names an argument that it has not, or an unknown origin")
    if part.role == "protocol" and not (part.takes and (part.sends or (part.headline and part.leaves))):
        raise ValueError(f"effect table: {part.class_name} does not say what it takes or what leaves")
    if part.has_result and not part.headline:
        raise ValueError(f"effect table: {part.class_name} sends a result and does not say so")


def _part(row: Mapping[str, Any]) -> PartRow:
    return PartRow(
        role=row["role"],
        class_name=row["class"],
        source=row["source"],
        arguments=_rules(row.get("arguments", {})),
        needs=tuple(row.get("needs", ())),
        reads=tuple(row.get("reads", ())),
        computes=tuple(row.get("computes", ())),
        stays=tuple(row.get("stays", ())),
        headline=row.get("headline", ""),
        leaves=_leavings(row.get("leaves", ())),
        result=_leavings(row.get("result", ())),
        takes=dict(row.get("takes", {})),
        sends=row.get("sends", False),
        ehr=row.get("ehr", False),
        origin=row.get("origin", ""),
        model_argument=row.get("model_argument", ""),
        foreign_code=row.get("foreign_code", False),
        trains=row.get("trains", False),
        analyse=row.get("analyse", ""),
        same_as=row.get("same_as", ""),
    )


def _leavings(found: Iterable[Mapping[str, str]]) -> tuple[Leaving, ...]:
    leavings = []
    for each in found:
        leaving = Leaving(
            cast(Level, each["level"]),
            cast(Channel, each["channel"]),
            each["words"],
            each.get("destination", "requester"),
            each.get("often", "once"),
            each.get("when", ""),
            each.get("unless", ""),
        )
        known = (
            leaving.level in LEVELS
            and leaving.channel in CHANNELS
            and leaving.destination in _DESTINATIONS
            and leaving.often in _OFTEN
        )
        if not known:
            raise ValueError(f"effect table: it is not known what this means: {leaving.words}")
        leavings.append(leaving)
    return tuple(leavings)


def _rules(found: Mapping[str, Mapping[str, Any]]) -> dict[str, ArgumentRule]:
    rules = {}
    for name, rule in found.items():
        says = tuple(Saying(each["to"], each["words"], each.get("contains", "")) for each in rule.get("says", ()))
        if any(each.to not in _FIELDS for each in says):
            raise ValueError(f"effect table: what {name} says has no place to go")
        only = frozenset(canonical(each) for each in rule["only"]) if "only" in rule else None
        rules[name] = ArgumentRule(only, rule.get("text", False), says)
    return rules
