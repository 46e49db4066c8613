"""Earlier figures of the same data that a request's figures can be set against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from podadmin.app.views.facts import Permit


@dataclass(frozen=True)
class NearRow:
    """Another choice of records whose figures may have left: `id` is the newest of `requests` requests that had it.

    `fewest`: the fewest records by which a figure of it and one of this request differ; None where that was not counted
    or they do not differ. `tone`: plain | good | warn | bad.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("id", "requester", "at", "requests", "choice", "fewest", "words")

    id: str
    requester: str
    at: datetime
    requests: int
    choice: str
    fewest: int | None
    words: str
    tone: str = "warn"


@dataclass(frozen=True)
class NearView:
    """`words` sums it up in a sentence; empty where the request gives no figures that could be set against others."""

    request: str
    words: str
    rows: tuple[NearRow, ...]
    may_count: Permit
    """Whether the records by which they differ can be counted here."""
    counted: bool = False
    tone: str = "plain"
