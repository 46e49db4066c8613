"""What left the pod for each task, and why a result waits to be seen."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "gate_outgoing",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("last_at", sa.String(32), nullable=False),
        sa.Column("messages", sa.Integer, nullable=False, server_default="1"),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("sealed", sa.String(10), nullable=False),
        sa.Column("rows", sa.Integer),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("why", sa.Text, nullable=False, server_default=""),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("result_id", sa.String(32), nullable=False, server_default=""),
    )
    op.create_index("ix_gate_outgoing_request_id", "gate_outgoing", ["request_id"])
    op.add_column("gate_result", sa.Column("reasons", sa.Text, nullable=False, server_default="[]"))
