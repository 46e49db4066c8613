"""Grants with their pins, reviews and receipts; counts and a text index for lists of a million requests."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

SEARCHED = ("requester", "task", "datasource", "project", "reference")


def upgrade() -> None:
    _grants()
    _receipts()
    _reviews()
    _counts()
    _search()


def _grants() -> None:
    for column in (
        sa.Column("family", sa.String(64), nullable=False, server_default=""),
        sa.Column("pins", sa.Text, nullable=False, server_default=""),
        sa.Column("may_vary", sa.Text, nullable=False, server_default="[]"),
        sa.Column("runs", sa.Integer, nullable=False, server_default="1"),
        sa.Column("inferences", sa.Float),
        sa.Column("inferences_left", sa.Float),
        sa.Column("made_by", sa.Text, nullable=False, server_default=""),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("ended", sa.String(8), nullable=False, server_default=""),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("changes", sa.Text, nullable=False, server_default="[]"),
    ):
        op.add_column("grant_", column)
    op.create_index("ix_grant__family", "grant_", ["family"])
    op.create_index("ix_grant__made_from", "grant_", ["made_from"])
    op.create_table(
        "grant_use",
        sa.Column("request_id", sa.String(32), primary_key=True),
        sa.Column("grant_id", sa.String(32), nullable=False),
        sa.Column("reserved", sa.Float),
        sa.Column("used", sa.Float),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("settled_at", sa.String(32)),
    )
    op.create_index("ix_grant_use_grant_id", "grant_use", ["grant_id"])
    op.create_table(
        "decider",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("stands_for", sa.Text, nullable=False, server_default=""),
        sa.Column("from_at", sa.String(32), nullable=False),
        sa.Column("until_at", sa.String(32)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("named_by", sa.Text, nullable=False),
        sa.Column("ended_at", sa.String(32)),
    )


def _receipts() -> None:
    op.create_table(
        "receipt",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("act", sa.String(24), nullable=False),
        sa.Column("request_id", sa.String(32), nullable=False, server_default=""),
        sa.Column("grant_id", sa.String(32), nullable=False, server_default=""),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False, server_default=""),
        sa.Column("key", sa.String(64), nullable=False, server_default=""),
        sa.UniqueConstraint("reference", name="uq_receipt_reference"),
    )
    op.create_index("ix_receipt_request_id", "receipt", ["request_id"])
    op.create_index("ix_receipt_grant_id", "receipt", ["grant_id"])
    op.create_index("ix_receipt_unsigned", "receipt", ["number"], sqlite_where=sa.text("signature = ''"))


def _reviews() -> None:
    op.create_table(
        "reviewer",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False, server_default=""),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("public_key", sa.String(64), nullable=False),
        sa.Column("added_at", sa.String(32), nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("removed_at", sa.String(32)),
        sa.UniqueConstraint("public_key", name="uq_reviewer_public_key"),
    )
    op.create_table(
        "review",
        sa.Column("request_id", sa.String(32), primary_key=True),
        sa.Column("needed", sa.Integer, nullable=False),
        sa.Column("reviewers", sa.Text, nullable=False, server_default="[]"),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", sa.String(32), nullable=False),
        sa.Column("opened_at", sa.String(32)),
        sa.Column("result", sa.String(8), nullable=False, server_default=""),
    )
    op.create_table(
        "vote",
        sa.Column("request_id", sa.String(32), primary_key=True),
        sa.Column("reviewer_id", sa.String(32), primary_key=True),
        sa.Column("cast_at", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False, server_default=""),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
    )


def _counts() -> None:
    """How many requests are in each state, kept by the database itself: counting a million rows takes too long."""
    op.create_table(
        "request_count",
        sa.Column("state", sa.String(16), primary_key=True),
        sa.Column("n", sa.Integer, nullable=False),
    )
    op.execute("INSERT INTO request_count SELECT state, count(*) FROM request GROUP BY state")
    more = "INSERT INTO request_count VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET n = n + 1;"
    less = "UPDATE request_count SET n = n - 1 WHERE state = old.state;"
    op.execute(f"CREATE TRIGGER request_counted AFTER INSERT ON request BEGIN {more} END")
    op.execute(f"CREATE TRIGGER request_uncounted AFTER DELETE ON request BEGIN {less} END")
    op.execute(
        "CREATE TRIGGER request_recounted AFTER UPDATE OF state ON request WHEN old.state <> new.state "
        f"BEGIN {less} {more} END"
    )


def _search() -> None:
    """Any three letters in a row of what a request is listed by."""
    names = ", ".join(SEARCHED)
    new, old = (", ".join(f"{which}.{name}" for name in SEARCHED) for which in ("new", "old"))
    op.execute(
        f"CREATE VIRTUAL TABLE request_text USING fts5({names}, content='request', content_rowid='number', "
        "tokenize='trigram')"
    )
    op.execute("INSERT INTO request_text (request_text) VALUES ('rebuild')")
    add = f"INSERT INTO request_text (rowid, {names}) VALUES (new.number, {new});"  # noqa: S608 - names from above only
    drop = f"INSERT INTO request_text (request_text, rowid, {names}) VALUES ('delete', old.number, {old});"  # noqa: S608
    op.execute(f"CREATE TRIGGER request_indexed AFTER INSERT ON request BEGIN {add} END")
    op.execute(f"CREATE TRIGGER request_unindexed AFTER DELETE ON request BEGIN {drop} END")
    op.execute(f"CREATE TRIGGER request_reindexed AFTER UPDATE OF {names} ON request BEGIN {drop} {add} END")
