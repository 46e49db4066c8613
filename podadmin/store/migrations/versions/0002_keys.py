"""More about keys, secrets that are no keys, and whose public keys are trusted."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("key", sa.Column("name", sa.Text, nullable=False, server_default=""))
    op.add_column("key", sa.Column("origin", sa.String(16), nullable=False, server_default="created"))
    op.add_column("key", sa.Column("ends_at", sa.String(32)))
    op.add_column("key", sa.Column("revoked_at", sa.String(32)))
    op.add_column("key", sa.Column("reason", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "secret",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("last_used_at", sa.String(32)),
        sa.Column("expires_at", sa.String(32)),
        sa.UniqueConstraint("purpose", "holder", name="uq_secret_holder"),
    )
    trusted = op.create_table(
        "trusted_key",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("network", sa.String(32), nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("public_pem", sa.Text, nullable=False),
        sa.Column("first_seen_at", sa.String(32), nullable=False),
        sa.Column("confirmed_at", sa.String(32)),
        sa.Column("confirmed_by", sa.Text, nullable=False, server_default=""),
        sa.Column("distrusted_at", sa.String(32)),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("offered_fingerprint", sa.String(64), nullable=False, server_default=""),
        sa.Column("offered_pem", sa.Text, nullable=False, server_default=""),
        sa.Column("offered_at", sa.String(32)),
        sa.UniqueConstraint("role", "network", "holder", "key_id", name="uq_trusted_key_holder"),
    )
    _move_pins(trusted)


def _move_pins(trusted: sa.Table) -> None:
    """What was pinned before goes on being pinned: one book of trust takes over from the table of requesters' keys."""
    rows = op.get_bind().execute(
        sa.text("SELECT network, requester, key_id, fingerprint, public_pem, first_seen_at FROM requester_key")
    )
    kept = [
        {
            "id": "trust_" + hashlib.sha256(f"{row.network}\0{row.requester}\0{row.key_id}".encode()).hexdigest()[:12],
            "role": "requester",
            "network": row.network,
            "holder": row.requester,
            "key_id": row.key_id,
            "fingerprint": row.fingerprint,
            "public_pem": row.public_pem,
            "first_seen_at": row.first_seen_at,
        }
        for row in rows
    ]
    if kept:
        op.bulk_insert(trusted, kept)
    op.drop_table("requester_key")
