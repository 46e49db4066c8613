"""The key-encryption key is exchanged, by one process at a time, and nothing that it seals is ever lost by that."""

from __future__ import annotations

import errno
import threading
from typing import Any

import pytest

from podadmin.core.errors import PodadminError, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault import disk
from podadmin.vault import kek as kek_module
from podadmin.vault.kek import KEK_ITEM, NEXT_ITEM
from podadmin.vault.model import Purpose, SecretPurpose
from tests.spoilt import spoilt

Profile = Any


def filled(profile: Profile) -> Any:
    """A vault with a key and a secret in it."""
    vault = profile.open()
    vault.create(Purpose.JOURNAL, "custodian")
    vault.create(Purpose.EHR, "custodian", "epic")
    vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"token"), "custodian")
    return vault


def opens(vault: Any) -> bool:
    """Does everything open that is in it?"""
    for info in vault.every_key():
        assert vault.private(info).reveal()
    return all(vault.secret(info.id).reveal() == b"token" for info in vault.secrets_kept())


def test_after_an_exchange_everything_is_sealed_under_another_key(profile: Profile) -> None:
    vault = filled(profile)
    before, files = profile.secrets.get(KEK_ITEM), {p.name: p.read_bytes() for p in profile.keys.iterdir()}
    vault.exchange_kek("custodian")
    assert profile.acts()[-1] == ("custodian", "keyring.exchanged", "memory", {"files": 3})
    assert profile.secrets.get(KEK_ITEM) not in (None, before)
    assert profile.secrets.get(NEXT_ITEM) is None
    assert all(path.read_bytes() != files[path.name] for path in profile.keys.iterdir())
    assert opens(vault)
    assert opens(profile.open())
    profile.secrets.put(KEK_ITEM, before)
    with pytest.raises(Tampered):
        profile.open()


def test_a_process_that_holds_the_key_from_before_looks_again(profile: Profile) -> None:
    engine = filled(profile)
    assert opens(engine)
    profile.open().exchange_kek("custodian")
    assert opens(engine)
    info = engine.put_secret(SecretPurpose.TOKEN, "other", Secret(b"token"), "custodian")
    assert profile.open().secret(info.id).reveal() == b"token"


def test_a_process_whose_keyring_is_gone_meanwhile_says_that_the_file_does_not_open(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = filled(profile)
    profile.open().exchange_kek("custodian")

    def gone(_item: str) -> bytes:
        raise Unavailable("vault.keyring-absent", "Gone.", "Gone.", "Gone.")

    monkeypatch.setattr(profile.secrets, "get", gone)
    with pytest.raises(Tampered) as caught:
        opens(engine)
    assert caught.value.code == "vault.key-file-changed"


def test_with_a_file_that_does_not_open_no_exchange_is_begun(profile: Profile) -> None:
    vault = filled(profile)
    sealed = next(path for path in profile.keys.iterdir() if path.suffix == ".sealed")
    kept = sealed.read_bytes()
    sealed.write_bytes(spoilt(kept))
    before = profile.secrets.get(KEK_ITEM)
    with pytest.raises(Tampered):
        vault.exchange_kek("custodian")
    sealed.unlink()
    with pytest.raises(Unavailable):
        vault.exchange_kek("custodian")
    assert (profile.secrets.get(KEK_ITEM), profile.secrets.get(NEXT_ITEM)) == (before, None)


def test_a_locked_vault_exchanges_nothing(profile: Profile) -> None:
    with pytest.raises(Unavailable) as caught:
        profile.session().exchange_kek("custodian")
    assert caught.value.code == "vault.locked"


def test_a_secret_that_vanished_before_the_exchange_is_not_made_anew(profile: Profile) -> None:
    vault = filled(profile)
    profile.secrets.remove(KEK_ITEM)
    with pytest.raises(Unavailable) as caught:
        vault.exchange_kek("custodian")
    assert caught.value.code == "vault.kek-missing"
    assert profile.secrets.get(NEXT_ITEM) is None


class Breaks(Exception):
    """Stands for the power going off."""


@pytest.mark.parametrize("after", range(1, 9))
def test_an_exchange_that_breaks_off_anywhere_is_finished_by_whoever_comes_next(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Every write of the exchange in turn is the last: next item, three files, item, journal, removal of the item."""
    vault, count = filled(profile), [0]

    def counted(real: Any) -> Any:
        def write(*words: Any, **more: Any) -> Any:
            count[0] += 1
            if count[0] >= after:
                raise Breaks
            return real(*words, **more)

        return write

    with monkeypatch.context() as broken:
        broken.setattr(profile.secrets, "put", counted(profile.secrets.put))
        broken.setattr(profile.secrets, "remove", counted(profile.secrets.remove))
        broken.setattr(kek_module, "write_whole", counted(disk.write_whole))
        broken.setattr(vault._kek, "_done", counted(vault._kek._done))
        if after <= 7:
            with pytest.raises(Breaks):
                vault.exchange_kek("custodian")
        else:
            vault.exchange_kek("custodian")
    assert opens(vault)
    for way in ("unlock", "create", "exchange"):
        later = profile.open()
        assert opens(later), way
        if way == "create":
            later.create(Purpose.REVIEWER, "custodian", "anna")
            assert profile.secrets.get(NEXT_ITEM) is None
        if way == "exchange":
            later.exchange_kek("custodian")
            assert opens(later)
    exchanged = [act for _, act, _, _ in profile.acts() if act == "keyring.exchanged"]
    assert len(exchanged) >= 1


def test_half_of_an_exchange_is_never_gone_on_with_alone(profile: Profile) -> None:
    filled(profile)
    profile.secrets.put(NEXT_ITEM, bytes(32))
    profile.secrets.remove(KEK_ITEM)
    with pytest.raises(Unavailable) as caught:
        profile.open()
    assert caught.value.code == "vault.kek-missing"
    assert profile.secrets.get(NEXT_ITEM) == bytes(32)


def test_a_full_disk_in_an_exchange_loses_nothing(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    vault, real, written = filled(profile), disk.os.fsync, [0]

    def full(handle: int) -> None:
        written[0] += 1
        if written[0] > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as broken:
        broken.setattr(disk.os, "fsync", full)
        with pytest.raises(Unavailable) as caught:
            vault.exchange_kek("custodian")
    assert caught.value.code == "vault.cannot-write"
    assert opens(vault)
    assert opens(profile.open())
    assert {path.suffix for path in profile.keys.iterdir()} == {".key", ".sealed"}
    vault.exchange_kek("custodian")
    assert opens(profile.open())


def test_two_processes_that_exchange_and_seal_at_once_lose_nothing(profile: Profile) -> None:
    filled(profile)
    vaults = [profile.open() for _ in range(3)]
    problems: list[PodadminError] = []

    def work(number: int) -> None:
        try:
            for turn in range(3):
                vaults[number].exchange_kek("custodian")
                vaults[number].put_secret(SecretPurpose.TOKEN, f"hub {number} {turn}", Secret(b"token"), "custodian")
        except PodadminError as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    fresh = profile.open()
    assert len(fresh.secrets_kept()) == 10
    assert opens(fresh)
    assert all(opens(vault) for vault in vaults)


def test_two_first_sessions_at_once_make_one_key(profile: Profile) -> None:
    vaults = [profile.session() for _ in range(4)]
    threads = [threading.Thread(target=vault.unlock) for vault in vaults]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    info = vaults[0].create(Purpose.JOURNAL, "custodian")
    assert all(vault.private(info).reveal() for vault in vaults)
    assert [act for _, act, _, _ in profile.acts()] == ["key.created"]


def test_a_file_that_is_none_of_ours_is_left_alone(profile: Profile) -> None:
    vault = filled(profile)
    foreign = {"notes.txt": b"mine", "empty.key": b"", "short.key": b"PODADMIN-KEY\x01", "other.sealed": b"x" * 500}
    for name, data in foreign.items():
        (profile.keys / name).write_bytes(data)
    vault.exchange_kek("custodian")
    assert {name: (profile.keys / name).read_bytes() for name in foreign} == foreign
    assert opens(vault)


def test_a_disk_that_does_not_keep_what_it_is_given_is_said(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = profile.open()
    monkeypatch.setattr(vault._kek, "read_with", lambda *_: Secret(b"something else"))
    with pytest.raises(Unavailable) as caught:
        vault.put_secret(SecretPurpose.TOKEN, "hub", Secret(b"token"), "custodian")
    assert caught.value.code == "vault.cannot-read"
    assert vault.secrets_kept() == ()


def test_what_holds_the_key_shows_nothing_of_it(profile: Profile) -> None:
    vault = filled(profile)
    assert repr(vault._kek) == "KeyEncryption(unlocked)"
    assert repr(profile.session()._kek) == "KeyEncryption(locked)"
    assert "Secret(…)" in repr(vars(vault._kek))
