"""What is kept about limits: what the network said, what was used (each message once), what is promised."""

from __future__ import annotations

from sqlalchemy import Column, Float, String, Table, Text, UniqueConstraint

from podadmin.store.tables import metadata

limit_check = Table(
    "limit_check",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("network", String(32), nullable=False),
    Column("project", Text, nullable=False),
    Column("resource", Text, nullable=False, index=True),
    Column("limit", Float),
    Column("network_total", Float, nullable=False),
    Column("local_total_at_check", Float, nullable=False),
    Column("at", String(32), nullable=False),
    Column("request", String(32), nullable=False),
)

usage = Table(
    "usage",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("request_id", String(32), nullable=False),
    Column("task_id", Text, nullable=False),
    Column("network", String(32), nullable=False),
    Column("project", Text, nullable=False),
    Column("resource", Text, nullable=False, index=True),
    Column("amount", Float, nullable=False),
    Column("at", String(32), nullable=False),
    Column("message_digest", String(64), nullable=False),
    Column("requester", Text, nullable=False),
    UniqueConstraint("message_digest", "resource", name="uq_usage_once"),
)

reservation = Table(
    "reservation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("request_id", String(32), nullable=False),
    Column("network", String(32), nullable=False),
    Column("project", Text, nullable=False),
    Column("resource", Text, nullable=False, index=True),
    Column("amount", Float, nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("settled_at", String(32)),
    Column("outcome", Text),
    UniqueConstraint("request_id", "resource", name="uq_reservation_once"),
)
