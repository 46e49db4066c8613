"""The list of requests: filters with counts, a table that loads as it is scrolled, an answer for every emptiness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from podadmin.app.views.requests import RequestPage, RequestRow
from podadmin.core.clock import Clock
from podadmin.desktop.pages.request_words import (
    FILTERS,
    deadline_words,
    risk_word,
    seconds_left,
    selection_words,
    state_badge,
    time_words,
    verified_badge,
)
from podadmin.desktop.pages.saved_filters import SavedFilters
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import TabRow
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.form import Choice
from podadmin.desktop.widgets.layout import column, row
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import precise, whole

DEMO: Final = "Send a demo request"
JOIN: Final = "Go to Networks"
_SECOND_MS: Final = 1000
_STATES: Final = {key: states for key, _, states in FILTERS}
ORDERS: Final = (
    ("newest", "Newest first"),
    ("oldest", "Oldest first"),
    ("requester", "By requester"),
    ("task", "By task"),
    ("datasource", "By datasource"),
)
_EMPTY: Final = {
    "running": ("play", "Nothing is running", "Requests that were approved are listed here until they have ended."),
    "decided": ("check", "Nothing was decided yet", "Requests are listed here once they have ended or were refused."),
}


class RequestList(Part):
    """Shows pages of requests. What a person wants of it is a signal."""

    opened = Signal(object)
    filter_changed = Signal()
    more_wanted = Signal()
    demo_wanted = Signal()
    networks_wanted = Signal()
    search_cleared = Signal()

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._joined: bool | None = None
        self._search = ""
        self._total = 0
        self._place = column(gap=SPACE.m)
        self.setLayout(self._place)
        self._timer = QTimer(self)
        self._timer.setInterval(_SECOND_MS)

    def build(self) -> Iterator[None]:
        """Make what is above the table, and the table."""
        above = row()
        self._place.addLayout(above)
        self.tabs = TabRow([(key, words) for key, words, _ in FILTERS], "Which requests", self._picked)
        above.addWidget(self.tabs, 1)
        yield
        self.saved = SavedFilters()
        self.order = Choice("Order of the requests", ORDERS)
        self.order.currentIndexChanged.connect(lambda _: self._ordered())
        above.addWidget(self.saved)
        above.addWidget(self.order)
        yield
        content = QWidget()
        content.setProperty("ground", "clear")
        self.state = StateView(content)
        self._place.addWidget(self.state, 1)
        yield
        self._count = PlainLabel("", "small")
        card = Card(flush=True)
        content.setLayout(column((card, 1), self._count, gap=SPACE.s))
        yield
        self.table = _table(self._clock)
        self.table.opened.connect(self.opened.emit)
        self.table.more_wanted.connect(self.more_wanted.emit)
        self.table.sort_wanted.connect(self._sorted)
        self._timer.timeout.connect(self.table.viewport().update)
        card.body.addWidget(self.table)
        yield

    @property
    def states(self) -> str:
        """The states of the filter that is on, as `requests list` takes them."""
        return ",".join(_STATES[self.tabs.current])

    def use(self, states: str) -> None:
        """Turn on the filter that shows these states, without telling."""
        key = next((key for key, given in _STATES.items() if ",".join(given) == states), "all")
        self.tabs.pick(key)

    def show_page(self, page: RequestPage, search: str, joined: bool | None, again: bool = False) -> bool:
        """Show the first page. `joined` says whether a demo requester can be asked; None where that is not known.

        `again`: it was read once more; true where what follows it on the screen has stayed.
        """
        self._joined, self._search = joined, search
        self._show_counts(page.by_state)
        self._total, more = page.total, page.next_after is not None
        stayed = again and self.table.renew_rows(page.rows, more)
        if not again:
            self.table.set_rows(page.rows, more)
        if page.rows:
            if self.state.showing != "content":
                self.state.show_content()
        else:
            self._show_nothing()
        self._settle()
        return stayed

    def add_page(self, page: RequestPage) -> None:
        """Show the page that follows."""
        self._total = page.total
        self.table.add_rows(page.rows, more=page.next_after is not None)
        self._settle()

    def tell_joined(self, joined: bool) -> None:
        """Whether the local network is joined has been learnt after the page was shown."""
        if joined != self._joined:
            self._joined = joined
            if self.state.showing == "empty":
                self._show_nothing()

    def pick(self, key: str) -> None:
        """Turn a filter on."""
        self.tabs.pick(key)
        self._picked(key)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._run_timer()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _picked(self, _: str) -> None:
        self.saved.choose_none()
        self.filter_changed.emit()

    def _sorted(self, key: str, _: bool) -> None:
        """A column was pressed: time turns round, every other goes up only."""
        if key == "time":
            key = "oldest" if self.order.value() == "newest" else "newest"
        self.order.set_value(key)

    def _ordered(self) -> None:
        order = self.order.value()
        self.table.show_sorted("time" if order in {"newest", "oldest"} else order, order == "newest")
        self.filter_changed.emit()

    def _show_counts(self, by_state: Mapping[str, int]) -> None:
        for key, words, states in FILTERS:
            number = sum(by_state.get(state, 0) for state in states) if states else sum(by_state.values())
            self.tabs.set_words(key, f"{words} {whole(number)}")

    def _settle(self) -> None:
        self._count.setText(selection_words(len(self.table.rows()), self._total))
        self._run_timer()

    def _run_timer(self) -> None:
        now = self._clock.now()
        counts_down = any(seconds_left(row, now) is not None for row in self.table.rows())
        if counts_down and self.isVisible():
            if not self._timer.isActive():
                self._timer.start()
        else:
            self._timer.stop()

    def _show_nothing(self) -> None:
        if self._search:
            self.state.show_empty(
                "search",
                "Nothing found",
                f"“{self._search}” is in no requester, task, datasource, project or reference of this list.",
                "Clear the search",
                self.search_cleared.emit,
            )
        elif self.tabs.current in _EMPTY:
            icon, title, words = _EMPTY[self.tabs.current]
            self.state.show_empty(icon, title, words)
        elif self._joined:
            self.state.show_empty(
                "inbox",
                "Nothing waits for you",
                "A request appears here as soon as one arrives. To see one now, let the demo requester on this "
                "machine send it.",
                DEMO,
                self.demo_wanted.emit,
            )
        elif self._joined is None:
            self.state.show_empty("inbox", "Nothing waits for you", "A request appears here as soon as one arrives.")
        else:
            self.state.show_empty(
                "network",
                "Nothing can arrive yet",
                "Requests come over a network, and this pod has joined none. Join the local network to let a demo "
                "requester on this machine send one.",
                JOIN,
                self.networks_wanted.emit,
            )


def _table(clock: Clock) -> RowTable:
    def time(row: RequestRow) -> str:
        return time_words(row, clock.now())

    def time_tip(row: RequestRow) -> str:
        said = deadline_words(row, clock.now())[1]
        return f"Received {precise(row.received_at)}\n{said}".strip()

    return RowTable(
        "Requests",
        [
            Column("State", state_badge, "badge", width=16, tip=lambda row: row.state_words),
            Column("Task", lambda row: row.task, stretch=14, key="task"),
            Column("Requester", lambda row: row.requester, stretch=5, key="requester"),
            Column("Datasource", lambda row: row.datasource, stretch=4, spare=True, key="datasource"),
            Column("Risk", lambda row: risk_word(row.risk), "badge", width=12),
            Column("Envelope", lambda row: verified_badge(row.verified), "badge", width=13, spare=True),
            Column("Time", time, width=14, tip=time_tip, key="time"),
        ],
    )
