"""Where small secrets are kept, as the rest of podadmin sees it, and the one way to choose a place.

The custodian chooses; nothing here ever falls back to another place than the one that was chosen.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol

from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault.model import KeyringState
from podadmin.vault.os_keyring import PATIENCE_SECONDS, OsKeyring
from podadmin.vault.passphrase_file import PassphraseFile

CHOICES = ("system", "memory", "passphrase")
SEALED_FILE_NAME = "secrets.sealed"


class SecretStore(Protocol):
    """Keeps a few small secrets of one profile by item name. Usable from any thread; calls may block for seconds.

    Every method except `state` raises Unavailable or Refused (`vault.keyring-*`, `vault.passphrase-*`) where the place
    cannot be used now, and Tampered where what it holds is not what was put there.
    """

    @property
    def name(self) -> str:
        """The choice that leads here: one of `CHOICES`."""

    @property
    def title(self) -> str:
        """The place in a custodian's words."""

    @property
    def forgets(self) -> bool:
        """Does everything vanish when the program ends?"""

    def state(self) -> KeyringState:
        """The state now. Never asks the person anything and never raises."""

    def get(self, item: str) -> bytes | None:
        """The secret kept as `item`, None where there is none. May make the system ask for a password."""

    def put(self, item: str, value: bytes) -> None:
        """Keep `value` as `item` and read it back: when this returns, the place really has it."""

    def remove(self, item: str) -> None:
        """Forget `item`; nothing happens where there is none."""


class MemoryKeyring:
    """Keeps secrets in this process only: for rehearsals and tests, and it says so."""

    name = "memory"
    title = "Memory only: every key is forgotten when podadmin ends"
    forgets = True

    def __init__(self) -> None:
        self._items: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "MemoryKeyring(…)"

    def state(self) -> KeyringState:
        return KeyringState.READY

    def get(self, item: str) -> bytes | None:
        with self._lock:
            return self._items.get(item)

    def put(self, item: str, value: bytes) -> None:
        with self._lock:
            self._items[item] = value

    def remove(self, item: str) -> None:
        with self._lock:
            self._items.pop(item, None)


def open_backend(
    choice: str,
    *,
    profile_id: str,
    folder: Path,
    passphrase: Secret[str] | None = None,
    timeout_seconds: float = PATIENCE_SECONDS,
) -> SecretStore:
    """The place that `choice` names, and no other. Touches neither the keyring nor the disk yet.

    `folder` is where the passphrase file lies (`secrets.sealed`). Raises BadInput (`vault.unknown-backend`) and, for
    `passphrase` without one, Unavailable (`vault.passphrase-needed`).
    """
    if choice == "system":
        return OsKeyring(profile_id, timeout_seconds=timeout_seconds)
    if choice == "memory":
        return MemoryKeyring()
    if choice == "passphrase":
        if passphrase is None:
            raise Unavailable(
                "vault.passphrase-needed",
                "The keys of this profile are kept in a passphrase file, and no passphrase was given.",
                "Only the passphrase opens that file; it is stored nowhere.",
                "Give the passphrase when you are asked for it, or name a file that holds it.",
            )
        return PassphraseFile(folder / SEALED_FILE_NAME, passphrase)
    raise BadInput(
        "vault.unknown-backend",
        "That is not a place where podadmin can keep keys.",
        f"It knows {', '.join(CHOICES)}.",
        "Choose one of them.",
    )
