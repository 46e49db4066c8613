"""The values of the vault: in which state a keyring is, what a key is for, and what may be shown of a key.

Nothing in this file holds or touches a secret.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from podadmin.core.errors import Tampered
from podadmin.vault.words import in_words


class KeyringState(Enum):
    """The five honest states of a place that keeps secrets. There is no sixth that silently stands in for one."""

    READY = "ready"
    LOCKED = "locked"
    ABSENT = "absent"
    REFUSED = "refused"
    UNRESPONSIVE = "unresponsive"

    @property
    def words(self) -> str:
        """What the state means, in one sentence."""
        return _WORDS[self][0]

    @property
    def next_step(self) -> str:
        """What the custodian can do about it; empty where nothing needs doing."""
        return _WORDS[self][1]


_WORDS = {
    KeyringState.READY: ("The keyring is open and answers.", ""),
    KeyringState.LOCKED: (
        "The keyring is locked: it needs its password before it gives or keeps a secret.",
        "Unlock the keyring of your account, or answer its question for a password, then try again.",
    ),
    KeyringState.ABSENT: (
        "This computer offers no keyring to your account.",
        "Install or start one (GNOME Keyring, KDE Wallet or KeePassXC on Linux), or choose the passphrase file.",
    ),
    KeyringState.REFUSED: (
        "What is set up as the keyring cannot keep a secret safely, so podadmin does not use it.",
        "Remove that setting so that the keyring of the operating system is used, or choose the passphrase file.",
    ),
    KeyringState.UNRESPONSIVE: (
        "The keyring does not answer.",
        "Look for a window that asks for its password, or restart your session's keyring, then try again.",
    ),
}


class KeyKind(Enum):
    """The kinds of key that podadmin makes."""

    RSA_4096 = "RSA-4096"
    ED25519 = "Ed25519"


class Purpose(Enum):
    """What a key is for. One key per purpose is in use at a time."""

    POD = "pod"
    JOURNAL = "journal"

    @property
    def words(self) -> str:
        """The purpose as a custodian would say it."""
        return _PURPOSE_WORDS[self]

    @property
    def kind(self) -> KeyKind:
        """The kind of key that the purpose needs (the pod's: bitfount contract, section 4)."""
        return _PURPOSE_KINDS[self]


_PURPOSE_WORDS = {
    Purpose.POD: "Opens the requests that are sent to the pod",
    Purpose.JOURNAL: "Signs the journal's anchors",
}
_PURPOSE_KINDS = {Purpose.POD: KeyKind.RSA_4096, Purpose.JOURNAL: KeyKind.ED25519}


@dataclass(frozen=True)
class KeyInfo:
    """Everything about a key that may be shown, and nothing that may not.

    `fingerprint` is the SHA-256 (64 hex digits) of the public key's SubjectPublicKeyInfo in DER; `words` are its first
    six bytes as words. `public_ssh` is one line without a comment. `file` is the sealed file's name in the key folder.
    """

    id: str
    purpose: Purpose
    kind: KeyKind
    fingerprint: str
    words: str
    public_pem: str
    public_ssh: str
    file: str
    created_at: datetime
    last_used_at: datetime | None = None


def swapped(key_id: str) -> Tampered:
    """The error for a key whose row, shown public part and private part do not belong together."""
    return Tampered(
        "vault.key-row-changed",
        f"What is recorded about {key_id} does not belong to its private part.",
        "The database or the key folder was changed by something other than podadmin.",
        "Do not trust what is shown of this key: restore the profile from a backup.",
    )


@dataclass(frozen=True)
class PublicForms:
    """One public key in the forms that others ask for."""

    fingerprint: str
    words: str
    pem: str
    ssh: str


def public_forms(key: RSAPublicKey | Ed25519PublicKey) -> PublicForms:
    """The shown forms of a public key."""
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return PublicForms(
        fingerprint=digest.hex(),
        words=in_words(digest),
        pem=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii"),
        ssh=key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii"),
    )
