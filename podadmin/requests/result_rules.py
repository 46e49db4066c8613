"""Does a result have to be seen before it leaves? One pure function from rules, promise and what was found.

A result that cannot be told to be harmless by what a rule asks is held: what could not be read, what has no number,
what nobody promised. Nothing in here frees a result that another reason holds, and nothing depends on an order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from podadmin.core.text import folded, quoted
from podadmin.datasources.identifiers import suspected
from podadmin.requests.effect_facts import FIGURES
from podadmin.requests.promise import Promise
from podadmin.requests.rules import Condition, Rule

_COUNTING: Final = re.compile(
    r"n|num|cnt|freq|frequency|counts?(_star)?(\(.*\))?"
    r"|(n|num|cnt|counts?|number)[ _](of[ _])?\w+|\w+[ _](n|num|cnt|counts?)",
    re.IGNORECASE,
)
"""Names by which a column counts, where the SQL does not say it."""
_MOST_NAMED: Final = 5


@dataclass(frozen=True)
class Found:
    """What a result was found to hold.

    `problem` is a sentence where it could not be read; then nothing else counts. `rows` None: their number cannot be
    told. `columns` None: their names cannot. `least`: the lowest number in each column in which there are only numbers.
    `before`: the rows that the task has brought already, None where their number is not known.
    """

    rows: int | None = None
    columns: tuple[str, ...] | None = None
    least: Mapping[str, float] = field(default_factory=dict)
    before: int | None = 0
    problem: str = ""

    @property
    def total(self) -> int | None:
        """All rows of the task, with this result."""
        return None if self.rows is None or self.before is None else self.rows + self.before


@dataclass(frozen=True)
class Reason:
    """Why a result is held. `rule` is `ID@VERSION` and `name` what it is called; both empty for a setting."""

    words: str
    rule: str = ""
    name: str = ""


def held(rules: Iterable[Rule], promise: Promise, found: Found) -> tuple[Reason, ...]:
    """Why a result has to be seen before it leaves; empty where it may go. `rules` are those that watch its request."""
    return tuple(
        Reason(words, rule.mark, rule.name)
        for rule in sorted(rules, key=lambda each: each.id)
        for words in why_held(rule, promise, found)
    )


def why_held(rule: Rule, promise: Promise, found: Found) -> tuple[str, ...]:
    """What of a rule holds a result, each in a sentence."""
    if rule.results and found.problem:
        return (found.problem,)
    return tuple(dict.fromkeys(words for each in rule.results for words in _asked(each, promise, found)))


def _asked(condition: Condition, promise: Promise, found: Found) -> Iterator[str]:
    values = condition.values
    if condition.field == "every":
        yield "Every result of it is to be seen."
    elif condition.field == "rows":
        yield from _rows(int(values[0]), found)
    elif condition.field == "names":
        yield from _names(condition, found)
    elif condition.field == "identifiers":
        yield from _identifiers(found)
    elif condition.field == "groups":
        yield from _groups(int(values[0]), promise, found)
    else:  # what was promised; a rule about model parameters has none of these, and asks nothing of a result
        if "rows" in values:
            yield from _promised_rows(promise, found)
        if "columns" in values:
            yield from _promised_columns(promise, found)
        if "level" in values:
            yield from _promised_level(promise, found)


_NO_NUMBER: Final = "How many rows it has cannot be told."
_NO_NAMES: Final = "What its columns are called cannot be told."


def _rows(most: int, found: Found) -> Iterator[str]:
    if found.total is None:
        yield _NO_NUMBER
    elif found.total > most:
        yield f"It may have at most {counted(most)}, found {_number(found)}."


def _number(found: Found) -> str:
    return f"{found.total:,}{' with the results before it' if found.before else ''}"


def _names(condition: Condition, found: Found) -> Iterator[str]:
    if found.columns is None:
        yield _NO_NAMES
        return
    wanted = frozenset(map(folded, condition.values))
    if condition.mode == "any":
        named = [each for each in found.columns if folded(each) in wanted]
        if named:
            yield f"It has {_called(named)}."
    else:
        others = [each for each in found.columns if folded(each) not in wanted]
        if others:
            yield f"It has {_called(others)} beside those that it may have."


def _called(names: list[str]) -> str:
    shown = ", ".join(quoted(each, 60) for each in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    what = "the column" if len(names) == 1 else "the columns"
    return f"{what} {shown}{f' and {more} more' if more > 0 else ''}"


def _identifiers(found: Found) -> Iterator[str]:
    if found.columns is None:
        yield _NO_NAMES
        return
    for name, kind in _suspected(found.columns)[:_MOST_NAMED]:
        yield f"Its column {quoted(name, 60)} looks like one of {kind}."


def _suspected(columns: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, kind) for name in columns if (kind := suspected(name))]


def _groups(least: int, promise: Promise, found: Found) -> Iterator[str]:
    if found.columns is None:
        yield _NO_NAMES
        return
    sizes = _sizes(promise, found.columns)
    if sizes:
        unknown = [name for name in sizes if name not in found.least]
        if unknown:
            yield f"How large the groups of {_called(unknown)} are cannot be told."
        small = [(name, found.least[name]) for name in sizes if name in found.least and found.least[name] < least]
        for name, size in small[:_MOST_NAMED]:
            yield f"Groups may have no fewer than {least:,} records, {quoted(name, 60)} has one of {size:.15g}."
        return
    if promise.smallest_group is not None and promise.smallest_group >= least:
        return
    if promise.whole and promise.level in FIGURES and found.total is not None and found.total <= (promise.rows or 0):
        return
    yield "How many records stand behind its lines cannot be told."


def _sizes(promise: Promise, columns: Iterable[str]) -> tuple[str, ...]:
    """The columns of a result that count."""
    told = frozenset(map(folded, promise.counts))
    return tuple(each for each in columns if folded(each) in told or _COUNTING.fullmatch(each))


def _promised_rows(promise: Promise, found: Found) -> Iterator[str]:
    if promise.rows is None:
        yield "Its request promised no most number of rows."
    elif found.total is None:
        yield _NO_NUMBER
    elif found.total > promise.rows:
        yield f"Promised at most {counted(promise.rows)}, found {_number(found)}."


def counted(rows: int) -> str:
    """A number of rows in words."""
    return "1 row" if rows == 1 else f"{rows:,} rows"


def _promised_columns(promise: Promise, found: Found) -> Iterator[str]:
    if promise.columns is None:
        yield "Its request did not promise what its columns are called."
    elif found.columns is None:
        yield _NO_NAMES
    else:
        wanted = frozenset(map(folded, promise.columns))
        others = [each for each in found.columns if folded(each) not in wanted]
        if others:
            yield f"Promised {_called(list(promise.columns))}, found {_called(others)} as well."


def _promised_level(promise: Promise, found: Found) -> Iterator[str]:
    if promise.level == "unknown":
        yield "What would leave was not known, so nothing was promised."
    elif promise.level in FIGURES:
        yield from (f"Promised figures, found single records: {each}." for each in _single_records(promise, found))


def _single_records(promise: Promise, found: Found) -> Iterator[str]:
    """What tells that the lines of a result are about single records."""
    if found.total is None or found.columns is None:
        yield "whether its lines are more than that cannot be told"
        return
    records = promise.records
    if records is not None and found.total > 1 and found.total >= records:
        yield f"it has {found.total:,} lines and the datasource {records:,} records"
    for name, kind in _suspected(found.columns)[:_MOST_NAMED]:
        yield f"its column {quoted(name, 60)} looks like one of {kind}"
    for name in _sizes(promise, found.columns)[:_MOST_NAMED]:
        if name not in found.least:
            yield f"how many records {quoted(name, 60)} counts cannot be told"
        elif found.least[name] <= 1:
            yield f"a line of {quoted(name, 60)} counts a single record"
