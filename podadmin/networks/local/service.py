"""The local network seen from the program that wants one: start its process, know where it is, stop it."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from podadmin.core import own_process
from podadmin.core.errors import Unavailable
from podadmin.networks.local.address import Address, read_address

START_SECONDS = 30.0
STOP_SECONDS = 5.0


class LocalNetwork:
    """The process of the network in `folder`. It ends with this program: its standard input is a pipe from here.

    Safe to use from any thread; `start` blocks until the network serves (about a second).
    """

    def __init__(self, folder: Path, *, start_seconds: float = START_SECONDS) -> None:
        self.folder = folder
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def address(self) -> Address:
        """Where it listens, or listened the last time. Raises NotFound `local.no-address`."""
        return read_address(self.folder)

    def start(self) -> Address:
        """Start the process where it does not run yet. On a restart the ports are those of before.

        Raises Unavailable `local.not-started`, `local.too-slow` and what the process itself reports: `local.folder`,
        `local.store`, `local.port-taken`, `local.failed`.
        """
        with self._lock:
            if self.running:
                return self.address
            try:
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                with (self.folder / "network.log").open("ab") as log:
                    self._process = subprocess.Popen(
                        self.command(),
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=log,
                        env=own_process.environment(PYTHONUNBUFFERED="1"),
                    )
            except OSError:
                raise _failed(
                    "not-started", "The program could not be started, or its folder cannot be written."
                ) from None
            try:
                self._await_ready(self._process)
            except BaseException:
                self._end(self._process)
                self._process = None
                raise
            return self.address

    def command(self) -> Sequence[str]:
        """What is started."""
        return [*own_process.command("podadmin.networks.local"), "--folder", str(self.folder), "--parent-pipe"]

    def stop(self) -> None:
        """End the process; it keeps what it has. Nothing happens where it does not run."""
        with self._lock:
            if self._process is not None:
                self._end(self._process)
                self._process = None

    def __enter__(self) -> LocalNetwork:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        lines: queue.Queue[bytes] = queue.Queue()
        assert process.stdout is not None  # Popen was asked for a pipe
        reader = threading.Thread(target=_read_line, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            line = lines.get(timeout=self._start_seconds)
        except queue.Empty:
            raise _failed("too-slow", f"It did not start within {self._start_seconds:g} seconds.") from None
        try:
            said = json.loads(line)
        except ValueError:
            said = {}
        if not isinstance(said, dict) or "ready" not in said:
            error = said.get("error") if isinstance(said, dict) else None
            if isinstance(error, dict) and {"code", "what", "why", "next_step"} <= set(error):
                raise Unavailable(error["code"], error["what"], error["why"], error["next_step"])
            raise _failed("failed", "Its process ended before it could serve.")

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _read_line(stream: IO[bytes], lines: queue.Queue[bytes]) -> None:
    try:
        lines.put(stream.readline())
    except ValueError:  # closed meanwhile: nobody waits any more
        lines.put(b"")


def _failed(code: str, why: str) -> Unavailable:
    return Unavailable(
        f"local.{code}",
        "The local network did not start.",
        why,
        "Look into network.log in its folder, then try again.",
    )
