"""The form of a rule, with its reading and its trial beside it while it is written.

Nothing is kept by trying. Saving asks why, because a rule decides in a person's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.rules import RuleDetail, RuleFieldRow, Trial
from podadmin.core.errors import PodadminError
from podadmin.desktop.pages.rules_condition import ConditionCard
from podadmin.desktop.pages.rules_trial import ReadingCard, TrialCard
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.form import ChoiceField, LongField, TextField
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, clear, column, row, scrolling, wrap
from podadmin.desktop.widgets.text import PlainLabel

TRY_MS: Final = 300
"""A draft is tried once nobody has typed for so long."""
_VERDICTS: Final = (
    ("allow", "Allow: it runs without asking anybody"),
    ("refuse", "Refuse: it never runs, and its requester is told why"),
    ("hold", "Hold: a person decides, whatever else would allow it"),
)
_PEOPLE: Final = tuple((str(n), "One person" if n == 1 else f"{n} people, each on their own") for n in range(1, 6))


class RuleEditor(QWidget):
    """`tried` asks for a trial of the draft; `saved` and `left` say what a person wants."""

    tried = Signal()
    saved = Signal()
    left = Signal()

    def __init__(self, fields: tuple[RuleFieldRow, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields = {each.name: each for each in fields}
        self._cards: dict[str, ConditionCard] = {}
        self.rule: RuleDetail | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(TRY_MS)
        self._pause.timeout.connect(self.tried.emit)
        self.name = TextField("Name of the rule", placeholder="Counts for the glaucoma study")
        self._verdict = ChoiceField("What it does", _VERDICTS)
        self._message = LongField("What the requester is told", hint="The requester reads this sentence.")
        self._people = ChoiceField(
            "How many people decide", _PEOPLE, hint="Each votes without seeing the others' votes."
        )
        self._holder = column(gap=SPACE.s)
        self._add = ChoiceField("What else it asks about", ())
        self._add_row = wrap(row((self._add, 1), QuietButton("Add this condition", self._add_picked, "plus")))
        self._problem = PlainLabel("", "small", "bad", wrap=True)
        self.save = PrimaryButton("Save the rule…", self.saved.emit, "check")
        leave = QuietButton("Leave without saving", self.left.emit)
        self.reading = ReadingCard()
        self.trial = TrialCard()
        form = Card("The rule")
        for each in (self.name, self._verdict, self._message, self._people):
            form.body.addWidget(each)
        conditions = Card("Where all of this is so")
        conditions.body.addLayout(self._holder)
        conditions.body.addWidget(self._add_row)
        left = wrap(column(form, conditions, STRETCH))
        right = wrap(column(self.reading, STRETCH))
        grid = CardGrid(SIZE.field)
        grid.set_cards([left, right])
        inner = column(grid, self.trial, STRETCH)
        inner.setContentsMargins(0, 0, SPACE.s, 0)
        self._short = PlainLabel("", "medium", wrap=True)
        self._short.setAccessibleName("What it would have done so far")
        bar = Card(sunken=True)
        bar.body.addWidget(self._problem)
        bar.body.addLayout(row((self._short, 1), leave, self.save))
        self.setLayout(column((scrolling(inner), 1), bar, gap=SPACE.m))
        for field in (self.name, self._verdict, self._message, self._people):
            field.changed.connect(self._changed)

    def begin(self, rule: RuleDetail | None, conditions: Mapping[str, str], name: str = "") -> None:
        """Start from a rule, or from nothing but some conditions."""
        self.rule = rule
        self.name.set_value(rule.row.name if rule else name)
        self._verdict.set_value(rule.row.verdict if rule else "allow")
        self._message.set_value(rule.message if rule else "")
        self._people.set_value(str(rule.reviewers if rule else 1))
        self._cards = {}
        clear(self._holder)
        for field, text in (rule.conditions if rule else conditions).items():
            if field in self._fields:
                self._put(field, text)
        self._fill_add()
        self._wait("")
        self._changed()
        self.name.line.setFocus()

    def arguments(self) -> dict[str, Any]:
        """The draft as the acts take it."""
        verdict = self._verdict.value()
        given: dict[str, Any] = {
            "name": self.name.value(),
            "verdict": verdict,
            "condition": {name: card.text for name, card in self._cards.items()},
            "message": self._message.value() if verdict == "refuse" else "",
        }
        if verdict == "hold":
            given["reviewers"] = int(self._people.value())
        return given

    def left_out(self) -> list[str]:
        """The fields that the draft asks nothing of."""
        return [name for name in self._fields if name not in self._cards]

    def show_trial(self, trial: Trial) -> None:
        """Show what came of a trial of this draft."""
        self._tell("", trial.words)
        self.reading.show_rule(trial.lead, trial.lines, trial.cautions)
        self.trial.show_trial(trial)
        self._permit("")

    def show_problem(self, error: PodadminError) -> None:
        """Say why the draft is no rule yet."""
        self._wait(f"{error.why} {error.next_step}")
        self._permit(error.why)

    def stop(self) -> None:
        """Nothing of this draft is wanted any more."""
        self._pause.stop()

    def _wait(self, problem: str) -> None:
        """There is no rule yet: nothing to read, nothing to try."""
        self._tell(problem, "")
        self.reading.show_waiting()
        self.trial.show_waiting()

    def _tell(self, problem: str, words: str) -> None:
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self._short.setText(words)

    def _permit(self, problem: str) -> None:
        if not self.name.value().strip():
            problem = "Give the rule a name first."
        elif self._verdict.value() == "refuse" and not self._message.value().strip():
            problem = "Write first what the requester is told."
        self.save.set_permit(not problem, problem)

    def _changed(self) -> None:
        verdict = self._verdict.value()
        self._message.setVisible(verdict == "refuse")
        self._people.setVisible(verdict == "hold")
        self.save.set_permit(False, "It is being tried.")
        self._pause.start()

    def _add_picked(self) -> None:
        field = self._add.value()
        if not field:
            return
        card = self._put(field, "")
        self._fill_add()
        self._changed()
        card.focus()

    def _put(self, field: str, text: str) -> ConditionCard:
        card = ConditionCard(self._fields[field], text)
        card.changed.connect(self._changed)
        card.dropped.connect(self._drop)
        self._cards[field] = card
        order = [name for name in self._fields if name in self._cards]
        self._holder.insertWidget(order.index(field), card)
        return card

    def _drop(self, field: str) -> None:
        card = self._cards.pop(field)
        self._holder.removeWidget(card)
        card.hide()
        card.deleteLater()
        self._fill_add()
        self._changed()
        self._add.choice.setFocus()

    def _fill_add(self) -> None:
        combo = self._add.choice
        combo.blockSignals(True)
        combo.clear()
        for name in self.left_out():
            combo.addItem(self._fields[name].label, name)
        combo.blockSignals(False)
        self._add_row.setVisible(combo.count() > 0)
