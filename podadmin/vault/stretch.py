"""From a passphrase to key material: the one place where podadmin stretches what a person types."""

from __future__ import annotations

import unicodedata

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from podadmin.core.secret import Secret

SHORTEST_PASSPHRASE = 12
"""Characters; asked for when something is sealed, never when it is opened."""

STRENGTH = 17
"""log2 of scrypt's n for what is made now: 128 MiB and about half a second on a workstation of 2024."""

WEAKEST, STRONGEST = 14, 20
"""What is accepted of a file: less is too weak, more than 1 GiB would let a file stop the computer."""

R, P = 8, 1


def stretched(passphrase: Secret[str], salt: bytes, strength: int) -> bytes:
    """32 bytes from a passphrase (Unicode NFC, UTF-8) by scrypt (RFC 7914) with n = 2^strength, r = 8, p = 1."""
    text = unicodedata.normalize("NFC", passphrase.reveal()).encode("utf-8")
    return Scrypt(salt=salt, length=32, n=1 << strength, r=R, p=P).derive(text)
