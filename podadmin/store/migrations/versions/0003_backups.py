"""Backups, and when one was last tried."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
