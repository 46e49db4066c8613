"""What the custodian chose about the publishing of schemas, what was released, and generations as jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "schema_choice",
        sa.Column("datasource_id", sa.String(32), primary_key=True),
        sa.Column("column", sa.Text, primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("label", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
    )
    op.create_table(
        "schema_release",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("datasource_id", sa.String(32), nullable=False),
        sa.Column("schema_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("ix_schema_release_datasource_id", "schema_release", ["datasource_id"])
    op.create_table(
        "schema_job",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("datasource_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("began_at", sa.String(32), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("error", sa.Text),
    )
    op.create_index("ix_schema_job_datasource_id", "schema_job", ["datasource_id"])
    op.create_index("ix_schema_job_state", "schema_job", ["state"])
