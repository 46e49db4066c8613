"""A handle uses the private key that belongs to what is shown of it, and loads it once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from podadmin.core.errors import Tampered
from podadmin.core.secret import Secret
from podadmin.vault.handles import PodKey, Signer
from podadmin.vault.model import KeyInfo, Purpose, public_forms

RSA = generate_private_key(65537, 2048)
ED25519 = Ed25519PrivateKey.generate()


def shown(private: RSAPrivateKey | Ed25519PrivateKey, purpose: Purpose) -> KeyInfo:
    forms = public_forms(private.public_key())
    made = datetime(2026, 3, 1, tzinfo=UTC)
    return KeyInfo("key_1", purpose, purpose.kind, forms.fingerprint, forms.words, forms.pem, forms.ssh, "f", made)


def sealed(private: RSAPrivateKey | Ed25519PrivateKey) -> Secret[bytes]:
    return Secret(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def test_a_key_is_opened_at_its_first_use_and_only_then() -> None:
    opened, used = [], []

    def opener() -> Secret[bytes]:
        opened.append(1)
        return sealed(ED25519)

    signer = Signer(shown(ED25519, Purpose.JOURNAL), opener, used.append)
    assert opened == []
    signatures = {signer.sign(b"x") for _ in range(3)}
    assert len(signatures) == len(opened) == 1
    assert used == ["key_1"] * 3


def test_a_private_part_of_another_key_or_kind_is_not_used() -> None:
    used: list[str] = []
    other = Ed25519PrivateKey.generate()
    for signer in (
        Signer(shown(ED25519, Purpose.JOURNAL), lambda: sealed(other), used.append),
        Signer(shown(ED25519, Purpose.JOURNAL), lambda: sealed(RSA), used.append),
    ):
        with pytest.raises(Tampered) as caught:
            signer.sign(b"x")
        assert caught.value.code == "vault.key-row-changed"
    with pytest.raises(Tampered):
        PodKey(shown(RSA, Purpose.POD), lambda: sealed(ED25519), used.append).decrypt(bytes(256))
    assert used == []


def test_a_public_part_of_another_kind_makes_no_signer() -> None:
    with pytest.raises(Tampered):
        Signer(shown(RSA, Purpose.JOURNAL), lambda: sealed(ED25519), lambda _: None)
