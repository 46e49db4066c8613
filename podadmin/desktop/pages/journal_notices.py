"""Tells, once and wherever one is, what has just been recorded: about limits, about the health of datasources."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from podadmin.app.views.facts import Notices
from podadmin.desktop.inquiry import Inquiry
from podadmin.desktop.session import Session

MOST_TOLD = 3
ABOUT = {
    "limits notices": (frozenset({"limit", "profile", "request"}), "limits: see Models & limits"),
    "datasource notices": (frozenset({"datasource", "profile"}), "datasources: see Datasources"),
}
"""The act that lists them -> after which changes it is asked, and where the rest can be seen."""


class JournalNotices(QObject):
    """Asks one act after every change what has been recorded since, and hands it to `say(words, tone)`."""

    def __init__(
        self, session: Session, say: Callable[[str, str], object], act: str, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._say = say
        self._after = -1
        kinds, self._more = ABOUT[act]
        # the pages say what cannot be read; a notice that cannot be looked for is looked for with the next change
        self._new = Inquiry(session, self, act, self._came, arguments=lambda: {"after": self._after})
        session.on_change(self, kinds, self.look)
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
            self._say(f"{left} more about {self._more}.", "warn")
