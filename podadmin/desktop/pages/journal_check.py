"""What a verification of the journal found, above the list."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from podadmin.app.views.journal import JournalCheck
from podadmin.core.errors import PodadminError
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.layout import clear, column, row
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.words import amount, when


def check_words(check: JournalCheck) -> tuple[str, str, str]:
    """A verification as (tone, title, words). A journal that is whole but anchored nowhere is a warning."""
    checked = f"Checked {when(check.checked_at)}."
    notes = "".join(f"\n{note}" for note in check.notes)
    if check.state != "whole":
        where = f" at entry {amount(check.entry)}" if check.entry is not None else ""
        problems = "\n".join(check.problems or (check.words,))
        act = (
            "Do not trust what comes after that entry. Keep this profile as it is, and compare it with a backup."
            if check.entry is not None
            else "Keep this profile as it is, and compare it with a backup."
        )
        return "bad", f"The journal is broken{where}", f"{problems}{notes}\n{act} {checked}"
    title = f"Verified to entry {amount(check.entries)}"
    chain = "Every entry is what was written, and every record is the one that its entry names."
    if check.anchored_to is None or check.anchored_at is None:
        missing = "No anchor proves its end, so entries cut off there would not be noticed."
        return "warn", f"{title}, not anchored", f"{chain} {missing} {checked}{notes}"
    at = f"{check.anchored_at.astimezone():%H:%M}"
    used = sum(view.seq is not None for view in check.anchors)
    anchors = f" {used} anchors fit it." if used > 1 else ""
    title = f"{title}, anchored to entry {amount(check.anchored_to)} at {at}"
    return ("warn" if notes else "good"), title, f"{chain}{anchors} {checked}{notes}"


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
