"""Measures how long the event loop was away: a person feels what is longer than 50 ms."""

from __future__ import annotations

import os
from contextlib import suppress
from time import perf_counter, process_time, thread_time
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer

TICK_MS: Final = 5


class _Queue:
    """How long this thread was ready to run but was given no processor, in ms; 0 where nobody counts it."""

    def __init__(self) -> None:
        self._file: int | None = None
        with suppress(OSError):
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY)

    def waited(self) -> float:
        """The sum since the thread began. Linux counts it in nanoseconds, as the second of three numbers."""
        if self._file is None:
            return 0.0
        return int(os.pread(self._file, 96, 0).split()[1]) / 1e6

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Watchdog(QObject):
    """Ticks every 5 ms and remembers the longest gap and the most that this thread worked in one gap, both in ms.

    What other programs on the machine kept from this thread is not counted: it says nothing about the application.
    Waiting for another thread of this process is counted, be it for the interpreter's lock or for a processor.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.worst = 0.0
        self.worst_busy = 0.0
        self._queue = _Queue()
        self._processors = os.cpu_count() or 1
        self.forgive()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def forgive(self) -> None:
        """What happened since the last tick was not the application: do not count it."""
        self._last, self._busy, self._waited = perf_counter(), thread_time(), self._queue.waited()
        self._whole = process_time()

    def reset(self) -> None:
        """Measure anew."""
        self.worst = self.worst_busy = 0.0
        self.forgive()

    def stop(self) -> None:
        """Stop measuring, for good."""
        self._timer.stop()
        self._queue.close()

    def _tick(self) -> None:
        now, busy, waited, whole = perf_counter(), thread_time(), self._queue.waited(), process_time()
        away = (now - self._last) * 1000
        left_to_others = max(away * self._processors - (whole - self._whole) * 1000, 0.0)
        gap = away - TICK_MS - min(waited - self._waited, left_to_others)
        self.worst = max(self.worst, gap)
        self.worst_busy = max(self.worst_busy, (busy - self._busy) * 1000)
        self._last, self._busy, self._waited, self._whole = now, busy, waited, whole
