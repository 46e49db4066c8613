"""How the values of a column lie: a bar for each span of values, or for each of a few values."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SPACE, TYPE
from podadmin.desktop.widgets.chart import Chart, nice_top
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.words import whole

_GAP = 0.12


class Histogram(Chart):
    """Bars over (from, to, rows). Where from and to are the same, the bar stands for one value."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._bars: tuple[tuple[str, str, int], ...] = ()

    def set_bars(self, bars: Sequence[tuple[str, str, int]]) -> None:
        """Show these."""
        self._bars = tuple(bars)
        self._top = nice_top(float(max((rows for _, _, rows in bars), default=0)))
        self._tell()

    def _words(self) -> str:
        if not self._bars:
            return "Nothing to draw."
        low, high, rows = max(self._bars, key=lambda bar: bar[2])
        most = f"most rows ({whole(rows)}) at {_span(low, high)}"
        return f"{len(self._bars)} bars from {self._bars[0][0]} to {self._bars[-1][1]}; {most}."

    def words_at(self, point: QPointF) -> str:
        plot = self.plot()
        if not self._bars or not plot.contains(point):
            return ""
        place = min(int((point.x() - plot.left()) / plot.width() * len(self._bars)), len(self._bars) - 1)
        low, high, rows = self._bars[place]
        return f"{_span(low, high)}: {whole(rows)} rows"

    def as_table(self) -> RowTable:
        columns = [
            Column("Values", lambda bar: _span(bar[0], bar[1])),
            Column("Rows", lambda bar: whole(bar[2]), "number", width=14),
        ]
        table = RowTable(self._name, columns, row_key=lambda bar: f"{bar[0]}\n{bar[1]}")
        table.set_rows(self._bars)
        return table

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._frame(painter, centred=True)
        plot, colours = self.plot(), style.colours()
        width = plot.width() / max(len(self._bars), 1)
        for place, (_low, _high, rows) in enumerate(self._bars):
            height = plot.height() * rows / self._top
            left = plot.left() + place * width + width * _GAP / 2
            painter.fillRect(QRectF(left, plot.bottom() - height, width * (1 - _GAP), height), QColor(colours.series_1))
        painter.setFont(style.font(TYPE.small))
        painter.setPen(QColor(colours.muted))
        if self._bars:
            self._ends(painter, QFontMetricsF(painter.font()), plot, width)
        painter.end()

    def _ends(self, painter: QPainter, metrics: QFontMetricsF, plot: QRectF, width: float) -> None:
        """What the bars stand for: each of a few, or the ends of many."""
        named = [(low, plot.left() + (place + 0.5) * width) for place, (low, _, _) in enumerate(self._bars)]
        widest = max(metrics.horizontalAdvance(words) for words, _ in named) + SPACE.s
        single = all(low == high for low, high, _ in self._bars)
        if not single or widest * len(named) > plot.width():
            named = [(self._bars[0][0], plot.left()), (self._bars[-1][1], plot.right())]
        for words, x in named:
            room = metrics.horizontalAdvance(words)
            left = min(max(x - room / 2, 0.0), self.width() - room)
            box = QRectF(left, plot.bottom() + SPACE.xs, room + 1, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"
