"""Reads a serialised protocol as a tree of parts: what class, which arguments, which model, which SQL.

Pure reading of verified JSON (bitfount contract, section 5.3). What the parts do is the business of the effect table;
nothing here is guessed, and an argument with an unexpected shape is reported as such instead of being dropped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from podadmin.core.canon import JSON, canonical
from podadmin.requests.envelope import Verified, VerifiedRequest

PREFIX: Final = "bitfount."
_MODEL_REFERENCE: Final = "BitfountModelReference"
_COLUMN_LISTS: Final = ("selected_cols", "image_cols")
_COLUMN_PREFIXES: Final = ("selected_cols_prefix", "image_prefix")
_STEPS: Final = {
    f"{PREFIX}SqlQuery": "SQL query",
    f"{PREFIX}CSVReportAlgorithm": "CSV report",
}


@dataclass(frozen=True)
class Part:
    """One map with a class: protocol, algorithm, aggregator, model or datastructure.

    `class_name` is as it stands there, empty where there is none. `arguments` holds every other key with its value as
    canonical JSON, by name.
    """

    role: str
    class_name: str
    arguments: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The class without `bitfount.`."""
        return self.class_name.removeprefix(PREFIX)

    def value(self, argument: str) -> object:
        """The value of an argument; None where it is null or absent."""
        found = dict(self.arguments).get(argument)
        return None if found is None else json.loads(found)

    def text(self, argument: str) -> str:
        """The value of an argument that is text; empty for every other."""
        value = self.value(argument)
        return value if isinstance(value, str) else ""

    def texts(self, argument: str) -> tuple[str, ...]:
        """The texts in an argument that is a list."""
        value = self.value(argument)
        return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


@dataclass(frozen=True)
class Model:
    """`slug` is `owner/name:version`, the name under which limits count; empty where that cannot be told."""

    part: Part
    slug: str


@dataclass(frozen=True)
class Algorithm:
    """One step of a protocol with what hangs below it."""

    part: Part
    model: Model | None
    datastructures: tuple[Part, ...]

    @property
    def query(self) -> str:
        return self.part.text("query")

    @property
    def table(self) -> str:
        """The table that it names itself or in its datastructure; empty where none is named."""
        named = (self.part.text("table"), *(each.text("table") for each in self.datastructures))
        return next((each for each in named if each), "")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its datastructures select, prefixes as `name…`, in their order, each once."""
        found: list[str] = []
        for each in self.datastructures:
            for name in _COLUMN_LISTS:
                found.extend(each.texts(name))
            found.extend((each.text("target"),) if each.text("target") else each.texts("target"))
            found.extend(f"{each.text(name)}…" for name in _COLUMN_PREFIXES if each.text(name))
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Protocol:
    """`malformed` names the places where something else stands than a map with a class belongs."""

    part: Part
    algorithms: tuple[Algorithm, ...]
    aggregator: Part | None
    malformed: tuple[str, ...]

    @property
    def title(self) -> str:
        """Protocol and algorithms in one line, such as `ResultsOnly · SqlQuery`."""
        return " · ".join([self.part.name, *(each.part.name or "?" for each in self.algorithms)])

    @property
    def task(self) -> str:
        """What the task is, for a list: its steps in plain words where they have some, then the protocol's own name.

        Such as `SQL query (ResultsOnly)` or `Inference with owner/model:1, CSV report (…)`.
        """
        steps: list[str] = []
        for each in self.algorithms:
            if each.part.name == "ModelInference" and each.model is not None and each.model.slug:
                steps.append(f"Inference with {each.model.slug}")
            else:
                steps.append(_STEPS.get(each.part.class_name, each.part.name or "?"))
        return f"{', '.join(steps)} ({self.part.name})" if steps else self.part.name

    @property
    def models(self) -> tuple[Model, ...]:
        return tuple(each.model for each in self.algorithms if each.model is not None)


def read(verified: Verified[VerifiedRequest]) -> Protocol:
    """The protocol of a verified request."""
    return read_protocol(verified.value.protocol)


def read_protocol(protocol: JSON) -> Protocol:
    """A protocol map that has passed the envelope's checks, as parts."""
    malformed: list[str] = []
    listed = protocol.get("algorithm")
    maps = listed if isinstance(listed, list) else [] if listed is None else [listed]
    algorithms = tuple(_algorithm(each, f"algorithm[{place}]", malformed) for place, each in enumerate(maps))
    aggregator = _optional(protocol, "aggregator", "aggregator", malformed)
    return Protocol(
        part=_part("protocol", protocol, ("algorithm", "aggregator")),
        algorithms=algorithms,
        aggregator=aggregator,
        malformed=tuple(malformed),
    )


def unknown_arguments(part: Part, known: Mapping[str, object]) -> tuple[str, ...]:
    """The arguments of a part that are not among the known ones, whatever their value."""
    return tuple(name for name, _value in part.arguments if name not in known)


def _algorithm(found: object, path: str, malformed: list[str]) -> Algorithm:
    value = _map(found, path, malformed)
    datastructures = [_optional(value, "datastructure", f"{path}.datastructure", malformed)]
    model = None
    if value.get("model") is not None:
        inner = _map(value["model"], f"{path}.model", malformed)
        datastructures.append(_optional(inner, "datastructure", f"{path}.model.datastructure", malformed))
        part = _part("model", inner, ("datastructure",))
        model = Model(part, _slug(part))
    return Algorithm(
        part=_part("algorithm", value, ("model", "datastructure")),
        model=model,
        datastructures=tuple(each for each in datastructures if each is not None),
    )


def _optional(value: JSON, key: str, path: str, malformed: list[str]) -> Part | None:
    if value.get(key) is None:
        return None
    return _part(key, _map(value[key], path, malformed), ())


def _map(found: object, path: str, malformed: list[str]) -> JSON:
    if isinstance(found, dict):
        return found
    malformed.append(path)
    return {}


def _part(role: str, value: JSON, nested: tuple[str, ...]) -> Part:
    name = value.get("class_name")
    left_out = {"class_name", *nested} if isinstance(name, str) else set(nested)
    arguments = tuple((key, canonical(each)) for key, each in sorted(value.items()) if key not in left_out)
    return Part(role, name if isinstance(name, str) else "", arguments)


def _slug(part: Part) -> str:
    owner, name, version = part.text("username"), part.text("model_ref"), part.value("model_version")
    if part.class_name != _MODEL_REFERENCE or not owner or not name:
        return ""
    if isinstance(version, bool) or not isinstance(version, int):
        return ""
    return f"{owner}/{name}:{version}"
