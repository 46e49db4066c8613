"""What passes between a pod of the field's own software and its network."""

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    pass
