"""What the part of Keys about backups shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class BackupRow:
    """One backup. `state`: untested | tested | failed; `words` says so in a sentence."""

    TABLE: ClassVar[tuple[str, ...]] = ("id", "made_at", "place", "lock", "entries", "tested_at", "words")

    id: str
    made_at: datetime
    place: str
    lock: str
    size: int
    sha256: str
    entries: int
    tested_at: datetime | None
    state: str
    words: str


@dataclass(frozen=True)
class BackupsView:
    """The backups of a profile. `tone`: good | warn | bad | plain, for `words`, which say how it stands as a whole.

    `can_restore`: the profile is empty. `waits`: a backup has been made ready and is put in place at the next start.
    """

    tone: str
    words: str
    next_step: str
    backups: tuple[BackupRow, ...]
    can_make: bool
    can_restore: bool
    waits: bool


@dataclass(frozen=True)
class BackupMade:
    """A backup that was just made. `shares` are the files of the shares, one for each custodian."""

    id: str
    place: str
    size: int
    sha256: str
    entries: int
    lock: str
    shares: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackupTried:
    """What a test restore, or a restore, has found right."""

    id: str
    made_at: datetime
    entries: int
    keys: int
    secrets: int
    words: str
