"""What the rows of all headers together say about each column: counted in one pass, portion by portion.

Many files have the same layout, so that the values of a portion are a table of numbers which is counted column by
column at once. Different values are counted exactly up to `_EXACT` and estimated beyond (from the smallest of their
digests: K. Beyer and others, On synopses for distinct-value estimation, SIGMOD 2007).
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from podadmin.core.late import Late
from podadmin.core.progress import Progress
from podadmin.datasources.dtypes import FLOAT as FLOATS
from podadmin.datasources.dtypes import INTEGER as INTEGERS
from podadmin.datasources.dtypes import STRING
from podadmin.datasources.header_facts import (
    DATE,
    EMPTY,
    FLOAT,
    HIDDEN,
    INTEGER,
    NO_DATE,
    NOTHING,
    NUMBERS,
    OBJECT,
    TEXTS,
    WITH_VALUE,
    WORD,
    columns_of,
)
from podadmin.datasources.header_store import HeaderStore
from podadmin.datasources.sample import SHARES

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Digests = NDArray[numpy.uint64]
    Values = NDArray[numpy.float64]
else:
    numpy = Late("numpy")

VERSION: Final = "1"
"""What was counted is counted anew where this module has learnt something since."""
_EXACT: Final = 16_384
_WORDS, _FEW = 20_000, 24
"""The most different texts, and numbers, whose occurrences are all counted."""
_SAMPLE: Final = 16_384
BARE_OBJECT: Final = "object"
"""What pandas calls a column of bytes, lists or nothing at all."""


@dataclass
class Tally:
    """One column. `kinds`: how many cells have which code (header_facts); the rest as in `schema.file_pass.Counts`.

    `values`: how often each text that was kept, or each of a few numbers, occurs; `others`: cells in none of them.
    `shares`: the values at even shares from the least to the greatest, of at most _SAMPLE of them. Dates are in days.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    distinct: int = 0
    exact: bool = True
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    deviation: float | None = None
    whole: bool = True
    values: dict[str, int] = field(default_factory=dict)
    others: int = 0
    shares: list[float] = field(default_factory=list)

    @property
    def filled(self) -> int:
        """Cells that are not empty."""
        return sum(times for code, times in self.kinds.items() if code not in (EMPTY, NOTHING, NO_DATE))

    @property
    def numbers(self) -> int:
        return self.kinds.get(INTEGER, 0) + self.kinds.get(FLOAT, 0)

    @property
    def dates(self) -> int:
        return self.kinds.get(DATE, 0)

    @property
    def dtype(self) -> str:
        """What pandas makes of the whole column, and a pod of that (bitfount contract, section 3.2)."""
        codes = set(self.kinds)
        if codes & {DATE, NO_DATE}:
            # a column in which one file has a date is made one of dates, and then text
            return STRING
        texts, numbers = codes & (TEXTS | {EMPTY}), codes & {INTEGER, FLOAT}
        if OBJECT in codes or (texts and numbers) or not (texts or numbers):
            return BARE_OBJECT
        if texts:
            return STRING
        return INTEGERS if self.whole and max(abs(self.low or 0.0), abs(self.high or 0.0)) < 2.0**63 else FLOATS


@dataclass(frozen=True)
class Tallies:
    """`rows` that were counted, their columns, and when the oldest and the newest file changed (ns since 1970).

    `folders`: how many rows lie in which folder of the first level; those that lie in none are not among them.
    """

    rows: int
    columns: dict[str, Tally]
    oldest: int = 0
    newest: int = 0
    folders: dict[str, int] = field(default_factory=dict)

    def visible(self) -> dict[str, Tally]:
        """The columns that a pod gives, in the order in which they first came."""
        return {name: each for name, each in self.columns.items() if not name.startswith(HIDDEN)}

    def hidden(self, name: str) -> Tally:
        """What was said about the files under `name`; nothing where no file said it."""
        return self.columns.get(name) or Tally()


def tallied(store: HeaderStore, progress: Progress) -> Tallies:
    """Count everything that is known, or take what was counted before where nothing has changed since.
    Raises Cancelled.
    """
    data = json.loads(store.remembered() or "{}")
    if data.pop("version", "") == VERSION:
        columns = {name: Tally(**each) for name, each in data.pop("columns").items()}
        return Tallies(columns=columns, **data)
    counted = _count(store, progress)
    data = {
        **vars(counted),
        "version": VERSION,
        "columns": {name: asdict(each) for name, each in counted.columns.items()},
    }
    store.remember(json.dumps(data))
    return counted


def _count(store: HeaderStore, progress: Progress) -> Tallies:
    layouts = {number: columns_of(layout) for number, layout in store.layouts().items()}
    words = {int.from_bytes(digest, "little"): word for digest, word in store.words().items()}
    columns: dict[str, _Counting] = {}
    rows, oldest, newest = 0, 0, 0
    for portion in store.rows():
        progress.report(f"Counted {rows:,} files")
        groups: dict[int, list[bytes]] = {}
        for layout, held, modified in portion:
            groups.setdefault(layout, []).append(held)
            oldest, newest = min(oldest or modified, modified), max(newest, modified)
        rows += len(portion)
        for layout, values in groups.items():
            _add(columns, layouts[layout], values)
    folders: Counter[str] = Counter()
    for path, times in store.folders():
        if path:
            folders[os.fsdecode(path.partition(b"/")[0])] += times
    return Tallies(rows, {name: each.done(words) for name, each in columns.items()}, oldest, newest, dict(folders))


def _add(columns: dict[str, _Counting], layout: Iterable[tuple[str, str]], values: list[bytes]) -> None:
    table: Digests = numpy.frombuffer(b"".join(values), "<u8").reshape(len(values), -1)
    place = 0
    for name, code in layout:
        counting = columns.get(name)
        if counting is None:
            counting = columns[name] = _Counting()
        if code in WITH_VALUE:
            counting.add(code, numpy.ascontiguousarray(table[:, place]))
            place += 1
        else:
            counting.kinds[code] += len(values)


class _Counting:
    """One column while it is counted."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self._least: Digests = numpy.empty(0, "<u8")
        self._exact = True
        self._bins: Counter[int] = Counter()
        self._others = 0
        self._numeric = False
        self._count = 0
        self._mean = self._spread = 0.0
        self._low, self._high = math.inf, -math.inf
        self._whole = True
        self._sample: list[Values] = []
        self._sampled, self._step, self._skip = 0, 1, 0

    def add(self, code: str, column: Digests) -> None:
        if code in NUMBERS:
            column = self._add_numbers(code, column.view("<f8"))
        else:
            self.kinds[code] += len(column)
        if not len(column):
            return
        if code == WORD or code in NUMBERS:
            self._bin(column, _WORDS if code == WORD else _FEW)
        else:
            self._others += len(column)
        self._least = numpy.unique(numpy.concatenate((self._least, _spread(column) if code in NUMBERS else column)))
        if len(self._least) > _EXACT:
            self._least, self._exact = self._least[:_EXACT], False

    def _add_numbers(self, code: str, column: Values) -> Digests:
        numbers = column[~numpy.isnan(column)]
        self.kinds[code] += len(numbers)
        if len(numbers) < len(column):
            self.kinds[NOTHING] += len(column) - len(numbers)
        if len(numbers):
            self._numeric = True
            self._low, self._high = min(self._low, float(numbers.min())), max(self._high, float(numbers.max()))
            self._whole = self._whole and bool((numbers == numpy.floor(numbers)).all())
            if math.isfinite(self._low) and math.isfinite(self._high):
                self._moments(numbers)
            self._take(numbers)
        return numbers.view("<u8")

    def _moments(self, numbers: Values) -> None:
        """Mean and spread of what was seen and these together (Chan, Golub, LeVeque, 1979)."""
        count, mean = len(numbers), float(numbers.mean())
        apart, whole = mean - self._mean, self._count + len(numbers)
        self._spread += float(((numbers - mean) ** 2).sum()) + apart * apart * self._count * count / whole
        self._mean += apart * count / whole
        self._count = whole

    def _take(self, numbers: Values) -> None:
        """Every so many values go into the sample, so that it is spread evenly over all files."""
        taken = numbers[self._skip :: self._step]
        self._skip = (self._skip - len(numbers)) % self._step
        self._sample.append(taken)
        self._sampled += len(taken)
        if self._sampled > _SAMPLE:
            kept = numpy.concatenate(self._sample)[::2]
            self._sample, self._sampled, self._step = [kept], len(kept), self._step * 2
            self._skip %= self._step

    def _bin(self, column: Digests, most: int) -> None:
        if self._others:
            self._others += len(column)
            return
        found, times = numpy.unique(column, return_counts=True)
        if len(self._bins) + len(found) > most and len(self._bins.keys() | set(found.tolist())) > most:
            self._others = sum(self._bins.values()) + len(column)
            self._bins.clear()
            return
        self._bins.update(dict(zip(found.tolist(), times.tolist(), strict=True)))

    def done(self, words: dict[int, str]) -> Tally:
        """What was counted. `words`: the texts that were kept, by their digests."""
        made = Tally(dict(self.kinds), self._distinct(), self._exact, others=self._others)
        if self._numeric:
            made.low, made.high, made.whole = self._low, self._high, self._whole
            if math.isfinite(self._low) and math.isfinite(self._high):
                made.mean = self._mean
                made.deviation = math.sqrt(self._spread / (self._count - 1)) if self._count > 1 else None
            sample = numpy.sort(numpy.concatenate(self._sample))
            places = numpy.linspace(0, len(sample) - 1, SHARES)
            made.shares = [float(each) for each in numpy.interp(places, numpy.arange(len(sample)), sample)]
            made.shares[0], made.shares[-1] = self._low, self._high
            keys = numpy.array(list(self._bins), "<u8").view("<f8").tolist()
            made.values = {_number(key): times for key, times in zip(keys, self._bins.values(), strict=True)}
        else:
            made.values = {words.get(key, ""): times for key, times in self._bins.items()}
        return made

    def _distinct(self) -> int:
        if self._exact:
            return len(self._least)
        return int((_EXACT - 1) / (float(self._least[-1]) / 2.0**64))


def _spread(column: Digests) -> Digests:
    """Even digests of numbers, whose bits are anything but even (the finaliser of SplitMix64)."""
    with numpy.errstate(over="ignore"):
        made = column + numpy.uint64(0x9E3779B97F4A7C15)
        made = (made ^ (made >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        made = (made ^ (made >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return made ^ (made >> numpy.uint64(31))


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
