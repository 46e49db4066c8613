"""Receipts: what was decided, signed, for requesters to keep; listed, read and exported here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.grants import ReceiptDetail, ReceiptPage, ReceiptRow
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import SearchEdit
from podadmin.desktop.widgets.layout import STRETCH, column, row
from podadmin.desktop.widgets.prompt import Sheet
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.tree import JsonTree
from podadmin.desktop.widgets.words import precise, when

EXPORT: Final = "Export the receipt…"
SIGN: Final = "Sign them now"
KEY: Final = "The public key…"


class ReceiptsView(Part):
    """A table of receipts. Signals say what is wanted; the panel does it."""

    searched = Signal()
    more_wanted = Signal()
    opened = Signal(str)
    sign_wanted = Signal()
    key_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._place = column(gap=SPACE.m)
        self.setLayout(self._place)

    def build(self) -> Iterator[None]:
        """Make the search, the table and what can be done."""
        self.search = SearchEdit("Search receipts", "Search receipts", lambda _: self.searched.emit())
        key = QuietButton(KEY, self.key_wanted.emit, "key-round")
        self._place.addLayout(row(self.search, STRETCH, key))
        yield
        self._unsigned = Banner("warn", "", SIGN, self.sign_wanted.emit)
        self._unsigned.setVisible(False)
        self._place.addWidget(self._unsigned)
        card = Card(flush=True)
        self._place.addWidget(card)
        yield
        self.table = RowTable(
            "Receipts",
            [
                Column("Reference", lambda each: each.reference, "mono", width=16),
                Column("What", lambda each: each.act_words, width=30),
                Column("Requester", lambda each: each.requester or "–", stretch=2),
                Column("By", lambda each: each.by or "–", stretch=2, spare=True),
                Column("When", lambda each: when(each.made_at), width=20, tip=lambda each: precise(each.made_at)),
                Column("Signature", _signed, "badge", width=17),
            ],
            row_key=lambda each: each.reference,
            fits=True,
        )
        self.table.opened.connect(lambda each: self.opened.emit(each.reference))
        self.table.more_wanted.connect(self.more_wanted.emit)
        card.body.addWidget(self.table)
        yield
        self._none = PlainLabel(
            "There is no receipt here. Every decision makes one: by you, by a rule, by a grant or by the gate.",
            "muted",
            wrap=True,
        )
        card.body.addWidget(self._none)
        self.more = QuietButton("Show more receipts", self.more_wanted.emit, "chevron-down")
        self._place.addLayout(row(self.more, STRETCH))

    def show_page(self, page: ReceiptPage, add: bool) -> None:
        """Show the first page, or one more."""
        more = page.next_before is not None
        if add:
            self.table.add_rows(page.rows, more)
        else:
            self.table.set_rows(page.rows, more)
        self.more.setVisible(more)
        rows = bool(self.table.rows())
        self.table.setVisible(rows)
        self._none.setVisible(not rows)
        one = page.unsigned == 1
        self._unsigned.set(
            "warn",
            f"{page.unsigned:,} {'receipt is' if one else 'receipts are'} not signed yet: the key was locked. "
            "They are signed as soon as it is not.",
        )
        self._unsigned.setVisible(page.unsigned > 0)


def _signed(shown: ReceiptRow) -> BadgeSpec:
    return BadgeSpec("good", "Signed") if shown.signed else BadgeSpec("warn", "Not yet signed", "hourglass")


class ReceiptSheet(Sheet):
    """One receipt with everything that it says."""

    export_wanted = Signal(str)

    def __init__(self, host: QWidget, detail: ReceiptDetail) -> None:
        shown = detail.row
        super().__init__(host, f"Receipt {shown.reference}", "", "file-text", "accent_text")
        facts = [
            Fact("What", shown.act_words),
            Fact("By", shown.by or "–"),
            Fact("When", when(shown.made_at)),
            Fact("Journal entry", str(shown.entry)),
            Fact("Signature", shown.signed_words, "good" if shown.signed else "warn"),
        ]
        if detail.key:
            facts.append(Fact("Signed with the key", detail.key[:32], mono=True))
        self.body.addWidget(FactGrid(tuple(facts)))
        self.tree = JsonTree("What the receipt says")
        self.tree.show_value(detail.document)
        self.body.addWidget(self.tree)
        self.export = PrimaryButton(EXPORT, lambda: self._export(shown.reference), "download")
        self.export.set_permit(shown.signed, "It is not signed yet.")
        self.buttons_row.addWidget(QuietButton("Close", self.dismiss))
        self.buttons_row.addWidget(self.export)

    def _export(self, reference: str) -> None:
        self.dismiss()
        self.export_wanted.emit(reference)
