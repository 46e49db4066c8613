"""What the Journal shows: entries, the result of a verification, and where the head is kept besides the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from podadmin.app.views.filters import SavedFilter


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
    """`total` is None where only looking at every entry could tell. `next_before`: continue there; None at the end."""

    rows: tuple[JournalRow, ...]
    total: int | None
    next_before: int | None


@dataclass(frozen=True)
class JournalFilters:
    """What the journal can be filtered by: kinds of act and people, as far as it holds any; and what was saved."""

    kinds: tuple[str, ...]
    actors: tuple[str, ...]
    saved: tuple[SavedFilter, ...] = ()


@dataclass(frozen=True)
class AnchorView:
    """One place where the journal's head is kept.

    `kind`: keyring | file | time-stamp | given. `state`: good (it fits), behind (fits; later entries are not covered),
    waiting (nothing is kept there yet), unreadable, wrong (it proves that the journal is not what was written).
    """

    TABLE: ClassVar[tuple[str, ...]] = ("id", "kind", "place", "state", "seq", "at", "words")

    id: str
    kind: str
    place: str
    state: str
    words: str
    seq: int | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class JournalCheck:
    """The result of a verification. `state`: whole | broken. `entry` names the first entry that is not right.

    `anchored_to` is the newest entry that an anchor proves. `notes` are what could not be checked, such as an
    anchor that could not be read: that proves nothing, neither way.
    """

    state: str
    words: str
    entries: int
    entry: int | None
    anchored_to: int | None
    anchored_at: datetime | None
    checked_at: datetime
    problems: tuple[str, ...] = ()
    anchors: tuple[AnchorView, ...] = ()
    notes: tuple[str, ...] = ()
