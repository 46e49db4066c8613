"""Keeps the built-in pod running: starts it, listens to it, starts it again when it dies, ends it.

The configuration with its secrets is held in memory only and travels through a pipe (see `config`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from podadmin.core import own_process
from podadmin.core.errors import Unavailable
from podadmin.core.text import stranger
from podadmin.pod.config import PodConfig

log = logging.getLogger(__name__)

Event = Mapping[str, str]
READY_SECONDS = 30.0
STOP_SECONDS = 5.0
LONGEST_PAUSE = 60.0

_MAX_EVENT = 64 * 1024


def pause_after(deaths: int) -> float:
    """Seconds before the next start after so many deaths in a row (one or more): 1, 2, 4, … 60."""
    return min(2.0 ** min(deaths - 1, 10), LONGEST_PAUSE)


class BuiltInPod:
    """One supervised process. Use it from one event loop.

    `events` is called in that loop with every event of the process (see `process`) and with
    `died {words}` and `restarted`, which are the supervisor's own.
    """

    def __init__(
        self,
        events: Callable[[Event], None],
        *,
        argv: Sequence[str] | None = None,
        ready_seconds: float = READY_SECONDS,
        pause: Callable[[int], float] = pause_after,
    ) -> None:
        self._events = events
        self._argv = tuple(argv if argv is not None else own_process.command("podadmin.pod.process"))
        self._ready_seconds = ready_seconds
        self._pause = pause
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._words: deque[str] = deque(maxlen=20)

    @property
    def running(self) -> bool:
        """Is the process alive and connected to the gate?"""
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """The number of the process, or None where there is none."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    @property
    def last_words(self) -> str:
        """The end of the process's log, safe to show; it holds no data."""
        return "\n".join(self._words)

    async def start(self, config: PodConfig) -> None:
        """Start, and return when the pod is connected to the gate.

        Raises Unavailable `pod.not-ready` where that takes too long or the process dies before, `pod.not-started`
        where the machine does not start it.
        """
        await self.stop()
        process = await self._spawn(config)
        waiting = [asyncio.ensure_future(self._ready.wait()), asyncio.ensure_future(process.wait())]
        listening = asyncio.create_task(self._listen(process))
        done, _ = await asyncio.wait(waiting, timeout=self._ready_seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
        if waiting[0] not in done:
            await self._end(process)
            await listening
            raise Unavailable(
                "pod.not-ready",
                "The built-in pod did not start.",
                "It ended, or it did not reach the gate in time.",
                "Look at its last words, and start it again.",
            )
        self._keeper = asyncio.create_task(self._keep(config, process, listening))

    async def stop(self) -> None:
        """End the process, and do not start it again."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._process is not None:
            await self._end(self._process)
            self._process = None

    async def _spawn(self, config: PodConfig) -> asyncio.subprocess.Process:
        self._ready.clear()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=own_process.environment(GRPC_VERBOSITY="NONE"),
                limit=_MAX_EVENT,
            )
        except OSError:
            raise Unavailable(
                "pod.not-started",
                "The built-in pod could not be started.",
                "This machine did not start its process.",
                "Install the application again.",
            ) from None
        self._process = process
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):  # it has died already: the waiting side notices
            process.stdin.write(config.line())
            await process.stdin.drain()
        return process

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        await asyncio.gather(self._hear(process.stdout), self._note(process.stderr))

    async def _hear(self, stream: asyncio.StreamReader) -> None:
        async for line in lines_of(stream):
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if not isinstance(event, dict) or not all(isinstance(value, str) for value in event.values()):
                log.warning("the built-in pod said something that is not an event")
                continue
            if event.get("event") == "ready":
                self._ready.set()
            if event.get("event") == "stopped":
                self._words.append(stranger(str(event.get("words", "")), 500))
            self._events(event)

    async def _note(self, stream: asyncio.StreamReader) -> None:
        async for line in lines_of(stream):
            self._words.append(stranger(line.decode("utf-8", "replace").rstrip(), 500))

    async def _keep(
        self, config: PodConfig, process: asyncio.subprocess.Process, listening: asyncio.Task[None]
    ) -> None:
        deaths = 0
        while True:
            await listening
            await process.wait()
            deaths = 1 if self._ready.is_set() else deaths + 1
            self._ready.clear()
            self._events({"event": "died", "words": self.last_words})
            await asyncio.sleep(self._pause(deaths))
            try:
                process = await self._spawn(config)
            except Unavailable as error:
                log.warning("the built-in pod: %s", error.code)
                continue
            self._events({"event": "restarted"})
            listening = asyncio.create_task(self._listen(process))

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        self._ready.clear()
        if process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


async def lines_of(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream until its end. One that is longer than the reader's limit is passed over."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # longer than any event: passed over
            continue
        if not line:
            return
        yield line
