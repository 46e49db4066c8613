"""Rows, columns and grids with the distances of the token table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from podadmin.desktop.theme.tokens import SPACE


class _Stretch:
    """The room that is left."""


STRETCH: Final = _Stretch()
Piece = QWidget | QLayout | _Stretch
Item = Piece | tuple[Piece, int]


def column(*items: Item, gap: int = SPACE.l, margin: int = SPACE.none) -> QVBoxLayout:
    """Items from top to bottom; `(item, n)` gives an item the stretch n."""
    made = QVBoxLayout()
    _fill(made, items, gap, margin)
    return made


def row(*items: Item, gap: int = SPACE.s, margin: int = SPACE.none) -> QHBoxLayout:
    """Items from left to right, on one middle line."""
    made = QHBoxLayout()
    _fill(made, items, gap, margin)
    return made


def _fill(layout: QBoxLayout, items: Sequence[Item], gap: int, margin: int) -> None:
    layout.setSpacing(gap)
    layout.setContentsMargins(margin, margin, margin, margin)
    for item in items:
        piece, stretch = item if isinstance(item, tuple) else (item, 0)
        if isinstance(piece, _Stretch):
            layout.addStretch(max(stretch, 1))
        elif isinstance(piece, QWidget):
            layout.addWidget(piece, stretch)
        else:
            layout.addLayout(piece, stretch)


def wrap(layout: QLayout) -> QWidget:
    """A widget that has `layout` and no look of its own."""
    holder = QWidget()
    holder.setProperty("ground", "clear")
    holder.setLayout(layout)
    return holder


def clear(layout: QLayout, kept: Collection[QWidget] = ()) -> None:
    """Take everything out of a layout and delete it, but for the widgets that are `kept`: those stay where they are."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        inner = item.layout()
        if widget is not None and widget not in kept:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
            inner.deleteLater()


def rule() -> QFrame:
    """A thin horizontal line."""
    line = QFrame()
    line.setProperty("rule", True)
    return line


class Fitting(QWidget):
    """As high as its content is at the width that it has.

    Qt asks a widget with wrapped text for one height, whatever its width will be: lines that wrap at a small width
    would then lie over each other.
    """

    _fitted = 0

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        layout = self.layout()
        if self._fitted and layout is not None and layout.hasHeightForWidth():
            hint.setHeight(layout.totalHeightForWidth(self._fitted))
        return hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != self._fitted:
            self._fitted = event.size().width()
            self.updateGeometry()


class Flow(QWidget):
    """The content of a scroll area: it asks for no more height than its text needs at the width that it gets.

    Qt would keep room for the text as it wraps in the narrowest column, and scroll through emptiness.
    """

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        layout = self.layout()
        if layout is not None and layout.hasHeightForWidth():
            hint.setHeight(0)
        return hint


def scrolling(content: QLayout | QWidget) -> QScrollArea:
    """An area that scrolls down through `content`, never sideways, and that the keyboard passes over."""
    holder = Flow()
    holder.setProperty("ground", "clear")
    holder.setLayout(content if isinstance(content, QLayout) else column(content))
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(holder)
    return area


def bring_into_view(widget: QWidget) -> None:
    """Scroll whatever has to be scrolled for `widget` to be seen."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget)
        parent = parent.parentWidget()


def reading_order(widget: QWidget) -> list[QWidget]:
    """What the keyboard can reach now in and below `widget`, in the order in which it is laid out and read.

    Qt goes by the order in which things were made, which is another one for whatever was drawn after its page. Of
    buttons of which one is chosen, only that one is a stop: the arrow keys choose among them.
    """
    if not widget.isVisible() or not widget.isEnabled():
        return []
    chosen = _is_chosen(widget)
    stops = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) if chosen is None else chosen
    found = [widget] if stops else []
    layout = widget.layout()
    if isinstance(widget, QScrollArea):
        inner = widget.widget()
        return [*found, *(reading_order(inner) if inner is not None else [])]
    return [*found, *(_laid_out(layout) if layout is not None else [])]


def _laid_out(layout: QLayout) -> list[QWidget]:
    found: list[QWidget] = []
    for place in range(layout.count()):
        item = layout.itemAt(place)
        widget, inner = (item.widget(), item.layout()) if item is not None else (None, None)
        if widget is not None:
            found += reading_order(widget)
        elif inner is not None:
            found += _laid_out(inner)
    return found


def _is_chosen(widget: QWidget) -> bool | None:
    """Of buttons of which one is chosen: is it this one? None for everything else. Qt keeps this in its focus policies,
    but only as long as it is a hand that chooses."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    if group is None or not group.exclusive() or group.checkedButton() is None:
        return None
    return group.checkedButton() is widget


class CardGrid(QWidget):
    """Cards side by side, as many in a line as have `least_width`."""

    def __init__(self, least_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._least = least_width
        self._cards: dict[int, QWidget] = {}
        self._total = 0
        self._across = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACE.l)

    def set_cards(self, cards: Sequence[QWidget]) -> None:
        """Show these cards; the ones shown before are deleted."""
        clear(self._grid)
        self._cards, self._total, self._across = dict(enumerate(cards)), len(cards), 0
        self._arrange()

    def fill(self, cards: Iterable[QWidget], total: int, kept: Mapping[int, QWidget] | None = None) -> Iterator[None]:
        """The same card by card, where they are `total`; those shown before that are `kept` stand at their places.

        Stops after every card that was made, and again when it has its place and with it its look. Where nothing is
        new nothing is laid out again.
        """
        if kept == self._cards and total == self._total:
            return
        self._cards, self._total, self._across = dict(kept or {}), total, 0
        clear(self._grid, self._cards.values())
        self._arrange()
        for place, card in zip([each for each in range(total) if each not in self._cards], cards, strict=False):
            yield
            self._arrange()
            self._cards[place] = card
            self._put(place)
            yield

    def cards(self) -> tuple[QWidget, ...]:
        """What is shown now."""
        return tuple(self._cards[place] for place in sorted(self._cards))

    def minimumSizeHint(self) -> QSize:
        """As narrow as its widest card alone: with fewer cards in a line it fits where it does not now."""
        hint = super().minimumSizeHint()
        widest = max((card.minimumSizeHint().width() for card in self._cards.values()), default=0)
        hint.setWidth(min(max(widest, self._least), hint.width()))
        return hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        across = max(1, (self.width() + SPACE.l) // (self._least + SPACE.l))
        lines = max(-(-self._total // across), 1)
        across = max(-(-self._total // lines), 1)  # four cards where three fit stand two and two
        if across == self._across:
            return
        for old in range(self._grid.columnCount()):
            self._grid.setColumnStretch(old, 0)
        self._across = across
        for place in self._cards:
            self._put(place)
        for made in range(across):
            self._grid.setColumnStretch(made, 1)

    def _put(self, place: int) -> None:
        self._grid.addWidget(self._cards[place], place // self._across, place % self._across, Qt.AlignmentFlag(0))
