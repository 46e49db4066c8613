"""Rules, and what they were before."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "rule",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False, server_default="0"),
    )
    op.create_table(
        "rule_version",
        sa.Column("rule_id", sa.String(32), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False, server_default="0"),
    )
    op.create_table(
        "request_facts",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("stance", sa.String(16), nullable=False),
        sa.Column("opinions", sa.Text, nullable=False),
        sa.UniqueConstraint("request_id", name="uq_request_facts_request_id"),
    )
    op.create_table(
        "project_purpose",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("codes", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
    )
