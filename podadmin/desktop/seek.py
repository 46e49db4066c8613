"""Finding widgets as a person or a screen reader does: by name, among what can be seen."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex, QPoint, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QWidget,
)

from podadmin.desktop.widgets.badge import Badge
from podadmin.desktop.widgets.prompt import Sheet
from podadmin.desktop.widgets.text import PlainLabel

_ROWS_AT_MOST = 500


def name_of(widget: QWidget) -> str:
    """The accessible name, or the words of a button without its mnemonic."""
    if widget.accessibleName():
        return widget.accessibleName()
    if isinstance(widget, QAbstractButton):
        return widget.text().replace("&&", "\0").replace("&", "").replace("\0", "&")
    return ""


def names_of(widget: QWidget) -> tuple[str, ...]:
    """Every name under which a person would know a widget: the accessible one and what is written on it."""
    found = [name_of(widget)]
    if isinstance(widget, QAbstractButton):
        found.append(widget.text().replace("&&", "\0").replace("&", "").replace("\0", "&"))
    return tuple(dict.fromkeys(name for name in found if name))


def ground(window: QMainWindow) -> QWidget:
    """Where a person can act now: the sheet in front, else the window."""
    sheets = [sheet for sheet in window.findChildren(Sheet) if sheet.isVisible()]
    return sheets[-1] if sheets else window


def seen(root: QWidget) -> Iterator[QWidget]:
    """The widgets below `root` that can be seen, in reading order as far as the tree has one."""
    for widget in root.findChildren(QWidget):
        if widget.isVisible():
            yield widget


def find(window: QMainWindow, name: str, *kinds: type[QWidget]) -> QWidget | None:
    """The visible widget of these kinds with this name; an exact name goes before one that differs in case."""
    candidates = [widget for widget in seen(ground(window)) if not kinds or isinstance(widget, kinds)]
    for widget in candidates:
        if name in names_of(widget):
            return widget
    folded = name.casefold()
    return next((w for w in candidates if folded in (each.casefold() for each in names_of(w))), None)


def names(window: QMainWindow, *kinds: type[QWidget]) -> list[str]:
    """The names that are there for widgets of these kinds."""
    found = [name_of(w) for w in seen(ground(window)) if not kinds or isinstance(w, kinds)]
    return sorted({name for name in found if name})


def texts(window: QMainWindow) -> Iterator[str]:
    """Every piece of text that a person can read now, cells of views included."""
    yield window.windowTitle()
    for widget in seen(window):
        if isinstance(widget, PlainLabel):
            yield widget.accessibleName() or widget.text()
            yield widget.text()
        elif isinstance(widget, (QLabel, QAbstractButton, QLineEdit, Badge)):
            yield widget.text()
        elif isinstance(widget, QPlainTextEdit):
            yield widget.toPlainText()
        elif isinstance(widget, QComboBox):
            yield widget.currentText()
        elif isinstance(widget, QAbstractItemView):
            yield from cells(widget)


def cells(view: QAbstractItemView) -> Iterator[str]:
    """The words in a view's cells, header included, down to a limit."""
    model = view.model()
    if model is None:
        return
    columns = _columns(model)
    for column in range(columns):
        yield str(model.headerData(column, Qt.Orientation.Horizontal) or "")
    waiting = [QModelIndex()]
    while waiting:
        parent = waiting.pop()
        for row in range(min(model.rowCount(parent), _ROWS_AT_MOST)):
            first = model.index(row, 0, parent)
            for column in range(columns):
                yield str(model.index(row, column, parent).data() or "")
            if model.rowCount(first):
                waiting.append(first)


def _columns(model: QAbstractItemModel) -> int:
    """How many columns there are; a list says that only to itself."""
    return 1 if isinstance(model, QAbstractListModel) else model.columnCount()


def row_with(window: QMainWindow, text: str) -> tuple[QAbstractItemView, QModelIndex] | None:
    """The first row, in a visible view, one of whose cells contains `text`."""
    for view in seen(ground(window)):
        if not isinstance(view, QAbstractItemView) or view.model() is None:
            continue
        model = view.model()
        for row in range(min(model.rowCount(), _ROWS_AT_MOST)):
            for column in range(_columns(model)):
                index = model.index(row, column)
                if text.casefold() in str(index.data() or "").casefold():
                    return view, index
    return None


def covered(widget: QWidget, point: QPoint) -> QWidget | None:
    """What lies over `widget` at `point` (in its coordinates), where a click would land instead; None if nothing."""
    window = widget.window()
    there = window.childAt(widget.mapTo(window, point))
    if there is None or there is widget or widget.isAncestorOf(there) or there.isAncestorOf(widget):
        return None
    return there
