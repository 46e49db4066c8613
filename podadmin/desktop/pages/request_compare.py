"""Two requests side by side: choose the other one, then see what they do differently and how they are written.

The sheet reads and shows; it decides nothing, and closing it changes nothing.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.requests import Comparison, RequestPage, RequestRow
from podadmin.core.errors import PodadminError
from podadmin.desktop.pages.request_words import risk_word, state_badge
from podadmin.desktop.session import Session
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import SearchEdit
from podadmin.desktop.widgets.layout import column, row, scrolling, wrap
from podadmin.desktop.widgets.prompt import Sheet
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.words import when

COMPARE: Final = "Compare with another…"
TITLE: Final = "Compare with another request"
SEARCH: Final = "Search requests to compare with"
TABLE: Final = "Requests to compare with"
ANOTHER: Final = "Choose another"
_MOST: Final = 50


class CompareSheet(Sheet):
    """Asks for a second request and shows what is different between the two."""

    def __init__(self, host: QWidget, session: Session, shown: RequestRow) -> None:
        super().__init__(host, TITLE, "What they do differently comes first, then how they are written differently.")
        self.panel.setFixedWidth(SIZE.palette)
        self._session = session
        self._row = shown
        self._asked = 0
        self._search = SearchEdit(SEARCH, "Search requests", lambda _words: self._read_list())
        self.table = RowTable(
            TABLE,
            [
                Column("Received", lambda each: when(each.received_at), width=16),
                Column("Task", lambda each: each.task, stretch=3),
                Column("Requester", lambda each: each.requester, stretch=2),
                Column("State", state_badge, "badge", width=15),
            ],
        )
        self.table.opened.connect(self._compare)
        self._list = StateView(self.table)
        self._choice = wrap(column(self._search, (self._list, 1), gap=SPACE.m))
        self._found = wrap(column())
        self._area = scrolling(self._found)
        self._area.setAccessibleName("What is different")
        self._area.setVisible(False)
        for part in (self._choice, self._area):
            part.setFixedHeight(SIZE.palette_list)
            self.body.addWidget(part)
        self._another = QuietButton(ANOTHER, self._choose, "arrow-left")
        self._another.setVisible(False)
        self.buttons_row.addWidget(self._another)
        self.buttons_row.addWidget(QuietButton("Close", self.dismiss))

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self._search)
        self._read_list()

    def _read_list(self) -> None:
        self._asked += 1
        asked = self._asked
        self._list.show_loading("Looking for requests")

        def came(page: RequestPage) -> None:
            if asked == self._asked:
                self.show_page(page)

        arguments = {"search": self._search.text().strip(), "limit": _MOST}
        self._session.read(self, "requests list", arguments, came, lambda error: self._list.show_error(error))

    def show_page(self, page: RequestPage) -> None:
        """The requests to choose from: all but this one that were verified."""
        others = [each for each in page.rows if each.id != self._row.id and each.verified == "verified"]
        self.table.set_rows(others)
        if others:
            self._list.show_content()
        else:
            self._list.show_empty("inbox", "No other request", "Only requests that were verified can be compared.")

    def _compare(self, other: RequestRow) -> None:
        self._list.show_loading("Comparing")

        def failed(error: PodadminError) -> None:
            self._list.show_error(error, self._read_list)

        arguments = {"request": self._row.id, "other": other.id}
        self._session.read(self, "requests compare", arguments, self.show_comparison, failed)

    def show_comparison(self, found: Comparison) -> None:
        """What is different between the two."""
        shown = wrap(
            column(
                _side("This request", found.now),
                _side("Compared with", found.was),
                _words(found),
                *_block("What it does differently", found.effects),
                *_block("How it is written differently", found.fields),
                gap=SPACE.m,
                margin=SPACE.xs,
            )
        )
        self._area.setWidget(shown)
        self._choice.setVisible(False)
        self._area.setVisible(True)
        self._another.setVisible(True)
        self._another.setFocus(Qt.FocusReason.OtherFocusReason)

    def _choose(self) -> None:
        self._area.setVisible(False)
        self._another.setVisible(False)
        self._choice.setVisible(True)
        self._list.show_content()
        self._search.setFocus(Qt.FocusReason.OtherFocusReason)


def _words(found: Comparison) -> PlainLabel:
    label = PlainLabel(found.words, "strong", wrap=True, selectable=True)
    label.setAccessibleName(f"The difference: {label.text()}")
    return label


def _side(title: str, shown: RequestRow) -> QWidget:
    about = ElidedLabel(f"{shown.task}, from {shown.requester or 'an unknown requester'}, {when(shown.received_at)}")
    return wrap(
        row(
            PlainLabel(title, "muted"), (about, 1), Badge(risk_word(shown.risk)), Badge(state_badge(shown)), gap=SPACE.s
        )
    )


def _block(title: str, facts: tuple[Fact, ...]) -> tuple[QWidget, ...]:
    return (PlainLabel(title, "medium"), FactGrid(facts)) if facts else ()
