"""The table of keys: what may be shown of each, and where its sealed file lies. Private parts are never in here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Row, String, Table, Text, select

from podadmin.core.clock import stamp, unstamp
from podadmin.core.text import stranger
from podadmin.store.tables import metadata
from podadmin.vault.model import KeyInfo, KeyKind, Purpose, swapped
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
)


def keys_in_use(connection: Connection) -> tuple[KeyInfo, ...]:
    """Every key that is not retired, oldest first."""
    rows = connection.execute(select(key).where(key.c.retired_at.is_(None)).order_by(key.c.created_at, key.c.id))
    return tuple(info_of(row) for row in rows)


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
        last_used_at=unstamp(row.last_used_at) if row.last_used_at else None,
    )


def row_of(info: KeyInfo) -> dict[str, str | None]:
    """The row of a key that is in use."""
    return {
        "id": info.id,
        "purpose": info.purpose.value,
        "kind": info.kind.value,
        "fingerprint": info.fingerprint,
        "public_pem": info.public_pem,
        "public_ssh": info.public_ssh,
        "file": info.file,
        "created_at": stamp(info.created_at),
        "last_used_at": stamp(info.last_used_at) if info.last_used_at else None,
        "retired_at": None,
    }
