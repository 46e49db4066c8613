"""The columns step: for each column what was found, and what the custodian decides about it.

A page of columns is drawn at a time with one set of editors that is used again, so that a file with a thousand
columns costs no more than one with twenty-five. What was chosen is kept as values, not in the editors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from podadmin.app.views.datasources import ColumnView
from podadmin.core.text import stranger
from podadmin.desktop.pages.datasource_draft import AS_FOUND, TYPES, Choice
from podadmin.desktop.pages.datasource_save import NameCard
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets import form
from podadmin.desktop.widgets.buttons import IconButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.form import CheckBox, SearchEdit
from podadmin.desktop.widgets.layout import STRETCH, column, row
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.words import amount

AT_ONCE: Final = 25
"""Columns that are drawn at a time."""
_A_TURN: Final = 2
"""Lines that are made in one turn of the event loop."""
_TITLES: Final = ("Column", "Found", "Never read", "Type", "Description")
_STRETCH: Final = (3, 2, 0, 0, 4)


def warning_of(found: ColumnView, choice: Choice) -> str:
    """What should be thought about before a column is published so; empty where nothing speaks against it."""
    if choice.ignored or not found.warning:
        return ""
    stype = choice.force or found.stype
    if stype == "categorical":
        return f"{found.warning} As a categorical column, every value in it becomes part of the schema."
    return f"{found.warning} Its values stay here, its name is published. Ignore it if no task needs it."


class _Editors:
    """The editors of one line, used for whichever column stands there."""

    def __init__(self, owner: ColumnsStep, grid: QGridLayout, line: int) -> None:
        self._owner = owner
        self.column: ColumnView | None = None
        self._filling = False
        self.name = ElidedLabel("", "medium")
        self.found = ElidedLabel("", "muted")
        self.ignore = CheckBox("Ignore")
        self.type = form.Choice("Type", TYPES)
        self.description = QLineEdit()
        self.description.setPlaceholderText("What it holds, for those who will use it")
        self.warning = PlainLabel("", "small", "warn", wrap=True)
        middle = Qt.AlignmentFlag.AlignVCenter
        for place, widget in enumerate((self.name, self.found, self.ignore, self.type, self.description)):
            grid.addWidget(widget, 2 * line, place, middle)
            widget.ensurePolished()
        grid.addWidget(self.warning, 2 * line + 1, 0, 1, len(_TITLES))
        self.ignore.toggled.connect(lambda _: self._changed())
        self.type.currentIndexChanged.connect(lambda _: self._changed())
        self.description.textEdited.connect(lambda _: self._changed())

    def show(self, column: ColumnView | None, choice: Choice) -> None:
        """Stand for this column; for none, be gone."""
        self.column = column
        for widget in (self.name, self.found, self.ignore, self.type, self.description):
            widget.setVisible(column is not None)
        self.warning.setVisible(False)
        if column is None:
            return
        self._filling = True
        shown = stranger(column.name, 80)
        self.name.setText(column.name)
        self.found.setText(f"{column.stype}, {column.dtype}")
        self.ignore.setAccessibleName(f"Ignore {shown}")
        self.type.setAccessibleName(f"Type of {shown}")
        self.description.setAccessibleName(f"Describe {shown}")
        self.ignore.setChecked(choice.ignored)
        self.type.set_value(choice.force)
        self.description.setText(choice.description)
        self._filling = False
        self._settle(choice)

    def _changed(self) -> None:
        if self._filling or self.column is None:
            return
        choice = Choice(self.ignore.isChecked(), self.type.value(), self.description.text().strip())
        self._owner.choose(self.column.name, choice)
        self._settle(choice)

    def _settle(self, choice: Choice) -> None:
        self.type.setEnabled(not choice.ignored)
        self.description.setEnabled(not choice.ignored)
        words = warning_of(self.column, choice) if self.column is not None else ""
        self.warning.setText(words)
        self.warning.setVisible(bool(words))


class ColumnsStep(QWidget):
    """The name of the datasource, and its columns. `changed` comes with every choice."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns: tuple[ColumnView, ...] = ()
        self._shown: tuple[ColumnView, ...] = ()
        self._choices: dict[str, Choice] = {}
        self._from = 0
        self._search = SearchEdit("Find a column", "Find a column", lambda _: self._find())
        self._before = IconButton("arrow-left", "Previous columns", lambda: self._turn(-AT_ONCE))
        self._after = IconButton("arrow-right", "Next columns", lambda: self._turn(AT_ONCE))
        self._where = PlainLabel("", "muted")
        card = Card()
        self._tools = row(self._search, STRETCH, self._where, self._before, self._after)
        card.body.addLayout(self._tools)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(SPACE.m)
        self._grid.setVerticalSpacing(SPACE.s)
        for place, (title, stretch) in enumerate(zip(_TITLES, _STRETCH, strict=True)):
            self._grid.addWidget(PlainLabel(title, "label"), 0, place)
            self._grid.setColumnStretch(place, stretch)
        card.body.addLayout(self._grid)
        self._nothing = PlainLabel("No column has these words in its name.", "muted")
        card.body.addWidget(self._nothing)
        self._lines: list[_Editors] = []
        self._grow_soon = QTimer(self)
        self._grow_soon.setSingleShot(True)
        self._grow_soon.setInterval(0)
        self._grow_soon.timeout.connect(self._grow)
        named = NameCard()
        named.changed.connect(self.changed.emit)
        self.name = named.field
        self.setLayout(column(named, card, STRETCH))

    def show_columns(self, columns: Sequence[ColumnView], choices: Mapping[str, Choice]) -> None:
        """Show the columns of a file with what was chosen for them before."""
        known = {each.name for each in columns}
        self._columns = tuple(columns)
        self._choices = {name: choice for name, choice in choices.items() if name in known}
        self._search.clear()
        self._find()

    @property
    def choices(self) -> dict[str, Choice]:
        """What was chosen, by column, where anything was."""
        return {name: choice for name, choice in self._choices.items() if choice.made}

    @property
    def all_ignored(self) -> bool:
        """Would nothing of the file be read?"""
        ignored = sum(choice.ignored for choice in self._choices.values())
        return bool(self._columns) and ignored == len(self._columns)

    def choose(self, name: str, choice: Choice) -> None:
        """Keep what was chosen for a column."""
        kept = self._choices.get(name, Choice())
        if choice.ignored:
            choice = replace(choice, force=kept.force or AS_FOUND, description=kept.description)
        self._choices[name] = choice
        self.changed.emit()

    def _find(self) -> None:
        wanted = self._search.text().strip().casefold()
        self._shown = tuple(each for each in self._columns if wanted in each.name.casefold())
        self._from = 0
        self._draw()

    def _turn(self, by: int) -> None:
        self._from = max(0, min(self._from + by, (len(self._shown) - 1) // AT_ONCE * AT_ONCE))
        self._draw()

    def _fill(self, place: int) -> None:
        """The line at `place` stands for the column that is to be seen there, if any."""
        at = self._from + place
        each = self._shown[at] if at < len(self._shown) else None
        self._lines[place].show(each, self._choices.get(each.name, Choice()) if each is not None else Choice())

    def _grow(self) -> None:
        """A few more lines: all at once they would be felt."""
        wanted = min(len(self._shown) - self._from, AT_ONCE)
        for _ in range(min(_A_TURN, wanted - len(self._lines))):
            self._lines.append(_Editors(self, self._grid, len(self._lines) + 1))
            self._fill(len(self._lines) - 1)
        if len(self._lines) < wanted:
            self._grow_soon.start()

    def _draw(self) -> None:
        part = self._shown[self._from : self._from + AT_ONCE]
        for place in range(len(self._lines)):
            self._fill(place)
        if len(self._lines) < len(part):
            self._grow_soon.start()
        many = len(self._columns) > AT_ONCE
        for widget in (self._search, self._before, self._after, self._where):
            widget.setVisible(many)
        self._nothing.setVisible(many and not self._shown)
        last = self._from + len(part)
        self._where.setText(f"{amount(self._from + 1 if part else 0)}–{amount(last)} of {amount(len(self._shown))}")
        self._before.set_permit(self._from > 0, "These are the first columns.")
        self._after.set_permit(last < len(self._shown), "These are the last columns.")
