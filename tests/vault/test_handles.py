"""A handle uses the private key that belongs to what is shown of it, and loads it once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from podadmin.core.errors import Refused, Tampered
from podadmin.core.secret import Secret
from podadmin.vault.handles import OwnKey, PodKey, Signer, edwards_key, rsa_key
from podadmin.vault.model import KeyInfo, Purpose, public_forms

RSA = generate_private_key(65537, 2048)
ED25519 = Ed25519PrivateKey.generate()
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def shown(private: RSAPrivateKey | Ed25519PrivateKey, purpose: Purpose) -> KeyInfo:
    forms = public_forms(private.public_key())
    made = datetime(2026, 3, 1, tzinfo=UTC)
    return KeyInfo("key_1", purpose, purpose.kind, forms.fingerprint, forms.words, forms.pem, forms.ssh, "f", made)


def sealed(private: RSAPrivateKey | Ed25519PrivateKey) -> Secret[bytes]:
    return Secret(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def own(private: RSAPrivateKey | Ed25519PrivateKey, shown_as: KeyInfo, used: list[tuple[str, str]]) -> OwnKey[Any]:
    narrow: Any = rsa_key if shown_as.purpose is Purpose.POD else edwards_key
    return OwnKey(
        shown_as, narrow, lambda: sealed(private), lambda _: None, lambda info, what: used.append((info.id, what))
    )


def test_a_key_is_opened_at_its_first_use_and_only_then() -> None:
    opened, used = [], []

    def opener() -> Secret[bytes]:
        opened.append(1)
        return sealed(ED25519)

    info = shown(ED25519, Purpose.JOURNAL)
    signer = Signer(OwnKey(info, edwards_key, opener, lambda _: None, lambda _, what: used.append(what)))
    assert opened == []
    signatures = {signer.sign(b"x", "for a test") for _ in range(3)}
    assert len(signatures) == len(opened) == 1
    assert used == ["for a test"] * 3


def test_a_private_part_of_another_key_or_kind_is_not_used() -> None:
    used: list[tuple[str, str]] = []
    other = Ed25519PrivateKey.generate()
    for private in (other, RSA):
        with pytest.raises(Tampered) as caught:
            Signer(own(private, shown(ED25519, Purpose.JOURNAL), used)).sign(b"x")
        assert caught.value.code == "vault.key-row-changed"
    with pytest.raises(Tampered):
        PodKey(own(ED25519, shown(RSA, Purpose.POD), used)).decrypt(bytes(256))
    assert used == []


def test_a_public_part_of_another_kind_makes_no_signer() -> None:
    with pytest.raises(Tampered):
        Signer(own(ED25519, shown(RSA, Purpose.JOURNAL), []))


def test_a_key_that_may_not_be_used_is_not_even_opened() -> None:
    def not_allowed(info: KeyInfo) -> None:
        raise Refused("vault.key-revoked", "No.", f"{info.id}.", "Stop.")

    def opener() -> Secret[bytes]:
        raise AssertionError("it was opened")

    key = OwnKey(shown(ED25519, Purpose.JOURNAL), edwards_key, opener, not_allowed, lambda *_: None)
    with pytest.raises(Refused):
        Signer(key).sign(b"x")
    assert repr(key) == "OwnKey('key_1')"


def test_an_earlier_key_of_the_pod_opens_what_was_made_for_it_and_says_so() -> None:
    used: list[tuple[str, str]] = []
    older = generate_private_key(65537, 2048)
    key = PodKey(
        own(RSA, shown(RSA, Purpose.POD), used), [own(older, replace(shown(older, Purpose.POD), id="old"), used)]
    )
    block = older.public_key().encrypt(b"secret", OAEP)
    once = key.once()
    assert once.opened_by == ""
    assert once.decrypt(block) == b"secret"
    assert once.opened_by == "old"
    assert repr(once) == "PodKeyOnce('old')"
    assert key.decrypt(RSA.public_key().encrypt(b"newer", OAEP)) == b"newer"
    assert [name for name, _ in used] == ["key_1", "old", "key_1"]
    with pytest.raises(Tampered) as caught:
        key.decrypt(b"x" * 256)
    assert caught.value.code == "vault.cannot-decrypt"


def test_an_earlier_key_whose_time_has_ended_meanwhile_is_passed_over() -> None:
    older = generate_private_key(65537, 2048)

    def ended(info: KeyInfo) -> None:
        raise Refused("vault.key-ended", "No.", f"{info.id}.", "Stop.")

    old = OwnKey(shown(older, Purpose.POD), rsa_key, lambda: sealed(older), ended, lambda *_: None)
    key = PodKey(own(RSA, shown(RSA, Purpose.POD), []), [old])
    with pytest.raises(Tampered):
        key.decrypt(older.public_key().encrypt(b"secret", OAEP))
    with pytest.raises(Refused):
        PodKey(old).decrypt(older.public_key().encrypt(b"secret", OAEP))
