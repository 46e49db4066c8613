"""What is kept of rules: each as it is, every version that it ever had, and the facts on which they are tried."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from podadmin.store.tables import metadata

rule = Table(
    "rule",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("changed_at", String(32), nullable=False),
    Column("removed", Boolean, nullable=False, server_default="0"),
)

rule_version = Table(
    "rule_version",
    metadata,
    Column("rule_id", String(32), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("removed", Boolean, nullable=False, server_default="0"),
)

request_facts = Table(
    "request_facts",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("request_id", String(32), nullable=False, unique=True),
    Column("at", String(32), nullable=False),
    Column("facts", Text, nullable=False),
    Column("stance", String(16), nullable=False),
    Column("opinions", Text, nullable=False),
)
"""`number` is the request's. `stance` is the strongest of what was said apart from rules; `opinions` is all of it."""

project_purpose = Table(
    "project_purpose",
    metadata,
    Column("project", Text, primary_key=True),
    Column("codes", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("by", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
)
"""What the custodian has stated a project to be for: DUO codes with spaces between them."""
