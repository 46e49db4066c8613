"""The main window: sidebar, top bar, pages, status line. It shows states; what they mean is decided elsewhere.

Sheets, search and pages are imported when they are first wanted: the first paint does not wait for them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QPaintEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from podadmin.core.errors import PodadminError
from podadmin.desktop.ahead import one_by_one
from podadmin.desktop.frame import Sidebar, StatusLine, TopBar
from podadmin.desktop.history import History, Place
from podadmin.desktop.inquiry import Inquiry
from podadmin.desktop.pages import PAGES, PageEntry
from podadmin.desktop.place import WindowPlace
from podadmin.desktop.session import Session
from podadmin.desktop.slices import Slices
from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SIZE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.layout import bring_into_view, reading_order

if TYPE_CHECKING:
    from podadmin.app.views.requests import RequestPage
    from podadmin.app.views.settings import SettingRow
    from podadmin.app.views.status import Status
    from podadmin.desktop.curtain import Curtain
    from podadmin.desktop.page import Page
    from podadmin.desktop.widgets.prompt import Sheet
    from podadmin.desktop.widgets.search import Hit

_STATUS_KINDS: Final = frozenset(
    {"profile", "pod", "gate", "keyring", "request", "tour", "network", "datasource", "key", "setting"}
)
_THEME_KINDS: Final = frozenset({"profile", "setting"})
_THEME_SETTING: Final = "appearance.theme"
_HITS: Final = 8
_AUDITOR: Final = (
    "An auditor looks: this window reads, verifies and exports. Nothing in this profile can be changed, and no gate "
    "runs here."
)


class Shell(QMainWindow):
    """The window. `painted` comes once, after its first paint."""

    painted = Signal()
    theme_wanted = Signal(str)

    def __init__(
        self,
        session: Session,
        entries: Sequence[PageEntry] = PAGES,
        place: WindowPlace | None = None,
        theme: str = "system",
        theme_fixed: bool = False,
        auditor: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._auditor = auditor
        self._entries = tuple(entries)
        self._pages: dict[str, Page] = {}
        self._front: Page | None = None
        self._front_name = ""
        self._history = History()
        self._place = place
        self._painted = False
        self._status: Status | None = None
        self._standing = Inquiry(session, self, "status", self._show_status, self._status_failed)
        self._theme = theme
        self._theme_setting: str | None = None
        self._theme_overridden = False
        self.setWindowTitle("podadmin")
        self.setMinimumSize(SIZE.least_width, SIZE.least_height)
        self.resize(SIZE.window_width, SIZE.window_height)
        self._sidebar = Sidebar([(entry.name, entry.icon) for entry in self._entries])
        self._sidebar.picked.connect(lambda name: self.go(name))
        self._top = TopBar()
        self._top.search_wanted.connect(self.open_search)
        self._top.pause_wanted.connect(self.ask_pause)
        self._top.resume_wanted.connect(self._resume)
        self._top.back_wanted.connect(self.back)
        self._top.forward_wanted.connect(self.forward)
        self._top.help_wanted.connect(self.explain)
        self._top.lock_wanted.connect(self.lock_now)
        self._curtain: Curtain | None = None
        self._line = StatusLine()
        self._stack = QStackedWidget()
        self._blank = QWidget()
        self._stack.addWidget(self._blank)
        self._importing = Slices(self)
        self._build()
        self._shortcuts()
        session.on_jobs(self, lambda: self._line.show_jobs(session.shown_jobs()))
        session.on_change(self, _STATUS_KINDS, self._standing.ask)
        if not theme_fixed:
            session.on_change(self, _THEME_KINDS, self._read_theme)
        if place is not None:
            place.restore(self)
        self._steps()
        style.dress(self)

    @property
    def session(self) -> Session:
        """Reads, writes and news."""
        return self._session

    @property
    def first_page(self) -> str:
        """The page on which the window opens: the one on which it was closed, else the first."""
        kept = self._place.page() if self._place is not None else ""
        names = [entry.name for entry in self._entries]
        return kept if kept in names else names[0]

    @property
    def sheet_host(self) -> QWidget:
        """The widget over which sheets open."""
        return self._centre

    @property
    def theme(self) -> str:
        """The choice that is on: system, light or dark."""
        return self._theme

    def set_theme(self, choice: str) -> None:
        """Change the theme of this window now; the setting stays as it is, and counts again when it is changed."""
        self._theme_overridden = True
        self._wear(choice)

    def _wear(self, choice: str) -> None:
        if choice != self._theme:
            self._theme = choice
            self.theme_wanted.emit(choice)

    def go(self, page: str, subject: str = "") -> None:
        """Open a page by name, and in it the thing called `subject`. A sheet that is open stays in front."""
        if self.open_sheet() is None and any(entry.name == page for entry in self._entries):
            self._history.visit(Place(page, subject))
            self._show(Place(page, subject))

    def back(self) -> None:
        """To the place before."""
        if self.open_sheet() is None and (place := self._history.back()) is not None:
            self._show(place)

    def forward(self) -> None:
        """To the place from which `back` came."""
        if self.open_sheet() is None and (place := self._history.forward()) is not None:
            self._show(place)

    def say(self, text: str, tone: str = "good") -> None:
        """A passing line in the status line."""
        self._line.say(text, tone)

    def show_error(self, error: PodadminError) -> None:
        """An error sheet over everything."""
        from podadmin.desktop.widgets.prompt import ErrorSheet

        ErrorSheet(self._centre, error).open()

    def current(self) -> Page | None:
        """The page in front."""
        return self._front

    @property
    def busy(self) -> bool:
        """Is the page that was asked for still coming, part by part?"""
        return self._importing.busy or (self._front is not None and self._front.busy)

    def open_sheet(self) -> Sheet | None:
        """The sheet in front, where there is one."""
        from podadmin.desktop.widgets.prompt import Sheet

        sheets = [
            child
            for child in self._centre.findChildren(Sheet, options=Qt.FindChildOption.FindDirectChildrenOnly)
            if child.isVisible()
        ]
        return sheets[-1] if sheets else None

    def explain(self) -> None:
        """What the page in front is for."""
        from podadmin.desktop.widgets.prompt import InfoSheet

        page = self.current()
        if page is not None and self.open_sheet() is None:
            InfoSheet(self._centre, f"About this page: {page.title or page.name}", page.help_text).open()

    def open_search(self) -> None:
        """Search everything."""
        from podadmin.desktop.widgets.search import Hit, SearchPalette

        if self.open_sheet() is None:
            commands = [Hit(entry.name, "page", entry.icon, self._goer(entry.name)) for entry in self._entries]
            places = [
                Hit(words, entry.name, entry.icon, self._goer(entry.name, subject))
                for entry in self._entries
                for words, subject in entry.finds
            ]
            SearchPalette(self._centre, [*commands, *self._commands(), *places], self._search).open()

    def ask_pause(self) -> None:
        """Ask for the reason of a pause."""
        from podadmin.desktop.widgets.prompt import ReasonPrompt

        if self.open_sheet() is None:
            ReasonPrompt(
                self._centre,
                "Pause the pod",
                "All deliveries stop at once. Requests are still held and recorded. The reason goes into the journal.",
                "Pause pod",
                self._pause,
            ).open()

    def read_on(self) -> None:
        """The session has started: read what the window shows."""
        from podadmin.desktop.curtain import Curtain

        self._curtain = Curtain(self)
        self._standing.ask()

    @property
    def locked(self) -> bool:
        """Is the lock over the window?"""
        return self._curtain is not None and self._curtain.closed

    def lock_now(self) -> None:
        """Put everything away until somebody has proved who they are."""
        if self._curtain is not None:
            self._curtain.close_now("asked")

    def come_back(self) -> None:
        """The lock has been opened: what the pages show may be old."""
        for page in self._pages.values():
            page.stale = True
        if self._front is not None and self._front.ready:
            self._front.shown()
        self._standing.ask()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes on in reading order: sidebar, top bar, page, status line, and round again."""
        stops = reading_order(self.centralWidget() or self._centre)
        now: QWidget | None = self.focusWidget()
        while now is not None and now not in stops:
            now = now.focusProxy() or now.parentWidget()
        step = 1 if forward else -1
        place = stops.index(now) + step if now is not None else 0 if forward else -1
        if stops:
            reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
            stop = stops[place % len(stops)]
            stop.setFocus(reason)
            bring_into_view(stop)
        return bool(stops)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._keep()
        if self._curtain is not None:
            self._curtain.put_back()
        super().closeEvent(event)

    def _build(self) -> None:
        self._centre = QWidget()
        self._centre.setProperty("ground", "window")
        right = QVBoxLayout()
        right.setSpacing(0)
        right.setContentsMargins(0, 0, 0, 0)
        right.addWidget(self._top)
        if self._auditor:
            right.addWidget(Banner("warn", _AUDITOR))
        right.addWidget(self._stack, 1)
        right.addWidget(self._line)
        whole = QHBoxLayout(self._centre)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._sidebar)
        whole.addLayout(right, 1)
        self.setCentralWidget(self._centre)

    def _shortcuts(self) -> None:
        for number, entry in enumerate(self._entries[:9], start=1):
            self._on_key(f"Ctrl+{number}", self._goer(entry.name))
        self._on_key("Ctrl+K", self.open_search)
        self._on_key("Alt+Left", self.back)
        self._on_key("Alt+Right", self.forward)
        self._on_key("F1", self.explain)
        self._on_key("Ctrl+L", self.lock_now)
        self._on_key("F5", self._refresh)

    def _on_key(self, keys: str, act: Callable[[], None]) -> None:
        QShortcut(QKeySequence(keys), self).activated.connect(lambda: None if self.locked else act())

    def _goer(self, page: str, subject: str = "") -> Callable[[], None]:
        return lambda: self.go(page, subject)

    def _themer(self, choice: str) -> Callable[[], None]:
        change = {"name": _THEME_SETTING, "value": choice}
        return lambda: self._keep_theme(change)

    def _keep_theme(self, change: Mapping[str, object]) -> None:
        """A choice made by a person is a setting; the window follows it when it has been recorded."""
        self._session.write(self, "settings set", change, self._use_setting, self.show_error)

    def _read_theme(self) -> None:
        self._session.read(self, "settings list", {}, self._use_settings)

    def _use_settings(self, rows: Sequence[SettingRow]) -> None:
        for row in rows:
            if row.name == _THEME_SETTING:
                self._use_setting(row)

    def _use_setting(self, row: SettingRow) -> None:
        was, self._theme_setting = self._theme_setting, str(row.value)
        first = was is None and not self._theme_overridden
        if first or was not in (None, self._theme_setting):
            self._wear(self._theme_setting)

    def _commands(self) -> list[Hit]:
        from podadmin.desktop.widgets.search import Hit

        paused = self._status is not None and self._status.pod.state == "paused"
        made = [
            Hit("Explain this page", "command", "circle-help", self.explain),
            Hit("Lock now", "command", "lock", self.lock_now),
            Hit("Use the dark theme", "command", "monitor", self._themer("dark")),
            Hit("Use the light theme", "command", "monitor", self._themer("light")),
            Hit("Follow the theme of the system", "command", "monitor", self._themer("system")),
        ]
        if paused:
            return [Hit("Resume the pod", "command", "play", self._resume), *made]
        if self._status is not None and self._status.pod.state == "running":
            return [Hit("Pause the pod", "command", "pause", self.ask_pause), *made]
        return made

    def _search(self, text: str, take: Callable[[Sequence[Hit]], None]) -> None:
        from podadmin.desktop.widgets.search import Hit

        def requests(found: RequestPage) -> None:
            words = [(f"{row.task} – {row.requester}", row.id) for row in found.rows]
            take([Hit(text, "request", "inbox", self._goer("Requests", key)) for text, key in words])

        def settings(rows: Sequence[SettingRow]) -> None:
            named = [row.title for row in rows if text.casefold() in row.title.casefold()]
            take([Hit(title, "setting", "settings", self._goer("Settings", title)) for title in named[:_HITS]])

        self._session.read(self, "requests list", {"search": text, "limit": _HITS}, requests)
        self._session.read(self, "settings list", {}, settings)
        for act, page, icon, kind in (
            ("datasource list", "Datasources", "database", "datasource"),
            ("limits list", "Models & limits", "gauge", "model"),
        ):
            self._session.read(self, act, {}, self._sifting(text, page, icon, kind, take))

    def _sifting(
        self, text: str, page: str, icon: str, kind: str, take: Callable[[Sequence[Hit]], None]
    ) -> Callable[[Sequence[object]], None]:
        from podadmin.desktop.widgets.search import Hit

        def sift(rows: Sequence[object]) -> None:
            wanted = text.casefold()
            named = [(str(getattr(r, "name", getattr(r, "model", ""))), str(getattr(r, "id", ""))) for r in rows]
            hits = [Hit(words, kind, icon, self._goer(page, key)) for words, key in named if wanted in words.casefold()]
            take(hits[:_HITS])

        return sift

    def _show(self, place: Place) -> None:
        self._importing.end()
        page, self._front_name = self._pages.get(place.page), place.page
        self._sidebar.show_current(place.page)
        self._steps()
        if page is None:
            entry = next(entry for entry in self._entries if entry.name == place.page)
            if entry.module not in sys.modules:
                # nobody was here yet, and it is too soon after the start for it to have been fetched ahead
                self._front = None
                self._stack.setCurrentWidget(self._blank)
                self._importing.begin(one_by_one(entry.module), lambda: self._show(place))
                return
            page = entry.make(self, sliced=True)
            page.completed.connect(self._session.page_is_there)
            self._pages[place.page] = page
            self._stack.addWidget(page)
        self._stack.setCurrentWidget(page)
        self._front = page
        page.arrive(place.subject)

    def _steps(self) -> None:
        self._top.show_steps(self._history.can_back, self._history.can_forward)

    def _refresh(self) -> None:
        page = self.current()
        if page is not None and page.ready:
            page.refresh()

    def _show_status(self, status: Status) -> None:
        self._status = status
        self._top.show_status(status)
        self._line.show_status(status)
        self._sidebar.show_count("Requests", status.held)
        self.show_title()

    def show_title(self) -> None:
        """The pod's name in the title, and not while the window is locked."""
        name = self._status.pod.name if self._status is not None and not self.locked else ""
        self.setWindowTitle(f"{name} – podadmin" if name else "podadmin")

    def _status_failed(self, error: PodadminError) -> None:
        self._top.show_problem(error)

    def _pause(self, reason: str) -> None:
        self._session.write(
            self, "pod pause", {"reason": reason}, lambda _: self.say("The pod is paused."), self.show_error
        )

    def _resume(self) -> None:
        self._session.write(self, "pod resume", {}, lambda _: self.say("The pod runs again."), self.show_error)

    def _keep(self) -> None:
        if self._place is not None:
            self._place.keep(self, self._theme, self._front_name)

    def sizeHint(self) -> QSize:
        return QSize(SIZE.window_width, SIZE.window_height)
