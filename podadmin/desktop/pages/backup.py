"""The part of Keys about backups: how it stands, every backup that was made, and what can be done.

`KeysPage` holds one `BackupPart` and calls its `refresh`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from PySide6.QtWidgets import QWidget

from podadmin.app.views.backup import BackupMade, BackupRow, BackupsView, BackupTried
from podadmin.app.views.handover import HandedOver
from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.backup_sheets import Arguments, HandOver, MakeBackup, OpenBackup
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.layout import STRETCH, column, row
from podadmin.desktop.widgets.prompt import InfoSheet
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import ago, count, size, whole

_STANDING: Final = {
    "good": BadgeSpec("good", "Tested"),
    "warn": BadgeSpec("warn", "Needs you"),
    "bad": BadgeSpec("bad", "No good backup"),
    "plain": BadgeSpec("plain", "Nothing yet"),
}
_TRIED: Final = {
    "tested": ("good", ""),
    "untested": ("warn", "circle-help"),
    "failed": ("bad", ""),
}
TEST_WORDS: Final = (
    "The backup is restored into a scratch folder, every key and secret in it is opened, its journal is verified, and "
    "all of it is removed again. Nothing of this profile is changed."
)
RESTORE_WORDS: Final = (
    "The backup takes the place of this profile, which is empty. It is proved first, and put in place when podadmin "
    "starts the next time. Do not run it beside the profile that was backed up: two pods with one identity confuse "
    "their network."
)
PROTECTION: Final = (
    "While the files are there, every program of your account and the administrator of this computer can read them."
)


class BackupPart(QWidget):
    """Lives on the Keys page."""

    kinds = frozenset({"backup", "key", "profile"})

    def __init__(self, page: Page, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page = page
        self._clock = SystemClock()
        self._shown: BackupsView | None = None
        self._badge = Badge(_STANDING["plain"])
        self._words = PlainLabel("", "body", wrap=True)
        self._next = PlainLabel("", "medium", wrap=True)
        self._waits = Banner("info", "Close podadmin and start it again: then the restored profile is in place.")
        self.make = PrimaryButton("Make a backup…", self._make, "download")
        self.test = QuietButton("Test the restore…", self._test, "shield-check")
        self.restore = QuietButton("Restore a backup…", self._restore, "folder-open")
        self.hand_over = QuietButton("Hand the key to a pod…", self._hand_over, "key-round")
        self._table = RowTable("Backups", _columns(self._ago), row_key=lambda each: each.id, fits=True)
        card = Card()
        card.body.addLayout(row(IconMark("download", "muted"), PlainLabel("Backup", "strong"), STRETCH, self._badge))
        for part in (self._words, self._next, self._waits):
            card.body.addWidget(part)
        card.body.addLayout(row(self.make, self.test, self.restore, STRETCH))
        self._list = Card("Backups that were made", flush=True)
        self._list.body.addWidget(self._table)
        lent = Card()
        lent.body.addLayout(
            row(
                IconMark("key-round", "muted"),
                (PlainLabel("A pod that is started outside podadmin", "strong"), 1),
                self.hand_over,
            )
        )
        words = "It reads its key from files. They are lent to it for its start only, and taken back."
        lent.body.addWidget(PlainLabel(words, "body", wrap=True))
        self.setLayout(column(card, self._list, lent, gap=SPACE.l))
        self._list.setVisible(False)
        self._waits.setVisible(False)
        self._permit()

    def refresh(self) -> None:
        """Read how it stands."""
        self._page.session.read(self, "backup list", {}, self.show_backups, self._failed)

    def show_backups(self, view: BackupsView) -> None:
        """Show this."""
        self._shown = view
        self._badge.set(_STANDING.get(view.tone, _STANDING["plain"]))
        self._words.setText(view.words)
        self._next.setText(f"What to do: {view.next_step}" if view.next_step else "")
        self._next.setVisible(bool(view.next_step))
        self._waits.setVisible(view.waits)
        self._list.setVisible(bool(view.backups))
        self._table.set_rows(view.backups)
        self._permit()

    def _permit(self) -> None:
        view = self._shown
        can_make = view is not None and view.can_make
        self.make.set_permit(can_make, "There are no keys yet: make the pod first.")
        self.hand_over.set_permit(can_make, "There are no keys yet: make the pod first.")
        self.test.set_permit(view is not None, "podadmin is still starting.")
        can_restore = view is not None and view.can_restore and not view.waits
        why = "This profile is not empty: start podadmin with --profile and the name of a new folder."
        self.restore.set_permit(can_restore, why)
        self.restore.setVisible(can_restore)

    def _failed(self, error: PodadminError) -> None:
        self._words.setText(f"{error.what} {error.why} {error.next_step}")

    def _ago(self, row: BackupRow) -> str:
        return ago(row.made_at, self._clock.now())

    def _doing(self, title: str) -> Callable[..., RunningJob]:
        def do(
            act: str,
            arguments: Arguments,
            success: Callable[[Any], object],
            failure: Callable[[PodadminError], object],
        ) -> RunningJob:
            return self._page.session.write(self, act, arguments, success, failure, title)

        return do

    def _make(self) -> None:
        MakeBackup(self._page.desk.sheet_host, self._doing("Making a backup"), self._made).open()

    def _made(self, made: BackupMade) -> None:
        self.refresh()
        words = f"A backup of {size(made.size)} was written and read back, up to entry {whole(made.entries)}."
        self._page.notice("good", f"{words} Keep it on another disk, and test the restore.")
        if made.shares:
            files = "\n".join(made.shares)
            InfoSheet(
                self._page.desk.sheet_host,
                "Give each share to its custodian",
                "Each of these files is one share. Give each to another custodian, on paper or on a stick, then "
                f"remove it here. {made.lock} open the backup; fewer tell nothing about it.\n\n{files}",
                "user",
            ).open()

    def _test(self) -> None:
        newest = self._shown.backups[0].place if self._shown is not None and self._shown.backups else ""
        OpenBackup(
            self._page.desk.sheet_host,
            "Test the restore",
            TEST_WORDS,
            "Test it",
            "backup test",
            self._doing("Testing the restore"),
            self._tested,
            newest,
        ).open()

    def _tested(self, tried: BackupTried) -> None:
        self.refresh()
        self._page.notice("good", f"{tried.words} {_found(tried)}")

    def _restore(self) -> None:
        OpenBackup(
            self._page.desk.sheet_host,
            "Restore a backup",
            RESTORE_WORDS,
            "Restore it",
            "backup restore",
            self._doing("Restoring the backup"),
            self._restored,
        ).open()

    def _restored(self, tried: BackupTried) -> None:
        self.refresh()
        self._page.notice("good", f"{tried.words} {_found(tried)}")

    def _hand_over(self) -> None:
        do = self._doing("Lending the key")
        HandOver(self._page.desk.sheet_host, do, self._handed, PROTECTION).open()

    def _handed(self, done: HandedOver) -> None:
        self._page.notice("good", f"{done.words} {done.protection}")


def _found(tried: BackupTried) -> str:
    opened = f"{count(tried.keys, 'key', 'keys')} and {count(tried.secrets, 'secret', 'secrets')}"
    return f"In it: {opened}, {count(tried.entries, 'journal entry', 'journal entries')}."


def _columns(since: Callable[[BackupRow], str]) -> list[Column]:
    def tried(row: BackupRow) -> BadgeSpec:
        tone, icon = _TRIED.get(row.state, ("plain", ""))
        words = {"tested": "Tested", "untested": "Not tested", "failed": "Failed"}.get(row.state, row.state)
        return BadgeSpec(tone, words, icon)

    return [
        Column("Made", since, width=14),
        Column("Restore", tried, kind="badge", width=12, tip=lambda row: row.words),
        Column("Opens with", lambda row: row.lock, width=16),
        Column("Journal to", lambda row: whole(row.entries), kind="number", width=10),
        Column("Size", lambda row: size(row.size), kind="number", width=10),
        Column("Where it was written", lambda row: row.place),
    ]
