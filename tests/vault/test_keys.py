"""The life of a key: made for a purpose and a name, replaced with an overlap, ended, revoked everywhere at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from podadmin.core.errors import BadInput, NotFound, Refused, Tampered, Unavailable
from podadmin.journal import service as journal_service
from podadmin.vault.model import KeyKind, KeyState, Purpose

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
FORTNIGHT = timedelta(days=14)
Profile = Any


def sealed_for(info: Any, text: bytes = b"a request") -> bytes:
    public = load_pem_public_key(info.public_pem.encode())
    assert isinstance(public, RSAPublicKey)
    return public.encrypt(text, OAEP)


def codes(act: Any) -> str:
    with pytest.raises((BadInput, NotFound, Refused, Tampered, Unavailable)) as caught:
        act()
    return str(caught.value.code)


def test_several_keys_serve_one_purpose_under_their_names(profile: Profile) -> None:
    vault = profile.open()
    epic = vault.create(Purpose.EHR, "custodian", "Epic, production".replace(",", " -"))
    cerner = vault.create(Purpose.EHR, "custodian", "Cerner", KeyKind.RSA_3072)
    assert (epic.kind, cerner.kind) == (KeyKind.P_384, KeyKind.RSA_3072)
    assert vault.find(Purpose.EHR, "Cerner") == cerner
    assert vault.find(Purpose.EHR) is None
    assert codes(lambda: vault.create(Purpose.EHR, "custodian", "Cerner")) == "vault.key-exists"
    assert profile.acts()[-1][3]["name"] == "Cerner"
    assert vault.accepted(Purpose.EHR, "Cerner") == (cerner,)


@pytest.mark.parametrize(
    ("purpose", "name"),
    [
        (Purpose.EHR, ""),
        (Purpose.EHR, " x"),
        (Purpose.EHR, "x" * 61),
        (Purpose.REVIEWER, "a\nb"),
        (Purpose.REVIEWER, "a\u202eb"),
        (Purpose.POD, "mine"),
    ],
)
def test_a_name_says_whose_key_it_is_where_there_are_several_and_only_there(
    profile: Profile, purpose: Purpose, name: str
) -> None:
    assert codes(lambda: profile.open().create(purpose, "custodian", name)) == "vault.key-name"
    assert list(profile.keys.iterdir() if profile.keys.exists() else []) == []


def test_a_kind_that_does_not_serve_the_purpose_is_not_made(profile: Profile) -> None:
    vault = profile.open()
    assert codes(lambda: vault.create(Purpose.EHR, "custodian", "x", KeyKind.ED25519)) == "vault.key-kind"
    assert codes(lambda: vault.import_key(Purpose.JOURNAL, generate_private_key(65537, 2048), "c")) == "vault.key-kind"
    assert profile.acts() == []


def test_a_client_key_signs_as_a_server_of_health_records_verifies(profile: Profile) -> None:
    vault = profile.open()
    curve = vault.assertion_signer(vault.create(Purpose.EHR, "custodian", "es").id)
    rsa = vault.assertion_signer(vault.create(Purpose.EHR, "custodian", "rs", KeyKind.RSA_3072).id)
    signature = curve.sign(b"header.claims", "proved the pod")
    assert (curve.algorithm, len(signature)) == ("ES384", 96)
    der = encode_dss_signature(int.from_bytes(signature[:48], "big"), int.from_bytes(signature[48:], "big"))
    public = load_pem_public_key(vault.key(curve.key_id).public_pem.encode())
    assert isinstance(public, EllipticCurvePublicKey)
    public.verify(der, b"header.claims", ec.ECDSA(hashes.SHA384()))
    other = load_pem_public_key(vault.key(rsa.key_id).public_pem.encode())
    assert isinstance(other, RSAPublicKey)
    other.verify(rsa.sign(b"x"), b"x", padding.PKCS1v15(), hashes.SHA384())
    assert rsa.algorithm == "RS384"
    assert curve.jwk["kid"] == curve.kid
    assert set(curve.jwk) == {"alg", "crv", "kid", "kty", "use", "x", "y"}
    assert set(rsa.jwk) == {"alg", "e", "kid", "kty", "n", "use"}
    assert repr(curve) == f"AssertionSigner({curve.key_id!r}, 'ES384')"
    journal = vault.create(Purpose.JOURNAL, "custodian")
    assert codes(lambda: vault.assertion_signer(journal.id)) == "vault.key-kind"
    assert codes(lambda: vault.signer(curve.key_id)) == "vault.key-kind"


def test_a_reviewer_signs_with_a_key_of_their_own(profile: Profile) -> None:
    vault = profile.open()
    info = vault.create(Purpose.REVIEWER, "custodian", "anna")
    signer = vault.signer(info.id)
    Ed25519PublicKey.from_public_bytes(signer.public_raw).verify(signer.sign(b"yes", "voted"), b"yes")
    assert signer.public_pem == info.public_pem
    assert codes(lambda: vault.signer("key_NOBODY")) == "vault.no-key"
    vault.record_use()
    assert profile.acts()[-1][1:] == (
        "key.used",
        info.id,
        {"last_used_at": "2026-03-01T09:00:00.000000Z", "for": {"voted": 1}},
    )


def test_the_keys_of_former_software_are_taken_over_once(profile: Profile) -> None:
    vault, private = profile.open(), Ed25519PrivateKey.generate()
    info = vault.import_key(Purpose.REVIEWER, private, "custodian", "anna")
    assert (info.origin, vault.key(info.id).origin) == ("imported", "imported")
    assert profile.acts()[-1][1] == "key.imported"
    assert vault.signer(info.id).verify(b"x", private.sign(b"x"))
    again = codes(lambda: vault.import_key(Purpose.REVIEWER, private, "custodian", "bert"))
    assert again == "vault.key-known"
    assert [path.name for path in profile.keys.iterdir()] == [info.file]


def test_a_replaced_pod_key_opens_what_was_made_for_it_until_its_end(profile: Profile, small_rsa: None) -> None:
    vault = profile.open()
    old = vault.create(Purpose.POD, "custodian")
    before = vault.pod_key()
    profile.clock.advance(60)
    new = vault.rotate(old.id, "custodian", FORTNIGHT)
    assert profile.acts()[-1][1:3] == ("key.rotated", new.id)
    told = profile.acts()[-1][3]
    assert (told["was"], told["was_fingerprint"], told["accepted_until"]) == (
        old.id,
        old.fingerprint,
        "2026-03-15T09:01:00.000000Z",
    )
    handle = vault.pod_key()
    assert handle is not before
    assert handle is vault.pod_key()
    assert handle.key_id == new.id
    assert (handle.decrypt(sealed_for(old)), handle.decrypt(sealed_for(new))) == (b"a request", b"a request")
    assert [info.id for info in vault.accepted(Purpose.POD)] == [new.id, old.id]
    in_use = vault.keys()
    assert [info.id for info in in_use] == [new.id]
    now = profile.clock.now()
    assert [info.state(now) for info in vault.every_key()] == [KeyState.ENDING, KeyState.IN_USE]
    handed = profile.open().hand_over_all("the start of the pod")
    assert len(handed) == 2
    assert [act for _, act, _, _ in profile.acts()[-2:]] == ["key.handed-over"] * 2

    profile.clock.advance(FORTNIGHT.total_seconds())
    assert vault.key(old.id).state(profile.clock.now()) is KeyState.ENDED
    assert codes(lambda: handle.decrypt(sealed_for(old))) == "vault.cannot-decrypt"
    assert codes(lambda: profile.open().pod_key().decrypt(sealed_for(old))) == "vault.cannot-decrypt"
    assert codes(lambda: before.decrypt(sealed_for(old))) == "vault.key-ended"
    assert vault.pod_key().decrypt(sealed_for(new)) == b"a request"


def test_an_overlap_can_be_ended_before_its_time(profile: Profile, small_rsa: None) -> None:
    vault = profile.open()
    old = vault.create(Purpose.POD, "custodian")
    new = vault.rotate(old.id, "custodian", FORTNIGHT)
    vault.end(old.id, "custodian")
    assert profile.acts()[-1][1:3] == ("key.ended", old.id)
    assert codes(lambda: vault.pod_key().decrypt(sealed_for(old))) == "vault.cannot-decrypt"
    assert codes(lambda: vault.end(old.id, "custodian")) == "vault.key-not-ending"
    assert codes(lambda: vault.end(new.id, "custodian")) == "vault.key-not-ending"


def test_a_key_is_replaced_once_and_never_there_twice(profile: Profile) -> None:
    vault, other = profile.open(), profile.open()
    old = vault.create(Purpose.JOURNAL, "custodian")
    new = other.rotate(old.id, "custodian")
    assert codes(lambda: vault.rotate(old.id, "custodian")) == "vault.key-not-in-use"
    in_use = vault.keys()
    assert [info.id for info in in_use] == [new.id]
    third = vault.rotate(new.id, "custodian", private=Ed25519PrivateKey.generate())
    assert (third.origin, vault.find(Purpose.JOURNAL)) == ("imported", third)
    assert {path.stem for path in profile.keys.iterdir()} == {old.id, new.id, third.id}


def test_what_an_earlier_journal_key_signed_stays_proved_until_that_key_is_revoked(profile: Profile) -> None:
    vault = profile.open()
    old = vault.create(Purpose.JOURNAL, "custodian")
    journal_service.anchor_head(profile.stores[0], vault, vault.journal_signer(), profile.clock)
    vault.rotate(old.id, "custodian")
    assert journal_service.read_anchor(vault, vault.journal_signer()) is not None
    vault.revoke(old.id, "custodian", "it was copied")
    assert codes(lambda: journal_service.read_anchor(vault, vault.journal_signer())) == "journal.anchor-forged"
    journal_service.anchor_head(profile.stores[0], vault, vault.journal_signer(), profile.clock)
    assert journal_service.read_anchor(vault, vault.journal_signer()) is not None


def test_a_revoked_key_stops_in_every_process_that_has_it_loaded(profile: Profile, small_rsa: None) -> None:
    engine, command = profile.open(), profile.session()
    pod = engine.create(Purpose.POD, "custodian")
    reviewer = engine.create(Purpose.REVIEWER, "custodian", "anna")
    handle, signer = engine.pod_key(), engine.signer(reviewer.id)
    assert handle.decrypt(sealed_for(pod)) == b"a request"
    signature = signer.sign(b"x")
    assert command.locked
    revoked = command.revoke(pod.id, "custodian", "the disk was stolen")
    command.revoke(reviewer.id, "custodian", "left the hospital")
    assert revoked.state(profile.clock.now()) is KeyState.REVOKED
    acts = (
        lambda: handle.decrypt(sealed_for(pod)),
        engine.pod_key,
        lambda: engine.hand_over("the start of the pod"),
        lambda: signer.sign(b"x"),
        lambda: engine.signer(reviewer.id).sign(b"x"),
    )
    assert {codes(act) for act in acts} == {"vault.key-revoked"}
    assert engine.signer(reviewer.id).verify(b"x", signature)
    assert profile.acts()[-2][3] == {
        "purpose": "pod",
        "fingerprint": pod.fingerprint,
        "reason": "the disk was stolen",
    }
    assert engine.key(pod.id).reason == "the disk was stolen"
    assert codes(lambda: command.revoke(pod.id, "custodian", "again")) == "vault.key-revoked"
    assert codes(lambda: engine.rotate(pod.id, "custodian")) == "vault.key-not-in-use"
    fresh = engine.create(Purpose.POD, "custodian")
    assert engine.pod_key().decrypt(sealed_for(fresh)) == b"a request"
    assert codes(lambda: engine.pod_key().decrypt(sealed_for(pod))) == "vault.cannot-decrypt"


def test_a_replaced_key_that_is_revoked_is_not_accepted_for_its_overlap(profile: Profile, small_rsa: None) -> None:
    vault = profile.open()
    old = vault.create(Purpose.POD, "custodian")
    vault.rotate(old.id, "custodian", FORTNIGHT)
    vault.revoke(old.id, "custodian", "it was copied")
    assert codes(lambda: vault.pod_key().decrypt(sealed_for(old))) == "vault.cannot-decrypt"


def test_nothing_is_revoked_without_a_reason(profile: Profile) -> None:
    vault = profile.open()
    info = vault.create(Purpose.JOURNAL, "custodian")
    assert codes(lambda: vault.revoke(info.id, "custodian", "  \n")) == "vault.reason-missing"
    assert vault.journal_signer().sign(b"x")


def test_a_row_that_was_taken_out_by_hand_is_a_key_that_stops(profile: Profile) -> None:
    vault = profile.open()
    vault.create(Purpose.JOURNAL, "custodian")
    signer = vault.journal_signer()
    profile.sql("DELETE FROM key")
    assert codes(lambda: signer.sign(b"x")) == "vault.key-revoked"


def test_a_clock_before_a_keys_making_stops_it_and_is_said(profile: Profile, small_rsa: None) -> None:
    vault = profile.open()
    pod = vault.create(Purpose.POD, "custodian")
    profile.clock.advance(-240)
    assert vault.pod_key().decrypt(sealed_for(pod)) == b"a request"
    profile.clock.advance(-3600)
    assert codes(lambda: vault.pod_key().decrypt(sealed_for(pod))) == "vault.clock-behind"
    assert codes(lambda: vault.rotate(pod.id, "custodian", FORTNIGHT)) == "vault.clock-behind"
    assert vault.revoke(pod.id, "custodian", "an emergency does not wait for the clock").reason


def test_of_two_that_replace_a_key_at_once_the_second_is_told(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = profile.open()
    old = vault.create(Purpose.JOURNAL, "custodian")
    new = profile.open().rotate(old.id, "custodian")
    # what this process had looked up before the other one was done
    monkeypatch.setattr(vault, "key", lambda _: old)
    assert codes(lambda: vault.rotate(old.id, "custodian")) == "vault.key-not-in-use"
    assert {path.stem for path in profile.keys.iterdir()} == {old.id, new.id}
