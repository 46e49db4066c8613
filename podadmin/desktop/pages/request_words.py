"""The words and badges in which the desktop says how a request stands: one table for list, detail and overview."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from podadmin.app.views.requests import RequestRow
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.words import ago, count, span

STATES: Final = {
    "captured": BadgeSpec("info", "Being opened", "loader-circle"),
    "held": BadgeSpec("warn", "Waiting for you", "hourglass"),
    "lapsed": BadgeSpec("warn", "Held", "clock"),
    "approved": BadgeSpec("info", "Approved", "check"),
    "delivering": BadgeSpec("info", "Delivering", "send"),
    "running": BadgeSpec("info", "Running", "play"),
    "finished": BadgeSpec("good", "Finished", "circle-check"),
    "granted": BadgeSpec("good", "Granted", "shield-check"),
    "refused": BadgeSpec("bad", "Refused", "ban"),
    "stopped": BadgeSpec("bad", "Stopped", "octagon-x"),
    "invalid": BadgeSpec("bad", "Not valid", "circle-x"),
    "failed": BadgeSpec("bad", "Failed", "circle-x"),
    "interrupted": BadgeSpec("bad", "Interrupted", "unplug"),
}
RISKS: Final = {
    "low": BadgeSpec("good", "Low risk", "shield-check"),
    "medium": BadgeSpec("warn", "Medium risk", "shield-alert"),
    "high": BadgeSpec("bad", "High risk", "shield-alert"),
    "unknown": BadgeSpec("bad", "Unknown risk", "shield-question-mark"),
}
VERIFIED: Final = {
    "verified": BadgeSpec("good", "Verified", "circle-check"),
    "failed": BadgeSpec("bad", "Not verified", "circle-x"),
    "unopened": BadgeSpec("plain", "Not opened", "lock"),
}
DECIDABLE: Final = frozenset({"held", "lapsed"})
FILTERS: Final = (
    ("waiting", "Waiting", ("captured", "held", "lapsed")),
    ("running", "Running", ("approved", "delivering", "running")),
    ("decided", "Decided", ("granted", "finished", "refused", "stopped", "invalid", "failed", "interrupted")),
    ("all", "All", ()),
)
"""(key, words, states); no states means every state."""
_DID: Final = frozenset({"approved", "delivering", "running", "finished"})
_NEVER_DID: Final = frozenset({"refused", "invalid"})


def effects_title(row: RequestRow) -> str:
    """What its effects are called: they lie ahead, were approved, or never came to pass."""
    if row.state in _NEVER_DID:
        return "What this request would have done"
    return "What this request does" if row.state in _DID else "What this request will do"


def state_badge(row: RequestRow) -> BadgeSpec:
    """How a request stands; a state that is not in the table is shown as it is called."""
    return STATES.get(row.state, BadgeSpec("plain", row.state))


def risk_badge(risk: str) -> BadgeSpec:
    """The risk of a request; what is not known counts as the worst."""
    return RISKS.get(risk, RISKS["unknown"])


def risk_word(risk: str) -> BadgeSpec:
    """The same in one word, for a column that is called Risk."""
    badge = risk_badge(risk)
    return BadgeSpec(badge.tone, badge.word.removesuffix(" risk"), badge.icon)


def verified_badge(verified: str) -> BadgeSpec:
    """Whether the envelope was opened and its signature checked."""
    return VERIFIED.get(verified, VERIFIED["unopened"])


def seconds_left(row: RequestRow, now: datetime) -> float | None:
    """Seconds until the network's window closes; None where no decision is awaited inside a window."""
    if row.state != "held" or row.deadline is None:
        return None
    return max((row.deadline - now).total_seconds(), 0.0)


def is_late(row: RequestRow, now: datetime) -> bool:
    """Has the window passed, so that approving makes a grant? The clock counts, not only the recorded state."""
    return row.state == "lapsed" or (row.state == "held" and row.deadline is not None and row.deadline <= now)


def clock_words(seconds: float) -> str:
    """A countdown: `3 min 12 s`, `48 s`, `2 hours`."""
    whole = int(seconds)
    if whole >= 7200:
        return span(seconds)
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def time_words(row: RequestRow, now: datetime) -> str:
    """What the Time column says: the time left while somebody waits, else how long ago it came."""
    left = seconds_left(row, now)
    if left is None:
        return ago(row.received_at, now)
    return f"{clock_words(left)} left" if left > 0 else "window passed"


def late_words(row: RequestRow) -> tuple[str, str]:
    """What has come of a request whose window has passed, and what approving it would do."""
    told = "was told that it is held" if row.state == "lapsed" else "will be told that it is held"
    return (
        f"Too late for this sending: the requester {told}{_reference(row)}.",
        "Approving makes a grant, which lets the same request through when it is sent again.",
    )


def _reference(row: RequestRow) -> str:
    return f" with the reference {row.reference}" if row.reference else " with a reference"


def deadline_words(row: RequestRow, now: datetime) -> tuple[str, str]:
    """(tone, sentence) about the time there is to decide; empty words where nothing is awaited."""
    if is_late(row, now):
        return "warn", " ".join(late_words(row))
    left = seconds_left(row, now)
    if left is not None:
        tone = "bad" if left <= 30 else "warn" if left <= 120 else "info"
        return tone, f"{clock_words(left)} left to decide; after that it is held with a reference."
    if row.state == "held":
        return "info", "There is no time limit on this decision."
    return "plain", ""


def selection_words(shown: int, total: int) -> str:
    """The line under the table."""
    if shown >= total:
        return count(total, "request", "requests")
    return f"{shown:,} of {count(total, 'request', 'requests')} loaded; more come as you scroll"
