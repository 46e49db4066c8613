"""Where the window stood, on which page, and which theme it had: one small file in the profile folder, nowhere else.

It holds nothing but numbers, the name of a page and the choice of theme. A file that cannot be read or written is not
worth an error: the window then opens where it always does.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

_FIELDS = ("x", "y", "width", "height")


class WindowPlace:
    """Reads and writes `window.json` in a profile folder that exists."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "window.json"

    def read(self) -> dict[str, object]:
        """What was kept; empty where nothing usable was."""
        with suppress(OSError, ValueError):
            text = self._file.read_text(encoding="utf-8")
            import json

            kept = json.loads(text)
            if isinstance(kept, dict):
                return kept
        return {}

    def theme(self) -> str:
        """The theme that was chosen, `system` where none was."""
        kept = self.read().get("theme")
        return kept if kept in ("light", "dark") else "system"

    def page(self) -> str:
        """The name of the page that was in front; empty where none was kept."""
        kept = self.read().get("page")
        return kept if isinstance(kept, str) else ""

    def restore(self, window: QMainWindow) -> None:
        """Put the window where it was, unless no screen shows that place any more."""
        kept = self.read()
        numbers = [value for field in _FIELDS if isinstance(value := kept.get(field), int)]
        if len(numbers) != len(_FIELDS):
            return
        room = QRect(*numbers)
        screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        if any(screen.contains(room.center()) for screen in screens):
            window.setGeometry(room)
            if kept.get("maximised") is True:
                window.showMaximized()

    def keep(self, window: QMainWindow, theme: str, page: str) -> None:
        """Write down where the window is."""
        import json

        room = window.normalGeometry()
        kept = {
            "x": room.x(),
            "y": room.y(),
            "width": room.width(),
            "height": room.height(),
            "maximised": window.isMaximized(),
            "theme": theme,
            "page": page,
        }
        with suppress(OSError):
            if self._file.parent.is_dir():
                fresh = self._file.with_suffix(".json.new")
                fresh.write_text(json.dumps(kept), encoding="utf-8")
                fresh.replace(self._file)
