"""Approving with a grant: how many runs, until when, how many inferences, and which pins may vary.

The sheet's own approve button is armed like every other: it waits until the sheet has been on screen for a while, and
starts again whenever a term changes, because then it means something else.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.requests import RequestDetail
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import ArmedButton, QuietButton
from podadmin.desktop.widgets.form import CheckField, TextField
from podadmin.desktop.widgets.layout import column, row, wrap
from podadmin.desktop.widgets.prompt import Sheet
from podadmin.desktop.widgets.text import PlainLabel

CONFIRM: Final = "Approve and make the grant"
RUNS, DAYS, INFERENCES, NOTE = "Runs to come", "Lasts for days", "Most inferences in all", "Note for the journal"
PINS: Final = {
    "model_version": "Another version of the model",
    "columns": "Other columns",
    "model_hash": "Another model behind the same name",
    "switches": "Other switches outside the seal",
}
"""What can be let vary here, in the words of a person; the rest can be let vary later, on the grant itself."""


class GrantSheet(Sheet):
    """`agreed` carries the request's id and the terms as the act takes them."""

    agreed = Signal(str, dict)

    def __init__(self, host: QWidget, detail: RequestDetail, late: bool) -> None:
        now = "" if late else "This request goes to the pod now. "
        super().__init__(
            host,
            "Approve with a grant",
            f"{now}The same request is let through again without asking you, as often as you say here. A request in "
            "which anything else has changed is not, and voids the grant.",
        )
        self._request = detail.row.id
        self.runs = TextField(RUNS, "1", hint="Of the same request.")
        self.days = TextField(DAYS, f"{detail.grant_days:g}", hint="Counted from now.")
        self.inferences = TextField(INFERENCES, "", hint="Empty: the network's limits only.")
        self.note = TextField(NOTE, hint="Only you and your colleagues read it.")
        self.vary = {name: CheckField(words) for name, words in PINS.items()}
        self.confirm = ArmedButton(CONFIRM, self._confirm, "shield-check")
        self.body.addLayout(row((self.runs, 1), (self.days, 1), gap=SPACE.m))
        self.body.addLayout(row((self.inferences, 1), (self.note, 1), gap=SPACE.m))
        for field in (self.runs, self.days, self.inferences, self.note):
            field.changed.connect(self._check)
        self.body.addWidget(PlainLabel("May differ from what you have seen", "label"))
        self.body.addWidget(wrap(column(*self.vary.values(), gap=SPACE.xs)))
        for box in self.vary.values():
            box.changed.connect(self._check)
        self.buttons_row.addWidget(QuietButton("Cancel", self.dismiss))
        self.buttons_row.addWidget(self.confirm)
        self._check()

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self.runs.line)

    def terms(self) -> dict[str, object] | None:
        """What was entered, as the act takes it; None where it cannot be understood."""
        try:
            runs, days = int(self.runs.value()), float(self.days.value().replace(",", "."))
            inferences = float(self.inferences.value().replace(",", ".") or 0)
        except ValueError:
            return None
        if runs < 1 or not 0 < days < float("inf") or not 0 <= inferences < float("inf"):
            return None
        vary = [name for name, box in self.vary.items() if box.value()]
        note = self.note.value().strip()
        return {"runs": runs, "days": days, "inferences": inferences, "vary": vary, "note": note}

    def _check(self) -> None:
        allowed = self.terms() is not None
        self.confirm.set_permit(allowed, "Give a whole number of runs from 1, and days and inferences above 0.")
        self.confirm.rearm()

    def _confirm(self) -> None:
        terms = self.terms()
        if terms is not None:
            self.dismiss()
            self.agreed.emit(self._request, terms)
