"""What publishing a schema would tell the world: the gravest first, labels shown as what they are, which is data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import Revelation
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import GhostButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.words import amount, count

_ORDER: Final = {"bad": 0, "warn": 1}
_BADGES: Final = {
    "bad": BadgeSpec("bad", "Points at people", "octagon-x"),
    "warn": BadgeSpec("warn", "Look closely"),
}
_BLOCKS: Final = 12
_A_TURN: Final = 2
_TURN_MS: Final = 10
"""Blocks that are made at a time, and how long the window has for everything else between two times."""
_VALUES: Final = 24
_PAGE: Final = 100
_ROWS_SEEN: Final = 12


def marked(reveals: Sequence[Revelation]) -> tuple[Revelation, ...]:
    """Those that must be looked at before the schema is published, the gravest first."""
    return tuple(sorted((each for each in reveals if each.tone in _ORDER), key=lambda each: _ORDER[each.tone]))


def headline(reveals: Sequence[Revelation]) -> tuple[str, str, str]:
    """(tone, title, words) about all of them."""
    bad = sum(each.tone == "bad" for each in reveals)
    warn = sum(each.tone == "warn" for each in reveals)
    if bad:
        which = count(bad, "column would publish values", "columns would publish values")
        ignore = "Ignore it, or take its type back," if bad == 1 else "Ignore them, or take their types back,"
        return (
            "bad",
            f"{which} that point at people",
            f"{ignore} unless you are sure that these values may be known to everybody.",
        )
    if warn:
        which = count(warn, "thing needs a closer look", "things need a closer look")
        return "warn", which, "Nothing here looks like an identifier that would be published. Read what is marked."
    return "good", "Nothing in it points at a person", "No identifier and no small category was found in what is told."


def values_line(values: Sequence[str]) -> str:
    """The values, as many as can be read, and how many more there are."""
    shown = "  ·  ".join(values[:_VALUES])
    rest = len(values) - _VALUES
    return f"{shown}  and {amount(rest)} more" if rest > 0 else shown


class RevealsView(QWidget):
    """A headline, a block for everything that is marked, and a table of all the rest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reveals: tuple[Revelation, ...] = ()
        self._plain: list[Revelation] = []
        self._all = False
        self._head = column(gap=SPACE.s)
        self._blocks = Card("Look at these first")
        self._list = column(gap=SPACE.m)
        self._more = GhostButton("Show all of them", self._show_all)
        self._waiting: list[Revelation] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_TURN_MS)
        self._soon.timeout.connect(self._grow)
        self._blocks.body.addLayout(self._list)
        self._blocks.body.addLayout(row(self._more, STRETCH))
        self.table = RowTable(
            "What the schema reveals",
            [
                Column("About", lambda each: each.column or "the whole schema", stretch=2),
                Column("What is told", lambda each: each.what, stretch=3),
                Column(
                    "Values from the data",
                    lambda each: ", ".join(each.values[:_VALUES]),
                    stretch=3,
                    tip=lambda each: values_line(each.values),
                ),
            ],
            row_key=lambda each: f"{each.column}\n{each.what}",
        )
        self.table.more_wanted.connect(self._next_page)
        rest = Card("Everything else that is told", flush=True)
        rest.body.addWidget(self.table)
        self._rest = rest
        self.setLayout(column(self._head, self._blocks, rest, STRETCH))

    def show_reveals(self, reveals: Sequence[Revelation]) -> None:
        """Show what a schema reveals."""
        self._reveals = tuple(reveals)
        self._all = False
        clear(self._head)
        tone, title, words = headline(reveals)
        self._head.addWidget(Banner(tone, words, title=title))
        self._plain = [each for each in reveals if each.tone not in _ORDER]
        line = self.table.verticalHeader().defaultSectionSize()
        self.table.setFixedHeight((min(max(len(self._plain), 1), _ROWS_SEEN) + 1) * line + SPACE.m)
        self.table.set_rows(self._plain[:_PAGE], len(self._plain) > _PAGE)
        self._rest.setVisible(bool(self._plain))
        self._draw()

    def _next_page(self) -> None:
        have = len(self.table.rows())
        self.table.add_rows(self._plain[have : have + _PAGE], len(self._plain) > have + _PAGE)

    def _show_all(self) -> None:
        self._all = True
        self._draw()

    def _draw(self) -> None:
        clear(self._list)
        found = marked(self._reveals)
        self._waiting = list(found if self._all else found[:_BLOCKS])
        self._soon.start()
        self._blocks.setVisible(bool(found))
        self._more.set_words(f"Show all {amount(len(found))}")
        self._more.setVisible(len(found) > _BLOCKS and not self._all)

    def _grow(self) -> None:
        """A few more blocks: all at once they would be felt."""
        for each in self._waiting[:_A_TURN]:
            self._list.addWidget(_block(each))
        del self._waiting[:_A_TURN]
        if self._waiting:
            self._soon.start()


def _block(reveal: Revelation) -> QWidget:
    card = Card(sunken=True)
    card.body.setSpacing(SPACE.xs)
    name = ElidedLabel(reveal.column or "The whole schema", "strong")
    card.body.addLayout(row((name, 1), Badge(_BADGES[reveal.tone])))
    card.body.addWidget(PlainLabel(reveal.what, "body", wrap=True, selectable=True))
    if reveal.values:
        card.body.addWidget(PlainLabel("Values from the data:", "small"))
        values = PlainLabel(values_line(reveal.values), "body", wrap=True, selectable=True, mono=True)
        card.body.addWidget(values)
    return card
