"""How a table draws its cells: plain text on the header's own left edge, badges, spark lines, and the row line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SIZE, SPACE, TYPE
from podadmin.desktop.widgets.badge import BadgeSpec, draw_badge

KIND_ROLE: Final = int(Qt.ItemDataRole.UserRole) + 1
CELL_ROLE: Final = int(Qt.ItemDataRole.UserRole) + 2


class CellDelegate(QStyledItemDelegate):
    """Draws everything itself, so that cells and header share one padding and every row has its line."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours = style.colours()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        if selected:
            painter.fillRect(rect, QColor(colours.accent_fill))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colours.hover))
        painter.setPen(QPen(QColor(colours.border), SIZE.line))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        self._focus(painter, rect, index)
        room = QRectF(rect).adjusted(SPACE.m, 0, -SPACE.m, -SIZE.line)
        kind = index.data(int(KIND_ROLE))
        cell = index.data(int(CELL_ROLE))
        if kind == "badge" and isinstance(cell, BadgeSpec):
            draw_badge(painter, room, cell)
        elif kind == "spark" and isinstance(cell, Sequence):
            draw_spark(painter, room.adjusted(0, SPACE.s, 0, -SPACE.s), [float(v) for v in cell])
        else:
            number = kind == "number"
            mono = kind == "mono"
            painter.setFont(style.font(TYPE.note if mono else TYPE.body, QFont.Weight.Normal, mono=mono))
            painter.setPen(QColor(colours.text))
            side = Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft
            words = painter.fontMetrics().elidedText(
                str(index.data(Qt.ItemDataRole.DisplayRole) or ""), Qt.TextElideMode.ElideMiddle, int(room.width()) + 1
            )
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | side | Qt.TextFlag.TextSingleLine, words)
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
