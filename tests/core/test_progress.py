"""Long work can be followed and stopped from any thread, once."""

from __future__ import annotations

import threading

import pytest

from podadmin.core.errors import Cancelled
from podadmin.core.progress import Progress, Step


def test_steps_reach_the_listener_in_order() -> None:
    steps: list[Step] = []
    progress = Progress(steps.append)
    progress.report("Reading")
    progress.report("Reading", 0.5)
    assert steps == [Step("Reading", None), Step("Reading", 0.5)]
    Progress().report("Nobody listens")
    assert len(steps) == 2


def test_cancelled_work_ends_at_its_next_step_and_tells_nobody() -> None:
    steps: list[Step] = []
    progress = Progress(steps.append)
    assert not progress.cancelled
    progress.check()
    progress.cancel()
    assert progress.cancelled
    for act in (progress.check, lambda: progress.report("Reading", 0.5)):
        with pytest.raises(Cancelled) as caught:
            act()
        assert caught.value.code == "core.cancelled"
    assert steps == []


def test_work_in_another_thread_is_cancelled_from_this_one() -> None:
    progress, began, ended = Progress(), threading.Event(), threading.Event()
    interrupted: list[str] = []

    def work() -> None:
        wake = threading.Event()
        progress.on_cancel(wake.set)
        began.set()
        assert wake.wait(60)
        try:
            progress.check()
        except Cancelled as error:
            interrupted.append(error.code)
        ended.set()

    threading.Thread(target=work).start()
    assert began.wait(60)
    progress.cancel()
    assert ended.wait(60)
    assert interrupted == ["core.cancelled"]


def test_an_act_asked_for_after_the_cancel_runs_at_once_and_once() -> None:
    progress, calls = Progress(), []
    progress.on_cancel(lambda: calls.append("before"))
    progress.cancel()
    progress.cancel()
    progress.on_cancel(lambda: calls.append("after"))
    assert calls == ["before", "after"]


def test_an_act_may_itself_ask_for_more_without_waiting_for_ever() -> None:
    progress, calls = Progress(), []
    progress.on_cancel(lambda: progress.on_cancel(lambda: calls.append("inner")))
    progress.on_cancel(progress.cancel)
    progress.cancel()
    assert calls == ["inner"]


def test_many_threads_cancel_and_register_and_every_act_runs_exactly_once() -> None:
    for _round in range(50):
        progress, calls, lock = Progress(), [], threading.Lock()
        start = threading.Barrier(9)

        def register(number: int, progress: Progress = progress, calls: list[int] = calls) -> None:
            start.wait()  # noqa: B023 - the threads of a round end within it
            with_lock = lambda: (lock.acquire(), calls.append(number), lock.release())  # noqa: B023, E731
            progress.on_cancel(with_lock)

        def cancel(progress: Progress = progress) -> None:
            start.wait()  # noqa: B023
            progress.cancel()

        threads = [threading.Thread(target=register, args=(number,)) for number in range(6)]
        threads += [threading.Thread(target=cancel) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(calls) == list(range(6))
