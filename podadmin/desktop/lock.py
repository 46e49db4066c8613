"""The lock over the window: while it is there the window has nothing else in it, and nothing of the profile is read.

What is behind it is taken out of the window as a whole, so no picture and no screen reader finds it; drafts in it are
kept in memory. The gate and everything else that runs goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.banner import IconMark
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.layout import STRETCH, row
from podadmin.desktop.widgets.prompt import Sheet
from podadmin.desktop.widgets.text import PlainLabel

if TYPE_CHECKING:
    from podadmin.app.views.lock import LockView

FIELD: Final = "Passphrase of this profile"

Give = Callable[[Secret[str] | None], object]
"""Takes what was typed, or None where nothing is to be typed."""


def take(field: TextField) -> Secret[str]:
    """What was typed into a field for a secret; the field forgets it."""
    typed = Secret(field.value())
    field.set_value("")
    return typed


class Proof(QWidget):
    """Where a person proves who they are: a field for the passphrase, or only the words of what will be asked."""

    def __init__(self, act: str, on_give: Give, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._give = on_give
        self._means = ""
        self.words = PlainLabel("", "muted", wrap=True)
        self.field = TextField(FIELD, secret=True)
        self.confirm = PrimaryButton(act, self._confirm)
        self.problem = PlainLabel("", "body", "bad", wrap=True)
        self.problem.setVisible(False)
        inner = QVBoxLayout(self)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(SPACE.m)
        for part in (self.words, self.field, self.problem):
            inner.addWidget(part)
        self.field.changed.connect(self._check)
        self.field.line.returnPressed.connect(self._confirm)
        self.field.setVisible(False)
        self._check()

    def show_lock(self, view: LockView) -> None:
        """Ask for what can be asked for here."""
        self._means = view.means
        self.words.setText(view.words)
        self.field.setVisible(view.means == "passphrase")
        self._check()
        (self.field.line if view.means == "passphrase" else self.confirm).setFocus(Qt.FocusReason.OtherFocusReason)

    def show_problem(self, error: PodadminError) -> None:
        """It was not proved."""
        self.problem.setText(f"{error.what} {error.why} {error.next_step}")
        self.problem.setVisible(True)
        self._check()
        if self._means == "passphrase":
            self.field.line.setFocus(Qt.FocusReason.OtherFocusReason)

    def _check(self) -> None:
        ready = bool(self._means) and (self._means != "passphrase" or bool(self.field.value()))
        self.confirm.set_permit(ready, "Type the passphrase first." if self._means else "podadmin is still starting.")

    def _confirm(self) -> None:
        if self.confirm.isEnabled():
            given = take(self.field) if self._means == "passphrase" else None
            self.problem.setVisible(False)
            self.confirm.set_permit(False, "It is being looked at.")
            self._give(given)


class LockPage(QWidget):
    """The only thing in a locked window."""

    def __init__(self, on_unlock: Give, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", "window")
        self.setAccessibleName("podadmin is locked")
        self.proof = Proof("Unlock", on_unlock)
        self._gate = PlainLabel("", "small", wrap=True)
        panel = QFrame()
        panel.setProperty("card", "sheet")
        panel.setFixedWidth(SIZE.sheet)
        inner = QVBoxLayout(panel)
        inner.setContentsMargins(SPACE.xl, SPACE.xl, SPACE.xl, SPACE.xl)
        inner.setSpacing(SPACE.m)
        inner.addLayout(row(IconMark("lock", "accent_text"), PlainLabel("podadmin is locked", "heading"), STRETCH))
        inner.addWidget(PlainLabel("Nothing of the profile is shown. The gate goes on as it was.", "body", wrap=True))
        inner.addWidget(self.proof)
        inner.addLayout(row((self._gate, 1), self.proof.confirm))
        outer = QVBoxLayout(self)
        outer.addWidget(panel, 0, Qt.AlignmentFlag.AlignCenter)

    def show_lock(self, view: LockView) -> None:
        """How it can be opened, and that the gate goes on."""
        self._gate.setText(view.gate)
        self.proof.show_lock(view)


class ProofSheet(Sheet):
    """Asks once more who sits there before a guarded act. Closing it gives the act up."""

    def __init__(self, host: QWidget, on_give: Give, on_give_up: Callable[[], object]) -> None:
        super().__init__(host, "Who are you?", "Before this, podadmin asks once more who you are.", "lock")
        self._give_up: Callable[[], object] | None = on_give_up
        self.proof = Proof("Prove it and go on", on_give)
        self.body.addWidget(self.proof)
        self.buttons_row.addWidget(QuietButton("Cancel", self.dismiss))
        self.buttons_row.addWidget(self.proof.confirm)

    def proved(self) -> None:
        """Close it; the act goes on."""
        self._give_up = None
        self.dismiss()

    def dismiss(self) -> None:
        given_up, self._give_up = self._give_up, None
        super().dismiss()
        if given_up is not None:
            given_up()
