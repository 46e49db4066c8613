"""What the lock of the window shows: nothing of the profile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class LockView:
    """`means`: passphrase | keyring | none; `words` say what proving means with it. `idle_minutes`: 0 for never."""

    locked: bool
    since: datetime | None
    means: str
    words: str
    idle_minutes: int
    gate: str
