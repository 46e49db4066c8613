"""The schema document that a pod and its hub exchange, version 4 (bitfount contract, section 3.1). Pure values.

Written by hand and read back strictly: what this module does not know it refuses, so that nothing that a custodian
did not see can travel inside a schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from podadmin.core.canon import parsed
from podadmin.core.errors import BadInput
from podadmin.core.late import Late
from podadmin.core.text import stranger

if TYPE_CHECKING:
    import yaml
else:
    yaml = Late("yaml")

SCHEMA_VERSION = "4"
FORMAT_VERSION = "13.0.0"
"""The version of bitfount whose format is written."""
EMPTY_HASH = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
"""SHA-256 of `[]`: the constant that the real software writes in every schema. It says nothing about the data."""
LEVELS = ("empty", "partial", "full")
STYPES = ("categorical", "continuous", "image", "text")
_IMAGE_KEYS = ("dimensions", "formats", "modes")


@dataclass(frozen=True)
class Feature:
    """One column. `labels` (categorical only) in the order of their classes 0..n-1; the three counts image only."""

    name: str
    description: str | None
    dtype: str
    stype: str
    labels: tuple[str, ...] = ()
    dimensions: Mapping[str, int] = field(default_factory=dict)
    formats: Mapping[str, int] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """A schema. `features` are kept sorted by name; `force_stypes`: semantic type -> columns."""

    name: str
    description: str | None
    records: int
    features: tuple[Feature, ...]
    force_stypes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    level: str = "full"
    format_version: str = FORMAT_VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(sorted(self.features, key=lambda feature: feature.name)))

    def as_dict(self) -> dict[str, Any]:
        """The document with its keys in the order of the format."""
        return {
            "name": self.name,
            "description": self.description,
            "number_of_records": self.records,
            "features": [_feature_dict(feature) for feature in self.features],
            "metadata": {
                "bitfount_version": self.format_version,
                "hash": EMPTY_HASH,
                "force_stypes": {stype: list(names) for stype, names in self.force_stypes.items()},
                "schema_version": SCHEMA_VERSION,
                "schema_type": self.level,
            },
        }

    def to_yaml(self) -> str:
        """The document as the pod writes it to a file."""
        return yaml.dump(self.as_dict(), sort_keys=False)

    def to_json(self) -> str:
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _feature_dict(feature: Feature) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "featureName": feature.name,
        "description": feature.description,
        "dtype": feature.dtype,
        "semanticType": feature.stype,
    }
    if feature.stype == "categorical":
        shown["encoder"] = {"classes": {label: place for place, label in enumerate(feature.labels)}}
    if feature.stype == "image":
        shown |= {key: dict(getattr(feature, key)) for key in _IMAGE_KEYS}
    return shown


def read(text: str) -> Document:
    """The document in a YAML or JSON text of version 4, or of an older one, which is converted.

    Raises BadInput: `schema.not-a-document` (no YAML, or a part is missing, unknown or of the wrong kind) or
    `schema.version` (a version that is not known).
    """
    try:
        # YAML readers do not take all of JSON: no escaped surrogate pairs, no raw control characters
        data = parsed(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _bad("It is neither YAML nor JSON.") from error
    top = dict(_mapping(data, "the document"))
    metadata = dict(_mapping(top.get("metadata"), "metadata"))
    version = metadata.get("schema_version")
    if version in {"1", "2", "3"}:
        top = _from_older(top, version)
    elif version != SCHEMA_VERSION:
        raise BadInput(
            "schema.version",
            "This schema is of another version.",
            f"It says version {stranger(str(version), 20)}; podadmin reads the versions 1 to {SCHEMA_VERSION}.",
            "Generate the schema again from its datasource.",
        )
    _only(top, {"name", "description", "number_of_records", "features", "metadata"}, "the document")
    known = {"bitfount_version", "hash", "force_stypes", "schema_version", "schema_type", "schema_generation_enabled"}
    _only(metadata, known, "metadata")
    level = metadata.get("schema_type", "full")
    if level not in LEVELS:
        raise _bad("schema_type is none of empty, partial and full.")
    features = tuple(_feature(each) for each in _list(top.get("features"), "features"))
    if len({feature.name for feature in features}) != len(features):
        raise _bad("Two features have the same name.")
    forced = _mapping(metadata.get("force_stypes") or {}, "force_stypes")
    return Document(
        _text(top.get("name"), "name"),
        _optional(top.get("description"), "description"),
        _count(top.get("number_of_records"), "number_of_records"),
        features,
        {key: tuple(_text(name, key) for name in _list(names, key)) for key, names in forced.items()},
        level,
        _text(metadata.get("bitfount_version"), "bitfount_version"),
    )


def _from_older(top: dict[str, Any], version: str) -> dict[str, Any]:
    """A document of version 1 (a list of tables), 2 (one table) or 3 (no level) in the shape of version 4.

    Of several tables the first by name is taken, as the network's own software does (bitfount contract, section 3.1).
    """
    older = {"1": "tables", "2": "table"}.get(version, "")
    if not older:
        return {"number_of_records": 0, "description": None, **top}
    if older == "tables":
        tables = [_mapping(each, "a table") for each in _list(top.get(older), older)]
        if not tables:
            raise _bad("It has no table.")
        table = min(tables, key=lambda each: str(each.get("name", "")))
    else:
        table = _mapping(top.get(older), older)
    return {
        "name": table.get("name", ""),
        "description": table.get("description"),
        "number_of_records": table.get("number_of_records", top.get("number_of_records", 0)),
        "features": table.get("features"),
        "metadata": top["metadata"],
    }


def _feature(data: object) -> Feature:
    entry = _mapping(data, "a feature")
    name = _text(entry.get("featureName"), "featureName")
    stype = entry.get("semanticType")
    if stype not in STYPES:
        raise _bad(f"The semantic type of “{stranger(name, 60)}” is none of {', '.join(STYPES)}.")
    extra = {"categorical": {"encoder"}, "image": set(_IMAGE_KEYS)}.get(stype, set())
    _only(entry, {"featureName", "description", "dtype", "semanticType"} | extra, "a feature")
    labels: tuple[str, ...] = ()
    if stype == "categorical":
        encoder = _mapping(entry.get("encoder"), "encoder")
        _only(encoder, {"classes"}, "encoder")
        classes = _mapping(encoder.get("classes"), "classes")
        labels = tuple(sorted(classes, key=lambda label: _count(classes[label], "classes")))
        if [classes[label] for label in labels] != list(range(len(labels))):
            raise _bad(f"The classes of “{stranger(name, 60)}” are not numbered from 0 on without gaps.")
    counts = {
        key: {label: _count(times, key) for label, times in _mapping(entry.get(key, {}), key).items()}
        for key in _IMAGE_KEYS
    }
    return Feature(
        name,
        _optional(entry.get("description"), "description"),
        _text(entry.get("dtype"), "dtype"),
        stype,
        labels,
        **counts,
    )


def _bad(why: str) -> BadInput:
    return BadInput(
        "schema.not-a-document",
        "This is not a schema that can be read.",
        why,
        "Generate the schema again, or ask whoever sent it for the original file.",
    )


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise _bad(f"{where} is missing or is not a table of names and values.")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _bad(f"{stranger(where, 60)} is missing or is not a list.")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _bad(f"{stranger(where, 60)} is missing or is not text.")
    return value


def _optional(value: object, where: str) -> str | None:
    return None if value is None else _text(value, where)


def _count(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _bad(f"{where} is missing or is not a number of things.")
    return value


def _only(value: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(value) - known)
    if unknown:
        raise _bad(f"{where} has a part that is not known: “{stranger(unknown[0], 60)}”.")
