"""What one can do with the vault: unlock it, make keys, use them through handles, and keep the journal's anchor.

A key-encryption key of 32 random bytes lies in the keyring; it seals every key file. It is made once, when there is
nothing yet that it could have sealed; after that a missing one is an error and never a reason to make another.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import func, insert, select, update

from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import NotFound, PodadminError, Refused, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.backends import SecretStore
from podadmin.vault.disk import discard, read_whole, write_whole
from podadmin.vault.handles import PodKey, Signer
from podadmin.vault.model import KeyInfo, KeyKind, Purpose, public_forms
from podadmin.vault.records import key, keys_in_use, row_of
from podadmin.vault.sealed import KEK_BYTES, KeyHeader, open_sealed, seal

KEK_ITEM = "key-encryption-key"
ANCHOR_ITEM = "journal-head"
_LARGEST_KEY_FILE = 64 * 1024


class Vault:
    """The keys of one profile. Usable from any thread; `unlock` and the first use of a key may take a second."""

    def __init__(self, folder: Path, secrets: SecretStore, store: Store, clock: Clock) -> None:
        self._folder = folder
        self._secrets = secrets
        self._store = store
        self._clock = clock
        self._kek: Secret[bytes] | None = None
        # two locks: `_making` is held while the keyring or the database is waited for, `_handing` never is, so that a
        # handle can be fetched inside somebody's unit of work without waiting for one who waits for that unit
        self._making = threading.Lock()
        self._handing = threading.Lock()
        self._used: dict[str, datetime] = {}
        self._pod_key: PodKey | None = None
        self._signer: Signer | None = None

    def __repr__(self) -> str:
        return f"Vault({'locked' if self.locked else 'unlocked'})"

    @property
    def secrets(self) -> SecretStore:
        """The place where this vault keeps its key-encryption key."""
        return self._secrets

    @property
    def locked(self) -> bool:
        return self._kek is None

    def unlock(self) -> None:
        """Fetch the key-encryption key, or make it where nothing has been sealed yet. May block on the keyring.

        Raises what the keyring raises (`vault.keyring-*`, `vault.passphrase-*`); Unavailable (`vault.kek-missing`)
        where keys exist and the keyring has nothing to open them with; Tampered (`vault.key-file-changed`) where
        what it has opens none of them.
        """
        with self._making:
            if self._kek is not None:
                return
            found = self._secrets.get(KEK_ITEM)
            if found is None:
                self._kek = self._first_kek()
                return
            if len(found) != KEK_BYTES:
                raise Tampered(
                    "vault.keyring-item-changed",
                    "The secret in the keyring is not one that podadmin made.",
                    "Another program or person has overwritten it.",
                    "Restore the keyring from a backup; podadmin does not overwrite the item.",
                )
            kek = Secret(found)
            self._prove(kek)
            self._kek = kek

    def lock(self) -> None:
        """Forget the key-encryption key and every loaded key. Handles that were given out keep what they loaded."""
        with self._handing:
            self._kek = self._pod_key = self._signer = None

    def create(self, purpose: Purpose, actor: str) -> KeyInfo:
        """Make the key for `purpose`, seal it to disk, prove that it opens, then record it (`key.created`).

        Takes about a second for the pod's key. Raises Refused (`vault.key-exists`), Unavailable (`vault.locked`,
        `vault.cannot-write`, `store.*`); then no key and no file are left behind.
        """
        with self._making:
            kek = self._opened()
            if self.find(purpose) is not None:
                raise _exists(purpose)
            private = _generate(purpose.kind)
            forms = public_forms(private.public_key())
            key_id = new_id("key")
            info = KeyInfo(
                id=key_id,
                purpose=purpose,
                kind=purpose.kind,
                fingerprint=forms.fingerprint,
                words=forms.words,
                public_pem=forms.pem,
                public_ssh=forms.ssh,
                file=f"{key_id}.key",
                created_at=self._clock.now(),
            )
            der = Secret(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
            try:
                write_whole(self._folder / info.file, seal(der, kek, _header(info)))
                self._open(info, kek)
                self._record(info, actor)
            except BaseException:
                self._forget_file(info)
                raise
            return info

    def keys(self) -> tuple[KeyInfo, ...]:
        """Every key in use, oldest first. Works while the vault is locked."""
        with self._store.read() as connection:
            kept = keys_in_use(connection)
        return tuple(self._with_use(info) for info in kept)

    def find(self, purpose: Purpose) -> KeyInfo | None:
        """The key in use for `purpose`. Works while the vault is locked."""
        return next((info for info in self.keys() if info.purpose is purpose), None)

    def pod_key(self) -> PodKey:
        """The handle of the pod's key, the same one each time. Raises NotFound (`vault.no-key`)."""
        with self._handing:
            if self._pod_key is None:
                info = self._existing(Purpose.POD)
                self._pod_key = PodKey(info, lambda: self._open(info, self._opened()), self._note_use)
            return self._pod_key

    def journal_signer(self) -> Signer:
        """The handle of the journal's key, the same one each time. Raises NotFound (`vault.no-key`)."""
        with self._handing:
            if self._signer is None:
                info = self._existing(Purpose.JOURNAL)
                self._signer = Signer(info, lambda: self._open(info, self._opened()), self._note_use)
            return self._signer

    def hand_over(self, purpose_words: str, actor: str = "podadmin") -> Secret[bytes]:
        """The pod's private key as PKCS #8 DER, for the start of the pod itself. Journalled before it is given.

        `purpose_words` is what the journal will say it was for. Raises NotFound (`vault.no-key`), Unavailable
        (`vault.locked`, `vault.key-file-missing`, `store.*`), Tampered (`vault.key-file-changed`).
        """
        info = self._existing(Purpose.POD)
        der = self._open(info, self._opened())
        now = self._clock.now()
        fact = Fact(actor, "key.handed-over", info.id, {"for": purpose_words, "fingerprint": info.fingerprint})
        with self._store.record(fact) as unit:
            unit.execute(update(key).where(key.c.id == info.id).values(last_used_at=stamp(now)))
        return der

    def record_use(self, actor: str = "podadmin") -> None:
        """Write down when keys were last used since the vault was opened (`key.used`); for the end of a session."""
        with self._handing:
            used, self._used = self._used, {}
        for key_id, moment in used.items():
            with self._store.record(Fact(actor, "key.used", key_id, {"last_used_at": stamp(moment)})) as unit:
                unit.execute(update(key).where(key.c.id == key_id).values(last_used_at=stamp(moment)))

    def put_anchor(self, value: bytes) -> None:
        """Keep the journal's signed head in the keyring, outside the database that it vouches for."""
        self._secrets.put(ANCHOR_ITEM, value)

    def get_anchor(self) -> bytes | None:
        """The journal's signed head as it was last kept, None where there is none."""
        return self._secrets.get(ANCHOR_ITEM)

    def _first_kek(self) -> Secret[bytes]:
        with self._store.read() as connection:
            rows = connection.execute(select(func.count()).select_from(key)).scalar_one()
        if rows or (self._folder.is_dir() and any(self._folder.glob("*.key"))):
            raise Unavailable(
                "vault.kek-missing",
                "The keyring no longer holds the secret that opens the keys of this profile.",
                "It was removed from the keyring, or the profile was moved here without it; the key files are there.",
                "Restore the keyring that belongs to this profile. podadmin makes no new secret in its place.",
            )
        kek = os.urandom(KEK_BYTES)
        self._secrets.put(KEK_ITEM, kek)
        return Secret(kek)

    def _prove(self, kek: Secret[bytes]) -> None:
        """Where key files are there, at least one opens: a secret that opens none of them is the wrong one."""
        wrong: PodadminError | None = None
        for info in self.keys():
            try:
                self._open(info, kek)
            except Tampered as error:
                wrong = error
            except Unavailable:
                # a file that is gone or unreadable says nothing about the secret; its first use will tell
                continue
            else:
                return
        if wrong is not None:
            raise wrong

    def _record(self, info: KeyInfo, actor: str) -> None:
        body = {
            "purpose": info.purpose.value,
            "kind": info.kind.value,
            "fingerprint": info.fingerprint,
            "public": info.public_ssh,
        }
        with self._store.record(Fact(actor, "key.created", info.id, body)) as unit:
            # another process may have made one since we looked; inside the unit nobody else writes
            if any(each.purpose is info.purpose for each in keys_in_use(unit.connection)):
                raise _exists(info.purpose)
            unit.execute(insert(key).values(**row_of(info)))

    def _forget_file(self, info: KeyInfo) -> None:
        """Remove the file of a key that was not recorded. Where that cannot be known, a sealed file too many stays."""
        try:
            with self._store.read() as connection:
                recorded = connection.execute(select(key.c.id).where(key.c.id == info.id)).first()
            if recorded is None:
                discard(self._folder / info.file)
        except PodadminError:
            # the first error is the one to tell; the file is sealed, unrecorded and never used
            return

    def _open(self, info: KeyInfo, kek: Secret[bytes]) -> Secret[bytes]:
        data = read_whole(self._folder / info.file, _LARGEST_KEY_FILE)
        if data is None:
            raise Unavailable(
                "vault.key-file-missing",
                f"The key file of {info.id} is not in the key folder.",
                "It was moved or removed by something other than podadmin.",
                "Restore the key folder from a backup. podadmin makes no new key in its place.",
            )
        return open_sealed(data, kek, _header(info))

    def _opened(self) -> Secret[bytes]:
        if self._kek is None:
            raise Unavailable(
                "vault.locked",
                "The keys of this profile are locked.",
                "Their secret has not been fetched from the keyring, so nothing can be decrypted or signed.",
                "Unlock the keyring on the Keys page, then try again.",
            )
        return self._kek

    def _existing(self, purpose: Purpose) -> KeyInfo:
        info = self.find(purpose)
        if info is None:
            raise NotFound(
                "vault.no-key",
                f"There is no {purpose.value} key yet.",
                f"It is needed for this: {purpose.words[0].lower()}{purpose.words[1:]}.",
                "Create the pod first: that makes the keys it needs.",
            )
        return info

    def _with_use(self, info: KeyInfo) -> KeyInfo:
        seen = self._used.get(info.id)
        return info if seen is None else replace(info, last_used_at=seen)

    def _note_use(self, key_id: str) -> None:
        self._used[key_id] = self._clock.now()


def _generate(kind: KeyKind) -> RSAPrivateKey | Ed25519PrivateKey:
    if kind is KeyKind.RSA_4096:
        return generate_private_key(public_exponent=65537, key_size=4096)
    return Ed25519PrivateKey.generate()


def _header(info: KeyInfo) -> KeyHeader:
    return KeyHeader(info.id, info.purpose, info.kind, info.fingerprint)


def _exists(purpose: Purpose) -> Refused:
    return Refused(
        "vault.key-exists",
        f"This profile already has a {purpose.value} key.",
        "A second one would make requests and records that rely on the first unreadable or unprovable.",
        "Use the key that is there.",
    )
