"""What the engine does for the record: proves it before anything is delivered, and keeps its head elsewhere.

A journal that is not long is proved whole before the gate goes on. A long one would keep a pod off for a minute at
each start: then what can lead to a delivery is proved first, and everything else while the gate is on already; where
that finds something, or cannot be done, the gate goes off again.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from podadmin.app.proof import prove, prove_start
from podadmin.app.signing import sign_receipts
from podadmin.app.views.journal import JournalCheck
from podadmin.core.errors import PodadminError, Tampered, Unavailable
from podadmin.core.progress import Progress
from podadmin.journal.service import anchor_head
from podadmin.vault.model import Purpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

PROVED_WHOLE_UP_TO = 20_000
"""So many entries are proved whole before the gate goes on: about a second."""
LOOK_SECONDS = 0.2
AFTER_PROBLEM_SECONDS = 2.0
HINDERED_AT_MOST = 3
"""So often in a row the proof of the rest may be hindered. Then it is taken as one that failed: the gate goes off."""
log = logging.getLogger("podadmin.record")


class RecordCare:
    """One for each engine. `prove` and `anchor` block; `run` is for the engine's loop."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._proved = False
        self._whole = False
        self._broken: PodadminError | None = None
        self._files_due = 0.0
        self._stamps_due = 0.0
        self._kept = 0
        self._proving: Progress | None = None
        self._stopped = False
        self._stopping = threading.Lock()

    def prove(self) -> None:
        """Nothing is delivered, written or anchored on top of a record that is not what was written.

        Raises Tampered (`journal.broken`), what the keyring raises while it cannot be asked for the anchor, and
        Cancelled once `stop` was called.
        """
        if self._proved:
            return
        profile = self._profile
        if profile.keyring_choice is not None and profile.vault.keys():
            profile.open_vault()
        short = profile.last_entry() <= PROVED_WHOLE_UP_TO or self._broken is not None
        # one for each proof: what would end a process that is gone already is not kept until the engine ends
        progress = self._begin()
        _must_be_whole(prove(profile, progress) if short else prove_start(profile, progress))
        self._proved, self._whole, self._broken = True, short, None

    def stop(self) -> None:
        """The engine ends: who closes podadmin does not wait for a proof that is under way, nor for one that is not."""
        with self._stopping:
            self._stopped, proving = True, self._proving
        if proving is not None:
            proving.cancel()

    def _begin(self) -> Progress:
        progress = Progress()
        with self._stopping:
            self._proving = progress
            if self._stopped:
                progress.cancel()
        return progress

    def check(self) -> None:
        """Raises Tampered (`journal.broken`) where the proof that followed has found something.

        And what hindered that proof, where it was hindered again and again.
        """
        if self._broken is not None:
            raise self._broken

    async def run(self) -> None:
        """Prove the rest, and keep the head in the keyring and elsewhere, until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._prove_rest)
            group.start_soon(self._keep_anchored)

    async def _prove_rest(self) -> None:
        hindered = 0
        while True:
            await anyio.sleep(LOOK_SECONDS)
            if not self._proved or self._whole:
                continue
            progress = Progress()
            try:
                check = await to_thread.run_sync(prove, self._profile, progress, abandon_on_cancel=True)
                hindered = 0  # an anchor that cannot be read meanwhile hinders no proof
                _must_be_whole(check)
                self._whole = True
            except PodadminError as error:
                log.warning("the journal was not proved: %s", error.code)
                hindered += 1
                if isinstance(error, Tampered) or hindered >= HINDERED_AT_MOST:
                    self._broken, self._proved, hindered = error, False, 0
                else:
                    await anyio.sleep(AFTER_PROBLEM_SECONDS)
            finally:
                progress.cancel()

    async def _keep_anchored(self) -> None:
        anchored = 0
        while True:
            try:
                await anyio.sleep(self._profile.settings.number("journal.anchor-every"))
                last = await to_thread.run_sync(self._profile.last_entry)
                if last != anchored and await to_thread.run_sync(self.anchor):
                    anchored = last
                await to_thread.run_sync(self._keep_elsewhere, last)
            except PodadminError as error:
                log.warning("the journal was not anchored: %s", error.code)
                await anyio.sleep(AFTER_PROBLEM_SECONDS)

    def anchor(self) -> bool:
        """Sign what waits for it and keep the head in the keyring. False where there is no key or no keyring for it."""
        profile = self._profile
        if not self._can_sign():
            return False
        try:
            while sign_receipts(profile) and not self._stopped:
                pass
            anchor_head(profile.store, profile.vault, profile.vault.journal_signer(), profile.clock)
        except PodadminError as error:
            log.warning("the journal was not anchored: %s", error.code)
            return False
        return True

    def end(self) -> None:
        """The last head, to the keyring and to every file."""
        if self.anchor():
            self._files_due = 0.0
            self._keep_files(-1)

    def _can_sign(self) -> bool:
        profile = self._profile
        if profile.keyring_choice is None or not self._proved:
            return False
        try:
            return not profile.vault.locked and profile.vault.find(Purpose.JOURNAL) is not None
        except PodadminError as error:
            log.warning("the journal was not anchored: %s", error.code)
            return False

    def _keep_elsewhere(self, last: int) -> None:
        if not self._can_sign():
            return
        self._keep_files(last)
        now = self._profile.clock.monotonic()
        if now >= self._stamps_due:
            from podadmin.app.anchoring import have_stamped

            self._stamps_due = now + self._profile.settings.number("journal.stamp-every") * 3600.0
            _tell(have_stamped(self._profile, "podadmin"))

    def _keep_files(self, last: int) -> None:
        now = self._profile.clock.monotonic()
        if last == self._kept or now < self._files_due:
            return
        from podadmin.app.anchoring import anchor_files

        self._files_due = now + self._profile.settings.number("journal.copy-every")
        problems = anchor_files(self._profile)
        _tell(problems)
        # a disk that is not connected is tried again when it is due again, without a change in between
        self._kept = -1 if problems else last


def _must_be_whole(check: JournalCheck) -> None:
    if check.state != "whole":
        raise Tampered(
            "journal.broken",
            "Nothing is delivered, because the record of this profile is not what was written.",
            check.words,
            "Keep a copy of the profile, look at the journal, and restore the last backup.",
        )
    unread = next((view for view in check.anchors if view.kind == "keyring" and view.state == "unreadable"), None)
    if unread is not None:
        raise Unavailable(
            "journal.anchor-unread",
            "Nothing is delivered, because the journal cannot be held against its anchor.",
            unread.words,
            "Unlock the keyring or connect what it needs; the gate tries again by itself.",
        )


def _tell(problems: tuple[PodadminError, ...]) -> None:
    for problem in problems:
        log.warning("an anchor was not kept: %s", problem.code)
