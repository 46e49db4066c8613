"""A notification of the system for every request that comes to wait: who, what leaves, until when. It never decides.

Where the system has no place for notifications (or the window is offscreen), nothing is shown and nothing is said:
the Requests page and the number beside it tell the same.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QSystemTrayIcon

from podadmin.app.views.requests import Arrivals
from podadmin.desktop.inquiry import Inquiry
from podadmin.desktop.session import Session
from podadmin.desktop.theme import icons
from podadmin.desktop.theme.tokens import SIZE

SHOWN_MS = 10_000
_NO_MARKUP = {ord("<"): "\u2039", ord(">"): "\u203a", ord("&"): "+"}


class Tray(QObject):
    """The place of the system for notifications, as far as there is one. `on_click` only ever opens something."""

    def __init__(self, on_click: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._icon: QSystemTrayIcon | None = None
        if QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages():
            self._icon = QSystemTrayIcon(icons.icon("shield-check", "accent", size=SIZE.icon_large), self)
            self._icon.setToolTip("podadmin")
            self._icon.activated.connect(lambda _reason: on_click())
            self._icon.messageClicked.connect(on_click)
            self._icon.show()

    def show_message(self, title: str, words: str) -> None:
        """Show a notification; nothing where the system has no place for one."""
        if self._icon is not None:
            # a server of notifications may read markup, and nobody can tell which does
            title, words = (told.translate(_NO_MARKUP) for told in (title, words))
            self._icon.showMessage(title, words, QSystemTrayIcon.MessageIcon.Information, SHOWN_MS)


class RequestNotices(QObject):
    """Looks after every change of requests for those that have come to wait, and hands them to `tell(title, words)`.

    A press on the notification opens the last one that was told, by `go(page, request)`.
    """

    def __init__(
        self,
        session: Session,
        go: Callable[[str, str], object],
        tell: Callable[[str, str], object] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._go = go
        self._tell = tell or Tray(self.open_last, self).show_message
        self._after = -1
        self._last = ""
        # the page says what cannot be read; what could not be looked for is looked for with the next change
        self._new = Inquiry(session, self, "requests arrived", self._came, arguments=lambda: {"after": self._after})
        session.on_change(self, {"request", "profile"}, self.look)
        self.look()

    def look(self) -> None:
        """What has come since the last look? The first look only finds the place to go on from."""
        self._new.ask()

    def open_last(self) -> None:
        """Open what was told last, or the list. Nothing is decided by that."""
        self._go("Requests", self._last)

    def _came(self, found: Arrivals) -> None:
        self._after = max(self._after, found.after)
        if found.told:
            for each in found.arrivals:
                self._last = each.id
                self._tell(each.title, each.words)
            if found.more:
                self._last = ""
                self._tell("More requests wait for your decision", f"{found.more} more have come.")
