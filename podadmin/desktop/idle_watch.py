"""Is anybody using the window?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

from podadmin.core.clock import Clock

_LOOK_MS: Final = 2000
_USES: Final = frozenset(
    {
        QEvent.Type.MouseMove,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.KeyPress,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.TabletPress,
    }
)


class IdleWatch(QObject):
    """Tells when nobody has used a window for a while. Looks at what the window itself receives, which costs little."""

    def __init__(self, window: QWidget, clock: Clock, on_idle: Callable[[], object]) -> None:
        super().__init__(window)
        self._window = window
        self._clock = clock
        self._on_idle = on_idle
        self._seconds = 0.0
        self._last = clock.monotonic()
        self._watched: QObject | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)

    @property
    def watching(self) -> bool:
        """Is it told after some time?"""
        return self._timer.isActive()

    def set_minutes(self, minutes: int) -> None:
        """After how many minutes; 0 for never."""
        self.set_seconds(minutes * 60.0)

    def set_seconds(self, seconds: float) -> None:
        """After how many seconds; 0 for never."""
        self._seconds = seconds
        handle = self._window.windowHandle()
        if handle is not None and handle is not self._watched:
            handle.installEventFilter(self)
            self._watched = handle
        if seconds and not self._timer.isActive():
            self.used()
            self._timer.start()
        elif not seconds:
            self._timer.stop()

    def used(self) -> None:
        """Somebody has used the window."""
        self._last = self._clock.monotonic()

    def look(self) -> None:
        """Has nobody used it for too long?"""
        if self._seconds and self._clock.monotonic() - self._last >= self._seconds:
            self.used()
            self._on_idle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _USES:
            self.used()
        return False
