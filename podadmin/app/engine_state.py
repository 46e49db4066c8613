"""How the engine stands, as the screens and commands see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Snapshot:
    """What the engine is doing, for the screen. `state`: elsewhere | starting | idle | on | blocked."""

    state: str
    running_here: bool = False
    why: str = ""
    next_step: str = ""
    upstream_problem: str = ""
    checks_per_minute: int = 0
    last_contact: datetime | None = None
    worker: str = ""
