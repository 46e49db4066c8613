"""Is the record what was written? One answer for the page, the command and the gate, which goes on only with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from podadmin.app.anchoring import Kept, kept_anchors, views
from podadmin.app.evidence import check_evidence
from podadmin.app.proof_walk import Walked, walk
from podadmin.app.views.journal import JournalCheck
from podadmin.core.errors import Tampered
from podadmin.core.progress import Progress
from podadmin.journal import service
from podadmin.journal.chain import START, Anchor, moment_of
from podadmin.store.engine import Store

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

WALKED_HERE_UP_TO: Final = 10_000
"""So many entries are walked sooner than a process of its own has started."""


def prove(profile: Profile, progress: Progress, given: Sequence[Path] = ()) -> JournalCheck:
    """Recompute the whole chain, hold it against every anchor that can be read and the records against their entries.

    `given` are files with anchors besides the ones that the profile knows of. A long chain is walked by a process of
    its own. Raises Cancelled, Unavailable (`store.*`, `journal.check-not-started`, `journal.check-ended`), Tampered
    (`store.*`).
    """
    progress.report("Reading the anchors")
    kept = kept_anchors(profile, given)
    problems = [f"{each.error.what} {each.error.why}" for each in kept if isinstance(each.error, Tampered)]
    found = _walked(profile.store, [each.anchor for each in kept if each.anchor], progress)
    broken, mismatch = found.chain.broken, found.mismatch
    entry = broken.seq if broken else None
    if broken is not None:
        problems.append(f"{broken.why[:1].upper()}{broken.why[1:]}.")
    elif mismatch is not None:
        entry = mismatch.seq
        problems.append(mismatch.words)
    problems += [f"The database file is damaged: {line}." for line in found.damage]
    return _check(profile, kept, found.chain, entry, problems, found.unchecked)


def prove_start(profile: Profile, progress: Progress) -> JournalCheck:
    """What has to be right before anything is delivered, quick however long the journal is.

    The newest anchor that can be read is taken as the place up to which the chain was verified before it was signed:
    the chain is walked from there on, every other anchor is held against the entry that it names, and of the records
    those are checked that can still lead to a delivery. `prove` has to follow. Raises as `prove` does.
    """
    kept = kept_anchors(profile)
    problems = [f"{each.error.what} {each.error.why}" for each in kept if isinstance(each.error, Tampered)]
    newest = _newest(kept)
    anchors = [each.anchor for each in kept if each.anchor]
    found = service.verify_from(profile.store, anchors, newest.head if newest else START, progress)
    entry = found.broken.seq if found.broken else None
    if found.broken is not None:
        problems.append(f"{found.broken.why[:1].upper()}{found.broken.why[1:]}.")
    elif not problems:
        mismatch = check_evidence(profile.store, live=True, progress=progress)
        if mismatch is not None:
            entry = mismatch.seq
            problems.append(mismatch.words)
    return _check(profile, kept, found, entry, problems)


def _walked(store: Store, anchors: Sequence[Anchor], progress: Progress) -> Walked:
    entries = service.length(store)
    if entries <= WALKED_HERE_UP_TO:
        return walk(store, anchors, progress)
    from podadmin.app.proof_apart import walk_apart

    return walk_apart(store.path, anchors, entries, progress)


def _newest(kept: Sequence[Kept]) -> Anchor | None:
    return max((each.anchor for each in kept if each.anchor), key=lambda anchor: anchor.seq, default=None)


def _check(
    profile: Profile,
    kept: Sequence[Kept],
    found: service.Verification,
    entry: int | None,
    problems: Sequence[str],
    unchecked: tuple[str, ...] = (),
) -> JournalCheck:
    newest = _newest(kept)
    anchored = f", anchored to entry {newest.seq}" if newest else ", not anchored yet"
    return JournalCheck(
        state="broken" if problems else "whole",
        words=problems[0] if problems else f"Verified to entry {found.entries}{anchored}.",
        entries=found.entries,
        entry=entry,
        anchored_to=newest.seq if newest else None,
        anchored_at=moment_of(newest) if newest else None,
        checked_at=profile.clock.now(),
        problems=tuple(problems),
        anchors=views(kept, found.entries, found.broken.why if found.broken else ""),
        notes=tuple(
            f"An anchor could not be checked. {each.error.what} {each.error.why}"
            for each in kept
            if each.error is not None and not isinstance(each.error, Tampered)
        )
        + unchecked,
    )
