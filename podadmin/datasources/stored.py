"""Where a datasource lies as it is written into the database, and back. What older versions wrote is read the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from podadmin.core.canon import canonical
from podadmin.datasources.folders import FileFilter
from podadmin.datasources.model import (
    ENGINES,
    ColumnChoices,
    CsvSource,
    EngineSource,
    FolderSource,
    JsonLinesSource,
    Kind,
    NullSource,
    ParquetSource,
    Reading,
    ServiceSource,
    Source,
    SqlSource,
)

BESIDE_THE_DATA = frozenset(
    {
        "display_name", "description", "table_descriptions", "data_splitter", "validation_percentage",
        "test_percentage", "shuffle", "split_seed", "iterative_splitting", "time_series_sort_by", "column_name",
        "training_set_label", "validation_set_label", "test_set_label", "infer_data_split_labels", "path_prefixes",
        "path_suffixes", "auto_tidy", "partition_size", "seed", "output_path",
    }
)  # fmt: skip
"""Settings that change nothing about what a schema says: it is not old where one of these is another."""
_DAYS = ("modified_from", "modified_until", "created_from", "created_until")


def stored(source: Source) -> dict[str, Any]:
    """A source as JSON-ready values, without its kind and with nothing that has its default. Never a secret."""
    told: dict[str, Any]
    match source:
        case CsvSource():
            told = {"path": str(source.path), "reading": source.reading.as_dict()}
        case ParquetSource() | JsonLinesSource():
            told = {"path": str(source.path)}
        case FolderSource():
            told = {"path": str(source.path), "files": _filter_dict(source.chosen)}
        case SqlSource():
            told = {
                "url": source.url,
                "secret": source.secret,
                "table": source.table,
                "query": source.query,
                "version": source.version,
            }
        case ServiceSource():
            told = {"url": source.url, "template": source.template, "secret": source.secret}
        case EngineSource():
            told = {"where": dict(source.where), "table": source.table, "secret": source.secret}
        case NullSource():
            told = {}
    return {name: value for name, value in {**told, "settings": dict(source.settings)}.items() if value}


def made_from(source: Source, choices: ColumnChoices) -> str:
    """A digest of everything that a schema follows from, but the data itself: another one makes the schema old."""
    told = stored(source)
    kept = {name: value for name, value in told.get("settings", {}).items() if name not in BESIDE_THE_DATA}
    told |= {"settings": kept, "secret": "", "ignore": sorted(choices.ignore), "force": dict(choices.force)}
    return sha256(canonical(told).encode()).hexdigest()


def restored(kind: Kind, kept: Mapping[str, Any]) -> Source:
    """The source that `stored` wrote for this kind."""
    settings = kept.get("settings", {})
    if kind is Kind.NULL:
        return NullSource(settings)
    if kind is Kind.INTERMINE:
        return ServiceSource(kept["url"], kept["template"], kept.get("secret", ""), settings)
    if kind in {Kind.SQL, Kind.OMOP}:
        named = {name: kept.get(name, "") for name in ("secret", "table", "query", "version")}
        return SqlSource(kept["url"], kind=kind, settings=settings, **named)
    if kind in ENGINES:
        return EngineSource(kind, kept.get("table", ""), kept["where"], kept.get("secret", ""), settings)
    path = Path(kept["path"])
    if kind is Kind.CSV:
        return CsvSource(path, Reading(**kept.get("reading", {})), settings)
    if kind is Kind.PARQUET:
        return ParquetSource(path, settings)
    if kind is Kind.JSON_LINES:
        return JsonLinesSource(path, settings)
    return FolderSource(kind, path, _filter_of(kept.get("files", {})), settings)


def _filter_dict(chosen: FileFilter) -> dict[str, Any]:
    given = {name: value for name, value in vars(chosen).items() if value not in (None, (), False)}
    given |= {name: given[name].isoformat() for name in _DAYS if name in given}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


def _filter_of(kept: Mapping[str, Any]) -> FileFilter:
    given = dict(kept)
    given |= {name: date.fromisoformat(given[name]) for name in _DAYS if name in given}
    if "extensions" in given:
        given["extensions"] = tuple(given["extensions"])
    return FileFilter(**given)
