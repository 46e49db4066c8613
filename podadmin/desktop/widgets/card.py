"""Cards: the surfaces on which a page lays out what belongs together."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.layout import STRETCH, row
from podadmin.desktop.widgets.text import PlainLabel


class Card(QFrame):
    """A surface with an optional title and one action beside it. Content goes into `body`.

    `flush` is for a card that holds a table: its cells then stand on the same left edge as other cards' text.
    """

    def __init__(
        self,
        title: str = "",
        *,
        action: QWidget | None = None,
        sunken: bool = False,
        flush: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("card", "sunken" if sunken else "true")
        outer = QVBoxLayout(self)
        margin = SPACE.xs if flush else SPACE.m if sunken else SPACE.l
        outer.setContentsMargins(margin, margin, margin, margin)
        outer.setSpacing(SPACE.m)
        self._title = PlainLabel(title, "strong", parent=self)
        self._title.setVisible(bool(title))
        if title or action is not None:
            head = row(self._title, STRETCH)
            if flush:
                head.setContentsMargins(SPACE.m, SPACE.s, SPACE.s, 0)
            if action is not None:
                head.addWidget(action)
            outer.addLayout(head)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(SPACE.s)
        outer.addLayout(self.body, 1)

    def set_title(self, title: str) -> None:
        """Another title; only for cards that were made with one."""
        self._title.setText(title)


class FigureCard(Card):
    """One number with what it counts and one line about it."""

    def __init__(self, label: str, value: str = "–", note: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setMinimumHeight(SIZE.figure_card)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._label = PlainLabel(label, "muted")
        self._value = PlainLabel(value, "figure")
        self._note = PlainLabel(note, "muted")
        self.body.setSpacing(SPACE.xs)
        for part in (self._label, self._value, self._note):
            self.body.addWidget(part)

    def set_label(self, label: str) -> None:
        """Say that something else is counted."""
        self._label.setText(label)

    def set(self, value: str, note: str = "", tone: str = "plain") -> None:
        """Show another number; `tone` colours the line below it."""
        self._value.setText(value)
        self._note.setText(note)
        self._note.set_tone(tone)
