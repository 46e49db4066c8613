"""Asking a person once more who they are, as far as the place where secrets live can do that; it says where it cannot.

A passphrase file: the passphrase is typed again. A Secret Service keyring: it is locked and asks for its own password;
other programs of the account meet a locked keyring until it is answered. Other keyrings, and memory, have no question
that a program could make them ask.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from podadmin.core.errors import BadInput, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault.backends import SEALED_FILE_NAME, SecretStore
from podadmin.vault.keyring_states import state_for, trouble
from podadmin.vault.lane import Lane
from podadmin.vault.model import KeyringState
from podadmin.vault.os_keyring import DEFAULT_COLLECTION, choose
from podadmin.vault.passphrase_file import PassphraseFile

SECONDS_TO_ANSWER = 120.0
_SECRET_SERVICE = "keyring.backends.SecretService"  # noqa: S105 - a module
_asking = Lane("podadmin-reproof", SECONDS_TO_ANSWER)


class Means(Enum):
    """How a person can prove who they are."""

    PASSPHRASE = "passphrase"  # noqa: S105 - a word
    KEYRING = "keyring"
    NONE = "none"

    @property
    def words(self) -> str:
        """What proving means here, honestly, in sentences."""
        return _WORDS[self]


_WORDS = {
    Means.PASSPHRASE: "You are asked for the passphrase under which the secrets of this profile lie.",
    Means.KEYRING: (
        "The keyring of your account is locked and asks for its password in a window of its own. Until it is answered, "
        "other programs find the keyring locked as well."
    ),
    Means.NONE: (
        "podadmin cannot ask for a proof here: the place where secrets live has no question to ask. Whoever can use "
        "this account can do this."
    ),
}


def means_of(secrets: SecretStore, folder: Path) -> Means:
    """What can be asked of a person, given where the secrets of the profile in `folder` live. Asks nothing."""
    if secrets.name == "passphrase":
        return Means.PASSPHRASE if (folder / SEALED_FILE_NAME).exists() else Means.NONE
    if secrets.name == "system" and _is_secret_service():
        return Means.KEYRING
    return Means.NONE


def prove_passphrase(folder: Path, passphrase: Secret[str]) -> None:
    """Does the passphrase open the file of the profile in `folder`? Takes half a second.

    Raises BadInput (`vault.passphrase-wrong`), and what `PassphraseFile` raises.
    """
    PassphraseFile(folder / SEALED_FILE_NAME, passphrase).get("")


def prove_by_keyring() -> None:
    """Lock the keyring of the account and have it ask for its password.

    Raises Refused (`lock.not-proved`) where its question was closed, Unavailable (`vault.keyring-*`).
    """
    try:
        dismissed = _asking.run(_lock_and_unlock)
    except TimeoutError:
        raise trouble(KeyringState.UNRESPONSIVE) from None
    except Exception as error:
        # the boundary to the keyring's bus: whatever it raises becomes an error of ours
        raise trouble(state_for(error)) from error
    if dismissed:
        raise Refused(
            "lock.not-proved",
            "Nothing was done: the keyring's question was not answered.",
            "Its window was closed, or could not be shown on this screen. The keyring is locked now.",
            "Unlock the keyring of your account, then try again.",
        )


def passphrase_needed() -> BadInput:
    """The error for a proof without the passphrase that it needs."""
    return BadInput(
        "lock.passphrase-needed",
        "Nothing was proved.",
        "The secrets of this profile lie under a passphrase, and none was given.",
        "Give that passphrase.",
    )


def _is_secret_service() -> bool:
    try:
        return type(choose()).__module__ == _SECRET_SERVICE
    except (Refused, Unavailable):
        return False


def _lock_and_unlock() -> bool:
    import secretstorage  # present on Linux only

    connection = secretstorage.dbus_init()
    try:
        preferred = getattr(choose(), "preferred_collection", None)
        collection = secretstorage.Collection(connection, preferred or DEFAULT_COLLECTION)
        collection.lock()
        return bool(collection.unlock(timeout=SECONDS_TO_ANSWER))
    finally:
        connection.close()
