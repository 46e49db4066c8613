"""Who sits there: is the window locked, and has somebody just proved who they are? The one rule for window and command.

A guarded act (backup, hand-over, revoking, export of records) needs a proof that is at most two minutes old. A command
brings its own: it opens the passphrase file anew, or the keyring asks. In the window a person is asked, and that counts
for what they do next. While the window is locked, it gets nothing of the profile but the lock; the gate goes on.

The lock is a fact of the journal, so that closing and starting podadmin does not open it, and a command can close it.
It protects what a window shows. It does not protect against a person who can run programs under this account. An
auditor has no passphrase to prove anything with and records nothing: the lock is that window's alone then.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from podadmin.core.clock import unstamp
from podadmin.core.errors import BadInput, Refused
from podadmin.core.secret import Secret
from podadmin.journal.records import journal_entry
from podadmin.store.unit import Fact

if TYPE_CHECKING:
    from podadmin.app.acts.registry import Act
    from podadmin.app.profile import Profile
    from podadmin.vault.reproof import Means

PROOF_SECONDS = 120.0
_SUBJECT = "window"


class Presence:
    """One for each open profile. Safe to use from any thread."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._guard = threading.Lock()
        self._proved: float | None = None
        self.window = False
        """True where a person sits at a window of this process; then nobody is taken for proved by a file."""
        self._since: datetime | None = None
        self.refresh()

    @property
    def locked_since(self) -> datetime | None:
        """Since when the window is locked; None where it is not."""
        return self._since

    @property
    def proved(self) -> bool:
        """Has somebody proved who they are in the last two minutes?"""
        with self._guard:
            return self._proved is not None and self._profile.clock.monotonic() - self._proved <= PROOF_SECONDS

    @property
    def means(self) -> Means:
        """How a person proves who they are here."""
        from podadmin.vault.reproof import Means, means_of

        if self._profile.keyring_choice is None or self._profile.auditor:
            return Means.NONE
        return means_of(self._profile.vault.secrets, self._profile.folder)

    def refresh(self) -> None:
        """Learn from the journal whether the window is locked: another process may have asked for it."""
        if self._profile.auditor:
            return
        act = journal_entry.c.act
        wanted = select(act, journal_entry.c.at).where(act.in_(["lock.locked", "lock.unlocked"]))
        with self._profile.store.read() as connection:
            last = connection.execute(wanted.order_by(journal_entry.c.seq.desc()).limit(1)).first()
        self._since = unstamp(last.at) if last is not None and last.act == "lock.locked" else None

    def admit(self, wanted: Act) -> None:
        """May this act be done now? Raises Refused (`lock.locked`, `lock.proof-needed`), and what a proof raises."""
        if self.window and self._since is not None and not wanted.while_locked:
            raise Refused(
                "lock.locked",
                "Nothing of the profile is shown or done while the window is locked.",
                "It was locked by a person, or because nobody had used it for a while.",
                "Unlock the window first.",
            )
        if wanted.guarded and not self.proved:
            if not self.window:
                self.prove(None)
                return
            from podadmin.vault.reproof import Means

            if self.means is Means.NONE:
                return
            raise Refused(
                "lock.proof-needed",
                "Nothing was done yet.",
                "Before this, podadmin asks once more who you are.",
                "Prove it, and it goes on.",
            )

    def lock(self, why: str) -> None:
        """Lock the window (`lock.locked`), and forget who has proved themselves. `why`: asked | idle."""
        with self._guard:
            self._proved = None
        if self._since is None:
            self._tell("lock.locked", {"why": why})
            self._since = self._since or self._profile.clock.now()

    def unlock(self, passphrase: Secret[str] | None) -> None:
        """Open the window again (`lock.unlocked`). Raises as `prove`."""
        means = self.prove(passphrase)
        if self._since is not None:
            self._tell("lock.unlocked", {"by": means.value})
            self._since = None

    def prove(self, passphrase: Secret[str] | None) -> Means:
        """Prove who sits there, as far as the place where secrets live can ask. Returns how it was done.

        Raises BadInput (`vault.passphrase-wrong`, `lock.passphrase-needed`), Refused (`lock.not-proved`), Unavailable.
        A wrong passphrase is recorded (`lock.refused`).
        """
        from podadmin.app.passphrase import read_passphrase
        from podadmin.vault.reproof import Means, passphrase_needed, prove_by_keyring, prove_passphrase

        means = self.means
        if means is Means.PASSPHRASE:
            if passphrase is None and self.window:
                raise passphrase_needed()
            given = passphrase or read_passphrase(self._profile.options.passphrase_file)
            try:
                prove_passphrase(self._profile.folder, given)
            except BadInput:
                self._tell("lock.refused", {})
                raise
        elif means is Means.KEYRING:
            prove_by_keyring()
        with self._guard:
            self._proved = self._profile.clock.monotonic()
        return means

    def _tell(self, act: str, body: dict[str, str]) -> None:
        if not self._profile.auditor:
            with self._profile.store.record(Fact(self._profile.actor, act, _SUBJECT, body)):
                pass
        self.refresh()
