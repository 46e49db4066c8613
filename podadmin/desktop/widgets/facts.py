"""Labelled facts in two columns, and the sections they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from podadmin.desktop.theme.tokens import SIZE, SPACE, TONE_ICONS
from podadmin.desktop.widgets.banner import IconMark
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.layout import Fitting, clear, column, row
from podadmin.desktop.widgets.text import PlainLabel

if TYPE_CHECKING:
    from podadmin.app.views import Fact, Section

_TOKENS = {"info": "accent_text", "good": "good", "warn": "warn", "bad": "bad"}


class FactGrid(QWidget):
    """Label at the left, value at the right; a value with a tone has the icon of that tone before it."""

    def __init__(self, facts: Sequence[Fact] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE.l)
        self._grid.setVerticalSpacing(SPACE.s)
        self._grid.setColumnMinimumWidth(0, SIZE.label_column)
        self._grid.setColumnStretch(1, 1)
        self._facts: tuple[Fact, ...] = ()
        self.set_facts(facts)

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Show these facts instead."""
        if tuple(facts) == self._facts:
            return
        self._facts = tuple(facts)
        clear(self._grid)
        for old in range(self._grid.rowCount()):
            self._grid.setRowStretch(old, 0)
        self._grid.setRowStretch(len(self._facts), 1)
        top = Qt.AlignmentFlag.AlignTop
        for place, fact in enumerate(self._facts):
            label = PlainLabel(fact.label, "muted", wrap=True)
            label.setFixedWidth(SIZE.label_column)
            value = PlainLabel(fact.value, "body", fact.tone, wrap=True, selectable=True, mono=fact.mono)
            value.setAccessibleName(f"{label.text()}: {value.text()}")
            self._grid.addWidget(label, place, 0, top)
            if fact.tone in _TOKENS:
                mark = IconMark(TONE_ICONS[fact.tone], _TOKENS[fact.tone], SIZE.icon_small)
                line = row(gap=SPACE.s)
                line.addWidget(mark, 0, top)
                line.addWidget(value, 1, top)
                self._grid.addLayout(line, place, 1)
            else:
                self._grid.addWidget(value, place, 1, top)


class SectionCard(Card):
    """A section as a card of its own."""

    def __init__(self, section: Section, parent: QWidget | None = None) -> None:
        super().__init__(section.title, parent=parent)
        self.grid = FactGrid(section.facts)
        self.body.addWidget(self.grid)


class FactList(Fitting):
    """Sentences one below the other, each with the icon of its tone."""

    def __init__(
        self, lines: Sequence[str], tone: str = "plain", icon: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        outer = column(gap=SPACE.xs)
        for text in lines:
            mark = IconMark(icon or TONE_ICONS.get(tone, "circle-dot"), _TOKENS.get(tone, "muted"), SIZE.icon_small)
            words = PlainLabel(text, "body", wrap=True, selectable=True)
            line = row(gap=SPACE.s)
            line.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
            line.addWidget(words, 1, Qt.AlignmentFlag.AlignTop)
            outer.addLayout(line)
        self.setLayout(outer)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
