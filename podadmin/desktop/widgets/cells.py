"""How a table draws its cells: plain text on the header's own left edge, badges, spark lines, and the row line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SIZE, SPACE, TYPE
from podadmin.desktop.widgets.badge import BadgeSpec, draw_badge

KIND_ROLE: Final = int(Qt.ItemDataRole.UserRole) + 1
CELL_ROLE: Final = int(Qt.ItemDataRole.UserRole) + 2
_SELECTED, _HOVERED = QStyle.StateFlag.State_Selected, QStyle.StateFlag.State_MouseOver
_LEFT: Final = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine
_RIGHT: Final = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine


class CellDelegate(QStyledItemDelegate):
    """Draws everything itself, so that cells and header share one padding and every row has its line."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours = style.colours()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        selected = _SELECTED in state
        painter.save()
        if selected:
            painter.fillRect(rect, QColor(colours.accent_fill))
        elif _HOVERED in state:
            painter.fillRect(rect, QColor(colours.hover))
        painter.setPen(QPen(QColor(colours.border), SIZE.line))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        self._focus(painter, rect, index)
        room = QRectF(rect).adjusted(SPACE.m, 0, -SPACE.m, -SIZE.line)
        kind = index.data(KIND_ROLE)
        cell = index.data(CELL_ROLE)
        if kind == "badge" and isinstance(cell, BadgeSpec):
            draw_badge(painter, room, cell)
        elif kind == "spark" and isinstance(cell, Sequence):
            draw_spark(painter, room.adjusted(0, SPACE.s, 0, -SPACE.s), [float(v) for v in cell])
        else:
            mono = kind == "mono"
            painter.setFont(_font(mono))
            painter.setPen(QColor(colours.text))
            words = fitted(str(index.data(Qt.ItemDataRole.DisplayRole) or ""), int(room.width()) + 1, mono)
            painter.drawText(room, _RIGHT if kind == "number" else _LEFT, words)
        painter.restore()

    def _focus(self, painter: QPainter, rect: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        """A bar at the left edge of the current row while the keyboard is in the table."""
        table = self.parent()
        if (
            isinstance(table, QTableView)
            and table.hasFocus()
            and index.column() == 0
            and table.currentIndex().row() == index.row()
        ):
            edge = QRect(rect.left(), rect.top(), SIZE.arming, rect.height() - SIZE.line)
            painter.fillRect(edge, QColor(style.colours().focus))


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
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(style.colours().series_1), SIZE.focus, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPolyline(line)
