"""Which networks this pod has joined. A secret of a network lies in the vault, never here."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from podadmin.store.tables import metadata

network = Table(
    "network",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("joined_at", String(32), nullable=False),
    Column("left_at", String(32)),
    Column("facts", Text, nullable=False),
)
