"""Where changed settings are kept. What settings there are, is declared in `podadmin.app.settings`."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from podadmin.store.tables import metadata

setting = Table(
    "setting",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
