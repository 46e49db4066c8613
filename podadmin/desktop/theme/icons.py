"""Lucide icons in the colours of the theme: rendered when first asked for, kept, crisp at every scale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from podadmin.core.resources import resource
from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SIZE


@lru_cache(maxsize=256)
def _svg(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=1024)
def _drawn(name: str, colour: str, size: int, scale: float, gap: int = 0) -> QPixmap:
    shape = QSvgRenderer(QByteArray(_svg(name).replace("currentColor", colour).encode()))
    side = round(size * scale)
    picture = QPixmap(QSize(side + round(gap * scale), side))
    picture.fill(QColor(Qt.GlobalColor.transparent))
    painter = QPainter(picture)
    shape.render(painter, QRectF(0, 0, side, side))
    painter.end()
    picture.setDevicePixelRatio(scale)
    return picture


def colour_of(ink: str) -> str:
    """The colour that a token of `Colours` has in the present theme."""
    return str(getattr(style.colours(), ink))


def pixmap(name: str, ink: str = "muted", size: int = SIZE.icon, scale: float = 1.0) -> QPixmap:
    """The icon `name` in the colour of the token `ink`, `size` units wide on a screen of `scale`."""
    return _drawn(name, colour_of(ink), size, scale)


def icon(name: str, ink: str = "muted", checked: str | None = None, size: int = SIZE.icon, gap: int = 0) -> QIcon:
    """A QIcon with a disabled look, and another colour while checked where `checked` names one.

    `gap` is empty room at the right, for buttons whose words would stand too close.
    """
    made = QIcon()
    scale = sharpest()
    made.addPixmap(_drawn(name, colour_of(ink), size, scale, gap))
    made.addPixmap(_drawn(name, colour_of("faint"), size, scale, gap), QIcon.Mode.Disabled)
    if checked is not None:
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Active, QIcon.Mode.Selected):
            made.addPixmap(_drawn(name, colour_of(checked), size, scale, gap), mode, QIcon.State.On)
    return made


def sharpest() -> float:
    """The scale of the sharpest screen. Widgets draw their icons anew when it changes (`style.is_change`)."""
    return max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)
