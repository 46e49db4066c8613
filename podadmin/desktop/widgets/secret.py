"""A field for a password: it is asked for once, leaves the field as a Secret, and nothing of it stays in the window."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from podadmin.core.secret import Secret
from podadmin.desktop.widgets.form import TextField


class SecretField(TextField):
    """Hides what is typed. `take` is the only way to get at it."""

    def __init__(self, label: str, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(label, hint=hint, secret=True, parent=parent)

    @property
    def written(self) -> bool:
        """Does anything stand in it?"""
        return bool(self.line.text())

    def take(self) -> Secret[str] | None:
        """What was typed; the field is empty afterwards, and so is what could be undone in it."""
        typed = self.line.text()
        if not typed:
            return None
        self.line.setText("")
        return Secret(typed)

    def show_kept(self, words: str) -> None:
        """Say in the empty field that one is known."""
        self.line.setPlaceholderText(words)
