"""How it stands with backups: one rule for page, command and Overview. Light, for the first page reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from podadmin.vault.backup_records import Backup, backups

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

STALE = timedelta(days=90)
"""How long a test restore, and a backup, is good for."""
GRACE = timedelta(days=1)
"""How long a new profile may be without a backup before it is called for."""


def standing(profile: Profile, kept: Sequence[Backup]) -> tuple[str, str, str]:
    """How it stands with backups: tone, words and the next step."""
    if not has_keys(profile):
        return "plain", "There is nothing to back up yet.", ""
    return judged(kept, profile.clock.now())


def judged(kept: Sequence[Backup], now: datetime) -> tuple[str, str, str]:
    """The rule: the newest backup is not older than 90 days, and restoring one was tried in the last 90 days."""
    if not kept:
        words = "No backup was ever made. If this computer is lost, its keys are lost, and every record with it."
        return "bad", words, "Make a backup."
    newest = max(kept, key=lambda each: each.made_at)
    failed = next((each for each in kept if each.test_words), None)
    if failed is not None and failed.id == newest.id:
        return "bad", "The newest backup could not be restored when it was tried.", "Make another backup and test it."
    if now - newest.made_at > STALE:
        return "warn", f"The newest backup is {_days(now - newest.made_at)} old.", "Make a new backup."
    tested = max((each.tested_at for each in kept if each.tested_at and not each.test_words), default=None)
    if tested is None:
        return "warn", "Restoring a backup was never tried: nobody knows whether it works.", "Test the restore."
    if now - tested > STALE:
        return "warn", f"Restoring was last tried {_days(now - tested)} ago.", "Test the restore again."
    return "good", f"There is a backup. Restoring was last tried with success on {_day(tested)}.", ""


def due(profile: Profile) -> tuple[str, str, str] | None:
    """What the Overview says about backups: tone, title and detail; None where nothing is called for."""
    if profile.is_tour or profile.keyring_choice in {None, "memory"} or not has_keys(profile):
        return None
    with profile.store.read() as connection:
        kept = backups(connection)
    now = profile.clock.now()
    in_use = profile.vault.keys()
    first = min((info.created_at for info in in_use), default=now)
    if not kept and now - first < GRACE:
        return None
    tone, words, step = judged(kept, now)
    return None if tone == "good" else ("warn", words, step)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _days(span: timedelta) -> str:
    return "one day" if span.days == 1 else f"{span.days:,} days"


def has_keys(profile: Profile) -> bool:
    """Is there a key in use that would be missed?"""
    return profile.keyring_choice is not None and bool(profile.vault.keys())
