"""A result that was let go is known again by its digest, where the pod says it a second time."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("gate_result", sa.Column("digest", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_gate_result_request", "gate_result", ["request_id", "digest"])
