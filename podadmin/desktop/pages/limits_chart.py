"""Use added up by day with its limit, and how it is expected to go on: a line, its middle, and the band round it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SIZE, SPACE, TYPE
from podadmin.desktop.widgets.chart import Chart, nice_top, short_day
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.words import amount

PAST_DAYS: Final = 90
_BAND_INK: Final = 0.16


def dense(points: Sequence[tuple[str, float]], until: str, most: int = PAST_DAYS) -> tuple[tuple[str, float], ...]:
    """A value for every day: days between keep the value before them. At most `most` days, the last one `until`."""
    if not points:
        return ()
    known = dict(points)
    first = max(date.fromisoformat(points[0][0]), date.fromisoformat(until) - timedelta(days=most - 1))
    last, found = max(date.fromisoformat(until), date.fromisoformat(points[-1][0])), []
    value = max((used for day, used in points if day <= first.isoformat()), default=0.0)
    for ahead in range((last - first).days + 1):
        day = (first + timedelta(days=ahead)).isoformat()
        value = known.get(day, value)
        found.append((day, value))
    return tuple(found)


class ForecastChart(Chart):
    """What was used up to today, and the band in which use is expected to go on."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._past: tuple[tuple[str, float], ...] = ()
        self._ahead: tuple[tuple[str, float, float, float], ...] = ()
        self._limit: float | None = None

    def set_use(
        self,
        past: Sequence[tuple[str, float]],
        ahead: Sequence[tuple[str, float, float, float]] = (),
        limit: float | None = None,
    ) -> None:
        """`past` as (ISO date, used up to its end) for every day; `ahead` as (ISO date, low, middle, high)."""
        self._past, self._ahead, self._limit = tuple(past), tuple(ahead), limit
        self._days = tuple(day for day, _ in past) + tuple(day for day, *_ in ahead)
        shown = [used for _, used in past] + [limit or 0.0]
        if ahead:
            shown.append(max(ahead[-1][2], min(ahead[-1][3], (limit or 0.0) * 1.2)))
        self._top = nice_top(max(shown) * 1.05)
        self._tell()

    def _words(self) -> str:
        if not self._past:
            return "Nothing was used yet."
        first, last = self._past[0], self._past[-1]
        words = (
            f"Use added up from {short_day(first[0])} to {short_day(last[0])}: from {amount(first[1])} to "
            f"{amount(last[1])} inferences."
        )
        if self._limit is not None:
            words += f" The limit is {amount(self._limit)}."
        if self._ahead:
            day, low, middle, high = self._ahead[-1]
            words += (
                f" By {short_day(day)} it is expected to come to {amount(round(middle))}, in four cases out of five to "
                f"between {amount(round(low))} and {amount(round(high))}."
            )
        return words

    def words_at(self, point: QPointF) -> str:
        plot = self.plot()
        if not self._days or not plot.contains(point):
            return ""
        place = round((point.x() - plot.left()) / plot.width() * (len(self._days) - 1))
        if place < len(self._past):
            return f"{short_day(self._days[place])}: {amount(self._past[place][1])} used"
        day, low, middle, high = self._ahead[place - len(self._past)]
        return (
            f"{short_day(day)}: about {amount(round(middle))}, {amount(round(low))} to {amount(round(high))} expected"
        )

    def as_table(self) -> RowTable:
        past = [(day, amount(used), "") for day, used in self._past]
        ahead = [
            (day, amount(round(middle)), f"{amount(round(low))} to {amount(round(high))}")
            for day, low, middle, high in self._ahead
        ]
        columns = [
            Column("Day", lambda line: line[0], width=14),
            Column("Inferences", lambda line: line[1], "number", width=14),
            Column("Expected, in four cases out of five", lambda line: line[2]),
        ]
        table = RowTable(self._name, columns, row_key=lambda line: line[0])
        table.set_rows([*reversed(past), *ahead])
        return table

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._frame(painter, centred=False)
        painter.setClipRect(self.plot().adjusted(-SPACE.hair, -SPACE.s, SPACE.hair, SPACE.hair))
        if self._past:
            self._paint_band(painter)
            self._paint_past(painter)
        painter.setClipping(False)
        if self._limit is not None:
            self._paint_limit(painter, self._limit)
        painter.end()

    def _paint_past(self, painter: QPainter) -> None:
        points = [QPointF(self._x(place, False), self._y(used)) for place, (_, used) in enumerate(self._past)]
        pen = QPen(QColor(style.colours().series_1), SIZE.focus)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(points))

    def _paint_band(self, painter: QPainter) -> None:
        if not self._ahead:
            return
        start = len(self._past)
        now = QPointF(self._x(start - 1, False), self._y(self._past[-1][1]))
        low = [now] + [QPointF(self._x(start + n, False), self._free_y(each[1])) for n, each in enumerate(self._ahead)]
        high = [now] + [QPointF(self._x(start + n, False), self._free_y(each[3])) for n, each in enumerate(self._ahead)]
        soft = QColor(style.colours().series_1)
        soft.setAlphaF(_BAND_INK)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(soft)
        painter.drawPolygon(QPolygonF([*high, *reversed(low)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        middle = [now] + [
            QPointF(self._x(start + n, False), self._free_y(each[2])) for n, each in enumerate(self._ahead)
        ]
        painter.setPen(QPen(QColor(style.colours().series_1), SIZE.focus - SIZE.line / 2, Qt.PenStyle.DashLine))
        painter.drawPolyline(QPolygonF(middle))

    def _free_y(self, value: float) -> float:
        """As `_y`, and on beyond the top: what lies outside is cut off, not bent."""
        plot = self.plot()
        return plot.bottom() - plot.height() * value / self._top

    def _paint_limit(self, painter: QPainter, limit: float) -> None:
        plot, y = self.plot(), self._y(limit)
        painter.setFont(style.font(TYPE.small))
        painter.setPen(QPen(QColor(style.colours().bad), SIZE.focus - SIZE.line / 2, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        words = f"Limit {amount(limit)}"
        width = QFontMetricsF(painter.font()).horizontalAdvance(words) + SPACE.s
        above = QRectF(plot.left() + SPACE.s, y - SPACE.l - SPACE.hair, width, SPACE.l)
        painter.drawText(above, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
