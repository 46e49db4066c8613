"""Datasources as cards: what each is, whether it can be read and who can mend it, how big it is, and its schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import DatasourceCard
from podadmin.core.clock import Clock
from podadmin.desktop.pages.datasource_kinds import group_of, icon_of
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import DangerButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.keyboard import Fallen
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, column, row, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel, set_name
from podadmin.desktop.widgets.words import ago, count, size, whole

CONNECT: Final = "Connect a datasource"
_HEALTH: Final = {
    "good": BadgeSpec("good", "Readable"),
    "slow": BadgeSpec("warn", "Answers slowly", "hourglass"),
    "broken": BadgeSpec("bad", "Cannot be read"),
    "unknown": BadgeSpec("plain", "Not checked yet", "circle-help"),
}
_SCHEMA: Final = {
    "none": BadgeSpec("plain", "No schema yet", "list-tree"),
    "saved": BadgeSpec("good", "Schema saved"),
    "outdated": BadgeSpec("warn", "Schema is older than the data"),
    "pod": BadgeSpec("info", "Schema comes from the pod", "info"),
}


def health_badge(source: DatasourceCard) -> BadgeSpec:
    """Whether it can be read."""
    return _HEALTH.get(source.health, BadgeSpec("bad", source.health))


def schema_badge(source: DatasourceCard) -> BadgeSpec:
    """How its schema stands."""
    if source.schema_state == "pod" and group_of(source.kind) == "none":
        return BadgeSpec("plain", "No data, no schema", "circle-minus")
    if source.schema_state == "saved" and source.schema_from:
        return BadgeSpec("good", "Schema taken from the pod")
    return _SCHEMA.get(source.schema_state, BadgeSpec("bad", source.schema_state))


def kind_words(source: DatasourceCard) -> tuple[str, str]:
    """What kind it is, in words and as an icon."""
    return source.kind_title or source.kind, icon_of(group_of(source.kind))


def cause_words(source: DatasourceCard) -> str:
    """What broke, in a few words, as a headline says it."""
    return source.cause[:1].upper() + source.cause[1:]


def broken_words(source: DatasourceCard) -> str:
    """Why it cannot be read, and who can put it right where that is known."""
    who = source.who_can_fix.rstrip(".")
    return f"{source.health_words} Who can fix it: {who}." if who else source.health_words


_WELL: Final = ("Readable", "It can be reached", "It can be reached again")


class DatasourceTile(Card):
    """One datasource. Its acts are signals that carry the card's view."""

    check_wanted = Signal(object)
    schema_wanted = Signal(object)
    remove_wanted = Signal(object)

    def __init__(self, source: DatasourceCard, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.source = source
        set_name(self, source.name)
        self.job = JobBar()
        kind, icon = kind_words(source)
        self.body.setSpacing(SPACE.m)
        names = column(ElidedLabel(source.name, "heading"), PlainLabel(kind, "muted"), gap=SPACE.none)
        head = row(IconMark(icon, "accent_text", SIZE.icon_large), (names, 1), Badge(health_badge(source)), gap=SPACE.m)
        self.body.addLayout(head)
        self.body.addWidget(ElidedLabel(source.location, "muted", mono=True))
        if source.health == "broken":
            self.body.addWidget(Banner("bad", broken_words(source), title=cause_words(source)))
        elif source.health == "slow" or (source.health == "good" and source.health_words not in _WELL):
            self.body.addWidget(Banner("warn", source.health_words))
        self.body.addLayout(row(*((_figure(name, value), 1) for name, value in figures(source)), gap=SPACE.l))
        self._made = PlainLabel("", "small")
        self.body.addLayout(row(Badge(schema_badge(source)), self._made, STRETCH))
        if source.reads == "profile":
            ignored = source.columns_ignored
            words = f"Never read: {', '.join(ignored)}" if ignored else "Every column is read"
            self.body.addWidget(ElidedLabel(words, "small"))
        self.body.addStretch(1)
        self.body.addWidget(self.job)
        self._check = QuietButton("Check", self._on_check, "refresh-cw", f"Check {source.name}")
        self._check.set_help("Looks at all of it once: can it be read, how much there is, what cannot be used.")
        words = "Schema" if source.reads == "profile" else "Open"
        self._schema = QuietButton(
            words,
            self._on_schema,
            "list-tree",
            f"{words} of {source.name}" if words == "Schema" else f"Open {source.name}",
        )
        self._remove = DangerButton("Remove…", self._on_remove, "trash-2", f"Remove {source.name}…")
        self.body.addLayout(row(self._check, self._schema, STRETCH, self._remove))
        self.acts = (self._check, self._schema, self._remove)

    def tell_age(self, now: datetime) -> None:
        """Say how long ago its schema was made."""
        made = self.source.schema_made_at
        self._made.setText(f"made {ago(made, now)}" if made is not None else "")

    def set_busy(self, reason: str) -> None:
        """Its acts wait for one that runs; none where `reason` is empty."""
        for button in (self._check, self._remove):
            button.set_permit(not reason, reason)

    def _on_check(self) -> None:
        self.check_wanted.emit(self.source)

    def _on_schema(self) -> None:
        self.schema_wanted.emit(self.source)

    def _on_remove(self) -> None:
        self.remove_wanted.emit(self.source)


def figures(source: DatasourceCard) -> tuple[tuple[str, str], ...]:
    """How much there is: rows and columns of what is read here, files of a folder."""
    files = () if source.files is None else (("Files", whole(source.files)),)
    rows = () if source.rows is None and source.reads != "profile" else (("Rows", _number(source.rows)),)
    columns = (("Columns", _columns(source)),) if source.reads == "profile" else ()
    sized = source.size is not None or group_of(source.kind) in ("table", "images", "eye")
    return (*files, *rows, *columns, *((("Size", size(source.size)),) if sized else ()))


def _number(number: int | None) -> str:
    return "–" if number is None else whole(number)


def _columns(source: DatasourceCard) -> str:
    if source.columns is None:
        return "–"
    ignored = len(source.columns_ignored)
    return whole(source.columns) + (f", {whole(ignored)} ignored" if ignored else "")


def _figure(label: str, value: str) -> QWidget:
    words = PlainLabel(value, "strong")
    words.setAccessibleName(f"{label}: {value}")
    return wrap(column(PlainLabel(label, "small"), words, gap=SPACE.none))


class DatasourceList(QWidget):
    """All cards, or what to do where there is none."""

    connect_wanted = Signal()
    check_wanted = Signal(object)
    schema_wanted = Signal(object)
    remove_wanted = Signal(object)

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self.tiles: dict[str, DatasourceTile] = {}
        self._grid = CardGrid(SIZE.field)
        self._grid.setAccessibleName("Datasources")
        self._summary = PlainLabel("", "muted")
        self.state = StateView(wrap(column(self._summary, self._grid, STRETCH, gap=SPACE.m)))
        self.setLayout(column(self.state))

    def show_sources(self, sources: Sequence[DatasourceCard]) -> Iterator[None]:
        """Show these datasources, stopping after every card. A card of which nothing has changed stays what it is; of
        one that is made anew the keyboard stays on the same act.
        """
        known, now = self.tiles, self._clock.now()
        same = ((place, known.get(each.id), each) for place, each in enumerate(sources))
        kept = {place: tile for place, tile, each in same if tile is not None and tile.source == each}
        for tile in kept.values():
            tile.tell_age(now)
        self.tiles = {tile.source.id: tile for tile in kept.values()}
        self._summary.setText(summary(sources))
        if sources:
            self.state.show_content()
        else:
            self.state.show_empty(
                "database",
                "No datasource is connected",
                "Point at a file, a folder, a database or a service that this computer can reach. It is tested and "
                "shown to you first; nothing is saved until you say so, and podadmin never writes to it.",
                CONNECT,
                self.connect_wanted.emit,
            )
        held = _held([tile for each, tile in known.items() if each not in self.tiles])
        fallen = Fallen()
        made = (self._tile(each, now) for place, each in enumerate(sources) if place not in kept)
        for number, _ in enumerate(self._grid.fill(made, len(sources), kept)):
            if number == 0:
                fallen.note(held is not None)
            yield
        if held is not None and held[0] in self.tiles and fallen.lies_there:
            self.tiles[held[0]].acts[held[1]].setFocus()

    def _tile(self, source: DatasourceCard, now: datetime) -> DatasourceTile:
        tile = self.tiles[source.id] = DatasourceTile(source)
        tile.tell_age(now)
        tile.check_wanted.connect(self.check_wanted.emit)
        tile.schema_wanted.connect(self.schema_wanted.emit)
        tile.remove_wanted.connect(self.remove_wanted.emit)
        return tile


def _held(tiles: Sequence[DatasourceTile]) -> tuple[str, int] | None:
    """On which of these the keyboard is, by the id of its datasource, and on which of its acts."""
    acts = ((tile.source.id, number, act) for tile in tiles for number, act in enumerate(tile.acts))
    return next(((source, number) for source, number, act in acts if act.holds_keyboard), None)


def summary(sources: Sequence[DatasourceCard]) -> str:
    """All datasources in one line, what needs attention named."""
    parts = [count(len(sources), "datasource", "datasources")]
    broken = sum(source.health == "broken" for source in sources)
    old = sum(source.schema_state == "outdated" for source in sources)
    none = sum(source.schema_state == "none" for source in sources)
    for number, words in ((broken, "cannot be read"), (old, "with an old schema"), (none, "without a schema")):
        if number:
            parts.append(f"{whole(number)} {words}")
    return " · ".join(parts)
