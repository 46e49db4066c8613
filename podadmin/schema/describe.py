"""From the counts of a pass to what a custodian reads about a column. Pure rules."""

from __future__ import annotations

from podadmin.datasources.dtypes import BOOLEAN, FLOAT, NULL_WORDS, NUMERIC, STRING
from podadmin.datasources.sample import SHARES, SPREADSHEET_ERRORS, Look
from podadmin.schema.counts import Counts
from podadmin.schema.statistics import (
    ColumnStatistics,
    End,
    bars,
    counted_bars,
    dates,
    finite,
    moments_as_dates,
    quantiles,
    whole,
)

SHARED_BY = 10
"""A value is kept beside the schema only where so many rows share it: a rarer one may be somebody's."""
TOP = 10


def described(name: str, dtype: str, stype: str, seen: Look, found: Counts, rows: int) -> ColumnStatistics:
    """The statistics of one column out of `rows` rows; its labels and what was chosen for it are not known here."""
    number = dtype in NUMERIC
    low: End | None = None
    high: End | None = None
    dated = not number and found.cells > 0 and found.dates == found.cells
    if number:
        low, high = whole(found.low, dtype), whole(found.high, dtype)
    elif dated:
        low, high = dates(found.first, found.last)
    kind = seen.identifier
    if kind:
        # the ends and the middle of such values are somebody's number, day or place
        number, low, high = False, None, None
    return ColumnStatistics(
        name,
        dtype,
        stype,
        False,
        None,
        found.cells,
        rows - found.cells,
        found.distinct,
        not found.exact,
        low,
        high,
        finite(found.mean) if number else None,
        finite(found.deviation) if number else None,
        quantiles=quantiles(found.shares) if number else (),
        histogram=() if kind else _histogram(found, number, dated),
        top=() if kind or dtype == BOOLEAN or dated else _top(found),
        shortest=found.shortest,
        longest=found.longest,
        patterns=_patterns(seen) if dtype == STRING and not found.all_binned else (),
        looks_like=kind,
        by=(seen.by or "its name suggests it") if kind else "",
        notes=_notes(dtype, seen, found, dated),
    )


def _histogram(found: Counts, number: bool, dated: bool) -> tuple[tuple[End, End, int], ...]:
    if dated and found.moments:
        return moments_as_dates(bars(found.moments, found.moments[0], found.moments[-1], found.dates))
    if not number or found.low is None or found.high is None:
        return ()
    if found.all_binned and found.cells == found.numbers and len(found.bins) > 1:
        return counted_bars(found.bins)
    return bars(found.shares, float(found.low), float(found.high), found.numbers) if len(found.shares) == SHARES else ()


def _top(found: Counts) -> tuple[tuple[str, int], ...]:
    shared = [(text, times) for text, times in found.bins.items() if times >= SHARED_BY and text not in NULL_WORDS]
    return tuple(sorted(((_plain(text), times) for text, times in shared), key=lambda each: (-each[1], each[0]))[:TOP])


def _plain(text: str) -> str:
    return text.removesuffix(".0") if text.replace(".", "", 1).lstrip("-").isdigit() else text


def _patterns(seen: Look) -> tuple[tuple[str, float], ...]:
    return tuple((shape, round(times / seen.cells, 3)) for shape, times in seen.patterns) if seen.cells else ()


def _notes(dtype: str, seen: Look, found: Counts, dated: bool) -> tuple[str, ...]:
    notes = []
    rest = found.cells - found.numbers
    if dtype == STRING and 0 < rest < found.numbers:
        noun = "is none" if rest == 1 else "are none"
        notes.append(
            f"{found.numbers:,} of {found.cells:,} values are numbers; {rest:,} {noun}, so the column is text."
        )
    errors = sum(found.odd.get(error, 0) for error in SPREADSHEET_ERRORS) or seen.errors
    if errors:
        notes.append("It holds error texts of a spreadsheet, such as #REF!: values were lost before the export.")
    if seen.formats > 1:
        notes.append(f"Dates are written in {seen.formats} different ways, so they cannot be compared.")
    elif dated and seen.date_format.startswith("%d"):
        notes.append("Dates are read with the day first.")
    if dtype == FLOAT and any(
        end is not None and end in (float("inf"), float("-inf")) for end in (found.low, found.high)
    ):
        notes.append("It holds infinity; what is counted from all values is left out.")
    if dtype == STRING and seen.whole and seen.beyond_64_bits:
        notes.append("Its numbers fit no 64-bit number, so they are kept as text.")
    if not found.cells:
        notes.append("It is empty: nothing says what it holds.")
    return tuple(notes)
