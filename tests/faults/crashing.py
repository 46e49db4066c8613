"""A process that kills itself at one commit, in the process of its own that the nursery makes for it.

It ends by SIGKILL when the transaction that records an act is about to be committed, or has just been. The product
knows nothing of it: SQLAlchemy tells. What a gate before it had handed out, it hands out again after REDELIVER_SECONDS
and not after half a minute.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from sqlalchemy import Connection, Engine, event

REDELIVER_SECONDS = 3.0


def arm(act: str, when: str) -> None:
    """Die at the next commit that records `act`; `when`: "before" or "after"."""
    from podadmin.gate.delivery import Deliveries

    Deliveries.redeliver_seconds = REDELIVER_SECONDS
    pending: dict[int, set[str]] = {}

    @event.listens_for(Engine, "before_cursor_execute")
    def noticed(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO journal_entry"):
            values = parameters if isinstance(parameters, tuple) else tuple(parameters.values())
            pending.setdefault(id(connection), set()).update(str(value) for value in values)

    @event.listens_for(Engine, "rollback")
    def forgotten(connection: Connection) -> None:
        pending.pop(id(connection), None)

    @event.listens_for(Engine, "commit")
    def at_commit(connection: Connection) -> None:
        if act not in pending.pop(id(connection), set()):
            return
        if when == "after":
            driver = connection.connection.dbapi_connection
            assert driver is not None
            driver.commit()
        os.kill(os.getpid(), signal.SIGKILL)
