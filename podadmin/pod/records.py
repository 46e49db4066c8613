"""The pod of this profile. There is one. How it is started lies beside it, where it is not the built-in worker."""

from __future__ import annotations

import hashlib

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
    Column("worker", String(16), nullable=False, server_default="built-in"),
)

setup = Table(
    "pod_setup",
    metadata,
    Column("pod_id", String(32), primary_key=True),
    Column("config", Text, nullable=False),
    Column("storage", Text, nullable=False),
    Column("launch", Text, nullable=False),
    Column("source", Text, nullable=False, server_default=""),
    Column("wanted", String(8), nullable=False, server_default="stopped"),
    Column("asked_at", String(32), nullable=False),
)


def proof_of(config: str, storage: str, launch: str) -> str:
    """What an entry tells of a set-up that was kept: the SHA-256 of what is started with what, in hex."""
    return hashlib.sha256(f"{config}\n{storage}\n{launch}".encode()).hexdigest()
