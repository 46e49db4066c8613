"""What a list or card shows when there is nothing, not yet, not any more, or not all of it to show."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QStackedWidget, QVBoxLayout, QWidget

from podadmin.core.errors import PodadminError
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import Button, PrimaryButton, QuietButton
from podadmin.desktop.widgets.layout import STRETCH, clear, row
from podadmin.desktop.widgets.text import PlainLabel

_CENTRE = Qt.AlignmentFlag.AlignHCenter


class EmptyState(QWidget):
    """An icon, what is so, why, and what to do next, in the middle of the room there is."""

    def __init__(
        self, icon: str, title: str, words: str, *buttons: Button, ink: str = "faint", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SPACE.xl, SPACE.xxl, SPACE.xl, SPACE.xxl)
        outer.setSpacing(SPACE.s)
        outer.addStretch(1)
        outer.addWidget(IconMark(icon, ink, SIZE.icon_large), 0, _CENTRE)
        outer.addSpacing(SPACE.xs)
        head = PlainLabel(title, "heading", wrap=True)
        head.setAlignment(_CENTRE)
        outer.addWidget(head)
        text = PlainLabel(words, "muted", wrap=True, selectable=True, parent=self)
        text.setMaximumWidth(SIZE.state_text)
        text.setAlignment(_CENTRE | Qt.AlignmentFlag.AlignTop)
        text.setVisible(bool(words))
        outer.addLayout(row(STRETCH, (text, SIZE.state_text), STRETCH))
        if buttons:
            outer.addSpacing(SPACE.s)
            line = row(*buttons)
            line.setAlignment(_CENTRE)
            outer.addLayout(line)
        outer.addStretch(2)


class StateView(QWidget):
    """Holds the content and shows one of the designed states in its place where that is the truth."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content = content
        self.showing = "loading"
        self._awaited = ""
        self._partial = QVBoxLayout()
        self._stack = QStackedWidget()
        self._holder = QWidget()
        self._holder.setProperty("ground", "clear")
        self._inner = QVBoxLayout(self._holder)
        self._inner.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(content)
        self._stack.addWidget(self._holder)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(SPACE.s)
        outer.addLayout(self._partial)
        outer.addWidget(self._stack, 1)
        self.show_content()

    def show_content(self) -> None:
        """The content itself, all of it."""
        self.showing = "content"
        clear(self._partial)
        self._stack.setCurrentWidget(self.content)
        clear(self._inner)

    def show_loading(self, words: str = "Loading") -> None:
        """Not yet."""
        if self.showing == "loading" and words == self._awaited:
            return
        self._awaited = words
        state = EmptyState("hourglass", words, "")
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        bar.setFixedWidth(SIZE.search // 2)
        bar.setAccessibleName(words)
        layout = state.layout()
        if isinstance(layout, QVBoxLayout):
            layout.insertWidget(layout.count() - 1, bar, 0, _CENTRE)
        self._show("loading", state)

    def show_empty(
        self, icon: str, title: str, words: str, action: str = "", on_action: Callable[[], object] | None = None
    ) -> None:
        """Nothing there, and what to do about it."""
        buttons = (PrimaryButton(action, on_action),) if action else ()
        self._show("empty", EmptyState(icon, title, words, *buttons))

    def show_error(self, error: PodadminError, retry: Callable[[], object] | None = None) -> None:
        """What happened, why, what to do, and the code."""
        buttons = (QuietButton("Try again", retry, "refresh-cw"),) if retry is not None else ()
        words = f"{error.why} {error.next_step}\n{error.code}"
        self._show("error", EmptyState("triangle-alert", error.what, words, *buttons, ink="bad"))

    def show_partial(self, words: str, action: str = "", on_action: Callable[[], object] | None = None) -> None:
        """The content, but not all of it or not fresh, and why."""
        self.show_content()
        self.showing = "partial"
        self._partial.addWidget(Banner("warn", words, action, on_action))

    def _show(self, name: str, state: QWidget) -> None:
        self.showing = name
        clear(self._partial)
        clear(self._inner)
        self._inner.addWidget(state)
        self._stack.setCurrentWidget(self._holder)
