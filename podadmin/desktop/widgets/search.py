"""The search over everything (Ctrl+K): pages and commands at once, and results as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from podadmin.core.text import elide
from podadmin.desktop.theme import icons, style
from podadmin.desktop.theme.tokens import SIZE, SPACE, TYPE
from podadmin.desktop.widgets.prompt import Sheet
from podadmin.desktop.widgets.text import PlainLabel, shown

_SHOWN_AT_MOST = 40


@dataclass(frozen=True)
class Hit:
    """Something to go to or to do. `words` is strangers' text where it comes from a request."""

    words: str
    kind: str
    icon: str
    run: Callable[[], object]


Provider = Callable[[str, Callable[[Sequence[Hit]], None]], None]
"""Asked with the text and a callback that takes what was found; may call back later, or never."""


class _HitDelegate(QStyledItemDelegate):
    """Draws what kind of thing a hit is, quietly, at the right."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        rect: QRect = option.rect
        painter.save()
        painter.setFont(style.font(TYPE.note))
        painter.setPen(QColor(style.colours().muted))
        kind = str(index.data(Qt.ItemDataRole.UserRole) or "")
        room = rect.adjusted(0, 0, -SPACE.m, 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, kind)
        painter.restore()


class SearchPalette(Sheet):
    """One line and a list. Enter goes to the chosen line; closing goes nowhere."""

    def __init__(self, host: QWidget, commands: Sequence[Hit], provider: Provider | None = None) -> None:
        super().__init__(host, "Search", "")
        self._commands = tuple(commands)
        self._provider = provider
        self._hits: list[Hit] = []
        self._asked = ""
        self.panel.setFixedWidth(SIZE.palette)
        self.line = QLineEdit()
        self.line.setAccessibleName("Search everything")
        self.line.setPlaceholderText("Pages, requests, models, datasources, commands")
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName("Found")
        self.list.setFixedHeight(SIZE.palette_list)
        self.list.setItemDelegate(_HitDelegate(self.list))
        self.list.setIconSize(QSize(SIZE.icon, SIZE.icon))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(lambda _: self._run())
        self.nothing = PlainLabel("Nothing found.", "muted")
        self.nothing.setVisible(False)
        holder = QFrame()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(SPACE.s)
        for part in (self.line, self.nothing, self.list):
            inner.addWidget(part)
        self.body.addWidget(holder)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(150)
        self._pause.timeout.connect(self._ask)
        self.line.textChanged.connect(lambda _: self._typed())
        self._typed()

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self.line)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
            if step and self.list.count():
                self.list.setCurrentRow(max(0, min(self.list.currentRow() + step, self.list.count() - 1)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run()
                return True
        return super().eventFilter(watched, event)

    def _typed(self) -> None:
        wanted = self.line.text().strip().casefold()
        self._fill([hit for hit in self._commands if wanted in hit.words.casefold()])
        if wanted and self._provider is not None:
            self._pause.start()

    def _ask(self) -> None:
        text = self.line.text().strip()
        self._asked = text

        def take(found: Sequence[Hit]) -> None:
            if isValid(self) and self._asked == text == self.line.text().strip():
                self._fill([*self._hits, *found], max(self.list.currentRow(), 0))

        if self._provider is not None:
            self._provider(text, take)

    def _fill(self, hits: Sequence[Hit], chosen: int = 0) -> None:
        self._hits = list(hits[:_SHOWN_AT_MOST])
        self.list.clear()
        for hit in self._hits:
            item = QListWidgetItem(icons.icon(hit.icon, "muted"), elide(shown(hit.words, one_line=True), 70))
            item.setData(Qt.ItemDataRole.UserRole, hit.kind)
            item.setSizeHint(QSize(0, SIZE.row))
            self.list.addItem(item)
        self.list.setCurrentRow(chosen)
        self.nothing.setVisible(not self._hits)

    def _run(self) -> None:
        place = self.list.currentRow()
        if 0 <= place < len(self._hits):
            act = self._hits[place].run
            self.dismiss()
            act()
