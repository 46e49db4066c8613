"""Where two JSON values differ, and whether a stranger's value is JSON of a size that may be looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from podadmin.core.canon import canonical
from podadmin.core.text import stranger

MAX_DEPTH: Final = 64
MAX_NODES: Final = 200_000
MAX_CHARACTERS: Final = 4_000_000
WHOLE: Final = "(whole)"
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


@dataclass(frozen=True)
class Missing:
    """Stands for a value that is not there; different from null."""


MISSING: Final = Missing()


@dataclass(frozen=True)
class FieldChange:
    """One place where two values differ. `was` and `now` are canonical JSON text, empty where there is nothing.

    `path` is for people, `steps` are the keys and places that lead there.
    """

    path: str
    was: str
    now: str
    steps: tuple[str | int, ...] = ()


def fault_of(value: object) -> str:
    """Why `value` is not plain JSON within the bounds above, as a clause; empty where it is.

    Keys must be text: a map with the number 1 and the text "1" as keys would otherwise have the same JSON as another.
    Tuples, bytes, NaN and infinities, lone surrogates and integers beyond 64 bits are faults. Never recurses.
    """
    nodes = characters = 0
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        nodes += 1
        if depth > MAX_DEPTH:
            return f"it is nested more than {MAX_DEPTH} levels deep"
        if isinstance(found, dict):
            if not all(isinstance(key, str) for key in found):
                return "one of its maps has a key that is not text"
            waiting.extend((key, depth + 1) for key in found)
            waiting.extend((each, depth + 1) for each in found.values())
        elif isinstance(found, list):
            waiting.extend((each, depth + 1) for each in found)
        elif isinstance(found, str):
            characters += len(found)
            if _SURROGATE.search(found):
                return "one of its texts is not valid Unicode"
        elif not _is_plain_scalar(found):
            return "it holds a value that JSON cannot carry"
        if nodes + len(waiting) > MAX_NODES or characters > MAX_CHARACTERS:
            return "it is larger than a protocol can sensibly be"
    return ""


def field_changes(was: object, now: object, path: str = "", steps: tuple[str | int, ...] = ()) -> Iterator[FieldChange]:
    """The places where two values differ, deepest first named, in the order of the keys.

    Both values must be free of faults (see `fault_of`). Values are compared as canonical JSON: 1, 1.0, true and "1"
    are four different values. Maps are compared key by key, lists place by place.
    """
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}):
            yield from field_changes(was.get(key, MISSING), now.get(key, MISSING), _below(path, key), (*steps, key))
    elif isinstance(was, list) and isinstance(now, list):
        for place in range(max(len(was), len(now))):
            yield from field_changes(_at(was, place), _at(now, place), f"{path}[{place}]", (*steps, place))
    elif _text(was) != _text(now):
        yield FieldChange(path or WHOLE, _text(was), _text(now), steps)


def changed(value: object, change: FieldChange) -> object:
    """`value` with this one change made in it: a copy where it has to be, the rest shared.

    `value` is the one in which the change was found as `was`.
    """
    return _changed(value, change.steps, MISSING if not change.now else json.loads(change.now))


def _changed(value: object, steps: tuple[str | int, ...], now: object) -> object:
    if not steps:
        return now
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict) and isinstance(step, str):
        below = _changed(value.get(step, MISSING), rest, now)
        return {**{key: each for key, each in value.items() if key != step}, **_present({step: below})}
    if isinstance(value, list) and isinstance(step, int):
        below = _changed(_at(value, step), rest, now)
        return [*value[:step], *([] if isinstance(below, Missing) else [below]), *value[step + 1 :]]
    return value


def _present(found: dict[str, object]) -> dict[str, object]:
    return {key: each for key, each in found.items() if not isinstance(each, Missing)}


def _is_plain_scalar(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    return isinstance(value, float) and value - value == 0.0


def _below(path: str, key: str) -> str:
    shown = key if _PLAIN_KEY.match(key) else f'"{stranger(key, 60)}"'
    return f"{path}.{shown}" if path else shown


def _at(values: list[object], place: int) -> object:
    return values[place] if place < len(values) else MISSING


def _text(value: object) -> str:
    return "" if isinstance(value, Missing) else canonical(value)
