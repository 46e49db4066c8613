"""How a table draws its cells: plain text on the header's own left edge, badges, spark lines, and the row line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final, Protocol

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SIZE, SPACE, TYPE
from podadmin.desktop.widgets.badge import BadgeSpec, draw_badge
from podadmin.desktop.widgets.text import shown

_SELECTED: Final = QStyle.StateFlag.State_Selected.value
_HOVERED: Final = QStyle.StateFlag.State_MouseOver.value
_LEFT: Final = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine
_RIGHT: Final = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine


class Cells(Protocol):
    """A model that tells its cells to Python directly: a table asks for hundreds of them whenever it is painted, and
    each question that goes through Qt costs more than its answer."""

    def cell(self, row: int, column: int) -> tuple[str, object]:
        """The kind of a column (see `table.Kind`) and what a row has in it."""
        ...


class CellDelegate(QStyledItemDelegate):
    """Draws everything itself, so that cells and header share one padding and every row has its line."""

    def __init__(self, cells: Cells, parent: QTableView) -> None:
        super().__init__(parent)
        self._cells = cells
        self._table = parent

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours = style.colours()
        rect: QRect = option.rect
        state: int = option.state.value
        row, column = index.row(), index.column()
        if state & _SELECTED:
            painter.fillRect(rect, _colour(colours.accent_fill))
        elif state & _HOVERED:
            painter.fillRect(rect, _colour(colours.hover))
        left, top, width, height = rect.left(), rect.top(), rect.width(), rect.height()
        painter.fillRect(left, top + height - SIZE.line, width, SIZE.line, _colour(colours.border))
        if column == 0 and self._table.hasFocus() and self._table.currentIndex().row() == row:
            # a bar at the left edge of the current row while the keyboard is in the table
            painter.fillRect(left, top, SIZE.arming, height - SIZE.line, _colour(colours.focus))
        room = QRectF(left + SPACE.m, top, width - 2 * SPACE.m, height - SIZE.line)
        kind, cell = self._cells.cell(row, column)
        if kind == "badge" and isinstance(cell, BadgeSpec):
            draw_badge(painter, room, cell)
        elif kind == "spark" and not isinstance(cell, str) and isinstance(cell, Sequence):
            draw_spark(painter, room.adjusted(0, SPACE.s, 0, -SPACE.s), [float(v) for v in cell])
        else:
            mono = kind == "mono"
            painter.setFont(_font(mono))
            painter.setPen(_colour(colours.text))
            words = fitted(as_text(cell), width - 2 * SPACE.m + 1, mono)
            painter.drawText(room, _RIGHT if kind == "number" else _LEFT, words)


def as_text(cell: object) -> str:
    """What a cell says in words."""
    if isinstance(cell, BadgeSpec):
        return cell.shown
    if isinstance(cell, str):
        return shown(cell, one_line=True)
    if isinstance(cell, Sequence) and cell:
        return f"{len(cell)} value{'' if len(cell) == 1 else 's'}, last {cell[-1]:g}"
    return "" if cell is None else str(cell)


@lru_cache(maxsize=64)
def _colour(name: str) -> QColor:
    return QColor(name)


@cache
def _font(mono: bool) -> QFont:
    return style.font(TYPE.note if mono else TYPE.body, mono=mono)


@lru_cache(maxsize=4096)
def fitted(text: str, room: int, mono: bool) -> str:
    """The text of a cell as it fits into so many units. To shape it takes most of the time that a table is painted."""
    return QFontMetrics(_font(mono)).elidedText(text, Qt.TextElideMode.ElideMiddle, room)


def draw_spark(painter: QPainter, room: QRectF, values: Sequence[float]) -> None:
    """A small line of the values, from zero, without axes."""
    if len(values) < 2:
        return
    top = max(values) or 1.0
    width = min(room.width(), float(SIZE.spark_width))
    line = QPolygonF(
        [
            QPointF(room.left() + width * place / (len(values) - 1), room.bottom() - room.height() * value / top)
            for place, value in enumerate(values)
        ]
    )
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(style.colours().series_1), SIZE.focus, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPolyline(line)
    painter.restore()
