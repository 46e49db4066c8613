"""A JSON value as a tree of plain text: the raw facts behind a page, openable but never interpreted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, cast

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from podadmin.desktop.theme.tokens import SIZE
from podadmin.desktop.widgets.text import plain_tip, set_name, shown

_CHILDREN_AT_MOST: Final = 500
_DEPTH_AT_MOST: Final = 24
_OPEN_BELOW: Final = 40
_AT_ONCE: Final = 300
"""Items that are made at once; more of them would be felt."""
_LATER: Final = int(Qt.ItemDataRole.UserRole) + 1


class JsonTree(QTreeView):
    """Two columns, name and value. What is too deep or too wide is counted, not drawn."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_name(self, name)
        self.setProperty("mono", True)
        self.setMinimumHeight(SIZE.tree)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformRowHeights(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._items = QStandardItemModel(self)
        self._room = 0
        self.setModel(self._items)
        self.expanded.connect(self._unfold)
        self.header().setFixedHeight(SIZE.header)
        self.header().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_value(self, value: Mapping[str, object] | Sequence[object]) -> None:
        """Show another value."""
        self._items.clear()
        self._items.setHorizontalHeaderLabels(["Name", "Value"])
        self._room = _AT_ONCE
        self._grow(self._items.invisibleRootItem(), value, 0)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.header().setStretchLastSection(True)
        if self._items.rowCount() <= _OPEN_BELOW:
            self.expandToDepth(0)
        self.header().resizeSection(0, SIZE.tree)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.matches(QKeySequence.StandardKey.Copy) and index.isValid():
            QGuiApplication.clipboard().setText(str(index.siblingAtColumn(1).data() or ""))
            return
        super().keyPressEvent(event)

    def _grow(self, parent: QStandardItem, value: object, depth: int) -> None:
        parts: Iterable[tuple[object, object]] = ()
        if isinstance(value, Mapping):
            parts = value.items()
        elif _has_parts(value):
            parts = enumerate(cast("Sequence[object]", value))
        for key, inner in islice(parts, _CHILDREN_AT_MOST):
            name, words = QStandardItem(shown(str(key), one_line=True)), QStandardItem(_leaf(inner))
            for item in (name, words):
                item.setToolTip(plain_tip(item.text()))
            self._room -= 1
            if depth < _DEPTH_AT_MOST and self._room > 0:
                self._grow(name, inner, depth + 1)
            elif depth < _DEPTH_AT_MOST and _has_parts(inner):
                name.setData((inner, depth + 1), _LATER)
                name.appendRow([QStandardItem("…"), QStandardItem("")])
            parent.appendRow([name, words])
        rest = len(cast("Sequence[object]", value)) - _CHILDREN_AT_MOST if _has_parts(value) else 0
        if rest > 0:
            parent.appendRow([QStandardItem("…"), QStandardItem(f"{rest} more, not shown here")])

    def _unfold(self, index: QModelIndex) -> None:
        """What was left out of a large value is made when somebody looks at it."""
        item = self._items.itemFromIndex(index.siblingAtColumn(0))
        later = item.data(_LATER) if item is not None else None
        if item is None or later is None:
            return
        item.setData(None, _LATER)
        item.removeRows(0, item.rowCount())
        self._room = _AT_ONCE
        self._grow(item, *later)


def _has_parts(value: object) -> bool:
    return isinstance(value, (Mapping, Sequence)) and not isinstance(value, (str, bytes)) and bool(value)


def _leaf(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{len(value)} fields" if len(value) != 1 else "1 field"
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return f"{len(value)} items" if len(value) != 1 else "1 item"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return shown(value if isinstance(value, str) else repr(value), one_line=True)
