"""The eyes and hands of a test of the desktop: what can be read on a widget, and what can be pressed by its name."""

from __future__ import annotations

from typing import Protocol, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from podadmin.desktop.widgets.badge import Badge

W = TypeVar("W", bound=QWidget)


class Show(Protocol):
    """Puts a widget on screen and gives it back."""

    def __call__(self, widget: W) -> W: ...


def texts(widget: QWidget) -> str:
    """Every label and every badge that is visible, a line for each."""
    QApplication.processEvents()
    labels = [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]
    return "\n".join(labels + [badge.text() for badge in widget.findChildren(Badge) if badge.isVisible()])


def buttons(widget: QWidget) -> dict[str, QAbstractButton]:
    """The buttons that are visible, by the name under which they are heard, else by their words."""
    return {each.accessibleName() or each.text(): each for each in _visible(widget)}


def named(widget: QWidget, name: str) -> QAbstractButton:
    """The first visible button that is heard or read under this name."""
    return next(each for each in _visible(widget) if name in (each.accessibleName(), each.text()))


def press(widget: QWidget, name: str) -> None:
    """Click a button."""
    QTest.mouseClick(named(widget, name), Qt.MouseButton.LeftButton)


def _visible(widget: QWidget) -> list[QAbstractButton]:
    QApplication.processEvents()
    return [each for each in widget.findChildren(QAbstractButton) if each.isVisible()]
