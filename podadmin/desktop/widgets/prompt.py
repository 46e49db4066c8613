"""Sheets: questions that lie over the window and wait without blocking anything.

A sheet runs no event loop of its own. Closing it in any way other than its own act decides nothing. Enter never
presses the act: the act is never a default button and never has the focus first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from podadmin.core.errors import PodadminError
from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.armed import ArmedButton
from podadmin.desktop.widgets.banner import IconMark
from podadmin.desktop.widgets.buttons import Button, DestroyButton, IconButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.facts import FactList
from podadmin.desktop.widgets.form import Field, LongField, TextField
from podadmin.desktop.widgets.layout import STRETCH, row
from podadmin.desktop.widgets.text import PlainLabel, set_name


class Sheet(QWidget):
    """A panel over `host`. Fill `body`, put buttons into `buttons_row`, then `open()`."""

    def __init__(self, host: QWidget, title: str, words: str = "", icon: str = "", ink: str = "muted") -> None:
        super().__init__(host)
        self._host = host
        self._returns_to: QWidget | None = None
        set_name(self, title)
        self.panel = QFrame()
        self.panel.setProperty("card", "sheet")
        set_name(self.panel, title)
        inner = QVBoxLayout(self.panel)
        inner.setContentsMargins(SPACE.xl, SPACE.l, SPACE.l, SPACE.xl)
        inner.setSpacing(SPACE.m)
        self._close = IconButton("x", "Close and decide nothing", self.dismiss)
        head = QHBoxLayout()
        head.setSpacing(SPACE.s)
        if icon:
            head.addWidget(IconMark(icon, ink))
        head.addWidget(PlainLabel(title, "heading", wrap=True), 1)
        head.addWidget(self._close)
        inner.addLayout(head)
        rest = QVBoxLayout()
        rest.setContentsMargins(0, 0, SPACE.s, 0)
        rest.setSpacing(SPACE.l)
        if words:
            rest.addWidget(PlainLabel(words, "body", wrap=True, selectable=True))
        self.body = QVBoxLayout()
        self.body.setSpacing(SPACE.m)
        self.buttons_row = row(STRETCH)
        rest.addLayout(self.body)
        rest.addLayout(self.buttons_row)
        inner.addLayout(rest)
        outer = QVBoxLayout(self)
        outer.addWidget(self.panel, 0, Qt.AlignmentFlag.AlignCenter)
        self.panel.setFixedWidth(SIZE.sheet)
        host.installEventFilter(self)
        self.hide()

    def open(self, first: QWidget | None = None) -> None:
        """Show it; `first` gets the keyboard, else the button that closes."""
        self._returns_to = QApplication.focusWidget()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._keep_keyboard)
        for button in self._host.findChildren(ArmedButton):
            button.rearm()
        self.setGeometry(self._host.rect())
        self.show()
        self.raise_()
        (first or self._close).setFocus(Qt.FocusReason.PopupFocusReason)

    def dismiss(self) -> None:
        """Close it; nothing is decided by that."""
        back = self._returns_to
        self._host.removeEventFilter(self)
        self.hide()
        self.setParent(None)
        self.deleteLater()
        if back is not None and _alive(back) and back.isVisible():
            back.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._host and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._host.rect())
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """The keyboard stays in the sheet while it is open."""
        chain = [
            child
            for child in self.findChildren(QWidget)
            if child.focusPolicy() & Qt.FocusPolicy.TabFocus and child.isVisible() and child.isEnabled()
        ]
        if not chain:
            return True
        ordered: list[QWidget] = []
        walker = self.nextInFocusChain()
        while walker is not None and walker is not self:
            if walker in chain:
                ordered.append(walker)
            walker = walker.nextInFocusChain()
        now = QApplication.focusWidget()
        place = ordered.index(now) if now in ordered else -1
        step = 1 if forward else -1
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        ordered[(place + step) % len(ordered)].setFocus(reason)
        return True

    def _keep_keyboard(self, before: QWidget | None, now: QWidget | None) -> None:
        """A page that comes late may take the keyboard for one of its fields: not from what lies over it."""
        if now is None or not self.isVisible() or not self._host.isAncestorOf(now):
            return
        above: QWidget | None = now
        while above is not None and not isinstance(above, Sheet):
            above = above.parentWidget()
        if above is None:
            inside = before is not None and _alive(before) and before.isEnabled() and self.isAncestorOf(before)
            (before if before is not None and inside else self._close).setFocus(Qt.FocusReason.PopupFocusReason)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(style.colours().veil))
        painter.end()


def _alive(widget: QWidget) -> bool:
    from shiboken6 import isValid

    return isValid(widget)


class Question(Sheet):
    """A sheet with fields and one act, which waits for what is `missing` in them."""

    confirm: Button
    _asked: list[Field]

    def ask(self, confirm: Button, *parts: QWidget) -> None:
        """The last step of building: fields and what else is in the body, and the act with Cancel beside it."""
        self.confirm = confirm
        self._asked = [each for each in parts if isinstance(each, Field)]
        for each in parts:
            self.body.addWidget(each)
        for field in self._asked:
            field.changed.connect(self.check)
        self.buttons_row.addWidget(QuietButton("Cancel", self.dismiss))
        self.buttons_row.addWidget(confirm)
        self.check()

    def open(self, first: QWidget | None = None) -> None:
        shown = (each.editor for each in self._asked if each.isVisibleTo(self))
        super().open(first or next(shown, None))

    def check(self) -> None:
        """May it be done with what is entered?"""
        why = self.missing()
        self.confirm.set_permit(not why, why)

    def missing(self) -> str:
        """What is still to be entered, as the button says it; empty where nothing is."""
        raise NotImplementedError


class ReasonPrompt(Question):
    """Asks for a reason and then acts. With `required` the act stays disabled until something is written."""

    def __init__(
        self,
        host: QWidget,
        title: str,
        words: str,
        confirm: str,
        on_confirm: Callable[[str], object],
        required: bool = True,
        danger: bool = True,
        label: str = "Reason",
        hint: str = "",
    ) -> None:
        super().__init__(host, title, words)
        self._required, self._act = required, on_confirm
        self.field = LongField(label, hint=hint)
        kind: type[Button] = DestroyButton if danger else PrimaryButton
        self.ask(kind(confirm, self._confirm), self.field)

    def missing(self) -> str:
        written = bool(self.field.value().strip())
        return "" if written or not self._required else "Write a reason first: it is recorded in the journal."

    def _confirm(self) -> None:
        reason, act = self.field.value().strip(), self._act
        if not self.missing():
            self.dismiss()
            act(reason)


class NamePrompt(Question):
    """For what cannot be undone: says what will be lost, and acts once the name has been typed."""

    def __init__(
        self,
        host: QWidget,
        title: str,
        words: str,
        loses: Sequence[str],
        name: str,
        confirm: str,
        on_confirm: Callable[[], object],
    ) -> None:
        super().__init__(host, title, words, "triangle-alert", "bad")
        self._name, self._act = name, on_confirm
        if loses:
            self.body.addWidget(PlainLabel("What will be lost", "medium"))
            self.body.addWidget(FactList(loses, "bad", "circle-minus"))
        self.field = TextField(f"Type {name} to go on")
        self.ask(DestroyButton(confirm, self._confirm), self.field)

    def missing(self) -> str:
        return "" if self.field.value() == self._name else f"Type {self._name} first."

    def _confirm(self) -> None:
        act = self._act
        if not self.missing():
            self.dismiss()
            act()


class InfoSheet(Sheet):
    """Explains something; there is nothing to decide."""

    def __init__(self, host: QWidget, title: str, words: str, icon: str = "circle-help") -> None:
        super().__init__(host, title, "", icon, "accent_text")
        self.body.addWidget(_long_text(words))
        self._done = QuietButton("Close", self.dismiss)
        self.buttons_row.addWidget(self._done)

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self._done)


class ErrorSheet(Sheet):
    """An error with its what, why, next step and code. Nothing else of it is ever shown."""

    def __init__(self, host: QWidget, error: PodadminError) -> None:
        super().__init__(host, error.what, "", "circle-x", "bad")
        self.body.addWidget(PlainLabel(error.why, "body", wrap=True, selectable=True))
        self.body.addWidget(PlainLabel(error.next_step, "medium", wrap=True, selectable=True))
        self.body.addWidget(PlainLabel(error.code, "small", selectable=True, mono=True))
        self._done = QuietButton("Close", self.dismiss)
        self.buttons_row.addWidget(self._done)

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self._done)


def _long_text(words: str) -> QWidget:
    label = PlainLabel(words, "body", wrap=True, selectable=True)
    if len(words) < SIZE.window_width:
        return label
    area = QScrollArea()
    area.setAccessibleName("Text")
    area.setWidgetResizable(True)
    area.setMinimumHeight(SIZE.palette_list)
    area.setWidget(label)
    return area
