"""The first step of the wizard: what kind of data it is, and for each kind what podadmin reads of it by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from podadmin.app.views.datasources import KindView
from podadmin.core.errors import PodadminError
from podadmin.desktop.slices import Slices
from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, clear, column, wrap
from podadmin.desktop.widgets.option import OptionCard
from podadmin.desktop.widgets.text import PlainLabel

ICONS: Final = {
    "table": "file-spreadsheet",
    "database": "database",
    "engine": "network",
    "images": "image",
    "eye": "scan-eye",
    "service": "globe",
    "none": "circle-minus",
}
_OF_KIND: Final = {
    "CSVSource": "table",
    "ParquetSource": "table",
    "JSONLinesSource": "table",
    "SQLSource": "database",
    "OMOPSource": "database",
    "SparkSource": "engine",
    "TrinoSource": "engine",
    "SnowflakeSource": "engine",
    "BigQuerySource": "engine",
    "ImageSource": "images",
    "NIFTISource": "images",
    "DICOMSource": "images",
    "DICOMOphthalmologySource": "eye",
    "HeidelbergSource": "eye",
    "HeidelbergE2ESource": "eye",
    "TopconSource": "eye",
    "InterMineSource": "service",
    "NullSource": "none",
}
_GROUPS: Final = (
    (("table",), "Table files"),
    (("database",), "Databases"),
    (("engine",), "Data engines"),
    (("images",), "Folders of images"),
    (("eye",), "Folders of eye images"),
    (("service", "none"), "Others"),
)
_READS: Final = {
    "profile": BadgeSpec("good", "Read here", "circle-check"),
    "inventory": BadgeSpec("info", "Counted here, schema from the pod", "info"),
    "nothing": BadgeSpec("plain", "Read by the pod only", "circle-minus"),
}
_COMING: Final = "Reading the kinds of datasource"


def icon_of(group: str) -> str:
    """The icon of a group of kinds."""
    return ICONS.get(group, "database")


def group_of(kind: str) -> str:
    """The group of a kind, by its name in a pod's configuration."""
    return _OF_KIND.get(kind, "")


def reads_badge(kind: KindView) -> BadgeSpec:
    """What podadmin reads of a kind by itself."""
    if kind.needs:
        return BadgeSpec("warn", "Needs a package")
    if kind.group == "none":
        return BadgeSpec("plain", "There is nothing to read", "circle-minus")
    return _READS.get(kind.reads, _READS["nothing"])


class KindStep(QWidget):
    """All kinds as cards, by group. `changed` comes when another is chosen, `submitted` with Enter on one.

    Nothing of them is shown or chosen before all are there, which is when `complete` comes: a key that is pressed
    sooner would reach another card than the one that will lie there.
    """

    changed = Signal()
    submitted = Signal()
    complete = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kinds: tuple[KindView, ...] = ()
        self._cards: dict[str, OptionCard] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._growing = Slices(self)
        self._place = column(gap=SPACE.l)
        self._state = StateView(wrap(column(self._place, STRETCH)))
        self._state.show_loading(_COMING)
        self.setLayout(column(self._state))

    @property
    def kind(self) -> KindView | None:
        """The kind that is chosen."""
        return next((each for each in self.kinds if self._is_on(each.kind)), None)

    @property
    def offered(self) -> tuple[str, ...]:
        """The kinds that can be chosen now."""
        return () if self._growing.busy else tuple(self._cards)

    def show_kinds(self, kinds: Sequence[KindView]) -> None:
        """Offer these kinds; the first is chosen. Their cards are made in turns."""
        if tuple(kinds) == self.kinds:
            return
        self.kinds = tuple(kinds)
        clear(self._place)
        self._cards = {}
        self._state.show_loading(_COMING)
        self._growing.begin(self._grow(), self._grown)

    def show_problem(self, error: PodadminError) -> None:
        """The kinds cannot be read."""
        self._state.show_error(error)

    def choose(self, kind: str) -> None:
        """Choose a kind by its name."""
        if kind in self.offered:
            self._cards[kind].setChecked(True)
            self.changed.emit()

    def focus_first(self) -> None:
        """Put the keyboard on the kind that is chosen."""
        for kind in self.offered:
            if self._is_on(kind):
                self._cards[kind].setFocus()

    def _is_on(self, kind: str) -> bool:
        return kind in self.offered and self._cards[kind].isChecked()

    def _grow(self) -> Iterator[None]:
        for names, title in _GROUPS:
            wanted = [each for each in self.kinds if each.group in names]
            if wanted:
                grid = CardGrid(SIZE.search)
                grid.setAccessibleName(title)
                self._place.addWidget(wrap(column(PlainLabel(title, "label"), grid, gap=SPACE.s)))
                cards: list[OptionCard] = []
                for each in wanted:
                    cards.append(self._card(each))
                    yield
                grid.set_cards(cards)
                yield
        yield from style.dressed(self._state.content)

    def _grown(self) -> None:
        self._state.show_content()
        self.changed.emit()
        self.complete.emit()

    def _card(self, kind: KindView) -> OptionCard:
        card = OptionCard(
            kind.title,
            kind.needs or kind.words,
            icon_of(kind.group),
            reads_badge(kind),
            partial(self.choose, kind.kind),
        )
        card.taken.connect(self.submitted.emit)
        card.setChecked(not self._cards)
        self._group.addButton(card)
        self._cards[kind.kind] = card
        return card
