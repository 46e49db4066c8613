"""Grants with their pins, reviews and receipts."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    pass
