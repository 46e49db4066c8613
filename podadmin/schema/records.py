"""What is stored about schemas: one row for every schema that was saved, the newest counts."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, String, Table, Text

from podadmin.store.tables import metadata

schema = Table(
    "schema",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("datasource_id", String(32), nullable=False, index=True),
    Column("made_at", String(32), nullable=False),
    Column("records", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("statistics", Text, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
)
"""`document`: canonical JSON of the version 4 document. `statistics`: canonical JSON of {columns, size, modified_ns}.

The statistics hold the labels of categorical columns, which are data: they never leave the profile by themselves.
"""
