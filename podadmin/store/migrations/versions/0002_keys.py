"""More about keys, and whom they trust."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass
