"""Secrets that are no keys: sealed like keys, replaced and forgotten as one step, and never shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.errors import BadInput, NotFound, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault import shelf
from podadmin.vault.model import Purpose, SecretPurpose

Profile = Any
CANARY = b"canary-6f1d2c93-do-not-write-me-down"


def test_a_secret_is_kept_used_and_forgotten(profile: Profile) -> None:
    vault = profile.open()
    ends = profile.clock.now() + timedelta(days=30)
    info = vault.put_secret(SecretPurpose.API_KEY, "The network local", Secret(CANARY), "custodian", ends)
    assert vault.secrets_kept() == (info,)
    assert (info.expires_at, info.last_used_at) == (ends, None)
    later = profile.open()
    assert later.secret(info.id).reveal() == CANARY
    assert later.find_secret(SecretPurpose.API_KEY, "The network local").id == info.id
    assert later.find_secret(SecretPurpose.TOKEN, "The network local") is None
    assert later.secrets_kept()[0].last_used_at == profile.clock.now()
    later.record_use("engine")
    assert profile.open().secrets_kept()[0].last_used_at == profile.clock.now()
    later.remove_secret(info.id, "custodian")
    assert (later.secrets_kept(), list(profile.keys.iterdir())) == ((), [])
    with pytest.raises(NotFound) as caught:
        later.secret(info.id)
    assert caught.value.code == "vault.no-secret"
    assert [(actor, act) for actor, act, _, _ in profile.acts()] == [
        ("custodian", "secret.kept"),
        ("engine", "secret.used"),
        ("custodian", "secret.removed"),
    ]


def test_a_secret_is_in_no_file_but_its_sealed_one(profile: Profile) -> None:
    vault = profile.open()
    info = vault.put_secret(SecretPurpose.PASSWORD, "warehouse", Secret(CANARY), "custodian")
    vault.secret(info.id)
    vault.record_use()
    profile.stores[0].close()
    for path in profile.folder.rglob("*"):
        if path.is_file():
            assert CANARY not in path.read_bytes(), path
    assert CANARY.decode() not in repr((info, vars(vault), vault.secret.__self__))


def test_the_next_secret_of_a_holder_takes_the_place_of_the_one_before(profile: Profile) -> None:
    vault = profile.open()
    first = vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"one"), "custodian")
    second = vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"two"), "custodian")
    other = vault.put_secret(SecretPurpose.TOKEN, "elsewhere", Secret(b"three"), "custodian")
    assert {info.id for info in vault.secrets_kept()} == {second.id, other.id}
    assert vault.secret(second.id).reveal() == b"two"
    assert {path.name for path in profile.keys.iterdir()} == {second.file, other.file}
    assert first.id != second.id


@pytest.mark.parametrize("value", [b"", b"x" * (shelf.LARGEST_SECRET + 1)])
def test_nothing_and_too_much_are_no_secrets(profile: Profile, value: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        profile.open().put_secret(SecretPurpose.TOKEN, "hub", Secret(value), "custodian")
    assert caught.value.code == "vault.secret-size"


def test_a_secret_that_cannot_be_recorded_leaves_no_file(profile: Profile) -> None:
    vault = profile.open()
    kept = vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"one"), "custodian")
    profile.sql("CREATE TRIGGER no BEFORE INSERT ON journal_entry BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(Unavailable):
        vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"two"), "custodian")
    assert [path.name for path in profile.keys.iterdir()] == [kept.file]
    assert vault.secret(kept.id).reveal() == b"one"


def test_where_the_database_breaks_off_too_a_sealed_file_too_many_stays(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = profile.open()
    profile.sql("CREATE TRIGGER no BEFORE INSERT ON journal_entry BEGIN SELECT RAISE(ABORT, 'no'); END")

    def gone() -> Any:
        raise Unavailable("store.gone", "Gone.", "Gone.", "Gone.")

    monkeypatch.setattr(vault._shelf, "all", gone)
    with pytest.raises(Unavailable) as caught:
        vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"two"), "custodian")
    assert caught.value.code != "store.gone"
    assert len(list(profile.keys.iterdir())) == 1


def test_the_file_of_a_secret_that_was_recorded_after_all_is_kept(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = profile.open()
    real = vault._shelf._record

    def interrupted(*words: Any) -> None:
        real(*words)
        raise KeyboardInterrupt

    monkeypatch.setattr(vault._shelf, "_record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"one"), "custodian")
    assert vault.secret(vault.secrets_kept()[0].id).reveal() == b"one"


def test_the_file_of_one_secret_does_not_open_as_another(profile: Profile) -> None:
    vault = profile.open()
    one = vault.put_secret(SecretPurpose.TOKEN, "one", Secret(b"one"), "custodian")
    two = vault.put_secret(SecretPurpose.TOKEN, "two", Secret(b"two"), "custodian")
    files: list[Path] = [profile.keys / info.file for info in (one, two)]
    first, second = (path.read_bytes() for path in files)
    files[0].write_bytes(second)
    files[1].write_bytes(first)
    for info in (one, two):
        with pytest.raises(Tampered):
            vault.secret(info.id)
    profile.sql("UPDATE secret SET holder = 'two' WHERE holder = 'one' AND 0")
    files[0].unlink()
    with pytest.raises(Unavailable) as caught:
        vault.secret(one.id)
    assert caught.value.code == "vault.key-file-missing"


def test_a_row_of_a_secret_that_podadmin_does_not_write_is_called_tampered(profile: Profile) -> None:
    vault = profile.open()
    vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"one"), "custodian")
    profile.sql("UPDATE secret SET purpose = 'gossip'")
    with pytest.raises(Tampered) as caught:
        vault.secrets_kept()
    assert caught.value.code == "vault.key-row-changed"


def test_a_secret_alone_is_reason_enough_not_to_make_a_new_key_encryption_key(profile: Profile) -> None:
    profile.open().put_secret(SecretPurpose.TOKEN, "hub", Secret(b"one"), "custodian")
    profile.secrets.remove("key-encryption-key")
    with pytest.raises(Unavailable) as caught:
        profile.open()
    assert caught.value.code == "vault.kek-missing"
    for path in profile.keys.iterdir():
        path.unlink()
    with pytest.raises(Unavailable):
        profile.open()


def test_every_purpose_says_what_it_is_for() -> None:
    words = [each.words for each in (*SecretPurpose, *Purpose)]
    assert all(words)
    assert len(set(words)) == len(words)
