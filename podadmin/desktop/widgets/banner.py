"""A line across a page that says something about all of it, with at most one act."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from podadmin.desktop.theme import icons, style
from podadmin.desktop.theme.tokens import SIZE, SPACE, TONE_ICONS
from podadmin.desktop.widgets.buttons import IconButton, QuietButton
from podadmin.desktop.widgets.text import PlainLabel

_TOKENS = {"info": "accent_text", "good": "good", "warn": "warn", "bad": "bad"}


class IconMark(QLabel):
    """An icon that follows the theme and says nothing to a screen reader: words stand beside it."""

    def __init__(self, name: str, ink: str = "muted", size: int = SIZE.icon, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._token, self._size = name, ink, size
        self.setFixedSize(size, size)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._draw()

    def set(self, name: str, ink: str) -> None:
        """Another icon."""
        self._name, self._token = name, ink
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if style.is_change(event):
            self._draw()

    def _draw(self) -> None:
        self.setPixmap(icons.pixmap(self._name, self._token, self._size, max(self.devicePixelRatioF(), 1.0)))


class Banner(QFrame):
    """Icon, words, and an act. With `closable` a person can put it away."""

    def __init__(
        self,
        tone: str,
        text: str,
        action: str = "",
        on_action: Callable[[], object] | None = None,
        title: str = "",
        closable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        line = QHBoxLayout(self)
        line.setContentsMargins(SPACE.m, SPACE.s, SPACE.m, SPACE.s)
        line.setSpacing(SPACE.m)
        self._mark = IconMark("info", "muted")
        self._title = PlainLabel(title, "medium", parent=self)
        self._title.setVisible(bool(title))
        self._text = PlainLabel("", "body", wrap=True, selectable=True)
        words = QVBoxLayout()
        words.setSpacing(SPACE.hair)
        words.addWidget(self._title)
        words.addWidget(self._text)
        line.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addLayout(words, 1)
        if action:
            line.addWidget(QuietButton(action, on_action), 0, Qt.AlignmentFlag.AlignVCenter)
        if closable:
            line.addWidget(IconButton("x", "Put this notice away", self.hide), 0, Qt.AlignmentFlag.AlignVCenter)
        self.set(tone, text)

    def set(self, tone: str, text: str, title: str | None = None) -> None:
        """Say something else."""
        self.setProperty("banner", tone)
        self._mark.set(TONE_ICONS.get(tone, "info"), _TOKENS.get(tone, "muted"))
        self._text.setText(text)
        if title is not None:
            self._title.setText(title)
            self._title.setVisible(bool(title))
        self.style().unpolish(self)
        self.style().polish(self)
        for label in (self._title, self._text):
            label.style().unpolish(label)
            label.style().polish(label)
