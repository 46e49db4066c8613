"""Where the journal's head is kept besides the database: every place, what it proves, and how to add one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from podadmin.app.views.journal import AnchorView
from podadmin.core.errors import PodadminError
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import GhostButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.form import PathField, TextField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.prompt import Sheet
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.words import amount, when

_BADGES: Final = {
    "good": BadgeSpec("good", "Proves everything"),
    "behind": BadgeSpec("good", "Fits"),
    "waiting": BadgeSpec("plain", "Nothing yet"),
    "unreadable": BadgeSpec("warn", "Cannot be read"),
    "wrong": BadgeSpec("bad", "Does not fit"),
}

Act = Callable[[str, dict[str, object]], object]


def _place(view: AnchorView) -> str:
    return "The keyring" if view.kind == "keyring" else view.place


class AnchorsSheet(Sheet):
    """Lists anchors; what is wanted is asked of `do(act, arguments)`, which calls `show_anchors` or `show_problem`."""

    def __init__(self, host: QWidget, do: Act) -> None:
        super().__init__(
            host,
            "Anchors of the journal",
            "An anchor is the signed head of the journal, kept where the database is not. It finds a journal that was "
            "cut off or written anew. The keyring keeps one by itself; a file on another disk, a printed sheet and a "
            "time stamp prove it also where the keyring is lost.",
        )
        self._do = do
        self.table = RowTable(
            "Anchors",
            [
                Column("Kept in", _place, stretch=2),
                Column("State", lambda view: _BADGES[view.state], "badge", width=19, tip=lambda view: view.words),
                Column("Entry", lambda view: amount(view.seq) if view.seq is not None else "–", "number", width=9),
                Column("When", lambda view: when(view.at) if view.at else "–", width=18, spare=True),
            ],
            fits=True,
        )
        self.table.picked.connect(lambda _: self._show_buttons())
        self._problem = column(gap=SPACE.s)
        self.remove = GhostButton("Use it no longer", self._remove, "trash-2", "Use this anchor no longer")
        self.file = PathField("Keep it in a file", "save", placeholder="/media/stick/anchor.json")
        self.add_file = QuietButton("Use this file", self._add_file, "plus")
        self.address = TextField("Time-stamping authority", placeholder="https://authority.example/tsr")
        self.certificate = PathField("Its root certificate", "file", filters="Certificates (*.pem *.crt *.cer)")
        self.add_stamp = QuietButton("Ask this authority", self._add_stamp, "plus")
        self.sheet = PathField("Print it: sheet to write", "save", filters="PDF (*.pdf)", placeholder="anchor.pdf")
        self.write_sheet = QuietButton("Write the sheet", self._write_sheet, "download")
        self.body.addWidget(self.table)
        self.body.addLayout(row(self.remove, STRETCH))
        self.body.addWidget(wrap(self._problem))
        for fields, button in (
            ((self.file,), self.add_file),
            ((self.sheet,), self.write_sheet),
            ((self.certificate,), self.add_stamp),
        ):
            if button is self.add_stamp:
                self.body.addWidget(self.address)
            line = row(*((field, 1) for field in fields), button, gap=SPACE.s)
            line.setAlignment(button, Qt.AlignmentFlag.AlignBottom)
            self.body.addLayout(line)
        self.now = PrimaryButton("Anchor now", lambda: self._ask("journal anchor", {}), "shield-check")
        self.buttons_row.addWidget(QuietButton("Close", self.dismiss))
        self.buttons_row.addWidget(self.now)
        for each in (self.file, self.address, self.certificate, self.sheet):
            each.changed.connect(self._show_buttons)
        self._show_buttons()

    def show_anchors(self, views: Sequence[AnchorView]) -> None:
        """What there is now; what was entered has been used."""
        clear(self._problem)
        self.table.set_rows(views)
        for field in (self.file, self.address, self.certificate, self.sheet):
            field.set_value("")
        self._busy(False)

    def show_problem(self, error: PodadminError) -> None:
        """It was not done; what was entered stays."""
        clear(self._problem)
        self._problem.addWidget(Banner("bad", f"{error.why} {error.next_step} ({error.code})", title=error.what))
        self._busy(False)

    def say(self, words: str) -> None:
        """It was done."""
        clear(self._problem)
        self._problem.addWidget(Banner("good", words))
        self.sheet.set_value("")
        self._busy(False)

    def _ask(self, act: str, arguments: dict[str, object]) -> None:
        self._busy(True)
        self._do(act, arguments)

    def _add_file(self) -> None:
        self._ask("journal anchor-file", {"file": self.file.value().strip()})

    def _add_stamp(self) -> None:
        given = {"address": self.address.value().strip(), "certificate": self.certificate.value().strip()}
        self._ask("journal anchor-stamp", dict(given))

    def _write_sheet(self) -> None:
        self._ask("journal anchor-sheet", {"to": self.sheet.value().strip()})

    def _remove(self) -> None:
        view = self.table.current_row()
        if view is not None:
            self._ask("journal anchor-remove", {"anchor": view.id})

    def _busy(self, busy: bool) -> None:
        self.now.set_permit(not busy, "It is being done.")
        self._show_buttons(busy)

    def _show_buttons(self, busy: bool = False) -> None:
        view = self.table.current_row()
        self.remove.set_permit(
            not busy and view is not None and view.kind in ("file", "time-stamp"),
            "Select a file or an authority first; the keyring is always used.",
        )
        self.add_file.set_permit(not busy and bool(self.file.value().strip()), "Name the file first.")
        self.write_sheet.set_permit(not busy and bool(self.sheet.value().strip()), "Name the file first.")
        both = bool(self.address.value().strip() and self.certificate.value().strip())
        self.add_stamp.set_permit(not busy and both, "Give its address and its root certificate first.")
