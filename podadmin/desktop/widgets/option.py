"""An option as a card: what can be chosen, with words about it, one of several. The arrow keys go from one to the next.

It is a button, so that one stop of the keyboard serves all of them and a screen reader says which one is chosen.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import IconMark
from podadmin.desktop.widgets.buttons import Button
from podadmin.desktop.widgets.layout import STRETCH, column, row
from podadmin.desktop.widgets.text import PlainLabel, set_tip


class OptionCard(Button):
    """One option; put those of which one is chosen into one exclusive QButtonGroup.

    A click, the space bar or an arrow key chooses it. `taken` comes with Enter and a double click: choose it and go on.
    """

    kind = "option"
    taken = Signal()

    def __init__(
        self,
        title: str,
        words: str,
        icon: str,
        badge: BadgeSpec | None = None,
        on_click: Callable[[], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", on_click, name=title, parent=parent)
        self.setCheckable(True)
        set_tip(self, f"{words} {badge.word}." if badge is not None else words)
        self.setToolTip("")
        self._mark = IconMark("circle-check", "accent_text", SIZE.icon_small)
        policy = self._mark.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._mark.setSizePolicy(policy)
        self._mark.setVisible(False)
        self.toggled.connect(self._mark.setVisible)
        head = row(IconMark(icon, "accent_text"), (PlainLabel(title, "medium"), 1), self._mark, gap=SPACE.s)
        about = PlainLabel(words, "small", wrap=True)
        inner = column(head, about, STRETCH, gap=SPACE.s, margin=SPACE.m)
        if badge is not None:
            inner.addLayout(row(Badge(badge), STRETCH))
        self.setLayout(inner)
        for part in self.findChildren(QWidget):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def sizeHint(self) -> QSize:
        return QSize(SIZE.field, self.heightForWidth(SIZE.field))

    def minimumSizeHint(self) -> QSize:
        """As wide as its badge needs, and as high as its words are at the width that it has."""
        layout = self.layout()
        least = layout.minimumSize() if layout is not None else super().minimumSizeHint()
        return QSize(least.width(), self.heightForWidth(max(self.width(), least.width())))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        return layout.totalHeightForWidth(width) if layout is not None else super().heightForWidth(width)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take()
            return
        super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        self._take()

    def _take(self) -> None:
        self.click()
        self.taken.emit()
