"""Backups, and when one was last tried."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "backup",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("lock", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("tested_at", sa.String(32)),
        sa.Column("test_words", sa.Text, nullable=False, server_default=""),
    )
