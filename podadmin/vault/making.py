"""A key comes into being: generated or taken over, sealed, proved to open, recorded; or nothing of it is left."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import insert, select, update

from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import BadInput, PodadminError, Refused
from podadmin.core.secret import Secret
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.disk import discard
from podadmin.vault.handles import PrivateKey
from podadmin.vault.kek import KeyEncryption
from podadmin.vault.model import KeyInfo, KeyKind, Purpose, public_forms
from podadmin.vault.records import every_key, key, keys_in_use, row_of
from podadmin.vault.sealed import KeyHeader

_NAME = re.compile(r"[\w](?:[\w .@+-]{0,58}[\w])?")


@dataclass(frozen=True)
class Replaced:
    """The key whose place a new one takes, and until when the old one is still accepted."""

    info: KeyInfo
    ends_at: datetime


class Making:
    """Makes the keys of one profile."""

    def __init__(self, folder: Path, store: Store, clock: Clock, kek: KeyEncryption) -> None:
        self._folder = folder
        self._store = store
        self._clock = clock
        self._kek = kek

    def add(
        self,
        purpose: Purpose,
        actor: str,
        name: str,
        make: Callable[[], PrivateKey],
        origin: str,
        replaced: Replaced | None = None,
    ) -> KeyInfo:
        """Seal and record what `make` gives. Raises what `Vault.create` and `Vault.rotate` say."""
        _check_name(purpose, name)
        with self._kek.changing() as write:
            # looked up under the lock of the folder, so that of two processes the second one is told before its work
            with self._store.read() as connection:
                self._check_place(keys_in_use(connection), purpose, name, replaced)
            private = make()
            info = self._described(private, purpose, name, origin)
            der = Secret(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
            try:
                write(info.file, der, header_of(info))
                self._record(info, actor, replaced)
            except BaseException:
                self._forget_file(info)
                raise
            return info

    def _described(self, private: PrivateKey, purpose: Purpose, name: str, origin: str) -> KeyInfo:
        kind = kind_of(private)
        if kind not in purpose.kinds:
            raise wrong_kind(kind)
        forms = public_forms(private.public_key())
        key_id = new_id("key")
        return KeyInfo(
            id=key_id,
            purpose=purpose,
            kind=kind,
            fingerprint=forms.fingerprint,
            words=forms.words,
            public_pem=forms.pem,
            public_ssh=forms.ssh,
            file=f"{key_id}.key",
            created_at=self._clock.now(),
            name=name,
            origin=origin,
        )

    @staticmethod
    def _check_place(in_use: tuple[KeyInfo, ...], purpose: Purpose, name: str, replaced: Replaced | None) -> None:
        same = [info for info in in_use if (info.purpose, info.name) == (purpose, name)]
        if replaced is None and same:
            raise _exists(purpose, name)
        if replaced is not None and [info.id for info in same] != [replaced.info.id]:
            raise not_in_use(replaced.info)

    def _record(self, info: KeyInfo, actor: str, replaced: Replaced | None) -> None:
        body = {
            "purpose": info.purpose.value,
            "kind": info.kind.value,
            "fingerprint": info.fingerprint,
            "public": info.public_ssh,
        }
        act = "key.imported" if info.origin == "imported" else "key.created"
        if info.name:
            body["name"] = info.name
        if replaced is not None:
            act = "key.rotated"
            body |= {
                "was": replaced.info.id,
                "was_fingerprint": replaced.info.fingerprint,
                "accepted_until": stamp(replaced.ends_at),
                "origin": info.origin,
            }
        with self._store.record(Fact(actor, act, info.id, body)) as unit:
            # another process may have been faster; inside the unit nobody else writes
            self._check_place(keys_in_use(unit.connection), info.purpose, info.name, replaced)
            if any(each.fingerprint == info.fingerprint for each in every_key(unit.connection)):
                raise Refused(
                    "vault.key-known",
                    "The key was not taken over.",
                    "This profile has, or had, that very key already.",
                    "Look for its fingerprint in the list of keys.",
                )
            if replaced is not None:
                ended = {"retired_at": stamp(info.created_at), "ends_at": stamp(replaced.ends_at)}
                unit.execute(update(key).where(key.c.id == replaced.info.id).values(**ended))
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


def generate(kind: KeyKind) -> PrivateKey:
    """A new private key."""
    if kind is KeyKind.RSA_4096:
        return generate_private_key(public_exponent=65537, key_size=4096)
    if kind is KeyKind.RSA_3072:
        return generate_private_key(public_exponent=65537, key_size=3072)
    if kind is KeyKind.P_384:
        return generate_curve_key(SECP384R1())
    return Ed25519PrivateKey.generate()


def kind_of(private: PrivateKey) -> KeyKind:
    """The kind of a private key. RSA keys of other sizes count as the next smaller kind that there is."""
    if isinstance(private, RSAPrivateKey):
        return KeyKind.RSA_4096 if private.key_size != 3072 else KeyKind.RSA_3072
    return KeyKind.P_384 if isinstance(private, EllipticCurvePrivateKey) else KeyKind.ED25519


def header_of(info: KeyInfo) -> KeyHeader:
    """What the sealed file of a key says about itself."""
    return KeyHeader(info.id, info.purpose, info.kind, info.fingerprint)


def wrong_kind(kind: KeyKind) -> BadInput:
    return BadInput(
        "vault.key-kind",
        "That kind of key cannot be used for this.",
        f"A key of the kind {kind.value} does not do what is asked of it.",
        "Choose a purpose that this kind of key serves.",
    )


def not_in_use(info: KeyInfo) -> Refused:
    return Refused(
        "vault.key-not-in-use",
        "The key was not replaced.",
        f"The key {info.id} is not in use any more: it was replaced or revoked before.",
        "Replace the one that is in use, or make a new one where there is none.",
    )


def _exists(purpose: Purpose, name: str) -> Refused:
    which = f"{purpose.value} key called {name}" if name else f"{purpose.value} key"
    return Refused(
        "vault.key-exists",
        f"This profile already has a {which}.",
        "A second one would make requests and records that rely on the first unreadable or unprovable.",
        "Use the key that is there, or replace it with `podadmin keys rotate`.",
    )


def _check_name(purpose: Purpose, name: str) -> None:
    if purpose.named == bool(_NAME.fullmatch(name)) and (purpose.named or not name):
        return
    why = "A name has 1 to 60 letters, digits, spaces, dots, hyphens and the signs _ @ +, and no space at its ends."
    raise BadInput(
        "vault.key-name",
        "The key was not made.",
        why if purpose.named else "There is one key for this purpose, and it has no name.",
        "Give another name.",
    )
