"""What other rooms hold instead of a private key: they can use it and cannot have it.

A handle reads the sealed file at its first use (an RSA key takes a third of a second to load) and keeps the loaded key.
At every use it is asked anew whether the key may still be used: a revoked key stops at once, wherever it was loaded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from podadmin.core.errors import Refused, Tampered
from podadmin.core.secret import Secret
from podadmin.vault.forms import public_forms, published_jwk, read_public, thumbprint
from podadmin.vault.model import KeyInfo, swapped

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
K = TypeVar("K", RSAPrivateKey, EllipticCurvePrivateKey, Ed25519PrivateKey)

Opener = Callable[[], Secret[bytes]]
"""Gives the PKCS #8 DER form of the key; raises what `open_sealed` and the vault raise."""

_P384_BYTES = 48


class OwnKey(Generic[K]):
    """A private key that is loaded once, at its first use, and held against the fingerprint that is shown.

    `allowed` raises where the key may not be used now; `used` hears of every use and what it was for.
    """

    def __init__(
        self,
        info: KeyInfo,
        narrow: Callable[[object], K | None],
        opener: Opener,
        allowed: Callable[[KeyInfo], None],
        used: Callable[[KeyInfo, str], None],
    ) -> None:
        self.info = info
        self._narrow: Callable[[object], K | None] = narrow
        self._opener = opener
        self._allowed = allowed
        self._used = used
        self._lock = threading.Lock()
        self._loaded: K | None = None

    def __repr__(self) -> str:
        return f"OwnKey({self.info.id!r})"

    def use(self, what: str) -> K:
        """The loaded key, for one use. Raises what `allowed` and opening the key raise."""
        self._allowed(self.info)
        with self._lock:
            if self._loaded is None:
                private = self._narrow(load_der_private_key(self._opener().reveal(), password=None))
                if private is None or public_forms(private.public_key()).fingerprint != self.info.fingerprint:
                    raise swapped(self.info.id)
                self._loaded = private
        self._used(self.info, what)
        return self._loaded


class PodKey:
    """The pod's RSA key, and those that it replaced while they are still accepted. Usable from any thread."""

    def __init__(self, current: OwnKey[RSAPrivateKey], earlier: Sequence[OwnKey[RSAPrivateKey]] = ()) -> None:
        self._keys = (current, *earlier)
        self._info = current.info

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

        Raises Tampered (`vault.cannot-decrypt`) where the block was made for none of the keys that are accepted, and
        what opening a key raises.
        """
        return self.once().decrypt(block)

    def once(self) -> PodKeyOnce:
        """For one thing to open: the same, and afterwards it can say which of the keys has opened it."""
        return PodKeyOnce(self._keys)


class PodKeyOnce:
    """The pod's keys for one thing that is opened. Not for several threads."""

    def __init__(self, keys: Sequence[OwnKey[RSAPrivateKey]]) -> None:
        self._keys = keys
        self.opened_by = ""
        """The id of the key that has opened a block, empty until then."""

    def __repr__(self) -> str:
        return f"PodKeyOnce({self.opened_by!r})"

    def decrypt(self, block: bytes) -> bytes:
        """As `PodKey.decrypt`."""
        for own in self._keys:
            try:
                private = own.use("opened a request")
            except Refused:
                if own is self._keys[0]:
                    raise
                continue  # its time has ended since the handle was made
            try:
                plain = private.decrypt(block, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
            except ValueError:
                continue
            self.opened_by = own.info.id
            return plain
        raise Tampered(
            "vault.cannot-decrypt",
            "The message does not open with the pod's key.",
            "It was encrypted for another key, or it was changed on its way.",
            "Nothing was run; ask the requester to fetch the pod's present public key and send again.",
        )


class Signer:
    """An Ed25519 key: the journal's or a reviewer's. Usable from any thread."""

    def __init__(self, own: OwnKey[Ed25519PrivateKey], earlier: Sequence[KeyInfo] = ()) -> None:
        """`earlier` are the keys that this one replaced: what they have signed is still theirs."""
        self._own = own
        self._info = own.info
        self._publics = tuple(_ed25519(info) for info in (own.info, *earlier))

    def __repr__(self) -> str:
        return f"Signer({self._info.id!r}, {self._info.words!r})"

    @property
    def key_id(self) -> str:
        return self._info.id

    @property
    def fingerprint(self) -> str:
        return self._info.fingerprint

    @property
    def public_pem(self) -> str:
        """SubjectPublicKeyInfo in PEM."""
        return self._info.public_pem

    @property
    def public_raw(self) -> bytes:
        """The public key as its 32 bytes (RFC 8032)."""
        return self._publics[0].public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, data: bytes, what: str = "signed") -> bytes:
        """The 64-byte Ed25519 signature of `data`; what it was for is recorded. Raises what opening the key raises."""
        return self._own.use(what).sign(data)

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Is `signature` this key's, or that of one it replaced, over `data`? Works while the vault is locked."""
        for public in self._publics:
            try:
                public.verify(signature, data)
            except InvalidSignature:
                continue
            return True
        return False


class AssertionSigner:
    """A key with which an EHR client proves itself: ES384 or RS384 (RFC 7518, sections 3.3 and 3.4)."""

    def __init__(self, own: OwnKey[EllipticCurvePrivateKey] | OwnKey[RSAPrivateKey]) -> None:
        self._own = own
        self._public = read_public(own.info.public_pem)

    def __repr__(self) -> str:
        return f"AssertionSigner({self._own.info.id!r}, {self.algorithm!r})"

    @property
    def key_id(self) -> str:
        return self._own.info.id

    @property
    def algorithm(self) -> str:
        """`ES384` or `RS384`, for the header of an assertion."""
        return self._own.info.algorithm

    @property
    def kid(self) -> str:
        """The key's thumbprint (RFC 7638): the `kid` under which its public half is published."""
        return thumbprint(self._public)

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as it is published."""
        return published_jwk(self._public, self.algorithm)

    def sign(self, data: bytes, what: str = "signed") -> bytes:
        """The signature of `data` as JSON Web Signature has it. `what` it was for is recorded."""
        private = self._own.use(what)
        if isinstance(private, RSAPrivateKey):
            return private.sign(data, padding.PKCS1v15(), hashes.SHA384())
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA384())))
        return r.to_bytes(_P384_BYTES, "big") + s.to_bytes(_P384_BYTES, "big")


def rsa_key(key: object) -> RSAPrivateKey | None:
    return key if isinstance(key, RSAPrivateKey) else None


def curve_key(key: object) -> EllipticCurvePrivateKey | None:
    return key if isinstance(key, EllipticCurvePrivateKey) else None


def edwards_key(key: object) -> Ed25519PrivateKey | None:
    return key if isinstance(key, Ed25519PrivateKey) else None


def _ed25519(info: KeyInfo) -> Ed25519PublicKey:
    public = read_public(info.public_pem)
    if not isinstance(public, Ed25519PublicKey) or public_forms(public).fingerprint != info.fingerprint:
        raise swapped(info.id)
    return public
