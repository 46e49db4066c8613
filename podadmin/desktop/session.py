"""How pages reach the acts of the application: reads, writes and news of change, always on the Qt thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QTimer
from shiboken6 import isValid

from podadmin.core.errors import PodadminError
from podadmin.core.progress import Step
from podadmin.desktop.dispatch import Dispatcher

if TYPE_CHECKING:
    from podadmin.app.ops import Job, Ops, Outcome
    from podadmin.app.options import Options

_SHOWN_MS: Final = 60
_PAGE_MS: Final = 1000
"""So long the profile waits for the first page at the most."""
Success = Callable[[Any], object]
Failure = Callable[[PodadminError], object]


class RunningJob:
    """A piece of work as the desktop sees it. Lives on the Qt thread; plain Python, owns nothing of Qt."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.step: Step | None = None
        self.done = False
        self.cancelled = False
        self._started = perf_counter()
        self._job: Job | None = None
        self._watchers: list[tuple[QObject, Callable[[], object]]] = []

    @property
    def fraction(self) -> float | None:
        """How far it is, 0.0 to 1.0; None where nobody can honestly say."""
        return self.step.fraction if self.step is not None else None

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the pace so far; None before there is a pace to speak of."""
        fraction, passed = self.fraction, perf_counter() - self._started
        if fraction is None or fraction < 0.05 or passed < 1.0:
            return None
        return passed * (1.0 - fraction) / fraction

    def cancel(self) -> None:
        """Ask it to stop."""
        self.cancelled = True
        if self._job is not None:
            self._job.cancel()
        self._tell()

    def watch(self, owner: QObject, callback: Callable[[], object]) -> None:
        """Call back at every step and at the end, while `owner` lives."""
        self._watchers.append((owner, callback))

    def attach(self, job: Job) -> None:
        """The real work has begun."""
        self._job = job
        if self.cancelled:
            job.cancel()

    def move(self, step: Step) -> None:
        """The work has told how far it is."""
        self.step = step
        self._tell()

    def end(self) -> None:
        """The work is over, however it went."""
        self.done = True
        self._tell()

    def _tell(self) -> None:
        self._watchers = [(owner, callback) for owner, callback in self._watchers if isValid(owner)]
        for _, callback in self._watchers:
            callback()


class _Answer:
    """What is done with an answer, and the answer once it is there."""

    def __init__(self, arrived: Callable[[Outcome], None]) -> None:
        self.arrived = arrived
        self.outcome: Outcome | None = None


class Session:
    """Wraps `podadmin.app.ops.Ops`. Usable before `start`: what is asked meanwhile waits for it."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._ops: Ops | None = None
        self._opening: QTimer | None = None
        self._waiting: list[Callable[[], None]] = []
        self._listeners: list[tuple[QObject, frozenset[str], Callable[[], object]]] = []
        self._job_listeners: list[tuple[QObject, Callable[[], object]]] = []
        self._news: set[str] = set()
        self._answers: dict[tuple[int, str, str], deque[_Answer]] = {}
        self.jobs: list[RunningJob] = []
        self.prover: Callable[[Callable[[], None], Callable[[], None]], None] | None = None
        """Asks a person who they are, then calls the first of two: go on, or give up (`lock.proof-needed`)."""

    def start(self, options: Options, page_comes: bool = False) -> None:
        """Open the profile and the engine in the background, then begin what was asked for meanwhile.

        Where a page comes, part by part, they are opened when it is there (`page_is_there`): both need the same
        processor, and what the page asks first may be told before anything is open (`podadmin.app.first_look`).
        """
        from podadmin.app.ops import Ops

        ops = Ops(options)
        ops.subscribe(self._heard)
        self._ops = ops
        waiting, self._waiting = self._waiting, []
        for begin in waiting:
            begin()
        if not page_comes:
            ops.start()
            return
        self._opening = QTimer(self._dispatcher)
        self._opening.setSingleShot(True)
        self._opening.timeout.connect(self.page_is_there)
        self._opening.start(_PAGE_MS)

    def page_is_there(self) -> None:
        """The first page is complete and has asked what it shows; later ones change nothing."""
        opening, self._opening = self._opening, None
        if opening is not None and self._ops is not None:
            opening.stop()
            opening.deleteLater()
            self._ops.start()

    def close(self) -> None:
        """Stop the engine. Results that come later are dropped."""
        self._dispatcher.close()
        if self._ops is not None:
            self._ops.close()
            self._ops = None

    def read(
        self,
        owner: QObject,
        act: str,
        arguments: Mapping[str, object],
        success: Success,
        failure: Failure | None = None,
        title: str = "",
        progress: Callable[[Step], object] | None = None,
    ) -> RunningJob:
        """Ask for something. Exactly one of `success` and `failure` is called, if `owner` still lives then.

        With a `title` it is work that takes long: the status line shows it, its progress and Cancel. Where the same is
        asked again before the answer is there, the answers come in the order of the questions: the last is the newest.
        """
        job = RunningJob(title)
        asked = dict(arguments)

        def begin() -> None:
            if self._ops is not None:
                done = self._in_order((id(owner), act, repr(asked)), owner, job, success, failure, begin)
                job.attach(self._ops.read(act, asked, done, self._moving(owner, job, progress), title))

        if title:
            self.jobs.append(job)
            self._jobs_changed()
        self._begin(begin)
        return job

    def write(
        self,
        owner: QObject,
        act: str,
        arguments: Mapping[str, object],
        success: Success | None = None,
        failure: Failure | None = None,
        title: str = "",
        progress: Callable[[Step], object] | None = None,
    ) -> RunningJob:
        """Change something. With a `title` the status line shows the job, its progress and Cancel."""
        job = RunningJob(title)
        asked = dict(arguments)

        def begin() -> None:
            if self._ops is not None:
                done = self._posting(self._returning(owner, job, success, failure, begin))
                job.attach(self._ops.write(act, asked, done, self._moving(owner, job, progress), title))

        self.jobs.append(job)
        self._jobs_changed()
        self._begin(begin)
        return job

    def _moving(
        self, owner: QObject, job: RunningJob, progress: Callable[[Step], object] | None
    ) -> Callable[[Step], None]:
        def moved(step: Step) -> None:
            def show() -> None:
                job.move(step)
                if progress is not None and isValid(owner):
                    progress(step)

            self._dispatcher.post(self._dispatcher, show)

        return moved

    def on_change(self, owner: QObject, kinds: Iterable[str], callback: Callable[[], object]) -> None:
        """Call back on the Qt thread when something of these kinds has changed, while `owner` lives."""
        self._listeners.append((owner, frozenset(kinds), callback))

    def on_jobs(self, owner: QObject, callback: Callable[[], object]) -> None:
        """Call back when a job begins or ends, while `owner` lives."""
        self._job_listeners.append((owner, callback))

    def shown_jobs(self) -> list[RunningJob]:
        """The running jobs that have a title."""
        return [job for job in self.jobs if job.title and not job.done]

    def _begin(self, begin: Callable[[], None]) -> None:
        if self._ops is None:
            self._waiting.append(begin)
        else:
            begin()

    def _returning(
        self,
        owner: QObject,
        job: RunningJob,
        success: Success | None,
        failure: Failure | None,
        again: Callable[[], None],
    ) -> Callable[[Outcome], None]:
        def arrived(outcome: Outcome) -> None:
            """On the Qt thread."""
            needed = outcome.error is not None and outcome.error.code == "lock.proof-needed"
            if needed and self.prover is not None and isValid(owner):
                self.prover(again, lambda: ended(outcome))
            else:
                ended(outcome)
            if outcome.early and self._ops is not None:
                # when what was told is painted and can be read out, and not before: opening takes the processor
                QTimer.singleShot(_SHOWN_MS, self._dispatcher, self._ops.first_look_shown)

        def ended(outcome: Outcome) -> None:
            job.end()
            if job in self.jobs:
                self.jobs.remove(job)
                self._jobs_changed()
            if not isValid(owner):
                return
            if outcome.error is None:
                if success is not None:
                    success(outcome.value)
            elif failure is not None:
                failure(outcome.error)

        return arrived

    def _in_order(
        self,
        question: tuple[int, str, str],
        owner: QObject,
        job: RunningJob,
        success: Success,
        failure: Failure | None,
        again: Callable[[], None],
    ) -> Callable[[Outcome], None]:
        """As `_returning`, after the answers to the same question that was asked sooner: readers work side by side."""
        answer = _Answer(self._returning(owner, job, success, failure, again))
        self._answers.setdefault(question, deque()).append(answer)

        def arrived(outcome: Outcome) -> None:
            answer.outcome = outcome
            waiting = self._answers[question]
            ready: list[Callable[[], None]] = []
            while waiting and (found := waiting[0].outcome) is not None:
                ready.append(partial(waiting.popleft().arrived, found))
            if not waiting:
                del self._answers[question]
            # each in a turn of its own: one that fails keeps no other back
            for each in ready:
                self._dispatcher.post(self._dispatcher, each)

        return self._posting(arrived)

    def _posting(self, arrived: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
        return lambda outcome: self._dispatcher.post(self._dispatcher, lambda: arrived(outcome))

    def _heard(self, kinds: frozenset[str]) -> None:
        """On a worker thread."""
        self._dispatcher.post(self._dispatcher, lambda: self._gather(kinds))

    def _gather(self, kinds: frozenset[str]) -> None:
        """News that comes in a burst is told once."""
        if not self._news:
            self._dispatcher.post(self._dispatcher, self._tell)
        self._news |= kinds

    def _tell(self) -> None:
        news, self._news = frozenset(self._news), set()
        self._listeners = [entry for entry in self._listeners if isValid(entry[0])]
        for owner, kinds, callback in list(self._listeners):
            if kinds & news and isValid(owner):
                callback()

    def _jobs_changed(self) -> None:
        self._job_listeners = [entry for entry in self._job_listeners if isValid(entry[0])]
        for _, callback in list(self._job_listeners):
            callback()
