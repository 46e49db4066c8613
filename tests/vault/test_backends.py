"""The custodian chooses where secrets are kept, and nothing else is ever used instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault.backends import CHOICES, MemoryKeyring, open_backend
from podadmin.vault.model import KeyringState
from podadmin.vault.os_keyring import OsKeyring
from podadmin.vault.passphrase_file import PassphraseFile


def test_each_choice_opens_that_place_and_no_other(tmp_path: Path) -> None:
    opened = {
        choice: open_backend(choice, profile_id="p", folder=tmp_path, passphrase=Secret("a b c d e f"))
        for choice in CHOICES
    }
    assert {choice: type(store) for choice, store in opened.items()} == {
        "system": OsKeyring,
        "memory": MemoryKeyring,
        "passphrase": PassphraseFile,
    }
    assert all(store.name == choice and store.title for choice, store in opened.items())
    assert [choice for choice, store in opened.items() if store.forgets] == ["memory"]
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_file_without_a_passphrase_is_said_and_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        open_backend("passphrase", profile_id="p", folder=tmp_path)
    assert caught.value.code == "vault.passphrase-needed"


@pytest.mark.parametrize("choice", ["", "System", "plaintext", "auto"])
def test_an_unknown_choice_is_refused(choice: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        open_backend(choice, profile_id="p", folder=tmp_path)
    assert caught.value.code == "vault.unknown-backend"


def test_memory_keeps_until_it_is_told_to_forget_and_shows_nothing() -> None:
    store = MemoryKeyring()
    assert store.state() is KeyringState.READY
    assert store.get("kek") is None
    store.put("kek", b"secret")
    assert store.get("kek") == b"secret"
    assert "secret" not in repr(store)
    store.remove("kek")
    store.remove("kek")
    assert store.get("kek") is None
    assert MemoryKeyring().get("kek") is None


def test_a_keyring_needs_a_profile() -> None:
    with pytest.raises(ValueError, match="profile"):
        OsKeyring("")
