"""The one way from any thread to the Qt thread.

One object for the life of the application, a queue, and a queued signal that wakes it. Jobs are plain Python and own
no QObject: objects per job, tied to something that may be collected in its own slot, crash at closing time.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

_BUDGET: Final = 0.008
"""Seconds that one turn may take before the event loop gets its turn."""


class Dispatcher(QObject):
    """`post` may be called from any thread; what is posted runs on the thread of this object, in order."""

    _wake = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._queue: SimpleQueue[tuple[QObject, Callable[[], object]]] = SimpleQueue()
        self._open = True
        self._wake.connect(self._drain, Qt.ConnectionType.QueuedConnection)

    def post(self, owner: QObject, act: Callable[[], object]) -> None:
        """Run `act` on the Qt thread, unless `owner` has been deleted by then or the dispatcher was closed."""
        if self._open:
            self._queue.put((owner, act))
            self._wake.emit()

    def close(self) -> None:
        """Drop what waits and take nothing more. What was posted is not run."""
        self._open = False
        try:
            while True:
                self._queue.get_nowait()
        except Empty:
            return

    def _drain(self) -> None:
        """Every wake runs at least one act and every post wakes once, so nothing can be left lying."""
        until = perf_counter() + _BUDGET
        while self._open:
            try:
                owner, act = self._queue.get_nowait()
            except Empty:
                return
            if isValid(owner):
                act()
            if perf_counter() > until:
                return
