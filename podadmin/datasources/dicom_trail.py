"""The way through the headers of one device, known from the files before: most of a header is that of its neighbour.

Files of one series differ in a few elements (a number, a position, an identifier); all the others are the same bytes
in the same order. A trail keeps them as runs, so that a whole run is known by one comparison of bytes and only what
differs is walked over. What is found is the same as without it: an element depends on nothing but its own bytes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any, Final

Element = tuple[int, str, bytes | None]
"""(tag, value representation, value); the value of a sequence is None."""
Step = tuple[int, Element | None, int]
"""(tag, what it is as an element, where it ends); what is private is passed over and is None."""
Next = Callable[[int], Step | None]
"""Reads the element at a place; None where the data set ends or its pixels begin."""

LONGEST: Final = 4_096
"""Bytes of the longest element that is compared; a longer one is walked over in each file."""
MOST: Final = 4_000
"""The most elements that are remembered: with more of them everything is forgotten."""
_PRIVATE: Final = 0x1_0000


class Run:
    """Elements that follow one another. `raw`: their bytes, `first` and `last` their tags, `parts` the run of each.

    `steady`: they were the same in every file. `made`: what their reader has made of them, for as long as it is kept.
    """

    __slots__ = ("elements", "first", "last", "made", "parts", "private", "raw", "steady")

    def __init__(self, raw: bytes, first: int, last: int, elements: tuple[Element, ...], private: bool) -> None:
        self.raw, self.first, self.last, self.elements, self.private = raw, first, last, elements, private
        self.parts: tuple[Run, ...] = ()
        self.steady = True
        self.made: Any = None


class Trail:
    """What the headers before have had in them, in the order of their tags. One for each way of writing."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._raws: list[bytes | tuple[()]] = []
        self._lasts: list[int] = []
        self._loose = False
        """Are there runs that could be joined?"""
        self._ordered = True
        """Where elements are out of order, what follows in the trail need not follow in a file: nothing is joined."""

    def follow(self, data: bytes, at: int, read: Next) -> list[Run]:
        """The runs of elements that begin at `at`, up to where `read` says that they end. Raises what it raises."""
        try:
            return self._follow(data, at, read)
        finally:
            if self._loose:
                self._join()

    def _follow(self, data: bytes, at: int, read: Next) -> list[Run]:
        found: list[Run] = []
        take, starts, raws = found.append, data.startswith, self._raws
        place = 0
        while True:
            while place < len(raws) and starts(raws[place], at):
                run = self._runs[place]
                take(run)
                at += len(run.raw)
                place += 1
            step = read(at)
            if step is None:
                return found
            tag, element, end = step
            there = bisect_left(self._lasts, tag, place)
            if there > place:
                self._absent(place, there)
                place = there
                continue
            if place < len(raws) and self._runs[place].first <= tag and self._runs[place].parts:
                self._part(place)
                continue
            run = Run(data[at:end], tag, tag, () if element is None else (element,), bool(tag & _PRIVATE))
            take(run)
            at = end
            place += self._remember(place, run)

    def _absent(self, place: int, there: int) -> None:
        """What is in some files only is a run of its own."""
        for run in self._runs[place:there]:
            if not run.parts:
                run.steady = False

    def _remember(self, place: int, run: Run) -> int:
        """Keep an element that is another than before, or new. Returns how many places to go on."""
        if len(run.raw) > LONGEST:
            run = Run(b"", run.first, run.last, (), run.private)
            run.steady = False
        if place < len(self._runs) and self._runs[place].first == run.first:
            run.steady = False
            self._runs[place], self._raws[place] = run, run.raw or ()
            return 1
        if place and self._lasts[place - 1] >= run.first:
            self._ordered = False
            return 0
        self._put(place, place, [run])
        self._loose = True
        return 1

    def _part(self, place: int) -> None:
        """Take a run apart: something in it is no longer as it was."""
        self._put(place, place + 1, list(self._runs[place].parts))
        self._loose = True

    def _put(self, start: int, end: int, runs: list[Run]) -> None:
        self._runs[start:end] = runs
        # no bytes begin with one of no choices
        self._raws[start:end] = [run.raw or () for run in runs]
        self._lasts[start:end] = [run.last for run in runs]

    def _join(self) -> None:
        """Make one run of those that follow one another and were always the same."""
        self._loose = False
        if len(self._runs) > MOST:
            self._put(0, len(self._runs), [])
            return
        if not self._ordered:
            return
        joined: list[Run] = []
        waiting: list[Run] = []
        for run in [*self._runs, None]:
            if run is not None and run.steady:
                waiting.extend(run.parts or (run,))
                continue
            if waiting:
                joined.append(_together(waiting))
                waiting = []
            if run is not None:
                joined.append(run)
        self._put(0, len(self._runs), joined)


def _together(parts: list[Run]) -> Run:
    if len(parts) == 1:
        return parts[0]
    elements = tuple(element for part in parts for element in part.elements)
    made = Run(
        b"".join([part.raw for part in parts]), parts[0].first, parts[-1].last, elements,
        any(part.private for part in parts),
    )  # fmt: skip
    made.parts = tuple(parts)
    return made
