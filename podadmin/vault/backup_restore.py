"""Taking a backup apart into a folder, and proving that what came out is a profile that works.

A restore and a test of one are the same work: a test does it in a scratch folder and forgets the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from podadmin.core.clock import Clock
from podadmin.core.errors import Tampered, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.journal import service as journal
from podadmin.journal.chain import Anchor
from podadmin.journal.records import Journal
from podadmin.store.engine import Store
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.backup import opened, put_items
from podadmin.vault.backup_content import (
    DATABASE,
    ITEMS,
    KEYS,
    MANIFEST,
    UPLOADS,
    Manifest,
    is_as_named,
    items_of,
    manifest_of,
    parted,
    whole,
)
from podadmin.vault.backup_file import Head, damaged
from podadmin.vault.disk import settle
from podadmin.vault.service import Vault

DATABASE_FILE = "podadmin.db"
KEY_FOLDER = "keys"
UPLOAD_FOLDER = "uploads"


@dataclass(frozen=True)
class Unpacked:
    """What was in a backup, now in `folder`: the database, the key folder and the folder of uploads.

    `items` is still to be put away.
    """

    folder: Path
    head: Head
    manifest: Manifest
    items: dict[str, Secret[bytes]]


@dataclass(frozen=True)
class Proved:
    """What was found right: `entries` of the journal, `keys` and `secrets` that open."""

    entries: int
    keys: int
    secrets: int


def unpack(path: Path, unlock: Callable[[Head], Secret[bytes]], into: Path, progress: Progress) -> Unpacked:
    """Write what is in the backup at `path` into the empty folder `into`, for this account only, and settle it there.

    Raises what `opened` raises, Tampered (`backup.damaged`), Unavailable (`backup.cannot-unpack`), Cancelled.
    """
    manifest: Manifest | None = None
    items: dict[str, Secret[bytes]] | None = None
    with opened(path, unlock) as (head, content):
        done = 0

        def told(pieces: Iterable[bytes]) -> Iterator[bytes]:
            nonlocal done
            for piece in pieces:
                done += len(piece)
                progress.report("Reading the backup", 0.1 + 0.5 * done / max(head.size, 1))
                yield piece

        with _explained():
            (into / KEY_FOLDER).mkdir(mode=0o700)
            (into / UPLOAD_FOLDER).mkdir(mode=0o700)
        for name, size, pieces in parted(told(content)):
            if name == MANIFEST:
                manifest = manifest_of(whole(size, pieces))
            elif name == ITEMS:
                items = items_of(whole(size, pieces))
            elif name.startswith(UPLOADS):
                _write(into / UPLOAD_FOLDER / name[len(UPLOADS) :], pieces)
            else:
                to = into / DATABASE_FILE if name == DATABASE else into / KEY_FOLDER / name[len(KEYS) :]
                _write(to, pieces)
        if manifest is None or items is None or not (into / DATABASE_FILE).exists():
            raise damaged()
    with _explained():
        settle(into / KEY_FOLDER)
        settle(into / UPLOAD_FOLDER)
        settle(into)
    return Unpacked(into, head, manifest, items)


def prove(unpacked: Unpacked, clock: Clock, progress: Progress) -> Proved:
    """Hold the journal against the head in the manifest and each upload against its digest, open every key and secret.

    Raises Tampered (`backup.damaged`, `backup.journal-broken`, `vault.*`, `store.damaged`), Unavailable (`vault.*`,
    `store.*`) and Cancelled.
    """
    store = Store.open(unpacked.folder / DATABASE_FILE, Journal(clock))
    try:
        progress.report("Checking the database", 0.62)
        if store.soundness(progress):
            raise damaged()
        _prove_uploads(unpacked.folder / UPLOAD_FOLDER, progress)
        progress.report("Verifying the journal", 0.7)
        manifest = unpacked.manifest
        anchor = Anchor(manifest.entries, manifest.head, manifest.made_at, "the backup")
        part = Progress(lambda step: progress.report(step.what, 0.7 + 0.15 * (step.fraction or 0.0)))
        found = journal.verify(store, (anchor,), part)
        if found.broken is not None:
            raise Tampered(
                "backup.journal-broken",
                "The journal in this backup is not whole.",
                f"{found.broken.why[:1].upper()}{found.broken.why[1:]}.",
                "Use an earlier backup, and keep this one: it shows when the journal was changed.",
            )
        progress.report("Opening the keys", 0.85)
        keyring = MemoryKeyring()
        put_items(unpacked.items, keyring)
        vault = Vault(unpacked.folder / KEY_FOLDER, keyring, store, clock)
        vault.unlock()
        keys, secrets = vault.every_key(), vault.secrets_kept()
        for info in keys:
            progress.check()
            vault.private(info)
        for secret in secrets:
            progress.check()
            vault.secret(secret.id)
        vault.lock()
        return Proved(found.entries, len(keys), len(secrets))
    finally:
        store.close()


def _prove_uploads(folder: Path, progress: Progress) -> None:
    for path in sorted(folder.iterdir()):
        progress.report("Checking the results that wait", 0.68)
        if not is_as_named(path, progress.check):
            raise damaged()


def _write(to: Path, pieces: Iterator[bytes]) -> None:
    with _explained():
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def _explained() -> Iterator[None]:
    """An error of the disk becomes one of ours. Raises Unavailable (`backup.cannot-unpack`)."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            "backup.cannot-unpack",
            "The backup could not be unpacked, and nothing was kept of it.",
            f"The operating system reported: {error.strerror or type(error).__name__}.",
            "Check that the disk of the profile has free space and that your account may write there.",
        ) from error
