"""A clock that a story sets another way, so that it need not wait for what takes minutes."""

from __future__ import annotations

from datetime import datetime, timedelta

from podadmin.core.clock import SystemClock

CLOCK = SystemClock()


class JumpingClock:
    """The machine's clock, set another way by `moved`; what never goes back never goes back."""

    def __init__(self, moved: timedelta = timedelta(0)) -> None:
        self.moved = moved
        self._passed = 0.0

    def now(self) -> datetime:
        return CLOCK.now() + self.moved

    def monotonic(self) -> float:
        return CLOCK.monotonic() + self._passed

    def jump(self, seconds: float) -> None:
        self.moved += timedelta(seconds=seconds)
        self._passed += max(seconds, 0.0)
