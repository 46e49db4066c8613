"""The form of a rule, with its reading and its trial beside it while it is written.

Nothing is kept by trying. Saving asks why, because a rule decides in a person's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.rules import RuleDetail, RuleFieldRow, Trial
from podadmin.core.errors import PodadminError
from podadmin.desktop.pages.rules_condition import ConditionsCard
from podadmin.desktop.pages.rules_trial import ReadingCard, TrialCard
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.form import ChoiceField, LongField, TextField
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, column, row, scrolling, wrap
from podadmin.desktop.widgets.text import PlainLabel

TRY_MS: Final = 300
"""A draft is tried once nobody has typed for so long."""
_VERDICTS: Final = (
    ("allow", "Allow: it runs without asking anybody"),
    ("refuse", "Refuse: it never runs, and its requester is told why"),
    ("hold", "Hold: a person decides, whatever else would allow it"),
    ("look", "Look: it says nothing of the request, and holds its results"),
)
_PEOPLE: Final = tuple((str(n), "One person" if n == 1 else f"{n} people, each on their own") for n in range(1, 6))


class RuleEditor(Part):
    """`tried` asks for a trial of the draft; `saved` and `left` say what a person wants."""

    tried = Signal()
    saved = Signal()
    left = Signal()

    def __init__(self, fields: tuple[RuleFieldRow, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rule: RuleDetail | None = None
        self._begun: dict[str, Any] | None = None
        self._fields = fields
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(TRY_MS)
        self._pause.timeout.connect(self.tried.emit)
        self._left, self._right, self._below = column(), column(), column(margin=SPACE.none)
        grid = CardGrid(SIZE.field)
        grid.set_cards([wrap(self._left), wrap(self._right)])
        inner = column(grid, self._below, STRETCH)
        inner.setContentsMargins(0, 0, SPACE.s, 0)
        self._bar = Card(sunken=True)
        self.setLayout(column((scrolling(inner), 1), self._bar, gap=SPACE.m))

    def build(self) -> Iterator[None]:
        """Make the cards of the form."""
        form = Card("The rule")
        self._left.addWidget(form)
        yield
        self.name = TextField("Name of the rule", placeholder="Counts for the glaucoma study")
        form.body.addWidget(self.name)
        yield
        self._verdict = ChoiceField("What it does", _VERDICTS)
        form.body.addWidget(self._verdict)
        yield
        self._message = LongField("What the requester is told", hint="The requester reads this sentence.")
        form.body.addWidget(self._message)
        yield
        self._people = ChoiceField(
            "How many people decide", _PEOPLE, hint="Each votes without seeing the others' votes."
        )
        form.body.addWidget(self._people)
        yield
        self._conditions = ConditionsCard(
            "Where all of this is so",
            [each for each in self._fields if each.of == "request"],
            "What else it asks about",
            "Add this condition",
        )
        self._left.addWidget(self._conditions)
        yield
        self._results = ConditionsCard(
            "Hold its results when one of this is so",
            [each for each in self._fields if each.of == "result"],
            "What else holds a result",
            "Add this reason",
        )
        self._left.addWidget(self._results)
        self._left.addStretch(1)
        yield
        self.reading = ReadingCard()
        self._right.addWidget(self.reading)
        self._right.addStretch(1)
        yield
        self.trial = TrialCard()
        self._below.addWidget(self.trial)
        yield
        self._problem = PlainLabel("", "small", "bad", wrap=True)
        self._short = PlainLabel("", "medium", wrap=True)
        self._short.setAccessibleName("What it would have done so far")
        self.save = PrimaryButton("Save the rule…", self.saved.emit, "check")
        leave = QuietButton("Leave without saving", self.left.emit)
        self._bar.body.addWidget(self._problem)
        self._bar.body.addLayout(row((self._short, 1), leave, self.save))
        for field in (self.name, self._verdict, self._message, self._people, self._conditions, self._results):
            field.changed.connect(self._changed)

    def begin(self, rule: RuleDetail | None, conditions: Mapping[str, str], name: str = "") -> None:
        """Start from a rule, or from nothing but some conditions."""
        self.rule = rule
        self.name.set_value(rule.row.name if rule else name)
        self._verdict.set_value(rule.row.verdict if rule else "allow")
        self._message.set_value(rule.message if rule else "")
        self._people.set_value(str(rule.reviewers if rule else 1))
        self._conditions.begin(rule.conditions if rule else conditions)
        self._results.begin(rule.results if rule else {})
        self._begun = self.arguments()
        self._wait("")
        self._changed()

    def arguments(self) -> dict[str, Any]:
        """The draft as the acts take it."""
        verdict = self._verdict.value()
        given: dict[str, Any] = {
            "name": self.name.value(),
            "verdict": verdict,
            "condition": self._conditions.texts(),
            "message": self._message.value() if verdict == "refuse" else "",
        }
        results = self._results.texts()
        if results and verdict != "refuse":
            given["results"] = results
        if verdict == "hold":
            given["reviewers"] = int(self._people.value())
        return given

    def left_out(self) -> dict[str, list[str]]:
        """The fields that the draft asks nothing of, as the acts take them for a rule that there is."""
        kept = self.arguments().get("results", {})
        before = self.rule.results if self.rule is not None else {}
        return {
            "without": self._conditions.left_out(),
            "without_results": [each for each in before if each not in kept],
        }

    def show_trial(self, trial: Trial) -> None:
        """Show what came of a trial of this draft."""
        self._tell("", trial.words)
        self.reading.show_rule(trial.lead, trial.lines, trial.cautions, trial.result_lines)
        self.trial.show_trial(trial)
        self._permit("")

    def show_problem(self, error: PodadminError) -> None:
        """Say why the draft is no rule yet."""
        self._wait(f"{error.why} {error.next_step}")
        self._permit(error.why)

    @property
    def touched(self) -> bool:
        """Has anything been written that would be lost?"""
        return self._begun is not None and self.arguments() != self._begun

    def try_again(self) -> None:
        """The draft is in front again; what it would have done may have changed meanwhile."""
        self._changed()

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
        self._results.setVisible(verdict != "refuse")
        self.save.set_permit(False, "It is being tried.")
        self._pause.start()
