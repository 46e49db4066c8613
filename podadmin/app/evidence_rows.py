"""How rows are held against what entries told of them: the part that is the same whatever the rows are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podadmin.core.clock import unstamp
from podadmin.core.text import stranger

Found = tuple[int | None, str] | None
"""The entry that tells of a record that differs (None where none does), and what differs in words."""
SAME_MOMENT_SECONDS: Final = 60.0
"""A row and its entry ask for the time one after the other."""


@dataclass
class Kept:
    """What the journal says of a row as it has to be now, and the entry `seq` that said so last."""

    seq: int
    facts: dict[str, Any]


def compare(
    rows: Iterable[Any],
    told: Mapping[Any, Kept],
    name_of: Callable[[Any], Any],
    what: str,
    same: Callable[[Any, Mapping[str, Any]], bool],
) -> Found:
    """The first row that no entry tells of or that is not `same`, or else the first that is gone.

    A name is a text, or a tuple that begins with the text to be shown.
    """
    seen = set()
    for row in rows:
        name = name_of(row)
        seen.add(name)
        kept = told.get(name)
        if kept is None:
            return None, f"{what} {_shown(name)} is there, and no entry tells of it."
        if not same(row, kept.facts):
            return kept.seq, f"{what} {_shown(name)} is not the one that entry {kept.seq} tells of."
    for name, kept in told.items():
        if name not in seen:
            return kept.seq, f"{what} {_shown(name)} that entry {kept.seq} tells of is gone."
    return None


def same_moment(one: str, other: str) -> bool:
    """Were these two moments written down for the same thing?"""
    try:
        return abs((unstamp(one) - unstamp(other)).total_seconds()) <= SAME_MOMENT_SECONDS
    except (ValueError, TypeError):
        return False


def _shown(name: Any) -> str:
    return stranger(name if isinstance(name, str) else name[0])
