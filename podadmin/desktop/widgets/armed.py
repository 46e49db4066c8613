"""The button that approves. It cannot be pressed by accident, by habit, or by a window that pops up under a hand.

It is never a default button and takes no focus until it is armed; it is armed only after it has been on screen for
1.2 s without a break. Enter, Return and Escape never press it; Space does only when pressed anew after arming.
A press of the mouse that began before arming does not count. Hiding, minimising, losing the window's activation, a
sheet that opens over it and `rearm()` start the time again. Nothing else on the desktop may start an approval.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QWidget

from podadmin.desktop.theme import icons, style
from podadmin.desktop.theme.tokens import RADIUS, SIZE, SPACE
from podadmin.desktop.widgets.text import set_tip, shown

ARM_MS: Final = 1200
_TICKS: Final = 24


class ArmedButton(QPushButton):
    """Approves, once it is armed. `arm_ms` is the time on screen it takes; tests make it short or drive `tick`."""

    decided = Signal()
    armed_changed = Signal(bool)

    def __init__(
        self,
        text: str,
        on_decided: Callable[[], object] | None = None,
        icon: str = "check",
        arm_ms: int = ARM_MS,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(shown(text, one_line=True).replace("&", "&&"), parent)
        self._icon_name = icon
        self._ticks = 0
        self._reason = ""
        self._allowed = True
        self._pressed_armed = False
        self.setProperty("kind", "primary")
        self.setAutoDefault(False)
        self.setDefault(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setIconSize(QSize(SIZE.icon + SPACE.xs, SIZE.icon))
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(max(arm_ms // _TICKS, 1))
        self._timer.timeout.connect(self.tick)
        self._watched: QWidget | None = None
        if on_decided is not None:
            act = on_decided
            self.decided.connect(lambda: act())
        self.clicked.connect(self._clicked)
        self._say()

    @property
    def armed(self) -> bool:
        """True once a press counts."""
        return self._allowed and self._ticks >= _TICKS

    def rearm(self) -> None:
        """Start the time again: call it whenever what would be approved is not what was on screen before."""
        was = self.armed
        self._ticks = 0
        self._pressed_armed = False
        self.setDown(False)
        if self.hasFocus():
            self.clearFocus()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if self._allowed and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()
        self._say()
        if was:
            self.armed_changed.emit(False)

    def set_permit(self, allowed: bool, reason: str = "") -> None:
        """Enable (and start arming), or disable with the reason."""
        changed = allowed != self._allowed
        self._allowed, self._reason = allowed, reason
        self.setEnabled(allowed)
        if changed:
            self.rearm()
        else:
            self._say()

    def tick(self) -> None:
        """One step of arming; counts only while the button can really be seen."""
        if not self._seen():
            if self._ticks:
                self.rearm()
            return
        if self._ticks < _TICKS:
            self._ticks += 1
            self.update()
            if self._ticks == _TICKS:
                self._timer.stop()
                self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                self._say()
                self.armed_changed.emit(True)

    def setDefault(self, _: bool) -> None:
        """Never a default button."""
        super().setDefault(False)

    def setAutoDefault(self, _: bool) -> None:
        """Never a default button."""
        super().setAutoDefault(False)

    def click(self) -> None:
        """A click by a program or an assistive tool counts under the same rule."""
        if self.armed:
            self._pressed_armed = True
            super().click()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        space = event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier
        if space and self.armed and not event.isAutoRepeat():
            self._pressed_armed = True
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            event.ignore()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Select):
            event.accept()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and (event.isAutoRepeat() or not self._pressed_armed):
            event.accept()
            return
        super().keyReleaseEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_armed = self.armed
        if self._pressed_armed:
            super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed_armed and self.armed:
            super().mouseReleaseEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        window = self.window()
        if self._watched is not window:
            if self._watched is not None:
                self._watched.removeEventFilter(self)
            window.installEventFilter(self)
            self._watched = window
        self.rearm()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.rearm()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.armed:
            self.clearFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.WindowDeactivate, QEvent.Type.WindowActivate, QEvent.Type.WindowStateChange):
            self.rearm()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if style.is_change(event):
            self._say()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._allowed or self.armed:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        colour = QColor(style.colours().on_accent)
        room = QRectF(self.rect()).adjusted(RADIUS.control, 0, -RADIUS.control, -SIZE.line)
        track = QRectF(room.left(), room.bottom() - SIZE.arming - SIZE.focus, room.width(), float(SIZE.arming))
        colour.setAlphaF(0.3)
        painter.setBrush(colour)
        painter.drawRoundedRect(track, SIZE.arming / 2, SIZE.arming / 2)
        colour.setAlphaF(1.0)
        painter.setBrush(colour)
        track.setWidth(track.width() * self._ticks / _TICKS)
        painter.drawRoundedRect(track, SIZE.arming / 2, SIZE.arming / 2)
        painter.end()

    def _seen(self) -> bool:
        """Is it on screen, with nothing lying over it? A sheet is see-through, so Qt alone would call it visible."""
        window = self.window()
        if not self.isVisible() or window.isMinimized() or self.visibleRegion().isEmpty():
            return False
        return window.childAt(self.mapTo(window, self.rect().center())) in (self, None)

    def _clicked(self) -> None:
        if self.armed and self._pressed_armed:
            self._pressed_armed = False
            self.decided.emit()

    def _say(self) -> None:
        name = "hourglass" if self._allowed and not self.armed else self._icon_name
        if name:
            self.setIcon(icons.icon(name, "on_accent", gap=SPACE.xs))
        if not self._allowed:
            set_tip(self, self._reason)
        elif not self.armed:
            set_tip(self, "Ready in a moment: this button waits until it has been on screen for a second.")
        else:
            set_tip(self, "")
