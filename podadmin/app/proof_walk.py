"""The part of a proof that needs the database file and nothing else: no key, no keyring, no profile.

So it can be done here or in a process of its own (see `proof_apart`), and comes to the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from podadmin.app.evidence import Mismatch, check_evidence
from podadmin.app.evidence_rules import unchecked_rules
from podadmin.core.progress import Progress
from podadmin.journal import service
from podadmin.journal.chain import Anchor, Head
from podadmin.store.engine import Store


@dataclass(frozen=True)
class Walked:
    """What the file tells: what is wrong with it as a file, the chain, and the first record that differs from it.

    Records are held against a whole chain only. `unchecked`: what could be held against nothing, in sentences.
    """

    damage: tuple[str, ...]
    chain: service.Verification
    mismatch: Mismatch | None = None
    unchecked: tuple[str, ...] = ()


def walk(store: Store, anchors: Sequence[Anchor], progress: Progress, after: Head | None = None) -> Walked:
    """Check the file, recompute the whole chain, and hold it against the anchors and the records against it.

    With `after` only what has to be right before anything is delivered: the chain behind that place, the entries that
    anchors before it name, and the records that can still lead to a delivery.

    Raises Cancelled, Unavailable and Tampered (`store.*`).
    """
    damage: tuple[str, ...] = ()
    if after is None:
        progress.report("Checking the database file")
        damage = store.soundness(progress)
        chain = service.verify(store, anchors, progress)
    else:
        chain = service.verify_from(store, anchors, after, progress)
    if damage or chain.broken is not None:
        # in a file that is damaged any record can be unreadable, and the damage is what has to be told
        return Walked(damage, chain)
    progress.report("Holding the records against their entries")
    mismatch = check_evidence(store, live=after is not None, progress=progress)
    if mismatch is not None or after is not None:
        return Walked(damage, chain, mismatch)
    with store.read() as connection:
        return Walked(damage, chain, None, unchecked_rules(connection))
