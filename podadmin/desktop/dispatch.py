"""The one way from any thread to the Qt thread.

One object for the life of the application, a queue, and a queued signal that wakes it. Jobs are plain Python and own
no QObject: objects per job, tied to something that may be collected in its own slot, crash at closing time.

There is at most one wake on its way. Qt handles all posted events in one go, so a wake for each post would let a
flood keep timers and input waiting; what does not fit into one turn goes on in a timer, which lets them pass.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal
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
        self._awake = False
        self._lock = threading.Lock()
        self._wake.connect(self._drain, Qt.ConnectionType.QueuedConnection)
        self._go_on = QTimer(self)
        self._go_on.setSingleShot(True)
        self._go_on.setInterval(0)
        self._go_on.timeout.connect(self._drain)

    def post(self, owner: QObject, act: Callable[[], object]) -> None:
        """Run `act` on the Qt thread, unless `owner` has been deleted by then or the dispatcher was closed."""
        with self._lock:
            if not self._open:
                return
            self._queue.put((owner, act))
            wake, self._awake = not self._awake, True
        if wake:
            self._wake.emit()

    def close(self) -> None:
        """Drop what waits and take nothing more. What was posted is not run. On the Qt thread only."""
        with self._lock:
            self._open = False
            self._go_on.stop()
            while not self._queue.empty():
                self._queue.get_nowait()

    def _drain(self) -> None:
        until = perf_counter() + _BUDGET
        try:
            while perf_counter() < until:
                with self._lock:
                    try:
                        owner, act = self._queue.get_nowait()
                    except Empty:
                        self._awake = False
                        return
                if isValid(owner):
                    act()
        finally:
            if self._awake and self._open:
                self._go_on.start()
