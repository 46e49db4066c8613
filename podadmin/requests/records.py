"""What the gate keeps of every request: the sealed bytes, what was found in them, what was decided, what was sent."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from podadmin.store.tables import metadata

request = Table(
    "request",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("network", String(32), nullable=False),
    Column("task_id", Text, nullable=False, index=True),
    Column("type", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("state_words", Text, nullable=False, server_default=""),
    Column("received_at", String(32), nullable=False, index=True),
    Column("deadline", String(32)),
    Column("requester", Text, nullable=False, server_default=""),
    Column("task", Text, nullable=False, server_default=""),
    Column("datasource", Text, nullable=False, server_default=""),
    Column("project", Text, nullable=False, server_default=""),
    Column("risk", String(16), nullable=False, server_default="unknown"),
    Column("verified", String(16), nullable=False, server_default="unopened"),
    Column("fingerprint", String(64), nullable=False, server_default="", index=True),
    Column("body_digest", String(64), nullable=False, index=True),
    Column("sealed_digest", String(64), nullable=False, server_default="", index=True),
    Column("reference", String(16), nullable=False, server_default="", index=True),
    Column("grant_id", String(32), nullable=False, server_default=""),
    Column("answer", String(8), nullable=False, server_default="", index=True),
    Column("answer_words", Text, nullable=False, server_default=""),
    UniqueConstraint("network", "task_id", "type", name="uq_request_task"),
)
Index("ix_request_state_number", request.c.state, request.c.number)

sealed = Table(
    "request_sealed",
    metadata,
    Column("request_id", String(32), ForeignKey("request.id"), primary_key=True),
    Column("wire", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("findings", Text, nullable=False, server_default="{}"),
)

decision = Table(
    "decision",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("request_id", String(32), ForeignKey("request.id"), nullable=False, unique=True),
    Column("verdict", String(8), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

grant = Table(
    "grant_",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("runs_left", Integer, nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("made_from", String(32), nullable=False),
    Column("voided_reason", Text),
)

requester_key = Table(
    "requester_key",
    metadata,
    Column("network", String(32), primary_key=True),
    Column("requester", Text, primary_key=True),
    Column("key_id", Text, primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("public_pem", Text, nullable=False),
    Column("first_seen_at", String(32), nullable=False),
)
