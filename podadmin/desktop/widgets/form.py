"""Labelled fields: the label is the accessible name, help stands below, and an error says what is wrong there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from podadmin.desktop.theme import icons, style
from podadmin.desktop.theme.tokens import RADIUS, SIZE, SPACE
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.layout import Fitting, row
from podadmin.desktop.widgets.text import PlainLabel, set_name, set_tip, shown

_SETTLE_MS: Final = 250
LONGEST_LINE: Final = 4096
"""As many characters as a line may have: the length of the longest path; shaping more would stop the window."""


class Field(Fitting):
    """A label, an editor, a help line and an error line."""

    changed = Signal()

    def __init__(self, label: str, editor: QWidget, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = editor
        self._label = PlainLabel(label.replace("&", "&&"), "label")
        self._label.setBuddy(editor)
        set_name(editor, label)
        self._help = PlainLabel(hint, "small", wrap=True, parent=self)
        self._help.setVisible(bool(hint))
        self._error = PlainLabel("", "small", "bad", wrap=True)
        self._error.setVisible(False)
        if hint:
            set_tip(editor, hint)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(SPACE.xs)
        self.column.addWidget(self._label)
        self.column.addWidget(editor)
        self.column.addWidget(self._help)
        self.column.addWidget(self._error)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    def set_error(self, text: str) -> None:
        """Say what is wrong with the value; nothing is wrong where `text` is empty."""
        if text == self._error.raw():
            return
        self._error.setText(text)
        self._error.setVisible(bool(text))
        self.editor.setProperty("bad", bool(text))
        self.editor.style().unpolish(self.editor)
        self.editor.style().polish(self.editor)
        set_tip(self.editor, text or self._help.raw())

    def set_help(self, text: str) -> None:
        """Another help line."""
        self._help.setText(text)
        self._help.setVisible(bool(text))


class TextField(Field):
    """One line of text; `secret` hides what is typed."""

    def __init__(
        self,
        label: str,
        value: str = "",
        hint: str = "",
        placeholder: str = "",
        secret: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        self.line = QLineEdit()
        self.line.setMaxLength(LONGEST_LINE)
        self.line.setText(value)
        self.line.setPlaceholderText(placeholder)
        if secret:
            self.line.setEchoMode(QLineEdit.EchoMode.Password)
        super().__init__(label, self.line, hint, parent)
        self.line.textChanged.connect(lambda _: self.changed.emit())

    def value(self) -> str:
        return self.line.text()

    def set_value(self, value: str) -> None:
        self.line.setText(value)


class LongField(Field):
    """Several lines of text. Tab moves on, as everywhere."""

    def __init__(
        self, label: str, value: str = "", hint: str = "", placeholder: str = "", parent: QWidget | None = None
    ) -> None:
        self.edit = QPlainTextEdit(value)
        self.edit.setPlaceholderText(placeholder)
        self.edit.setTabChangesFocus(True)
        self.edit.setFixedHeight(SIZE.reason)
        super().__init__(label, self.edit, hint, parent)
        self.edit.textChanged.connect(self.changed.emit)

    def value(self) -> str:
        return self.edit.toPlainText()

    def set_value(self, value: str) -> None:
        self.edit.setPlainText(value)


class Choice(QComboBox):
    """A combo box with an arrow of our own: the one of the style does not follow the theme."""

    def __init__(self, name: str, choices: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_name(self, name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        for key, words in choices:
            self.addItem(words, key)

    def addItem(self, text: str, userData: object = None) -> None:  # type: ignore[override]
        """Strangers' words as they came; the key by which they are chosen is kept as it is."""
        super().addItem(shown(text, one_line=True), userData)

    def addItems(self, texts: Sequence[str]) -> None:
        """The same for words that are no more than words."""
        for text in texts:
            self.addItem(text)

    def value(self) -> str:
        """The key of what is chosen."""
        return str(self.currentData() or "")

    def set_value(self, key: str) -> None:
        self.setCurrentIndex(max(self.findData(key), 0))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        ink = "muted" if self.isEnabled() else "faint"
        arrow = icons.pixmap("chevron-down", ink, SIZE.icon_small, max(self.devicePixelRatioF(), 1.0))
        left = self.width() - SPACE.s - SIZE.icon_small
        painter.drawPixmap(QPointF(left, (self.height() - SIZE.icon_small) / 2), arrow)
        painter.end()


class ChoiceField(Field):
    """One of few, as (key, words)."""

    def __init__(
        self,
        label: str,
        choices: Sequence[tuple[str, str]],
        value: str = "",
        hint: str = "",
        parent: QWidget | None = None,
    ) -> None:
        self.choice = Choice(label, choices)
        if value:
            self.choice.set_value(value)
        super().__init__(label, self.choice, hint, parent)
        self.choice.currentIndexChanged.connect(lambda _: self.changed.emit())

    def value(self) -> str:
        return self.choice.value()

    def set_value(self, value: str) -> None:
        self.choice.set_value(value)


class CheckBox(QCheckBox):
    """A check box drawn from the tokens."""

    def __init__(self, text: str, checked: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(shown(text, one_line=True).replace("&", "&&"), parent)
        self.setChecked(checked)

    def paintEvent(self, _: QPaintEvent) -> None:
        colours = style.colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = (self.height() - SIZE.check) / 2
        half = SIZE.line / 2
        box = QRectF(half, top + half, SIZE.check - SIZE.line, SIZE.check - SIZE.line)
        on = self.isChecked()
        edge = colours.accent if on else colours.strong_border
        fill = colours.accent if on else colours.surface
        if not self.isEnabled():
            edge, fill = colours.border, colours.sunken
        painter.setPen(QPen(QColor(edge), SIZE.line))
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(box, RADIUS.small, RADIUS.small)
        scale = max(self.devicePixelRatioF(), 1.0)
        if on:
            ink = "on_accent" if self.isEnabled() else "faint"
            inset = (SIZE.check - SIZE.icon_small) / 2
            painter.drawPixmap(QPointF(inset, top + inset), icons.pixmap("check", ink, SIZE.icon_small, scale))
        painter.setPen(QColor(colours.text if self.isEnabled() else colours.faint))
        painter.setFont(self.font())
        room = QRectF(self.rect()).adjusted(SIZE.check + SPACE.s, 0, 0, 0)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(room, flags, self.text().replace("&&", "&"))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.focus), SIZE.focus))
            painter.drawRoundedRect(box.adjusted(0, 0, 0, 0), RADIUS.small, RADIUS.small)
        painter.end()


class CheckField(Field):
    """Yes or no. The text is the name; there is no second label."""

    def __init__(self, text: str, checked: bool = False, hint: str = "", parent: QWidget | None = None) -> None:
        self.box = CheckBox(text, checked)
        super().__init__(text, self.box, hint, parent)
        self._label.setVisible(False)
        self.box.toggled.connect(lambda _: self.changed.emit())

    def value(self) -> bool:
        return self.box.isChecked()

    def set_value(self, value: bool) -> None:
        self.box.setChecked(value)


class PathField(TextField):
    """A file or folder: typed, or picked in the system's own window. `kind`: file | save | folder."""

    def __init__(
        self,
        label: str,
        kind: str = "file",
        hint: str = "",
        filters: str = "",
        placeholder: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(label, "", hint, placeholder, parent=parent)
        self._kind, self._filters = kind, filters
        browse = QuietButton("Browse…", self._browse, "folder-open", f"Browse for: {label}")
        place = self.column.indexOf(self.line)
        self.column.removeWidget(self.line)
        self.column.insertLayout(place, row((self.line, 1), browse))

    def _browse(self) -> None:
        dialog = QFileDialog(self.window(), "Choose a file or folder", self.value(), self._filters)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self._kind == "folder":
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        elif self._kind == "save":
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.fileSelected.connect(self.set_value)
        dialog.open()


class SearchEdit(QLineEdit):
    """A search line; `settled` comes once typing has stopped for a moment."""

    settled = Signal(str)

    def __init__(
        self,
        name: str,
        placeholder: str = "",
        on_settled: Callable[[str], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_name(self, name)
        self.setPlaceholderText(placeholder)
        self.setTextMargins(SPACE.xl, 0, 0, 0)
        self.setMinimumWidth(SIZE.search // 2)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_SETTLE_MS)
        self._pause.timeout.connect(lambda: self.settled.emit(self.text().strip()))
        self.textChanged.connect(lambda _: self._pause.start())
        self.returnPressed.connect(self._now)
        if on_settled is not None:
            act = on_settled
            self.settled.connect(lambda text: act(text))

    def sizeHint(self) -> QSize:
        """Wide enough for some words; where there is little room it gives half of that to its neighbours."""
        hint = super().sizeHint()
        hint.setWidth(SIZE.search)
        return hint

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        mark = icons.pixmap("search", "muted", SIZE.icon_small, max(self.devicePixelRatioF(), 1.0))
        painter.drawPixmap(QPointF(SPACE.m, (self.height() - SIZE.icon_small) / 2), mark)
        painter.end()

    def _now(self) -> None:
        self._pause.stop()
        self.settled.emit(self.text().strip())
