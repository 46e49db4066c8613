"""Keeps a pod of the network's own software running: starts it, hears it, looks after it, starts it again, stops it.

The built-in worker has its own (`supervise`): it ends with this application and is told everything through a pipe.
This one is a stranger's program. It gets an environment and a command line, is asked by its control server how it is,
and is ended as a whole, its children too. Its key is lent to it for each start and taken back when it has read it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from podadmin.core.clock import Clock
from podadmin.core.errors import PodadminError, Unavailable
from podadmin.core.secret import Secret
from podadmin.pod.control import ControlClient, Health
from podadmin.pod.output import Doing, Line
from podadmin.pod.running import Adopted, Running, Uses, signal_all
from podadmin.pod.supervise import lines_of, pause_after

log = logging.getLogger("podadmin.pod")

STOP_SECONDS = 20.0
"""A pod tells the hub that it goes; that takes a while."""
LOOK_SECONDS = 5.0
READ_SECONDS = 180.0
"""How long the key is there for a pod that does not read it: a slow disk, a cold start."""
STEADY_SECONDS = 300.0
"""A pod that ran so long before it died has earned a quick start."""
LENT = "{lent}"
"""Stands in a command line for the folder in which the key lies for the start."""
HINDERED_SECONDS = 2.0
_LIMIT = 256 * 1024
_LOOK = "It is started again by itself. Look at its output."


@dataclass(frozen=True)
class Start:
    """What one start takes. `secrets` go into the environment and nowhere else. `folder`: where it is started."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    secrets: Mapping[str, Secret[str]]
    folder: Path
    port: int

    def __repr__(self) -> str:
        return f"Start({self.arguments!r}, port={self.port})"


class Loan:
    """The pod's key while it is there to be read; `was_read` says whether it was. `storage`: the folder it lies in."""

    storage: Path | str = ""

    def was_read(self) -> bool:
        return True


Lender = Callable[[], AbstractAsyncContextManager[Loan]]


@contextlib.asynccontextmanager
async def nothing_lent() -> AsyncIterator[Loan]:
    """For a pod that has its key already."""
    yield Loan()


class SupervisedPod:
    """One pod. Use it from one event loop.

    `prepare` makes each start anew (a port, the environment as it is then) and may raise PodadminError: then it is
    tried again later, and `doing` says why. `changed` is called with every new state, `heard` with every line. `left`
    is a pod that an earlier life of this application started and that still runs: it is looked after, not started anew.
    """

    def __init__(
        self,
        prepare: Callable[[], Awaitable[Start]],
        lend: Lender,
        heard: Callable[[str], Line],
        changed: Callable[[Doing], None],
        clock: Clock,
        *,
        pause: Callable[[int], float] = pause_after,
        look_seconds: float = LOOK_SECONDS,
        stop_seconds: float = STOP_SECONDS,
        settle_seconds: float = 1.0,
        read_seconds: float = READ_SECONDS,
        left: Doing | None = None,
    ) -> None:
        self._prepare = prepare
        self._lend = lend
        self._heard = heard
        self._changed = changed
        self._clock = clock
        self._pause = pause
        self._look_seconds = look_seconds
        self._stop_seconds = stop_seconds
        self._settle_seconds = settle_seconds
        self._read_seconds = read_seconds
        self._left = left
        self._keeper: asyncio.Task[None] | None = None
        self.doing = Doing()

    def start(self) -> None:
        """Begin to keep the pod running; returns at once. Nothing happens where that is done already."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the pod and all of its children, and do not start it again."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        self._show(Doing(deaths=self.doing.deaths))

    def _show(self, doing: Doing) -> None:
        self.doing = replace(doing, looked_at=self._clock.now())
        self._changed(self.doing)

    async def _keep(self) -> None:
        deaths = hindrances = 0
        while True:
            began = self._clock.monotonic()
            try:
                left, self._left = self._left, None
                words = await self._adopt(left) if left is not None else await self._live(await self._prepare(), deaths)
            except PodadminError as error:
                # nothing ran: what stands in the way can be gone at any moment, and looking costs little
                hindrances += 1
                log.warning("the pod was not started: %s", error.code)
                doing = Doing("hindered", deaths=deaths, words=f"{error.what} {error.why}", next_step=error.next_step)
                self._show(doing)
                await asyncio.sleep(min(self._pause(hindrances), HINDERED_SECONDS))
                continue
            hindrances = 0
            deaths = 1 if self._clock.monotonic() - began >= STEADY_SECONDS else deaths + 1
            self._show(Doing("waiting", deaths=deaths, words=words, next_step=_LOOK))
            await asyncio.sleep(self._pause(deaths))

    async def _live(self, start: Start, deaths: int) -> str:
        """One life of the pod, from its start to its end; why it ended, in words."""
        async with contextlib.AsyncExitStack() as lent:
            loan = await lent.enter_async_context(self._lend())
            process = await self._spawn(start, loan)
            listening = asyncio.create_task(self._listen(process))
            first = Doing("starting", process.pid, self._clock.now(), start.port, deaths=deaths, behind_gate=True)
            self._show(first)
            try:
                await self._until_read(process, loan, start.port)
                await lent.aclose()
                await self._attend(process, start.port)
                await listening
            finally:
                await self._end(process)
                listening.cancel()
        return f"The pod ended by itself, with the number {process.returncode}."

    async def _adopt(self, left: Doing) -> str:
        """The rest of the life of a pod that was started before; what it says is not heard any more."""
        assert left.pid is not None
        process = Adopted(left.pid)
        self._show(replace(left, words="It was started by an earlier podadmin, which ended. Its output is not heard."))
        try:
            await self._attend(process, left.port)
        finally:
            await self._end(process)
        return "The pod, which an earlier podadmin had started, has ended."

    async def _spawn(self, start: Start, loan: Loan) -> asyncio.subprocess.Process:
        arguments = [part.replace(LENT, str(loan.storage)) for part in start.arguments]
        secrets = {name: secret.reveal() for name, secret in start.secrets.items()}
        try:
            return await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**start.environment, **secrets},
                cwd=start.folder,
                limit=_LIMIT,
                start_new_session=sys.platform != "win32",
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else None
            raise Unavailable(
                "pod.not-started",
                "The pod could not be started.",
                f"The operating system did not start its program: {why or type(error).__name__}.",
                "Check the command with which it is started, and that its software is installed.",
            ) from error

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in lines_of(process.stdout):
            try:
                self._heard(line.decode("utf-8", "replace"))
            except OSError as error:
                # a full disk must not stop the pod, and its pipe has to be emptied all the same
                log.warning("a line of the pod's output was not kept: %s", error.strerror)

    async def _until_read(self, process: asyncio.subprocess.Process, loan: Loan, port: int) -> None:
        """Wait until the pod has its key, or stop: it would make another. Raises Unavailable (`pod.key-not-read`)."""
        end = self._clock.monotonic() + self._read_seconds
        while process.returncode is None:
            if loan.was_read() or await _is_ready(port):
                # the public half is read right after the private one
                await asyncio.sleep(self._settle_seconds)
                return
            if self._clock.monotonic() > end:
                raise Unavailable(
                    "pod.key-not-read",
                    "The pod was stopped again.",
                    "It did not read its key in time; without it, it would make a new identity without asking.",
                    "Check that its name and owner here are those in its configuration, and look at its output.",
                )
            await asyncio.sleep(min(0.1, self._look_seconds))

    async def _attend(self, process: Running, port: int) -> None:
        """Look after the pod until it ends."""
        control = ControlClient(port)
        uses = Uses(process.pid)
        was_ready = False
        while process.returncode is None:
            try:
                health: Health | None = await control.health()
            except PodadminError:
                health = None
            ready = health is not None and health.ready
            was_ready = was_ready or ready
            cpu, memory = await asyncio.to_thread(uses.now)
            state = "ready" if ready else "unready" if was_ready else "starting"
            words = health.ehr_words if health is not None else ""
            if was_ready and health is None:
                words = "It does not answer on its control server."
            self._show(
                replace(
                    self.doing, state=state, cpu=cpu, memory=memory, words=words,
                    ehr=health.ehr if health else None,
                )
            )  # fmt: skip
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self._look_seconds)

    async def _end(self, process: Running) -> None:
        if process.returncode is not None:
            signal_all(process.pid, hard=True)
            return
        signal_all(process.pid, hard=False)
        try:
            await asyncio.wait_for(process.wait(), self._stop_seconds)
        except TimeoutError:
            log.warning("the pod did not end when it was asked to")
        finally:
            signal_all(process.pid, hard=True)
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


async def _is_ready(port: int) -> bool:
    try:
        return (await ControlClient(port).health()).ready
    except PodadminError:
        return False
