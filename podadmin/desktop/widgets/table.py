"""Tables whose rows are sorted, filtered and paged elsewhere: the model only holds what has been fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView, QWidget

from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.cells import CellDelegate, as_text
from podadmin.desktop.widgets.text import plain_tip, set_name

Kind = Literal["text", "mono", "number", "badge", "spark"]
_Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()
_FETCH_AHEAD: Final = 20
_LEAST_SHARED: Final = 16
"""Characters below which a column that shares the room cannot be read."""


def _identity(row: Any) -> str:
    return str(row.id)


@dataclass(frozen=True)
class Column:
    """One column. `cell` gives a str (BadgeSpec for badges, a sequence of numbers for sparks) for a row.

    `width` is in characters, 0 shares what is left by `stretch`. A column with a `key` can be sorted by.
    `tip` gives the full text for a hover; without it an elided text is its own tip. A `spare` column is left out where
    the others would have no room to be read; what it says must stand in the opened row too.
    """

    title: str
    cell: Callable[[Any], object]
    kind: Kind = "text"
    width: int = 0
    stretch: int = 1
    key: str = ""
    tip: Callable[[Any], str] | None = None
    spare: bool = False


class RowModel(QAbstractTableModel):
    """The fetched rows."""

    def __init__(self, columns: Sequence[Column], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: list[Any] = []

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        column = self.columns[index.column()]
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return as_text(column.cell(row))
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(column.tip(row) if column.tip is not None else as_text(column.cell(row)))
        return None

    def cell(self, row: int, column: int) -> tuple[str, object]:
        """See `cells.Cells`. A row that has gone since is empty."""
        found = self.columns[column]
        return found.kind, found.cell(self.rows[row]) if row < len(self.rows) else ""

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(self.columns):
            column = self.columns[section]
            if role == Qt.ItemDataRole.DisplayRole:
                return column.title
            if role == Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.kind == "number" else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def replace(self, rows: Sequence[Any]) -> None:
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def refresh(self, rows: Sequence[Any]) -> None:
        """The same rows with other values: no place in the table changes."""
        self.rows = list(rows)
        if rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self.columns) - 1))

    def append(self, rows: Sequence[Any]) -> None:
        if rows:
            self.beginInsertRows(QModelIndex(), len(self.rows), len(self.rows) + len(rows) - 1)
            self.rows.extend(rows)
            self.endInsertRows()


class RowTable(QTableView):
    """A real table: header, whole-row selection, keyboard, and the next page when the end comes near."""

    opened = Signal(object)
    picked = Signal(object)
    more_wanted = Signal()
    sort_wanted = Signal(str, bool)

    def __init__(
        self,
        name: str,
        columns: Sequence[Column],
        row_key: Callable[[Any], str] = _identity,
        fits: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_name(self, name)
        self._row_key = row_key
        self._fits = fits
        self._more = False
        self._asked = False
        self._replacing = False
        self._model = RowModel(columns, self)
        self.setModel(self._model)
        self.setItemDelegate(CellDelegate(self._model, self))
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(SIZE.row)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head = self.horizontalHeader()
        head.setFixedHeight(SIZE.header)
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSectionsClickable(any(column.key for column in columns))
        head.sectionClicked.connect(self._header_clicked)
        self._sorted = ("", False)
        if fits:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.verticalScrollBar().valueChanged.connect(lambda _: self._near_end())
        self.doubleClicked.connect(lambda index: self.opened.emit(self._model.rows[index.row()]))
        self.selectionModel().currentRowChanged.connect(lambda now, _: self._current_changed(now))

    def set_rows(self, rows: Sequence[Any], more: bool = False) -> None:
        """Show these rows instead; the selected row stays selected where it is still there. `more`: a page follows."""
        if [self._row_key(row) for row in rows] == [self._row_key(row) for row in self._model.rows]:
            # a table that is made anew between the two presses of a double click does not open
            self._model.refresh(rows)
            self._settle(more)
            return
        kept, place = self.current_row(), self.verticalScrollBar().value()
        top = self.rowAt(0) if place else -1
        stays = self._row_key(self._model.rows[top]) if top >= 0 else None
        self._replacing = True
        self._model.replace(rows)
        if kept is not None:
            self.select(self._row_key(kept))
        self._replacing = False
        if stays is not None:
            # somebody reads here: what comes above must not push it away
            now = next((at for at, row in enumerate(rows) if self._row_key(row) == stays), top)
            place += (now - top) * SIZE.row
        self.updateGeometries()
        self.verticalScrollBar().setValue(place)
        self._settle(more)

    def renew_rows(self, rows: Sequence[Any], more: bool = False) -> bool:
        """The first rows have been read again; those that are shown behind the last of them stay.

        True where there are such: then the next page is still the one that follows them, whatever `more` says.
        """
        last = self._row_key(rows[-1]) if rows else ""
        shown = self._model.rows
        behind = next((at + 1 for at, row in enumerate(shown) if self._row_key(row) == last), len(shown))
        if not more or behind >= len(shown):
            self.set_rows(rows, more)
            return False
        self.set_rows((*rows, *shown[behind:]), self._more)
        return True

    def add_rows(self, rows: Sequence[Any], more: bool = False) -> None:
        """The next page."""
        self._model.append(rows)
        self._settle(more)

    def rows(self) -> tuple[Any, ...]:
        """What has been fetched."""
        return tuple(self._model.rows)

    def current_row(self) -> Any | None:
        """The selected row."""
        index = self.currentIndex()
        return self._model.rows[index.row()] if index.isValid() and index.row() < len(self._model.rows) else None

    def select(self, key: str) -> bool:
        """Select the row with this key; false where it has not been fetched."""
        for place, row in enumerate(self._model.rows):
            if self._row_key(row) == key:
                self.selectionModel().setCurrentIndex(
                    self._model.index(place, 0),
                    QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows,
                )
                return True
        return False

    def show_sorted(self, key: str, descending: bool) -> None:
        """Mark the column by which the rows were sorted elsewhere."""
        self._sorted = (key, descending)
        head = self.horizontalHeader()
        for place, column in enumerate(self._model.columns):
            if column.key == key:
                head.setSortIndicatorShown(True)
                order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
                head.setSortIndicator(place, order)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.current_row()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and row is not None:
            self.opened.emit(row)
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()
        self._near_end()

    def _current_changed(self, now: QModelIndex) -> None:
        if not self._replacing and now.isValid():
            self.picked.emit(self._model.rows[now.row()])

    def _header_clicked(self, section: int) -> None:
        key = self._model.columns[section].key
        if key:
            descending = not self._sorted[1] if self._sorted[0] == key else False
            self.show_sorted(key, descending)
            self.sort_wanted.emit(key, descending)

    def _settle(self, more: bool) -> None:
        self._more = more
        self._asked = False
        if self._fits:
            rows = max(len(self._model.rows), 1)
            self.setFixedHeight(SIZE.header + rows * SIZE.row + SPACE.hair)
        self._near_end()

    def _near_end(self) -> None:
        """Reckoned from the rows: the scroll bar does not know them before the next layout."""
        below = len(self._model.rows) * SIZE.row - self.verticalScrollBar().value() - self.viewport().height()
        if self._more and not self._asked and below <= _FETCH_AHEAD * SIZE.row:
            self._asked = True
            self.more_wanted.emit()

    def _share_width(self) -> None:
        letter = self.fontMetrics().averageCharWidth()
        columns = self._model.columns
        least = {
            place: (column.width or max(_LEAST_SHARED, len(column.title))) * letter + 2 * SPACE.m
            for place, column in enumerate(columns)
        }
        room = self.viewport().width()
        for place in reversed(range(len(columns))):
            self.setColumnHidden(place, columns[place].spare and sum(least.values()) > room)
            if self.isColumnHidden(place):
                del least[place]
        shared = {place: columns[place].stretch for place in least if not columns[place].width}
        widths = {place: width for place, width in least.items() if place not in shared}
        # who would get less than its title needs takes that, and the others share what is left
        for place in sorted(shared, key=lambda each: self._title_width(each) / shared[each], reverse=True):
            share = (room - sum(widths.values())) * shared[place] // sum(shared.values())
            widths[place] = max(share, self._title_width(place))
            del shared[place]
        # a bar to scroll sideways would lie over the last row: words that are elided are read in their tip
        spared = {
            place: max(0, widths[place] - self._title_width(place))
            for place in widths
            if columns[place].width and columns[place].kind in ("text", "mono")
        }
        over = min(max(0, sum(widths.values()) - room), sum(spared.values()))
        for place, slack in spared.items():
            widths[place] -= -(-over * slack // max(1, sum(spared.values())))
        for place, width in widths.items():
            self.setColumnWidth(place, width)

    def _title_width(self, place: int) -> int:
        return self.horizontalHeader().sectionSizeHint(place)
