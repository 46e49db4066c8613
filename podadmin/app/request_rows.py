"""A stored request as a line of the list: the same for every way in which the row was read."""

from __future__ import annotations

from typing import Any

from podadmin.app.views.requests import RequestRow
from podadmin.core.clock import unstamp
from podadmin.core.text import stranger


def request_row(row: Any) -> RequestRow:
    """The line of a row of the table `request`, which has its columns as attributes."""
    return RequestRow(
        id=row.id,
        state=row.state,
        state_words=stranger(row.state_words, 300),
        requester=stranger(row.requester),
        task=stranger(row.task) or "Not opened",
        datasource=stranger(row.datasource),
        risk=row.risk,
        verified=row.verified,
        received_at=unstamp(row.received_at),
        deadline=unstamp(row.deadline) if row.deadline else None,
        reference=row.reference,
        project=stranger(row.project),
    )
