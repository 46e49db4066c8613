"""Processes of the real software: started, waited for by what they say, ended with everything that they started."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

END_SECONDS = 20.0


class Process:
    """One process in a session of its own, whose output is kept line by line. Use it as a context.

    `name` is for messages. `variables` is its whole environment.
    """

    def __init__(self, name: str, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        self.name = name
        self.variables = dict(variables)
        folder.mkdir(parents=True, exist_ok=True)
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._log = (folder / f"{name}.log").open("a", encoding="utf-8")
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            command, cwd=folder, env=dict(variables), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._log.write(f"{time.monotonic() - self.started:8.2f} {line}")
                self._log.flush()
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def says(self, pattern: str, seconds: float, after: int = 0) -> re.Match[str]:
        """The first line from number `after` on in which the pattern is found; fails when the process ends or time is
        up before."""
        wanted, ends, seen = re.compile(pattern), time.monotonic() + seconds, after
        while True:
            with self._changed:
                for line in self.lines[seen:]:
                    found = wanted.search(line)
                    if found:
                        return found
                seen = len(self.lines)
                left = ends - time.monotonic()
                assert self._reader.is_alive(), f"{self.name} ended and never said {pattern!r}:\n{self.tail()}"
                assert left > 0, f"{self.name} did not say {pattern!r} in {seconds:g} s:\n{self.tail()}"
                self._changed.wait(left)

    def said(self, pattern: str) -> list[str]:
        """Every line so far in which the pattern is found."""
        with self._changed:
            return [line for line in self.lines if re.search(pattern, line)]

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.lines[-lines:])

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def ends(self, seconds: float) -> int:
        """Its exit code, when it has ended by itself."""
        code = self._process.wait(seconds)
        self._reader.join(END_SECONDS)
        return code

    def kill(self) -> None:
        """End it at once, with its children, as a power cut does."""
        self._signal(signal.SIGKILL)
        self._process.wait(END_SECONDS)
        self._reader.join(END_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.running:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        self.kill()
        self._log.close()
