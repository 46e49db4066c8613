"""What Requests shows: the list, and one request with everything that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from podadmin.app.views.facts import Fact, Permit, Section
from podadmin.app.views.grants import ReviewView
from podadmin.app.views.journal import JournalRow


@dataclass(frozen=True)
class RequestRow:
    """One line of the Requests table.

    `state`: captured | held | lapsed | approved | delivering | running | finished | stopped | refused | invalid |
    failed | interrupted | granted. `risk`: low | medium | high | unknown. `verified`: verified | failed | unopened.
    """

    TABLE: ClassVar[tuple[str, ...]] = (
        "id",
        "state_words",
        "requester",
        "task",
        "datasource",
        "risk",
        "received_at",
        "reference",
    )

    id: str
    state: str
    state_words: str
    requester: str
    task: str
    datasource: str
    risk: str
    verified: str
    received_at: datetime
    deadline: datetime | None
    reference: str = ""
    project: str = ""


@dataclass(frozen=True)
class RequestPage:
    """A page of requests, newest first. `next_after` continues it; None at the end. `total` counts the filter."""

    rows: tuple[RequestRow, ...]
    total: int
    next_after: str | None
    by_state: Mapping[str, int]


@dataclass(frozen=True)
class Arrival:
    """A request that waits, in as many words as one needs to decide whether to come."""

    id: str
    title: str
    words: str
    deadline: datetime | None


@dataclass(frozen=True)
class Arrivals:
    """What has come since a place in the list; `after` is the place to go on from. `told`: it is to be notified."""

    arrivals: tuple[Arrival, ...]
    more: int
    after: int
    told: bool


@dataclass(frozen=True)
class EffectView:
    """What a request will do, in plain words. `known` false means: effects unknown, which counts as the worst.

    `leaves` is what leaves because of this request, `always` what leaves with every task of the network alike.
    `sql` is the SQL that would run, line for line.
    """

    known: bool
    headline: str
    reads: tuple[str, ...]
    computes: tuple[str, ...]
    stays: tuple[str, ...]
    leaves: tuple[str, ...]
    to: str
    risk: str
    reasons: tuple[str, ...]
    always: tuple[str, ...] = ()
    sql: tuple[str, ...] = ()


@dataclass(frozen=True)
class TraceLine:
    """One step of how the verdict was reached. `tone`: plain | good | warn | bad."""

    considered: str
    outcome: str
    tone: str = "plain"


@dataclass(frozen=True)
class RequestDetail:
    row: RequestRow
    effects: EffectView
    sections: tuple[Section, ...]
    """People, Project, Setting, Data, Outputs: the Five Safes."""
    verification: tuple[Fact, ...]
    differences: tuple[Fact, ...]
    """Against the last approved request like it; empty with `compared_with` empty where there is none."""
    compared_with: str
    trace: tuple[TraceLine, ...]
    protocol: Mapping[str, Any]
    """The verified protocol, for the tree, without what could be a secret; empty where nothing could be verified."""
    outcome: tuple[Fact, ...]
    history: tuple[JournalRow, ...]
    may_approve: Permit
    may_refuse: Permit
    refusal_needs_reason: bool = True
    review: ReviewView | None = None
    """Where reviewers are asked; None where none are."""
    reviewers: int = 0
    """How many people are enrolled as reviewers of this profile."""
    grant: str = ""
    """The grant that covered it."""
    receipts: tuple[str, ...] = ()
    grant_days: float = 30.0
    """How long a grant lasts where nobody says otherwise."""
    difference_words: str = ""
    """The difference in one sentence."""
    project: str = ""
    """The project as the requester named it, to name it by; whoever shows it makes it visible."""


@dataclass(frozen=True)
class Comparison:
    """Two requests side by side. `effects`: what they do differently; `fields`: how they are written differently."""

    was: RequestRow
    now: RequestRow
    words: str
    effects: tuple[Fact, ...]
    fields: tuple[Fact, ...]
