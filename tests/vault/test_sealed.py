"""A sealed key file opens as what it was sealed as, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import Tampered
from podadmin.core.secret import Secret
from podadmin.vault.model import KeyKind, Purpose
from podadmin.vault.sealed import MAGIC, KeyHeader, open_sealed, seal

HEADER = KeyHeader("key_0123456789AB", Purpose.POD, KeyKind.RSA_4096, "ab" * 32)
KEK = Secret(bytes(range(32)))
PRIVATE = b"the PKCS8 form of a key " * 8
SEALED = seal(Secret(PRIVATE), KEK, HEADER)


@given(st.binary(max_size=3000), st.binary(min_size=32, max_size=32))
def test_what_was_sealed_opens_again(private: bytes, kek: bytes) -> None:
    assert open_sealed(seal(Secret(private), Secret(kek), HEADER), Secret(kek), HEADER).reveal() == private


@pytest.mark.parametrize("place", range(len(SEALED)))
def test_no_edit_of_a_byte_opens(place: int) -> None:
    for flip in (1, 0x80, 0xFF):
        edited = SEALED[:place] + bytes([SEALED[place] ^ flip]) + SEALED[place + 1 :]
        with pytest.raises(Tampered) as caught:
            open_sealed(edited, KEK, HEADER)
        assert caught.value.code == "vault.key-file-changed"


@given(st.integers(0, len(SEALED) - 1), st.binary(min_size=1, max_size=5), st.sampled_from(["cut", "insert", "drop"]))
def test_nothing_can_be_cut_off_put_in_or_left_out(place: int, extra: bytes, how: str) -> None:
    edited = {
        "cut": SEALED[:place],
        "insert": SEALED[:place] + extra + SEALED[place:],
        "drop": SEALED[:place] + SEALED[place + len(extra) :],
    }[how]
    with pytest.raises(Tampered):
        open_sealed(edited, KEK, HEADER)
    with pytest.raises(Tampered):
        open_sealed(SEALED + extra, KEK, HEADER)


@pytest.mark.parametrize(
    "other",
    [
        replace(HEADER, id="key_BA9876543210"),
        replace(HEADER, purpose=Purpose.JOURNAL),
        replace(HEADER, kind=KeyKind.ED25519),
        replace(HEADER, fingerprint="cd" * 32),
    ],
    ids=["id", "purpose", "kind", "fingerprint"],
)
def test_the_file_of_one_key_never_opens_as_another(other: KeyHeader) -> None:
    with pytest.raises(Tampered):
        open_sealed(SEALED, KEK, other)
    # nor when the header in the file is exchanged for the one that is expected
    with pytest.raises(Tampered):
        open_sealed(other.prefix() + SEALED[len(HEADER.prefix()) :], KEK, other)


def test_another_key_encryption_key_is_the_same_clear_error() -> None:
    with pytest.raises(Tampered) as caught:
        open_sealed(SEALED, Secret(bytes(32)), HEADER)
    assert caught.value.code == "vault.key-file-changed"
    assert "key_0123456789AB" in caught.value.what


def test_the_file_shows_what_it_is_and_nothing_of_the_key() -> None:
    assert SEALED.startswith(MAGIC + b"\x01")
    assert b'"purpose":"pod"' in SEALED
    assert PRIVATE[:12] not in SEALED


def test_two_seals_of_one_key_differ() -> None:
    assert seal(Secret(PRIVATE), KEK, HEADER) != SEALED
