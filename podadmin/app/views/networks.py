"""What Networks shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from podadmin.app.views.facts import Fact


@dataclass(frozen=True)
class ProxyView:
    """The hospital's proxy. `password`: one lies in the vault; it is never shown."""

    address: str
    user: str
    password: bool
    words: str


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
