"""The values of the vault: in which state a keyring is, what a key is for, and what may be shown of a key.

Nothing in this file holds or touches a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from podadmin.core.errors import Tampered
from podadmin.vault.forms import PublicForms, public_forms

__all__ = [
    "KeyInfo",
    "KeyKind",
    "KeyState",
    "KeyringState",
    "PublicForms",
    "Purpose",
    "SecretInfo",
    "SecretPurpose",
    "public_forms",
    "swapped",
]


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
    RSA_3072 = "RSA-3072"
    P_384 = "P-384"
    ED25519 = "Ed25519"


class Purpose(Enum):
    """What a key is for. One key for each purpose and name is in use at a time; others may still be accepted."""

    POD = "pod"
    JOURNAL = "journal"
    REVIEWER = "reviewer"
    EHR = "ehr"

    @property
    def words(self) -> str:
        """The purpose as a custodian would say it."""
        return _PURPOSE_WORDS[self]

    @property
    def kinds(self) -> tuple[KeyKind, ...]:
        """The kinds of key that serve the purpose, the usual one first.

        The pod's: bitfount contract, section 4. EHR clients: ES384 or RS384 (SMART App Launch, backend services);
        RSA-4096 is what the real software makes for RS384.
        """
        return _PURPOSE_KINDS[self]

    @property
    def kind(self) -> KeyKind:
        """The kind that is made where nobody asks for another."""
        return self.kinds[0]

    @property
    def named(self) -> bool:
        """Are there several, told apart by their names?"""
        return self in {Purpose.REVIEWER, Purpose.EHR}


_PURPOSE_WORDS = {
    Purpose.POD: "Opens the requests that are sent to the pod",
    Purpose.JOURNAL: "Signs the journal's anchors and the receipts for decisions",
    Purpose.REVIEWER: "Signs what a reviewer has said",
    Purpose.EHR: "Proves this pod to a health record system",
}
_PURPOSE_KINDS = {
    Purpose.POD: (KeyKind.RSA_4096,),
    Purpose.JOURNAL: (KeyKind.ED25519,),
    Purpose.REVIEWER: (KeyKind.ED25519,),
    Purpose.EHR: (KeyKind.P_384, KeyKind.RSA_3072, KeyKind.RSA_4096),
}


class KeyState(Enum):
    """Where a key is in its life."""

    IN_USE = "in use"
    ENDING = "ending"
    ENDED = "ended"
    REVOKED = "revoked"


@dataclass(frozen=True)
class KeyInfo:
    """Everything about a key that may be shown, and nothing that may not.

    `fingerprint` is the SHA-256 (64 hex digits) of the public key's SubjectPublicKeyInfo in DER; `words` are its first
    six bytes as words. `public_ssh` is one line without a comment. `file` is the sealed file's name in the key folder.
    `origin`: created | imported | restored. A key that was exchanged has `retired_at` and is accepted until `ends_at`;
    one that was revoked is accepted no more, and `reason` says why.
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
    name: str = ""
    origin: str = "created"
    retired_at: datetime | None = None
    ends_at: datetime | None = None
    revoked_at: datetime | None = None
    reason: str = ""

    @property
    def algorithm(self) -> str:
        """What the key does in the words of JSON Web Keys (RFC 7518, RFC 8037)."""
        return "RSA-OAEP-256" if self.purpose is Purpose.POD else _ALGORITHMS[self.kind]

    def state(self, now: datetime) -> KeyState:
        """In which state of its life the key is at a moment."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.retired_at is None:
            return KeyState.IN_USE
        return KeyState.ENDING if self.ends_at is not None and now < self.ends_at else KeyState.ENDED


_ALGORITHMS = {
    KeyKind.RSA_4096: "RS384",
    KeyKind.RSA_3072: "RS384",
    KeyKind.P_384: "ES384",
    KeyKind.ED25519: "EdDSA",
}


class SecretPurpose(Enum):
    """What a secret is for that is no key of this pod."""

    API_KEY = "api-key"
    TOKEN = "token"  # noqa: S105 - the name of a purpose
    PASSWORD = "password"  # noqa: S105 - the name of a purpose
    FILE = "file"
    AUTHORITY = "authority"
    PROXY = "proxy"

    @property
    def words(self) -> str:
        """The purpose as a custodian would say it."""
        return _SECRET_WORDS[self]


_SECRET_WORDS = {
    SecretPurpose.API_KEY: "Proves this pod to a network",
    SecretPurpose.TOKEN: "Stands for a session at another service",
    SecretPurpose.PASSWORD: "Opens a datasource",
    SecretPurpose.FILE: "A file that another program had left in clear",
    SecretPurpose.AUTHORITY: "Certifies the gate to the pod that stands behind it",
    SecretPurpose.PROXY: "Opens the hospital's own proxy",
}


@dataclass(frozen=True)
class SecretInfo:
    """What may be shown of a secret: never its value, not even a digest of it, because short ones can be guessed.

    `holder` names whom it is for: a network, a datasource, the path of a file.
    """

    id: str
    purpose: SecretPurpose
    holder: str
    file: str
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None


def swapped(key_id: str) -> Tampered:
    """The error for a key whose row, shown public part and private part do not belong together."""
    return Tampered(
        "vault.key-row-changed",
        f"What is recorded about {key_id} does not belong to its private part.",
        "The database or the key folder was changed by something other than podadmin.",
        "Do not trust what is shown of this key: restore the profile from a backup.",
    )
