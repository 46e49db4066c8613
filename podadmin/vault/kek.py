"""The key-encryption key: fetched from the keyring, made once, and exchanged without ever losing what it seals.

An exchange puts the next key beside the present one, seals every file anew, makes the next the present one and removes
the second item. Each of these is one whole write, so a crash leaves files that one of two kept keys opens; whoever
changes the key folder next finishes what was begun. One process at a time changes the folder (a lock of the operating
system), and each looks up the present key under that lock: nothing is ever sealed under a key that was exchanged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from podadmin.core.errors import PodadminError, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault.backends import SecretStore
from podadmin.vault.disk import exclusive, read_whole, write_whole
from podadmin.vault.sealed import KEK_BYTES, Header, open_sealed, resealed, seal

KEK_ITEM = "key-encryption-key"
NEXT_ITEM = "key-encryption-key-next"
SEALED_SUFFIXES = (".key", ".sealed")
LARGEST_SEALED = 256 * 1024
"""Bytes of a sealed file."""

Keks = tuple[Secret[bytes], ...]
"""The present key-encryption key, and in an exchange that is not finished the next one after it."""


class KeyEncryption:
    """The key-encryption key of one profile and the files that it seals. Usable from any thread.

    Methods raise what the keyring raises (`vault.keyring-*`, `vault.passphrase-*`) and, for files, Unavailable
    (`vault.cannot-read`, `vault.cannot-write`).
    """

    def __init__(
        self, folder: Path, secrets: SecretStore, recorded: Callable[[], bool], done: Callable[[str, int], None]
    ) -> None:
        """`recorded`: does the database know of anything that was sealed? `done` records an exchange: by whom, and how
        many files were sealed anew; a crash right behind it makes it be called twice.
        """
        self._folder = folder
        self._secrets = secrets
        self._recorded = recorded
        self._done = done
        self._held: Keks = ()

    def __repr__(self) -> str:
        return f"KeyEncryption({'locked' if self.locked else 'unlocked'})"

    @property
    def locked(self) -> bool:
        return not self._held

    def lock(self) -> None:
        self._held = ()

    def unlock(self, prove: Callable[[Keks], None]) -> None:
        """Fetch the key, or make it where nothing was sealed yet. `prove` raises where it opens nothing that is there.

        Raises Unavailable (`vault.kek-missing`), Tampered (`vault.keyring-item-changed`).
        """
        held = self._fetch()
        if held:
            prove(held)
            self._held = held
            return
        with self._alone():
            # another process may have made it while this one waited
            self._held = self._fetch() or self._first()

    def read(self, file: str, header: Header) -> Secret[bytes]:
        """What a sealed file holds. Raises Unavailable (`vault.locked`, `vault.key-file-missing`), Tampered."""
        held = self._opened()
        try:
            return self.read_with(held, file, header)
        except Tampered:
            fresh = self._exchanged_meanwhile(held)
            if fresh is None:
                raise
            self._held = fresh
            return self.read_with(fresh, file, header)

    def read_with(self, held: Keks, file: str, header: Header) -> Secret[bytes]:
        """What a sealed file holds, opened with one of these keys."""
        data = read_whole(self._folder / file, LARGEST_SEALED)
        if data is None:
            raise Unavailable(
                "vault.key-file-missing",
                f"The key file of {header.id} is not in the key folder.",
                "It was moved or removed by something other than podadmin.",
                "Restore the key folder from a backup. podadmin makes no new key in its place.",
            )
        for kek in held[:-1]:
            try:
                return open_sealed(data, kek, header)
            except Tampered:
                continue
        return open_sealed(data, held[-1], header)

    @contextmanager
    def changing(self) -> Iterator[Callable[[str, Secret[bytes], Header], None]]:
        """Gives what seals a file (name, content, header) under the present key; no other process changes the folder.

        The file is read back before that returns. Finishes an exchange that was broken off.
        """
        self._opened()
        with self._alone():
            self._held = self._present()
            if len(self._held) > 1:
                self._finish("podadmin")
            yield self._write

    def exchange(self, actor: str, check: Callable[[Keks], None]) -> None:
        """Seal everything under a new key. `check` raises where a file does not open now; then nothing is begun."""
        self._opened()
        with self._alone():
            held = self._present()
            self._held = held
            check(held)
            if len(held) == 1:
                fresh = Secret(os.urandom(KEK_BYTES))
                self._secrets.put(NEXT_ITEM, fresh.reveal())
                self._held = (held[0], fresh)
            self._finish(actor)

    def _write(self, file: str, plain: Secret[bytes], header: Header) -> None:
        held = self._opened()
        write_whole(self._folder / file, seal(plain, held[0], header))
        if self.read_with(held, file, header).reveal() != plain.reveal():
            raise Unavailable(
                "vault.cannot-read",
                "A file that was just sealed does not read back as it was written.",
                "The disk that holds the profile does not keep what it is given.",
                "Check the disk before anything else is trusted to it.",
            )

    def _finish(self, actor: str) -> None:
        present, fresh = self._held[0], self._held[-1]
        files = 0
        for path in self._sealed():
            data = read_whole(path, LARGEST_SEALED)
            # a file that the present key does not open is sealed under the next one already, or is none of ours
            anew = resealed(data, present, fresh) if data else None
            if anew is not None:
                write_whole(path, anew)
            files += 1
        self._secrets.put(KEK_ITEM, fresh.reveal())
        self._done(actor, files)
        self._secrets.remove(NEXT_ITEM)
        self._held = (fresh,)

    def _alone(self) -> AbstractContextManager[None]:
        return exclusive(self._folder)

    def _opened(self) -> Keks:
        if not self._held:
            raise Unavailable(
                "vault.locked",
                "The keys of this profile are locked.",
                "Their secret has not been fetched from the keyring, so nothing can be decrypted or signed.",
                "Unlock the keyring on the Keys page, then try again.",
            )
        return self._held

    def _present(self) -> Keks:
        held = self._fetch()
        if not held:
            raise _missing()
        return held

    def _fetch(self) -> Keks:
        present, fresh = self._secrets.get(KEK_ITEM), self._secrets.get(NEXT_ITEM)
        if present is None and fresh is not None:
            # the half of an exchange that was broken off: to go on with it alone could lose what the other half sealed
            raise _missing()
        held = tuple(found for found in (present, fresh) if found is not None)
        if any(len(found) != KEK_BYTES for found in held):
            raise Tampered(
                "vault.keyring-item-changed",
                "The secret in the keyring is not one that podadmin made.",
                "Another program or person has overwritten it.",
                "Restore the keyring from a backup; podadmin does not overwrite the item.",
            )
        return tuple(Secret(found) for found in held)

    def _first(self) -> Keks:
        if self._sealed() or self._recorded():
            raise _missing()
        kek = Secret(os.urandom(KEK_BYTES))
        self._secrets.put(KEK_ITEM, kek.reveal())
        return (kek,)

    def _sealed(self) -> list[Path]:
        """The files in the key folder that are sealed."""
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if path.suffix in SEALED_SUFFIXES)

    def _exchanged_meanwhile(self, held: Keks) -> Keks | None:
        """What the keyring holds now, where that is not what this process holds."""
        try:
            fresh = self._fetch()
        except PodadminError:
            return None
        same = [kek.reveal() for kek in fresh] == [kek.reveal() for kek in held]
        return None if same or not fresh else fresh


def _missing() -> Unavailable:
    return Unavailable(
        "vault.kek-missing",
        "The keyring no longer holds the secret that opens the keys of this profile.",
        "It was removed from the keyring, or the profile was moved here without it; the key files are there.",
        "Restore the keyring that belongs to this profile. podadmin makes no new secret in its place.",
    )
