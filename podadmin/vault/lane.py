"""Runs calls that may never return, one at a time, without taking the caller along."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.1


class Lane:
    """One call at a time, each in a daemon thread, each waited for at most `seconds`.

    A call that was given up keeps the lane until it returns, so the one after it waits, again at most `seconds`.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self._name = name
        self._seconds = seconds
        self._turn = threading.Lock()

    def run(self, work: Callable[[], T], seconds: float | None = None, check: Callable[[], None] | None = None) -> T:
        """What `work` returns or raises. Raises TimeoutError where it, or the call before it, takes too long.

        `seconds` is another patience for this call. `check` is called a few times a second and may raise: then the
        call is given up.
        """
        patience = self._seconds if seconds is None else seconds
        if not self._my_turn(patience, check):
            raise TimeoutError("an earlier call has not returned")
        answer: Future[T] = Future()

        def body() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - carried to the caller's thread and raised there
                self._turn.release()
                answer.set_exception(error)
            else:
                self._turn.release()
                answer.set_result(result)

        threading.Thread(target=body, name=self._name, daemon=True).start()
        if check is None:
            return answer.result(patience)
        for _ in range(max(1, int(patience / LOOK_SECONDS))):
            if wait([answer], LOOK_SECONDS).done:
                return answer.result()
            check()
        raise TimeoutError("no answer")

    def _my_turn(self, patience: float, check: Callable[[], None] | None) -> bool:
        if check is None:
            return self._turn.acquire(timeout=patience)
        for _ in range(max(1, int(patience / LOOK_SECONDS))):
            if self._turn.acquire(timeout=LOOK_SECONDS):
                return True
            check()
        return False
