"""What is shown of grants, who may decide, reviews and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from podadmin.app.views.facts import Permit


@dataclass(frozen=True)
class GrantRow:
    """One grant. `state`: lasting | used-up | expired | voided | revoked.

    `inferences` None: bounded by the network's limits only.
    """

    TABLE: ClassVar[tuple[str, ...]] = (
        "id",
        "state_words",
        "requester",
        "task",
        "datasource",
        "runs_left",
        "inferences_left",
        "expires_at",
        "made_by",
    )

    id: str
    state: str
    state_words: str
    requester: str
    project: str
    task: str
    datasource: str
    runs: int
    runs_left: int
    inferences: float | None
    inferences_left: float | None
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    made_by: str
    made_from: str


@dataclass(frozen=True)
class PinView:
    """One pin of a grant. `varies`: it may be anything. `now` is what broke the grant; empty for every other pin."""

    name: str
    words: str
    value: str
    varies: bool
    may_vary: bool
    now: str = ""


@dataclass(frozen=True)
class UseView:
    """A request that the grant let through. `used` None: it has not ended."""

    request: str
    at: datetime
    state_words: str
    used: float | None


@dataclass(frozen=True)
class GrantDetail:
    row: GrantRow
    pins: tuple[PinView, ...]
    uses: tuple[UseView, ...]
    receipts: tuple[str, ...]
    note: str
    ended_reason: str
    may_change: Permit


@dataclass(frozen=True)
class GrantPage:
    """Grants, the newest first, with their pins. `next_after` continues the list; None at its end."""

    grants: tuple[GrantDetail, ...]
    lasting: int
    ended: int
    next_after: str | None


@dataclass(frozen=True)
class DeciderRow:
    """Somebody who may decide. `stands_for`: the custodian for whom they do, empty for a custodian."""

    TABLE: ClassVar[tuple[str, ...]] = ("id", "account", "stands_for", "from_at", "until_at", "state_words", "reason")

    id: str
    account: str
    stands_for: str
    from_at: datetime
    until_at: datetime | None
    in_force: bool
    state_words: str
    reason: str
    named_by: str


@dataclass(frozen=True)
class Deciders:
    """Who may decide. `everybody`: nobody is named, so that everybody who can open the profile may."""

    rows: tuple[DeciderRow, ...]
    everybody: bool
    words: str
    you: str
    may_decide: Permit


@dataclass(frozen=True)
class ReceiptRow:
    """One receipt. `signed` false: the key was locked; it is signed as soon as it is not."""

    TABLE: ClassVar[tuple[str, ...]] = ("reference", "act_words", "about", "by", "made_at", "signed_words", "entry")

    number: int
    reference: str
    act: str
    act_words: str
    about: str
    by: str
    requester: str
    made_at: datetime
    signed: bool
    signed_words: str
    entry: int


@dataclass(frozen=True)
class ReceiptPage:
    rows: tuple[ReceiptRow, ...]
    unsigned: int
    next_before: int | None


@dataclass(frozen=True)
class ReceiptDetail:
    """A receipt with everything that it says, as it was signed."""

    row: ReceiptRow
    document: Mapping[str, Any]
    signature: str
    key: str


@dataclass(frozen=True)
class ReceiptCheck:
    """What verifying a receipt file found. `state`: right | wrong | unknown-key."""

    state: str
    words: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class ReceiptKey:
    """The public half of the key that signs receipts: give it to requesters over a way that they trust."""

    fingerprint: str
    words: str
    public_pem: str


@dataclass(frozen=True)
class ReviewerRow:
    """`kind`: local (their key lies in this profile) | remote. `account`: with which they decide here themselves."""

    TABLE: ClassVar[tuple[str, ...]] = ("id", "name", "kind", "account", "public_key", "added_at")

    id: str
    name: str
    kind: str
    account: str
    public_key: str
    added_at: datetime


@dataclass(frozen=True)
class VoteView:
    """A vote. `verdict` and `reason` are empty until all votes are in."""

    reviewer: str
    cast_at: datetime
    verdict: str
    reason: str


@dataclass(frozen=True)
class ReviewView:
    """The review of a request. `state`: none | open | allow | refuse."""

    request: str
    state: str
    words: str
    needed: int
    why: str
    asked_by: str
    votes: tuple[VoteView, ...]
    may_vote: tuple[ReviewerRow, ...]
    enrolled: tuple[ReviewerRow, ...]
