"""Asks where to write a file. The sheet stays open until the file is written: an error is shown at its field."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from podadmin.core.errors import PodadminError
from podadmin.desktop.widgets.buttons import PrimaryButton
from podadmin.desktop.widgets.form import ChoiceField, PathField
from podadmin.desktop.widgets.prompt import Question

FILE: str = "File to write"
WRITE: str = "Write the file"


class ExportSheet(Question):
    """Names a file and, where there is a choice, its format; `on_write(path, format)` is asked to write it."""

    def __init__(
        self,
        host: QWidget,
        title: str,
        words: str,
        on_write: Callable[[str, str], object],
        formats: Sequence[tuple[str, str]] = (),
        filters: str = "",
        placeholder: str = "",
    ) -> None:
        super().__init__(host, title, words)
        self._act = on_write
        self.path = PathField(FILE, "save", filters=filters, placeholder=placeholder)
        self.format = ChoiceField("Format", formats or [("", "")])
        self.ask(PrimaryButton(WRITE, self._write, "download"), self.path, self.format)
        self.format.setVisible(bool(formats))

    def show_problem(self, error: PodadminError) -> None:
        """It was not written; what was entered stays."""
        self.check()
        self.path.set_error(f"{error.what} {error.why} {error.next_step} ({error.code})")

    def check(self) -> None:
        self.path.set_error("")
        super().check()

    def missing(self) -> str:
        return "" if self.path.value().strip() else "Name the file first."

    def _write(self) -> None:
        self.path.line.setFocus(Qt.FocusReason.OtherFocusReason)
        self.confirm.set_permit(False, "It is being written.")
        self._act(self.path.value().strip(), self.format.value())
