"""What Keys shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class KeyRow:
    """A key or a secret, ours or somebody else's. Only what may be shown to anybody is in it.

    `group`: pod | journal | reviewer | ehr | secret | trusted. `state`: in use | ending | ended | revoked for keys of
    this pod, kept for secrets, not confirmed | confirmed | changed | distrusted for trusted ones. `runway` says until
    when in words, `runway_days` how many days are left (None: no end), `tone` is that of the state.
    `fingerprint` and `words` are empty for secrets. `offered_…` is set where another key came under a pinned name.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("id", "group", "purpose", "name", "kind", "state", "runway", "words", "where")

    id: str
    purpose: str
    kind: str
    fingerprint: str
    words: str
    where: str
    created_at: datetime
    last_used_at: datetime | None
    public: str
    known_by: str
    group: str = "pod"
    name: str = ""
    state: str = "in use"
    tone: str = "good"
    runway: str = ""
    runway_days: int | None = None
    origin: str = ""
    thumbprint: str = ""
    reason: str = ""
    offered_fingerprint: str = ""
    offered_words: str = ""
    offered_at: datetime | None = None


@dataclass(frozen=True)
class PublicHalf:
    """A public key, or several, in the form that was asked for. `file` is where it was written, or empty."""

    form: str
    text: str
    thumbprint: str
    file: str = ""


@dataclass(frozen=True)
class LeftFile:
    """A file with a secret beside an imported key. `protected`: by a passphrase; `sealed`: it lies here as well."""

    TABLE: ClassVar[tuple[str, ...]] = ("path", "what", "protected", "sealed")

    path: str
    what: str
    protected: bool
    sealed: bool


@dataclass(frozen=True)
class KeyDone:
    """What an act on a key did: in words, the key as it is now, and what somebody has to be told or has to do next."""

    words: str
    key: KeyRow
    next_steps: tuple[str, ...] = ()
    left: tuple[LeftFile, ...] = ()
