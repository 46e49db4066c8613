"""Waiting for a disk or a share only as long as a person would, and giving up at any moment.

What the operating system does not let go of cannot be stopped. It is left to itself in a thread of its own, and as long
as it is stuck nothing else is sent after it: a share that hangs costs one thread, however often it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from podadmin.core.errors import Unavailable
from podadmin.core.progress import Progress
from podadmin.vault.lane import Lane

PATIENCE_SECONDS: Final = 30.0
T = TypeVar("T")
_lanes: dict[str, Lane] = {}


def within(seconds: float, place: str, work: Callable[[], T], progress: Progress) -> T:
    """What `work` gives, or raises. Two that wait for the same `place` wait one after the other.

    Raises Unavailable (`datasource.share-hangs`) after `seconds`, and Cancelled within a tenth of a second.
    """
    lane = _lanes.setdefault(place, Lane("podadmin-look", seconds))
    try:
        return lane.run(work, seconds, progress.check)
    except TimeoutError as error:
        raise hangs(seconds) from error


def hangs(seconds: float) -> Unavailable:
    return Unavailable(
        "datasource.share-hangs",
        "The folder does not answer.",
        f"Nothing came from the disk or the network share for {seconds:g} seconds.",
        "Check the connection to the share, then look again: what was seen until now is kept.",
    )
