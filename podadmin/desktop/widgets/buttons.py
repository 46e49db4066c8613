"""Buttons. A button that may not be pressed says why; approving is a button of its own kind (see armed.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from podadmin.desktop.theme import icons, style
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.armed import ArmedButton as ArmedButton
from podadmin.desktop.widgets.keyboard import Fallen
from podadmin.desktop.widgets.text import set_name, set_tip, shown

_ICON_TOKENS = {
    "primary": "on_accent",
    "destroy": "on_danger",
    "danger": "bad",
    "ghost": "accent_text",
    "search": "muted",
    "nav": "muted",
}


class Button(QPushButton):
    """A button of the kit; use the named kinds below."""

    kind = "quiet"
    icon_gap = SPACE.xs

    def __init__(
        self,
        text: str,
        on_click: Callable[[], object] | None = None,
        icon: str = "",
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon
        self._tip = ""
        self._fallen = Fallen()
        self.setProperty("kind", self.kind)
        self.setAutoDefault(False)
        self.setDefault(False)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.set_words(text)
        if name:
            set_name(self, name)
        if on_click is not None:
            act = on_click
            self.clicked.connect(lambda *_: act())

    def set_words(self, text: str) -> None:
        """Other words on the button; `&` is shown as it is."""
        self.setText(shown(text, one_line=True).replace("&", "&&"))

    def set_icon(self, name: str) -> None:
        """Another icon; none where `name` is empty."""
        self._icon_name = name
        self._draw_icon()

    def set_help(self, text: str) -> None:
        """What the button does, as tooltip and for a screen reader."""
        self._tip = text
        set_tip(self, text)

    @property
    def holds_keyboard(self) -> bool:
        """Is the keyboard on it, or will it come back to it once the button may be pressed again?"""
        return self.hasFocus() or self._fallen.lies_there

    def set_permit(self, allowed: bool, reason: str = "") -> None:
        """Enable, or disable with the reason where a person looks for it.

        The keyboard that was on it comes back to it, unless a person has moved it meanwhile.
        """
        held = self.hasFocus()
        self.setEnabled(allowed)
        if held and not allowed:
            self._fallen.note(held)
        elif allowed:
            if self._fallen.lies_there and self.isVisible():
                self.setFocus()
            self._fallen.forget()
        set_tip(self, self._tip if allowed else reason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if style.is_change(event):
            self._draw_icon()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # where the window has a style sheet, the icon was drawn when the button came into it
        if self._icon_name and self.icon().isNull():
            self._draw_icon()

    def _draw_icon(self) -> None:
        if self._icon_name:
            ink = _ICON_TOKENS.get(self.kind, "text")
            gap = self.icon_gap if self.text() else 0
            self.setIconSize(QSize(SIZE.icon + gap, SIZE.icon))
            self.setIcon(icons.icon(self._icon_name, ink, "accent_text" if self.isCheckable() else None, gap=gap))


class QuietButton(Button):
    """An act that is neither the main one nor dangerous."""


class PrimaryButton(Button):
    """The main act of a page or sheet; at most one in sight."""

    kind = "primary"


class DangerButton(Button):
    """Opens something dangerous; the danger itself is done by a DestroyButton in a sheet."""

    kind = "danger"


class DestroyButton(Button):
    """Does what cannot be undone."""

    kind = "destroy"


class GhostButton(Button):
    """A quiet act inside a card."""

    kind = "ghost"


class IconButton(Button):
    """An icon alone; `name` is what a screen reader and the tooltip say."""

    kind = "icon"

    def __init__(
        self, icon: str, name: str, on_click: Callable[[], object] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__("", on_click, icon, name, parent)
        self.set_help(name)


class _Tab(Button):
    kind = "tab"


class TabRow(QWidget):
    """A choice of one among few, side by side: filters and views."""

    picked = Signal(str)

    def __init__(
        self,
        choices: Sequence[tuple[str, str]],
        name: str,
        on_pick: Callable[[str], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_name(self, name)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE.xs)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._buttons: dict[str, Button] = {}
        for key, words in choices:
            button = _Tab(words)
            button.setCheckable(True)
            button.clicked.connect(lambda *_, key=key: self.picked.emit(key))
            self._group.addButton(button)
            self._buttons[key] = button
            line.addWidget(button)
        line.addStretch(1)
        if choices:
            self.pick(choices[0][0])
        if on_pick is not None:
            act = on_pick
            self.picked.connect(lambda key: act(key))

    @property
    def current(self) -> str:
        """The key of the choice that is on."""
        return next((key for key, button in self._buttons.items() if button.isChecked()), "")

    def pick(self, key: str) -> None:
        """Turn a choice on without telling anyone."""
        self._buttons[key].setChecked(True)

    def set_words(self, key: str, words: str) -> None:
        """Other words on one choice, for counts."""
        self._buttons[key].set_words(words)
