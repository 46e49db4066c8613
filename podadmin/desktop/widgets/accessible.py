"""What assistive tools are told about widgets that draw themselves: Qt would call them fillers."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget
from shiboken6 import isValid

CHART: Final = "is_chart"
"""The property by which a widget says that it is a chart."""

_kept: list[QAccessibleInterface] = []
_installed: list[bool] = []


def _make(_: str, thing: QObject) -> QAccessibleInterface | None:
    if isinstance(thing, QWidget) and thing.property(CHART):
        made = QAccessibleWidget(thing, QAccessible.Role.Chart, thing.accessibleName())
        _kept[:] = [*(old for old in _kept if isValid(old)), made]
        return made
    return None


def install() -> None:
    """Tell Qt, once."""
    if not _installed:
        QAccessible.installFactory(_make)
        _installed.append(True)
