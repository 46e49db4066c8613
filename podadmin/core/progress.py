"""Long work says how far it is and can be stopped. The worker calls; the screen listens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from podadmin.core.errors import Cancelled


class Step(NamedTuple):
    """How far a piece of work is: `fraction` from 0.0 to 1.0, or None where no honest estimate exists."""

    what: str
    fraction: float | None = None


class Progress:
    """Handed to long work. Safe to use from any thread."""

    def __init__(self, listener: Callable[[Step], None] | None = None) -> None:
        self._listener = listener
        self._cancelled = threading.Event()
        self._on_cancel: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def report(self, what: str, fraction: float | None = None) -> None:
        """Tell the listener; raises Cancelled where the work was cancelled meanwhile."""
        self.check()
        if self._listener is not None:
            self._listener(Step(what, fraction))

    def check(self) -> None:
        """Raises Cancelled where the work was cancelled."""
        if self._cancelled.is_set():
            raise Cancelled()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def on_cancel(self, act: Callable[[], None]) -> None:
        """Call `act` once, in the cancelling thread, when the work is cancelled (at once if it already was)."""
        with self._lock:
            if not self._cancelled.is_set():
                self._on_cancel.append(act)
                return
        act()

    def cancel(self) -> None:
        """Ask the work to stop; it raises Cancelled at its next step."""
        with self._lock:
            if self._cancelled.is_set():
                return
            self._cancelled.set()
            acts, self._on_cancel = self._on_cancel, []
        for act in acts:
            act()
