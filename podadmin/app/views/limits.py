"""What Models & limits shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


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
