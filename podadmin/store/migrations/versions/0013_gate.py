"""What passes between a pod of the field's own software and its network."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "gate_authority",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("certificate", sa.Text, nullable=False),
        sa.Column("names", sa.Text, nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("ends_at", sa.String(32), nullable=False),
        sa.Column("secret_id", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
    )
    op.create_table(
        "gate_host",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("verdict", sa.String(8), nullable=False, server_default=""),
        sa.Column("count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("first_at", sa.String(32)),
        sa.Column("last_at", sa.String(32)),
        sa.Column("decided_by", sa.Text, nullable=False, server_default=""),
        sa.Column("decided_at", sa.String(32)),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "gate_wish",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", sa.String(32), nullable=False),
        sa.Column("done_at", sa.String(32)),
        sa.Column("outcome", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("ix_gate_wish_request_id", "gate_wish", ["request_id"])
    op.create_table(
        "gate_result",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("wire", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("ix_gate_result_state", "gate_result", ["state"])
    op.create_table(
        "gate_pod",
        sa.Column("instance", sa.Text, primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "gate_port",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("port", sa.Integer, nullable=False),
    )
