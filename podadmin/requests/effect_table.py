"""The effect table as values: which classes are known, which arguments they may have, what they do.

The rows live in `resources/effects/*.json` and cite their source. A table with a mistake is refused as a whole: half
a table would turn unknown effects into silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from podadmin.core.canon import canonical
from podadmin.core.resources import resource

LEVELS: Final = ("none", "counts", "aggregate", "parameters", "row", "unknown")
"""What can leave, from the least to the worst."""
_FIELDS: Final = frozenset({"reads", "computes", "stays"})
_ROLES: Final = frozenset({"protocol", "algorithm", "aggregator", "model", "datastructure"})


@dataclass(frozen=True)
class Saying:
    """A sentence that joins `to` (reads | computes | stays) where the argument is set, or holds `contains`."""

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
class PartRow:
    """What one class does by itself."""

    role: str
    class_name: str
    source: str
    arguments: Mapping[str, ArgumentRule]
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    computes: tuple[str, ...]
    stays: tuple[str, ...]
    same_as: str


@dataclass(frozen=True)
class Leaving:
    """One thing that leaves. `level` is one of LEVELS; `channel`: message | telemetry | upload | e-mail."""

    level: str
    channel: str
    words: str


@dataclass(frozen=True)
class TaskRow:
    """What a protocol with exactly these algorithms, in this order, lets out."""

    protocol: str
    algorithms: tuple[str, ...]
    source: str
    headline: str
    leaves: tuple[Leaving, ...]


@dataclass(frozen=True)
class EffectTable:
    network: str
    parts: Mapping[tuple[str, str], PartRow]
    tasks: Mapping[tuple[str, tuple[str, ...]], TaskRow]
    always: tuple[Leaving, ...]
    flags: Mapping[str, ArgumentRule]

    def part(self, role: str, class_name: str) -> PartRow | None:
        """The row of a class, with an older name resolved; None where the class is not known."""
        found = self.parts.get((role, class_name))
        return self.parts[role, found.same_as] if found is not None and found.same_as else found

    def task(self, protocol: str, algorithms: tuple[str, ...]) -> TaskRow | None:
        """The row of a combination, with older names of algorithms resolved; None where it is not known."""
        resolved = []
        for name in algorithms:
            row = self.part("algorithm", name)
            resolved.append(row.class_name if row is not None else "")
        return self.tasks.get((protocol, tuple(resolved)))


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
        target = parts.get((part.role, part.same_as))
        if part.same_as and (target is None or target.same_as):
            raise ValueError(f"effect table: {part.class_name} is the same as a row that is not there")
    tasks = {}
    for row in document["tasks"]:
        task = _task(row)
        if not all(_known(parts, task)):
            raise ValueError(f"effect table: a task with {task.protocol} names a class without a row")
        tasks[task.protocol, task.algorithms] = task
    always = tuple(Leaving("unknown", each["channel"], each["words"]) for each in document["always"]["leaves"])
    return EffectTable(document["network"], parts, tasks, always, _rules(document["flags"]["arguments"]))


def _known(parts: Mapping[tuple[str, str], PartRow], task: TaskRow) -> Iterator[bool]:
    yield ("protocol", task.protocol) in parts
    yield bool(task.leaves) and bool(task.source)
    for name in task.algorithms:
        yield ("algorithm", name) in parts and not parts["algorithm", name].same_as
    for leaving in task.leaves:
        yield leaving.level in LEVELS


def _task(row: Mapping[str, Any]) -> TaskRow:
    leaves = tuple(Leaving(each["level"], each["channel"], each["words"]) for each in row["leaves"])
    return TaskRow(row["protocol"], tuple(row["algorithms"]), row["source"], row["headline"], leaves)


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
        same_as=row.get("same_as", ""),
    )


def _rules(found: Mapping[str, Mapping[str, Any]]) -> dict[str, ArgumentRule]:
    rules = {}
    for name, rule in found.items():
        says = tuple(Saying(each["to"], each["words"], each.get("contains", "")) for each in rule.get("says", ()))
        if any(each.to not in _FIELDS for each in says):
            raise ValueError(f"effect table: what {name} says has no place to go")
        only = frozenset(canonical(each) for each in rule["only"]) if "only" in rule else None
        rules[name] = ArgumentRule(only, rule.get("text", False), says)
    return rules
