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
    looks_like: str = ""
    """The kind of identifier that its name or its values suggest."""
    unconfirmed: bool = False
    """Must it be confirmed before the schema is released?"""
    small: int = 0
    """Labels that fewer records have than the setting for small groups says, and that would be told."""
    decided: str = ""
    """What was decided about its labels, in words."""


@dataclass(frozen=True)
class Preview:
    """The first rows. Values are masked unless the custodian asked to see them; `masked` says which it is."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    masked: bool


@dataclass(frozen=True)
class ProbeView:
    """What testing a datasource found; nothing is saved by it.

    Where it cannot be used, `error` says why, `cause` names it in a few words and `field_code` by the field's own code.
    """

    ok: bool
    facts: tuple[Fact, ...]
    rejected_lines: tuple[Fact, ...] = ()
    error: Mapping[str, str] | None = None
    cause: str = ""
    field_code: str = ""


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
    unconfirmed: tuple[str, ...] = ()
    released_at: datetime | None = None
    drift: tuple[DriftRow, ...] = ()
    """What is different from the schema that was released last, or saved before where none was."""
    notes: tuple[str, ...] = ()
    """Sentences on how much of the source was read."""
    counted_in: str = "lines"
    """lines of a text file | rows of another table | files of a folder | "" where nothing was counted here."""
    origin: str = ""
    """The pod that told it, in words; "" for a schema that was made here."""
    files_unread: int = 0
    """Files of a folder that the sample left out."""
    unread_seconds: float | None = None
    """About how long reading those takes, at the speed of the others; None where that cannot be told."""


@dataclass(frozen=True)
class DriftRow:
    """A difference between two schemas. `grants`: grants that still last and pin the column."""

    column: str
    what: str
    breaking: bool
    grants: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnFacts:
    """All that is known about one column. It stays here: nothing of it is published.

    `bars`: (from, to, rows) in words and a number. `top` and `patterns`: (what, how many or which share, in words).
    """

    name: str
    summary: tuple[Fact, ...]
    bars: tuple[tuple[str, str, int], ...]
    bars_are: str
    top: tuple[tuple[str, str], ...]
    patterns: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    labels: tuple[tuple[str, int | None, str], ...] = ()
    """(label, records, what was decided about it); None where nobody counted the records."""


@dataclass(frozen=True)
class GenerationRow:
    """A generation. `state`: running | interrupted | done | failed | cancelled."""

    id: str
    datasource: str
    datasource_name: str
    state: str
    began_at: datetime
    ended_at: datetime | None
    words: str


@dataclass(frozen=True)
class DatasourceCard:
    """`health`: good | slow | broken | unknown. `schema_state`: none | saved | outdated | pod (it comes from the pod).

    `schema_by` says who can make its schema: here | pod | either | nobody; `schema_from` the pod that told the one that
    is kept, "" for one that was made here.

    `cause` names what broke in a few words, `field_code` by the field's own code. `health_since`: since when it is so.
    `offered` says whether the built-in pod offers it, `offered_words` why not. `reads`: as in KindView. `has_password`:
    is one kept for it?
    """

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
    kind_title: str = ""
    reads: str = "profile"
    files: int | None = None
    newest: datetime | None = None
    cause: str = ""
    field_code: str = ""
    health_since: datetime | None = None
    checked_at: datetime | None = None
    offered: bool = True
    offered_words: str = ""
    has_password: bool = False
    schema_by: str = "here"
    schema_from: str = ""


@dataclass(frozen=True)
class FieldView:
    """One field of a kind of datasource, as a form shows it. Values travel as text in both directions.

    `input`: text | path | folder | choice | number | date | switch | list | pairs | secret | url | lines. A `switch`
    is `yes` or `no`, a `date` is `2024-01-31`, a `list` is a JSON list of texts, `pairs` a JSON object of texts;
    `lines` is text of several lines. A `secret` never travels among the values. `choices`: (value, words). `group`:
    basic | reading | filter | split | advanced. `only_with`: (name, value) of the field that makes this one mean
    something, "" for always.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("name", "label", "input", "required", "default", "group", "help")

    name: str
    label: str
    help: str
    input: str
    choices: tuple[tuple[str, str], ...] = ()
    default: str = ""
    required: bool = False
    group: str = "basic"
    only_with: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class KindView:
    """A kind of datasource. `group`: table | database | engine | images | eye | service | none.

    `reads`: profile (podadmin reads it and generates its schema) | inventory (its files are counted; the schema comes
    from the pod) | nothing. `offered`: does the built-in pod offer it? `words` say what it is, `reads_words` what
    podadmin does with it.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("kind", "title", "group", "reads", "offered", "words", "needs")

    kind: str
    title: str
    words: str
    group: str
    reads: str
    fields: tuple[FieldView, ...]
    reads_words: str = ""
    offered: bool = False
    needs: str = ""
    """Why it cannot be connected yet, in a sentence; "" where nothing is missing on this computer."""


@dataclass(frozen=True)
class DatasourceFields:
    """How a datasource is set up, for a form that changes it. `values` leave out what has its default."""

    id: str
    name: str
    kind: KindView
    values: Mapping[str, str]
    has_password: bool
    ignore: tuple[str, ...]
    force: Mapping[str, str]
    describe: Mapping[str, str]


@dataclass(frozen=True)
class InventoryView:
    """What a folder holds. `whole` is false where the look was stopped; `changed`: folders with anything new."""

    files: int
    size: int
    folders: int
    others: int
    links: int
    newest: datetime | None
    oldest: datetime | None
    by_ending: tuple[tuple[str, int], ...]
    unreadable: tuple[str, ...]
    unreadable_count: int
    changed: int
    whole: bool


@dataclass(frozen=True)
class HealthRow:
    """How one datasource stands. `state`: good | slow | broken | unknown; `looked_at`: the last look at it."""

    TABLE: ClassVar[tuple[str, ...]] = ("name", "state", "cause", "field_code", "since", "looked_at")

    id: str
    name: str
    state: str
    cause: str
    field_code: str
    words: str
    next_step: str
    who_can_fix: str
    since: datetime | None
    looked_at: datetime | None


@dataclass(frozen=True)
class HealthView:
    """How all datasources stand. `every_minutes`: how often they are looked at, 0 for never; by the engine only."""

    every_minutes: int
    schedule_words: str
    rows: tuple[HealthRow, ...]
