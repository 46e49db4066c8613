"""The first shape of a profile's database."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "journal_entry",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_journal_entry_act", "journal_entry", ["act"])
    op.create_index("ix_journal_entry_subject", "journal_entry", ["subject"])
    op.create_table(
        "setting",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "pod",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("paused_reason", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "key",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("public_pem", sa.Text, nullable=False),
        sa.Column("public_ssh", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("last_used_at", sa.String(32)),
        sa.Column("retired_at", sa.String(32)),
    )
    op.create_table(
        "network",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("joined_at", sa.String(32), nullable=False),
        sa.Column("left_at", sa.String(32)),
        sa.Column("facts", sa.Text, nullable=False),
    )
    op.create_table(
        "datasource",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("added_at", sa.String(32), nullable=False),
        sa.Column("removed_at", sa.String(32)),
        sa.Column("last_check", sa.Text),
        sa.UniqueConstraint("name", name="uq_datasource_name"),
    )
    op.create_table(
        "schema",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("datasource_id", sa.String(32), nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("statistics", sa.Text, nullable=False),
        sa.Column("rejected", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
    )
    op.create_index("ix_schema_datasource_id", "schema", ["datasource_id"])
    _requests()
    _limits()


def _requests() -> None:
    op.create_table(
        "request",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("network", sa.String(32), nullable=False),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_words", sa.Text, nullable=False, server_default=""),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("deadline", sa.String(32)),
        sa.Column("requester", sa.Text, nullable=False, server_default=""),
        sa.Column("task", sa.Text, nullable=False, server_default=""),
        sa.Column("datasource", sa.Text, nullable=False, server_default=""),
        sa.Column("project", sa.Text, nullable=False, server_default=""),
        sa.Column("risk", sa.String(16), nullable=False, server_default="unknown"),
        sa.Column("verified", sa.String(16), nullable=False, server_default="unopened"),
        sa.Column("fingerprint", sa.String(64), nullable=False, server_default=""),
        sa.Column("body_digest", sa.String(64), nullable=False),
        sa.Column("sealed_digest", sa.String(64), nullable=False, server_default=""),
        sa.Column("reference", sa.String(16), nullable=False, server_default=""),
        sa.Column("grant_id", sa.String(32), nullable=False, server_default=""),
        sa.Column("answer", sa.String(8), nullable=False, server_default=""),
        sa.Column("answer_words", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("id", name="uq_request_id"),
        sa.UniqueConstraint("network", "task_id", "type", name="uq_request_task"),
    )
    for column in (
        "task_id",
        "state",
        "received_at",
        "fingerprint",
        "body_digest",
        "sealed_digest",
        "reference",
        "answer",
    ):
        op.create_index(f"ix_request_{column}", "request", [column])
    op.create_index("ix_request_state_number", "request", ["state", "number"])
    op.create_table(
        "request_sealed",
        sa.Column("request_id", sa.String(32), sa.ForeignKey("request.id"), primary_key=True),
        sa.Column("wire", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("findings", sa.Text, nullable=False, server_default="{}"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("request_id", sa.String(32), sa.ForeignKey("request.id"), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.UniqueConstraint("request_id", name="uq_decision_request_id"),
    )
    op.create_table(
        "grant_",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("runs_left", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("made_from", sa.String(32), nullable=False),
        sa.Column("voided_reason", sa.Text),
    )
    op.create_index("ix_grant__fingerprint", "grant_", ["fingerprint"])
    op.create_table(
        "requester_key",
        sa.Column("network", sa.String(32), primary_key=True),
        sa.Column("requester", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("public_pem", sa.Text, nullable=False),
        sa.Column("first_seen_at", sa.String(32), nullable=False),
    )


def _limits() -> None:
    op.create_table(
        "limit_check",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("network", sa.String(32), nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("limit", sa.Float),
        sa.Column("network_total", sa.Float, nullable=False),
        sa.Column("local_total_at_check", sa.Float, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("request", sa.String(32), nullable=False),
    )
    op.create_index("ix_limit_check_resource", "limit_check", ["resource"])
    op.create_table(
        "usage",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("network", sa.String(32), nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("amount", sa.Float, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("message_digest", sa.String(64), nullable=False),
        sa.Column("requester", sa.Text, nullable=False),
        sa.UniqueConstraint("message_digest", "resource", name="uq_usage_once"),
    )
    op.create_index("ix_usage_resource", "usage", ["resource"])
    op.create_table(
        "reservation",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("network", sa.String(32), nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("amount", sa.Float, nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("settled_at", sa.String(32)),
        sa.Column("outcome", sa.Text),
        sa.UniqueConstraint("request_id", "resource", name="uq_reservation_once"),
    )
    op.create_index("ix_reservation_resource", "reservation", ["resource"])
