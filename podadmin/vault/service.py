"""What one can do with the vault: unlock it, make, import, exchange and revoke keys, use them, and keep secrets.

A key-encryption key of 32 random bytes lies in the keyring; it seals every file of the key folder (`kek`). A key that
is missing is an error and never a reason to make another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from sqlalchemy import func, select, update

from podadmin.core.clock import Clock, stamp
from podadmin.core.errors import NotFound, PodadminError, Refused, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.backends import SecretStore
from podadmin.vault.handles import (
    AssertionSigner,
    OwnKey,
    PodKey,
    PrivateKey,
    Signer,
    curve_key,
    edwards_key,
    rsa_key,
)
from podadmin.vault.kek import KEK_ITEM, Keks, KeyEncryption
from podadmin.vault.making import Making, Replaced, generate, header_of, not_in_use, wrong_kind
from podadmin.vault.model import KeyInfo, KeyKind, KeyState, Purpose, SecretInfo, SecretPurpose
from podadmin.vault.records import every_key, key, keys_in_use, secret
from podadmin.vault.shelf import Shelf, Together, alone
from podadmin.vault.use import Uses

__all__ = ["ANCHOR_ITEM", "KEK_ITEM", "Vault"]
ANCHOR_ITEM = "journal-head"
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the clock may be before the moment at which a key was made."""
REASON_LIMIT = 2000
K = TypeVar("K", RSAPrivateKey, EllipticCurvePrivateKey, Ed25519PrivateKey)


class Vault:
    """The keys of one profile. Usable from any thread; `unlock` and the first use of a key may take a second."""

    def __init__(self, folder: Path, secrets: SecretStore, store: Store, clock: Clock) -> None:
        self._folder = folder
        self._secrets = secrets
        self._store = store
        self._clock = clock
        self._kek = KeyEncryption(folder, secrets, self._has_records, self._record_exchange)
        self._making_keys = Making(folder, store, clock, self._kek)
        self._shelf = Shelf(folder, store, clock, self._kek)
        # two locks: `_making` is held while the keyring or the database is waited for, `_handing` never is, so that a
        # handle can be fetched inside somebody's unit of work without waiting for one who waits for that unit
        self._making = threading.Lock()
        self._handing = threading.Lock()
        self._uses = Uses(store, clock)
        self._own: dict[str, OwnKey[Any]] = {}
        self._pod: tuple[tuple[str, ...], PodKey] | None = None
        self._journal: tuple[tuple[str, ...], Signer] | None = None

    def __repr__(self) -> str:
        return f"Vault({'locked' if self.locked else 'unlocked'})"

    @property
    def secrets(self) -> SecretStore:
        """The place where this vault keeps its key-encryption key."""
        return self._secrets

    @property
    def locked(self) -> bool:
        return self._kek.locked

    def unlock(self) -> None:
        """Fetch the key-encryption key, or make it where nothing has been sealed yet. May block on the keyring.

        Raises what the keyring raises (`vault.keyring-*`, `vault.passphrase-*`); Unavailable (`vault.kek-missing`)
        where keys exist and the keyring has nothing to open them with; Tampered (`vault.key-file-changed`) where
        what it has opens none of them.
        """
        with self._making:
            if self._kek.locked:
                self._kek.unlock(self._prove)

    def lock(self) -> None:
        """Forget the key-encryption key and every loaded key. Handles that were given out keep what they loaded."""
        with self._handing:
            self._kek.lock()
            self._own.clear()
            self._pod = self._journal = None

    def exchange_kek(self, actor: str) -> None:
        """Seal every file under a new key-encryption key (`keyring.exchanged`). Safe to break off at any moment.

        Raises what `unlock` raises and what opening a sealed file raises: where one does not open, nothing is begun.
        """
        with self._making:
            self._kek.exchange(actor, self._check_all)

    # --- keys ---------------------------------------------------------------------------------------------------------

    def create(self, purpose: Purpose, actor: str, name: str = "", kind: KeyKind | None = None) -> KeyInfo:
        """Make the key for `purpose` (and `name`), seal it, prove that it opens, then record it (`key.created`).

        Takes about a second for the pod's key. Raises Refused (`vault.key-exists`), BadInput (`vault.key-kind`,
        `vault.key-name`), Unavailable (`vault.locked`, `vault.cannot-write`, `store.*`); then no key and no file are
        left behind.
        """
        with self._making:
            return self._making_keys.add(purpose, actor, name, lambda: generate(kind or purpose.kind), "created")

    def import_key(self, purpose: Purpose, private: PrivateKey, actor: str, name: str = "") -> KeyInfo:
        """Take over a key that was made elsewhere (`key.imported`). Raises as `create`."""
        with self._making:
            return self._making_keys.add(purpose, actor, name, lambda: private, "imported")

    def rotate(
        self, key_id: str, actor: str, overlap: timedelta = timedelta(), private: PrivateKey | None = None
    ) -> KeyInfo:
        """Put a new key (or `private`) in the place of one in use; the old one is accepted for `overlap` yet.

        One transaction (`key.rotated`): there is never a moment without a key or with two in use. Raises as `create`,
        and NotFound (`vault.no-key`), Refused (`vault.key-not-in-use`).
        """
        old = self.key(key_id)
        self._check_clock(old)
        if old.revoked_at is not None or old.retired_at is not None:
            raise not_in_use(old)
        replaced = Replaced(old, self._clock.now() + overlap)
        origin = "created" if private is None else "imported"
        with self._making:
            return self._making_keys.add(
                old.purpose, actor, old.name, lambda: private or generate(old.kind), origin, replaced
            )

    def end(self, key_id: str, actor: str) -> None:
        """Let the time in which a replaced key is still accepted end now (`key.ended`).

        Raises NotFound (`vault.no-key`), Refused (`vault.key-not-ending`).
        """
        info = self.key(key_id)
        if info.state(self._clock.now()) is not KeyState.ENDING:
            raise Refused(
                "vault.key-not-ending",
                "Nothing was changed.",
                "The key is not one that was replaced and is still accepted.",
                "Replace a key in use with `podadmin keys rotate`, or revoke it with `podadmin keys revoke`.",
            )
        fact = Fact(actor, "key.ended", info.id, {"purpose": info.purpose.value, "fingerprint": info.fingerprint})
        with self._store.record(fact) as unit:
            unit.execute(update(key).where(key.c.id == info.id).values(ends_at=stamp(self._clock.now())))

    def revoke(self, key_id: str, actor: str, reason: str) -> KeyInfo:
        """Let nothing be opened or signed with a key from now on, in any process (`key.revoked`). Needs no keyring.

        Raises NotFound (`vault.no-key`), Refused (`vault.reason-missing`, `vault.key-revoked`).
        """
        info, why = self.key(key_id), reason.strip()[:REASON_LIMIT]
        if not why:
            raise Refused(
                "vault.reason-missing",
                "The key was not revoked.",
                "What happens to a key needs a reason: whoever looks into the journal later will ask for it.",
                "Write one sentence that says why.",
            )
        if info.revoked_at is not None:
            raise _revoked(info)
        now = self._clock.now()
        body = {"purpose": info.purpose.value, "fingerprint": info.fingerprint, "reason": why}
        if info.name:
            body["name"] = info.name
        with self._store.record(Fact(actor, "key.revoked", info.id, body)) as unit:
            unit.execute(update(key).where(key.c.id == info.id).values(revoked_at=stamp(now), reason=why))
        with self._handing:
            self._own.pop(info.id, None)
            self._pod = self._journal = None
        return replace(info, revoked_at=now, reason=why)

    def keys(self) -> tuple[KeyInfo, ...]:
        """Every key in use, oldest first. Works while the vault is locked."""
        with self._store.read() as connection:
            kept = keys_in_use(connection)
        return tuple(self._uses.shown(info) for info in kept)

    def every_key(self) -> tuple[KeyInfo, ...]:
        """Every key that there ever was, oldest first; those that ended or were revoked as well."""
        with self._store.read() as connection:
            kept = every_key(connection)
        return tuple(self._uses.shown(info) for info in kept)

    def find(self, purpose: Purpose, name: str = "") -> KeyInfo | None:
        """The key in use for `purpose` (and `name`). Works while the vault is locked."""
        return next((info for info in self.keys() if (info.purpose, info.name) == (purpose, name)), None)

    def key(self, key_id: str) -> KeyInfo:
        """One key, in use or not. Raises NotFound (`vault.no-key`)."""
        found = next((info for info in self.every_key() if info.id == key_id), None)
        if found is None:
            raise NotFound(
                "vault.no-key",
                "There is no such key.",
                "No key of this profile has that name.",
                "List the keys with `podadmin keys list`.",
            )
        return found

    def accepted(self, purpose: Purpose, name: str = "") -> tuple[KeyInfo, ...]:
        """The key in use and those that it replaced and that are still accepted, the newest first."""
        now = self._clock.now()
        return tuple(
            info
            for info in reversed(self.every_key())
            if (info.purpose, info.name) == (purpose, name) and info.state(now) in {KeyState.IN_USE, KeyState.ENDING}
        )

    # --- handles ------------------------------------------------------------------------------------------------------

    def pod_key(self) -> PodKey:
        """The handle of the pod's key, the same one as long as the same keys are accepted.

        Raises NotFound (`vault.no-key`), Refused (`vault.key-revoked`) where it was revoked and not replaced.
        """
        infos = self._accepted_or_raise(Purpose.POD)
        same = tuple(info.id for info in infos)
        with self._handing:
            if self._pod is None or self._pod[0] != same:
                own = [self._one(info, rsa_key) for info in infos]
                self._pod = (same, PodKey(own[0], own[1:]))
            return self._pod[1]

    def journal_signer(self) -> Signer:
        """The handle of the journal's key; it verifies what the keys before it have signed as well.

        Raises NotFound (`vault.no-key`), Refused (`vault.key-revoked`).
        """
        current = self._accepted_or_raise(Purpose.JOURNAL)[0]
        before = [info for info in self.every_key() if info.purpose is Purpose.JOURNAL and info.retired_at is not None]
        before = [info for info in before if info.revoked_at is None]
        same = tuple(info.id for info in (current, *before))
        with self._handing:
            if self._journal is None or self._journal[0] != same:
                self._journal = (same, Signer(self._one(current, edwards_key), before))
            return self._journal[1]

    def signer(self, key_id: str) -> Signer:
        """The handle of one Ed25519 key: a reviewer's or the journal's.

        Raises NotFound (`vault.no-key`), BadInput (`vault.key-kind`); a revoked key still verifies and signs no more.
        """
        info = self.key(key_id)
        if info.kind is not KeyKind.ED25519:
            raise wrong_kind(info.kind)
        return Signer(self._shared(info, edwards_key))

    def assertion_signer(self, key_id: str) -> AssertionSigner:
        """The handle of one EHR client key. Raises NotFound (`vault.no-key`), BadInput (`vault.key-kind`)."""
        info = self.key(key_id)
        if info.purpose is not Purpose.EHR:
            raise wrong_kind(info.kind)
        if info.kind is KeyKind.P_384:
            return AssertionSigner(self._shared(info, curve_key))
        return AssertionSigner(self._shared(info, rsa_key))

    def hand_over(self, purpose_words: str, actor: str = "podadmin") -> Secret[bytes]:
        """The pod's private key as PKCS #8 DER, for the start of the pod itself. Journalled before it is given.

        `purpose_words` is what the journal will say it was for. Raises NotFound (`vault.no-key`), Unavailable
        (`vault.locked`, `vault.key-file-missing`, `store.*`), Tampered (`vault.key-file-changed`), Refused
        (`vault.key-revoked`).
        """
        return self.hand_over_all(purpose_words, actor)[0]

    def hand_over_all(self, purpose_words: str, actor: str = "podadmin") -> tuple[Secret[bytes], ...]:
        """As `hand_over`, with the replaced keys that are still accepted after the one in use."""
        given = []
        for info in self._accepted_or_raise(Purpose.POD):
            self._allowed(info)
            der = self.private(info)
            fact = Fact(actor, "key.handed-over", info.id, {"for": purpose_words, "fingerprint": info.fingerprint})
            with self._store.record(fact) as unit:
                unit.execute(update(key).where(key.c.id == info.id).values(last_used_at=stamp(self._clock.now())))
            given.append(der)
        return tuple(given)

    def private(self, info: KeyInfo) -> Secret[bytes]:
        """A private key as PKCS #8 DER, for sealing, backup and hand-over only: those acts record it themselves.

        Raises Unavailable (`vault.locked`, `vault.key-file-missing`), Tampered (`vault.key-file-changed`).
        """
        return self._kek.read(info.file, header_of(info))

    # --- secrets ------------------------------------------------------------------------------------------------------

    def put_secret(
        self,
        purpose: SecretPurpose,
        holder: str,
        value: Secret[bytes],
        actor: str,
        expires_at: datetime | None = None,
        together: Together = alone,
    ) -> SecretInfo:
        """Keep a secret for `holder`, in place of the one that was kept before (`secret.kept`).

        Sealed, read back and recorded like a key, in one transaction with what `together` writes. Raises BadInput
        (`vault.secret-size`), Unavailable (`vault.locked`, `vault.cannot-write`, `store.*`).
        """
        with self._making:
            return self._shelf.put(purpose, holder, value, actor, expires_at, together)

    def secret(self, secret_id: str) -> Secret[bytes]:
        """The value of a secret. Raises NotFound (`vault.no-secret`), and as `private`."""
        info = self._shelf.find(secret_id)
        value = self._shelf.value(info)
        self._uses.note(info, "given to the part of podadmin that needs it")
        return value

    def secrets_kept(self) -> tuple[SecretInfo, ...]:
        """Every secret that is kept, oldest first. Works while the vault is locked."""
        return tuple(self._uses.shown(info) for info in self._shelf.all())

    def find_secret(self, purpose: SecretPurpose, holder: str) -> SecretInfo | None:
        """The secret that is kept for `holder`. Works while the vault is locked."""
        return next((info for info in self._shelf.all() if (info.purpose, info.holder) == (purpose, holder)), None)

    def remove_secret(self, secret_id: str, actor: str, together: Together = alone) -> None:
        """Forget a secret and remove its file (`secret.removed`). Raises NotFound (`vault.no-secret`)."""
        with self._making:
            self._shelf.remove(secret_id, actor, together)

    # --- use and anchor -----------------------------------------------------------------------------------------------

    def record_use(self, actor: str = "podadmin") -> None:
        """Write down how keys and secrets were used since the vault was opened; for the end of a session.

        One entry each (`key.used`, `secret.used`), with what it was used for and how often.
        """
        self._uses.record(actor)

    def put_anchor(self, value: bytes) -> None:
        """Keep the journal's signed head in the keyring, outside the database that it vouches for."""
        self._secrets.put(ANCHOR_ITEM, value)

    def get_anchor(self) -> bytes | None:
        """The journal's signed head as it was last kept, None where there is none."""
        return self._secrets.get(ANCHOR_ITEM)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _has_records(self) -> bool:
        with self._store.read() as connection:
            return any(
                connection.execute(select(func.count()).select_from(each)).scalar_one() for each in (key, secret)
            )

    def _record_exchange(self, actor: str, files: int) -> None:
        with self._store.record(Fact(actor, "keyring.exchanged", self._secrets.name, {"files": files})):
            pass

    def _prove(self, held: Keks) -> None:
        """Where key files are there, at least one opens: a secret that opens none of them is the wrong one."""
        wrong: PodadminError | None = None
        for info in self.every_key():
            try:
                self._kek.read_with(held, info.file, header_of(info))
            except Tampered as error:
                wrong = error
            except Unavailable:
                # a file that is gone or unreadable says nothing about the secret; its first use will tell
                continue
            else:
                return
        if wrong is not None:
            raise wrong

    def _check_all(self, held: Keks) -> None:
        for info in self.every_key():
            self._kek.read_with(held, info.file, header_of(info))
        self._shelf.check(held)

    def _accepted_or_raise(self, purpose: Purpose) -> tuple[KeyInfo, ...]:
        infos = self.accepted(purpose)
        if infos and infos[0].retired_at is None:
            return infos
        gone = [info for info in self.every_key() if info.purpose is purpose and info.revoked_at is not None]
        if gone:
            raise _revoked(gone[-1])
        raise NotFound(
            "vault.no-key",
            f"There is no {purpose.value} key yet.",
            f"It is needed for this: {purpose.words[0].lower()}{purpose.words[1:]}.",
            "Create the pod first: that makes the keys it needs.",
        )

    def _shared(self, info: KeyInfo, narrow: Callable[[object], K | None]) -> OwnKey[K]:
        with self._handing:
            return self._one(info, narrow)

    def _one(self, info: KeyInfo, narrow: Callable[[object], K | None]) -> OwnKey[K]:
        """The loaded key behind every handle of it. The caller holds `_handing`."""
        if info.id not in self._own:
            self._own[info.id] = OwnKey(info, narrow, lambda: self.private(info), self._allowed, self._uses.note)
        return self._own[info.id]

    def _allowed(self, info: KeyInfo) -> None:
        """May the key be used now? Asked of the database at each use: another process may have revoked it."""
        with self._store.read() as connection:
            row = connection.execute(
                select(key.c.retired_at, key.c.ends_at, key.c.revoked_at).where(key.c.id == info.id)
            ).first()
        now = self._clock.now()
        if row is None or row.revoked_at is not None:
            raise _revoked(info)
        if row.retired_at is not None and (row.ends_at is None or stamp(now) >= row.ends_at):
            raise Refused(
                "vault.key-ended",
                "The key is not used any more.",
                f"The key {info.id} was replaced, and the time in which it was still accepted has ended.",
                "Use the key that took its place.",
            )
        self._check_clock(info)

    def _check_clock(self, info: KeyInfo) -> None:
        if self._clock.now() < info.created_at - CLOCK_TOLERANCE:
            raise Unavailable(
                "vault.clock-behind",
                "The keys are not used while the clock of this computer is wrong.",
                f"The clock shows a time before the key {info.id} was made, so nobody can tell which keys have ended.",
                "Set the clock of this computer, then try again.",
            )


def _revoked(info: KeyInfo) -> Refused:
    return Refused(
        "vault.key-revoked",
        "The key was revoked, and nothing is opened or signed with it any more.",
        f"The custodian revoked the key {info.id}" + (f": {info.reason}." if info.reason else "."),
        "Make a new key with `podadmin keys create`, and let everybody who used the old one know.",
    )
