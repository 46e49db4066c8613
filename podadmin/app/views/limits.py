"""What Models & limits shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class ForecastView:
    """When what is free will be used up. Days are ISO dates; amounts are inferences.

    `state`: dated | far | used-up | no-use | not-enough | no-limit. `early` and `late` bound the band of 80 %; an empty
    date is one that is not in sight. `path`: (day, low, middle, high), added up from the use of today on.
    """

    state: str
    words: str
    likely: str
    early: str
    late: str
    free: float | None
    weekly: float
    weeks: int
    path: tuple[tuple[str, float, float, float], ...] = ()


@dataclass(frozen=True)
class MeterRow:
    """What one model has used in one project. `mode`: stops | unlimited | unknown. Amounts are inferences."""

    TABLE: ClassVar[tuple[str, ...]] = (
        "id",
        "model",
        "project",
        "used",
        "reserved",
        "free",
        "limit",
        "mode",
        "runs_out",
        "what_must_not_be",
        "last_used",
    )

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
    network: str = ""
    own: tuple[str, ...] = ()
    """The custodian's own limits that apply whoever asks, in words."""
    own_stops: bool = False
    """Does one of them stop?"""
    taken: float | None = None
    """The part of the strictest limit that stops which is used or promised, 0.0 and up; None where nothing stops."""
    states: tuple[str, ...] = ()
    """What must not be and nobody has seen to, by its title."""
    runs_out: str = ""
    """The forecast in a few words."""
    warn_at: float = 0.8
    """The part of a limit from which on it is nearly reached."""

    @property
    def what_must_not_be(self) -> str:
        """The loud states in one line, for a cell of a table."""
        return ", ".join(self.states)


@dataclass(frozen=True)
class OwnRow:
    """A limit of the custodian's own. `effect`: stops | warns; `period`: total | month | day. Empty: any."""

    TABLE: ClassVar[tuple[str, ...]] = (
        "id",
        "words",
        "effect_words",
        "used",
        "reserved",
        "free",
        "version",
        "reason",
        "by",
        "at",
    )

    id: str
    version: int
    words: str
    model: str
    project: str
    requester: str
    datasource: str
    no_project: bool
    period: str
    amount: float
    effect: str
    effect_words: str
    used: float
    reserved: float
    free: float
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class OwnVersion:
    """An own limit as it was from `at` on, until `ended_at`."""

    version: int
    words: str
    effect_words: str
    reason: str
    by: str
    at: datetime
    ended_at: datetime | None
    ended_reason: str


@dataclass(frozen=True)
class AlarmRow:
    """Something that must not be. `meaning` and `todo` say what it means and what to do; `seen_by` who saw to it."""

    TABLE: ClassVar[tuple[str, ...]] = ("id", "at", "title", "model", "project", "words", "todo", "request", "seen_by")

    id: str
    kind: str
    title: str
    words: str
    meaning: str
    todo: str
    model: str
    project: str
    meter: str
    request: str
    task: str
    at: datetime
    seen_at: datetime | None
    seen_by: str
    seen_reason: str
    acceptable: bool
    """A total of the network that fell can be accepted with a reason."""


@dataclass(frozen=True)
class MeterEvent:
    at: datetime
    request: str
    requester: str
    amount: float
    words: str
    datasource: str = ""


@dataclass(frozen=True)
class MeterDetail:
    """A meter in full. Each `by_…` is (name, inferences), the most first; `by_day` the newest first."""

    row: MeterRow
    events: tuple[MeterEvent, ...]
    by_requester: tuple[tuple[str, float], ...]
    by_project: tuple[tuple[str, float], ...] = ()
    by_datasource: tuple[tuple[str, float], ...] = ()
    by_day: tuple[tuple[str, float], ...] = ()
    own: tuple[OwnRow, ...] = ()
    alarms: tuple[AlarmRow, ...] = ()
    forecast: ForecastView | None = None
