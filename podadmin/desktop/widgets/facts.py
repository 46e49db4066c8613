"""Labelled facts in two columns, and the sections they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from podadmin.desktop.theme.tokens import SIZE, SPACE, TONE_ICONS
from podadmin.desktop.widgets.banner import IconMark
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.layout import Fitting, clear, column, row, wrap
from podadmin.desktop.widgets.text import PlainLabel

if TYPE_CHECKING:
    from podadmin.app.views.facts import Fact, Section

_TOP: Final = Qt.AlignmentFlag.AlignTop
_ANY_WIDTH: Final = 16_777_215
"""QWIDGETSIZE_MAX of Qt, which Python is not told."""
_TOKENS: Final = {"info": "accent_text", "good": "good", "warn": "warn", "bad": "bad"}


class FactGrid(QWidget):
    """Label at the left, value at the right, or below it where there is little room.

    A value with a tone has the icon of that tone before it.
    """

    def __init__(self, facts: Sequence[Fact] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE.l)
        self._grid.setVerticalSpacing(SPACE.s)
        self._facts: tuple[Fact, ...] = ()
        self._lines: list[tuple[PlainLabel, PlainLabel, QWidget]] = []
        self._stacked = False
        self.set_facts(facts)

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Show these facts instead."""
        before, self._facts = self._facts, tuple(facts)
        if self._facts == before:
            return
        if [_look(fact) for fact in before] == [_look(fact) for fact in self._facts]:
            for (label, value, _), fact in zip(self._lines, self._facts, strict=True):
                _write(value, fact, label.text())
        else:
            self._draw()

    def minimumSizeHint(self) -> QSize:
        """As narrow as one column is: the other arrangement fits where this one does not."""
        hint = super().minimumSizeHint()
        hint.setWidth(min(hint.width(), SIZE.label_column))
        return hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        stacked = event.size().width() < 2 * SIZE.label_column
        if stacked != self._stacked:
            self._stacked = stacked
            self._place()

    def _draw(self) -> None:
        clear(self._grid)
        self._lines = []
        for fact in self._facts:
            label = PlainLabel(fact.label, "muted", wrap=True)
            value = PlainLabel("", "body", fact.tone, wrap=True, selectable=True, mono=fact.mono)
            _write(value, fact, label.text())
            cell: QWidget = value
            if fact.tone in _TOKENS:
                line = row(gap=SPACE.s)
                line.addWidget(IconMark(TONE_ICONS[fact.tone], _TOKENS[fact.tone], SIZE.icon_small), 0, _TOP)
                line.addWidget(value, 1, _TOP)
                cell = wrap(line)
            self._lines.append((label, value, cell))
        self._place()

    def _place(self) -> None:
        for label, _, cell in self._lines:
            self._grid.removeWidget(label)
            self._grid.removeWidget(cell)
        for old in range(self._grid.rowCount()):
            self._grid.setRowStretch(old, 0)
        self._grid.setColumnMinimumWidth(0, 0 if self._stacked else SIZE.label_column)
        self._grid.setColumnStretch(0, 1 if self._stacked else 0)
        self._grid.setColumnStretch(1, 0 if self._stacked else 1)
        step = 2 if self._stacked else 1
        for place, (label, _, cell) in enumerate(self._lines):
            label.setMinimumWidth(0 if self._stacked else SIZE.label_column)
            label.setMaximumWidth(_ANY_WIDTH if self._stacked else SIZE.label_column)
            self._grid.addWidget(label, place * step, 0, _TOP)
            below, right = (1, 0) if self._stacked else (0, 1)
            self._grid.addWidget(cell, place * step + below, right, _TOP)
        self._grid.setRowStretch(len(self._facts) * step, 1)


def _look(fact: Fact) -> tuple[str, str, bool]:
    """Facts that differ in their value alone are shown by the same labels."""
    return fact.label, fact.tone, fact.mono


def _write(value: PlainLabel, fact: Fact, label: str) -> None:
    value.setText(fact.value)
    value.setAccessibleName(f"{label}: {value.text()}")


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
