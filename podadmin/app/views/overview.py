"""What the Overview shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
