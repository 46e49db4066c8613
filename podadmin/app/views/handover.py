"""What handing the pod's key to a pod shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HandedOver:
    """A hand-over that has ended. `read`: the pod has read the key; `protection` says what was protected, and not."""

    pod: str
    read: bool
    in_memory: bool
    seconds: float
    words: str
    protection: str
