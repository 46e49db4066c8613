"""A grant: a decision that waits for the same request to come again. Matching is one pure function."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from podadmin.core.text import stranger


@dataclass(frozen=True)
class Grant:
    """Allows what has this fingerprint, `runs_left` more times, from `made_at` until before `expires_at`.

    `made_from` is the request that was decided on. A `voided_reason` (even an empty one) ends the grant for good.
    """

    id: str
    fingerprint: str
    runs_left: int
    expires_at: datetime
    made_at: datetime
    made_from: str
    voided_reason: str | None = None


@dataclass(frozen=True)
class GrantOutcome:
    """Whether a grant covers a request, and why (not), as a sentence for the trace."""

    matches: bool
    why: str


def matches(grant: Grant, fingerprint: str, now: datetime) -> GrantOutcome:
    """Does `grant` cover a request with this fingerprint at `now`?

    A grant that was made after `now` does not: then the clock was set back, and an expiry cannot be trusted.
    """
    if not fingerprint or grant.fingerprint != fingerprint:
        return GrantOutcome(False, "It was made for a different request.")
    if grant.voided_reason is not None:
        return GrantOutcome(False, f"It was voided: {stranger(grant.voided_reason) or 'no reason is recorded'}.")
    if grant.runs_left <= 0:
        return GrantOutcome(False, "All its runs are used.")
    if now >= grant.expires_at:
        return GrantOutcome(False, "It has expired.")
    if now < grant.made_at:
        return GrantOutcome(False, "It was made later than this computer's clock says it is now: check the clock.")
    runs = "1 run" if grant.runs_left == 1 else f"{grant.runs_left} runs"
    return GrantOutcome(True, f"It was made for exactly this request and has {runs} left.")
