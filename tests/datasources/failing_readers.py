"""Processes that a file called poison brings down or keeps for ever. They import next to nothing: each is spawned."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection

from podadmin.datasources.header_pool import READY, Order


def dies_of_some(connection: Connection, order: Order) -> None:
    """Ends as a process does whose library cannot stand a file."""
    connection.send(READY)
    while (asked := connection.recv()) is not None:
        if any(b"poison" in path for _, path, _ in asked):
            os.kill(os.getpid(), signal.SIGKILL)
        connection.send([(number, "", 0, "tx", b"12345678", (), ()) for number, _, _ in asked])


def hangs_on_some(connection: Connection, order: Order) -> None:
    """Waits as a process does for a file on a share that is gone."""
    connection.send(READY)
    while (asked := connection.recv()) is not None:
        if any(b"poison" in path for _, path, _ in asked):
            signal.pause()
        connection.send([(number, "", 0, "tx", b"12345678", (), ()) for number, _, _ in asked])
