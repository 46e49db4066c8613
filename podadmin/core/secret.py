"""Secret values that cannot be printed by accident."""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar

T = TypeVar("T", str, bytes)

_living: dict[int, weakref.ref[Secret[Any]]] = {}


class Secret(Generic[T]):
    """Holds a secret; `repr`, `str` and formatting show nothing of it. `reveal()` is easy to search for.

    Every one that is alive is known to `living`, so that logs can be kept free of it.
    """

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: T) -> None:
        self._value: T = value
        name = id(self)
        _living[name] = weakref.ref(self, lambda _: _living.pop(name, None))

    def reveal(self) -> T:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "…"

    def __eq__(self, other: object) -> bool:
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is never serialised")


def living() -> tuple[Secret[Any], ...]:
    """The secrets that this process holds now."""
    # a copy is made in one go; other threads make and drop secrets meanwhile
    return tuple(found for found in (each() for each in _living.copy().values()) if found is not None)
