"""Status as an icon, a word and a colour together: never by colour alone."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final, NamedTuple

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from podadmin.core.text import stranger
from podadmin.desktop.theme import icons, style
from podadmin.desktop.theme.tokens import SIZE, SPACE, TONE_ICONS, TYPE, Colours, tone_colours

_TONE_TOKENS = {"info": "accent_text", "good": "good", "warn": "warn", "bad": "bad"}
_WORD_AT_MOST: Final = 60
_LEFT: Final = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


class BadgeSpec(NamedTuple):
    """What a badge says. `icon` overrides the icon of the tone."""

    tone: str
    word: str
    icon: str = ""

    @property
    def shown(self) -> str:
        """The word as it may stand on a screen: where it is the name of a state, that can be anybody's."""
        return stranger(self.word, _WORD_AT_MOST)


@cache
def badge_font() -> QFont:
    """The font of badge words."""
    return style.font(TYPE.note, QFont.Weight.Medium)


@lru_cache(maxsize=1024)
def badge_width(spec: BadgeSpec) -> int:
    """How wide a badge wants to be."""
    words = QFontMetrics(badge_font()).horizontalAdvance(spec.shown)
    return words + SIZE.icon_small + SPACE.xs + 2 * SPACE.s


@lru_cache(maxsize=1024)
def _fitted(spec: BadgeSpec, room: int) -> str:
    return QFontMetrics(badge_font()).elidedText(spec.shown, Qt.TextElideMode.ElideRight, room)


def draw_badge(painter: QPainter, room: QRectF, spec: BadgeSpec) -> None:
    """Draw the badge at the left of `room`, on its middle line, cut to its width."""
    width = min(badge_width(spec), int(room.width()))
    if width > 0:
        scale = max(painter.device().devicePixelRatioF(), 1.0)
        top = round(room.center().y() - SIZE.badge / 2)
        painter.drawPixmap(QPointF(room.left(), top), _drawn(spec, style.colours(), width, scale))


@lru_cache(maxsize=512)
def _drawn(spec: BadgeSpec, theme: Colours, width: int, scale: float) -> QPixmap:
    """Made once: tables show the same few badges in every row."""
    made = QPixmap(round(width * scale), round(SIZE.badge * scale))
    made.setDevicePixelRatio(scale)
    made.fill(QColor(0, 0, 0, 0))
    text_colour, fill = tone_colours(theme, spec.tone)
    pill = QRectF(0, 0, width, SIZE.badge)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(fill))
    painter.drawRoundedRect(pill, SIZE.badge / 2, SIZE.badge / 2)
    name = spec.icon or TONE_ICONS.get(spec.tone, "circle-dot")
    mark = icons.pixmap(name, _TONE_TOKENS.get(spec.tone, "muted"), SIZE.icon_small, scale)
    painter.drawPixmap(QPointF(SPACE.s, (SIZE.badge - SIZE.icon_small) / 2), mark)
    painter.setPen(QColor(text_colour))
    painter.setFont(badge_font())
    words = pill.adjusted(SPACE.s + SIZE.icon_small + SPACE.xs, 0, -SPACE.s, 0)
    painter.drawText(words, _LEFT, _fitted(spec, int(words.width()) + 1))
    painter.end()
    return made


class Badge(QWidget):
    """A badge that stands by itself."""

    def __init__(self, spec: BadgeSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec = spec
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set(spec)

    def set(self, spec: BadgeSpec) -> None:
        """Say something else."""
        self._spec = spec
        self.setAccessibleName(spec.shown)
        self.updateGeometry()
        self.update()

    def text(self) -> str:
        """The word."""
        return self._spec.shown

    def sizeHint(self) -> QSize:
        return QSize(badge_width(self._spec), SIZE.badge)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        draw_badge(painter, QRectF(self.rect()), self._spec)
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if style.is_change(event):
            self.update()
