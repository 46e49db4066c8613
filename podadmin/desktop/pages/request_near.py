"""Earlier figures of the same data beside a request: what both together could tell of few people."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.near import NearRow, NearView
from podadmin.core.errors import Cancelled, PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.layout import STRETCH, row
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import count, precise, when

COUNT: Final = "Count by how many records they differ"
TABLE: Final = "Earlier figures of the same data"
_TITLE: Final = "Counting by how many records figures differ"
_COUNTING: Final = "They are being counted."


class NearCard(Card):
    """`opened` names the request of a row, `count_wanted` the one that is shown."""

    opened = Signal(str)
    count_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What it could tell together with earlier figures", parent=parent)
        self._near: NearView | None = None
        self._words = PlainLabel("", wrap=True)
        self.count = QuietButton(COUNT, self._count, "scale")
        self.table = RowTable(
            TABLE,
            [
                Column("About", lambda each: each.choice, "mono", stretch=5, tip=lambda each: each.choice),
                Column("Differ by", _differ, "badge", width=19, tip=lambda each: each.words),
                Column("Requester", lambda each: each.requester, stretch=4),
                Column("Last asked", lambda each: when(each.at), width=19, tip=lambda each: precise(each.at)),
                Column("Asked", lambda each: count(each.requests, "time", "times"), width=12, spare=True),
            ],
            row_key=lambda each: each.id,
            fits=True,
        )
        self.table.opened.connect(lambda each: self.opened.emit(each.id))
        self.body.addWidget(self._words)
        self.body.addWidget(self.table)
        self.body.addLayout(row(STRETCH, self.count))
        self.show_near(None)

    def show_near(self, near: NearView | None) -> None:
        """Show what a request could be set against; the card hides where there is nothing."""
        before, self._near = self._near, near
        self.setVisible(near is not None and bool(near.rows))
        if near is None or not near.rows:
            return
        if before is not None and before.counted and _ids(before) == _ids(near) and not near.counted:
            self._near = before  # what was counted a moment ago stays
            return
        self._words.setText(near.words)
        self._words.set_tone(near.tone)
        self.table.set_rows(near.rows)
        self.count.setVisible(not near.counted)
        self.count.set_permit(near.may_count.allowed, near.may_count.reason)

    def _count(self) -> None:
        if self._near is not None:
            self.count.set_permit(False, _COUNTING)
            self.count_wanted.emit(self._near.request)

    def again(self) -> None:
        """It was not counted: it can be tried anew."""
        self.count.set_permit(True)


def _ids(near: NearView) -> tuple[str, ...]:
    return (near.request, *(each.id for each in near.rows))


def _differ(each: NearRow) -> BadgeSpec:
    if each.fewest is not None:
        return BadgeSpec(each.tone, count(each.fewest, "record", "records"))
    return BadgeSpec("plain", "None today") if each.tone == "plain" else BadgeSpec("warn", "Not counted")


class NearPart:
    """The card on the page of a request: read when the request is, counted when that is wanted."""

    def __init__(self, page: Page, card: NearCard) -> None:
        self._page, self._card = page, card
        self._request = ""
        card.count_wanted.connect(self._count)
        card.opened.connect(lambda request: page.desk.go("Requests", request))

    def read(self, request: str) -> None:
        """Read what the figures of a request can be set against."""
        if request != self._request:
            self._card.show_near(None)
        self._request = request
        # where it cannot be read there is nothing to show; the page says what is wrong with the request itself
        self._page.session.read(self._card, "requests near", {"request": request}, self._came, lambda _: None)

    def _came(self, near: NearView) -> None:
        if near.request == self._request:
            self._card.show_near(near)

    def _count(self, request: str) -> None:
        def failed(error: PodadminError) -> None:
            self._card.again()
            if isinstance(error, Cancelled):
                return
            self._page.notice("bad", f"{error.what} {error.why} {error.next_step} ({error.code})")

        self._page.session.read(
            self._card, "requests near", {"request": request, "count": True}, self._came, failed, title=_TITLE
        )
