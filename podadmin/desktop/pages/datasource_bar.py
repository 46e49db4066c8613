"""The bar at the bottom of the wizard: leave, back, and the main act; whether to leave is asked in its place."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import DangerButton, GhostButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.layout import STRETCH, column, row, wrap
from podadmin.desktop.widgets.text import PlainLabel

LEAVE: Final = "Leave the wizard"
STAY: Final = "Stay here"
FORGET: Final = "Leave and forget it"
_SAVING: Final = "It is being saved."


class WizardBar(QWidget):
    """`forget` comes when it is left for good."""

    forward = Signal()
    backward = Signal()
    leave = Signal()
    forget = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._leave = GhostButton(LEAVE, self.leave.emit, "x")
        self._back = QuietButton("Back", self.backward.emit, "arrow-left")
        self._next = PrimaryButton("Continue", self.forward.emit)
        self._bar = wrap(row(self._leave, STRETCH, self._back, self._next))
        question = PlainLabel("What you have entered here is saved nowhere and would be lost.", "medium", "warn")
        self._stay = QuietButton(STAY, self.stay)
        self._question = wrap(row(question, STRETCH, self._stay, DangerButton(FORGET, self.forget.emit)))
        self._question.setVisible(False)
        self.setLayout(column(self._bar, self._question, gap=SPACE.none))

    @property
    def asking(self) -> bool:
        """Is it asked whether to leave?"""
        return self._question.isVisible()

    def ask(self) -> None:
        """Ask whether to leave, since something would be lost."""
        self._bar.setVisible(False)
        self._question.setVisible(True)
        self._stay.setFocus()

    def stay(self) -> None:
        """Nothing is asked, or it was answered."""
        self._question.setVisible(False)
        self._bar.setVisible(True)

    def focus(self) -> None:
        """Put the keyboard on the main act, or on the way back where that cannot be done."""
        (self._next if self._next.isEnabled() and self._next.isVisible() else self._back).setFocus()

    def settle(self, words: str, reason: str, *, first: bool, passing: bool, saving: bool) -> None:
        """How the buttons stand. `reason`: why the main act cannot be done. `passing`: the step goes on by itself."""
        self._back.setVisible(not first)
        for button in (self._back, self._leave):
            button.set_permit(not saving, _SAVING)
        self._next.set_words(words)
        self._next.setVisible(not passing)
        self._next.set_permit(not reason, reason)
