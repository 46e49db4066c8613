"""How a front end reaches everything: read operations and write operations, off its own thread.

Reads run beside each other; writes run one at a time, in the order in which they were asked for. What changed is
learnt from the journal, whoever wrote it: the same feed serves this process, a second desktop and the command line.
Callbacks are called from worker threads; a front end brings them to its own. Only the standard library is imported
until `start` was called, so that a window can be painted first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from podadmin.app.options import Options, folder_of
from podadmin.core.errors import PodadminError, Unavailable
from podadmin.core.progress import Progress, Step

if TYPE_CHECKING:
    from podadmin.app.engine import Engine
    from podadmin.app.profile import Profile

WATCH_SECONDS = 0.25
READERS, LONG_READERS = 3, 2
ENGINE_WAITS_SECONDS = 2.0
LOOK_SECONDS = 0.3
FIRST_LOOKS = frozenset({"requests list"})
"""Acts that may have something to show before the profile is open (see `podadmin.app.first_look`)."""


@dataclass(frozen=True)
class Outcome:
    """How an operation ended: with a value (which may be None) or with an error.

    `early`: it was told before the profile is open, which waits until somebody says `first_look_shown`.
    """

    value: Any = None
    error: PodadminError | None = None
    early: bool = False


class Job:
    """A running operation. `step` is the last that it reported."""

    def __init__(self, title: str, listener: Callable[[Step], None] | None) -> None:
        self.title = title
        self.step: Step | None = None
        self.done = False
        self._listener = listener
        self.progress = Progress(self._report)

    def cancel(self) -> None:
        """Ask the operation to stop; it ends with `core.cancelled` unless it was finished before."""
        self.progress.cancel()

    def _report(self, step: Step) -> None:
        self.step = step
        if self._listener is not None:
            self._listener(step)


class Ops:
    """The profile and its engine behind two queues. One for each front end."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="podadmin-read")
        self._long_readers = ThreadPoolExecutor(LONG_READERS, thread_name_prefix="podadmin-long")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="podadmin-write")
        self._opened = threading.Event()
        self._closing = threading.Event()
        self._drained = threading.Event()
        self._running: set[Job] = set()
        self._watcher: threading.Thread | None = None
        self._profile: Profile | None = None
        self._engine: Engine | None = None
        self._failure: PodadminError | None = None
        self._last = 0
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self._first_read = threading.Event()
        self._none_looks = threading.Event()
        self._none_looks.set()

    def start(self) -> None:
        """Open the profile and, where no other process runs it, the engine. Returns at once."""
        self._watcher = threading.Thread(target=self._watch, name="podadmin-watch", daemon=True)
        self._watcher.start()

    def read(
        self,
        act: str,
        arguments: Mapping[str, object],
        done: Callable[[Outcome], None],
        listener: Callable[[Step], None] | None = None,
        title: str = "",
    ) -> Job:
        """Run an act that changes nothing, beside others; `done` gets its outcome.

        One that takes long (it has a `title`) has threads of its own, so that short reads never wait for it.
        """
        early = act in FIRST_LOOKS and not self._opened.is_set()
        if early:
            self._none_looks.clear()
        pool = self._long_readers if title or early else self._readers
        return self._submit(pool, Job(title or act, listener), act, arguments, done)

    def write(
        self,
        act: str,
        arguments: Mapping[str, object],
        done: Callable[[Outcome], None],
        listener: Callable[[Step], None] | None = None,
        title: str = "",
    ) -> Job:
        """Run an act that may change things, after the ones asked for before it; `done` gets its outcome."""
        return self._submit(self._writer, Job(title or act, listener), act, arguments, done)

    def first_look_shown(self) -> None:
        """What was told early is on the screen: now the profile may be opened."""
        self._none_looks.set()

    def subscribe(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Be told which kinds of thing changed (the first words of journal acts)."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Cancel what takes long, finish what was begun, stop the engine, and let go of the profile, in this order."""
        self._closing.set()
        for job in tuple(self._running):
            job.cancel()
        for pool in (self._readers, self._long_readers, self._writer):
            pool.shutdown(wait=True, cancel_futures=True)
        self._drained.set()
        self._first_read.set()
        if self._watcher is not None:
            self._watcher.join()

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        job: Job,
        act: str,
        arguments: Mapping[str, object],
        done: Callable[[Outcome], None],
    ) -> Job:
        def end(outcome: Outcome) -> None:
            self._running.discard(job)
            job.done = True
            self._first_read.set()
            if not self._closing.is_set():
                done(outcome)

        def run() -> None:
            looked = self._looked(act, arguments)
            if looked is not None:
                end(looked)
                return
            if act in FIRST_LOOKS:
                self._none_looks.set()
            end(self._outcome(act, arguments, job.progress))

        self._running.add(job)
        try:
            pool.submit(run)
        except RuntimeError:
            self._running.discard(job)
            job.done = True
            done(Outcome(error=_closed()))
        return job

    def _looked(self, act: str, arguments: Mapping[str, object]) -> Outcome | None:
        """What can be told before the profile is open."""
        if act not in FIRST_LOOKS or self._opened.is_set():
            return None
        from podadmin.app.first_look import answer

        value = answer(folder_of(self._options) / "podadmin.db", act, arguments)
        return None if value is None else Outcome(value=value, early=True)

    def _outcome(self, act: str, arguments: Mapping[str, object], progress: Progress) -> Outcome:
        self._opened.wait()
        if self._failure is not None:
            return Outcome(error=self._failure)
        if self._profile is None:
            return Outcome(error=_closed())
        from podadmin.app.acts.registry import call, find

        try:
            return Outcome(value=call(find(act), self._profile, arguments, progress))
        except PodadminError as error:
            return Outcome(error=error)
        except Exception as error:  # noqa: BLE001 - the boundary: a defect becomes an error with a code, not a dead thread
            from podadmin.app.diagnostics import unexpected

            return Outcome(error=unexpected(error, act))

    def _watch(self) -> None:
        # one processor does both: what is imported to open the profile would keep the first look from the screen
        self._none_looks.wait(LOOK_SECONDS)
        try:
            self._open()
        except PodadminError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - as above
            from podadmin.app.diagnostics import unexpected

            self._failure = unexpected(error, "opening the profile")
        finally:
            self._opened.set()
        profile = self._profile
        if profile is None:
            return
        try:
            self._follow(profile)
        finally:
            if self._engine is not None:
                self._engine.stop()
            profile.close()

    def _open(self) -> None:
        from podadmin.app.profile import open_profile

        self._profile = open_profile(self._options)
        self._profile.presence.window = True
        self._profile.engine_comes = not self._profile.auditor
        self._last = self._profile.last_entry()

    def _follow(self, profile: Profile) -> None:
        self._tell(frozenset({"profile"}))
        # what the engine imports would keep the first data from the screen: it starts when that is there
        self._first_read.wait(ENGINE_WAITS_SECONDS)
        if not profile.auditor:
            self._begin_engine(profile)
        while not self._drained.wait(WATCH_SECONDS):
            with suppress(PodadminError):
                entries = profile.entries_since(self._last)
                if entries:
                    self._last = entries[-1].seq
                    if any(entry.act.startswith("lock.") for entry in entries):
                        profile.presence.refresh()
                    self._tell(frozenset(entry.act.partition(".")[0] for entry in entries))
            if self._engine is not None and self._engine.news.is_set():
                self._engine.news.clear()
                self._tell(frozenset({"gate"}))

    def _begin_engine(self, profile: Profile) -> None:
        from podadmin.app.engine import Engine

        self._engine = Engine(profile)
        self._engine.start()
        profile.engine = self._engine

    def _tell(self, kinds: frozenset[str]) -> None:
        for listener in tuple(self._listeners):
            listener(kinds)


def _closed() -> Unavailable:
    return Unavailable(
        "app.closing", "This was not done.", "podadmin is closing its profile.", "Start podadmin again and repeat it."
    )
