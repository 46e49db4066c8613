"""Labels that show plain text and nothing else: markup stays visible, invisible characters become escapes."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QEnterEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolTip, QWidget

from podadmin.core.text import elide, visible

_SHOWN_AT_MOST: Final = 20_000
_TIP_AT_MOST: Final = 600
_LINE_AT_MOST: Final = 2_000
_SELECTS: Final = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
_MARKUP: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}


def shown(text: str, *, one_line: bool) -> str:
    """What a label shows of `text`: made visible and cut in the middle, so that a megabyte cannot stop the window."""
    limit = _LINE_AT_MOST if one_line else _SHOWN_AT_MOST
    if len(text) > 4 * limit:
        text = text[: 2 * limit] + "…" + text[-2 * limit :]
    return elide(visible(text, one_line=one_line), limit)


def set_name(widget: QWidget, name: str) -> None:
    """What a screen reader calls a widget. A name can be made of strangers' text as well as any other words."""
    widget.setAccessibleName(elide(shown(name, one_line=True), _TIP_AT_MOST))


def plain_tip(text: str) -> str:
    """A tooltip that Qt draws exactly as `text` reads, whatever markup is in it, wrapped to a readable width."""
    if not text:
        return ""
    safe = elide(shown(text, one_line=False), _TIP_AT_MOST).translate(_MARKUP)
    return "<qt>" + safe.replace("\n", "<br>") + "</qt>"


def set_tip(widget: QWidget, text: str) -> None:
    """The tooltip, and the same words for a screen reader."""
    widget.setToolTip(plain_tip(text))
    widget.setAccessibleDescription(elide(shown(text, one_line=True), _TIP_AT_MOST))


class PlainLabel(QLabel):
    """Text in one of the roles of the type scale. `setText` takes strangers' text as it came."""

    def __init__(
        self,
        text: str = "",
        role: str = "body",
        tone: str = "plain",
        wrap: bool = False,
        selectable: bool = False,
        mono: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._one_line = not wrap
        self._raw = ""
        self._heights: dict[int, int] = {}
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        self.setProperty("role", role)
        self.setProperty("tone", tone)
        self.setProperty("mono", mono)
        if wrap:
            policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
            policy.setHeightForWidth(True)
            self.setSizePolicy(policy)
        else:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._selectable = selectable
        self.setText(text)

    def setText(self, text: str) -> None:
        self._raw = text
        self._heights.clear()
        super().setText(shown(text, one_line=self._one_line))

    def heightForWidth(self, width: int) -> int:
        """Kept for each width: layouts ask for the same ones again and again, and shaping text is most of it."""
        height = self._heights.get(width)
        if height is None:
            height = self._heights[width] = super().heightForWidth(width)
        return height

    def changeEvent(self, event: QEvent) -> None:
        self._heights.clear()
        super().changeEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Text can be selected once the pointer has come to it.

        Qt lays selectable text out as a document of its own, anew for every width that it is asked about: a page of it
        would take twice as long to come.
        """
        super().enterEvent(event)
        if self._selectable and self.textInteractionFlags() != _SELECTS:
            self.setTextInteractionFlags(_SELECTS)

    def setTextFormat(self, _: Qt.TextFormat) -> None:
        """Plain, whatever is asked for."""
        super().setTextFormat(Qt.TextFormat.PlainText)

    def raw(self) -> str:
        """The text as it came, not made visible: for comparing, never for showing."""
        return self._raw

    def set_tip(self, text: str) -> None:
        """A plain tooltip."""
        set_tip(self, text)

    def setToolTip(self, text: str) -> None:
        """Plain as well; a tip that `plain_tip` made is taken as it is."""
        super().setToolTip(text if text.startswith("<qt>") else plain_tip(text))

    def set_tone(self, tone: str) -> None:
        """Colour the text by a tone."""
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            self.style().unpolish(self)
            self.style().polish(self)


class ElidedLabel(PlainLabel):
    """One line that loses its middle when there is no room; the tooltip then has the whole text.

    `from_start`: it loses its end, for a sentence of ours whose first words are what counts.
    """

    def __init__(
        self,
        text: str = "",
        role: str = "body",
        tone: str = "plain",
        mono: bool = False,
        from_start: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        self._lost = Qt.TextElideMode.ElideRight if from_start else Qt.TextElideMode.ElideMiddle
        self._whole = ""
        self._tip = ""
        super().__init__("", role, tone, mono=mono, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        self._whole = shown(text, one_line=True)
        self._raw = text
        self.setAccessibleName(self._whole)
        self.updateGeometry()
        self._fit()

    def set_tip(self, text: str) -> None:
        self._tip = text
        self._fit()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        hint.setWidth(self.fontMetrics().horizontalAdvance(self._whole) + 1)
        return hint

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        hint.setWidth(self.fontMetrics().horizontalAdvance("…") * 4)
        return hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        fitted = self.fontMetrics().elidedText(self._whole, self._lost, max(self.width(), 1))
        if QLabel.text(self) != fitted:
            QLabel.setText(self, fitted)
        set_tip(self, self._tip or (self._raw if fitted != self._whole else ""))


def hide_tips() -> None:
    """Take away a tooltip that is on screen."""
    QToolTip.hideText()
