"""The vault on a real database: what it makes lasts, what is missing is said, and nothing is ever made in its place."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_public_key, load_ssh_public_key
from sqlalchemy import Connection

from podadmin.core.errors import NotFound, PodadminError, Refused, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.journal import service as journal_service
from podadmin.journal.records import Journal
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit
from podadmin.vault import kek as kek_module
from podadmin.vault import making, service
from podadmin.vault.backends import SecretStore
from podadmin.vault.model import KeyKind, Purpose, public_forms
from podadmin.vault.sealed import open_sealed
from podadmin.vault.service import ANCHOR_ITEM, KEK_ITEM, Vault
from tests.spoilt import spoilt

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)

Profile = Any
"""What `conftest` makes: a profile's folder with what a session of podadmin opens in it."""


def test_the_pods_key_is_made_sealed_recorded_and_used_after_a_restart(profile: Profile) -> None:
    vault = profile.open()
    info = vault.create(Purpose.POD, "custodian")

    public = load_pem_public_key(info.public_pem.encode())
    assert isinstance(public, RSAPublicKey)
    assert (public.key_size, public.public_numbers().e, info.kind) == (4096, 65537, KeyKind.RSA_4096)
    assert load_ssh_public_key(info.public_ssh.encode()) == public
    assert profile.acts() == [
        (
            "custodian",
            "key.created",
            info.id,
            {"purpose": "pod", "kind": "RSA-4096", "fingerprint": info.fingerprint, "public": info.public_ssh},
        )
    ]
    later = profile.open()
    assert later.keys() == (info,)
    handle = later.pod_key()
    block = public.encrypt(b"0123456789abcdef0123456789abcdef", OAEP)
    assert len(block) == 512
    assert handle.decrypt(block) == b"0123456789abcdef0123456789abcdef"
    assert (handle.key_id, handle.public_pem, handle.public_ssh) == (info.id, info.public_pem, info.public_ssh)
    assert handle.fingerprint == info.fingerprint
    assert later.pod_key() is handle


def test_the_key_files_are_for_this_account_only_and_hold_nothing_in_clear(profile: Profile) -> None:
    info = profile.open().create(Purpose.JOURNAL, "custodian")
    assert [path.name for path in profile.keys.iterdir()] == [info.file]
    sealed = profile.keys / info.file
    if sys.platform != "win32":
        assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
        assert stat.S_IMODE(profile.keys.stat().st_mode) == 0o700
    der = open_sealed(sealed.read_bytes(), Secret(profile.secrets.get(KEK_ITEM) or b""), making.header_of(info))
    assert der.reveal()[-32:] not in sealed.read_bytes()
    assert der.reveal()[-32:] not in (profile.folder / "podadmin.db").read_bytes()


def test_the_journal_key_signs_and_its_signature_is_an_ordinary_ed25519_one(profile: Profile) -> None:
    vault = profile.open()
    info = vault.create(Purpose.JOURNAL, "custodian")
    signer = vault.journal_signer()
    signature = signer.sign(b"head")
    Ed25519PublicKey.from_public_bytes(signer.public_raw).verify(signature, b"head")
    assert signer.verify(b"head", signature)
    assert not signer.verify(b"tail", signature)
    assert not signer.verify(b"head", b"short")
    assert (signer.key_id, signer.fingerprint) == (info.id, info.fingerprint)
    assert vault.journal_signer() is signer


def test_a_locked_vault_shows_keys_and_verifies_and_does_nothing_else(profile: Profile) -> None:
    vault = profile.open()
    info = vault.create(Purpose.JOURNAL, "custodian")
    signature = vault.journal_signer().sign(b"head")
    vault.lock()
    assert vault.locked
    assert repr(vault) == "Vault(locked)"
    assert vault.find(Purpose.JOURNAL) is not None
    assert vault.journal_signer().verify(b"head", signature)
    for act in (lambda: vault.journal_signer().sign(b"x"), lambda: vault.create(Purpose.POD, "custodian")):
        with pytest.raises(Unavailable) as caught:
            act()
        assert caught.value.code == "vault.locked"
    vault.unlock()
    vault.unlock()
    assert not vault.locked
    assert vault.journal_signer().sign(b"head") == signature
    assert vault.keys()[0].id == info.id


def test_what_was_never_made_is_said(profile: Profile) -> None:
    vault = profile.open()
    assert vault.keys() == ()
    assert vault.find(Purpose.POD) is None
    for act in (vault.pod_key, vault.journal_signer, lambda: vault.hand_over("nothing")):
        with pytest.raises(NotFound) as caught:
            act()
        assert caught.value.code == "vault.no-key"
    assert profile.acts() == []


def test_there_is_one_key_for_each_purpose(profile: Profile) -> None:
    vault = profile.open()
    first = vault.create(Purpose.JOURNAL, "custodian")
    with pytest.raises(Refused) as caught:
        vault.create(Purpose.JOURNAL, "custodian")
    assert caught.value.code == "vault.key-exists"
    assert vault.keys() == (first,)
    assert [path.name for path in profile.keys.iterdir()] == [first.file]


def test_a_key_that_another_process_made_meanwhile_is_not_doubled(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, other = profile.open(), profile.open()
    real = kek_module.exclusive
    made = []

    def while_the_other_is_faster(path: Path) -> AbstractContextManager[None]:
        monkeypatch.setattr(kek_module, "exclusive", real)
        made.append(other.create(Purpose.JOURNAL, "custodian"))
        return real(path)

    monkeypatch.setattr(kek_module, "exclusive", while_the_other_is_faster)
    with pytest.raises(Refused) as caught:
        vault.create(Purpose.JOURNAL, "custodian")
    assert caught.value.code == "vault.key-exists"
    assert vault.keys() == tuple(made)
    assert [path.name for path in profile.keys.iterdir()] == [made[0].file]


def test_the_pods_key_is_handed_over_only_with_an_entry_in_the_journal(profile: Profile, small_rsa: None) -> None:
    vault = profile.open()
    info = vault.create(Purpose.POD, "custodian")
    profile.clock.advance(60)
    der = vault.hand_over("start of the built-in pod", actor="engine")
    private = load_der_private_key(der.reveal(), None)
    assert isinstance(private, RSAPrivateKey)
    assert public_forms(private.public_key()).fingerprint == info.fingerprint
    assert profile.acts()[-1] == (
        "engine",
        "key.handed-over",
        info.id,
        {"for": "start of the built-in pod", "fingerprint": info.fingerprint},
    )
    assert profile.session().keys()[0].last_used_at == profile.clock.now()


def test_a_hand_over_that_cannot_be_recorded_does_not_happen(profile: Profile, small_rsa: None) -> None:
    vault = profile.open()
    vault.create(Purpose.POD, "custodian")
    profile.sql("CREATE TRIGGER no BEFORE INSERT ON journal_entry BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(Unavailable):
        vault.hand_over("start")
    assert len(profile.acts()) == 1


def test_the_last_use_is_shown_at_once_and_written_down_at_the_end(profile: Profile) -> None:
    vault = profile.open()
    info = vault.create(Purpose.JOURNAL, "custodian")
    profile.clock.advance(5)
    vault.journal_signer().sign(b"x")
    used = profile.clock.now()
    profile.clock.advance(5)
    assert vault.keys()[0].last_used_at == used
    assert profile.session().keys()[0].last_used_at is None
    vault.record_use()
    vault.record_use()
    assert profile.session().keys()[0].last_used_at == used
    assert [(act, subject) for _, act, subject, _ in profile.acts()] == [
        ("key.created", info.id),
        ("key.used", info.id),
    ]


def test_a_handle_is_there_inside_a_unit_while_another_thread_waits_to_record_a_key(profile: Profile) -> None:
    vault = profile.open()
    vault.create(Purpose.JOURNAL, "custodian")
    entered = threading.Event()
    profile_store = profile.stores[0]
    real = profile_store.record

    def announced(fact: Fact) -> AbstractContextManager[Unit]:
        entered.set()
        return real(fact)

    profile_store.record = announced  # type: ignore[method-assign]
    waiting = threading.Thread(target=lambda: vault.create(Purpose.POD, "custodian"))
    with real(Fact("custodian", "setting.changed", "theme")):
        waiting.start()
        assert entered.wait(60)
        assert vault.journal_signer().sign(b"x")
    waiting.join(60)
    assert vault.find(Purpose.POD) is not None


def test_a_lost_secret_is_said_and_no_other_is_made(profile: Profile) -> None:
    profile.open().create(Purpose.JOURNAL, "custodian")
    profile.secrets.remove(KEK_ITEM)
    vault = profile.session()
    with pytest.raises(Unavailable) as caught:
        vault.unlock()
    assert caught.value.code == "vault.kek-missing"
    assert "Restore the keyring" in caught.value.next_step
    assert profile.secrets.get(KEK_ITEM) is None
    assert vault.locked


def test_key_files_alone_are_reason_enough_not_to_make_a_new_secret(profile: Profile) -> None:
    profile.keys.mkdir()
    (profile.keys / "key_0123456789AB.key").write_bytes(b"left from a lost database")
    with pytest.raises(Unavailable) as caught:
        profile.open()
    assert caught.value.code == "vault.kek-missing"


def test_rows_alone_are_reason_enough_not_to_make_a_new_secret(profile: Profile) -> None:
    info = profile.open().create(Purpose.JOURNAL, "custodian")
    (profile.keys / info.file).unlink()
    profile.secrets.remove(KEK_ITEM)
    with pytest.raises(Unavailable) as caught:
        profile.open()
    assert caught.value.code == "vault.kek-missing"


def test_the_secret_of_another_profile_opens_nothing_and_does_not_unlock(profile: Profile) -> None:
    profile.open().create(Purpose.JOURNAL, "custodian")
    profile.secrets.put(KEK_ITEM, bytes(32))
    vault = profile.session()
    with pytest.raises(Tampered) as caught:
        vault.unlock()
    assert caught.value.code == "vault.key-file-changed"
    assert vault.locked


def test_a_secret_of_the_wrong_length_is_not_used_and_not_replaced(profile: Profile) -> None:
    profile.secrets.put(KEK_ITEM, b"somebody's password")
    with pytest.raises(Tampered) as caught:
        profile.open()
    assert caught.value.code == "vault.keyring-item-changed"
    assert profile.secrets.get(KEK_ITEM) == b"somebody's password"


def test_one_changed_key_file_stops_that_key_and_not_the_other(profile: Profile, small_rsa: None) -> None:
    vault = profile.open()
    journal, pod = vault.create(Purpose.JOURNAL, "custodian"), vault.create(Purpose.POD, "custodian")
    sealed = profile.keys / journal.file
    sealed.write_bytes(spoilt(sealed.read_bytes()))
    later = profile.open()
    with pytest.raises(Tampered) as caught:
        later.journal_signer().sign(b"x")
    assert caught.value.code == "vault.key-file-changed"
    assert later.hand_over("start").reveal()
    sealed.write_bytes((profile.keys / pod.file).read_bytes())
    with pytest.raises(Tampered):
        later.journal_signer().sign(b"x")


def test_an_absent_key_file_is_said_and_nothing_is_made_in_its_place(profile: Profile) -> None:
    info = profile.open().create(Purpose.JOURNAL, "custodian")
    (profile.keys / info.file).unlink()
    vault = profile.open()
    with pytest.raises(Unavailable) as caught:
        vault.journal_signer().sign(b"x")
    assert caught.value.code == "vault.key-file-missing"
    assert list(profile.keys.iterdir()) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("purpose", "king"), ("kind", "ROT-13"), ("fingerprint", "not hex"), ("created_at", "yesterday")],
)
def test_a_row_that_podadmin_does_not_write_is_called_tampered(profile: Profile, column: str, value: str) -> None:
    vault = profile.open()
    vault.create(Purpose.JOURNAL, "custodian")
    profile.sql(f"UPDATE key SET {column} = ?", value)
    with pytest.raises(Tampered) as caught:
        vault.keys()
    assert caught.value.code == "vault.key-row-changed"


def test_a_public_part_that_was_exchanged_in_the_database_is_noticed(profile: Profile, small_rsa: None) -> None:
    vault = profile.open()
    vault.create(Purpose.JOURNAL, "custodian")
    pod = vault.create(Purpose.POD, "custodian")
    profile.sql("UPDATE key SET public_pem = ? WHERE purpose = 'journal'", pod.public_pem)
    with pytest.raises(Tampered) as caught:
        profile.open().journal_signer()
    assert caught.value.code == "vault.key-row-changed"
    profile.sql("UPDATE key SET fingerprint = ? WHERE purpose = 'pod'", "ab" * 32)
    with pytest.raises(Tampered):
        profile.session().keys() and vault.pod_key().decrypt(b"")


def _trigger(profile: Profile) -> None:
    profile.sql("CREATE TRIGGER no BEFORE INSERT ON key BEGIN SELECT RAISE(ABORT, 'no'); END")


def test_a_row_that_cannot_be_written_leaves_no_file(profile: Profile) -> None:
    vault = profile.open()
    _trigger(profile)
    with pytest.raises(PodadminError):
        vault.create(Purpose.JOURNAL, "custodian")
    assert list(profile.keys.iterdir()) == []
    assert vault.keys() == ()
    assert profile.acts() == []
    profile.sql("DROP TRIGGER no")
    assert vault.create(Purpose.JOURNAL, "custodian").purpose is Purpose.JOURNAL


def test_a_folder_that_cannot_be_written_leaves_no_row(profile: Profile) -> None:
    vault = profile.open()
    profile.keys.write_text("a file where the folder should be")
    with pytest.raises(Unavailable) as caught:
        vault.create(Purpose.JOURNAL, "custodian")
    assert caught.value.code == "vault.cannot-write"
    assert vault.keys() == ()
    assert profile.acts() == []


class Breaking:
    """A recorder that meets a mishap while the entry of a new key is written."""

    def __init__(self, profile: Profile, how: str) -> None:
        self._journal = Journal(profile.clock)
        self._profile = profile
        self._how = how

    def append(self, connection: Connection, fact: Fact) -> int:
        sealed = self._profile.keys / f"{fact.subject}.key"
        self._journal.append(connection, fact)
        if self._how == "the file cannot be removed":
            sealed.unlink()
            sealed.mkdir()
        else:
            connection.exec_driver_sql("COMMIT")
        raise KeyboardInterrupt


def test_the_first_error_is_told_even_where_cleaning_up_fails(profile: Profile) -> None:
    vault = profile.open(Breaking(profile, "the file cannot be removed"))
    with pytest.raises(KeyboardInterrupt):
        vault.create(Purpose.JOURNAL, "custodian")
    assert vault.keys() == ()


def test_the_file_of_a_key_that_was_recorded_after_all_is_kept(profile: Profile) -> None:
    vault = profile.open(Breaking(profile, "interrupted after the commit"))
    with pytest.raises(KeyboardInterrupt):
        vault.create(Purpose.JOURNAL, "custodian")
    assert vault.journal_signer().sign(b"x")


def test_a_crash_between_file_and_row_leaves_no_half_key(profile: Profile) -> None:
    script = """
import os, sys
from pathlib import Path
from podadmin.core.clock import SystemClock
from podadmin.core.secret import Secret
from podadmin.store.engine import Store
from podadmin.vault.model import Purpose
from podadmin.vault.passphrase_file import PassphraseFile
from podadmin.vault.service import Vault

class Crash:
    def append(self, connection, fact):
        os._exit(9)

folder = Path(sys.argv[1])
secrets = PassphraseFile(folder / "secrets.sealed", Secret("correct horse battery"), strength=14)
vault = Vault(folder / "keys", secrets, Store.open(folder / "podadmin.db", Crash()), SystemClock())
vault.unlock()
vault.create(Purpose.JOURNAL, "custodian")
"""
    root = Path(service.__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", script, str(profile.folder)], cwd=root, check=False)
    assert ended.returncode == 9
    orphans = list(profile.keys.iterdir())
    assert len(orphans) == 1
    assert profile.acts() == []

    store = Store.open(profile.folder / "podadmin.db", Journal(profile.clock))
    profile.stores.append(store)
    secrets = service_secrets(profile.folder)
    vault = Vault(profile.keys, secrets, store, profile.clock)
    vault.unlock()
    assert vault.keys() == ()
    info = vault.create(Purpose.JOURNAL, "custodian")
    assert vault.journal_signer().sign(b"x")
    assert {path.name for path in profile.keys.iterdir()} == {info.file, orphans[0].name}


def service_secrets(folder: Path) -> SecretStore:
    from podadmin.vault.passphrase_file import PassphraseFile

    return PassphraseFile(folder / "secrets.sealed", Secret("correct horse battery"), strength=14)


def test_the_journals_head_is_kept_in_the_keyring_and_read_back(profile: Profile) -> None:
    vault = profile.open()
    assert vault.get_anchor() is None
    vault.create(Purpose.JOURNAL, "custodian")
    signer = vault.journal_signer()
    anchor = journal_service.anchor_head(profile.stores[0], vault, signer, profile.clock)
    assert anchor is not None
    assert anchor.seq == 1
    kept = profile.secrets.get(ANCHOR_ITEM)
    assert kept is not None
    assert len(kept) <= 900  # what an item of the smallest keyring holds
    assert journal_service.read_anchor(vault, signer) == anchor
    assert vault.secrets is profile.secrets


@pytest.mark.parametrize("block", [b"", b"\x00" * 256, b"x" * 256, b"y" * 255, b"z" * 4096])
def test_a_block_for_another_key_is_tampered(profile: Profile, small_rsa: None, block: bytes) -> None:
    vault = profile.open()
    vault.create(Purpose.POD, "custodian")
    with pytest.raises(Tampered) as caught:
        vault.pod_key().decrypt(block)
    assert caught.value.code == "vault.cannot-decrypt"
    assert caught.value.__context__ is None


def test_no_representation_shows_a_secret(profile: Profile, small_rsa: None) -> None:
    vault = profile.open()
    pod, journal = vault.create(Purpose.POD, "custodian"), vault.create(Purpose.JOURNAL, "custodian")
    vault.journal_signer().sign(b"x")
    kek = profile.secrets.get(KEK_ITEM)
    assert kek is not None
    shown = " ".join(
        repr(each)
        for each in (vault, vars(vault), vault.pod_key(), vault.journal_signer(), vault.hand_over("x"), profile.secrets)
    )
    assert repr(kek)[2:-1] not in shown
    assert kek.hex() not in shown
    assert f"PodKey('{pod.id}', '{pod.words}')" in shown
    assert f"Signer('{journal.id}', '{journal.words}')" in shown
    assert "Secret(…)" in shown
