"""What other rooms hold instead of a private key: they can use it and cannot have it.

A handle reads the sealed file at its first use (an RSA key takes a third of a second to load) and keeps the loaded key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_public_key,
)

from podadmin.core.errors import Tampered
from podadmin.core.secret import Secret
from podadmin.vault.model import KeyInfo, public_forms, swapped

K = TypeVar("K", RSAPrivateKey, Ed25519PrivateKey)

Opener = Callable[[], Secret[bytes]]
"""Gives the PKCS #8 DER form of the key; raises what `open_sealed` and the vault raise."""


class PodKey:
    """The pod's RSA key. Usable from any thread."""

    def __init__(self, info: KeyInfo, opener: Opener, used: Callable[[str], None]) -> None:
        self._info = info
        self._lazy = _Lazy(info, opener, lambda key: key if isinstance(key, RSAPrivateKey) else None)
        self._used = used

    def __repr__(self) -> str:
        return f"PodKey({self._info.id!r}, {self._info.words!r})"

    @property
    def key_id(self) -> str:
        return self._info.id

    @property
    def public_ssh(self) -> str:
        """One line, `ssh-rsa AAAA…`, as the networks want it (bitfount contract, section 4)."""
        return self._info.public_ssh

    @property
    def public_pem(self) -> str:
        """SubjectPublicKeyInfo in PEM."""
        return self._info.public_pem

    @property
    def fingerprint(self) -> str:
        return self._info.fingerprint

    def decrypt(self, block: bytes) -> bytes:
        """One RSA-OAEP block (512 bytes; SHA-256 and MGF1 with SHA-256, no label: bitfount contract, section 4).

        Raises Tampered (`vault.cannot-decrypt`) where the block is not one that was made for this key, and what
        opening the key raises.
        """
        private = self._lazy.load()
        self._used(self._info.id)
        try:
            return private.decrypt(block, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        except ValueError:
            raise Tampered(
                "vault.cannot-decrypt",
                "The message does not open with the pod's key.",
                "It was encrypted for another key, or it was changed on its way.",
                "Nothing was run; ask the requester to fetch the pod's present public key and send again.",
            ) from None


class Signer:
    """The journal's Ed25519 key. Usable from any thread."""

    def __init__(self, info: KeyInfo, opener: Opener, used: Callable[[str], None]) -> None:
        public = load_pem_public_key(info.public_pem.encode("ascii"))
        if not isinstance(public, Ed25519PublicKey) or public_forms(public).fingerprint != info.fingerprint:
            raise swapped(info.id)
        self._info = info
        self._public = public
        self._lazy = _Lazy(info, opener, lambda key: key if isinstance(key, Ed25519PrivateKey) else None)
        self._used = used

    def __repr__(self) -> str:
        return f"Signer({self._info.id!r}, {self._info.words!r})"

    @property
    def key_id(self) -> str:
        return self._info.id

    @property
    def fingerprint(self) -> str:
        return self._info.fingerprint

    @property
    def public_raw(self) -> bytes:
        """The public key as its 32 bytes (RFC 8032)."""
        return self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, data: bytes) -> bytes:
        """The 64-byte Ed25519 signature of `data`. Raises what opening the key raises."""
        private = self._lazy.load()
        self._used(self._info.id)
        return private.sign(data)

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Is `signature` this key's over `data`? Needs no private key and works while the vault is locked."""
        try:
            self._public.verify(signature, data)
        except InvalidSignature:
            return False
        return True


class _Lazy(Generic[K]):
    """A private key that is loaded once, at its first use, and held against the fingerprint that is shown."""

    def __init__(self, info: KeyInfo, opener: Opener, narrow: Callable[[object], K | None]) -> None:
        self._info = info
        self._opener = opener
        self._narrow: Callable[[object], K | None] = narrow
        self._lock = threading.Lock()
        self._loaded: K | None = None

    def load(self) -> K:
        with self._lock:
            if self._loaded is None:
                private = self._narrow(load_der_private_key(self._opener().reveal(), password=None))
                if private is None or public_forms(private.public_key()).fingerprint != self._info.fingerprint:
                    raise swapped(self._info.id)
                self._loaded = private
            return self._loaded
