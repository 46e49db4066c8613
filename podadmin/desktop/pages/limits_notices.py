"""Tells, once and wherever one is, that a limit is nearly used up, is used up, or that something is odd about one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from podadmin.app.views.limits import Notices
from podadmin.desktop.inquiry import Inquiry
from podadmin.desktop.session import Session

MOST_TOLD = 3


class LimitNotices(QObject):
    """Asks after every change of limits what has been recorded since, and hands it to `say(words, tone)`."""

    def __init__(self, session: Session, say: Callable[[str, str], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._say = say
        self._after = -1
        # the pages say what cannot be read; a notice that cannot be looked for is looked for with the next change
        self._new = Inquiry(session, self, "limits notices", self._came, arguments=lambda: {"after": self._after})
        session.on_change(self, {"limit", "profile", "request"}, self.look)
        self.look()

    def look(self) -> None:
        """What has happened since the last look? The first look only finds the place to go on from."""
        self._new.ask()

    def _came(self, found: Notices) -> None:
        self._after = max(self._after, found.after)
        for notice in found.notices[:MOST_TOLD]:
            self._say(notice.words, notice.tone)
        left = len(found.notices) - MOST_TOLD
        if left > 0:
            self._say(f"{left} more about limits: see Models & limits.", "warn")
