"""One rule in full: what it says and does not say, and every version that it had."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.rules import RuleDetail, RuleVersion
from podadmin.desktop.pages.rules_trial import VERDICTS, ReadingCard
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.buttons import DangerButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactList
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.words import precise, when

STATES = {"on": BadgeSpec("good", "On", "check"), "off": BadgeSpec("plain", "Off", "circle-minus")}


class RuleDetailView(QWidget):
    """Signals say what a person wants: `edit`, `switch` (on or off), `remove`."""

    edit = Signal()
    switch = Signal()
    remove = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.detail: RuleDetail | None = None
        self._name = ElidedLabel("", "heading")
        self._about = PlainLabel("", "muted", wrap=True)
        self._verdict = Badge(BadgeSpec("plain", ""))
        self._state = Badge(BadgeSpec("plain", ""))
        self._edit = QuietButton("Change…", self.edit.emit, "settings")
        self._switch = QuietButton("Switch off…", self.switch.emit, "pause")
        self._remove = DangerButton("Remove…", self.remove.emit, "trash-2")
        self.reading = ReadingCard()
        self._history = column(gap=SPACE.m)
        history = Card("History: who changed what, and why")
        history.body.addLayout(self._history)
        words = column(self._name, self._about, gap=SPACE.hair)
        self.setLayout(
            column(
                row((words, 1), self._verdict, self._state),
                row(self._edit, self._switch, STRETCH, self._remove),
                self.reading,
                history,
                STRETCH,
            )
        )

    def show_detail(self, detail: RuleDetail) -> None:
        """Show a rule."""
        self.detail = detail
        shown = detail.row
        self._name.setText(shown.name)
        self._about.setText(f"Version {shown.version}, {when(shown.changed_at)}, by {shown.changed_by}")
        self._verdict.set(VERDICTS[shown.verdict])
        self._state.set(STATES[shown.state])
        on = shown.state == "on"
        self._switch.set_words("Switch off…" if on else "Switch on…")
        self._switch.set_icon("pause" if on else "play")
        ways = []
        if shown.verdict == "refuse":
            ways.append(Fact("The requester is told", detail.message))
        if detail.reviewers > 1:
            ways.append(Fact("Who decides", f"{detail.reviewers} people, each on their own; all have to agree."))
        self.reading.show_rule(detail.lead, detail.lines, detail.cautions, detail.result_lines, ways)
        clear(self._history)
        for version in detail.versions:
            self._history.addWidget(_version(version))


def _version(version: RuleVersion) -> Card:
    card = Card(sunken=True)
    title = PlainLabel(f"Version {version.version}", "medium")
    at = PlainLabel(f"{when(version.at)}, by {version.by}", "muted")
    at.set_tip(precise(version.at))
    card.body.addLayout(row(title, at, STRETCH))
    card.body.addWidget(PlainLabel(f"Because: {version.reason}", "body", wrap=True, selectable=True))
    card.body.addWidget(FactList(version.changes or ("Nothing changed.",), icon="arrow-right"))
    return card
