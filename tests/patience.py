"""How tests wait and how they measure quickness on a machine that has other work: long, and by more than one try.

Waiting for a fact costs nothing when it comes; a short wait only finds out how busy the machine is.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 240.0
"""Seconds, of a busy machine; a quiet one needs a tenth of it."""
T = TypeVar("T")


def until(look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """What `look` gives as soon as it gives something; fails with `what` after `seconds`."""
    ends = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < ends, f"did not come to be in {seconds:g} s: {what}"
        threading.Event().wait(0.02)


async def meanwhile(look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """`until` of a story in which other tasks go on."""
    ends = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < ends, f"did not come to be in {seconds:g} s: {what}"
        await asyncio.sleep(0.02)


def quick(seconds: float, took: Callable[[], float], tries: int = 5) -> None:
    """Does something take less than `seconds` where nothing else is in its way? `took` does it and measures it."""
    measured: list[float] = []
    while not measured or measured[-1] >= seconds:
        assert len(measured) < tries, f"should take less than {seconds:g} s and took {measured}"
        measured.append(took())
