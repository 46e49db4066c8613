"""A profile of the first released version opens: its keys serve, its pins are in the book of trust, none is lost."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from podadmin.core.clock import ManualClock
from podadmin.core.secret import Secret
from podadmin.journal.records import Journal
from podadmin.store import migrate
from podadmin.store.engine import Store
from podadmin.vault import trust
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.forms import public_forms
from podadmin.vault.kek import KEK_ITEM
from podadmin.vault.model import KeyKind, Purpose
from podadmin.vault.sealed import KeyHeader, seal
from podadmin.vault.service import Vault
from podadmin.vault.trust import Seen, Trust

FORMS = public_forms(Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key())


def first_version(path: Path) -> None:
    """The database as revision 0001 makes it."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()


def test_keys_and_pins_of_the_first_version_are_taken_along(tmp_path: Path) -> None:
    path, keys = tmp_path / "podadmin.db", tmp_path / "keys"
    first_version(path)
    private = Ed25519PrivateKey.generate()
    forms = public_forms(private.public_key())
    kek, at = Secret(bytes(range(32))), "2026-01-02T03:04:05.000000Z"
    keys.mkdir()
    der = Secret(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    header = KeyHeader("key_OLD", Purpose.JOURNAL, KeyKind.ED25519, forms.fingerprint)
    (keys / "key_OLD.key").write_bytes(seal(der, kek, header))
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO key VALUES ('key_OLD', 'journal', 'Ed25519', ?, ?, ?, 'key_OLD.key', ?, NULL, NULL)",
            (forms.fingerprint, forms.pem, forms.ssh, at),
        )
        for requester in ("research-lab", "eye-ai"):
            connection.execute(
                "INSERT INTO requester_key VALUES ('local', ?, 'key_1', ?, ?, ?)",
                (requester, FORMS.fingerprint, FORMS.pem, at),
            )
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    store = Store.open(path, Journal(clock))
    try:
        secrets = MemoryKeyring()
        secrets.put(KEK_ITEM, kek.reveal())
        vault = Vault(keys, secrets, store, clock)
        vault.unlock()
        signature = vault.journal_signer().sign(b"x")
        private.public_key().verify(signature, b"x")
        (info,) = vault.every_key()
        assert (info.id, info.name, info.origin, info.revoked_at) == ("key_OLD", "", "created", None)
        known = trust.trusted_keys(store)
        assert {each.holder for each in known} == {"research-lab", "eye-ai"}
        assert {each.trust for each in known} == {Trust.PINNED}
        assert len({each.id for each in known}) == 2
        assert trust.see(store, clock, Seen("requester", "local", "eye-ai", "key_1", FORMS.fingerprint, FORMS.pem))
        vault.exchange_kek("custodian")
        assert vault.private(info).reveal() == der.reveal()
    finally:
        store.close()
