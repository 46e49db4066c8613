"""Local limits, what is odd about a meter, and an order of rows that does not lean on one database's ways."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _more_to_know()
    _written_in_order()
    op.create_table(
        "own_limit",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("project", sa.Text),
        sa.Column("requester", sa.Text),
        sa.Column("datasource", sa.Text),
        sa.Column("period", sa.String(8), nullable=False),
        sa.Column("amount", sa.Float, nullable=False),
        sa.Column("effect", sa.String(8), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("ended_reason", sa.Text),
        sa.UniqueConstraint("seq", name="uq_own_limit_seq"),
    )
    op.create_table(
        "limit_alarm",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("network", sa.String(32), nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("amount", sa.Float, nullable=False),
        sa.Column("limit", sa.Float),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("seen_at", sa.String(32)),
        sa.Column("seen_by", sa.Text),
        sa.Column("seen_reason", sa.Text),
        sa.UniqueConstraint("seq", name="uq_limit_alarm_seq"),
        sa.UniqueConstraint("mark", name="uq_limit_alarm_mark"),
    )
    op.create_index("ix_limit_alarm_kind", "limit_alarm", ["kind"])
    op.create_index("ix_limit_alarm_resource", "limit_alarm", ["resource"])


def _more_to_know() -> None:
    """Whose use it was and on which data; what was kept before is asked of its request."""
    op.add_column("limit_check", sa.Column("told_total", sa.Float, nullable=False, server_default="0"))
    op.execute("UPDATE limit_check SET told_total = network_total")
    op.add_column("limit_check", sa.Column("forgiven", sa.Float, nullable=False, server_default="0"))
    op.add_column("usage", sa.Column("sequence", sa.Integer, nullable=False, server_default="0"))
    for table in ("usage", "reservation"):
        op.add_column(table, sa.Column("datasource", sa.Text, nullable=False, server_default=""))
    op.add_column("reservation", sa.Column("requester", sa.Text, nullable=False, server_default=""))
    for table, column in (("usage", "datasource"), ("reservation", "datasource"), ("reservation", "requester")):
        op.execute(
            f"UPDATE {table} SET {column} = COALESCE("  # noqa: S608 - the names stand in this file
            f"(SELECT request.{column} FROM request WHERE request.id = {table}.request_id), '')"
        )


def _written_in_order() -> None:
    """The order of writing becomes a column of its own; until now it was the number that SQLite gives a row."""
    for table in ("limit_check", "usage", "reservation"):
        op.add_column(table, sa.Column("seq", sa.Integer, nullable=False, server_default="0"))
        op.execute(f"UPDATE {table} SET seq = rowid")  # noqa: S608
        with op.batch_alter_table(table) as changed:
            changed.alter_column("seq", server_default=None)
            changed.create_unique_constraint(f"uq_{table}_seq", ["seq"])
            if table == "usage":
                changed.drop_constraint("uq_usage_once", type_="unique")
                changed.create_unique_constraint("uq_usage_once", ["message_digest", "sequence", "resource"])
    op.create_index("ix_usage_meter", "usage", ["network", "project", "resource", "at"])
    op.create_index("ix_usage_requester", "usage", ["requester", "at"])
    op.create_index("ix_usage_request_id", "usage", ["request_id"])
