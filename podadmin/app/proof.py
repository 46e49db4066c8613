"""Is the record what was written? One answer for the page, the command and the gate, which goes on only with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from podadmin.app.anchoring import Kept, kept_anchors, views
from podadmin.app.proof_walk import Walked, walk
from podadmin.app.views.journal import JournalCheck
from podadmin.core.errors import Tampered
from podadmin.core.progress import Progress
from podadmin.journal import service
from podadmin.journal.chain import START, Anchor, Head, moment_of
from podadmin.requests.reading import count_held
from podadmin.store.engine import Store

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

WALKED_HERE_UP_TO: Final = 10_000
"""So many entries are walked sooner than a process of its own has started."""
HELD_HERE_UP_TO: Final = 2_000
"""So many requests that wait are held against their entries sooner than a process of its own has started."""


def prove(profile: Profile, progress: Progress, given: Sequence[Path] = ()) -> JournalCheck:
    """Recompute the whole chain, hold it against every anchor that can be read and the records against their entries.

    `given` are files with anchors besides the ones that the profile knows of. A long chain is walked by a process of
    its own. Raises Cancelled, Unavailable (`store.*`, `journal.check-not-started`, `journal.check-ended`), Tampered
    (`store.*`).
    """
    progress.report("Reading the anchors")
    kept = kept_anchors(profile, given)
    return _check(profile, kept, _walked(profile.store, kept, progress))


def prove_start(profile: Profile, progress: Progress) -> JournalCheck:
    """What has to be right before anything is delivered, quick however long the journal is.

    The newest anchor that can be read is taken as the place up to which the chain was verified before it was signed:
    the chain is walked from there on, every other anchor is held against the entry that it names, and of the records
    those are checked that can still lead to a delivery. `prove` has to follow. Raises as `prove` does.
    """
    kept = kept_anchors(profile)
    newest = _newest(kept)
    return _check(profile, kept, _walked(profile.store, kept, progress, newest.head if newest else START))


def _walked(store: Store, kept: Sequence[Kept], progress: Progress, after: Head | None = None) -> Walked:
    anchors, entries = [each.anchor for each in kept if each.anchor], service.length(store)
    long = entries - (after or START).seq > WALKED_HERE_UP_TO
    if not long and (after is None or count_held(store) <= HELD_HERE_UP_TO):
        return walk(store, anchors, progress, after)
    from podadmin.app.proof_apart import walk_apart

    return walk_apart(store.path, anchors, entries, progress, after)


def _newest(kept: Sequence[Kept]) -> Anchor | None:
    return max((each.anchor for each in kept if each.anchor), key=lambda anchor: anchor.seq, default=None)


def _check(profile: Profile, kept: Sequence[Kept], walked: Walked) -> JournalCheck:
    found, entry = walked.chain, None
    problems = [f"{each.error.what} {each.error.why}" for each in kept if isinstance(each.error, Tampered)]
    if found.broken is not None:
        entry = found.broken.seq
        problems.append(f"{found.broken.why[:1].upper()}{found.broken.why[1:]}.")
    elif walked.mismatch is not None:
        entry = walked.mismatch.seq
        problems.append(walked.mismatch.words)
    problems += [f"The database file is damaged: {line}." for line in walked.damage]
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
        + walked.unchecked,
    )
