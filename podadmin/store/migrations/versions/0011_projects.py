"""How often the purpose of a project was stated, and requests by their project."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("project_purpose", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.create_index("ix_request_project", "request", ["project"])
