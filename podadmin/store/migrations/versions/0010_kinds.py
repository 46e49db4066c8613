"""Folders, databases and health of datasources."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "datasource_health",
        sa.Column("datasource_id", sa.String(32), primary_key=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("since", sa.String(32), nullable=False),
        sa.Column("error", sa.Text),
    )
