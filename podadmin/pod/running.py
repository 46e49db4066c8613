"""Processes of a pod: whether they run, what they use, how they are ended with their children, and a free port.

Of a child and of one that an earlier life of this application has left behind alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Protocol

from podadmin.core.errors import Unavailable
from podadmin.pod.output import Doing


class Running(Protocol):
    """What is looked after: a child of this process, or one that was left behind."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def kill(self) -> None: ...


class Adopted:
    """A process that is no child of this one."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._gone = (psutil.NoSuchProcess, psutil.AccessDenied)
        self._zombie = psutil.STATUS_ZOMBIE
        self.pid = pid
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self._process = None

    @property
    def returncode(self) -> int | None:
        """None while it runs; how it ended is not known."""
        try:
            alive = self._process is not None and self._process.is_running() and self._process.status() != self._zombie
        except self._gone:
            alive = False
        return None if alive else 0

    async def wait(self) -> int:
        while self.returncode is None:  # noqa: ASYNC110 - only its parent is told of its end
            await asyncio.sleep(0.1)
        return 0

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(*self._gone):
                self._process.kill()


def left_behind(doing: Doing, mark: str) -> bool:
    """Does the process that was told of still run, and is it the pod? Its command line names `mark`, a file of ours."""
    import psutil

    if doing.pid is None:
        return False
    try:
        return any(mark in part for part in psutil.Process(doing.pid).cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


async def end_left(left: Doing) -> None:
    """End a pod that was left behind, with all of its children."""
    if left.pid is not None:
        process = Adopted(left.pid)
        signal_all(left.pid, hard=False)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5.0)
        signal_all(left.pid, hard=True)


class Uses:
    """What a process and its children use. Ask again after a while: the first figure of the processor is nothing."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._psutil = psutil
        self._known: dict[int, psutil.Process] = {}
        self._pid = pid

    def now(self) -> tuple[float | None, int | None]:
        """Percent of one core since the last look, and bytes of memory; None where the process is gone."""
        gone = (self._psutil.NoSuchProcess, self._psutil.AccessDenied, self._psutil.ZombieProcess)
        cpu, memory = 0.0, 0
        try:
            first = self._known.setdefault(self._pid, self._psutil.Process(self._pid))
            living = [first, *first.children(recursive=True)]
        except gone:
            return None, None
        for each in living:
            known = self._known.setdefault(each.pid, each)
            try:
                cpu += known.cpu_percent(None)
                memory += known.memory_info().rss
            except gone:
                self._known.pop(each.pid, None)
        return cpu, memory


def signal_all(pid: int, *, hard: bool) -> None:
    """Signal the process group of the pod, which has one of its own. What is gone already is no matter."""
    if sys.platform == "win32":  # pragma: no cover - exercised on Windows only
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            for each in (*process.children(recursive=True), process):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill() if hard else each.terminate()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL if hard else signal.SIGTERM)


def free_port(wanted: Sequence[int] = ()) -> int:
    """A port of the loopback address that nobody uses now: the first of `wanted` that is free, else any."""
    import socket

    for port in (*wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise Unavailable(
        "pod.no-port",
        "The pod could not be started.",
        "This computer has no free port for its control server.",
        "Close other programs, then try again.",
    )
