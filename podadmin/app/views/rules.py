"""What the rules show: the list, one rule with its history, a trial of a draft, proposals, and why something was not
allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class RuleRow:
    """One rule. `verdict`: allow | refuse | hold | look. `state`: on | off. `says`: its conditions as sentences, and
    then what holds the results.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("id", "name", "verdict", "state", "version", "changed_at", "changed_by")

    id: str
    name: str
    verdict: str
    state: str
    says: tuple[str, ...]
    version: int
    changed_at: datetime
    changed_by: str
    reason: str


@dataclass(frozen=True)
class RuleLine:
    """One field of a rule in words. `asked` false: the rule asks nothing of it. `tone`: plain | warn."""

    label: str
    words: str
    asked: bool
    tone: str = "plain"
    note: str = ""


@dataclass(frozen=True)
class RuleVersion:
    """A version of a rule: what changed with it, who changed it and why. `removed`: the rule ended with it."""

    TABLE: ClassVar[tuple[str, ...]] = ("version", "at", "by", "changes", "reason")

    version: int
    at: datetime
    by: str
    reason: str
    changes: tuple[str, ...]
    removed: bool


@dataclass(frozen=True)
class RuleDetail:
    """A rule in full. `conditions` maps fields to their text, as commands and the form take them."""

    row: RuleRow
    lead: str
    lines: tuple[RuleLine, ...]
    cautions: tuple[str, ...]
    conditions: Mapping[str, str]
    message: str
    reviewers: int
    versions: tuple[RuleVersion, ...]
    results: Mapping[str, str]
    """What holds the results, by field, as commands and the form take it."""
    result_lines: tuple[RuleLine, ...]


@dataclass(frozen=True)
class FlipRow:
    """A past request that a rule would decide otherwise. `was` and `now`: allow | refuse | hold.

    `decided`: allow | refuse for what a person decided then, else empty.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("request", "requester", "task", "was", "now", "decided")

    request: str
    requester: str
    task: str
    was: str
    now: str
    decided: str
    received_at: datetime


@dataclass(frozen=True)
class Trial:
    """A draft of a rule, read and tried on past requests. `total` were decided again; the rule speaks of `spoken`.

    `flips` are the newest of those that would be decided otherwise; the counts are of all. `against`: how many would
    be allowed though a person refused them, or refused though one allowed them.
    """

    lead: str
    lines: tuple[RuleLine, ...]
    cautions: tuple[str, ...]
    words: str
    total: int
    spoken: int
    to_allow: int
    to_refuse: int
    to_hold: int
    against: int
    flips: tuple[FlipRow, ...]
    result_lines: tuple[RuleLine, ...] = ()


@dataclass(frozen=True)
class RuleFieldRow:
    """What a rule can ask about. `modes`, `choices` and `known` are (value, words); `known` was seen in requests.

    `kind`: one | some | models | level | number | yes-no | time. `of`: request | result.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("name", "of", "label", "modes", "absent")

    name: str
    label: str
    kind: str
    modes: tuple[tuple[str, str], ...]
    absent: str
    note: str
    choices: tuple[tuple[str, str], ...]
    known: tuple[tuple[str, str], ...]
    of: str = "request"


@dataclass(frozen=True)
class SuggestionRow:
    """A rule that could be proposed, because the same was approved `times` times."""

    TABLE: ClassVar[tuple[str, ...]] = ("name", "times", "says")

    name: str
    times: int
    says: tuple[str, ...]
    conditions: Mapping[str, str]
    requests: tuple[str, ...]


@dataclass(frozen=True)
class PurposeRow:
    """A code for a purpose, with its official label and plain words."""

    TABLE: ClassVar[tuple[str, ...]] = ("code", "short", "label", "words")

    code: str
    short: str
    group: str
    label: str
    words: str


@dataclass(frozen=True)
class ProjectRow:
    """A project that requests have named, and what you have stated it to be for.

    `purposes` is empty where nothing is stated (any more); `at` is None where nothing ever was. Of the `grants` that
    last, `bound` were made under a stated purpose: another one voids them.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("project", "words", "requests", "grants", "by")

    project: str
    words: str
    purposes: tuple[PurposeRow, ...]
    requests: int
    grants: int
    bound: int
    at: datetime | None
    by: str


@dataclass(frozen=True)
class WayOutView:
    """A smallest change that was applied and decided again. `side`: request | rule."""

    side: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class WhyNotView:
    """Why a request was not allowed. `allowed`: it would be, as things are. `blockers` no rule can change.

    `new_rule` holds the conditions of the narrowest rule that would cover it, empty where there is none.
    """

    request: str
    allowed: bool
    blockers: tuple[str, ...]
    ways: tuple[WayOutView, ...]
    new_rule: Mapping[str, str]
    new_rule_says: tuple[str, ...]
