"""What pages and commands show: frozen values, ready to read, with strangers' text already made safe.

Every act in `podadmin.app.acts` returns one of these (or a tuple of them). The desktop draws them, the CLI prints
them and `--json` dumps them; none of the three computes anything of its own. Times are aware and in UTC.
This module imports the standard library only: it may be loaded before the first paint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Permit:
    """May this act be done now, and if not, why: the same answer that the act itself would give."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True)
class Fact:
    """One labelled fact. `tone`: plain | good | warn | bad. `mono`: show in the fixed-width font."""

    label: str
    value: str
    tone: str = "plain"
    mono: bool = False


@dataclass(frozen=True)
class Section:
    """Facts under a heading (the Five Safes rows of a request, the parts of a key, ...)."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class PodView:
    """The pod of this profile. `state`: none | running | paused."""

    state: str
    name: str = ""
    owner: str = ""
    identifier: str = ""
    fingerprint: str = ""
    created_at: datetime | None = None
    paused_reason: str = ""


@dataclass(frozen=True)
class GateView:
    """`state`: off | on | paused | blocked | starting | elsewhere (another process runs the engine)."""

    state: str
    words: str
    detail: str = ""
    checks_per_minute: int = 0
    last_contact: datetime | None = None
    worker_words: str = ""


@dataclass(frozen=True)
class KeyringView:
    """`state`: ready | locked | absent | refused | unresponsive | undecided. `forgets`: the in-memory backend."""

    state: str
    backend: str
    words: str
    next_step: str = ""
    forgets: bool = False


@dataclass(frozen=True)
class Status:
    """What the shell shows at all times."""

    pod: PodView
    gate: GateView
    keyring: KeyringView
    held: int
    tour: bool
    needs_setup: tuple[str, ...] = ()
    """The first-start steps still open, in order: any of `keyring`, `pod`, `datasource`, `network`."""


@dataclass(frozen=True)
class Need:
    """Something that needs the custodian now, with the one act that meets it. `tone`: info | warn | bad."""

    tone: str
    title: str
    detail: str
    action: str
    page: str
    subject: str = ""


@dataclass(frozen=True)
class DayCounts:
    """Counts by name for one day (ISO date)."""

    day: str
    counts: Mapping[str, float]


@dataclass(frozen=True)
class Overview:
    needs: tuple[Need, ...]
    held: int
    decided_week: int
    inferences_week: float
    datasources: int
    requests_by_day: tuple[DayCounts, ...]
    inferences_by_day: tuple[DayCounts, ...]


@dataclass(frozen=True)
class RequestRow:
    """One line of the Requests table.

    `state`: captured | held | lapsed | approved | delivering | running | finished | stopped | refused | invalid |
    failed | interrupted | granted. `risk`: low | medium | high | unknown. `verified`: verified | failed | unopened.
    """

    id: str
    state: str
    state_words: str
    requester: str
    task: str
    datasource: str
    risk: str
    verified: str
    received_at: datetime
    deadline: datetime | None
    reference: str = ""
    project: str = ""


@dataclass(frozen=True)
class RequestPage:
    """A page of requests, newest first. `next_after` continues it; None at the end. `total` counts the filter."""

    rows: tuple[RequestRow, ...]
    total: int
    next_after: str | None
    by_state: Mapping[str, int]


@dataclass(frozen=True)
class EffectView:
    """What a request will do, in plain words. `known` false means: effects unknown, which counts as the worst."""

    known: bool
    headline: str
    reads: tuple[str, ...]
    computes: tuple[str, ...]
    stays: tuple[str, ...]
    leaves: tuple[str, ...]
    to: str
    risk: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class TraceLine:
    """One step of how the verdict was reached. `tone`: plain | good | warn | bad."""

    considered: str
    outcome: str
    tone: str = "plain"


@dataclass(frozen=True)
class JournalRow:
    seq: int
    at: datetime
    actor: str
    act: str
    subject: str
    words: str
    body: Mapping[str, Any]
    hash: str
    previous: str


@dataclass(frozen=True)
class RequestDetail:
    row: RequestRow
    effects: EffectView
    sections: tuple[Section, ...]
    """People, Project, Setting, Data, Outputs: the Five Safes."""
    verification: tuple[Fact, ...]
    differences: tuple[Fact, ...]
    """Against the last approved request like it; empty with `compared_with` empty where there is none."""
    compared_with: str
    trace: tuple[TraceLine, ...]
    protocol: Mapping[str, Any]
    """The verified protocol, for the tree; empty where nothing could be verified."""
    outcome: tuple[Fact, ...]
    history: tuple[JournalRow, ...]
    may_approve: Permit
    may_refuse: Permit
    refusal_needs_reason: bool = True


@dataclass(frozen=True)
class ColumnView:
    """A column as the wizard and the schema page show it. `stype`: categorical | continuous | text | image."""

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


@dataclass(frozen=True)
class MeterRow:
    """What one model has used in one project. `mode`: stops | unlimited | unknown. Amounts are inferences."""

    id: str
    model: str
    project: str
    used: float
    reserved: float
    free: float | None
    limit: float | None
    mode: str
    last_used: datetime | None
    series: tuple[tuple[str, float], ...]
    """Cumulative use by day: (ISO date, used)."""


@dataclass(frozen=True)
class MeterEvent:
    at: datetime
    request: str
    requester: str
    amount: float
    words: str


@dataclass(frozen=True)
class MeterDetail:
    row: MeterRow
    events: tuple[MeterEvent, ...]
    by_requester: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class KeyRow:
    id: str
    purpose: str
    kind: str
    fingerprint: str
    words: str
    where: str
    created_at: datetime
    last_used_at: datetime | None
    public: str
    known_by: str


@dataclass(frozen=True)
class NetworkCard:
    """`state`: none | joined | connected | unreachable."""

    kind: str
    title: str
    state: str
    words: str
    facts: tuple[Fact, ...]
    demo_words: str = ""


@dataclass(frozen=True)
class JournalPage:
    rows: tuple[JournalRow, ...]
    total: int
    next_before: int | None


@dataclass(frozen=True)
class JournalCheck:
    """The result of a verification. `state`: whole | broken. `entry` names the first entry that is not right."""

    state: str
    words: str
    entries: int
    entry: int | None
    anchored_to: int | None
    anchored_at: datetime | None
    checked_at: datetime
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class SettingRow:
    """`kind`: int | float | bool | choice | text."""

    name: str
    title: str
    help: str
    kind: str
    value: Any
    default: Any
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    restart: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Done:
    """An act that has nothing more to show than that it happened."""

    words: str
    subject: str = ""
