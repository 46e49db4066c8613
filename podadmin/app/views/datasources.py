"""What Datasources shows: cards, the steps of the wizard, a schema and what it reveals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from podadmin.app.views.facts import Fact


@dataclass(frozen=True)
class ColumnView:
    """A column as the wizard and the schema page show it. `stype`: categorical | continuous | text | image."""

    TABLE: ClassVar[tuple[str, ...]] = (
        "name",
        "dtype",
        "stype",
        "forced",
        "ignored",
        "nulls",
        "distinct",
        "minimum",
        "maximum",
        "warning",
    )

    name: str
    dtype: str
    stype: str
    forced: bool
    ignored: bool
    description: str
    nulls: int | None = None
    distinct: int | None = None
    distinct_estimated: bool = False
    minimum: str = ""
    maximum: str = ""
    mean: float | None = None
    labels: tuple[str, ...] = ()
    warning: str = ""


@dataclass(frozen=True)
class Preview:
    """The first rows. Values are masked unless the custodian asked to see them; `masked` says which it is."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    masked: bool


@dataclass(frozen=True)
class ProbeView:
    """What testing a datasource found; nothing is saved by it."""

    ok: bool
    facts: tuple[Fact, ...]
    rejected_lines: tuple[Fact, ...] = ()
    error: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Revelation:
    """One thing that publishing the schema would tell the world. `tone`: plain | warn | bad."""

    column: str
    what: str
    values: tuple[str, ...]
    tone: str


@dataclass(frozen=True)
class SchemaView:
    datasource: str
    datasource_name: str
    made_at: datetime
    records: int
    columns: tuple[ColumnView, ...]
    reveals: tuple[Revelation, ...]
    rejected_lines: int
    seconds: float
    saved: bool
    document: Mapping[str, Any] = field(default_factory=dict)
    """The version 4 document exactly as it would be exported."""


@dataclass(frozen=True)
class DatasourceCard:
    """`health`: good | broken | unknown. `schema_state`: none | saved | outdated."""

    TABLE: ClassVar[tuple[str, ...]] = ("id", "name", "kind", "location", "health", "rows", "columns", "schema_state")

    id: str
    name: str
    kind: str
    location: str
    health: str
    health_words: str
    who_can_fix: str
    rows: int | None
    columns: int | None
    size: int | None
    schema_state: str
    schema_made_at: datetime | None
    columns_ignored: tuple[str, ...]
    added_at: datetime
