"""What the shell shows at all times: the pod, its gate, the keyring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PodView:
    """The pod of this profile. `state`: none | running | paused."""

    state: str
    name: str = ""
    owner: str = ""
    identifier: str = ""
    fingerprint: str = ""
    created_at: datetime | None = None
    paused_reason: str = ""


@dataclass(frozen=True)
class GateView:
    """`state`: off | on | paused | blocked | starting | elsewhere (another process runs the engine) | unused (there is
    nothing yet that could run: no pod, or one made here that has joined no network).
    """

    state: str
    words: str
    detail: str = ""
    checks_per_minute: int = 0
    last_contact: datetime | None = None
    worker_words: str = ""


@dataclass(frozen=True)
class KeyringView:
    """`state`: ready | locked | absent | refused | unresponsive | undecided. `forgets`: the in-memory backend."""

    state: str
    backend: str
    words: str
    next_step: str = ""
    forgets: bool = False


@dataclass(frozen=True)
class Status:
    """What the shell shows at all times."""

    pod: PodView
    gate: GateView
    keyring: KeyringView
    held: int
    tour: bool
    needs_setup: tuple[str, ...] = ()
    """The first-start steps still open, in order: any of `keyring`, `pod`, `datasource`, `network`."""
