"""The datasources that are connected here, as a pod's configuration tells them. Pure.

The fields of each kind (`podadmin.datasources.kinds`) bear the names that the pod's software gives them, so that what
the custodian chose arrives under the same name. Kinds that a pod does not know are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from podadmin.datasources.folders import NO_ENDING, FileFilter
from podadmin.datasources.model import (
    CsvSource,
    Datasource,
    FolderSource,
    Kind,
    NullSource,
    ServiceSource,
    SqlSource,
)
from podadmin.networks.bitfount.config_values import FromEnvironment
from podadmin.networks.bitfount.containers import DatasourceContainerConfig
from podadmin.networks.bitfount.pod_config import DatasourceConfig, PodDataConfig, PodDetailsConfig, args_of
from podadmin.networks.bitfount.source_args import ARGS, FILTERED, OphthalmologyDataSourceArgs

_SPLITS: Final[Mapping[str, tuple[str, ...]]] = {
    "percentage": ("validation_percentage", "test_percentage", "shuffle", "iterative_splitting", "time_series_sort_by"),
    "predefined": (
        "column_name",
        "training_set_label",
        "validation_set_label",
        "test_set_label",
        "infer_data_split_labels",
    ),
}


def variable_of(source: Datasource) -> str:
    """The variable in which the pod gets the secret of a datasource; empty where it has none to get."""
    if not isinstance(source.source, SqlSource | ServiceSource):
        return ""
    what = "CONNECTION_STRING" if isinstance(source.source, SqlSource) else "TOKEN"
    if isinstance(source.source, ServiceSource) and not source.source.secret:
        return ""
    return re.sub(r"[^A-Z0-9]+", "_", f"PODADMIN_{source.name}_{what}".upper())


def container(source: Datasource) -> DatasourceContainerConfig | None:
    """What a pod is told about a datasource; None for a kind that it does not know."""
    kind, settings = str(source.kind), source.source.settings
    if kind not in ARGS:
        return None
    told: dict[str, Any] = {
        "datasource_args": args_of(kind, _args(source)),
        "auto_tidy": settings.get("auto_tidy", False),
    }
    choices = source.choices
    if choices.force:
        forced: dict[str, list[str]] = {}
        for column, stype in choices.force.items():
            forced.setdefault(stype, []).append(column)
        told["force_stypes"] = forced
    told |= {"ignore_cols": tuple(choices.ignore)} if choices.ignore else {}
    told |= {"column_descriptions": dict(choices.describe)} if choices.describe else {}
    for name in ("table_descriptions", "description"):
        told |= {name: settings[name]} if settings.get(name) else {}
    told |= _modifiers(settings) | _split(settings)
    if isinstance(source.source, FolderSource) and kind in FILTERED:
        told |= _filtered(source.source.chosen)
    words = settings.get("description") or source.name
    details = PodDetailsConfig(display_name=settings.get("display_name") or source.name, description=words)
    return DatasourceContainerConfig(source.name, source, details, PodDataConfig.model_validate(told))


def datasource_config(source: Datasource) -> DatasourceConfig | None:
    """The same as it stands in the configuration file."""
    told = container(source)
    if told is None:
        return None
    return DatasourceConfig(
        datasource=str(source.kind),
        name=told.name,
        data_config=told.data_config or PodDataConfig(),
        datasource_details_config=told.datasource_details,
    )


def _args(source: Datasource) -> dict[str, Any]:
    where, settings = source.source, dict(source.source.settings)
    model = ARGS[str(source.kind)]
    args = {name: _told(value) for name, value in settings.items() if name in model.model_fields}
    eye = {name: _told(settings[name]) for name in OphthalmologyDataSourceArgs.model_fields if name in settings}
    if eye and "ophthalmology_args" in model.model_fields:
        args["ophthalmology_args"] = eye
    columns = {name: settings[name] for name in ("oct_column", "slo_column") if settings.get(name)}
    if columns:
        args["dicom_ophthalmology_csv_columns"] = columns
    if settings.get("heidelberg_files_col"):
        args["heidelberg_csv_columns"] = {"heidelberg_files_col": settings["heidelberg_files_col"]}
    match where:
        case CsvSource():
            args["path"] = str(where.path)
            args |= _read_as(where)
        case FolderSource():
            args["path"] = str(where.path)
        case SqlSource():
            args["connection_string"] = FromEnvironment(name=variable_of(source))
            args |= {"version": where.version} if where.kind is Kind.OMOP and where.version else {}
        case ServiceSource():
            args |= {"service_url": where.url, "template_name": where.template}
            args |= {"token": FromEnvironment(name=variable_of(source))} if where.secret else {}
        case NullSource():
            pass
    return args


def _read_as(source: CsvSource) -> dict[str, Any]:
    """How the pod reads the file as it is read here, where the custodian said how; what they said for the pod wins."""
    reading = source.reading
    said = {"encoding": reading.encoding, "sep": reading.separator}
    told: dict[str, Any] = {name: value for name, value in said.items() if value}
    if reading.quote:
        told |= {"quoting": 3} if reading.quote == "none" else {"quotechar": reading.quote}
    told |= source.settings.get("read_csv_kwargs", {})
    return {"read_csv_kwargs": told} if told else {}


def _told(value: Any) -> Any:
    """A day as the configuration tells it; everything else as it is."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return _day(date.fromisoformat(value))
    return value


def _day(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def _filtered(chosen: FileFilter) -> dict[str, Any]:
    if chosen == FileFilter():
        return {}
    days = {
        "file_creation_min_date": chosen.created_from,
        "file_creation_max_date": chosen.created_until,
        "file_modification_min_date": chosen.modified_from,
        "file_modification_max_date": chosen.modified_until,
    }
    told: dict[str, Any] = {name: _day(day) for name, day in days.items() if day is not None}
    endings = tuple(each for each in chosen.extensions if each != NO_ENDING)
    told |= {"file_extension": endings} if endings else {}
    told |= {"strict_file_extension": True} if chosen.strict else {}
    sizes = {"min_file_size": chosen.smallest, "max_file_size": chosen.largest}
    return {"file_system_filters": told | {name: size for name, size in sizes.items() if size is not None}}


def _split(settings: Mapping[str, Any]) -> dict[str, Any]:
    kind = settings.get("data_splitter")
    if not kind:
        return {}
    args = {name: settings[name] for name in _SPLITS[kind] if name in settings}
    if kind == "percentage" and settings.get("split_seed") is not None:
        args["seed"] = settings["split_seed"]
    return {"data_split": {"data_splitter": kind, "args": args}}


def _modifiers(settings: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, dict[str, str]] = {}
    for name, part in (("path_prefixes", "prefix"), ("path_suffixes", "suffix")):
        for column, text in settings.get(name, {}).items():
            found.setdefault(column, {})[part] = text
    return {"modifiers": found} if found else {}
