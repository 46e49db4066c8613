"""The sealed form of a private key or secret on disk: no change, exchange or reuse of it goes unnoticed.

    PODADMIN-KEY | version (1 byte) | header length (4 bytes, big-endian) | header | nonce (12) | ciphertext and tag

The header is canonical JSON: of a key its id, purpose, kind and the fingerprint of its public half; of another secret
its id, purpose and holder. AES-256-GCM encrypts the PKCS #8 DER form of the key, or the secret; all before the
ciphertext is its associated data: the file of one key never opens as another.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from podadmin.core.canon import canonical
from podadmin.core.errors import Tampered
from podadmin.core.secret import Secret
from podadmin.vault.model import KeyKind, Purpose, SecretPurpose

MAGIC = b"PODADMIN-KEY"
VERSION = 1
KEK_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Header(Protocol):
    """What a sealed file says about itself in clear; the seal covers it."""

    @property
    def id(self) -> str:
        """Which key or secret it is."""

    def prefix(self) -> bytes:
        """Everything that stands before the nonce."""


@dataclass(frozen=True)
class KeyHeader:
    """The header of a key of this pod."""

    id: str
    purpose: Purpose
    kind: KeyKind
    fingerprint: str

    def prefix(self) -> bytes:
        return _prefix(
            {
                "fingerprint": self.fingerprint,
                "id": self.id,
                "kind": self.kind.value,
                "purpose": self.purpose.value,
            }
        )


@dataclass(frozen=True)
class SecretHeader:
    """The header of a secret that is no key of this pod."""

    id: str
    purpose: SecretPurpose
    holder: str

    def prefix(self) -> bytes:
        return _prefix({"holder": self.holder, "id": self.id, "kind": "secret", "purpose": self.purpose.value})


def _prefix(told: dict[str, str]) -> bytes:
    text = canonical(told).encode("utf-8")
    return MAGIC + bytes([VERSION]) + len(text).to_bytes(4, "big") + text


def seal(plain: Secret[bytes], kek: Secret[bytes], header: Header) -> bytes:
    """The sealed file of a private key (PKCS #8 DER) or secret under a key-encryption key of 32 bytes."""
    nonce = os.urandom(_NONCE_BYTES)
    clear = header.prefix() + nonce
    return clear + AESGCM(kek.reveal()).encrypt(nonce, plain.reveal(), clear)


def open_sealed(data: bytes, kek: Secret[bytes], expected: Header) -> Secret[bytes]:
    """The PKCS #8 DER form of the key, or the secret, in a sealed file.

    Raises Tampered (`vault.key-file-changed`) where any byte differs from what was sealed, where the file belongs to
    another key than `expected`, and where the key-encryption key is not the one that sealed it.
    """
    prefix = expected.prefix()
    end = len(prefix) + _NONCE_BYTES
    # the clear part is compared as bytes and never parsed: a file says nothing here until its seal holds
    if len(data) < end + _TAG_BYTES or not data.startswith(prefix):
        raise _changed(expected)
    clear, ciphertext = data[:end], data[end:]
    try:
        return Secret(AESGCM(kek.reveal()).decrypt(clear[len(prefix) :], ciphertext, clear))
    except InvalidTag:
        raise _changed(expected) from None


def resealed(data: bytes, old: Secret[bytes], new: Secret[bytes]) -> bytes | None:
    """The same file under another key-encryption key; None where `old` does not open it.

    What the file says of itself stays as it is and is not believed here: the seal covers it before and after.
    """
    start = len(MAGIC) + 5
    end = start + int.from_bytes(data[start - 4 : start], "big") + _NONCE_BYTES
    if not data.startswith(MAGIC + bytes([VERSION])) or len(data) < end + _TAG_BYTES:
        return None
    clear = data[:end]
    try:
        plain = AESGCM(old.reveal()).decrypt(clear[-_NONCE_BYTES:], data[end:], clear)
    except InvalidTag:
        return None
    nonce = os.urandom(_NONCE_BYTES)
    fresh = clear[:-_NONCE_BYTES] + nonce
    return fresh + AESGCM(new.reveal()).encrypt(nonce, plain, fresh)


def _changed(expected: Header) -> Tampered:
    return Tampered(
        "vault.key-file-changed",
        f"The key file of {expected.id} does not open.",
        "It was changed or exchanged after podadmin wrote it, or the keyring holds the secret of another profile.",
        "Nothing is decrypted with it: restore the key folder and the keyring from the same backup.",
    )
