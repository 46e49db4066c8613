"""Imports what pages are made of before anybody opens them: else the first visit of each would wait for that.

One module in a turn, with pauses, and not before the profile is open: that waits for nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pkgutil import iter_modules
from typing import Final

from PySide6.QtCore import QObject, QTimer

from podadmin.desktop.session import Session

_PAUSE_MS: Final = 12
_FOLDERS: Final = ("podadmin.app.views", "podadmin.desktop.widgets", "podadmin.desktop.pages")
_OURS: Final = ("podadmin.desktop.", "podadmin.app.views.")


class Ahead(QObject):
    """Begins with the first answer of the session; calls `then` and is gone when it is done. Lives on the Qt thread."""

    def __init__(self, session: Session, parent: QObject, then: Callable[[], object]) -> None:
        super().__init__(parent)
        self._modules = chain.from_iterable(one_by_one(name) for name in _names())
        self._then = then
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._next)
        session.read(self, "status", {}, lambda _: self._timer.start())

    def _next(self) -> None:
        if next(self._modules, None) is None:
            self._timer.stop()
            self.deleteLater()
            self._then()


def one_by_one(name: str) -> Iterator[str]:
    """Import a module of the desktop; before it, each by itself, those that it imports. Stops after every one."""
    return _one_by_one(name, set())


def _one_by_one(name: str, seen: set[str]) -> Iterator[str]:
    if name in sys.modules or name in seen:
        return
    seen.add(name)
    for needed in _imports(name):
        yield from _one_by_one(needed, seen)
    import_module(name)
    yield name


def _imports(name: str) -> Iterator[str]:
    """What it names in its imports, where what keeps it can tell; else all comes with the module itself."""
    spec = find_spec(name)
    code = getattr(spec.loader, "get_code", None) if spec is not None else None
    found = code(name) if code is not None else None
    return (each for each in (found.co_names if found is not None else ()) if each.startswith(_OURS))


def _names() -> Iterator[str]:
    for folder in _FOLDERS:
        yield folder
        for found in iter_modules(import_module(folder).__path__):
            yield f"{folder}.{found.name}"
