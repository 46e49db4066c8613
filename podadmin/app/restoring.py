"""Restoring a backup into a profile: everything is made ready and proved beside it, and put in place at the next start.

The database of an open profile cannot be exchanged under those who use it. So the restored profile is unpacked into a
folder inside the present one, proved, given a name of its own (its secrets never overwrite those of the profile it was
copied from) and marked as ready with one whole write. The next start moves its files into place, one by one; a crash
leaves the mark, and the start after it goes on where the one before stopped. Until the mark is there, a crash leaves a
folder that nobody uses.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from podadmin.app.lock import EngineLock
from podadmin.app.settings import keep
from podadmin.core.canon import canonical
from podadmin.core.clock import new_id
from podadmin.core.errors import Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.journal.records import Journal, journal_entry
from podadmin.store.engine import Store, explain
from podadmin.store.unit import Fact

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.vault.backup_file import Head
    from podadmin.vault.backup_restore import Proved, Unpacked

FOLDER, READY = "restored", "ready"
_DATABASE, _KEYS, _SECRETS, _UPLOADS = "podadmin.db", "keys", "secrets.sealed", "uploads"
UPLOADS = Path("gate", "uploads")
"""Where in a profile the large bodies lie that tasks have uploaded."""
_EMPTY_KINDS = frozenset({"profile", "keyring", "setting", "lock", "backup"})
"""Kinds of entries that a profile may have in which nobody has done anything yet."""


def is_empty(profile: Profile) -> bool:
    """Has nobody done anything in this profile yet? Only then may something be restored into it."""
    with profile.store.read() as connection:
        acts = connection.execute(select(journal_entry.c.act).distinct()).scalars().all()
    return {act.partition(".")[0] for act in acts} <= _EMPTY_KINDS and not _files(profile.folder / _KEYS)


def stage(
    profile: Profile, path: Path, unlock: Callable[[Head], Secret[bytes]], progress: Progress
) -> tuple[Head, Proved]:
    """Make the backup at `path` ready to be this profile from the next start on.

    Raises Refused (`backup.not-empty`, `backup.waits`, `backup.forgets`), Unavailable (`vault.undecided`, `vault.*`,
    `store.*`, `backup.*`), Tampered and BadInput (`backup.*`), Cancelled; then nothing is kept of it.
    """
    from podadmin.vault.backup_restore import prove, unpack
    from podadmin.vault.disk import exclusive, settle, write_whole

    _check(profile)
    folder = profile.folder / FOLDER
    with exclusive(folder):
        if (folder / READY).exists():
            raise Refused(
                "backup.waits",
                "Nothing was restored.",
                "A backup has been made ready here already.",
                "Close podadmin and start it again: that puts it in place.",
            )
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise explain(error, "restoring the backup") from error
        try:
            progress.report("Opening the backup", 0.02)
            unpacked = unpack(path, unlock, folder, progress)
            proved = prove(unpacked, profile.clock, progress)
            progress.report("Putting the secrets away", 0.95)
            _adopt(profile, unpacked, path)
            settle(folder)
            names = [each.name for each in _files(folder / _KEYS)]
            write_whole(folder / READY, canonical({"keys": names}).encode())
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return unpacked.head, proved


def waits(profile: Profile) -> bool:
    """Has a backup been made ready for the next start?"""
    return (profile.folder / FOLDER / READY).exists()


def finish(folder: Path) -> bool:
    """Put a restored profile in place where one was made ready; False where there is none. Safe to break off.

    Raises Unavailable (`backup.still-running`, `store.*`), Refused (`backup.grown`).
    """
    staged = folder / FOLDER
    if not (staged / READY).exists():
        return False
    lock = EngineLock(folder / "engine.lock")
    if not lock.take():
        raise Unavailable(
            "backup.still-running",
            "The restored profile is not in place yet.",
            "Another podadmin still runs in this profile.",
            "Close that one first.",
        )
    try:
        _move_in(folder, staged)
    except OSError as error:
        raise explain(error, "putting the restored profile in place") from error
    finally:
        lock.release()
    return True


def _check(profile: Profile) -> None:
    if not is_empty(profile):
        raise Refused(
            "backup.not-empty",
            "Nothing was restored.",
            "This profile is not empty: restoring would take the place of what is in it.",
            "Restore into a new profile: start podadmin with --profile and the name of a new folder.",
        )
    if profile.vault.secrets.forgets:
        raise Refused(
            "backup.forgets",
            "Nothing was restored.",
            "The in-memory keyring forgets everything when podadmin closes, and restoring needs a new start.",
            "Choose the keyring of this account or the passphrase file as the place where secrets live.",
        )


def _adopt(profile: Profile, unpacked: Unpacked, path: Path) -> None:
    """Give the restored profile a name and a place for its secrets of its own, and tell its journal."""
    from podadmin.app.profile import KEYRING_SETTING, PROFILE_SETTING
    from podadmin.vault.backup import put_items, told_of
    from podadmin.vault.backup_records import backup, row_of

    choice = profile.keyring_choice
    assert choice is not None, "the vault is there, so it was chosen where secrets live"
    name = new_id("profile")
    put_items(unpacked.items, profile.secret_place(choice, name, unpacked.folder))
    store = Store.open(unpacked.folder / _DATABASE, Journal(profile.clock))
    try:
        entries = unpacked.manifest.entries
        body = {"backup": unpacked.head.id, "was": unpacked.manifest.profile, "entries": entries}
        with store.record(Fact(profile.actor, "profile.restored", name, body)) as unit:
            keep(unit, PROFILE_SETTING, name)
            keep(unit, KEYRING_SETTING, choice)
            unit.execute(insert(backup).values(**row_of(told_of(unpacked.head, path, profile.clock.now(), entries))))
    finally:
        store.close()
    _sync(unpacked.folder / _DATABASE)


def _move_in(folder: Path, staged: Path) -> None:
    from podadmin.vault.disk import settle

    names = set(json.loads((staged / READY).read_text(encoding="utf-8"))["keys"])
    if {each.name for each in _files(folder / _KEYS)} - names:
        raise Refused(
            "backup.grown",
            "The restored profile was not put in place.",
            "Keys were made in this profile after the backup was made ready for it, and they would be lost.",
            f"Move the folder “{FOLDER}” out of the profile to go on with what is there, and restore into a new one.",
        )
    (folder / _KEYS).mkdir(mode=0o700, exist_ok=True)
    for each in _files(staged / _KEYS):
        each.replace(folder / _KEYS / each.name)
    settle(folder / _KEYS)
    if (staged / _SECRETS).exists():
        (staged / _SECRETS).replace(folder / _SECRETS)
    if waiting := _files(staged / _UPLOADS):
        (folder / UPLOADS).mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in waiting:
            each.replace(folder / UPLOADS / each.name)
        settle(folder / UPLOADS)
    if (staged / _DATABASE).exists():
        # what the database that is replaced left beside itself must never meet the other one
        for suffix in ("-wal", "-shm"):
            (folder / f"{_DATABASE}{suffix}").unlink(missing_ok=True)
        (staged / _DATABASE).replace(folder / _DATABASE)
    settle(folder)
    for each in sorted(staged.iterdir(), key=lambda path: path.name == READY):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    staged.rmdir()


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if each.is_file() and not each.name.startswith("."))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
