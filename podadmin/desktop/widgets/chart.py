"""Charts drawn by our own hand: a line over time with its limit, and stacked bars by day.

Each says in words what it shows, for a screen reader, and can be read as a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QLocale, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QToolTip, QWidget

from podadmin.core.text import visible
from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import RADIUS, SIZE, SPACE, TYPE
from podadmin.desktop.widgets.accessible import CHART
from podadmin.desktop.widgets.buttons import GhostButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.layout import row, wrap
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel, plain_tip, set_name
from podadmin.desktop.widgets.words import amount

if TYPE_CHECKING:
    from podadmin.app.views.overview import DayCounts

_STEPS: Final = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0)
_LINES: Final = 4
_TONE_COLOURS: Final = {
    "info": "series_1",
    "good": "series_2",
    "warn": "series_3",
    "bad": "series_4",
    "plain": "series_5",
}


def nice_top(highest: float) -> float:
    """A round number at or above `highest` that four equal steps divide well; 4 for nothing."""
    if highest <= _LINES:
        return float(_LINES)
    power = 1.0
    while highest / _LINES > power * _STEPS[-1]:
        power *= 10
    whole = (step * power * _LINES for step in _STEPS if (step * power).is_integer())
    return next(top for top in whole if top >= highest)


def short_day(iso: str) -> str:
    """`21 Nov` for an ISO date; what is no date is shown as it is."""
    try:
        day = date.fromisoformat(iso[:10])
    except ValueError:
        return iso
    return f"{day.day} {QLocale().monthName(day.month, QLocale.FormatType.ShortFormat)}"


@dataclass(frozen=True)
class _Cells:
    cells: tuple[str, ...]


class Chart(QWidget):
    """What both charts share: frame, axes, grid, hover and words."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._days: tuple[str, ...] = ()
        self._top = float(_LINES)
        self.setProperty(CHART, True)
        set_name(self, name)
        self.setMouseTracking(True)
        self.setMinimumHeight(SIZE.chart)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(SIZE.sheet, SIZE.chart)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if style.is_change(event):
            self.update()

    def plot(self) -> QRectF:
        """Where the values are drawn."""
        return QRectF(self.rect()).adjusted(SIZE.chart_axis, SPACE.s, -SPACE.s, -SPACE.xl)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        words = self.words_at(event.position())
        if words:
            QToolTip.showText(event.globalPosition().toPoint(), plain_tip(words), self)
        else:
            QToolTip.hideText()

    def words_at(self, _: QPointF) -> str:
        """What the chart shows at a point."""
        return ""

    def _frame(self, painter: QPainter, centred: bool) -> None:
        colours, plot = style.colours(), self.plot()
        painter.setFont(style.font(TYPE.small))
        metrics = QFontMetricsF(painter.font())
        for line in range(_LINES + 1):
            y = plot.bottom() - plot.height() * line / _LINES
            dashed = Qt.PenStyle.DashLine if line else Qt.PenStyle.SolidLine
            painter.setPen(QPen(QColor(colours.border), SIZE.line, dashed))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(QColor(colours.muted))
            label = QRectF(0, y - SPACE.s, SIZE.chart_axis - SPACE.s, 2 * SPACE.s)
            words = _axis(self._top * line / _LINES)
            painter.drawText(label, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        if not self._days:
            return
        widest = max(metrics.horizontalAdvance(short_day(day)) for day in self._days) + SPACE.l
        every = max(1, -(-int(len(self._days) * widest) // max(int(plot.width()), 1)))
        for place in range(0, len(self._days), every):
            words = short_day(self._days[place])
            width = metrics.horizontalAdvance(words)
            x = self._x(place, centred)
            left = min(max(x - width / 2, 0.0), self.width() - width)
            painter.drawText(QPointF(left, self.height() - SPACE.xs), words)

    def _x(self, place: int, centred: bool) -> float:
        plot = self.plot()
        if centred:
            return plot.left() + plot.width() * (place + 0.5) / max(len(self._days), 1)
        return plot.left() + plot.width() * place / max(len(self._days) - 1, 1)

    def _y(self, value: float) -> float:
        plot = self.plot()
        return plot.bottom() - plot.height() * min(value / self._top, 1.0)

    def _tell(self) -> None:
        """There are other values: say in words what they are, and draw them."""
        self.setAccessibleDescription(visible(self._words()))
        self.update()

    def _words(self) -> str:
        """What the chart shows, for a screen reader. Days and names in it may be strangers' words."""
        raise NotImplementedError

    def as_table(self) -> RowTable:
        """The same numbers as a table."""
        raise NotImplementedError


def _axis(value: float) -> str:
    for limit, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if value >= limit:
            return f"{value / (limit if letter != 'k' else 1_000):g} {letter}"
    return amount(value) if value >= 1_000 else f"{value:g}"


def _numbers(name: str, titles: Sequence[str], lines: Sequence[Sequence[str]]) -> RowTable:
    columns = [
        Column(
            title,
            lambda line, place=place: line.cells[place],  # type: ignore[misc]
            "number" if place else "text",
        )
        for place, title in enumerate(titles)
    ]
    table = RowTable(name, columns, row_key=lambda line: line.cells[0])
    table.set_rows([_Cells(tuple(line)) for line in lines])
    return table


class LineChart(Chart):
    """Values by day as a line over a soft area, with the limit as a dashed line that is named."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._values: tuple[float, ...] = ()
        self._limit: float | None = None
        self._unit = ""

    def set_series(self, points: Sequence[tuple[str, float]], limit: float | None = None, unit: str = "") -> None:
        """`points` as (ISO date, value) in order; `limit` is drawn where there is one."""
        self._days = tuple(day for day, _ in points)
        self._values = tuple(value for _, value in points)
        self._limit, self._unit = limit, unit
        self._top = nice_top(max([*self._values, limit or 0.0]) * 1.05)
        self._tell()

    def _words(self) -> str:
        limit = f" The limit is {amount(self._limit)} {self._unit}." if self._limit is not None else ""
        if not self._values:
            return "No values yet." + limit
        first, last = short_day(self._days[0]), short_day(self._days[-1])
        return (
            f"{len(self._values)} values from {first} to {last}: first {amount(self._values[0])}, "
            f"last {amount(self._values[-1])}, highest {amount(max(self._values))} {self._unit}.{limit}"
        )

    def words_at(self, point: QPointF) -> str:
        plot = self.plot()
        if not self._values or not plot.contains(point):
            return ""
        place = round((point.x() - plot.left()) / plot.width() * (len(self._values) - 1))
        return f"{short_day(self._days[place])}: {amount(self._values[place])} {self._unit}"

    def as_table(self) -> RowTable:
        lines = [(day, amount(value)) for day, value in zip(self._days, self._values, strict=True)]
        return _numbers(self._name, ("Day", self._unit.capitalize() or "Value"), lines)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._frame(painter, centred=False)
        colours, plot = style.colours(), self.plot()
        if self._values:
            points = [QPointF(self._x(i, False), self._y(value)) for i, value in enumerate(self._values)]
            if len(points) == 1:
                points = [QPointF(plot.left(), points[0].y()), QPointF(plot.right(), points[0].y())]
            area = QPainterPath(QPointF(points[0].x(), plot.bottom()))
            for point in points:
                area.lineTo(point)
            area.lineTo(points[-1].x(), plot.bottom())
            shade = QLinearGradient(plot.topLeft(), plot.bottomLeft())
            soft, gone = QColor(colours.series_1), QColor(colours.series_1)
            soft.setAlphaF(0.28)
            gone.setAlphaF(0.02)
            shade.setColorAt(0, soft)
            shade.setColorAt(1, gone)
            painter.fillPath(area, shade)
            pen = QPen(QColor(colours.series_1), SIZE.focus)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawPolyline(QPolygonF(points))
        if self._limit is not None:
            y = self._y(self._limit)
            painter.setPen(QPen(QColor(colours.bad), SIZE.focus - SIZE.line / 2, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            words = f"Limit {amount(self._limit)}"
            width = QFontMetricsF(painter.font()).horizontalAdvance(words)
            painter.drawText(QPointF(plot.right() - width, y - SPACE.xs), words)
        painter.end()


class BarChart(Chart):
    """Counts by day, stacked, with a legend of icon-free swatches and words."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._counts: tuple[DayCounts, ...] = ()
        self._series: tuple[tuple[str, str, str], ...] = ()

    def set_days(self, days: Sequence[DayCounts], series: Sequence[tuple[str, str, str]]) -> None:
        """`series` as (key in the counts, words, tone or `series_1`…`series_5`), drawn from the bottom up."""
        self._counts = tuple(days)
        self._series = tuple(series)
        self._days = tuple(day.day for day in days)
        self._top = nice_top(max((self._sum(day) for day in days), default=0.0))
        self._tell()

    def _sum(self, day: DayCounts) -> float:
        return sum(day.counts.get(key, 0.0) for key, _, _ in self._series)

    def _words(self) -> str:
        if not any(self._sum(day) for day in self._counts):
            return "Nothing in this time."
        sums = ", ".join(
            f"{words} {amount(sum(day.counts.get(key, 0.0) for day in self._counts))}" for key, words, _ in self._series
        )
        return f"{len(self._counts)} days from {short_day(self._days[0])} to {short_day(self._days[-1])}: {sums}."

    def plot(self) -> QRectF:
        return super().plot().adjusted(0, SPACE.xl, 0, 0)

    def words_at(self, point: QPointF) -> str:
        plot = self.plot()
        if not self._counts or not plot.contains(point):
            return ""
        place = min(int((point.x() - plot.left()) / plot.width() * len(self._counts)), len(self._counts) - 1)
        day = self._counts[place]
        parts = [f"{words} {amount(day.counts.get(key, 0.0))}" for key, words, _ in self._series]
        return f"{short_day(day.day)}: " + ", ".join(parts)

    def as_table(self) -> RowTable:
        lines = [[day.day, *(amount(day.counts.get(key, 0.0)) for key, _, _ in self._series)] for day in self._counts]
        return _numbers(self._name, ("Day", *(words for _, words, _ in self._series)), lines)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._legend(painter)
        self._frame(painter, centred=True)
        plot = self.plot()
        width = min(plot.width() / max(len(self._counts), 1) * 0.6, float(SIZE.chart_bar))
        for place, day in enumerate(self._counts):
            bottom = plot.bottom()
            shown = [(key, tone) for key, _, tone in self._series if day.counts.get(key, 0.0) > 0]
            for number, (key, tone) in enumerate(shown):
                height = plot.height() * day.counts[key] / self._top
                bar = QRectF(self._x(place, True) - width / 2, bottom - height, width, height)
                bottom -= height
                last = number == len(shown) - 1
                # a line of the ground between two parts: who cannot tell their colours apart sees where one ends
                gap = 0.0 if last or height <= 2 * SPACE.hair else float(SPACE.hair)
                self._bar(painter, bar.adjusted(0, gap, 0, 0), tone, last)
        painter.end()

    def _bar(self, painter: QPainter, bar: QRectF, tone: str, last: bool) -> None:
        path = QPainterPath()
        round_off = min(float(RADIUS.small), bar.height() / 2, bar.width() / 2) if last else 0.0
        path.addRoundedRect(bar, round_off, round_off)
        if round_off:
            square = QPainterPath()
            square.addRect(bar.adjusted(0, bar.height() / 2, 0, 0))
            path = path.united(square)
        painter.fillPath(path, QColor(_series_colour(tone)))

    def _legend(self, painter: QPainter) -> None:
        painter.setFont(style.font(TYPE.note))
        metrics = QFontMetricsF(painter.font())
        x = float(SIZE.chart_axis)
        for _, words, tone in self._series:
            swatch = QRectF(x, SPACE.xs, SPACE.s + SPACE.hair, SPACE.s + SPACE.hair)
            path = QPainterPath()
            path.addRoundedRect(swatch, SPACE.hair, SPACE.hair)
            painter.fillPath(path, QColor(_series_colour(tone)))
            painter.setPen(QColor(style.colours().muted))
            painter.drawText(QPointF(swatch.right() + SPACE.s, swatch.bottom()), words)
            x = swatch.right() + SPACE.s + metrics.horizontalAdvance(words) + SPACE.l


def _series_colour(tone: str) -> str:
    return str(getattr(style.colours(), _TONE_COLOURS.get(tone, tone)))


class ChartCard(Card):
    """A chart with its title, and a switch that shows the same numbers as a table."""

    def __init__(self, title: str, chart: Chart, parent: QWidget | None = None) -> None:
        self._switch = GhostButton("Show as table", self._turn, "table-2", f"Show as table: {title}")
        super().__init__(title, action=self._switch, parent=parent)
        self._title_words = title
        self.chart = chart
        self._stack = QStackedWidget()
        self._stack.setFixedHeight(SIZE.chart)
        self._stack.addWidget(chart)
        self.note = PlainLabel("", "small", wrap=True)
        self.note.setVisible(False)
        self.body.addWidget(self._stack)
        self.body.addWidget(self.note)

    def refresh(self) -> None:
        """Call after the chart has got other values: an open table then shows them too."""
        if self._stack.currentWidget() is not self.chart:
            self._drop_table()
            self._show_table()

    def _turn(self) -> None:
        if self._stack.currentWidget() is self.chart:
            self._show_table()
        else:
            self._drop_table()
        as_table = self._stack.currentWidget() is self.chart
        words = "Show as table" if as_table else "Show as chart"
        self._switch.set_words(words)
        self._switch.setAccessibleName(f"{words}: {self._title_words}")

    def _show_table(self) -> None:
        holder = wrap(row(self.chart.as_table()))
        self._stack.addWidget(holder)
        self._stack.setCurrentWidget(holder)

    def _drop_table(self) -> None:
        holder = self._stack.currentWidget()
        self._stack.setCurrentWidget(self.chart)
        if holder is not None:
            self._stack.removeWidget(holder)
            holder.deleteLater()
