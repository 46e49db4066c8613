"""Handing the pod's key to a pod that is started outside podadmin."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from podadmin.app.acts.registry import act
from podadmin.app.views.handover import HandedOver
from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.files import expanded
from podadmin.core.progress import Progress
from podadmin.pod import service as pods
from podadmin.store.unit import Fact
from podadmin.vault.handover import DISK_WORDS, MEMORY_WORDS, Lent, lend, linked
from podadmin.vault.model import Purpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

LOOK_SECONDS = 0.05
SETTLE_SECONDS = 1.0
"""How long the files stay after the private one was read: the pod reads the public one right after it."""
LONGEST = 3600.0


@act("keys hand-over", writes=True, kinds=("key",), guarded=True)
def hand_over(
    profile: Profile,
    progress: Progress,
    *,
    user: Annotated[str, "the user of the pod's storage, as its software names it"] = "_default",
    seconds: Annotated[float, "how long to wait for the pod to read the key"] = 120.0,
    storage: Annotated[str, "the storage folder of the pod; without it, the folder that is shown"] = "",
) -> HandedOver:
    """Hand the pod's key to a pod that reads it from files, only until it has read them.

    The files are written in the layout of the Bitfount software, for this account only, in memory where there is such
    a place; the pod's own storage gets links to them. Without a storage folder, start the pod with the folder that is
    shown (BITFOUNT_STORAGE_PATH). Start the pod while this waits. When it has read the key, or the time is up, or this
    is stopped, the files are removed, and it is verified that they are gone.
    """
    if not 1 <= seconds <= LONGEST:
        raise BadInput(
            "handover.bad-time",
            "The key was not handed over.",
            f"It can wait for 1 to {LONGEST:.0f} seconds.",
            "Choose how long the pod may take for its start.",
        )
    vault = profile.open_vault()
    pod = pods.needed(profile.store)
    key = vault.find(Purpose.POD)
    private = vault.hand_over(f"the start of the pod {pod.name}", profile.actor)
    began = profile.clock.monotonic()
    read, lent = False, None
    try:
        with lend(profile.id, profile.folder, private, pod.name, user) as lent:
            own = expanded(storage).absolute() if storage else None
            with linked(lent, own, pod.name, user) if own else nullcontext():
                read = _read(profile, progress, lent, own or lent.storage, began + seconds)
    finally:
        taken = profile.clock.monotonic() - began
        if lent is not None and not lent.storage.exists():
            body = {"read": read, "in_memory": lent.in_memory, "seconds": round(taken, 1)}
            with profile.store.record(Fact(profile.actor, "key.taken-back", key.id if key else pod.name, body)):
                pass
    if not read:
        raise Unavailable(
            "handover.not-read",
            "No pod has read the key.",
            f"It was there for {taken:.0f} seconds; its files are removed and verified gone.",
            "Start the pod with the folder that is shown as its storage path, while the key is there.",
        )
    words = f"The pod has read its key. The files are removed, and verified gone, after {taken:.1f} seconds."
    protection = MEMORY_WORDS if lent.in_memory else DISK_WORDS
    return HandedOver(pod.name, read, lent.in_memory, taken, words, protection)


def _read(profile: Profile, progress: Progress, lent: Lent, place: Path, end: float) -> bool:
    """Wait until the pod has read the key. False where it had not at `end`. Raises Cancelled."""
    pause = threading.Event()
    left = end - profile.clock.monotonic()
    while left > 0:
        progress.report(f"The key is there for {left:.0f} seconds. Start the pod with the storage {place}")
        if lent.was_read():
            pause.wait(SETTLE_SECONDS)
            return True
        pause.wait(LOOK_SECONDS)
        left = end - profile.clock.monotonic()
    return False
