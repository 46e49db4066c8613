"""Is the record what was written? One answer for the page, the command and the gate, which goes on only with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podadmin.app.evidence import check_evidence
from podadmin.app.views.journal import JournalCheck
from podadmin.core.errors import PodadminError
from podadmin.core.progress import Progress
from podadmin.journal import service
from podadmin.journal.chain import Anchor, moment_of

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


def prove(profile: Profile, progress: Progress) -> JournalCheck:
    """Recompute the whole chain, hold it against the anchor in the keyring and the records against their entries.

    Raises Cancelled, Unavailable (`store.*`).
    """
    anchor, problems = _anchor(profile)
    progress.report("Checking the database file")
    damage = profile.store.soundness()
    found = service.verify(profile.store, anchor, progress)
    entry = found.broken.seq if found.broken else None
    if found.broken is not None:
        problems.append(f"{found.broken.why[:1].upper()}{found.broken.why[1:]}.")
    else:
        progress.report("Holding the records against their entries")
        mismatch = check_evidence(profile.store)
        if mismatch is not None:
            entry = mismatch.seq
            problems.append(mismatch.words)
    problems += [f"The database file is damaged: {line}." for line in damage]
    state = "broken" if problems else "whole"
    anchored = f", anchored to entry {anchor.seq}" if anchor else ", not anchored yet"
    words = problems[0] if problems else f"Verified to entry {found.entries}{anchored}."
    return JournalCheck(
        state=state,
        words=words,
        entries=found.entries,
        entry=entry,
        anchored_to=anchor.seq if anchor else None,
        anchored_at=moment_of(anchor) if anchor else None,
        checked_at=profile.clock.now(),
        problems=tuple(problems),
    )


def _anchor(profile: Profile) -> tuple[Anchor | None, list[str]]:
    """The anchor where it can be read; a keyring that cannot be asked is told, and the chain is checked without it."""
    if profile.keyring_choice is None:
        return None, []
    try:
        vault = profile.vault
        return service.read_anchor(vault, vault.journal_signer()) if vault.keys() else None, []
    except PodadminError as error:
        return None, [f"The anchor could not be checked. {error.what} {error.why}"]
