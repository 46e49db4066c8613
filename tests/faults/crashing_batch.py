"""Requests that come together, in a process that kills itself among them: run as a program, never imported.

`python crashing_batch.py DATABASE PLACE`, where PLACE is `none` or `ACT:NUMBER:WHEN`: the process ends by SIGKILL at
the NUMBERth entry of ACT, when it is about to be written (WHEN=entry), before the commit that holds it, or after it.
What the gate would have told the network by then is printed: `kept` once it may acknowledge, `opened` at the end.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from podadmin.core.clock import SystemClock
from podadmin.journal.records import Journal
from podadmin.requests import service
from podadmin.requests.grant_pins import Pins
from podadmin.requests.service import Captured, Opening
from podadmin.store.engine import Store

COUNT = 8


def captured(clock: SystemClock, number: int) -> Captured:
    body = f"body {number}".encode()
    digest = hashlib.sha256(body).hexdigest()
    return Captured("local", f"task-{number}", 2, "lab", b"wire", body, digest, clock.now(), 300.0)


def opening(request_id: str, number: int) -> Opening:
    mark = hashlib.sha256(request_id.encode()).hexdigest()
    verdict, code = ("refuse", "rule.refused") if number % 2 else ("hold", "request.undecided")
    found = ("lab", "SQL", "patients", "study", "low", "verified", mark, verdict, code, "Words")
    return Opening(*found, True, {}, mark, pins=Pins("", mark, {}), rule="rule_1" if number % 2 else "")


def go(path: Path) -> None:
    clock = SystemClock()
    store = Store.open(path, Journal(clock))
    service.capture_all(store, clock, [captured(clock, number) for number in range(COUNT)])
    print("kept", flush=True)
    waiting = service.waiting_to_open(store)
    with store.gathered():
        for request_id in waiting:
            number = int(service.find(store, request_id).row.task_id.removeprefix("task-"))
            service.record_opening(store, clock, request_id, opening(request_id, number))
    print("opened", flush=True)
    store.close()


def die_at(engine: Any, act: str, number: int, when: str) -> None:
    seen: list[str] = []

    def written(_connection: Connection, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO journal_entry") and act in parameters:
            seen.append(act)
            if when == "entry" and len(seen) == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def committed(connection: Connection) -> None:
        if len(seen) >= number:
            if when == "after":
                driver = connection.connection.dbapi_connection
                assert driver is not None
                driver.commit()
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", written)
    event.listen(engine, "commit", committed)


if __name__ == "__main__":
    if sys.argv[2] != "none":
        from sqlalchemy import Engine

        wanted, which, moment = sys.argv[2].split(":")
        die_at(Engine, wanted, int(which), moment)
    go(Path(sys.argv[1]))
