"""What the gate keeps of every request: the sealed bytes, what was found, who decided what, grants, votes, receipts."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

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
    Column("received_at", String(32), nullable=False),
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
Index("ix_request_project", request.c.project)
Index("ix_request_like", request.c.requester, request.c.task, request.c.number)
Index("ix_request_task_number", request.c.task, request.c.number)
Index("ix_request_datasource_number", request.c.datasource, request.c.number)
Index("ix_request_received_state", request.c.received_at, request.c.state)

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
Index("ix_decision_at", decision.c.at, decision.c.verdict)

grant = Table(
    "grant_",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("runs_left", Integer, nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("made_from", String(32), nullable=False, index=True),
    Column("voided_reason", Text),
    Column("family", String(64), nullable=False, server_default="", index=True),
    Column("pins", Text, nullable=False, server_default=""),
    Column("may_vary", Text, nullable=False, server_default="[]"),
    Column("runs", Integer, nullable=False, server_default="1"),
    Column("inferences", Float),
    Column("inferences_left", Float),
    Column("made_by", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("ended", String(8), nullable=False, server_default=""),
    Column("ended_at", String(32)),
    Column("changes", Text, nullable=False, server_default="[]"),
)
"""`ended`: empty | voided | revoked. `changes`: the pins that broke, as JSON."""

grant_use = Table(
    "grant_use",
    metadata,
    Column("request_id", String(32), primary_key=True),
    Column("grant_id", String(32), nullable=False, index=True),
    Column("reserved", Float),
    Column("used", Float),
    Column("at", String(32), nullable=False),
    Column("settled_at", String(32)),
)

decider = Table(
    "decider",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account", Text, nullable=False),
    Column("stands_for", Text, nullable=False, server_default=""),
    Column("from_at", String(32), nullable=False),
    Column("until_at", String(32)),
    Column("reason", Text, nullable=False),
    Column("named_by", Text, nullable=False),
    Column("ended_at", String(32)),
)

receipt = Table(
    "receipt",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("reference", String(16), nullable=False, unique=True),
    Column("act", String(24), nullable=False),
    Column("request_id", String(32), nullable=False, server_default="", index=True),
    Column("grant_id", String(32), nullable=False, server_default="", index=True),
    Column("document", Text, nullable=False),
    Column("entry", Integer, nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("signature", String(128), nullable=False, server_default=""),
    Column("key", String(64), nullable=False, server_default=""),
)
Index("ix_receipt_unsigned", receipt.c.number, sqlite_where=receipt.c.signature == "")

reviewer = Table(
    "reviewer",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("account", Text, nullable=False, server_default=""),
    Column("kind", String(8), nullable=False),
    Column("public_key", String(64), nullable=False, unique=True),
    Column("added_at", String(32), nullable=False),
    Column("added_by", Text, nullable=False),
    Column("removed_at", String(32)),
)

review = Table(
    "review",
    metadata,
    Column("request_id", String(32), primary_key=True),
    Column("needed", Integer, nullable=False),
    Column("reviewers", Text, nullable=False, server_default="[]"),
    Column("why", Text, nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", String(32), nullable=False),
    Column("opened_at", String(32)),
    Column("result", String(8), nullable=False, server_default=""),
)

vote = Table(
    "vote",
    metadata,
    Column("request_id", String(32), primary_key=True),
    Column("reviewer_id", String(32), primary_key=True),
    Column("cast_at", String(32), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("verdict", String(8), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
)

request_count = Table(
    "request_count", metadata, Column("state", String(16), primary_key=True), Column("n", Integer, nullable=False)
)
"""Kept by triggers of the database."""
