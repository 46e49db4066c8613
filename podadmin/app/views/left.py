"""What left for a task: every message of it that wanted to leave the pod, and what of it waits to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from podadmin.app.views.facts import Permit
from podadmin.app.views.gate import ResultRow


@dataclass(frozen=True)
class LeftRow:
    """A message, or `count` alike. `size` in bytes, sealed. `outcome`: passed | held | queued | withheld | refused |
    stripped.

    `words` says in plain words what it holds, as far as the key of the task opened it; nothing of the content is kept.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("at", "type", "size", "count", "to", "outcome", "words")

    at: datetime
    type: str
    size: int
    to: str
    outcome: str
    words: str
    sealed: str
    why: str = ""
    count: int = 1
    last_at: datetime | None = None


@dataclass(frozen=True)
class LeftView:
    """`words` sums it up in a sentence. `waiting`: what is kept until somebody has seen it."""

    request: str
    words: str
    rows: tuple[LeftRow, ...]
    waiting: tuple[ResultRow, ...]
    may_withhold: Permit
    """Whether the task can still be ended without what it brought."""
