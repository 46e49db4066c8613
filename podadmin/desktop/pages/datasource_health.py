"""How a datasource stands, in the sentinel's words: what broke, since when, who can fix it, and the last look at it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import DatasourceCard, HealthRow, HealthView
from podadmin.app.views.facts import Fact
from podadmin.core.clock import Clock
from podadmin.desktop.pages.datasource_cards import health_badge
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import Badge
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import ChoiceField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.words import ago, when

EVERY: Final = "All datasources are looked at"
_OFFERED: Final = (
    ("0", "Never by themselves"),
    ("5", "Every 5 minutes"),
    ("15", "Every 15 minutes"),
    ("60", "Every hour"),
    ("360", "Every 6 hours"),
    ("1440", "Once a day"),
)
_HINT: Final = "A look reads next to nothing. It happens while the gate is on."


class HealthCard(Card):
    """`look_wanted`: a short look now. `check_wanted`: all of it is read. `schedule_wanted(minutes)`: how often."""

    look_wanted = Signal()
    check_wanted = Signal()
    schedule_wanted = Signal(int)

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__("Health", parent=parent)
        self._clock = clock
        self._every = ""
        self._badge = column()
        self._facts = FactGrid()
        self.job = JobBar()
        self._look = QuietButton("Look now", self.look_wanted.emit, "eye")
        self._look.set_help("A short look at it: is it there, may it be read. It reads next to nothing.")
        self._check = QuietButton("Check", self.check_wanted.emit, "refresh-cw")
        self._check.set_help("Looks at all of it once: can it be read, how much there is, what cannot be used.")
        self.every = ChoiceField(EVERY, _OFFERED, hint=_HINT)
        self.every.changed.connect(self._settle)
        self._set = QuietButton("Set it", self._on_set, "check", "Set how often all datasources are looked at")
        self.body.setSpacing(SPACE.m)
        self.body.addLayout(self._badge)
        self.body.addWidget(self._facts)
        self.body.addLayout(row(self._look, self._check, STRETCH))
        self.body.addWidget(self.job)
        self.body.addStretch(1)
        self.body.addLayout(row((self.every, 1), self._set))

    def show_source(self, source: DatasourceCard, view: HealthView | None) -> None:
        """Show how a datasource stands; `view` comes a moment after its card."""
        clear(self._badge)
        self._badge.addLayout(row(Badge(health_badge(source)), STRETCH))
        found = next((each for each in view.rows if each.id == source.id), None) if view is not None else None
        self._facts.set_facts(self._told(source, found))
        if view is not None:
            self._show_schedule(str(view.every_minutes), view.schedule_words)

    def set_busy(self, reason: str) -> None:
        """Its acts wait for one that runs; none where `reason` is empty."""
        for button in (self._look, self._check):
            button.set_permit(not reason, reason)

    def _told(self, source: DatasourceCard, found: HealthRow | None) -> tuple[Fact, ...]:
        now = self._clock.now()
        broken = source.health == "broken"
        words = source.health_words if not broken and source.health_words != health_badge(source).word else ""
        looked = found.looked_at if found is not None else None
        facts = (
            Fact("What broke", source.cause if broken else "", "bad"),
            Fact("Why", source.health_words if broken else ""),
            Fact("What to do", found.next_step if broken and found is not None else ""),
            Fact("Who can fix it", source.who_can_fix if broken else ""),
            Fact("Its code at Bitfount", source.field_code if broken else "", mono=True),
            Fact("How it stands", words),
            Fact("Since", when(source.health_since) if source.health_since is not None else ""),
            Fact("Last looked at", ago(looked, now) if found is not None else ""),
            Fact("Last checked", ago(source.checked_at, now)),
        )
        return tuple(fact for fact in facts if fact.value)

    def _show_schedule(self, every: str, words: str) -> None:
        if every == self._every:
            return
        self._every = every
        if self.every.choice.findData(every) < 0:
            self.every.choice.addItem(words, every)
        self.every.set_value(every)
        self._settle()

    def _settle(self) -> None:
        self._set.set_permit(self.every.value() != self._every, "It is set so already.")

    def _on_set(self) -> None:
        self.schedule_wanted.emit(int(self.every.value()))
