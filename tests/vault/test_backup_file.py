"""The file of a backup: what opens it opens all of it, and no edit of any byte, cut or addition opens anything."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput, PodadminError, Refused, Tampered
from podadmin.core.secret import Secret
from podadmin.vault import backup_file, shamir
from podadmin.vault.backup_file import (
    MAGIC,
    PIECE,
    Head,
    head_of,
    locked_by_passphrase,
    locked_by_secret,
    opened_pieces,
    read_head,
    sealed_pieces,
    unlocked_by_passphrase,
    unlocked_by_secret,
)
from tests.spoilt import spoilt

WHEN = datetime(2026, 11, 21, 6, tzinfo=UTC)
PASSPHRASE = Secret("nine quiet herons at dusk")
KEY = Secret(bytes(range(32)))
WEAK = 14
"""log2 of scrypt's n for tests: the least that is accepted."""


def backup(content: bytes, lock: backup_file.Lock | None = None) -> tuple[Head, bytes]:
    lock = lock or locked_by_secret(KEY, "backup_TEST", Secret(bytes(32)), 7, 2, 3)
    head = head_of("backup_TEST", WHEN, len(content), lock)
    return head, head.raw + b"".join(sealed_pieces([content], head, KEY))


def opened(file: bytes, key: Secret[bytes] = KEY) -> bytes:
    stream = io.BytesIO(file)
    head = read_head(stream, len(file))
    return b"".join(opened_pieces(stream, head, key))


def test_a_passphrase_opens_it_whatever_way_its_letters_are_composed() -> None:
    lock = locked_by_passphrase(KEY, "backup_TEST", Secret("Käse und Brot, täglich"), WEAK)
    head, file = backup(b"what it holds", lock)
    read = read_head(io.BytesIO(file), len(file))
    assert read == head
    found = unlocked_by_passphrase(read, Secret("Ka\u0308se und Brot, ta\u0308glich"))
    assert opened(file, found) == b"what it holds"
    assert b"what it holds" not in file


def test_another_passphrase_is_told_from_a_damaged_file() -> None:
    head, file = backup(b"content", locked_by_passphrase(KEY, "backup_TEST", PASSPHRASE, WEAK))
    with pytest.raises(BadInput) as wrong:
        unlocked_by_passphrase(head, Secret("nine quiet herons at dawn"))
    assert wrong.value.code == "backup.wrong-passphrase"
    with pytest.raises(Tampered) as damaged:
        opened(spoilt(file, 60))
    assert damaged.value.code == "backup.damaged"


def test_a_short_passphrase_is_refused_when_a_backup_is_made() -> None:
    with pytest.raises(BadInput) as refused:
        locked_by_passphrase(KEY, "backup_TEST", Secret("too short"))
    assert refused.value.code == "vault.passphrase-short"


def test_shares_of_its_own_series_open_it_and_others_do_not() -> None:
    opener = Secret(bytes(32))
    head, file = backup(b"content", locked_by_secret(KEY, "backup_TEST", opener, 7, 2, 3))
    assert opened(file, unlocked_by_secret(head, opener, 7)) == b"content"
    for secret, series in ((opener, 8), (Secret(bytes([1]) * 32), 7)):
        with pytest.raises(Refused) as foreign:
            unlocked_by_secret(head, secret, series)
        assert foreign.value.code == "backup.foreign-shares"


def test_each_kind_of_lock_says_what_it_needs() -> None:
    by_shares, _ = backup(b"")
    by_passphrase, _ = backup(b"", locked_by_passphrase(KEY, "backup_TEST", PASSPHRASE, WEAK))
    with pytest.raises(Refused) as one:
        unlocked_by_passphrase(by_shares, PASSPHRASE)
    with pytest.raises(Refused) as other:
        unlocked_by_secret(by_passphrase, Secret(bytes(32)), 7)
    assert (one.value.code, other.value.code) == ("backup.needs-shares", "backup.needs-passphrase")
    assert "2 of 3" in one.value.why


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 5])
def test_content_of_every_size_comes_back_however_it_was_given(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    head, file = backup(content)
    assert len(file) == head.file_size
    assert opened(file) == content
    by_bits = (content[at : at + 100_000] for at in range(0, size, 100_000))
    assert b"".join(sealed_pieces(by_bits, head, KEY)) == file[len(head.raw) :]


def test_content_that_has_not_the_told_size_is_a_defect_and_no_backup() -> None:
    head, _ = backup(bytes(10))
    for content in (bytes(9), bytes(11), bytes(PIECE + 10)):
        with pytest.raises(ValueError, match="size"):
            list(sealed_pieces([content], head, KEY))


FILE = backup(b"secret content that nobody may change" * 3)[1]


@settings(max_examples=600)
@given(at=st.integers(0, len(FILE) - 1), change=st.integers(1, 255))
def test_no_edit_of_any_byte_opens(at: int, change: int) -> None:
    with pytest.raises(PodadminError):
        opened(spoilt(FILE, at, change))


def test_every_single_byte_counts() -> None:
    for at in range(len(FILE)):
        with pytest.raises(PodadminError):
            opened(spoilt(FILE, at, 0x20))


@given(end=st.integers(0, len(FILE) - 1))
def test_a_file_that_was_cut_short_says_so(end: int) -> None:
    with pytest.raises(PodadminError) as cut:
        opened(FILE[:end])
    assert cut.value.code == ("backup.truncated" if end >= len(MAGIC) else "backup.not-a-backup")


@given(more=st.binary(min_size=1, max_size=50))
def test_nothing_can_be_added_behind_it(more: bytes) -> None:
    with pytest.raises(Tampered) as longer:
        opened(FILE + more)
    assert longer.value.code == "backup.damaged"


def test_pieces_cannot_change_their_places_or_come_from_another_backup() -> None:
    head, file = backup(bytes(PIECE) + bytes([1]) * PIECE)
    pieces = file[len(head.raw) :]
    first, second = pieces[: PIECE + 16], pieces[PIECE + 16 :]
    for changed in (second + first, first + first):
        with pytest.raises(Tampered):
            opened(head.raw + changed)
    other = head_of("backup_OTHER", WHEN, head.size, head.lock)
    with pytest.raises(Tampered):
        opened(other.raw + pieces)


def test_a_file_that_shrinks_while_it_is_read_is_found() -> None:
    head, file = backup(bytes(100))
    stream = io.BytesIO(file[:-20])
    stream.seek(len(head.raw))
    with pytest.raises(Tampered) as cut:
        list(opened_pieces(stream, head, KEY))
    assert cut.value.code == "backup.truncated"


def test_a_newer_version_is_named_and_another_file_is_none_of_ours() -> None:
    with pytest.raises(Refused) as newer:
        opened(MAGIC + bytes([2]) + FILE[len(MAGIC) + 1 :])
    assert newer.value.code == "backup.newer"
    assert "2" in newer.value.why
    with pytest.raises(BadInput) as other:
        opened(b"PK\x03\x04 a zip file")
    assert other.value.code == "backup.not-a-backup"


def test_a_header_that_asks_for_much_is_refused_before_anything_is_done_with_it() -> None:
    with pytest.raises(Tampered):
        opened(MAGIC + bytes([0]) + bytes(100))
    with pytest.raises(Tampered):
        opened(MAGIC + bytes([1]) + (1 << 31).to_bytes(4, "big") + bytes(100))


def forged(change: Any) -> bytes:
    """A file whose header was changed by somebody who also put its sum right."""
    import hashlib

    head, file = backup(b"content", locked_by_passphrase(KEY, "backup_TEST", PASSPHRASE, WEAK))
    start = len(MAGIC) + 5
    told = json.loads(head.raw[start:-32])
    text = change(told)
    text = canonical(text).encode() if isinstance(text, dict) else text
    clear = MAGIC + bytes([1]) + len(text).to_bytes(4, "big") + text
    return clear + hashlib.sha256(clear).digest() + file[len(head.raw) :]


def with_lock(**changes: Any) -> Any:
    return lambda told: {**told, "lock": {**told["lock"], **changes}}


@pytest.mark.parametrize(
    "change",
    [
        lambda told: b"no json",
        lambda told: b"[]",
        lambda told: {**told, "size": "7"},
        lambda told: {**told, "size": -1},
        lambda told: {**told, "made_at": "yesterday"},
        lambda told: {**told, "more": 1},
        lambda told: json.dumps(told).encode(),
        lambda told: {key: told[key] for key in told if key != "lock"},
        with_lock(kind="none"),
        with_lock(kdf="md5"),
        with_lock(log2n=30),
        with_lock(log2n=1),
        with_lock(log2n=14.0),
        with_lock(salt="00"),
        with_lock(sealed="00"),
        with_lock(sealed="zz"),
    ],
)
def test_a_forged_header_is_damage_and_costs_no_scrypt(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = forged(change)
    monkeypatch.setattr(backup_file, "stretched", lambda *_: pytest.fail("scrypt was run"))
    with pytest.raises(Tampered) as damaged:
        read_head(io.BytesIO(file), len(file))
    assert damaged.value.code == "backup.damaged"


def test_a_lock_of_another_backup_does_not_open_this_one() -> None:
    lock = locked_by_passphrase(KEY, "backup_OTHER", PASSPHRASE, WEAK)
    head, _ = backup(b"content", lock)
    with pytest.raises(BadInput):
        unlocked_by_passphrase(head, PASSPHRASE)


def test_the_seal_is_what_the_description_says() -> None:
    """Read again with nothing but AES-GCM and HKDF, as somebody would who only has the description."""
    import hashlib

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    head, file = backup(b"content")
    info = b"podadmin backup content" + hashlib.sha256(head.raw).digest()
    key = HKDF(hashes.SHA256(), 32, None, info).derive(KEY.reveal())
    assert AESGCM(key).decrypt(bytes(11) + b"\x01", file[len(head.raw) :], head.raw) == b"content"


# --- shares ----------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(secret=st.binary(min_size=32, max_size=32), data=st.data())
def test_any_quorum_of_shares_gives_the_secret_and_fewer_do_not(secret: bytes, data: st.DataObject) -> None:
    of = data.draw(st.integers(2, 6))
    quorum = data.draw(st.integers(2, of))
    made = shamir.part(Secret(secret), quorum, of)
    assert len(made.shares) == of
    chosen = data.draw(st.permutations(made.shares))
    found, series = shamir.join(chosen[:quorum])
    assert (found.reveal(), series) == (secret, made.series)
    assert shamir.join(chosen)[0].reveal() == secret
    with pytest.raises(Refused) as few:
        shamir.join([*chosen[: quorum - 1], *chosen[: quorum - 1]])
    assert few.value.code == "backup.too-few-shares"
    assert str(quorum) in few.value.what


def test_shares_of_two_backups_are_told_apart() -> None:
    one, other = (shamir.part(Secret(bytes([n]) * 32), 2, 3) for n in (1, 2))
    with pytest.raises(Refused) as mixed:
        shamir.join([one.shares[0], other.shares[1]])
    assert mixed.value.code == "backup.mixed-shares"


def test_shares_that_only_look_alike_are_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two series can have the same number: one in 32 768. What they give together proves itself or is refused."""
    import shamir_mnemonic.shamir as library

    monkeypatch.setattr(library, "_random_identifier", lambda: 7)
    one, other = (shamir.part(Secret(bytes([n]) * 32), 2, 3) for n in (1, 2))
    with pytest.raises(Refused) as mixed:
        shamir.join([one.shares[0], other.shares[1]])
    assert mixed.value.code == "backup.mixed-shares"


def test_a_wrong_word_is_found_and_no_word_of_a_share_is_said() -> None:
    made = shamir.part(Secret(bytes(32)), 2, 3)
    words = made.shares[1].reveal().split()
    for wrong in (["zebra", *words[1:]], words[:-1], [words[1], words[0], *words[2:]], []):
        with pytest.raises(BadInput) as bad:
            shamir.join([made.shares[0], Secret(" ".join(wrong))])
        assert bad.value.code == "backup.not-a-share"
        assert "Share 2" in bad.value.what
        assert words[3] not in str(bad.value)


def test_no_shares_are_too_few() -> None:
    with pytest.raises(Refused) as few:
        shamir.join([])
    assert few.value.code == "backup.too-few-shares"


@pytest.mark.parametrize(("quorum", "of"), [(1, 3), (4, 3), (2, 17), (0, 0), (2, 1)])
def test_numbers_of_shares_that_cannot_be(quorum: int, of: int) -> None:
    with pytest.raises(BadInput) as bad:
        shamir.part(Secret(bytes(32)), quorum, of)
    assert bad.value.code == "backup.bad-quorum"


def test_shares_are_found_in_a_text_as_people_keep_them() -> None:
    made = shamir.part(Secret(bytes(32)), 2, 3)
    one, other = (each.reveal() for each in made.shares[:2])
    text = f"# share 1\n{one.upper()}\n\n  # share 2\n" + "\n".join(other.split()) + "\n"
    assert [each.reveal() for each in shamir.shares_in(Secret(text))] == [one, other]
    assert shamir.join(shamir.shares_in(Secret(text)))[0].reveal() == bytes(32)
    assert shamir.shares_in(Secret("# nothing\n")) == ()
