"""The profile of a folder of DICOM files, images or NIfTI volumes: the table that a pod would make of their headers.

What is counted here comes from headers alone, so that it says nothing about pixels but their number and kind. A text
was never seen by this process: only how many different ones there are. Unless every file was read, the profile says
that it is partial, and its rows are those that were read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from podadmin.core.clock import Clock
from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress
from podadmin.datasources import headers
from podadmin.datasources.choices import check_choices, forced
from podadmin.datasources.dicom_identifiers import pointing_at
from podadmin.datasources.header_facts import PICTURE, PIXELS, REASONS, Picture
from podadmin.datasources.header_store import Known
from podadmin.datasources.header_tally import Tallies, Tally, tallied
from podadmin.datasources.model import ColumnChoices, FolderSource, Rejected
from podadmin.datasources.sample import Look
from podadmin.schema.column_rules import Labels, known_labels, semantic, statistics_of, too_many_labels
from podadmin.schema.counts import Counts
from podadmin.schema.profile import MAX_LABELS, Profile, Unread
from podadmin.schema.statistics import ColumnStatistics

_DAY: Final = 86_400.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_DIMENSIONS: Final = 1_000


@dataclass(frozen=True)
class FolderProfile(Profile):
    """A profile of a folder: `files` count, `read` were read; `reasons`: why files gave no row, and how many."""

    files: int = 0
    read: int = 0
    reasons: tuple[tuple[str, int], ...] = field(default=())


def profile(
    source: FolderSource,
    kept: Path,
    choices: ColumnChoices,
    clock: Clock,
    progress: Progress,
    *,
    every_file: bool = False,
    max_labels: int = MAX_LABELS,
) -> FolderProfile:
    """What is known about the table that a pod would make of the folder; `kept`: the file of its inventory.

    `every_file`: read the header of every file, not of a sample of each folder. Raises what `headers.reading` raises,
    BadInput (`datasource.unknown-column` and its kin, `datasource.no-rows`, `schema.too-many-labels`,
    `schema.not-numeric`) and Cancelled.
    """
    texts = frozenset(name for name, stype in choices.force.items() if stype == "categorical")
    with headers.reading(source, kept, clock, progress, every_file=every_file, texts=texts) as found:
        counted = tallied(found.store, progress)
        known, speed = found.known, found.store.speed()
    if not counted.rows:
        raise _no_rows(known)
    table = headers.table(source, counted)
    names = tuple(table)
    check_choices(choices, names)
    chosen = forced(choices, names)
    columns = tuple(
        _column(name, table[name], counted, chosen.get(name), choices.describe.get(name), max_labels)
        for name in names
        if name not in choices.ignore
    )
    told = tuple((REASONS.get(reason, reason), times) for reason, times in known.reasons)
    level = "full" if known.whole else "partial"
    notes = (headers.of_how_many(known), *(f"{each}." for each in headers.reasons(known)))
    rejected = Rejected(known.broken)
    left = known.files - known.read
    unread = Unread(left, left / speed if speed else None) if left else None
    return FolderProfile(counted.rows, columns, rejected, level, notes, unread, known.files, known.read, told)


def _column(
    name: str, each: Tally, counted: Tallies, chosen: str | None, description: str | None, max_labels: int
) -> ColumnStatistics:
    found, dtype = _counts(each), each.dtype
    stype = semantic(name, dtype, found, chosen)
    labels: Labels = ()
    if stype == "categorical":
        labels = _labels(name, dtype, found, counted.rows, max_labels)
    kind = pointing_at(name)
    seen = Look(
        name, found.cells, 0, found.numbers, found.whole, False, found.dates, frozenset(), looks_like=kind,
        by="its name says so" if kind else "",
    )  # fmt: skip
    made = statistics_of(seen, dtype, stype, found, counted.rows, labels, chosen is not None, description)
    if made.looks_like and not kind:
        made = replace(made, looks_like="", by="")
    if stype == "image":
        return _with_pictures(made, _pictures(name, counted))
    if name.startswith(PIXELS):
        note = "Its values are images: choose the type image to have their dimensions and formats in the schema."
        return replace(made, notes=(note,))
    return made


def _counts(each: Tally) -> Counts:
    """What was counted about a column, as every other pass gives it."""
    found = Counts(
        cells=each.filled,
        distinct=each.distinct,
        numbers=each.numbers,
        bins=dict(each.values),
        others=each.others,
        exact=each.exact,
    )
    if each.dates:
        found.dates = each.dates
        found.first, found.last = _moment(each.low), _moment(each.high)
        found.moments = [value * _DAY for value in each.shares]
    elif each.numbers:
        found.low, found.high, found.mean, found.deviation = each.low, each.high, each.mean, each.deviation
        found.whole, found.shares = each.whole, list(each.shares)
    return found


def _moment(days: float | None) -> str | None:
    if days is None:
        return None
    try:
        return (_EPOCH + timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError):
        return None


def _labels(name: str, dtype: str, found: Counts, rows: int, max_labels: int) -> Labels:
    labels = known_labels(dtype, found, rows, True) if found.cells else ()
    if labels is None or len(labels) > max_labels:
        raise too_many_labels(name, found.distinct, max_labels)
    return labels


def _pictures(name: str, counted: Tallies) -> list[tuple[Picture, int]]:
    """The images of a column: of several frames of a file each has a column of its own."""
    tail = name.removeprefix(PIXELS).strip()
    frame = int(tail) if tail.isdigit() else 0
    read = ((Picture.from_text(text), times) for text, times in counted.hidden(PICTURE).values.items())
    return [(picture, times) for picture, times in read if picture.frames > frame]


def _with_pictures(made: ColumnStatistics, pictures: list[tuple[Picture, int]]) -> ColumnStatistics:
    """The statistics of an image column with how often which dimensions, formats and modes occur, the most first."""

    def ranked(of: Callable[[Picture], str]) -> tuple[tuple[str, int], ...]:
        counts: dict[str, int] = {}
        for picture, times in pictures:
            counts[of(picture)] = counts.get(of(picture), 0) + times
        return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:_MOST_DIMENSIONS])

    return replace(
        made,
        dimensions=ranked(lambda picture: str(picture.dimensions)),
        formats=ranked(lambda picture: picture.format),
        modes=ranked(lambda picture: picture.mode),
    )


def _no_rows(known: Known) -> BadInput:
    return BadInput(
        "datasource.no-rows",
        "None of these files gives a row.",
        f"{'; '.join(headers.reasons(known)[:4])}.",
        "Choose the kind of datasource that fits these files, or look at how they are written.",
    )
