"""One datasource: its health, how it is set up, what its folder holds, and its schema with what that reveals."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from podadmin.app.views.datasources import DatasourceCard, SchemaView
from podadmin.core.clock import Clock
from podadmin.core.errors import PodadminError
from podadmin.desktop.pages.datasource_cards import broken_words, cause_words, kind_words, schema_badge
from podadmin.desktop.pages.datasource_change import SetUpCard
from podadmin.desktop.pages.datasource_health import HealthCard
from podadmin.desktop.pages.datasource_inventory import InventoryCard
from podadmin.desktop.pages.datasource_kinds import group_of
from podadmin.desktop.pages.schema_review import SchemaReview
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, clear, column, row
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import ElidedLabel
from podadmin.desktop.widgets.words import count, span, when

GENERATE = "Generate the schema"
AGAIN = "Generate again"
EXPORT = "Export…"
TAKE = "Take the schema from the pod"
EVERY_FILE = "Read every file"
_FROM_POD = (
    "Only the pod's own software can read this kind of data. Connect it, write it into the pod's configuration, and "
    "take the schema from the running pod: it is kept here, and you decide what of it is told."
)


class DatasourceDetail(Part):
    """Shows a card and its schema. `generate_wanted(id)`, `every_file_wanted(id)` and `take_wanted(id)` ask for a
    schema, `export_wanted(card)` to write it out.
    """

    generate_wanted = Signal(str)
    every_file_wanted = Signal(str)
    take_wanted = Signal(str)
    export_wanted = Signal(object)

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.source: DatasourceCard | None = None
        self.job = JobBar()
        self._name = ElidedLabel("", "heading")
        self._location = ElidedLabel("", "muted", mono=True)
        self._badges = row()
        self._mark = IconMark("database", "accent_text", SIZE.icon_large)
        self._again = QuietButton(AGAIN, self._generate, "refresh-cw")
        self._take = QuietButton(TAKE, self._on_take, "database")
        self._export = QuietButton(EXPORT, self._on_export, "download", "Export the schema…")
        card = Card()
        names = column(self._name, self._location, gap=SPACE.none)
        card.body.addLayout(row(self._mark, (names, 1), self._badges, gap=SPACE.m))
        card.body.addLayout(row(STRETCH, self._again, self._take, self._export, gap=SPACE.s))
        card.body.addWidget(self.job)
        self._notes = column(gap=SPACE.s)
        self._of_schema = column(gap=SPACE.s)
        self._clock = clock
        self.setLayout(column(card, self._notes))

    def build(self) -> Iterator[None]:
        """Make the cards below the first one."""
        place = self.layout()
        assert isinstance(place, QVBoxLayout)
        self._cards = CardGrid(SIZE.field)
        place.addWidget(self._cards)
        self.health = HealthCard(self._clock)
        yield
        self.set_up = SetUpCard()
        self._cards.set_cards((self.health, self.set_up))
        yield
        self.inventory = InventoryCard()
        place.addWidget(self.inventory)
        place.addLayout(self._of_schema)
        yield
        self.review = SchemaReview()
        self.state = StateView(self.review)
        place.addWidget(self.state)
        place.addStretch(1)
        yield
        yield from self.review.build()

    def show_loading(self) -> None:
        """Something else is about to be shown."""
        self.source = None
        for button in (self._again, self._take, self._export):
            button.setVisible(False)
        clear(self._of_schema)
        self.inventory.setVisible(False)
        self._cards.setVisible(False)
        self.state.show_loading("Reading the datasource")

    def show_source(self, source: DatasourceCard) -> None:
        """Show a datasource; its schema comes by `show_schema`."""
        self.source = source
        kind, icon = kind_words(source)
        group = group_of(source.kind)
        self._mark.set(icon, "accent_text")
        self._name.setText(source.name)
        self._location.setText(f"{kind}  {source.location}")
        clear(self._badges)
        self._badges.addWidget(Badge(schema_badge(source)))
        has = source.schema_state in ("saved", "outdated")
        self._again.setVisible(has and source.schema_by in ("here", "either"))
        self._take.setVisible(source.schema_by in ("pod", "either"))
        self._export.setVisible(has)
        self._cards.setVisible(True)
        self.inventory.setVisible(group in ("images", "eye"))
        clear(self._notes)
        if source.health == "broken":
            self._notes.addWidget(Banner("bad", broken_words(source), title=cause_words(source)))
        elif source.schema_state == "outdated":
            words = "The data or your choices have changed since. Generate it again to see what it says now."
            self._notes.addWidget(Banner("warn", words, title="This schema is older than its data"))
        if not source.offered:
            self._notes.addWidget(Banner("info", source.offered_words))
        if not has:
            self.show_none()

    def show_schema(self, schema: SchemaView) -> None:
        """Show the saved schema."""
        clear(self._of_schema)
        if schema.origin:
            title = f"Taken from {schema.origin} on {when(schema.made_at)}"
            self._of_schema.addWidget(Banner("info", " ".join(schema.notes), title=title))
        elif schema.files_unread:
            self._of_schema.addWidget(Banner("info", unread_words(schema), EVERY_FILE, self._on_every_file, _SAMPLE))
        self.review.show_schema(schema)
        self.state.show_content()

    def show_none(self) -> None:
        """There is no schema yet."""
        clear(self._of_schema)
        by = self.source.schema_by if self.source is not None else "here"
        if by == "nobody":
            words = "There is no data, and so there is no schema."
            self.state.show_empty("list-tree", "No schema is made of this", words)
            return
        if by == "pod":
            self.state.show_empty("list-tree", "No schema yet", _FROM_POD, TAKE, self._on_take)
            return
        self.state.show_empty(
            "list-tree",
            "No schema yet",
            "A schema says what the columns are, and tells no row. The data is read once for it.",
            GENERATE,
            self._generate,
        )

    def show_problem(self, error: PodadminError) -> None:
        """The datasource or its schema cannot be shown."""
        if error.code == "schema.none":
            self.show_none()
        else:
            self.state.show_error(error)

    def set_busy(self, busy: bool) -> None:
        """The schema is being made."""
        reason = "The schema is being made." if busy else ""
        for button in (self._again, self._take, self._export):
            button.set_permit(not busy, reason)

    def show_generating(self, words: str) -> None:
        """A first schema is being made: there is nothing else to show."""
        if self.source is not None and self.source.schema_state in ("none", "pod"):
            self.state.show_loading(words)

    def _generate(self) -> None:
        if self.source is not None:
            self.generate_wanted.emit(self.source.id)

    def _on_take(self) -> None:
        if self.source is not None:
            self.take_wanted.emit(self.source.id)

    def _on_every_file(self) -> None:
        if self.source is not None:
            self.every_file_wanted.emit(self.source.id)

    def _on_export(self) -> None:
        if self.source is not None:
            self.export_wanted.emit(self.source)


_SAMPLE = "This schema is of a sample of the files"


def unread_words(schema: SchemaView) -> str:
    """How many files are left and how long reading them takes, as far as that can be told honestly."""
    left = count(schema.files_unread, "file has", "files have")
    kept = "what was read until then is kept when it is cancelled"
    if schema.unread_seconds is None:
        return f"{left} not been read. How long that takes cannot be told, because too few were read; {kept}."
    lasts = span(schema.unread_seconds)
    about = lasts if lasts.startswith("less") else f"about {lasts}"
    return f"{left} not been read. Reading the rest takes {about} at the speed of the last reading; {kept}."
