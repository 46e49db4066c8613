"""The tab of grants: the standing decisions as cards, receipts, who may decide and who reviews.

A building block of the page of grants and rules: it reads and writes through the page that holds it, and refreshes
when that page does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from podadmin.app.views.grants import (
    DeciderRow,
    Deciders,
    GrantDetail,
    GrantPage,
    ReceiptDetail,
    ReceiptKey,
    ReceiptPage,
    ReviewerRow,
)
from podadmin.core.clock import Clock, SystemClock
from podadmin.desktop.page import Page
from podadmin.desktop.pages.export_sheet import ExportSheet
from podadmin.desktop.pages.grants_cards import GrantCard, VarySheet
from podadmin.desktop.pages.grants_people import PeopleView
from podadmin.desktop.pages.grants_receipts import ReceiptSheet, ReceiptsView
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.buttons import QuietButton, TabRow
from podadmin.desktop.widgets.empty import EmptyState
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, clear, column, row, wrap
from podadmin.desktop.widgets.prompt import InfoSheet, ReasonPrompt

KINDS: Final = frozenset({"grant", "receipt", "decider", "reviewer", "request", "profile", "tour"})
"""Kinds of change after which the panel has to be refreshed."""
HELP: Final = (
    "A grant is a decision that waits for the same request to come again. It is pinned to what you decided on: the "
    "requester's key, the protocol, the model and its version, the columns, where results go. A request that meets "
    "every pin is let through, as often as the grant has runs left. One in which a pin has changed is not, and voids "
    "the grant, which then says what was and what is. Receipts tell requesters what was decided; they are signed and "
    "can be verified without podadmin."
)
_PAGE: Final = 12
_RECEIPTS: Final = 50
_LISTS: Final = ("lasting", "ended")
_NO_GRANT: Final = {
    "lasting": (
        "No grant lasts",
        "Approving a request can make one, for the runs to come or for the request to be sent again.",
    ),
    "ended": ("No grant has ended", "Grants that were used up, expired, were voided or revoked are kept here."),
}


def is_grants(subject: str) -> bool:
    """Does a link into the page of grants and rules mean this panel?"""
    return subject in {"grants", "receipts", "people", "ended"} or subject.startswith(("grt_", "R-"))


class GrantsPanel(Part):
    """Put it into a page and call `refresh` from the page's own.

    `open_subject` takes a grant, a receipt's reference, `receipts`, `people` or `ended`.
    """

    def __init__(self, page: Page, clock: Clock | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page = page
        self._clock = clock or SystemClock()
        self._after: str | None = None
        self._before: int | None = None
        self._asked = 0
        self._shown: list[GrantDetail] = []
        self._place = column(gap=SPACE.l)
        self.setLayout(self._place)

    def build(self) -> Iterator[None]:
        """Make its lists."""
        self.tabs = TabRow(
            [("lasting", "Lasting"), ("ended", "Ended"), ("receipts", "Receipts"), ("people", "People")],
            "Grants, receipts and people",
            self._picked,
        )
        self._stack = QStackedWidget()
        self._place.addWidget(self.tabs)
        self._place.addWidget(self._stack, 1)
        yield
        self._grid = CardGrid(SIZE.field)
        self._empty = column(EmptyState("hourglass", "Reading the grants", ""))
        self.more = QuietButton("Show more grants", self._read_more, "chevron-down")
        self.more.setVisible(False)
        self._stack.addWidget(wrap(column(self._empty, self._grid, row(self.more, STRETCH), STRETCH, gap=SPACE.l)))
        yield
        self.receipts = ReceiptsView()
        self._stack.addWidget(wrap(column(self.receipts, STRETCH)))
        yield from self.receipts.build()
        yield
        self.people = PeopleView(self._page.desk.sheet_host)
        self._stack.addWidget(wrap(column(self.people, STRETCH)))
        yield from self.people.build()
        yield
        self._connect()

    def refresh(self) -> None:
        """Read again what is in front."""
        here = self.tabs.current
        if here in _LISTS:
            self._read_grants()
        elif here == "receipts":
            self._read_receipts()
        else:
            self._page.read("grants deciders", {}, self._deciders_came)
            self._page.read("reviews people", {}, self.people.show_reviewers)

    def open_subject(self, subject: str) -> None:
        """Show the list that a grant is in, the receipts (`receipts` or `R-…`), or `people`."""
        if subject.startswith("R-"):
            self.tabs.pick("receipts")
            self._open_receipt(subject)
        elif subject in ("receipts", "people", "ended"):
            self.tabs.pick(subject)
        elif subject.startswith("grt_"):
            self._page.read("grants show", {"grant_id": subject}, self._went_to)
        self._picked(self.tabs.current)

    def _connect(self) -> None:
        self.receipts.searched.connect(self._read_receipts)
        self.receipts.more_wanted.connect(self._more_receipts)
        self.receipts.opened.connect(self._open_receipt)
        self.receipts.sign_wanted.connect(lambda: self._page.write("receipt sign", {}, lambda _: self.refresh()))
        self.receipts.key_wanted.connect(self._show_key)
        self.people.wanted.connect(lambda act, given: self._page.write(act, given, lambda _: self.refresh()))
        self.people.end_wanted.connect(self._end_decider)
        self.people.remove_wanted.connect(self._remove_reviewer)

    def _picked(self, key: str) -> None:
        self._stack.setCurrentIndex(0 if key in _LISTS else 1 if key == "receipts" else 2)
        for place in range(self._stack.count()):
            # only the part in front says how high the page is
            here = place == self._stack.currentIndex()
            fit = QSizePolicy.Policy.Preferred if here else QSizePolicy.Policy.Ignored
            part = self._stack.widget(place)
            if part is not None:
                part.setSizePolicy(fit, fit)
        self.refresh()

    # --- grants ------------------------------------------------------------------------------------------------------

    def _read_grants(self) -> None:
        self._asked += 1
        asked, state = self._asked, self.tabs.current
        limit = min(max(len(self._shown), _PAGE), 200)

        def came(page: GrantPage) -> None:
            if asked == self._asked:
                self._show(page, [*page.grants])

        self._page.read("grants list", {"state": state, "limit": limit}, came)

    def _read_more(self) -> None:
        asked, after = self._asked, self._after

        def came(page: GrantPage) -> None:
            if asked == self._asked:
                self._show(page, [*self._shown, *page.grants])

        if after is not None:
            self._page.read("grants list", {"state": self.tabs.current, "limit": _PAGE, "after": after}, came)

    def _show(self, page: GrantPage, grants: list[GrantDetail]) -> None:
        self._after = page.next_after
        self.more.setVisible(page.next_after is not None)
        self.tabs.set_words("lasting", f"Lasting {page.lasting:,}")
        self.tabs.set_words("ended", f"Ended {page.ended:,}")
        same = grants == self._shown and bool(grants)
        self._shown = grants
        clear(self._empty)
        if not grants:
            title, words = _NO_GRANT[self.tabs.current if self.tabs.current in _LISTS else "lasting"]
            self._empty.addWidget(EmptyState("shield-check", title, words))
        if not same:
            self._grid.set_cards([self._card(each) for each in grants])

    def _card(self, grant: GrantDetail) -> GrantCard:
        card = GrantCard(grant, self._clock)
        card.revoke_wanted.connect(self._ask_revoke)
        card.vary_wanted.connect(self._ask_vary)
        card.source_wanted.connect(lambda request: self._page.desk.go("Requests", request))
        card.receipts_wanted.connect(self._receipts_of)
        return card

    def _went_to(self, grant: GrantDetail) -> None:
        self.tabs.pick("lasting" if grant.row.state == "lasting" else "ended")
        self._show(GrantPage((grant,), 0, 0, None), [grant])
        self._read_grants()

    def _ask_revoke(self, grant: GrantDetail) -> None:
        ReasonPrompt(
            self._page.desk.sheet_host,
            "Revoke this grant",
            "It lets nothing through any more. What it let through and what has not gone to the pod yet is held again; "
            "a task that runs already goes on, and results that left stay where they are.",
            "Revoke the grant",
            lambda reason: self._write("grants revoke", {"grant_id": grant.row.id, "reason": reason}, "Revoked."),
        ).open()

    def _ask_vary(self, grant: GrantDetail) -> None:
        sheet = VarySheet(self._page.desk.sheet_host, grant)
        sheet.vary.connect(
            lambda name, pin, reason: self._write(
                "grants vary", {"grant_id": name, "which": pin, "reason": reason}, "The pin may vary from now on."
            )
        )
        sheet.open()

    def _write(self, act: str, given: dict[str, object], said: str) -> None:
        def done(_: object) -> None:
            self._page.desk.say(said)
            self.refresh()

        self._page.write(act, given, done)

    # --- receipts ----------------------------------------------------------------------------------------------------

    def _receipts_of(self, about: str) -> None:
        self.tabs.pick("receipts")
        self.receipts.search.setText(about)
        self._picked("receipts")

    def _read_receipts(self) -> None:
        self._ask_receipts(0)

    def _more_receipts(self) -> None:
        if self._before is not None:
            self._ask_receipts(self._before)

    def _ask_receipts(self, before: int) -> None:
        self._asked += 1
        asked = self._asked

        def came(page: ReceiptPage) -> None:
            if asked == self._asked:
                self._before = page.next_before
                self.receipts.show_page(page, add=bool(before))

        about = self.receipts.search.text().strip()
        self._page.read("receipt list", {"about": about, "limit": _RECEIPTS, "before": before}, came)

    def _open_receipt(self, reference: str) -> None:
        def came(detail: ReceiptDetail) -> None:
            sheet = ReceiptSheet(self._page.desk.sheet_host, detail)
            sheet.export_wanted.connect(self._ask_export)
            sheet.open()

        self._page.session.read(self, "receipt show", {"reference": reference}, came, self._page.desk.show_error)

    def _ask_export(self, reference: str) -> None:
        def write(path: str, _format: str) -> None:
            given = {"reference": reference, "to": path}
            self._page.session.write(self, "receipt export", given, lambda done: wrote(done.words), sheet.show_problem)

        def wrote(words: str) -> None:
            sheet.dismiss()
            self._page.desk.say(words)

        sheet = ExportSheet(
            self._page.desk.sheet_host,
            "Export the receipt",
            "The requester can verify it with the public key of this pod, without podadmin and without a network.",
            write,
            placeholder=f"{reference}.json",
        )
        sheet.open()

    def _show_key(self) -> None:
        def came(key: ReceiptKey) -> None:
            InfoSheet(
                self._page.desk.sheet_host,
                "The key that signs receipts",
                f"Give this public key to requesters, over a way that they trust.\n\nFingerprint {key.fingerprint}\n"
                f"In words: {key.words}\n\n{key.public_pem}",
                "key-round",
            ).open()

        self._page.session.read(self, "receipt key", {}, came, self._page.desk.show_error)

    # --- people ------------------------------------------------------------------------------------------------------

    def _deciders_came(self, shown: Deciders) -> None:
        self.people.show_deciders(shown)

    def _end_decider(self, shown: DeciderRow) -> None:
        ReasonPrompt(
            self._page.desk.sheet_host,
            "End the right to decide",
            f"{shown.account} may not decide any more from then on.",
            "End it",
            lambda reason: self._write("grants uncover", {"decider": shown.id, "reason": reason}, "Ended."),
        ).open()

    def _remove_reviewer(self, shown: ReviewerRow) -> None:
        ReasonPrompt(
            self._page.desk.sheet_host,
            "Remove the reviewer",
            f"{shown.name} is asked no more. What they have voted stays.",
            "Remove the reviewer",
            lambda reason: self._write("reviews remove", {"reviewer": shown.id, "reason": reason}, "Removed."),
        ).open()
