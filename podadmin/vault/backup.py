"""Backups: one file with a consistent copy of everything of a profile, and the ways to open it again.

In it are the whole database (keys, trust, rules, grants, requests, settings, journal), every sealed file of the key
folder, the items from where secrets live that open them, and the sealed bodies of results that wait to leave. Not in
it: the data of datasources, logs, exports, and files of the local network and the tour.
"""

from __future__ import annotations

import glob
import hashlib
import os
import secrets as chance
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, insert, update

from podadmin import __version__
from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import BadInput, NotFound, Refused, Unavailable
from podadmin.core.files import open_named
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.journal.records import Journal, last_entry
from podadmin.store.engine import Store, explain
from podadmin.store.unit import Fact
from podadmin.vault import shamir
from podadmin.vault.backends import SecretStore
from podadmin.vault.backup_content import (
    DATABASE,
    ITEMS,
    KEY_FILE,
    KEYS,
    MANIFEST,
    UPLOADS,
    Manifest,
    Part,
    framed,
    is_as_named,
    items_as_bytes,
    part_of,
    part_of_file,
)
from podadmin.vault.backup_file import (
    KEY_BYTES,
    Head,
    Lock,
    SharesLock,
    head_of,
    locked_by_passphrase,
    locked_by_secret,
    opened_pieces,
    read_head,
    sealed_pieces,
    unlocked_by_passphrase,
    unlocked_by_secret,
)
from podadmin.vault.backup_records import Backup, backup, row_of
from podadmin.vault.disk import exclusive, read_whole, settle, write_whole
from podadmin.vault.kek import KEK_ITEM, LARGEST_SEALED
from podadmin.vault.stretch import STRENGTH

SCRATCH = "backup-work"


@dataclass(frozen=True)
class Source:
    """What is backed up: a profile's folder and name, its database, its key folder, and where its secrets live.

    `items` are the names under which that place holds what belongs to the profile.
    """

    folder: Path
    profile: str
    store: Store
    keys: Path
    secrets: SecretStore
    items: tuple[str, ...]
    clock: Clock
    uploads: Callable[[Connection], Sequence[Path]] = lambda _connection: ()
    """The files of the large bodies to which what is in a database refers."""


LockMaker = Callable[[Secret[bytes], str], Lock]
"""Makes the lock of a new backup from the key of its content and its id."""


def under_passphrase(passphrase: Secret[str], strength: int = STRENGTH) -> LockMaker:
    """The lock that a passphrase opens. Making it takes half a second."""
    return lambda content_key, backup_id: locked_by_passphrase(content_key, backup_id, passphrase, strength)


class SharesMaker:
    """The lock that `quorum` of `of` shares open; `shares` are there once the lock was made."""

    def __init__(self, quorum: int, of: int) -> None:
        """Raises BadInput (`backup.bad-quorum`)."""
        shamir.check_quorum(quorum, of)
        self._quorum, self._of = quorum, of
        self.shares: tuple[Secret[str], ...] = ()

    def __repr__(self) -> str:
        return f"SharesMaker({self._quorum} of {self._of})"

    def __call__(self, content_key: Secret[bytes], backup_id: str) -> Lock:
        opener = Secret(os.urandom(KEY_BYTES))
        made = shamir.part(opener, self._quorum, self._of)
        self.shares = made.shares
        return locked_by_secret(content_key, backup_id, opener, made.series, self._quorum, self._of)

    def write(self, folder: Path, head: Head) -> tuple[Path, ...]:
        """Write each share into a file of its own, readable for this account only. Raises Unavailable."""
        written = []
        for number, share in enumerate(self.shares, start=1):
            path = folder / f"{head.id}-share-{number}-of-{self._of}.txt"
            write_whole(path, _sheet(share, number, self._quorum, self._of, head).encode("utf-8"))
            written.append(path)
        return tuple(written)


def make(
    source: Source,
    to: Path,
    lock_maker: LockMaker,
    lock_words: str,
    actor: str,
    progress: Progress,
    beforehand: Callable[[Head], object] = lambda _head: None,
) -> Backup:
    """Write a backup into the new file `to`. Recorded before it is begun (`backup.begun`) and when it is there.

    `beforehand` is called before the file gets its name: where it raises, there is no backup. Raises BadInput
    (`backup.bad-place`), Refused (`backup.exists`, `backup.nothing`), Unavailable (`backup.cannot-write`, `store.*`,
    `vault.*`), Cancelled; then no file is left behind.
    """
    _check_place(to)
    backup_id = new_id("backup")
    now = source.clock.now()
    with source.store.record(Fact(actor, "backup.begun", backup_id, {"file": stranger(to.name), "lock": lock_words})):
        pass
    with scratch_folder(source.folder) as scratch:
        content_key = Secret(os.urandom(KEY_BYTES))
        progress.report("Making the lock", 0.02)
        lock = lock_maker(content_key, backup_id)
        with exclusive(source.keys):
            progress.report("Copying the database", 0.05)
            source.store.backup(scratch / DATABASE)
            manifest, uploads = _told_by(source, scratch / DATABASE, stamp(now))
            parts = _parts(source, manifest, scratch / DATABASE)
        parts += _uploads(uploads, scratch, progress)
        head = head_of(backup_id, now, sum(part.length for part in parts), lock)
        with _new_file(to) as path:
            digest = _written(path, head, content_key, parts, progress)
            _read_back(path, head, content_key, digest, progress)
            beforehand(head)
            _give_name(path, to)
    made = Backup(backup_id, now, str(to), lock_words, head.file_size, digest, manifest.entries)
    body = {"file": stranger(to.name), "sha256": digest, "entries": manifest.entries, "head": manifest.head}
    with source.store.record(Fact(actor, "backup.made", backup_id, {**body, "lock": lock_words})) as unit:
        unit.execute(insert(backup).values(**row_of(made)))
    return made


def told_of(head: Head, path: Path, now: datetime, entries: int) -> Backup:
    """A backup that was just restored, as the restored profile knows it: it cannot be in its own list."""
    lock = f"{head.lock.quorum} of {head.lock.of} shares" if isinstance(head.lock, SharesLock) else "passphrase"
    return Backup(head.id, head.made_at, str(path), lock, head.file_size, "", entries, now)


def record_test(store: Store, clock: Clock, actor: str, backup_id: str, entries: int, problem: str = "") -> None:
    """A restore of a backup was tried (`backup.tested`); `problem` is the code of what went wrong."""
    body = {"problem": problem} if problem else {"entries": entries}
    with store.record(Fact(actor, "backup.tested", backup_id, body)) as unit:
        tested = update(backup).where(backup.c.id == backup_id)
        unit.execute(tested.values(tested_at=stamp(clock.now()), test_words=problem))


@contextmanager
def opened(path: Path, unlock: Callable[[Head], Secret[bytes]]) -> Iterator[tuple[Head, Iterator[bytes]]]:
    """The head of the backup at `path` and its content, proved piece by piece as it is read.

    Raises NotFound (`backup.no-file`), Unavailable (`backup.cannot-read`), and what the file and `unlock` raise.
    """
    try:
        with open_named(path) as file:
            head = read_head(file, os.fstat(file.fileno()).st_size)
            yield head, opened_pieces(file, head, unlock(head))
    except FileNotFoundError:
        raise NotFound(
            "backup.no-file",
            "There is no such backup.",
            "The file that was named does not exist.",
            "Name the file that podadmin wrote.",
        ) from None
    except OSError as error:
        raise Unavailable(
            "backup.cannot-read",
            "The backup cannot be read.",
            f"The operating system reported: {error.strerror or type(error).__name__}.",
            "Check that its disk is connected and that your account may read the file.",
        ) from error


def with_passphrase(passphrase: Secret[str]) -> Callable[[Head], Secret[bytes]]:
    """Opens a backup that was made under a passphrase."""
    return lambda head: unlocked_by_passphrase(head, passphrase)


def with_shares(shares: Sequence[Secret[str]]) -> Callable[[Head], Secret[bytes]]:
    """Opens a backup whose key was parted among custodians."""
    return lambda head: unlocked_by_secret(head, *shamir.join(shares))


def sweep(folder: Path) -> None:
    """Remove what a crash may have left of a backup or a test; nothing in it was ever in clear."""
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)


def _check_place(to: Path) -> None:
    if to.is_dir() or not to.parent.is_dir():
        raise BadInput(
            "backup.bad-place",
            "No backup was made.",
            "The place that was named is a folder, or its folder does not exist.",
            "Name a new file in a folder that exists, such as one on another disk.",
        )
    if to.exists():
        raise Refused(
            "backup.exists",
            "No backup was made.",
            "There is a file with that name already, and it may be the only good backup.",
            "Choose another name.",
        )


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """A folder inside the profile that is gone afterwards; one backup or test of a profile at a time."""
    with exclusive(folder / SCRATCH):
        sweep(folder)
        try:
            (folder / SCRATCH).mkdir(mode=0o700)
        except OSError as error:
            raise explain(error, "making the backup") from error
        try:
            yield folder / SCRATCH
        finally:
            sweep(folder)


def _told_by(source: Source, copy: Path, made_at: str) -> tuple[Manifest, Sequence[Path]]:
    """The manifest and the large bodies, by the copy itself: what is in the backup and not what came after."""
    copied = Store.open(copy, Journal(source.clock))
    try:
        with copied.read() as connection:
            last = last_entry(connection)
            uploads = source.uploads(connection)
    finally:
        copied.close()
    assert last is not None, "a backup is recorded before it is begun"
    return Manifest(__version__, source.profile, made_at, last.seq, last.hash), uploads


def _uploads(wanted: Sequence[Path], scratch: Path, progress: Progress) -> list[Part]:
    """Large bodies as parts. One that is not what was judged is left out: it will not be let go."""
    progress.report("Looking at the results that wait", 0.08)
    kept = [found for each in wanted if (found := _beside(each, scratch)) is not None]
    try:
        return [part_of_file(UPLOADS + each.name, each) for each in kept if is_as_named(each, progress.check)]
    except OSError as error:
        raise explain(error, "making the backup") from error


def _beside(file: Path, scratch: Path) -> Path | None:
    """The same file in the scratch folder: it may leave while the backup is written. None where it has left already."""
    to = scratch / file.name
    try:
        os.link(file, to)
    except FileNotFoundError:
        return None
    except OSError:  # not every disk has links
        try:
            shutil.copyfile(file, to)
        except OSError as error:
            raise explain(error, "making the backup") from error
    return to


def _parts(source: Source, manifest: Manifest, copy: Path) -> list[Part]:
    found = {name: value for name in source.items if (value := source.secrets.get(name)) is not None}
    files = _sealed_files(source.keys)
    if not files:
        raise Refused(
            "backup.nothing",
            "No backup was made.",
            "This profile has no keys yet, so there is nothing that would be missed.",
            "Make the pod first, then make a backup.",
        )
    if KEK_ITEM not in found:
        raise Unavailable(
            "vault.kek-missing",
            "The keyring no longer holds the secret that opens the keys of this profile.",
            "It was removed from the keyring, or the profile was moved here without it; the key files are there.",
            "Restore the keyring that belongs to this profile. podadmin makes no new secret in its place.",
        )
    items = items_as_bytes({name: Secret(value) for name, value in found.items()})
    return [
        part_of(MANIFEST, manifest.as_bytes()),
        part_of(ITEMS, items.reveal()),
        *(part_of(KEYS + path.name, read_whole(path, LARGEST_SEALED) or b"") for path in files),
        part_of_file(DATABASE, copy),
    ]


def _sealed_files(keys: Path) -> list[Path]:
    if not keys.is_dir():
        return []
    return sorted(path for path in keys.iterdir() if path.is_file() and KEY_FILE.fullmatch(path.name))


@contextmanager
def _new_file(to: Path) -> Iterator[Path]:
    """A nameless place beside `to`, gone afterwards unless it was given the name."""
    path = to.with_name(f".{to.name}.{chance.token_hex(4)}.part")
    try:
        for left in to.parent.glob(f".{glob.escape(to.name)}.????????.part"):
            # what a crash has left of an earlier try; it is sealed and of no use
            left.unlink(missing_ok=True)
        yield path
    except OSError as error:
        raise Unavailable(
            "backup.cannot-write",
            "No backup was made.",
            f"The operating system reported: {error.strerror or error}.",
            "Check that the disk has free space and that your account may write there, or choose another place.",
        ) from error
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _written(path: Path, head: Head, content_key: Secret[bytes], parts: Iterable[Part], progress: Progress) -> str:
    digest, written = hashlib.sha256(), 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        for piece in _all(head, content_key, parts):
            _put(file, piece)
            digest.update(piece)
            written += len(piece)
            progress.report("Writing the backup", 0.1 + 0.5 * written / head.file_size)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _all(head: Head, content_key: Secret[bytes], parts: Iterable[Part]) -> Iterator[bytes]:
    yield head.raw
    yield from sealed_pieces(framed(parts), head, content_key)


def _put(file: BinaryIO, piece: bytes) -> None:
    file.write(piece)


def _read_back(path: Path, head: Head, content_key: Secret[bytes], digest: str, progress: Progress) -> None:
    """The disk has what was written, and it opens. Raises Unavailable, Tampered."""
    found, read = hashlib.sha256(), 0
    with path.open("rb") as file:
        again = read_head(file, os.fstat(file.fileno()).st_size)
        for piece in opened_pieces(file, again, content_key):
            read += len(piece)
            progress.report("Reading the backup back", 0.6 + 0.38 * read / max(head.size, 1))
        file.seek(0)
        while piece := file.read(1 << 20):
            found.update(piece)
    if found.hexdigest() != digest:
        raise OSError("the disk does not keep what it is given")


def _give_name(path: Path, to: Path) -> None:
    _check_place(to)
    path.replace(to)
    settle(to.parent)


def _sheet(share: Secret[str], number: int, quorum: int, of: int, head: Head) -> str:
    words = share.reveal().split()
    lines = [" ".join(words[at : at + 6]) for at in range(0, len(words), 6)]
    return "\n".join(
        [
            f"# podadmin: share {number} of {of} of the backup {head.id}",
            f"# Made {stamp(head.made_at)}. Any {quorum} of the {of} shares open that backup; fewer tell nothing.",
            "# Give this share to one custodian, on paper or in a safe place, and keep no other copy.",
            *lines,
            "",
        ]
    )


def put_items(items: Mapping[str, Secret[bytes]], secrets: SecretStore) -> None:
    """Put what opens the sealed files where secrets live, each read back by that place. Raises what it raises."""
    for name, value in items.items():
        secrets.put(name, value.reveal())
