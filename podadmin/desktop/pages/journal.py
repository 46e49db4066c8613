"""Journal: every entry, searchable; one in full beside the list; verification with its result; export."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Done
from podadmin.app.views.journal import JournalCheck, JournalRow
from podadmin.app.views.journal import JournalPage as Entries
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.export_sheet import ExportSheet
from podadmin.desktop.pages.journal_entry import EntryCard
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.form import SearchEdit
from podadmin.desktop.widgets.layout import clear, column, row, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import amount, count, precise, when

VERIFY: Final = "Verify the journal"
_PAGE: Final = 50
_MOST: Final = 1000


def check_words(check: JournalCheck) -> tuple[str, str, str]:
    """A verification as (tone, title, words). A journal that is whole but anchored nowhere is a warning."""
    checked = f"Checked {when(check.checked_at)}."
    if check.state != "whole":
        where = f" at entry {amount(check.entry)}" if check.entry is not None else ""
        problems = "\n".join(check.problems or (check.words,))
        act = (
            "Do not trust what comes after that entry. Keep this profile as it is, and compare it with a backup."
            if check.entry is not None
            else "Keep this profile as it is, and compare it with a backup."
        )
        return "bad", f"The journal is broken{where}", f"{problems}\n{act} {checked}"
    title = f"Verified to entry {amount(check.entries)}"
    chain = "Every entry is what was written, and every record is the one that its entry names."
    if check.anchored_to is None or check.anchored_at is None:
        missing = "It is not anchored in the keyring yet, so entries cut off at its end would not be noticed."
        return "warn", f"{title}, not anchored", f"{chain} {missing} {checked}"
    at = f"{check.anchored_at.astimezone():%H:%M}"
    return "good", f"{title}, anchored to entry {amount(check.anchored_to)} at {at}", f"{chain} {checked}"


class CheckResult(QWidget):
    """The line above the list: the running verification, or what the last one found."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = JobBar()
        self._holder = column(gap=SPACE.s)
        self.setLayout(column(self.job, self._holder, gap=SPACE.s))
        self.setVisible(False)

    def begin(self) -> None:
        """A verification runs: what was found before is not shown any more."""
        clear(self._holder)
        self.setVisible(True)

    def show_check(self, check: JournalCheck, on_open: QuietButton | None = None) -> None:
        """Show what was found; `on_open` stands below a broken entry."""
        clear(self._holder)
        tone, title, words = check_words(check)
        self._holder.addWidget(Banner(tone, words, title=title))
        if on_open is not None:
            self._holder.addLayout(row(on_open))
        self.setVisible(True)

    def show_problem(self, error: PodadminError) -> None:
        """The verification did not come to an end."""
        clear(self._holder)
        if error.code == "core.cancelled":
            self._holder.addWidget(Banner("info", "Nothing was found out.", title="The verification was stopped"))
        else:
            words = f"{error.why} {error.next_step} ({error.code})"
            self._holder.addWidget(Banner("bad", words, title=error.what))


def entry_table() -> RowTable:
    """The table of entries."""
    return RowTable(
        "Journal entries",
        [
            Column("Entry", lambda entry: amount(entry.seq), "number", width=6),
            Column("When", lambda entry: when(entry.at), width=17, tip=lambda entry: precise(entry.at)),
            Column("What happened", lambda entry: entry.words, stretch=3),
            Column("Who", lambda entry: entry.actor, width=8, spare=True),
        ],
        row_key=lambda entry: str(entry.seq),
    )


class JournalPage(Page):
    """Reads the journal page by page, the newest entry first."""

    name = "Journal"
    title = "Journal"
    icon = "scroll-text"
    scrolls = False
    kinds = frozenset(
        {
            "profile",
            "pod",
            "key",
            "keyring",
            "datasource",
            "schema",
            "network",
            "request",
            "grant",
            "limit",
            "journal",
            "setting",
            "gate",
            "tour",
        }
    )
    help_text = (
        "Every change that podadmin makes is recorded here in the same moment in which it is made: a change without "
        "an entry cannot happen. Entries are chained: each carries the hash of the one before it, and the newest is "
        "anchored, signed, in the keyring.\n\n"
        "Verify the journal recomputes the whole chain and holds the records against their entries. It finds an entry "
        "that was changed, left out or cut off, and names the first one that is not right. Export writes all entries "
        "to a file, one a line, which others can verify without podadmin."
    )

    def build(self) -> None:
        self._asked = 0
        self._next_before: int | None = None
        self._total: int | None = None
        self._wanted = 0
        self._search = SearchEdit("Search the journal", "Words, or the number of an entry", self._searched)
        self._verify = PrimaryButton(VERIFY, self._start_check, "shield-check")
        self.add_action(self._search)
        self.add_action(QuietButton("Export…", self._ask_export, "download", "Export the journal…"))
        self.add_action(self._verify)
        self.result = CheckResult()
        self.table = entry_table()
        self.table.picked.connect(self._picked)
        self.table.more_wanted.connect(self._read_more)
        self._count = PlainLabel("", "small")
        card = Card(flush=True)
        card.body.addWidget(self.table)
        self.list = StateView(wrap(column((card, 1), self._count, gap=SPACE.s)))
        self.entry = EntryCard()
        self.entry.page_wanted.connect(self.desk.go)
        self.body.addWidget(self.result)
        self.body.addLayout(row((self.list, 8), (self.entry, 5), gap=SPACE.l), 1)

    def refresh(self) -> None:
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
        self.entry.show_entry(entry)

    def _searched(self, _: str) -> None:
        self._read()

    def _read(self) -> None:
        self._asked += 1
        asked, search = self._asked, self._search.text().strip()
        limit = min(max(len(self.table.rows()), _PAGE), _MOST)

        def came(page: Entries) -> None:
            if asked == self._asked:
                self._show(page, search)

        self.read("journal list", {"search": search, "limit": limit}, came)

    def _read_more(self) -> None:
        before, asked = self._next_before, self._asked
        if before is None:
            return
        arguments = {"search": self._search.text().strip(), "limit": _PAGE, "before": before}

        def came(page: Entries) -> None:
            if asked == self._asked:
                self._next_before = page.next_before
                self.table.add_rows(page.rows, more=page.next_before is not None)
                self._say_count(self._total)

        self.read("journal list", arguments, came)

    def _show(self, page: Entries, search: str) -> None:
        self._next_before, self._total = page.next_before, page.total
        self.table.set_rows(page.rows, more=page.next_before is not None)
        self._say_count(page.total)
        if page.rows:
            self.list.show_content()
            if not self._wanted:
                self.table.select(str(page.rows[0].seq))
        elif search:
            words = f"No entry holds “{search}”."
            self.list.show_empty("search", "Nothing found", words, "Clear the search", self._search.clear)
        else:
            self.list.show_empty("scroll-text", "The journal is empty", "The first change will be its first entry.")

    def _say_count(self, total: int | None) -> None:
        shown = len(self.table.rows())
        if total is None:
            more = "; scroll for older ones" if self._next_before is not None else ""
            self._count.setText(f"{count(shown, 'entry', 'entries')}{more}")
            return
        whole = count(total, "entry", "entries")
        self._count.setText(whole if shown >= total else f"{amount(shown)} of {whole}; scroll for older ones")

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

    def _ask_export(self) -> None:
        sheet = ExportSheet(
            self.desk.sheet_host,
            "Export the journal",
            "All entries are written, one a line as JSON, with their hashes. The file holds the names and reasons that "
            "the journal holds; it holds no keys. The export itself becomes an entry.",
            lambda path, _: self._export(sheet, path),
            filters="JSON Lines (*.jsonl)",
            placeholder="journal.jsonl",
        )
        sheet.open()

    def _export(self, sheet: ExportSheet, path: str) -> None:
        def written(done: Done) -> None:
            sheet.dismiss()
            self.desk.say(done.words)
            self.notice("good", f"{done.words} The file is {done.subject}.")

        self.session.write(sheet, "journal export", {"to": path}, written, sheet.show_problem)
