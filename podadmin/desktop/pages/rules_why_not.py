"""Why a request is not allowed by itself: the smallest changes that were tried and would do, on each side."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.rules import WhyNotView
from podadmin.desktop.slices import at_once
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.buttons import GhostButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactList
from podadmin.desktop.widgets.layout import CardGrid, clear, column
from podadmin.desktop.widgets.text import PlainLabel

_SIDES = {"request": "If the request were otherwise", "rule": "If a rule were otherwise"}


class WhyNotCard(Card):
    """`rule_wanted(request)`: a person wants to make a rule for this request."""

    rule_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._request = ""
        self._make = GhostButton("Make a rule for this…", lambda: self.rule_wanted.emit(self._request), "plus")
        super().__init__("Why it is not allowed by itself", action=self._make, parent=parent)
        self._lead = PlainLabel("", "muted", wrap=True)
        self._holder = column(gap=SPACE.m)
        self.body.addWidget(self._lead)
        self.body.addLayout(self._holder)
        self.body.addStretch(1)
        self.setVisible(False)

    def show_why(self, found: WhyNotView | None) -> None:
        """Show why; nothing where it is allowed, or nothing can be said."""
        at_once(self.show_in_turns(found))

    def show_in_turns(self, found: WhyNotView | None) -> Iterator[None]:
        """The same part by part."""
        if found is None or found.allowed:
            self.setVisible(False)
            return
        self._request = found.request
        self._make.setVisible(bool(found.new_rule))
        clear(self._holder)
        parts = [("What no rule can change", found.blockers, "ban")] if found.blockers else []
        parts += [(_SIDES[way.side], way.words, "arrow-right") for way in found.ways]
        if found.new_rule_says:
            parts.append(("Or a new rule, for exactly this", found.new_rule_says, "plus"))
        self._lead.setText(_lead(found))
        grid = CardGrid(SIZE.search)
        self._holder.addWidget(grid)
        self.setVisible(True)
        yield
        yield from grid.fill((_part(*each) for each in parts), len(parts))


def _lead(found: WhyNotView) -> str:
    if found.ways or found.new_rule:
        return "Each of these was applied and decided again: after all of the changes under one heading, it is allowed."
    return "No change of a rule or of the request was found after which it would be allowed. A person decides it."


def _part(title: str, lines: tuple[str, ...], icon: str) -> Card:
    card = Card(sunken=True)
    card.body.addWidget(PlainLabel(title, "medium"))
    card.body.addWidget(FactList(lines, icon=icon))
    card.body.addStretch(1)
    return card
