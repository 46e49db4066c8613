"""When the window is locked and unlocked, and how a guarded act asks who sits there.

What the lock is, and what may be done meanwhile, is decided in `podadmin.app.presence`; this puts it on the window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from podadmin.core.clock import Clock, SystemClock
from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.desktop.idle_watch import IdleWatch
from podadmin.desktop.lock import LockPage, ProofSheet

if TYPE_CHECKING:
    from podadmin.app.views.facts import Done
    from podadmin.app.views.lock import LockView
    from podadmin.desktop.shell import Shell

_KINDS: Final = frozenset({"profile", "lock", "setting"})


class Curtain(QObject):
    """The lock of one window. What it reads and does never waits for a long piece of writing work."""

    def __init__(self, shell: Shell, clock: Clock | None = None) -> None:
        super().__init__(shell)
        self._shell = shell
        self._behind: QWidget | None = None
        self._page: LockPage | None = None
        self._closing = False
        self.watch = IdleWatch(shell, clock or SystemClock(), lambda: self.close_now("idle"))
        shell.session.prover = self._prove
        shell.session.on_change(self, _KINDS, self._read)
        self._read()

    @property
    def closed(self) -> bool:
        """Is the lock over the window?"""
        return self._page is not None

    def close_now(self, why: str) -> None:
        """Lock: the window is empty at once, and the fact is recorded. `why`: asked | idle."""
        if self._page is None:
            self._cover()
            self._closing = True
            self._shell.session.read(self, "lock now", {"why": why}, self._locked, self._not_told)

    def put_back(self) -> None:
        """For the end of the window: it owns again what was behind the lock."""
        page = self._page
        if page is not None and self._behind is not None and isValid(self._behind):
            self._shell.takeCentralWidget()
            page.deleteLater()
            self._shell.setCentralWidget(self._behind)
            self._behind = self._page = None

    def _read(self) -> None:
        self._shell.session.read(self, "lock show", {}, self._show)

    def _show(self, view: LockView) -> None:
        self.watch.set_minutes(view.idle_minutes)
        if view.locked and self._page is None:
            self._cover()
        if self._page is not None and (view.locked or self._closing):
            self._page.show_lock(view)
        elif self._page is not None:
            self._uncover()

    def _locked(self, view: LockView) -> None:
        self._closing = False
        self._show(view)

    def _not_told(self, error: PodadminError) -> None:
        """It could not be recorded. The window stays empty: who asked for it has perhaps left already."""
        self._closing = False
        if self._page is not None:
            self._page.proof.show_problem(error)
            self._read_means()

    def _read_means(self) -> None:
        if self._page is not None:
            self._shell.session.read(self, "lock show", {}, self._page.show_lock)

    def _cover(self) -> None:
        self._behind = self._shell.takeCentralWidget()
        self._page = LockPage(self._unlock)
        self._shell.setCentralWidget(self._page)
        self._page.show()
        self._shell.show_title()

    def _uncover(self) -> None:
        if self._behind is not None and self._page is not None:
            page, self._page = self._page, None
            self._shell.takeCentralWidget()
            page.deleteLater()
            self._shell.setCentralWidget(self._behind)
            self._behind.show()
            self._behind = None
            self.watch.used()
            self._shell.show_title()
            self._shell.come_back()

    def _unlock(self, passphrase: Secret[str] | None) -> None:
        page = self._page
        if page is not None:
            arguments = {} if passphrase is None else {"passphrase": passphrase}
            self._shell.session.read(self, "lock unlock", arguments, self._show, page.proof.show_problem)

    def _prove(self, again: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Ask who sits there, then let the act go on; closing the question gives the act up."""
        sheet: ProofSheet

        def give(passphrase: Secret[str] | None) -> None:
            arguments = {} if passphrase is None else {"passphrase": passphrase}
            self._shell.session.read(sheet, "lock prove", arguments, proved, sheet.proof.show_problem)

        def proved(_: Done) -> None:
            sheet.proved()
            again()

        sheet = ProofSheet(self._shell.sheet_host, give, give_up)
        sheet.open(sheet.proof.field.line)
        self._shell.session.read(sheet, "lock show", {}, sheet.proof.show_lock)
