"""What every pass over a source gives, of whatever kind the source is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from podadmin.datasources.model import Rejected
from podadmin.schema.statistics import ColumnStatistics

MAX_LABELS: Final = 100_000
"""The most labels that a categorical column may have."""


@dataclass(frozen=True)
class Unread:
    """Files of a folder that a sample left out; `seconds` that reading them takes at the speed of the others.

    None where too few were read to tell.
    """

    files: int
    seconds: float | None


@dataclass(frozen=True)
class Profile:
    """What is known about a table, wherever it lies: the same result from every kind of source.

    `level`: `full`, or `partial` where only a sample was read. `notes`: sentences on how much was read.
    """

    rows: int
    columns: tuple[ColumnStatistics, ...]
    rejected: Rejected = field(default_factory=Rejected)
    level: str = "full"
    notes: tuple[str, ...] = ()
    unread: Unread | None = None
