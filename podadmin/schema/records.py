"""What is stored about schemas: those that were saved, what was chosen about them, releases, and generations."""

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
"""`document`: canonical JSON of the version 4 document. `statistics`: canonical JSON of {columns, size, modified_ns,
notes, origin, unread, made_from}.

The statistics hold the labels of categorical columns, which are data: they never leave the profile by themselves.
"""

choice = Table(
    "schema_choice",
    metadata,
    Column("datasource_id", String(32), primary_key=True),
    Column("column", Text, primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("label", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("by", Text, nullable=False),
)
"""`kind`: confirm (`label` "", `value` the pin of what was confirmed) | withhold | merge (`value`: into what)."""

release = Table(
    "schema_release",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("datasource_id", String(32), nullable=False, index=True),
    Column("schema_id", String(32), nullable=False),
    Column("at", String(32), nullable=False),
    Column("by", Text, nullable=False),
    Column("document", Text, nullable=False),
)
"""`document`: canonical JSON of what networks may be given, with labels withheld and merged."""

job = Table(
    "schema_job",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("datasource_id", String(32), nullable=False, index=True),
    Column("state", String(12), nullable=False, index=True),
    Column("began_at", String(32), nullable=False),
    Column("by", Text, nullable=False),
    Column("ended_at", String(32)),
    Column("error", Text),
)
"""`state`: running | done | failed | cancelled. One that is `running` while no process works on it was interrupted."""
