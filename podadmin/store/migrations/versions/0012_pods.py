"""Which software does the pod's work, and how a pod of the network's own software is configured and started."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("pod", sa.Column("worker", sa.String(16), nullable=False, server_default="built-in"))
    op.create_table(
        "pod_setup",
        sa.Column("pod_id", sa.String(32), primary_key=True),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("storage", sa.Text, nullable=False),
        sa.Column("launch", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False, server_default=""),
        sa.Column("wanted", sa.String(8), nullable=False, server_default="stopped"),
        sa.Column("asked_at", sa.String(32), nullable=False),
    )
