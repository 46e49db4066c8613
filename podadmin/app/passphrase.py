"""The passphrase from the file that the options name, read when it is needed and not before.

What needs no key works without it: the profile opens, lists and status are shown. A passphrase that was missing or
wrong is read anew at the next use, so that putting the file right needs no restart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from podadmin.core.errors import BadInput, PodadminError, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault.backends import SecretStore
from podadmin.vault.model import KeyringState
from podadmin.vault.passphrase_file import PassphraseFile

T = TypeVar("T")


class PassphraseAtUse:
    """A `SecretStore`: the sealed file under the passphrase that `file` holds on its first line.

    Besides what `PassphraseFile` raises: Unavailable (`vault.passphrase-missing`, `vault.passphrase-file`), BadInput
    (`vault.passphrase-empty`).
    """

    name = "passphrase"
    title = PassphraseFile.title
    forgets = False

    def __init__(self, open_with: Callable[[Secret[str]], SecretStore], file: Path | None) -> None:
        self._open_with = open_with
        self._file = file
        self._opened: SecretStore | None = None
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return "PassphraseAtUse(…)"

    def state(self) -> KeyringState:
        """As that of the file; LOCKED where the passphrase cannot be had."""
        try:
            with self._lock:
                return self._store().state()
        except PodadminError:
            return KeyringState.LOCKED

    def get(self, item: str) -> bytes | None:
        return self._do(lambda store: store.get(item))

    def put(self, item: str, value: bytes) -> None:
        self._do(lambda store: store.put(item, value))

    def remove(self, item: str) -> None:
        self._do(lambda store: store.remove(item))

    def _store(self) -> SecretStore:
        if self._opened is None:
            self._opened = self._open_with(read_passphrase(self._file))
        return self._opened

    def _do(self, use: Callable[[SecretStore], T]) -> T:
        with self._lock:
            try:
                return use(self._store())
            except PodadminError:
                self._opened = None
                raise


def read_passphrase(file: Path | None) -> Secret[str]:
    """The first line of `file`. Raises what `PassphraseAtUse` says."""
    if file is None:
        raise Unavailable(
            "vault.passphrase-missing",
            "The keys of this profile cannot be opened.",
            "They are sealed under a passphrase, and no file with the passphrase was named.",
            "Start podadmin with --passphrase-file FILE; the file should be readable by your account only.",
        )
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            "vault.passphrase-file",
            "The keys of this profile cannot be opened.",
            "The file with the passphrase cannot be read.",
            "Check that the file exists and that your account may read it.",
        ) from error
    if not lines or not lines[0]:
        raise BadInput(
            "vault.passphrase-empty",
            "The keys of this profile cannot be opened.",
            "The file with the passphrase is empty.",
            "Write the passphrase on its first line.",
        )
    return Secret(lines[0])
