"""Time and chance come in as arguments. This is the only place that asks the machine for them."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Clock(Protocol):
    """What rooms may know about time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean anything."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that moves only when it is told to: for simulation and for tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`; negative values model a clock that was set back (monotonic time stays)."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += max(seconds, 0.0)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`: text that sorts as time does. Raises ValueError for naive times."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be recorded")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def unstamp(text: str) -> datetime:
    """The moment that an RFC 3339 text names. Raises ValueError where there is no zone or no time in it."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC)


def new_id(kind: str) -> str:
    """A name for a new thing, such as `req_1F8Z3K9QW2M7`: 60 random bits in Crockford's base 32."""
    return f"{kind}_{_letters(12)}"


def new_reference(kind: str = "H") -> str:
    """A reference to say over the telephone, such as `H-7K2M-9QXD` (40 random bits, no ambiguous letters).

    `kind`: H for what is held, R for a receipt.
    """
    letters = _letters(8)
    return f"{kind}-{letters[:4]}-{letters[4:]}"


def _letters(count: int) -> str:
    """So many letters by chance, five bits each."""
    bits = secrets.randbits(5 * count)
    return "".join(_CROCKFORD[bits >> 5 * place & 31] for place in range(count))
