"""A folder of files as a datasource: which of its files count, and what a look through it found. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from podadmin.core.errors import BadInput
from podadmin.core.text import stranger

NO_ENDING: Final = "."
"""Stands among the extensions of a filter for names that have none. Nobody can enter it (see `extensions`)."""
MEGABYTE: Final = 1024 * 1024
"""Bytes of the megabytes in which a pod's filters count (bitfount contract, section 1.4)."""


@dataclass(frozen=True)
class FileFilter:
    """Which files of a folder count (bitfount contract, section 1.4). Everything left out lets every file through.

    `extensions`: lower case with their dot; a name has to end in one of them. `smallest` and `largest` in megabytes
    of 1024 x 1024 bytes. Dates are days in UTC, both ends included. `strict`: only the name counts; where it is false
    a pod also takes files without an ending whose first bytes look like the type.
    """

    extensions: tuple[str, ...] = ()
    strict: bool = False
    modified_from: date | None = None
    modified_until: date | None = None
    created_from: date | None = None
    created_until: date | None = None
    smallest: float | None = None
    largest: float | None = None

    def __post_init__(self) -> None:
        for low, high, what in (
            (self.modified_from, self.modified_until, "The days of change"),
            (self.created_from, self.created_until, "The days of creation"),
        ):
            if low is not None and high is not None and low > high:
                raise _nothing_passes(what, str(low), str(high))
        for size in (self.smallest, self.largest):
            if size is not None and not 0 <= size < 1e12:
                raise BadInput(
                    "datasource.filter",
                    f"“{stranger(str(size), 20)}” is not a size of a file.",
                    "Sizes are megabytes, from 0 on.",
                    "Enter a number of megabytes, or leave it empty.",
                )
        if self.smallest is not None and self.largest is not None and self.smallest > self.largest:
            raise _nothing_passes("The sizes", f"{self.smallest:g} MB", f"{self.largest:g} MB")

    def _named(self, name: str) -> bool:
        return name.lower().endswith(self.extensions) or (NO_ENDING in self.extensions and not ending(name))

    def passes(self, name: str, size: int, modified_ns: int, created_ns: int) -> bool:
        """Does a file of this name, size in bytes and these times (nanoseconds since 1970, UTC) count?"""
        if self.extensions and not self._named(name):
            return False
        if self.smallest is not None and size < self.smallest * MEGABYTE:
            return False
        if self.largest is not None and size > self.largest * MEGABYTE:
            return False
        return _within(modified_ns, self.modified_from, self.modified_until) and _within(
            created_ns, self.created_from, self.created_until
        )


def extensions(given: Iterable[str]) -> tuple[str, ...]:
    """Endings of names as a filter takes them: lower case, with their dot. Raises BadInput (`datasource.filter`)."""
    found = []
    for each in given:
        text = each.strip().lower()
        if not text or "/" in text or "\\" in text or not text.strip("."):
            raise BadInput(
                "datasource.filter",
                f"“{stranger(each, 20)}” is not an ending of file names.",
                "An ending is what stands behind the last dot, such as .dcm.",
                "Enter endings such as .dcm or .nii.gz.",
            )
        found.append(text if text.startswith(".") else f".{text}")
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Inventory:
    """What a look through a folder found. Sizes in bytes, times aware and in UTC, of the files that count.

    `files` count; `others` are files that the filter leaves out; `links` are symbolic links, which are never followed;
    `unreadable` names folders that could not be listed (the first few), `unreadable_count` says how many. `whole` is
    false where the look was stopped: it goes on from there the next time. `changed` says how many folders had
    anything new since the look before.
    """

    files: int = 0
    size: int = 0
    folders: int = 0
    others: int = 0
    links: int = 0
    newest: datetime | None = None
    oldest: datetime | None = None
    by_extension: tuple[tuple[str, int], ...] = ()
    unreadable: tuple[str, ...] = field(default=())
    unreadable_count: int = 0
    changed: int = 0
    whole: bool = True


def ending(name: str) -> str:
    """What a name ends in, with its dot; "" where there is nothing before or behind the last dot."""
    at = name.rfind(".")
    return name[at:] if 0 < at < len(name) - 1 else ""


def moment(nanoseconds: int | None) -> datetime | None:
    """A time of the file system as an aware moment; None for none, and for one that no calendar holds."""
    if nanoseconds is None:
        return None
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _within(nanoseconds: int, first: date | None, last: date | None) -> bool:
    if first is None and last is None:
        return True
    found = moment(nanoseconds)
    if found is None:
        return False
    day = found.date()
    return (first is None or day >= first) and (last is None or day <= last)


def _nothing_passes(what: str, low: str, high: str) -> BadInput:
    return BadInput(
        "datasource.filter",
        f"{what} let no file through.",
        f"They begin at {low}, which is after {high}.",
        "Exchange the two, or leave one of them empty.",
    )
