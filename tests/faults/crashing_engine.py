"""The real command line, in a process that kills itself at one commit: run as a program, never imported.

CRASH_ACT names an act of the journal; the process ends by SIGKILL when the transaction that records it is about to be
committed (CRASH_WHEN=before) or has just been (CRASH_WHEN=after). The product knows nothing of it: SQLAlchemy tells.
What a gate before it had handed out, it hands out again after REDELIVER_SECONDS and not after half a minute.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from sqlalchemy import Connection, Engine, event

REDELIVER_SECONDS = 3.0
ACT, WHEN = os.environ["CRASH_ACT"], os.environ["CRASH_WHEN"]
_pending: dict[int, set[str]] = {}


@event.listens_for(Engine, "before_cursor_execute")
def _noticed(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
    if statement.startswith("INSERT INTO journal_entry"):
        values = parameters if isinstance(parameters, tuple) else tuple(parameters.values())
        _pending.setdefault(id(connection), set()).update(str(value) for value in values)


@event.listens_for(Engine, "rollback")
def _forgotten(connection: Connection) -> None:
    _pending.pop(id(connection), None)


@event.listens_for(Engine, "commit")
def _at_commit(connection: Connection) -> None:
    if ACT not in _pending.pop(id(connection), set()):
        return
    if WHEN == "after":
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.commit()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    from podadmin.__main__ import main
    from podadmin.gate.delivery import Deliveries

    Deliveries.redeliver_seconds = REDELIVER_SECONDS
    sys.exit(main(sys.argv[1:]))
