"""The pod of this profile. There is one."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from podadmin.store.tables import metadata

pod = Table(
    "pod",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("paused_reason", Text, nullable=False, server_default=""),
    Column("created_at", String(32), nullable=False),
)
