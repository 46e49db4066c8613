"""One column of a schema: its statistics, how its values lie, and what becomes of its labels. It stays here."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import ColumnFacts, ColumnView
from podadmin.core.errors import PodadminError
from podadmin.core.text import stranger
from podadmin.desktop.pages.schema_chart import Histogram
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.chart import ChartCard
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import whole

_HISTOGRAM: Final = "How the values lie"
_LABELS_SEEN: Final = 8


class ColumnPanel(QWidget):
    """Shows a column. `withhold_wanted(name, label)`, `merge_wanted(name, label, into)`, `tell_wanted(name)`."""

    withhold_wanted = Signal(str, str)
    merge_wanted = Signal(str, str, str)
    tell_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self.card = Card("A column")
        self._facts = FactGrid()
        self._notes = column()
        self.card.body.addLayout(self._notes)
        self.card.body.addWidget(self._facts)
        self.card.body.addStretch(1)
        self.chart = Histogram(_HISTOGRAM)
        self._chart_card = ChartCard(_HISTOGRAM, self.chart)
        self._shapes = _pairs("Values that many rows share", "Value", "Rows")
        self._patterns = _pairs("Shapes of values in a sample", "Shape", "Share")
        self._shared = _carded("Values that many rows share", self._shapes)
        self._shaped = _carded("Shapes of values in a sample", self._patterns)
        self.labels = RowTable(
            "Labels of the column",
            [
                Column("Label (data)", lambda each: stranger(each[0], 80), stretch=3),
                Column("Records", lambda each: "–" if each[1] is None else whole(each[1]), "number", width=12),
                Column("Decided", lambda each: each[2], stretch=2),
            ],
            row_key=lambda each: each[0],
        )
        self.labels.picked.connect(lambda _: self._settle())
        self._withhold = QuietButton("Withhold the label", self._on_withhold, "eye-off")
        self._into = TextField("Merge into", "other")
        self._merge = QuietButton("Merge the label", self._on_merge)
        self._tell = QuietButton("Tell all labels again", lambda: self.tell_wanted.emit(self._name))
        self._label_card = Card("Labels, the rarest first")
        words = "What is withheld or merged is not in the schema that networks get. The records stay as they are."
        self._label_card.body.addWidget(PlainLabel(words, "muted", wrap=True))
        self._label_card.body.addWidget(self.labels)
        self._label_card.body.addWidget(self._into)
        self._label_card.body.addLayout(row(self._withhold, self._merge, self._tell, STRETCH))
        self._tables = wrap(row((self._shared, 1), (self._shaped, 1)))
        self.state = StateView(wrap(column(self.card, self._chart_card, self._tables, self._label_card, margin=0)))
        self.setLayout(column(self.state, STRETCH))
        self.show_nothing()

    def show_nothing(self) -> None:
        """No column is chosen."""
        self._name = ""
        words = "Choose a column in the table: its statistics are kept here and never published."
        self.state.show_empty("gauge", "No column is chosen", words)

    def show_loading(self) -> None:
        """A column was chosen; its facts are on their way."""
        self.state.show_loading("Reading what is known about it")

    def show_problem(self, error: PodadminError) -> None:
        """It cannot be shown."""
        self.state.show_error(error)

    def show_view(self, found: ColumnView) -> None:
        """What the schema itself says: all that is known before a schema is saved."""
        self._name = found.name
        words = "Its statistics and its histogram can be seen here once the schema is saved."
        self.state.show_empty("gauge", stranger(found.name, 80), words)

    def show_column(self, found: ColumnFacts) -> None:
        """Show everything that is known about a column."""
        self._name = found.name
        self.card.set_title(stranger(found.name, 80))
        self._facts.set_facts(found.summary)
        clear(self._notes)
        for note in found.notes:
            self._notes.addWidget(Banner("warn", note))
        self.chart.set_bars(found.bars)
        self._chart_card.note.setText(found.bars_are[:1].upper() + found.bars_are[1:] + ".")
        self._chart_card.note.setVisible(True)
        self._chart_card.setVisible(bool(found.bars))
        self._chart_card.refresh()
        self._shapes.set_rows(found.top)
        self._shared.setVisible(bool(found.top))
        self._patterns.set_rows(found.patterns)
        self._shaped.setVisible(bool(found.patterns))
        self._tables.setVisible(bool(found.top or found.patterns))
        line = self.labels.verticalHeader().defaultSectionSize()
        self.labels.setFixedHeight((min(len(found.labels), _LABELS_SEEN) + 1) * line + SPACE.m)
        self.labels.set_rows(found.labels)
        counted = any(each[1] is not None for each in found.labels)
        self._label_card.set_title("Labels, the rarest first" if counted else "Labels")
        self._label_card.setVisible(bool(found.labels))
        self._tell.setVisible(any(each[2].startswith(("withheld", "merged")) for each in found.labels))
        self._settle()
        self.state.show_content()

    def _settle(self) -> None:
        chosen = self.labels.current_row() is not None
        for button in (self._withhold, self._merge):
            button.set_permit(chosen, "Choose a label first.")

    def _on_withhold(self) -> None:
        chosen = self.labels.current_row()
        if chosen is not None:
            self.withhold_wanted.emit(self._name, chosen[0])

    def _on_merge(self) -> None:
        chosen = self.labels.current_row()
        if chosen is not None:
            self.merge_wanted.emit(self._name, chosen[0], self._into.value().strip())


def _pairs(name: str, what: str, number: str) -> RowTable:
    return RowTable(
        name,
        [
            Column(what, lambda each: each[0], "mono", stretch=2),
            Column(number, lambda each: each[1], "number", width=10),
        ],
        row_key=lambda each: each[0],
        fits=True,
    )


def _carded(title: str, table: RowTable) -> Card:
    card = Card(title, flush=True)
    card.body.addWidget(table)
    card.body.addStretch(1)
    return card
