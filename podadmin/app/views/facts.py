"""What every page shows in the same way: labelled facts, sections of them, what may be done, was done, has happened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Permit:
    """May this act be done now, and if not, why: the same answer that the act itself would give."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True)
class Fact:
    """One labelled fact. `tone`: plain | good | warn | bad. `mono`: show in the fixed-width font."""

    label: str
    value: str
    tone: str = "plain"
    mono: bool = False


@dataclass(frozen=True)
class Section:
    """Facts under a heading (the Five Safes rows of a request, the parts of a key, ...)."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Done:
    """An act that has nothing more to show than that it happened."""

    words: str
    subject: str = ""


@dataclass(frozen=True)
class Notice:
    """Something that has just happened, told once. `seq` is the journal entry that tells of it, `subject` to what."""

    seq: int
    tone: str
    words: str
    subject: str


@dataclass(frozen=True)
class Notices:
    """What has happened since, and the place to go on from."""

    notices: tuple[Notice, ...]
    after: int
