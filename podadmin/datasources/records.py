"""What is stored about datasources."""

from __future__ import annotations

import hashlib

from sqlalchemy import Column, String, Table, Text

from podadmin.store.tables import metadata

datasource = Table(
    "datasource",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("config", Text, nullable=False),
    Column("added_at", String(32), nullable=False),
    Column("removed_at", String(32)),
    Column("last_check", Text),
)
"""`config`: canonical JSON of source and column choices. `last_check`: JSON of the last test, NULL before the first.

A removed datasource keeps its row; its name gets `~` and its id appended, so that the name is free again.
"""


def proof_of(kind: str, config: str) -> str:
    """What an entry tells of the source and the choices that were kept: their SHA-256, in hex."""
    return hashlib.sha256(f"{kind}\n{config}".encode()).hexdigest()


health = Table(
    "datasource_health",
    metadata,
    Column("datasource_id", String(32), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("code", Text, nullable=False),
    Column("since", String(32), nullable=False),
    Column("error", Text),
)
"""How a datasource stands since when: good | slow | broken, with the code and the words of what broke.

Written only when it changes; a datasource that was never looked at has no row.
"""
