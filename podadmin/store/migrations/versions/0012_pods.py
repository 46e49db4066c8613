"""Pods that stand behind the gate, and the hosts that they may reach."""

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    pass
