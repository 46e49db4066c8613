"""What a folder holds: how many files, which endings, what could not be looked at. Only counts come to the window."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import InventoryView
from podadmin.app.views.facts import Fact
from podadmin.core.errors import PodadminError
from podadmin.core.text import stranger
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.words import count, size, when, whole

COUNT: Final = "Count the files again"
_PAGE: Final = 100
_SEEN: Final = 6


class InventoryCard(Card):
    """Counts of a folder. `look_wanted` asks for another look through it."""

    look_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What the folder holds", parent=parent)
        self._view: InventoryView | None = None
        self._look = QuietButton(COUNT, self.look_wanted.emit, "refresh-cw")
        self._look.set_help("Only what is new or changed since the last look is looked at closely.")
        self.job = JobBar()
        self._notes = column(gap=SPACE.s)
        self._facts = FactGrid()
        self.endings = RowTable(
            "Files by ending",
            [
                Column("Ending", lambda each: each[0] or "none", "mono"),
                Column("Files", lambda each: whole(each[1]), "number", width=12),
            ],
            row_key=lambda each: each[0],
        )
        self.unreadable = RowTable(
            "What could not be looked at",
            [Column("Folder or file", lambda each: stranger(each, 200), "mono")],
            row_key=lambda each: each,
        )
        self.endings.more_wanted.connect(self._more_endings)
        self._bad = wrap(column(self.unreadable))
        self.body.setSpacing(SPACE.m)
        self.body.addLayout(self._notes)
        self.body.addWidget(self._facts)
        self.body.addWidget(self.job)
        self.body.addWidget(self.endings)
        self.body.addWidget(self._bad)
        self.body.addLayout(row(self._look, STRETCH))
        self.body.addStretch(1)

    def show_inventory(self, view: InventoryView) -> None:
        """Show what the last look has found."""
        self._view = view
        clear(self._notes)
        self._facts.set_facts(_facts(view))
        if not view.whole:
            words = "The last look did not come to its end: it goes on where it was." if view.files else _NEVER
            self._notes.addWidget(Banner("info", words))
        if view.unreadable_count:
            words = f"{count(view.unreadable_count, 'place', 'places')} in it could not be looked at."
            self._notes.addWidget(Banner("warn", words))
        _fit(self.endings, len(view.by_ending))
        self.endings.set_rows(view.by_ending[:_PAGE], len(view.by_ending) > _PAGE)
        self.endings.setVisible(bool(view.by_ending))
        _fit(self.unreadable, len(view.unreadable))
        self.unreadable.set_rows(view.unreadable)
        self._bad.setVisible(bool(view.unreadable))

    def show_problem(self, error: PodadminError) -> None:
        """The look did not come to its end, or there is none to show."""
        clear(self._notes)
        tone = "info" if error.code == "core.cancelled" else "bad"
        self._notes.addWidget(Banner(tone, f"{error.why} {error.next_step} ({error.code})", title=error.what))

    def follow(self, job: RunningJob) -> None:
        """A look runs; Cancel stands beside its bar."""
        self.job.follow(job)

    def set_busy(self, busy: bool) -> None:
        """A look runs already."""
        self._look.set_permit(not busy, "The files are being counted.")

    def _more_endings(self) -> None:
        if self._view is not None:
            have = len(self.endings.rows())
            page = self._view.by_ending[have : have + _PAGE]
            self.endings.add_rows(page, len(self._view.by_ending) > have + _PAGE)


_NEVER: Final = "The files of this folder have not been counted yet."


def _fit(table: RowTable, rows: int) -> None:
    line = table.verticalHeader().defaultSectionSize()
    table.setFixedHeight((min(max(rows, 1), _SEEN) + 1) * line + SPACE.m)


def _facts(view: InventoryView) -> tuple[Fact, ...]:
    if not view.files and not view.whole:
        return ()
    facts = (
        Fact("Files that count", whole(view.files)),
        Fact("Their size", size(view.size)),
        Fact("Folders", whole(view.folders)),
        Fact("Newest", when(view.newest) if view.newest is not None else ""),
        Fact("Oldest", when(view.oldest) if view.oldest is not None else ""),
        Fact("Other files", whole(view.others) if view.others else ""),
        Fact("Links not followed", whole(view.links) if view.links else ""),
        Fact("New or changed", count(view.changed, "folder", "folders") if view.changed else ""),
    )
    return tuple(fact for fact in facts if fact.value)
