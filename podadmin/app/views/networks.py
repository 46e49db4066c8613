"""What Networks shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from podadmin.app.views.facts import Fact


@dataclass(frozen=True)
class LostRow:
    """A host that the hospital's proxy does not lead to, since when and why. `next_step` is what helps."""

    TABLE: ClassVar[tuple[str, ...]] = ("host", "since", "why")

    host: str
    since: datetime
    why: str
    next_step: str


@dataclass(frozen=True)
class ProxyView:
    """The hospital's proxy. `password`: one lies in the vault; it is never shown. `lost`: what it does not lead to."""

    address: str
    user: str
    password: bool
    words: str
    lost: tuple[LostRow, ...] = ()


@dataclass(frozen=True)
class NetworkCard:
    """`state`: none | joined | connected | unreachable."""

    TABLE: ClassVar[tuple[str, ...]] = ("kind", "title", "state", "words")

    kind: str
    title: str
    state: str
    words: str
    facts: tuple[Fact, ...]
    demo_words: str = ""
