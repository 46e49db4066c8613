"""One public key in every form that others ask for: PEM, an OpenSSH line, a JSON Web Key, a fingerprint, words.

JSON Web Keys are those of RFC 7517, 7518 and 8037, their thumbprints those of RFC 7638. Only public members exist here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput
from podadmin.vault.words import in_words

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
LARGEST_PUBLIC_KEY = 16 * 1024
"""Characters of a public key that somebody hands in."""
_P384_BYTES = 48


@dataclass(frozen=True)
class PublicForms:
    """One public key in the forms that others ask for."""

    fingerprint: str
    words: str
    pem: str
    ssh: str


def public_forms(key: PublicKey) -> PublicForms:
    """The shown forms of a public key."""
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return PublicForms(
        fingerprint=digest.hex(),
        words=in_words(digest),
        pem=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii"),
        ssh=key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii"),
    )


def read_public(text: str) -> PublicKey:
    """A public key from a PEM block or an OpenSSH line. Raises BadInput (`vault.not-a-public-key`)."""
    raw = text.strip().encode("utf-8")
    try:
        if len(raw) > LARGEST_PUBLIC_KEY:
            raise ValueError
        key: object = load_pem_public_key(raw) if raw.startswith(b"-----") else load_ssh_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, RSAPublicKey | Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP384R1):
        return key
    raise BadInput(
        "vault.not-a-public-key",
        "That is not a public key that podadmin can use.",
        "It reads PEM blocks and OpenSSH lines of RSA, P-384 and Ed25519 keys.",
        "Ask the owner of the key for its public half in one of these forms.",
    )


def jwk(key: PublicKey) -> dict[str, str]:
    """The members of the JSON Web Key that say which key it is, and no others."""
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
    if isinstance(key, Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": _text(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}
    point = key.public_numbers()
    return {
        "crv": "P-384",
        "kty": "EC",
        "x": _text(point.x.to_bytes(_P384_BYTES, "big")),
        "y": _text(point.y.to_bytes(_P384_BYTES, "big")),
    }


def thumbprint(key: PublicKey) -> str:
    """The SHA-256 thumbprint of RFC 7638: 43 characters of base64url."""
    return _text(hashlib.sha256(canonical(jwk(key)).encode("ascii")).digest())


def published_jwk(key: PublicKey, algorithm: str) -> dict[str, str]:
    """The JSON Web Key as it is published: with its thumbprint as `kid`, its algorithm and what it is used for."""
    use = "enc" if algorithm.startswith("RSA-OAEP") else "sig"
    return {**jwk(key), "alg": algorithm, "kid": thumbprint(key), "use": use}


def jwks(keys: Iterable[tuple[PublicKey, str]]) -> dict[str, list[dict[str, str]]]:
    """A JSON Web Key Set of (key, algorithm) pairs."""
    return {"keys": [published_jwk(key, algorithm) for key, algorithm in keys]}


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
