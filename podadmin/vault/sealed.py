"""The sealed form of a private key on disk: nothing in it can be changed, swapped or reused without being noticed.

    PODADMIN-KEY | version (1 byte) | header length (4 bytes, big-endian) | header | nonce (12) | ciphertext and tag

The header is canonical JSON (key id, purpose, kind, fingerprint of the public key). AES-256-GCM encrypts the PKCS #8
DER form of the key; all before the ciphertext is its associated data: the file of one key never opens as another.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from podadmin.core.canon import canonical
from podadmin.core.errors import Tampered
from podadmin.core.secret import Secret
from podadmin.vault.model import KeyKind, Purpose

MAGIC = b"PODADMIN-KEY"
VERSION = 1
KEK_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16


@dataclass(frozen=True)
class KeyHeader:
    """What a sealed file says about itself in clear; the seal covers it."""

    id: str
    purpose: Purpose
    kind: KeyKind
    fingerprint: str

    def prefix(self) -> bytes:
        """Everything that stands before the nonce."""
        told = {
            "fingerprint": self.fingerprint,
            "id": self.id,
            "kind": self.kind.value,
            "purpose": self.purpose.value,
        }
        text = canonical(told).encode("utf-8")
        return MAGIC + bytes([VERSION]) + len(text).to_bytes(4, "big") + text


def seal(pkcs8: Secret[bytes], kek: Secret[bytes], header: KeyHeader) -> bytes:
    """The sealed file of a private key, given as PKCS #8 DER, under a key-encryption key of 32 bytes."""
    nonce = os.urandom(_NONCE_BYTES)
    clear = header.prefix() + nonce
    return clear + AESGCM(kek.reveal()).encrypt(nonce, pkcs8.reveal(), clear)


def open_sealed(data: bytes, kek: Secret[bytes], expected: KeyHeader) -> Secret[bytes]:
    """The PKCS #8 DER form of the key in a sealed file.

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


def _changed(expected: KeyHeader) -> Tampered:
    return Tampered(
        "vault.key-file-changed",
        f"The key file of {expected.id} does not open.",
        "It was changed or exchanged after podadmin wrote it, or the keyring holds the secret of another profile.",
        "Nothing is decrypted with it: restore the key folder and the keyring from the same backup.",
    )
