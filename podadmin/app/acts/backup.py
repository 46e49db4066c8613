"""Acts on backups: make one, try to restore it, restore it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from podadmin.app import restoring
from podadmin.app.acts.registry import act
from podadmin.app.backup_standing import has_keys, standing
from podadmin.app.views.backup import BackupMade, BackupRow, BackupsView, BackupTried
from podadmin.core.errors import BadInput, PodadminError, Unavailable
from podadmin.core.files import expanded
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.networks import service as networks
from podadmin.vault import backup as service
from podadmin.vault.backup_file import Head
from podadmin.vault.backup_records import Backup, backups
from podadmin.vault.backup_restore import prove, unpack
from podadmin.vault.kek import KEK_ITEM, NEXT_ITEM
from podadmin.vault.service import ANCHOR_ITEM
from podadmin.vault.shamir import shares_in

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from podadmin.app.profile import Profile

_LARGEST_SHARES = 64 * 1024

FileTo = Annotated[str, "the file to write; a new one, best on another disk"]
FileFrom = Annotated[str, "the file of the backup"]
Passphrase = Annotated[Secret[str], "the passphrase of the backup"]
Shares = Annotated[list[str], "a file that holds shares"]
Words = Annotated[Secret[str] | None, "the words of the shares"]


@act("backup list")
def list_backups(profile: Profile) -> BackupsView:
    """List the backups that were made, and when restoring one was last tried."""
    with profile.store.read() as connection:
        kept = backups(connection)
    tone, words, step = standing(profile, kept)
    return BackupsView(
        tone=tone,
        words=words,
        next_step=step,
        backups=tuple(_row(each) for each in kept),
        can_make=has_keys(profile),
        can_restore=restoring.is_empty(profile),
        waits=restoring.waits(profile),
    )


@act("backup make", writes=True, kinds=("backup",), guarded=True)
def make(
    profile: Profile,
    progress: Progress,
    to: FileTo,
    new_passphrase: Annotated[Secret[str], "the passphrase of the backup, 12 characters or more"],
) -> BackupMade:
    """Write a backup of this profile into one file that only its passphrase opens.

    In it are keys and secrets with what opens them, trust, rules, grants, requests with the results that wait,
    settings and the journal. Not in it are the data of datasources, logs and exports.
    """
    profile.open_vault()
    lock = service.under_passphrase(new_passphrase)
    made = service.make(_source(profile), _place(to), lock, "passphrase", profile.actor, progress)
    return _made(made)


@act("backup make-shared", writes=True, kinds=("backup",), guarded=True)
def make_shared(
    profile: Profile,
    progress: Progress,
    to: FileTo,
    shares_to: Annotated[str, "the folder for the files of the shares; not where the backup goes"],
    *,
    quorum: Annotated[int, "how many shares open the backup"] = 2,
    of: Annotated[int, "how many shares there are"] = 3,
) -> BackupMade:
    """Write a backup that no passphrase opens: its key is parted among custodians, and some of them open it together.

    Each share is a file of words (SLIP-0039). Give one to each custodian and keep none together.
    """
    profile.open_vault()
    folder = _place(shares_to)
    if not folder.is_dir():
        raise BadInput(
            "backup.bad-share-place",
            "No backup was made.",
            "The place that was named for the shares is not a folder.",
            "Name a folder that exists.",
        )
    maker = service.SharesMaker(quorum, of)
    written: list[Path] = []
    try:
        made = service.make(
            _source(profile),
            _place(to),
            maker,
            f"{quorum} of {of} shares",
            profile.actor,
            progress,
            lambda head: written.extend(maker.write(folder, head)),
        )
    except BaseException:
        for path in written:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise
    return _made(made, tuple(str(path) for path in written))


@act("backup test", writes=True, kinds=("backup",))
def try_restore(
    profile: Profile,
    progress: Progress,
    file: FileFrom,
    passphrase: Passphrase,
) -> BackupTried:
    """Restore a backup into a scratch folder, open every key in it, verify its journal, and forget it again."""
    return _tried(profile, progress, file, service.with_passphrase(passphrase))


@act("backup test-shared", writes=True, kinds=("backup",))
def try_restore_shared(
    profile: Profile,
    progress: Progress,
    file: FileFrom,
    *,
    share: Shares = [],  # noqa: B006 - never changed; acts declare defaults
    words: Words = None,
) -> BackupTried:
    """Try to restore a backup with the shares of its custodians, as `backup test` does."""
    return _tried(profile, progress, file, service.with_shares(_shares(share, words)))


@act("backup restore", writes=True, kinds=("profile",))
def restore(
    profile: Profile,
    progress: Progress,
    file: FileFrom,
    passphrase: Passphrase,
) -> BackupTried:
    """Restore a backup into this profile, which has to be empty; it is in place when podadmin starts the next time.

    Choose first where the secrets of the restored profile shall live. Do not run it beside the profile that was backed
    up: two pods with one identity confuse their network.
    """
    return _restore(profile, progress, file, service.with_passphrase(passphrase))


@act("backup restore-shared", writes=True, kinds=("profile",))
def restore_shared(
    profile: Profile,
    progress: Progress,
    file: FileFrom,
    *,
    share: Shares = [],  # noqa: B006 - never changed; acts declare defaults
    words: Words = None,
) -> BackupTried:
    """Restore a backup with the shares of its custodians, as `backup restore` does."""
    return _restore(profile, progress, file, service.with_shares(_shares(share, words)))


def _source(profile: Profile) -> service.Source:
    joined = tuple(networks.item_of(each.kind) for each in networks.joined(profile.store))
    return service.Source(
        folder=profile.folder,
        profile=profile.id,
        store=profile.store,
        keys=profile.folder / "keys",
        secrets=profile.vault.secrets,
        items=(KEK_ITEM, NEXT_ITEM, ANCHOR_ITEM, *joined),
        clock=profile.clock,
        uploads=lambda connection: _uploads(profile, connection),
    )


def _uploads(profile: Profile, connection: Connection) -> tuple[Path, ...]:
    # the gate costs half a second to import, and showing the backups needs none of it
    from podadmin.app.proxy_mode import uploads_of
    from podadmin.gate.results import referring

    return uploads_of(profile).lying(referring(connection))


def _place(to: str) -> Path:
    return expanded(to).absolute()


def _row(each: Backup) -> BackupRow:
    state = "failed" if each.test_words else "tested" if each.tested_at else "untested"
    words = {
        "failed": f"It could not be restored ({each.test_words})",
        "tested": "Restoring it was tried with success",
        "untested": "Restoring it was never tried",
    }[state]
    return BackupRow(
        each.id,
        each.made_at,
        each.place,
        each.lock,
        each.size,
        each.sha256,
        each.entries,
        each.tested_at,
        state,
        words,
    )


def _made(made: Backup, shares: tuple[str, ...] = ()) -> BackupMade:
    return BackupMade(made.id, made.place, made.size, made.sha256, made.entries, made.lock, shares)


def _shares(files: Sequence[str], words: Secret[str] | None) -> list[Secret[str]]:
    found: list[Secret[str]] = []
    for name in files:
        try:
            with expanded(name).open(encoding="utf-8") as file:
                found += shares_in(Secret(file.read(_LARGEST_SHARES)))
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(
                "backup.share-file",
                "The backup was not opened.",
                "A file that should hold a share cannot be read, or it is not text.",
                "Check that the files exist and that your account may read them.",
            ) from error
    return found + list(shares_in(words) if words is not None else ())


def _tried(profile: Profile, progress: Progress, file: str, unlock: Callable[[Head], Secret[bytes]]) -> BackupTried:
    path, seen = _place(file), []

    def noticed(head: Head) -> Secret[bytes]:
        key = unlock(head)
        seen.append(head)
        return key

    with service.scratch_folder(profile.folder) as scratch, _recorded(profile, seen):
        progress.report("Opening the backup", 0.02)
        unpacked = unpack(path, noticed, scratch, progress)
        proved = prove(unpacked, profile.clock, progress)
    head = unpacked.head
    service.record_test(profile.store, profile.clock, profile.actor, head.id, proved.entries)
    words = (
        "The backup can be restored: every key and secret in it opens, and its journal is whole. Nothing was changed."
    )
    return BackupTried(head.id, head.made_at, proved.entries, proved.keys, proved.secrets, words)


@contextmanager
def _recorded(profile: Profile, seen: Sequence[Head]) -> Iterator[None]:
    """A test of a backup that opened and is not right is a fact about that backup."""
    try:
        yield
    except PodadminError as error:
        if seen and error.code.startswith(("backup.", "vault.", "store.damaged")) and error.exit_code != 5:
            service.record_test(profile.store, profile.clock, profile.actor, seen[0].id, 0, error.code)
        raise


def _restore(profile: Profile, progress: Progress, file: str, unlock: Callable[[Head], Secret[bytes]]) -> BackupTried:
    head, proved = restoring.stage(profile, _place(file), unlock, progress)
    words = "The backup is ready and proved. Close podadmin and start it again: then it is this profile."
    return BackupTried(head.id, head.made_at, proved.entries, proved.keys, proved.secrets, words)
