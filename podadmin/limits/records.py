"""What is kept about limits: what the network said, what was used (each message once), what is promised, what is odd.

`seq` counts the rows of a table in the order in which they were written: a clock can be set back, it cannot.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    Row,
    ScalarSelect,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    select,
    table,
)

from podadmin.core.canon import canonical
from podadmin.store.tables import metadata
from podadmin.store.unit import Unit


def _next(name: str) -> ScalarSelect[int]:
    """The place after the last one of a table, found by the statement that writes the row."""
    seq = literal_column("seq", Integer)
    return select(func.coalesce(func.max(seq), 0) + 1).select_from(table(name)).scalar_subquery()


limit_check = Table(
    "limit_check",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("seq", Integer, nullable=False, unique=True, default=_next("limit_check")),
    Column("network", String(32), nullable=False),
    Column("project", Text, nullable=False),
    Column("resource", Text, nullable=False, index=True),
    Column("limit", Float),
    Column("network_total", Float, nullable=False),
    Column("told_total", Float, nullable=False, default=lambda row: row.get_current_parameters()["network_total"]),
    Column("local_total_at_check", Float, nullable=False),
    Column("forgiven", Float, nullable=False, default=0.0),
    Column("at", String(32), nullable=False),
    Column("request", String(32), nullable=False),
)
"""`told_total` is what the network said, `network_total` what counts: a total that falls does not free anything.

`forgiven` of the local total no longer counts: a person has accepted that the network's total began anew.
"""

usage = Table(
    "usage",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("seq", Integer, nullable=False, unique=True, default=_next("usage")),
    Column("request_id", String(32), nullable=False),
    Column("task_id", Text, nullable=False),
    Column("network", String(32), nullable=False),
    Column("project", Text, nullable=False),
    Column("resource", Text, nullable=False, index=True),
    Column("amount", Float, nullable=False),
    Column("at", String(32), nullable=False),
    Column("message_digest", String(64), nullable=False),
    Column("sequence", Integer, nullable=False, default=0),
    Column("requester", Text, nullable=False),
    Column("datasource", Text, nullable=False, default=""),
    UniqueConstraint("message_digest", "sequence", "resource", name="uq_usage_once"),
    Index("ix_usage_meter", "network", "project", "resource", "at"),
    Index("ix_usage_requester", "requester", "at"),
    Index("ix_usage_request_id", "request_id"),
    Index("ix_usage_at", "at", "resource", "amount"),
)
"""`sequence` is the number that the message carries within its task; 0 where it carries none."""

reservation = Table(
    "reservation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("seq", Integer, nullable=False, unique=True, default=_next("reservation")),
    Column("request_id", String(32), nullable=False),
    Column("network", String(32), nullable=False),
    Column("project", Text, nullable=False),
    Column("resource", Text, nullable=False, index=True),
    Column("requester", Text, nullable=False, default=""),
    Column("datasource", Text, nullable=False, default=""),
    Column("amount", Float, nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("settled_at", String(32)),
    Column("outcome", Text),
    UniqueConstraint("request_id", "resource", name="uq_reservation_once"),
)

own_limit = Table(
    "own_limit",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("seq", Integer, nullable=False, unique=True, default=_next("own_limit")),
    Column("model", Text),
    Column("project", Text),
    Column("requester", Text),
    Column("datasource", Text),
    Column("period", String(8), nullable=False),
    Column("amount", Float, nullable=False),
    Column("effect", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("ended_reason", Text),
)
"""A row a version; the one without `ended_at` is in force. A limit that was removed has none."""

limit_alarm = Table(
    "limit_alarm",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("seq", Integer, nullable=False, unique=True, default=_next("limit_alarm")),
    Column("mark", String(64), nullable=False, unique=True),
    Column("kind", String(16), nullable=False, index=True),
    Column("network", String(32), nullable=False),
    Column("project", Text, nullable=False),
    Column("resource", Text, nullable=False, index=True),
    Column("request_id", String(32), nullable=False),
    Column("task_id", Text, nullable=False),
    Column("amount", Float, nullable=False),
    Column("limit", Float),
    Column("at", String(32), nullable=False),
    Column("seen_at", String(32)),
    Column("seen_by", Text),
    Column("seen_reason", Text),
)
"""Something that must not be. `mark` names the occasion, so that the same one is never told twice."""

CHECKS: Final = "checks"
PROMISES: Final = "promises"
_WRITTEN: Final = {CHECKS: limit_check, PROMISES: reservation}
_LATER: Final = frozenset({"settled_at", "outcome"})


def proof_of(row: Row[Any]) -> str:
    """SHA-256 of a check or a promise as it was written, in hex: when a promise is settled is no part of it."""
    kept = {name: value for name, value in row._mapping.items() if name not in _LATER}
    return hashlib.sha256(canonical(kept).encode()).hexdigest()


def tell(unit: Unit, what: str, row_id: str) -> None:
    """Let the unit's entry tell of a row that it has written, `what` of it: `CHECKS` or `PROMISES`."""
    written = _WRITTEN[what]
    row = unit.connection.execute(select(written).where(written.c.id == row_id)).one()
    unit.note(**{what: {**unit.facts[0].body.get(what, {}), row_id: proof_of(row)}})
