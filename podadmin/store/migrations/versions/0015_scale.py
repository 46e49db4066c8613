"""Indexes for a million requests: lists in other orders than by time, what is like a request, the last week."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index("ix_request_like", "request", ["requester", "task", "number"])
    op.create_index("ix_request_task_number", "request", ["task", "number"])
    op.create_index("ix_request_datasource_number", "request", ["datasource", "number"])
    op.create_index("ix_request_received_state", "request", ["received_at", "state"])
    op.drop_index("ix_request_received_at", "request")
    op.create_index("ix_decision_at", "decision", ["at", "verdict"])
    op.create_index("ix_usage_at", "usage", ["at", "resource", "amount"])
