"""Measures how long the event loop was away: a person feels what is longer than 50 ms."""

from __future__ import annotations

from time import perf_counter, thread_time
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer

TICK_MS: Final = 5


class Watchdog(QObject):
    """Ticks every 5 ms and remembers the longest gap, in ms, and how much of it this thread was really working."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.worst = 0.0
        self.worst_busy = 0.0
        self._last = perf_counter()
        self._busy = thread_time()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def forgive(self) -> None:
        """What happened since the last tick was not the application: do not count it."""
        self._last, self._busy = perf_counter(), thread_time()

    def reset(self) -> None:
        """Measure anew."""
        self.worst = self.worst_busy = 0.0
        self.forgive()

    def stop(self) -> None:
        """Stop measuring."""
        self._timer.stop()

    def _tick(self) -> None:
        now, busy = perf_counter(), thread_time()
        gap = (now - self._last) * 1000 - TICK_MS
        if gap > self.worst:
            self.worst, self.worst_busy = gap, (busy - self._busy) * 1000
        self._last, self._busy = now, busy
