"""What every page is: a header, a body with its states, help in place, and a refresh when its things change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from time import perf_counter
from typing import Any, ClassVar, Final, Protocol

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget
from shiboken6 import isValid

from podadmin.core.errors import PodadminError
from podadmin.desktop.session import RunningJob, Session
from podadmin.desktop.slices import Part, Slices, at_once
from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.layout import clear, column, scrolling, wrap
from podadmin.desktop.widgets.text import PlainLabel

_PAUSE: Final = 2.0
"""Where changes come without end, reading a page takes a third of the time at most."""
_LONGEST_PAUSE_MS: Final = 2000


class Desk(Protocol):
    """What a page may ask of the window around it."""

    @property
    def session(self) -> Session:
        """Reads, writes and news."""

    @property
    def sheet_host(self) -> QWidget:
        """The widget over which sheets open."""

    def go(self, page: str, subject: str = "") -> None:
        """Open a page by name, and in it the thing called `subject`."""

    def say(self, text: str, tone: str = "good") -> None:
        """A passing line in the status line: something was done."""

    def show_error(self, error: PodadminError) -> None:
        """An error sheet, for what no page can show better."""


class Page(QWidget):
    """Base of all pages. Override the class values, `build` and `refresh`; `open_subject` for links into the page.

    The window makes a page with `sliced`: it is then built in turns once it is in front, reads when it is complete, and
    shows until then that it is coming. Who leaves it meanwhile ends that until they come back.
    """

    completed = Signal()
    """Once: it is built, and has asked what it shows."""
    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    kinds: ClassVar[frozenset[str]] = frozenset()
    help_text: ClassVar[str] = ""
    scrolls: ClassVar[bool] = True
    """False for a page whose own table fills the height."""

    def __init__(self, desk: Desk, parent: QWidget | None = None, sliced: bool = False) -> None:
        super().__init__(parent)
        self.desk = desk
        self.stale = True
        self.ready = False
        self._on_arrival = ""
        self._sliced = sliced
        self._building = Slices(self)
        self._showing: dict[str, Slices] = {}
        self._reading = 0
        self._loaded = False
        self._changed_meanwhile = False
        self.setAccessibleName(self.title or self.name)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(SPACE.xl, SPACE.l, SPACE.xl, SPACE.s)
        head.setSpacing(SPACE.s)
        self._title = PlainLabel(self.title or self.name, "title")
        self._actions = QHBoxLayout()
        self._actions.setSpacing(SPACE.s)
        head.addWidget(self._title)
        head.addStretch(1)
        head.addLayout(self._actions)
        outer.addLayout(head)
        self._notices = QVBoxLayout()
        self._notices.setContentsMargins(SPACE.xl, 0, SPACE.xl, 0)
        outer.addLayout(self._notices)
        self.body = column(gap=SPACE.l)
        self.body.setContentsMargins(SPACE.xl, SPACE.s, SPACE.xl, SPACE.xl)
        self.state = StateView(scrolling(self.body) if self.scrolls else wrap(self.body))
        outer.addWidget(self.state, 1)
        parts = self.build()
        if sliced and parts is not None:
            self.state.show_loading(self._coming)
            self._building.begin(self._in_parts(parts), self._built)
        else:
            at_once(parts)
            self._built()

    @property
    def session(self) -> Session:
        """Reads, writes and news."""
        return self.desk.session

    @property
    def busy(self) -> bool:
        """Is something of it still being built or shown, part by part?"""
        return self._building.busy or any(slices.busy for slices in self._showing.values())

    @property
    def _coming(self) -> str:
        return f"Loading {(self.title or self.name).lower()}"

    def build(self) -> Iterable[object] | None:
        """Put the widgets into `body`. Called once. Where that is much, yield after every part of it."""
        return None

    def _in_parts(self, parts: Iterable[object]) -> Iterator[object]:
        for part in parts:
            yield part
            # what is not seen yet gets its look now, and not all of it when it is shown
            yield from style.dressed(self.state.content)

    def _built(self) -> None:
        if self.scrolls:
            self.body.addStretch(1)
        self.session.on_change(self, self.kinds, self._changed)
        self.ready = True
        if self.state.showing == "loading":
            self.arrive(self._on_arrival)
            if self._reading == 0:
                self.state.show_content()
        self.completed.emit()

    def arrive(self, subject: str = "") -> None:
        """The page comes to the front, and in it the thing called `subject`; as soon as it is complete."""
        self._on_arrival = subject
        if self.ready:
            self.shown()
            if subject:
                self.open_subject(subject)

    def in_turns(
        self, steps: Iterable[object], then: Callable[[], object] | None = None, what: str = "content"
    ) -> None:
        """Show something large part by part, in place of what is still being shown so under the same name."""
        if self._sliced:
            self._showing.setdefault(what, Slices(self)).begin(steps, then)
        else:
            at_once(steps)
            if then is not None:
                then()

    def build_in_turns(self, part: Part, then: Callable[[], object], what: str = "content") -> None:
        """Make what is in a part that has its place, and give it its look; then call `then`.

        It can be seen while it comes; nothing of it can be pressed before the end.
        """
        part.setEnabled(False)

        def built() -> None:
            part.setEnabled(True)
            then()

        self.in_turns(chain(part.build(), style.dressed(part)), built, what)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        for slices in (self._building, *self._showing.values()):
            slices.resume()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        for slices in (self._building, *self._showing.values()):
            slices.pause()

    def refresh(self) -> None:
        """Start reading what the page shows."""

    def open_subject(self, subject: str) -> None:
        """Show the thing called `subject`; the page has been shown already."""

    def set_title(self, text: str) -> None:
        """Another title."""
        self._title.setText(text)

    def add_action(self, widget: QWidget) -> None:
        """Put a button or field at the right of the header."""
        self._actions.addWidget(widget)

    def notice(self, tone: str, text: str, action: str = "", on_action: Callable[[], object] | None = None) -> None:
        """A banner on top of the page, in place of the one before."""
        self.clear_notice()
        self._notices.addWidget(Banner(tone, text, action, on_action, closable=True))

    def clear_notice(self) -> None:
        """Take the banner away."""
        clear(self._notices)

    def read(self, act: str, arguments: Mapping[str, object], success: Callable[[Any], object]) -> RunningJob:
        """Read for this page: loading while nothing is shown yet, an error with Retry where it fails."""
        if not self._loaded and self._reading == 0:
            self.state.show_loading(self._coming)
        self._reading += 1
        began = perf_counter()

        def came(value: Any) -> None:
            self._reading -= 1
            self._loaded = True
            if self.state.showing in ("loading", "error"):
                self.state.show_content()
            success(value)
            self._catch_up(perf_counter() - began)

        def failed(error: PodadminError) -> None:
            self._reading -= 1
            self._loaded = False
            self.state.show_error(error, self._again)
            self._catch_up(perf_counter() - began)

        return self.session.read(self, act, arguments, came, failed)

    def write(
        self,
        act: str,
        arguments: Mapping[str, object],
        success: Callable[[Any], object] | None = None,
        title: str = "",
        failure: Callable[[PodadminError], object] | None = None,
    ) -> RunningJob:
        """Change something for this page; an error becomes a banner on top of it."""

        def failed(error: PodadminError) -> None:
            if error.code != "core.cancelled":
                self.notice("bad", f"{error.what} {error.why} {error.next_step}")
            else:
                self.desk.say(error.what, "plain")

        self.clear_notice()
        return self.session.write(self, act, arguments, success, failure or failed, title)

    def shown(self) -> None:
        """The page has come to the front: read again what has gone stale."""
        if self.stale:
            self.stale = False
            self.refresh()

    def _again(self) -> None:
        self._reading = 0
        self._loaded = False
        self.refresh()

    def _changed(self) -> None:
        if not isValid(self):
            return
        if not self.isVisible():
            self.stale = True
        elif self._reading > 0:
            self._changed_meanwhile = True
        else:
            self.refresh()

    def _catch_up(self, took: float) -> None:
        """What has changed while the page was read is read now, and not each change of many for itself."""
        if self._changed_meanwhile and self._reading <= 0:
            self._changed_meanwhile = False
            QTimer.singleShot(min(round(_PAUSE * took * 1000), _LONGEST_PAUSE_MS), self, self._changed)
