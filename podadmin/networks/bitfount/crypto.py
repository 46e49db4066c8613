"""Asymmetric cryptography of the wire (bitfount contract, section 4). Private keys never appear in this room.

Encryption: RSA-4096 with OAEP (SHA-256, MGF1 with SHA-256, no label). Up to 446 bytes go directly into one block of
512 bytes; more than that is AES-256-GCM, laid out as block with the AES key, then a nonce of 12 bytes, then the
ciphertext with its tag. Signatures: RSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 20 bytes.
"""

from __future__ import annotations

import os
from typing import Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from podadmin.core.errors import BadInput, Tampered

BLOCK = 512
DIRECT = BLOCK - 2 * 32 - 2
NONCE = 12
TAG = 16
_MIN_BITS, _MAX_BITS = 2048, 8192
_MAX_KEY_TEXT = 16 * 1024


class Decrypts(Protocol):
    """A private key somewhere else, which opens one RSA-OAEP block.

    Raises ValueError or Tampered `vault.cannot-decrypt` where the block is not for it; other PodadminErrors for its own
    reasons (a locked keyring).
    """

    def decrypt(self, block: bytes) -> bytes: ...


class Signs(Protocol):
    """A private key somewhere else, which signs (RSA-PSS as above)."""

    def sign(self, data: bytes) -> bytes: ...


def oaep() -> padding.OAEP:
    """The padding of encryption."""
    return padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def pss() -> padding.PSS:
    """The padding of signatures."""
    return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=20)


def read_public_key(text: bytes | str) -> RSAPublicKey:
    """A public key from an `ssh-rsa …` line or a PEM block. Raises BadInput `crypto.public-key`."""
    raw = text.encode() if isinstance(text, str) else text
    try:
        if len(raw) > _MAX_KEY_TEXT:
            raise ValueError
        if raw.lstrip().startswith(b"ssh-"):
            key: object = serialization.load_ssh_public_key(raw.strip())
        else:
            key = serialization.load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise _bad_key("It is neither an OpenSSH line nor a PEM block that this version understands.") from None
    if not isinstance(key, RSAPublicKey):
        raise _bad_key("Keys of this network are RSA keys.")
    if not _MIN_BITS <= key.key_size <= _MAX_BITS or key.public_numbers().e.bit_length() > 32:
        raise _bad_key(f"Its size is not between {_MIN_BITS} and {_MAX_BITS} bits, or its exponent is not a usual one.")
    return key


def _bad_key(why: str) -> BadInput:
    return BadInput(
        "crypto.public-key",
        "A public key cannot be used.",
        why,
        "Ask its owner for the public key again.",
    )


def public_line(key: RSAPublicKey) -> str:
    """The key as networks register it: one `ssh-rsa …` line."""
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def public_pem(text: bytes | str) -> str:
    """The key as hubs give it out: a PEM block. Raises BadInput `crypto.public-key`."""
    key = read_public_key(text)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def encrypt_for(public: bytes | str, plain: bytes) -> bytes:
    """`plain` for the owner of an RSA-4096 key. Raises BadInput `crypto.public-key`."""
    key = read_public_key(public)
    if key.key_size != BLOCK * 8:
        raise _bad_key(f"A pod key has {BLOCK * 8} bits.")
    if len(plain) <= DIRECT:
        return key.encrypt(plain, oaep())
    once = AESGCM.generate_key(bit_length=256)
    nonce = os.urandom(NONCE)
    return key.encrypt(once, oaep()) + nonce + AESGCM(once).encrypt(nonce, plain, None)


def decrypt_with(key: Decrypts, data: bytes) -> bytes:
    """What was encrypted for `key`.

    Raises BadInput `envelope.truncated`, Tampered `envelope.not-for-this-key` (the key does not fit) and
    `envelope.changed` (the key fits, the rest does not). What the key raises for other reasons passes through.
    """
    if len(data) < BLOCK or BLOCK < len(data) < BLOCK + NONCE + TAG:
        raise BadInput(
            "envelope.truncated",
            "The request is incomplete.",
            "Its encrypted part is shorter than such a part can be.",
            "Ask the requester to send the request again.",
        )
    head, nonce, rest = data[:BLOCK], data[BLOCK : BLOCK + NONCE], data[BLOCK + NONCE :]
    try:
        opened = key.decrypt(head)
    except ValueError:
        raise _not_ours() from None
    except Tampered as error:
        if error.code != "vault.cannot-decrypt":  # a key file that was changed is another matter than a foreign block
            raise
        raise _not_ours() from None
    if len(data) == BLOCK:
        return opened
    if len(opened) != 32:
        raise _not_ours()
    try:
        return AESGCM(opened).decrypt(nonce, rest, None)
    except InvalidTag:
        raise Tampered(
            "envelope.changed",
            "The request was changed after it was encrypted.",
            "Its seal is for the key of this pod, but what it covers is not what was sealed.",
            "It was not opened. Ask the requester to send it again, and tell the network if it happens repeatedly.",
        ) from None


def _not_ours() -> Tampered:
    return Tampered(
        "envelope.not-for-this-key",
        "The request cannot be opened with the key of this pod.",
        "It was encrypted for another key, or it was changed on the way.",
        "Ask the requester to fetch the public key of this pod again and to send the request again.",
    )


def verify(public: bytes | str, signature: bytes, data: bytes) -> bool:
    """Did the owner of `public` sign exactly `data`? Raises BadInput `crypto.public-key`."""
    try:
        read_public_key(public).verify(signature, data, pss(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
