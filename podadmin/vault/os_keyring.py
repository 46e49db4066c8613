"""The keyring of the operating system, through the `keyring` library, with a list of what may be used.

The library chooses by itself, and may choose a file in clear text, nothing at all or several places at once. So the
choice is made here, the class is named in full, and a setting that asks for anything else is refused with the reason.
Secrets are kept as base64 text. Windows keeps at most 1280 characters, so only a key-encryption key lies here.
"""

from __future__ import annotations

import base64
import binascii
import configparser
import importlib
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from keyring.backend import KeyringBackend
from keyring.util import platform_

from podadmin.core.errors import PodadminError, Refused, Tampered, Unavailable
from podadmin.vault.keyring_states import state_for, trouble
from podadmin.vault.lane import Lane
from podadmin.vault.model import KeyringState

T = TypeVar("T")

DEFAULT_COLLECTION = "/org/freedesktop/secrets/aliases/default"

SERVICE = "podadmin"
PATIENCE_SECONDS = 8.0
LARGEST_SECRET = 900
"""Bytes: 1200 characters of base64, below the 1280 that the Windows Credential Manager keeps."""

ALLOWED: dict[str, str] = {
    "keyring.backends.SecretService.Keyring": "Secret Service keyring of this desktop",
    "keyring.backends.kwallet.DBusKeyring": "KDE Wallet",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
}
_BY_SYSTEM = {
    "darwin": ("keyring.backends.macOS.Keyring",),
    "win32": ("keyring.backends.Windows.WinVaultKeyring",),
}
_ELSEWHERE = ("keyring.backends.SecretService.Keyring", "keyring.backends.kwallet.DBusKeyring")


class OsKeyring:
    """One profile's items in the keyring of the operating system.

    Every call runs in a thread of its own and is given up after `timeout_seconds`: a password window that nobody
    answers must not stop the application. A call that was given up may still complete later; until then the next call
    waits for it, so that there is never a second window.
    """

    name = "system"
    forgets = False

    def __init__(self, profile_id: str, *, timeout_seconds: float = PATIENCE_SECONDS) -> None:
        if not profile_id:
            raise ValueError("a keyring without a profile would mix the keys of all profiles")
        self._profile_id = profile_id
        self._working = Lane("podadmin-keyring", timeout_seconds)
        self._looking = Lane("podadmin-keyring-state", timeout_seconds)
        self._chosen: KeyringBackend | None = None

    def __repr__(self) -> str:
        return f"OsKeyring({self._profile_id!r})"

    @property
    def title(self) -> str:
        return ALLOWED[_named(self._chosen)] if self._chosen is not None else "Keyring of the operating system"

    def state(self) -> KeyringState:
        try:
            return self._attempt(self._looking, self._look)
        except PodadminError as error:
            return state_for(error)

    def get(self, item: str) -> bytes | None:
        return self._attempt(self._working, lambda: self._read(item))

    def unlock(self, item: str, seconds: float, check: Callable[[], None]) -> None:
        """Let the system ask for the keyring's password, and wait `seconds` for the person who types it.

        `check` is called a few times a second and may raise to give up. Raises as `get`.
        """
        self._attempt(self._working, lambda: self._read(item), seconds, check)

    def put(self, item: str, value: bytes) -> None:
        if len(value) > LARGEST_SECRET:
            raise ValueError(f"a keyring item holds at most {LARGEST_SECRET} bytes")
        self._attempt(self._working, lambda: self._write(item, value))

    def remove(self, item: str) -> None:
        self._attempt(self._working, lambda: self._remove(item))

    def _attempt(
        self,
        lane: Lane,
        work: Callable[[], T],
        seconds: float | None = None,
        check: Callable[[], None] | None = None,
    ) -> T:
        def twice() -> T:
            try:
                return work()
            except PodadminError:
                raise
            except Exception as error:
                # backends let raw D-Bus and OS errors through; KDE Wallet and a service that is
                # just starting fail once and then work
                if state_for(error) is not KeyringState.UNRESPONSIVE:
                    raise
                return work()

        try:
            return lane.run(twice, seconds, check)
        except PodadminError:
            raise
        except Exception as error:
            # the boundary to the keyring libraries: whatever they raise becomes an error of ours
            raise trouble(state_for(error)) from error

    def _user(self, item: str) -> str:
        return f"{self._profile_id}/{item}"

    def _read(self, item: str) -> bytes | None:
        text = self._backend().get_password(SERVICE, self._user(item))
        if text is None:
            return None
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise Tampered(
                "vault.keyring-item-changed",
                "An item of podadmin in the keyring is not what podadmin put there.",
                "Another program or person has overwritten it.",
                "Restore the keyring from a backup; podadmin does not overwrite the item.",
            ) from None

    def _write(self, item: str, value: bytes) -> None:
        self._backend().set_password(SERVICE, self._user(item), base64.b64encode(value).decode("ascii"))
        if self._read(item) != value:
            raise Refused(
                "vault.keyring-refused",
                "The keyring took a secret and did not give the same one back.",
                "A keyring that does that would lose the keys of this profile.",
                KeyringState.REFUSED.next_step,
            )

    def _remove(self, item: str) -> None:
        if self._backend().get_password(SERVICE, self._user(item)) is not None:
            self._backend().delete_password(SERVICE, self._user(item))

    def _look(self) -> KeyringState:
        backend = self._backend()
        if _named(backend) == "keyring.backends.SecretService.Keyring":
            return _secret_service_state(getattr(backend, "preferred_collection", None))
        return _other_state(backend)

    def _backend(self) -> KeyringBackend:
        if self._chosen is None:
            self._chosen = choose()
        return self._chosen


def choose() -> KeyringBackend:
    """The first allowed backend that works here, or the one that the `keyring` library's settings name.

    Raises Refused (`vault.keyring-refused`) for a setting that is not allowed, Unavailable (`vault.keyring-absent`).
    """
    configured = _configured()
    if configured and configured not in ALLOWED:
        raise Refused(
            "vault.keyring-refused",
            KeyringState.REFUSED.words,
            f"A setting of the keyring library {_objection(configured)}.",
            KeyringState.REFUSED.next_step,
        )
    for name in (configured,) if configured else _BY_SYSTEM.get(sys.platform, _ELSEWHERE):
        module, _, attribute = name.rpartition(".")
        kind: type[KeyringBackend] = getattr(importlib.import_module(module), attribute)
        if kind.viable:
            return kind()
    raise Unavailable(
        "vault.keyring-absent",
        KeyringState.ABSENT.words,
        "None of the keyrings that podadmin may use is running or can be started.",
        KeyringState.ABSENT.next_step,
    )


def _configured() -> str:
    """What the keyring library was told to use: by environment or by its file, read and not obeyed."""
    told = os.environ.get("PYTHON_KEYRING_BACKEND", "").strip()
    if told:
        return told
    parser = configparser.RawConfigParser()
    try:
        parser.read(platform_.config_root() / "keyringrc.cfg", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return "an unreadable setting"
    return parser.get("backend", "default-keyring", fallback="").strip()


def _objection(name: str) -> str:
    if name.startswith("keyring.backends.null."):
        return "turns the keyring off: it would take every secret and keep none"
    if name.startswith("keyring.backends.fail."):
        return "turns the keyring off: it would refuse every secret"
    if name.startswith("keyring.backends.chainer."):
        return "chains several keyrings, so that nobody can say which one holds the keys"
    if name.startswith("keyrings.alt."):
        return "keeps secrets in files that are not protected by your account's keyring"
    return "names something that podadmin does not know as a safe keyring"


def _named(backend: KeyringBackend) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _secret_service_state(preferred: str | None) -> KeyringState:
    """Asks `is_locked` on a connection of its own: one to three milliseconds, and no password window."""
    import secretstorage  # present on Linux only

    connection = secretstorage.dbus_init()
    try:
        collection = secretstorage.Collection(connection, preferred or DEFAULT_COLLECTION)
        return KeyringState.LOCKED if collection.is_locked() else KeyringState.READY
    except secretstorage.ItemNotFoundException:
        # the service runs and no keyring was made yet: its first use asks for a new password
        return KeyringState.LOCKED
    finally:
        connection.close()


def _other_state(backend: KeyringBackend) -> KeyringState:
    """KDE Wallet is ready once this process has it open; the others are open while the person is logged in."""
    return KeyringState.LOCKED if getattr(backend, "handle", 0) < 0 else KeyringState.READY
