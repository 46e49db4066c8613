"""A draft of a rule beside its form: what it says in plain words, and what it would have decided so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.rules import FlipRow, RuleLine, Trial
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.layout import clear, column
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import precise, when

VERDICTS: Final = {
    "allow": BadgeSpec("good", "Allows", "check"),
    "refuse": BadgeSpec("bad", "Refuses", "ban"),
    "hold": BadgeSpec("warn", "Holds", "hourglass"),
    "look": BadgeSpec("info", "Looks", "eye"),
}
UNREAD: Final = (
    "Once the rule is whole, it is read back here in plain words: what it asks about, and what it leaves open."
)
UNTRIED: Final = "It is tried as soon as it is a whole rule."
_DECIDED: Final = {"allow": "You approved it", "refuse": "You refused it", "": "Nobody decided"}
_WAS: Final = {"allow": "allowed", "refuse": "refused", "hold": "held"}


class ReadingCard(Card):
    """A rule in plain words: what it asks, and what it does not ask."""

    def __init__(self, title: str = "What the rule says", parent: QWidget | None = None) -> None:
        super().__init__(title, parent=parent)
        self._lead = PlainLabel("", "medium", wrap=True)
        self._asked = FactGrid()
        self._ways = FactGrid()
        self._held_lead = PlainLabel("Its results are held until you have seen them, when one of this is so:", "medium")
        self._held = FactGrid()
        self._cautions = column(gap=SPACE.s)
        self._rest = PlainLabel("", "muted", wrap=True)
        self.body.addWidget(self._lead)
        self.body.addWidget(self._asked)
        self.body.addWidget(self._ways)
        self.body.addWidget(self._held_lead)
        self.body.addWidget(self._held)
        self.body.addLayout(self._cautions)
        self.body.addWidget(self._rest)
        self.body.addStretch(1)

    def show_waiting(self) -> None:
        """There is no rule to read yet."""
        self._lead.setVisible(False)
        self._asked.setVisible(False)
        self._show_ways(())
        self._show_held(())
        clear(self._cautions)
        self._rest.setText(UNREAD)
        self._rest.setVisible(True)

    def show_rule(
        self,
        lead: str,
        lines: Sequence[RuleLine],
        cautions: Sequence[str],
        held: Sequence[RuleLine] = (),
        ways: Sequence[Fact] = (),
    ) -> None:
        """Show a reading. `held`: what holds its results; `ways`: how it does what it does."""
        self._show_held(held)
        self._lead.setText(lead)
        self._lead.setVisible(True)
        self._asked.setVisible(True)
        asked = [Fact(line.label, line.words) for line in lines if line.asked]
        self._asked.set_facts(asked or [Fact("Asks", "Nothing: it speaks about every request.", "warn")])
        self._show_ways(ways)
        clear(self._cautions)
        for each in cautions:
            self._cautions.addWidget(Banner("warn", each))
        rest = " ".join(line.words for line in lines if not line.asked)
        self._rest.setText(f"Everything else is left open: {rest}" if rest else "")
        self._rest.setVisible(bool(rest))

    def _show_ways(self, ways: Sequence[Fact]) -> None:
        self._ways.set_facts(ways)
        self._ways.setVisible(bool(ways))

    def _show_held(self, held: Sequence[RuleLine]) -> None:
        self._held.set_facts([Fact(line.label, line.words) for line in held])
        for each in (self._held_lead, self._held):
            each.setVisible(bool(held))


class TrialCard(Card):
    """What a draft would have decided of what has come so far; each request can be opened."""

    request_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Tried on what has come so far", parent=parent)
        self._words = PlainLabel("", "medium", wrap=True)
        self._words.setAccessibleName("Result of the trial")
        self._against = Banner("bad", "")
        self.flips = RowTable(
            "Requests that would be decided otherwise",
            [
                Column("Would be", _now, "badge", width=12),
                Column("Was", lambda flip: _WAS[flip.was], width=9),
                Column("Requester", lambda flip: flip.requester),
                Column("Task", lambda flip: flip.task, stretch=2),
                Column("A person", lambda flip: _DECIDED[flip.decided], width=16, spare=True),
                Column(
                    "Came", lambda f: when(f.received_at), width=18, tip=lambda f: precise(f.received_at), spare=True
                ),
            ],
            row_key=lambda flip: flip.request,
            fits=True,
        )
        self.flips.opened.connect(lambda flip: self.request_wanted.emit(flip.request))
        self._more = PlainLabel("", "small", wrap=True)
        for each in (self._words, self._against, self.flips, self._more):
            self.body.addWidget(each)
        self.body.addStretch(1)
        self.show_waiting()

    def show_waiting(self) -> None:
        """There is nothing to try yet."""
        self._show(UNTRIED, 0, (), 0)

    def show_trial(self, trial: Trial) -> None:
        """Show what came of a trial."""
        flipped = trial.to_allow + trial.to_refuse + trial.to_hold
        self._show(trial.words, trial.against, trial.flips, flipped - len(trial.flips))

    def _show(self, words: str, against: int, flips: Sequence[FlipRow], more: int) -> None:
        self._words.setText(words)
        self._against.set("bad", f"{against:,} of them would go against what a person decided then.")
        self._against.setVisible(bool(against))
        self.flips.set_rows(flips)
        self.flips.setVisible(bool(flips))
        self._more.setText(f"The newest {len(flips):,} are shown; {more:,} more would be decided otherwise.")
        self._more.setVisible(more > 0)


def _now(flip: FlipRow) -> BadgeSpec:
    tone, word, icon = {
        "allow": ("good", "Allowed", "check"),
        "refuse": ("bad", "Refused", "ban"),
        "hold": ("warn", "Held", "hourglass"),
    }[flip.now]
    return BadgeSpec(tone, word, icon)
