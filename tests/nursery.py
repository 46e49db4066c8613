"""Real processes of podadmin that need not import it first: each is a fork of one that has.

Half of what a command takes is importing, and the stories start hundreds of them. A nursery is one process for each
process of tests; it has one thread, opens nothing and only forks. What comes out of it is a process of its own, with
its own pid, folder, environment and streams; it can be killed as any other. What starts with the exact program of a
user, imports and all, is still shown by the first story of the command line and by every story of the desktop.
"""

from __future__ import annotations

import array
import importlib
import io
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, NoReturn, TextIO

ROOT = Path(__file__).resolve().parents[1]
_LENGTH = struct.Struct("!I")
_NUMBER = struct.Struct("!i")
_HANDLES = 3
_PRELOADED = (
    "podadmin.__main__",
    "podadmin.app.acts.registry",
    "podadmin.app.engine",
    "podadmin.cli.main",
    "podadmin.gate.gate",
    "podadmin.gate.proxy_gate",
)


# --- the side of the tests -------------------------------------------------------------------------------------------


class Process:
    """What a test needs of `subprocess.Popen`. `words`: what follows `podadmin` on the command line.

    `crash`: an act of the journal and "before" or "after"; the process kills itself there (see crashing.py).
    """

    stdout: IO[bytes] | None = None
    stderr: IO[bytes] | None = None

    def __init__(
        self,
        words: list[str],
        environment: dict[str, str],
        *,
        folder: Path | None = None,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        crash: tuple[str, str] | None = None,
    ) -> None:
        self.returncode: int | None = None
        self._lock = threading.Lock()
        told, telling = os.pipe()
        mine, theirs = [telling], [telling]
        for name, where in (("stdout", stdout), ("stderr", stderr)):
            if where == subprocess.PIPE:
                reading, where = os.pipe()
                setattr(self, name, os.fdopen(reading, "rb", buffering=0))
                mine.append(where)
            theirs.append(where)
        wanted = {"words": words, "environment": environment, "folder": str(folder or Path.cwd()), "crash": crash}
        _Nursery.asked(wanted, theirs)
        for handle in mine:
            os.close(handle)
        self._told = told
        (self.pid,) = _NUMBER.unpack(_exactly(told))

    def poll(self) -> int | None:
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(["podadmin"], timeout or 0)
        return code

    def _wait(self, seconds: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._told], [], [], seconds)[0]:
                (status,) = _NUMBER.unpack(_exactly(self._told))
                os.close(self._told)
                self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """All that it says until it ends. Raises TimeoutExpired, as Popen does; it lives on then."""
        heard = {id(stream): b"" for stream in (self.stdout, self.stderr)}
        left = [stream for stream in (self.stdout, self.stderr) if stream is not None]
        ends = None if timeout is None else time.monotonic() + timeout
        while left:
            wait = None if ends is None else max(ends - time.monotonic(), 0)
            ready = select.select(left, [], [], wait)[0]
            if not ready:
                raise subprocess.TimeoutExpired(["podadmin"], timeout or 0)
            for stream in ready:
                piece = os.read(stream.fileno(), 1 << 16)
                heard[id(stream)] += piece
                if not piece:
                    stream.close()
                    left.remove(stream)
        self.wait(None if ends is None else max(ends - time.monotonic(), 1))
        return heard[id(self.stdout)], heard[id(self.stderr)]


def run(
    words: list[str], environment: dict[str, str], timeout: float, **more: Any
) -> subprocess.CompletedProcess[bytes]:
    """`subprocess.run` of `podadmin` with these words, its output captured."""
    process = Process(words, environment, **more)
    try:
        out, err = process.communicate(timeout)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return subprocess.CompletedProcess(["podadmin", *words], process.wait(), out, err)


def _exactly(handle: int, size: int = _NUMBER.size) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(handle, size - len(data))
        assert piece, "the nursery has ended"
        data += piece
    return data


class _Nursery:
    """The one nursery of this process of tests. It ends when this process does: nobody can ask it any more."""

    _door: socket.socket | None = None
    _process: subprocess.Popen[bytes] | None = None
    _lock = threading.Lock()

    @classmethod
    def asked(cls, wanted: dict[str, Any], handles: list[int]) -> None:
        body = json.dumps(wanted).encode()
        with cls._lock:
            if cls._door is None:
                cls._door, theirs = socket.socketpair()
                with theirs:
                    cls._process = subprocess.Popen(
                        [sys.executable, "-c", "from tests.nursery import nurse; nurse()"],
                        stdin=theirs,
                        cwd=ROOT,
                        env={**os.environ, "PYTHONPATH": str(ROOT)},
                    )
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", handles))]
            cls._door.sendmsg([_LENGTH.pack(len(body))], ancillary)
            cls._door.sendall(body)


# --- the side of the nursery -----------------------------------------------------------------------------------------


def nurse() -> None:
    """Fork for everyone who asks at the socket that is standard input, until nobody can ask any more."""
    door = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name in _PRELOADED:
        importlib.import_module(name)
    from podadmin.app.acts import registry

    registry.all_acts()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those who wait for the processes need not be waited for
    while True:
        size, handles, *_ = socket.recv_fds(door, _LENGTH.size, _HANDLES)
        if not size:
            return
        body = b""
        while len(body) < _LENGTH.unpack(size)[0]:
            body += door.recv(1 << 16)
        if os.fork() == 0:
            door.close()
            _looked_after(json.loads(body), handles)
        for handle in handles:
            os.close(handle)


def _looked_after(wanted: dict[str, Any], handles: list[int]) -> None:
    """In the fork: one more fork becomes podadmin and goes on from here; this one says what became of it."""
    telling, out, err = handles
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(telling)
        _become(wanted, out, err)
    for handle in (out, err):
        os.close(handle)
    os.write(telling, _NUMBER.pack(child))
    _, status = os.waitpid(child, 0)
    os.write(telling, _NUMBER.pack(status))
    os._exit(0)


def _unbuffered(stream: TextIO) -> TextIO:
    raw = open(stream.fileno(), "wb", buffering=0, closefd=False)  # noqa: SIM115 - for as long as the process lives
    return io.TextIOWrapper(raw, stream.encoding, stream.errors, write_through=True)  # type: ignore[arg-type]


def _become(wanted: dict[str, Any], out: int, err: int) -> NoReturn:
    os.dup2(out, 1)
    os.dup2(err, 2)
    for handle in {out, err} - {1, 2}:
        os.close(handle)
    # those that the nursery was started with believe to know where they stand
    sys.stdout, sys.stderr = (_unbuffered(stream) for stream in (sys.stdout, sys.stderr))
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    os.chdir(wanted["folder"])
    sys.argv = ["podadmin", *wanted["words"]]
    if wanted["crash"]:
        from tests.faults import crashing

        crashing.arm(*wanted["crash"])
    from podadmin.__main__ import start

    start()
