"""A schema as a custodian reviews it: what it reveals, its columns with their statistics, and the document itself."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import ColumnView, SchemaView
from podadmin.desktop.pages.schema_reveals import RevealsView
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.buttons import TabRow
from podadmin.desktop.widgets.card import Card, FigureCard
from podadmin.desktop.widgets.layout import STRETCH, column, row
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.tree import JsonTree
from podadmin.desktop.widgets.words import amount, count, precise, when, whole

_TABS: Final = (("reveals", "What it reveals"), ("columns", "Columns"), ("document", "Document"))
_STYPES: Final = {
    "categorical": BadgeSpec("info", "Categorical", "list-tree"),
    "continuous": BadgeSpec("plain", "Continuous", "gauge"),
    "text": BadgeSpec("plain", "Text", "file-text"),
    "image": BadgeSpec("plain", "Image", "eye"),
}


def type_badge(column_view: ColumnView) -> BadgeSpec:
    """The semantic type, with the word for a type that was chosen by hand."""
    found = _STYPES.get(column_view.stype, BadgeSpec("plain", column_view.stype))
    return BadgeSpec(found.tone, f"{found.word}, chosen" if column_view.forced else found.word, found.icon)


def range_words(column_view: ColumnView) -> str:
    """The smallest and the largest value, where they are kept."""
    if not column_view.minimum and not column_view.maximum:
        return ""
    return f"{column_view.minimum} to {column_view.maximum}"


def distinct_words(column_view: ColumnView) -> str:
    """How many different values; `about` where it was estimated."""
    if column_view.distinct is None:
        return "–"
    return ("about " if column_view.distinct_estimated else "") + whole(column_view.distinct)


def column_table() -> RowTable:
    """The columns of a schema."""
    return RowTable(
        "Columns of the schema",
        [
            Column("Column", lambda each: each.name, stretch=3, tip=lambda each: each.description or each.name),
            Column("Type", type_badge, "badge", width=23),
            Column("Stored as", lambda each: each.dtype, width=9),
            Column("Empty", lambda each: "–" if each.nulls is None else whole(each.nulls), "number", width=7),
            Column("Different", distinct_words, "number", width=12),
            Column("From, to", range_words, stretch=3),
            Column("Mean", lambda each: "" if each.mean is None else amount(round(each.mean, 2)), "number", width=10),
            Column("Labels (data)", lambda each: ", ".join(each.labels), stretch=3),
        ],
        row_key=lambda each: each.name,
        fits=True,
    )


class SchemaReview(QWidget):
    """Figures, then one of three views. The first is what the schema reveals."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.schema: SchemaView | None = None
        self.figures = {name: FigureCard(name) for name in ("Records", "Columns", "Lines not used", "Made")}
        self.tabs = TabRow(_TABS, "Parts of the schema", self._picked)
        self.reveals = RevealsView()
        self.columns = column_table()
        self.document = JsonTree("Schema document")
        listed = Card(flush=True)
        listed.body.addWidget(self.columns)
        tree = Card("Version 4, as it is exported")
        tree.body.addWidget(self.document)
        self._parts: dict[str, QWidget] = {}
        self._stack = column()
        for key, part in (("reveals", self.reveals), ("columns", listed), ("document", tree)):
            self._parts[key] = part
            self._stack.addWidget(part)
        self.setLayout(
            column(row(*((card, 1) for card in self.figures.values()), gap=SPACE.l), self.tabs, self._stack, STRETCH)
        )
        self._picked("reveals")

    def show_schema(self, schema: SchemaView) -> None:
        """Show a schema."""
        if schema == self.schema:
            return
        self.schema = schema
        took = f"read in {schema.seconds:.1f} s"
        self.figures["Records"].set(whole(schema.records), took)
        chosen = sum(each.forced for each in schema.columns)
        note = count(chosen, "type chosen by hand", "types chosen by hand") if chosen else "All types as found"
        self.figures["Columns"].set(whole(len(schema.columns)), note)
        rejected = schema.rejected_lines
        self.figures["Lines not used"].set(
            whole(rejected),
            "They do not fit the header" if rejected else "Every line was read",
            "warn" if rejected else "plain",
        )
        day, _, clock = when(schema.made_at).partition(", ")
        self.figures["Made"].set(day.rpartition(" ")[0], f"{clock}, {'saved' if schema.saved else 'not saved yet'}")
        self.figures["Made"].setToolTip(precise(schema.made_at))
        self.reveals.show_reveals(schema.reveals)
        self.columns.set_rows(schema.columns)
        self.document.show_value(schema.document)
        self.tabs.pick("reveals")
        self._picked("reveals")

    def _picked(self, key: str) -> None:
        for each, part in self._parts.items():
            part.setVisible(each == key)
