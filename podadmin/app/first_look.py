"""The list of requests before the profile is open: what waits is on the screen while the rest is still being imported.

What opens a profile takes the better part of a second to import. Until then the newest requests are read by the
standard library alone, from the database as it is, and only where nothing speaks against showing them: a database of
exactly this version's shape, a window that is not locked, a list without a search. In every other case, and for every
other act, nothing is said here and the profile is waited for. What is shown is what `requests list` shows, which a
test holds against each other; it is read again, in the ordinary way, as soon as the profile is open.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from podadmin.app.request_rows import request_row
from podadmin.app.views.requests import RequestPage
from podadmin.store.migrate import known_revisions

_MOST: Final = 100
_LOCK: Final = "SELECT act FROM journal_entry WHERE act IN ('lock.locked', 'lock.unlocked') ORDER BY seq DESC LIMIT 1"
_COUNTS: Final = "SELECT state, n FROM request_count WHERE n > 0"
_ALL: Final = "SELECT * FROM request ORDER BY number DESC LIMIT ?"
_SOME: Final = "SELECT * FROM request WHERE state IN (SELECT value FROM json_each(?)) ORDER BY number DESC LIMIT ?"


def answer(database: Path, act: str, arguments: Mapping[str, object]) -> RequestPage | None:
    """What `act` would show of the profile's database, None where that has to wait for the profile."""
    limit, state = arguments.get("limit", 50), arguments.get("state", "")
    other = any(arguments.get(name) for name in ("search", "after")) or arguments.get("order", "newest") != "newest"
    plain = act == "requests list" and not other
    if not plain or not isinstance(limit, int) or not 1 <= limit <= _MOST or not isinstance(state, str):
        return None
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)) as connection:
            return _page(connection, [each for each in state.split(",") if each], limit)
    except (sqlite3.Error, OSError, ValueError):
        # whatever is wrong with it, opening the profile says it in words
        return None


def _page(connection: sqlite3.Connection, states: list[str], limit: int) -> RequestPage | None:
    connection.execute("PRAGMA query_only=ON")
    connection.execute("BEGIN")
    if connection.execute("SELECT version_num FROM alembic_version").fetchone() != (known_revisions()[-1],):
        return None
    if connection.execute(_LOCK).fetchone() == ("lock.locked",):
        return None
    by_state: dict[str, int] = dict(connection.execute(_COUNTS))
    connection.row_factory = sqlite3.Row
    rows = _rows(connection, states, limit + 1)
    more = str(rows[limit - 1].number) if len(rows) > limit else None
    total = sum(count for name, count in by_state.items() if not states or name in states)
    return RequestPage(tuple(request_row(row) for row in rows[:limit]), total, more, by_state)


def _rows(connection: sqlite3.Connection, states: list[str], limit: int) -> list[Any]:
    if not states:
        found = connection.execute(_ALL, (limit,))
    else:
        import json

        found = connection.execute(_SOME, (json.dumps(states), limit))
    return [SimpleNamespace(**dict(row)) for row in found]
