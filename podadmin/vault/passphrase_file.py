"""A place for secrets where there is no keyring: one file, sealed by a passphrase that is stored nowhere.

    PODADMIN-SECRETS | version | log2(n) | r | p (1 byte each) | salt (16) | check (16) | sum (32) | nonce (12) | sealed

The passphrase (Unicode NFC, UTF-8) goes through scrypt with the parameters in the header; HKDF makes two keys of the
result: one seals the items (AES-256-GCM, all before it as associated data), the other gives `check`, by which a wrong
passphrase is told from a changed file. `sum` is the SHA-256 of the header up to it: it finds accidents before scrypt
is run; against intent stands the seal.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput, PodadminError, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault.disk import exclusive, read_whole, write_whole
from podadmin.vault.model import KeyringState
from podadmin.vault.stretch import SHORTEST_PASSPHRASE, STRENGTH, STRONGEST, WEAKEST, P, R, stretched

MAGIC = b"PODADMIN-SECRETS"
VERSION = 1
_SALT_BYTES, _CHECK_BYTES, _NONCE_BYTES, _TAG_BYTES = 16, 16, 12, 16
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True)
class _Header:
    strength: int
    salt: bytes
    check: bytes

    def clear(self) -> bytes:
        told = MAGIC + bytes([VERSION, self.strength, R, P]) + self.salt + self.check
        return told + hashlib.sha256(told).digest()


_HEADER_BYTES = len(MAGIC) + 4 + _SALT_BYTES + _CHECK_BYTES + 32


@dataclass(frozen=True)
class _Keys:
    """What scrypt made of the passphrase and one salt."""

    strength: int
    salt: bytes
    check: bytes
    sealing: Secret[bytes]


class PassphraseFile:
    """The items of one profile in one sealed file at `path`, made with the first `put`.

    Raises BadInput (`vault.passphrase-wrong`, `vault.passphrase-short`), Tampered
    (`vault.secrets-file-changed`), Unavailable (`vault.cannot-read`, `vault.cannot-write`).
    The first use costs one scrypt run (about half a second); the derived key is kept in memory.
    """

    name = "passphrase"
    title = "Passphrase file"
    forgets = False

    def __init__(self, path: Path, passphrase: Secret[str], *, strength: int = STRENGTH) -> None:
        if not WEAKEST <= strength <= STRONGEST:
            raise ValueError(f"scrypt's n lies between 2^{WEAKEST} and 2^{STRONGEST}")
        self._path = path
        self._passphrase = passphrase
        self._strength = strength
        self._keys: _Keys | None = None
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"PassphraseFile({self._path.name!r})"

    def state(self) -> KeyringState:
        """READY where the file opens or can still be made, LOCKED for a wrong passphrase, REFUSED for a bad file."""
        try:
            self._load()
        except BadInput:
            return KeyringState.LOCKED
        except Unavailable:
            return KeyringState.UNRESPONSIVE
        except PodadminError:
            return KeyringState.REFUSED
        return KeyringState.READY

    def get(self, item: str) -> bytes | None:
        return self._load().get(item)

    def put(self, item: str, value: bytes) -> None:
        with self._lock, exclusive(self._path):
            items = self._load()
            items[item] = value
            self._save(items)
            if self._load().get(item) != value:
                raise _changed()

    def remove(self, item: str) -> None:
        with self._lock, exclusive(self._path):
            items = self._load()
            if items.pop(item, None) is not None:
                self._save(items)

    def _load(self) -> dict[str, bytes]:
        with self._lock:
            data = read_whole(self._path, _LARGEST_FILE)
            return {} if data is None else self._opened(data)

    def _opened(self, data: bytes) -> dict[str, bytes]:
        header = _parse(data)
        keys = self._keys_for(header.strength, header.salt)
        if not hmac.compare_digest(keys.check, header.check):
            raise BadInput(
                "vault.passphrase-wrong",
                "The passphrase does not open the file that holds the keys of this profile.",
                "It is not the passphrase with which the file was made.",
                "Give the right passphrase; without it the keys in the file are lost.",
            )
        clear, sealed = data[: _HEADER_BYTES + _NONCE_BYTES], data[_HEADER_BYTES + _NONCE_BYTES :]
        try:
            text = AESGCM(keys.sealing.reveal()).decrypt(clear[_HEADER_BYTES:], sealed, clear)
            items = {name: base64.b64decode(value) for name, value in json.loads(text).items()}
        except InvalidTag:
            raise _changed() from None
        self._keys = keys
        return items

    def _save(self, items: dict[str, bytes]) -> None:
        keys = self._keys or self._first_keys()
        clear = _Header(keys.strength, keys.salt, keys.check).clear() + os.urandom(_NONCE_BYTES)
        text = canonical({name: base64.b64encode(value).decode("ascii") for name, value in items.items()})
        sealed = AESGCM(keys.sealing.reveal()).encrypt(clear[_HEADER_BYTES:], text.encode("utf-8"), clear)
        write_whole(self._path, clear + sealed)
        self._keys = keys

    def _first_keys(self) -> _Keys:
        if len(self._passphrase.reveal()) < SHORTEST_PASSPHRASE:
            raise BadInput(
                "vault.passphrase-short",
                "The passphrase is too short to protect the keys of this profile.",
                f"Whoever copies the file can try passphrases at leisure; it needs {SHORTEST_PASSPHRASE} characters.",
                "Choose a longer one, such as five words that do not belong together.",
            )
        return self._keys_for(self._strength, os.urandom(_SALT_BYTES))

    def _keys_for(self, strength: int, salt: bytes) -> _Keys:
        if self._keys is not None and (self._keys.strength, self._keys.salt) == (strength, salt):
            return self._keys
        master = stretched(self._passphrase, salt, strength)
        return _Keys(
            strength,
            salt,
            HKDFExpand(hashes.SHA256(), _CHECK_BYTES, b"podadmin passphrase check").derive(master),
            Secret(HKDFExpand(hashes.SHA256(), 32, b"podadmin passphrase items").derive(master)),
        )


def _parse(data: bytes) -> _Header:
    if not _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES <= len(data) <= _LARGEST_FILE:
        raise _changed()
    after = len(MAGIC) + 4
    header = _Header(
        strength=data[len(MAGIC) + 1],
        salt=data[after : after + _SALT_BYTES],
        check=data[after + _SALT_BYTES : after + _SALT_BYTES + _CHECK_BYTES],
    )
    # rebuilding the header covers magic, version, r, p and sum in one comparison; the bounds keep scrypt affordable
    if not (data.startswith(header.clear()) and WEAKEST <= header.strength <= STRONGEST):
        raise _changed()
    return header


def _changed() -> Tampered:
    return Tampered(
        "vault.secrets-file-changed",
        "The file that holds the keys of this profile is not what podadmin wrote.",
        "It was changed, cut short or exchanged by something else than podadmin.",
        "Nothing was changed in it: restore the file from a backup.",
    )
