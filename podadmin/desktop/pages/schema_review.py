"""A schema as a custodian reviews it: what it reveals, its columns with their statistics, and the document itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import ColumnView, SchemaView
from podadmin.desktop.pages.schema_column import ColumnPanel
from podadmin.desktop.pages.schema_decide import DecideView, DriftView
from podadmin.desktop.pages.schema_reveals import RevealsView
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.buttons import TabRow
from podadmin.desktop.widgets.card import Card, FigureCard
from podadmin.desktop.widgets.form import SearchEdit
from podadmin.desktop.widgets.layout import STRETCH, column, row, wrap
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.tree import JsonTree
from podadmin.desktop.widgets.words import amount, count, precise, when, whole

_TABS: Final = (
    ("reveals", "What it reveals"),
    ("columns", "Columns"),
    ("drift", "Changes"),
    ("document", "Document"),
)
_PAGE: Final = 100
_ROWS_SEEN: Final = 8
_UNUSED: Final = {
    "lines": ("Lines not used", "Every line was read", "They do not fit the header"),
    "files": ("Files not used", "Every file gave a row", "They could not be read"),
    "rows": ("Rows not used", "Every row was counted", "They could not be read"),
}
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
            Column("Empty", lambda each: "–" if each.nulls is None else whole(each.nulls), "number", width=9),
            Column("Different", distinct_words, "number", width=12),
            Column("From, to", range_words, stretch=3),
            Column("Mean", lambda each: "" if each.mean is None else amount(round(each.mean, 2)), "number", width=10),
            Column("Labels (data)", lambda each: each.decided or ", ".join(each.labels), stretch=3),
        ],
        row_key=lambda each: each.name,
    )


class SchemaReview(Part):
    """Figures, then one of four views. The first is what the schema reveals.

    `column_wanted(name)` asks for all that is known about a column.
    """

    column_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.schema: SchemaView | None = None
        self._found: list[ColumnView] = []
        self._parts: dict[str, QWidget] = {}
        self.figures = {name: FigureCard(name) for name in ("Records", "Columns", "Not used", "Made")}
        self.tabs = TabRow(_TABS, "Parts of the schema", self._picked)
        self._stack = column()
        self.setLayout(
            column(row(*((card, 1) for card in self.figures.values()), gap=SPACE.l), self.tabs, self._stack, STRETCH)
        )

    def build(self) -> Iterator[None]:
        """Make the four views."""
        self.decide = DecideView()
        self.reveals = RevealsView()
        self._add("reveals", wrap(column(self.decide, self.reveals, margin=SPACE.none)))
        yield
        self.columns = column_table()
        self.columns.picked.connect(self._chosen)
        self.columns.more_wanted.connect(self._next_page)
        self._search = SearchEdit("Find a column of the schema", "Find a column", lambda _: self._find())
        listed = Card(flush=True)
        listed.body.addWidget(self.columns)
        of_columns = column(self._search, listed, margin=SPACE.none)
        self._add("columns", wrap(of_columns))
        yield
        self.panel = ColumnPanel()
        of_columns.addWidget(self.panel)
        yield
        self.drift = DriftView()
        self._add("drift", self.drift)
        self.document = JsonTree("Schema document")
        tree = Card("Version 4, as it is exported")
        tree.body.addWidget(self.document)
        self._add("document", tree)
        self._picked("reveals")

    def _add(self, key: str, part: QWidget) -> None:
        self._parts[key] = part
        self._stack.addWidget(part)

    def show_schema(self, schema: SchemaView) -> None:
        """Show a schema. A newer view of the same one leaves the part that is being looked at open."""
        if schema == self.schema:
            return
        same = (
            schema.saved
            and self.schema is not None
            and (self.schema.datasource, self.schema.made_at)
            == (
                schema.datasource,
                schema.made_at,
            )
        )
        self.schema = schema
        self._show_figures(schema)
        self.decide.setVisible(schema.saved)
        if schema.saved:
            self.decide.show_schema(schema)
        self.reveals.show_reveals(schema.reveals)
        self.drift.show_drift(schema.drift, schema.released_at is not None)
        breaking = sum(each.breaking for each in schema.drift)
        self.tabs.set_words("drift", f"Changes ({breaking})" if breaking else "Changes")
        self._find()
        if not same:
            self.panel.show_nothing()
            self.tabs.pick("reveals")
        self._picked(self.tabs.current if same else "reveals")

    def _show_figures(self, schema: SchemaView) -> None:
        told = "as the pod says" if schema.origin else f"read in {schema.seconds:.1f} s"
        self.figures["Records"].set(whole(schema.records), told)
        chosen = sum(each.forced for each in schema.columns)
        note = count(chosen, "type chosen by hand", "types chosen by hand") if chosen else "All types as found"
        self.figures["Columns"].set(whole(len(schema.columns)), note)
        self._show_unused(schema)
        day, _, clock = when(schema.made_at).partition(", ")
        self.figures["Made"].set(day.rpartition(" ")[0], f"{clock}, {'saved' if schema.saved else 'not saved yet'}")
        self.figures["Made"].setToolTip(precise(schema.made_at))

    def _show_unused(self, schema: SchemaView) -> None:
        """Lines, files or rows that gave no record; nothing where the counting was not done here."""
        unused, rejected = self.figures["Not used"], schema.rejected_lines
        unused.setVisible(bool(schema.counted_in))
        if not schema.counted_in:
            return
        title, none, some = _UNUSED[schema.counted_in]
        unused.set_label(title)
        note = schema.notes[0] if schema.notes else (some if rejected else none)
        unused.set(whole(rejected), note, "warn" if rejected else "plain")
        unused.setToolTip("\n".join(schema.notes))

    def _find(self) -> None:
        wanted = self._search.text().strip().casefold()
        columns = self.schema.columns if self.schema is not None else ()
        self._found = [each for each in columns if wanted in each.name.casefold()]
        self._search.setVisible(len(columns) > _ROWS_SEEN)
        line = self.columns.verticalHeader().defaultSectionSize()
        self.columns.setFixedHeight((min(max(len(self._found), 1), _ROWS_SEEN) + 1) * line + SPACE.m)
        self.columns.set_rows(self._found[:_PAGE], len(self._found) > _PAGE)

    def _next_page(self) -> None:
        have = len(self.columns.rows())
        self.columns.add_rows(self._found[have : have + _PAGE], len(self._found) > have + _PAGE)

    def _chosen(self, found: ColumnView) -> None:
        if self.schema is not None and self.schema.saved:
            self.column_wanted.emit(found.name)
        else:
            self.panel.show_view(found)

    def _picked(self, key: str) -> None:
        if key == "document" and self.schema is not None:
            self.document.show_value(self.schema.document)
        for each, part in self._parts.items():
            part.setVisible(each == key)
