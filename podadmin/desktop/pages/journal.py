"""Journal: every entry, searchable; one in full beside the list; verification with its result; export."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Final

from PySide6.QtCore import QTimer

from podadmin.app.views.facts import Done
from podadmin.app.views.filters import SavedFilter
from podadmin.app.views.journal import JournalCheck, JournalRow
from podadmin.app.views.journal import JournalPage as Entries
from podadmin.core.errors import PodadminError
from podadmin.core.progress import Step
from podadmin.desktop.page import Page
from podadmin.desktop.pages.journal_anchors import AnchorsSheet
from podadmin.desktop.pages.journal_check import CheckResult
from podadmin.desktop.pages.journal_entry import EntryCard, page_of
from podadmin.desktop.pages.journal_export import JournalExportSheet
from podadmin.desktop.pages.journal_filter import KINDS, JournalFilter
from podadmin.desktop.pages.saved_filters import keep_with
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.form import SearchEdit
from podadmin.desktop.widgets.layout import column, row, wrap
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import amount, count, precise

VERIFY: Final = "Verify the journal"
_PAGE: Final = 50
_PICKING_MS: Final = 120


def entry_table() -> RowTable:
    """The table of entries."""
    return RowTable(
        "Journal entries",
        [
            Column("Entry", lambda entry: amount(entry.seq), "number", width=7),
            Column("When", lambda entry: _short(entry.at), width=14, tip=lambda entry: precise(entry.at)),
            Column("What happened", lambda entry: entry.words, stretch=3),
            Column("Who", lambda entry: entry.actor, width=8, spare=True),
        ],
        row_key=lambda entry: str(entry.seq),
    )


def _short(at: datetime) -> str:
    """Day and minute; the year stands in the tip and in the opened entry, and what happened has more room."""
    local = at.astimezone()
    return f"{local.day} {local:%b %y, %H:%M}"


class JournalPage(Page):
    """Reads the journal page by page, the newest entry first."""

    name = "Journal"
    title = "Journal"
    icon = "scroll-text"
    scrolls = False
    kinds = frozenset({"profile", *KINDS})
    help_text = (
        "Every change that podadmin makes is recorded here in the same moment in which it is made: a change without "
        "an entry cannot happen. Entries are chained: each carries the hash of the one before it, and the newest is "
        "anchored, signed, in the keyring.\n\n"
        "Verify the journal recomputes the whole chain and holds the records against their entries. It finds an entry "
        "that was changed, left out or cut off, and names the first one that is not right. Anchors keep the signed "
        "head of the chain elsewhere too: in a file on another disk, on paper, with a time-stamping authority.\n\n"
        "Export writes entries, or what they are evidence of, for others: to verify without podadmin, for an auditor, "
        "for the hospital's own audit repository. podadmin deletes no entry, and offers no way to do it."
    )

    def build(self) -> Iterator[None]:
        self._asked = 0
        self._shown_for: dict[str, object] = {}
        self._next_before: int | None = None
        self._total: int | None = None
        self._wanted = 0
        self._search_job: RunningJob | None = None
        self._picked_last: JournalRow | None = None
        self._picking = QTimer(self)
        self._picking.setSingleShot(True)
        self._picking.setInterval(_PICKING_MS)
        self._picking.timeout.connect(self._settled)
        self._search = SearchEdit("Search the journal", "Words, a number or a hash", self._changed_filter)
        self._verify = PrimaryButton(VERIFY, self._start_check, "shield-check")
        self.add_action(self._search)
        self.add_action(QuietButton("Anchors…", self._show_anchors, "key-round", "Anchors of the journal…"))
        self.add_action(QuietButton("Export…", self._ask_export, "download", "Export the journal…"))
        self.add_action(self._verify)
        yield
        self.filter = JournalFilter()
        self.filter.changed.connect(self._changed_filter)
        self.filter.picked_saved.connect(self._use_saved)
        keep_with(self, self.filter.saved, "journal", self._given, self.filter.offer)
        self.result = CheckResult()
        self.body.addWidget(self.filter)
        self.body.addWidget(self.result)
        yield
        self.table = entry_table()
        self.table.picked.connect(self._picked)
        self.table.opened.connect(self._open_subject)
        self.table.more_wanted.connect(self._read_more)
        self._count = PlainLabel("", "small")
        card = Card(flush=True)
        card.body.addWidget(self.table)
        self.list = StateView(wrap(column((card, 1), self._count, gap=SPACE.s)))
        yield
        self.entry = EntryCard()
        self.entry.page_wanted.connect(self.desk.go)
        self.body.addLayout(row((self.list, 2), (self.entry, 1), gap=SPACE.l), 1)

    def refresh(self) -> None:
        self.session.read(self, "journal filters", {}, self.filter.offer)
        self._read()

    def open_subject(self, subject: str) -> None:
        if subject.isdecimal():
            self._wanted = int(subject)
            self.table.select(subject)
            self.session.read(self, "journal show", {"entry": int(subject)}, self._show_wanted, self.entry.show_problem)

    def _show_wanted(self, entry: JournalRow) -> None:
        self.entry.show_entry(entry)

    def _picked(self, entry: JournalRow) -> None:
        self._wanted = entry.seq
        self._picked_last = entry
        if self._picking.isActive():
            # a key is held down: of many entries in a row only the one at which it ends is shown in full
            self._picking.start()
            return
        self.entry.show_entry(entry)
        self._picking.start()

    def _settled(self) -> None:
        last = self._picked_last
        if last is not None and last.seq == self._wanted and self.entry.entry != last:
            self.entry.show_entry(last)

    def _open_subject(self, entry: JournalRow) -> None:
        """Enter on an entry goes to what it is about."""
        page, subject = page_of(entry)
        if page:
            self.desk.go(page, subject)

    def _changed_filter(self, *_: object) -> None:
        self._read()

    def _given(self) -> dict[str, object]:
        return {"search": self._search.text().strip(), **self.filter.arguments()}

    def _read(self) -> None:
        self._asked += 1
        asked, given = self._asked, self._given()
        again, self._shown_for = given == self._shown_for, given
        if self._search_job is not None and not self._search_job.done:
            # what was asked before is not wanted any more: a long search must not keep others waiting
            self._search_job.cancel()

        def came(page: Entries) -> None:
            if asked == self._asked:
                self._show(page, again)

        if not any(given.values()):
            self._search_job = None
            self.read("journal list", {"limit": _PAGE}, came)
            return
        if self.list.showing == "content":
            self._count.setText("Searching…")
        failed = partial(self._not_found_out, asked)
        self._search_job = self.session.read(
            self, "journal list", {**given, "limit": _PAGE}, came, failed, progress=partial(self._searching, asked)
        )

    def _searching(self, asked: int, step: Step) -> None:
        if asked == self._asked:
            self._count.setText(step.what)

    def _not_found_out(self, asked: int, error: PodadminError) -> None:
        if asked == self._asked and error.code != "core.cancelled":
            self.list.show_error(error, self._read)

    def _read_more(self) -> None:
        before, asked = self._next_before, self._asked
        if before is None:
            return

        def came(page: Entries) -> None:
            if asked == self._asked:
                self._next_before = page.next_before
                self.table.add_rows(page.rows, more=page.next_before is not None)
                self._say_count()

        arguments = {**self._given(), "limit": _PAGE, "before": before}
        self._search_job = self.session.read(self, "journal list", arguments, came, partial(self._not_found_out, asked))

    def _show(self, page: Entries, again: bool) -> None:
        """The first page. `again`: it was read once more, and entries behind it never change."""
        self._total, more = page.total, page.next_before is not None
        if not again:
            self.table.set_rows(page.rows, more)
        if not (again and self.table.renew_rows(page.rows, more)):
            self._next_before = page.next_before
        self._say_count()
        if page.rows:
            self.list.show_content()
            if not self._wanted or self.table.current_row() is None:
                self.table.select(str(page.rows[0].seq))
        elif self._search.text().strip() or self.filter.on:
            words = "No entry is like that."
            self.list.show_empty("search", "Nothing found", words, "Clear search and filters", self._clear)
        else:
            self.list.show_empty("scroll-text", "The journal is empty", "The first change will be its first entry.")

    def _clear(self) -> None:
        self.filter.use({})
        self._search.clear()
        self._read()

    def _say_count(self) -> None:
        shown, total = len(self.table.rows()), self._total
        if total is None:
            more = "; scroll for older ones" if self._next_before is not None else ""
            self._count.setText(f"{count(shown, 'entry', 'entries')}{more}")
        elif shown >= total:
            self._count.setText(count(total, "entry", "entries"))
        else:
            self._count.setText(f"{amount(shown)} of {count(total, 'entry', 'entries')}; scroll for older ones")

    def _use_saved(self, saved: SavedFilter) -> None:
        if self._search.text().strip() != saved.values.get("search", ""):
            self._search.setText(saved.values.get("search", ""))
        self._read()

    def _start_check(self) -> None:
        self._verify.set_permit(False, "The journal is being verified.")
        self.result.begin()
        job = self.session.read(
            self, "journal verify", {}, self._checked, self._unchecked, title="Verifying the journal"
        )
        self.result.job.follow(job)

    def _checked(self, check: JournalCheck) -> None:
        self._verify.set_permit(True)
        entry = check.entry if check.state != "whole" else None
        button = None
        if entry is not None:
            button = QuietButton(f"Show entry {amount(entry)}", lambda: self.open_subject(str(entry)), "arrow-right")
        self.result.show_check(check, button)

    def _unchecked(self, error: PodadminError) -> None:
        self._verify.set_permit(True)
        self.result.show_problem(error)

    def _show_anchors(self) -> None:
        def do(act: str, arguments: dict[str, object]) -> None:
            came = (lambda done: sheet.say(done.words)) if act == "journal anchor-sheet" else sheet.show_anchors
            self.session.write(sheet, act, arguments, came, sheet.show_problem, title="Anchoring the journal")

        sheet = AnchorsSheet(self.desk.sheet_host, do)
        sheet.open()
        self.session.read(sheet, "journal anchors", {}, sheet.show_anchors, sheet.show_problem)

    def _ask_export(self) -> None:
        def write(path: str, form: str, selection: dict[str, str]) -> None:
            def written(done: Done) -> None:
                sheet.dismiss()
                self.desk.say(done.words)
                self.notice("good", f"{done.words} The file is {done.subject}.")

            arguments = {"to": path, "format": form, **selection}
            job = self.session.write(
                sheet, "journal export", arguments, written, sheet.show_problem, title="Exporting the journal"
            )
            sheet.follow(job)

        sheet = JournalExportSheet(self.desk.sheet_host, write, self.filter.arguments())
        sheet.open()
