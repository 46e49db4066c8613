"""The file of a backup: one passphrase or a quorum of shares opens it, and no change to it goes unnoticed.

    PODADMIN-BACKUP | version (1 byte) | header length (4 bytes, big-endian) | header | sum (32) | pieces

The header is canonical JSON: the backup's id, when it was made, the number of bytes in it, and its lock. A random key
of 32 bytes seals the content; the lock is that key under AES-256-GCM, sealed by what scrypt makes of the passphrase or
by the secret that the shares give. `sum` is the SHA-256 of all before it: it tells an accident from a wrong passphrase.
The content is sealed in pieces of 1 MiB with AES-256-GCM: the nonce is the number of the piece and a mark on the last,
the key is drawn (HKDF) from the random key, and all before the pieces is associated data of each. So pieces cannot be
changed, left out, repeated, exchanged or cut off, and a backup of any size needs little memory.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from podadmin.core.canon import canonical
from podadmin.core.clock import stamp, unstamp
from podadmin.core.errors import BadInput, Refused, Tampered
from podadmin.core.secret import Secret
from podadmin.vault.stretch import SHORTEST_PASSPHRASE, STRENGTH, STRONGEST, WEAKEST, stretched

MAGIC = b"PODADMIN-BACKUP"
VERSION = 1
PIECE = 1 << 20
KEY_BYTES = 32
_TAG, _NONCE, _SALT, _SUM = 16, 12, 16, 32
_LONGEST_HEADER = 16 * 1024
_SMALLEST = len(MAGIC) + 5


@dataclass(frozen=True)
class PassphraseLock:
    """The content's key under a passphrase."""

    strength: int
    salt: bytes
    sealed: bytes

    def told(self) -> dict[str, object]:
        """As it stands in the header."""
        return {
            "kind": "passphrase",
            "kdf": "scrypt",
            "log2n": self.strength,
            "salt": self.salt.hex(),
            "sealed": self.sealed.hex(),
        }


@dataclass(frozen=True)
class SharesLock:
    """The content's key under the secret that `quorum` of the `of` shares with the number `series` give."""

    series: int
    quorum: int
    of: int
    sealed: bytes

    def told(self) -> dict[str, object]:
        """As it stands in the header."""
        return {
            "kind": "shares",
            "series": self.series,
            "quorum": self.quorum,
            "of": self.of,
            "sealed": self.sealed.hex(),
        }


Lock = PassphraseLock | SharesLock


@dataclass(frozen=True)
class Head:
    """What a backup says of itself in clear. `size`: bytes of its content; `raw`: all that stands before the pieces."""

    id: str
    made_at: datetime
    size: int
    lock: Lock
    raw: bytes

    @property
    def file_size(self) -> int:
        """Bytes of the whole file."""
        return len(self.raw) + self.size + _TAG * _pieces(self.size)


def locked_by_passphrase(
    content_key: Secret[bytes], backup_id: str, passphrase: Secret[str], strength: int = STRENGTH
) -> PassphraseLock:
    """Lock the key of a new backup. Takes half a second. Raises BadInput (`vault.passphrase-short`)."""
    if len(passphrase.reveal()) < SHORTEST_PASSPHRASE:
        raise BadInput(
            "vault.passphrase-short",
            "The passphrase is too short to protect the keys of this profile.",
            f"Whoever copies the file can try passphrases at leisure; it needs {SHORTEST_PASSPHRASE} characters.",
            "Choose a longer one, such as five words that do not belong together.",
        )
    salt = os.urandom(_SALT)
    opener = Secret(stretched(passphrase, salt, strength))
    return PassphraseLock(strength, salt, _wrap(content_key, opener, backup_id))


def locked_by_secret(
    content_key: Secret[bytes], backup_id: str, opener: Secret[bytes], series: int, quorum: int, of: int
) -> SharesLock:
    """Lock the key of a new backup with the secret that its shares give."""
    return SharesLock(series, quorum, of, _wrap(content_key, opener, backup_id))


def unlocked_by_passphrase(head: Head, passphrase: Secret[str]) -> Secret[bytes]:
    """The key of the content. Takes half a second. Raises BadInput (`backup.wrong-passphrase`), Refused."""
    if not isinstance(head.lock, PassphraseLock):
        raise Refused(
            "backup.needs-shares",
            "This backup does not open with a passphrase.",
            f"It was made for shares: {head.lock.quorum} of {head.lock.of} custodians open it together.",
            "Bring the shares together and restore with them.",
        )
    opener = Secret(stretched(passphrase, head.lock.salt, head.lock.strength))
    found = _unwrap(head.lock.sealed, opener, head.id)
    if found is None:
        raise BadInput(
            "backup.wrong-passphrase",
            "The passphrase does not open this backup.",
            "It is not the passphrase with which the backup was made.",
            "Give the right passphrase; without it the backup cannot be read by anybody.",
        )
    return found


def unlocked_by_secret(head: Head, opener: Secret[bytes], series: int) -> Secret[bytes]:
    """The key of the content. Raises Refused (`backup.needs-passphrase`, `backup.foreign-shares`)."""
    if not isinstance(head.lock, SharesLock):
        raise Refused(
            "backup.needs-passphrase",
            "This backup does not open with shares.",
            "It was made under a passphrase.",
            "Give that passphrase.",
        )
    found = _unwrap(head.lock.sealed, opener, head.id) if series == head.lock.series else None
    if found is None:
        raise Refused(
            "backup.foreign-shares",
            "These shares do not open this backup.",
            "They were made for another backup.",
            "Look which backup is named in the files of the shares, and use that one.",
        )
    return found


def head_of(backup_id: str, made_at: datetime, size: int, lock: Lock) -> Head:
    """The head of a new backup."""
    told = {"id": backup_id, "lock": lock.told(), "made_at": stamp(made_at), "size": size}
    text = canonical(told).encode("utf-8")
    clear = MAGIC + bytes([VERSION]) + len(text).to_bytes(4, "big") + text
    return Head(backup_id, made_at, size, lock, clear + hashlib.sha256(clear).digest())


def sealed_pieces(content: Iterable[bytes], head: Head, content_key: Secret[bytes]) -> Iterator[bytes]:
    """The pieces that follow the head, for content that comes in parts of any size and has `head.size` bytes."""
    sealing = _sealing(head, content_key)
    number, last, waiting = 0, _pieces(head.size) - 1, bytearray()
    for part in content:
        waiting += part
        while len(waiting) > PIECE:
            yield sealing.encrypt(_nonce(number, last), bytes(waiting[:PIECE]), head.raw)
            del waiting[:PIECE]
            number += 1
    if number != last or number * PIECE + len(waiting) != head.size:
        raise ValueError("the content has not the size that was told")
    yield sealing.encrypt(_nonce(number, last), bytes(waiting), head.raw)


def read_head(file: BinaryIO, file_size: int) -> Head:
    """The head of the backup in `file`, left behind it. Costs no scrypt; nothing of it is proved yet.

    Raises BadInput (`backup.not-a-backup`), Refused (`backup.newer`), Tampered (`backup.truncated`, `backup.damaged`).
    """
    start = file.read(_SMALLEST)
    if not start.startswith(MAGIC):
        raise BadInput(
            "backup.not-a-backup",
            "This file is not a backup of podadmin.",
            "It does not begin as one.",
            "Choose the file that podadmin wrote.",
        )
    if len(start) < _SMALLEST:
        raise truncated()
    if start[len(MAGIC)] > VERSION:
        raise Refused(
            "backup.newer",
            "This backup was written by a newer version of podadmin.",
            f"Its format is {start[len(MAGIC)]}; this version knows up to {VERSION}.",
            "Restore it with the newer version.",
        )
    length = int.from_bytes(start[-4:], "big")
    if start[len(MAGIC)] != VERSION or length > _LONGEST_HEADER:
        raise damaged()
    text, told_sum = file.read(length), file.read(_SUM)
    if len(text) + len(told_sum) < length + _SUM:
        raise truncated()
    if hashlib.sha256(start + text).digest() != told_sum:
        raise damaged()
    try:
        head = _parsed(json.loads(text), start + text + told_sum)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise damaged() from None
    if file_size < head.file_size:
        raise truncated()
    if file_size > head.file_size:
        raise damaged()
    return head


def opened_pieces(file: BinaryIO, head: Head, content_key: Secret[bytes]) -> Iterator[bytes]:
    """The content, piece by piece, each proved before it is given. Raises Tampered (`backup.damaged`, …)."""
    opening = _sealing(head, content_key)
    last = _pieces(head.size) - 1
    for number in range(last + 1):
        length = PIECE if number < last else head.size - last * PIECE
        sealed = file.read(length + _TAG)
        if len(sealed) < length + _TAG:
            raise truncated()
        try:
            yield opening.decrypt(_nonce(number, last), sealed, head.raw)
        except InvalidTag:
            raise damaged() from None


def truncated() -> Tampered:
    """The error for a backup that ends too early."""
    return Tampered(
        "backup.truncated",
        "This backup is not whole: its end is missing.",
        "It was cut short while it was copied, or its disk was full.",
        "Copy it again from where it was made, or use an earlier backup.",
    )


def damaged() -> Tampered:
    """The error for a backup that is not what was written."""
    return Tampered(
        "backup.damaged",
        "This backup is not what podadmin wrote.",
        "Something in it was changed or damaged after it was made.",
        "Nothing was restored from it: use another copy, or an earlier backup.",
    )


def _parsed(told: Mapping[str, Any], raw: bytes) -> Head:
    """Raises ValueError, KeyError, TypeError or OverflowError for what no podadmin writes."""
    kind, lock = told["lock"]["kind"], told["lock"]
    sealed = bytes.fromhex(lock["sealed"])
    numbers = {name: lock[name] for name in ("log2n", "series", "quorum", "of") if name in lock}
    if any(type(number) is not int for number in (*numbers.values(), told["size"])):
        raise TypeError
    found: Lock
    if kind == "passphrase":
        found = PassphraseLock(numbers["log2n"], bytes.fromhex(lock["salt"]), sealed)
        if lock["kdf"] != "scrypt" or not WEAKEST <= found.strength <= STRONGEST or len(found.salt) != _SALT:
            raise ValueError
    elif kind == "shares":
        found = SharesLock(numbers["series"], numbers["quorum"], numbers["of"], sealed)
    else:
        raise ValueError
    head = head_of(str(told["id"]), unstamp(told["made_at"]), told["size"], found)
    # what is not written exactly as podadmin writes it, is not used; so nothing hides in a header
    if head.raw != raw or head.size < 0 or len(sealed) != _NONCE + KEY_BYTES + _TAG:
        raise ValueError
    return head


def _pieces(size: int) -> int:
    return max(1, -(-size // PIECE))


def _nonce(number: int, last: int) -> bytes:
    return number.to_bytes(_NONCE - 1, "big") + bytes([number == last])


def _sealing(head: Head, content_key: Secret[bytes]) -> AESGCM:
    info = b"podadmin backup content" + hashlib.sha256(head.raw).digest()
    return AESGCM(HKDF(hashes.SHA256(), KEY_BYTES, None, info).derive(content_key.reveal()))


def _wrap(content_key: Secret[bytes], opener: Secret[bytes], backup_id: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(opener.reveal()).encrypt(nonce, content_key.reveal(), MAGIC + backup_id.encode())


def _unwrap(sealed: bytes, opener: Secret[bytes], backup_id: str) -> Secret[bytes] | None:
    try:
        found = AESGCM(opener.reveal()).decrypt(sealed[:_NONCE], sealed[_NONCE:], MAGIC + backup_id.encode())
    except InvalidTag:
        return None
    return Secret(found)
