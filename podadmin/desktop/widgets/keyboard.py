"""Where the keyboard fell to when the part that had it could be used no more: so that it comes back, or goes on, and
is taken from nobody who has moved it meanwhile.
"""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QWidget


def has_keyboard(part: QWidget) -> bool:
    """Is the keyboard on this part of the window, or on something in it?"""
    now = QApplication.focusWidget()
    return now is not None and (now is part or part.isAncestorOf(now))


class Fallen:
    """The place itself is not kept: it may be gone by the time that one asks."""

    def __init__(self) -> None:
        self._to = 0

    def note(self, held: bool) -> None:
        """A part can be used no more from now on; `held`: it had the keyboard."""
        self._to = id(QApplication.focusWidget()) if held else 0

    def forget(self) -> None:
        """Whatever fell has been seen to."""
        self._to = 0

    @property
    def lies_there(self) -> bool:
        """Did it fall, and has nobody moved it since?"""
        return self._to != 0 and self._to == id(QApplication.focusWidget())
