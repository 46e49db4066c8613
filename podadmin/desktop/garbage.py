"""When the interpreter looks for garbage: a little at any time, through everything only while nobody uses the window.

Looking through everything holds up every thread for as long as there are objects: a sixth of a second with a schema
of ten thousand columns. The interpreter alone would do it whenever a quarter has been added to what there is.
"""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtWidgets import QWidget

from podadmin.core.clock import Clock
from podadmin.desktop.idle_watch import IdleWatch

_IDLE_SECONDS: Final = 5.0
_YOUNG: Final = 700
_MIDDLE: Final = 10
_OLD: Final = 1_000
"""What is new is looked through after this many objects, then after this many such looks, and everything at the latest
after this many of those: about seven million objects that are still there."""
_WORTH_IT: Final = 5
"""Looks through the middle since the last one through everything, below which there is little to find."""


class Garbage:
    """Begins with the window; what there is by then lasts as long as the process. For the Qt thread."""

    def __init__(self, window: QWidget, clock: Clock) -> None:
        gc.freeze()
        gc.enable()
        gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
        self.watch = IdleWatch(window, clock, self.look)

    def settle(self) -> None:
        """What was imported since then lasts as well. Everything is looked through only once that is set aside."""
        gc.freeze()
        self.watch.set_seconds(_IDLE_SECONDS)

    def look(self) -> None:
        """Look through everything, where enough has come since the last time."""
        if gc.get_count()[2] >= _WORTH_IT:
            gc.collect()
