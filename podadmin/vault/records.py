"""What may be shown of keys, secrets and trusted public keys, and where sealed files lie. Never a private part."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, String, Table, Text, UniqueConstraint, select

from podadmin.core.clock import stamp, unstamp
from podadmin.core.text import stranger
from podadmin.store.tables import metadata
from podadmin.vault.model import KeyInfo, KeyKind, Purpose, SecretInfo, SecretPurpose, swapped
from podadmin.vault.words import in_words

key = Table(
    "key",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("public_pem", Text, nullable=False),
    Column("public_ssh", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("last_used_at", String(32)),
    Column("retired_at", String(32)),
    Column("name", Text, nullable=False, server_default=""),
    Column("origin", String(16), nullable=False, server_default="created"),
    Column("ends_at", String(32)),
    Column("revoked_at", String(32)),
    Column("reason", Text, nullable=False, server_default=""),
)

secret = Table(
    "secret",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("holder", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("last_used_at", String(32)),
    Column("expires_at", String(32)),
    UniqueConstraint("purpose", "holder", name="uq_secret_holder"),
)

trusted_key = Table(
    "trusted_key",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("network", String(32), nullable=False),
    Column("holder", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("public_pem", Text, nullable=False),
    Column("first_seen_at", String(32), nullable=False),
    Column("confirmed_at", String(32)),
    Column("confirmed_by", Text, nullable=False, server_default=""),
    Column("distrusted_at", String(32)),
    Column("reason", Text, nullable=False, server_default=""),
    Column("offered_fingerprint", String(64), nullable=False, server_default=""),
    Column("offered_pem", Text, nullable=False, server_default=""),
    Column("offered_at", String(32)),
    UniqueConstraint("role", "network", "holder", "key_id", name="uq_trusted_key_holder"),
)


def every_key(connection: Connection) -> tuple[KeyInfo, ...]:
    """Every key that there ever was, oldest first."""
    rows = connection.execute(select(key).order_by(key.c.created_at, key.c.id))
    return tuple(info_of(row) for row in rows)


def keys_in_use(connection: Connection) -> tuple[KeyInfo, ...]:
    """Every key that was neither exchanged nor revoked, oldest first."""
    return tuple(info for info in every_key(connection) if info.retired_at is None and info.revoked_at is None)


def info_of(row: Row[Any]) -> KeyInfo:
    """What a row says of a key. Raises Tampered (`vault.key-row-changed`) for a row that podadmin does not write."""
    try:
        return _info_of(row)
    except ValueError:
        raise swapped(stranger(str(row.id), 40)) from None


def _info_of(row: Row[Any]) -> KeyInfo:
    return KeyInfo(
        id=row.id,
        purpose=Purpose(row.purpose),
        kind=KeyKind(row.kind),
        fingerprint=row.fingerprint,
        words=in_words(bytes.fromhex(row.fingerprint)),
        public_pem=row.public_pem,
        public_ssh=row.public_ssh,
        file=row.file,
        created_at=unstamp(row.created_at),
        last_used_at=_moment(row.last_used_at),
        name=row.name,
        origin=row.origin,
        retired_at=_moment(row.retired_at),
        ends_at=_moment(row.ends_at),
        revoked_at=_moment(row.revoked_at),
        reason=row.reason,
    )


def row_of(info: KeyInfo) -> dict[str, str | None]:
    """The row of a key."""
    return {
        "id": info.id,
        "purpose": info.purpose.value,
        "kind": info.kind.value,
        "fingerprint": info.fingerprint,
        "public_pem": info.public_pem,
        "public_ssh": info.public_ssh,
        "file": info.file,
        "created_at": stamp(info.created_at),
        "last_used_at": _stamped(info.last_used_at),
        "retired_at": _stamped(info.retired_at),
        "name": info.name,
        "origin": info.origin,
        "ends_at": _stamped(info.ends_at),
        "revoked_at": _stamped(info.revoked_at),
        "reason": info.reason,
    }


def secrets_kept(connection: Connection) -> tuple[SecretInfo, ...]:
    """Every secret that is kept, oldest first. Raises Tampered (`vault.key-row-changed`)."""
    rows = connection.execute(select(secret).order_by(secret.c.created_at, secret.c.id))
    return tuple(secret_of(row) for row in rows)


def secret_of(row: Row[Any]) -> SecretInfo:
    """What a row says of a secret. Raises Tampered (`vault.key-row-changed`)."""
    try:
        return SecretInfo(
            id=row.id,
            purpose=SecretPurpose(row.purpose),
            holder=row.holder,
            file=row.file,
            created_at=unstamp(row.created_at),
            last_used_at=_moment(row.last_used_at),
            expires_at=_moment(row.expires_at),
        )
    except ValueError:
        raise swapped(stranger(str(row.id), 40)) from None


def _moment(text: str | None) -> datetime | None:
    return unstamp(text) if text else None


def _stamped(moment: datetime | None) -> str | None:
    return stamp(moment) if moment else None
