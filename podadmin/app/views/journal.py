"""What the Journal shows: entries, and the result of a verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True)
class JournalRow:
    TABLE: ClassVar[tuple[str, ...]] = ("seq", "at", "actor", "act", "subject", "words")

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
