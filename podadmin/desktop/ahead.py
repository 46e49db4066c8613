"""Imports what pages are made of before anybody opens them: else the first visit of each would wait for that.

One module in a turn, with pauses, and not before the profile is open: that waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from PySide6.QtCore import QObject, QTimer

from podadmin.desktop.session import Session

_PAUSE_MS: Final = 12
_FOLDERS: Final = ("podadmin.app.views", "podadmin.desktop.widgets", "podadmin.desktop.pages")


class Ahead(QObject):
    """Begins with the first answer of the session; calls `then` and is gone when it is done. Lives on the Qt thread."""

    def __init__(self, session: Session, parent: QObject, then: Callable[[], object]) -> None:
        super().__init__(parent)
        self._names = _names()
        self._then = then
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._next)
        session.read(self, "status", {}, lambda _: self._timer.start())

    def _next(self) -> None:
        name = next(self._names, None)
        if name is None:
            self._timer.stop()
            self.deleteLater()
            self._then()
        else:
            import_module(name)


def _names() -> Iterator[str]:
    for folder in _FOLDERS:
        yield folder
        for found in iter_modules(import_module(folder).__path__):
            yield f"{folder}.{found.name}"
