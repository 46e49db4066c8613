"""The first rows of a datasource, masked until they are asked for, some columns at a time where there are very many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import Preview
from podadmin.core.errors import PodadminError
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.buttons import IconButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import whole

AT_ONCE: Final = 40
"""Columns that are shown at a time."""
_LEAST: Final = 6
_MOST: Final = 32
_ROOM: Final = 2
_LINE: Final = 110
"""Lengths in characters: of a narrow and a wide column, of the room around one, and of a line that always fits."""


class PreviewStep(QWidget):
    """`masked_wanted(bool)` asks for the rows in the other form."""

    masked_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preview: Preview | None = None
        self._columns: tuple[str, ...] = ()
        self._from = 0
        self._words = PlainLabel("", "muted", wrap=True)
        self._switch = QuietButton("Show values", self._turn, "eye")
        self._before = IconButton("arrow-left", "Previous columns of the rows", lambda: self._go(-AT_ONCE))
        self._after = IconButton("arrow-right", "Next columns of the rows", lambda: self._go(AT_ONCE))
        self._where = PlainLabel("", "muted")
        self._many = wrap(row(self._where, STRETCH, self._before, self._after))
        self._place = column()
        card = Card(flush=True)
        card.body.addLayout(self._place)
        self._holder = StateView(wrap(column(self._many, (card, 1), gap=SPACE.s)))
        self.setLayout(column(row((self._words, 1), self._switch, gap=SPACE.l), (self._holder, 1), gap=SPACE.m))

    @property
    def failed(self) -> bool:
        """Could the rows that were asked for last not be read?"""
        return self._holder.showing == "error"

    def begin(self) -> None:
        """The rows are being read."""
        self.preview = None
        self._switch.set_permit(False, "The rows are being read.")
        self._holder.show_loading("Reading the first rows")

    def show_preview(self, preview: Preview) -> None:
        """Show rows. Those of the same columns in the other form are shown from the same column on."""
        if preview.columns != self._columns:
            self._columns, self._from = preview.columns, 0
        self.preview = preview
        if preview.masked:
            self._words.setText("First rows, masked: letters are x, digits are 9, so that only the shape can be seen.")
        else:
            self._words.setText("First rows with their values. Somebody beside you can read them too.")
        self._words.set_tone("plain" if preview.masked else "warn")
        self._switch.set_words("Show values" if preview.masked else "Mask values")
        self._switch.set_icon("eye" if preview.masked else "eye-off")
        self._switch.set_permit(True)
        self._go(0)
        self._holder.show_content()

    def show_problem(self, error: PodadminError) -> None:
        """The rows cannot be read."""
        self.preview = None
        self._holder.show_error(error, lambda: self.masked_wanted.emit(True))

    def _go(self, by: int) -> None:
        if self.preview is None:
            return
        number = len(self.preview.columns)
        self._from = max(0, min(self._from + by, (number - 1) // AT_ONCE * AT_ONCE))
        last = min(self._from + AT_ONCE, number)
        self._many.setVisible(number > AT_ONCE)
        self._where.setText(f"Columns {whole(self._from + 1)}–{whole(last)} of {whole(number)}")
        self._before.set_permit(self._from > 0, "These are the first columns.")
        self._after.set_permit(last < number, "These are the last columns.")
        clear(self._place)
        table = RowTable("First rows", preview_columns(self.preview, self._from, last), _key)
        table.setMinimumHeight(SIZE.palette_list)
        table.setCornerWidget(wrap(row()))
        table.set_rows([(number, *line) for number, line in enumerate(self.preview.rows)])
        self._place.addWidget(table)

    def _turn(self) -> None:
        if self.preview is not None:
            self.masked_wanted.emit(not self.preview.masked)


def _key(line: tuple[object, ...]) -> str:
    return str(line[0])


def preview_columns(preview: Preview, first: int, last: int) -> list[Column]:
    """A column for each of these of the preview, as wide as what stands in it; they share the width where all fit."""
    places = range(first, last)
    widths = {place: _width([preview.columns[place], *(line[place] for line in preview.rows)]) for place in places}
    fits = sum(widths.values()) + len(widths) * _ROOM <= _LINE
    return [_cell(preview.columns[place], place, 0 if fits else widths[place]) for place in places]


def _width(cells: Sequence[str]) -> int:
    return min(max(*map(len, cells), _LEAST) + _ROOM, _MOST)


def _cell(title: str, place: int, width: int) -> Column:
    return Column(title, lambda line: line[place + 1], "mono", width)
