"""What a column is and which labels it has, from what was counted: the same for every kind of source. Pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from podadmin.core.errors import BadInput
from podadmin.core.text import stranger
from podadmin.datasources.dtypes import BOOLEAN, FLOAT, INTEGER, NUMERIC, UNSIGNED, stype_of
from podadmin.datasources.sample import Look
from podadmin.schema.counts import Counts
from podadmin.schema.describe import described
from podadmin.schema.statistics import NULL_LABEL, ColumnStatistics, labelled

INT64 = 2.0**63
Labels = tuple[tuple[str, int], ...]


def typed(declared: str, found: Counts) -> str:
    """The dtype of a column whose type is declared: by a typed file or by a database."""
    largest = largest_of(found)
    if declared == FLOAT and found.whole and largest < INT64:
        # a column of floating point that holds whole numbers only is one of those, as pandas converts it
        return INTEGER
    return UNSIGNED if declared == INTEGER and (found.high or 0) >= 2**63 else declared


def largest_of(found: Counts) -> float:
    """The largest number of a column, whatever its sign."""
    return max(abs(found.low or 0.0), abs(found.high or 0.0))


def semantic(name: str, dtype: str, found: Counts, chosen: str | None) -> str:
    """The semantic type of a column; `chosen` by the custodian. Raises BadInput `schema.not-numeric`."""
    if chosen == "continuous" and found.cells and dtype not in NUMERIC:
        raise BadInput(
            "schema.not-numeric",
            f"The column “{stranger(name, 60)}” cannot be continuous.",
            f"{found.cells - found.numbers} of its {found.cells} values are not numbers."
            if found.numbers
            else "Its values are not numbers.",
            "Take the chosen type back, or have the values corrected where the file is written.",
        )
    return chosen or stype_of(name, dtype)


def known_labels(dtype: str, found: Counts, rows: int, forced: bool) -> Labels | None:
    """The labels of a categorical column with how often each occurs, where all values were counted already."""
    empty = {None: rows - found.cells} if rows > found.cells else {}
    if dtype == BOOLEAN:
        cells = {word: times for word, times in (("True", found.trues), ("False", found.falses)) if times}
        return labelled([*cells.items(), *empty.items()], BOOLEAN)
    if found.all_binned and forced:
        return labelled([*found.bins.items(), *empty.items()], dtype)
    return None


def too_many_labels(name: str, labels: int, most: int) -> BadInput:
    """What is said about a column with more different values than `most`."""
    return BadInput(
        "schema.too-many-labels",
        f"The column “{stranger(name, 60)}” cannot be categorical.",
        f"It has about {labels} different values, and {most} labels are the most that a schema may "
        "carry; every one of them would be published.",
        "Choose text for this column, or ignore it.",
    )


def statistics_of(
    seen: Look, dtype: str, stype: str, found: Counts, rows: int, labels: Labels, forced: bool, description: str | None
) -> ColumnStatistics:
    """All that is known about a column. `labels`: those of a categorical one."""
    made = replace(described(seen.name, dtype, stype, seen, found, rows), forced=forced, description=description)
    if stype != "categorical":
        return made
    different = sum(label != NULL_LABEL for label, _ in labels)
    return replace(made, labels=labels, distinct=different, distinct_estimated=False, top=())


def every_statistics(
    looks: Iterable[Look],
    dtypes: Mapping[str, str],
    stypes: Mapping[str, str],
    counts: Mapping[str, Counts],
    rows: int,
    labels: Mapping[str, Labels],
    forced: Mapping[str, str],
    descriptions: Mapping[str, str],
) -> Iterator[ColumnStatistics]:
    """`statistics_of` each column, in the order of `looks`."""
    for seen in looks:
        name = seen.name
        told = labels.get(name, ())
        yield statistics_of(
            seen, dtypes[name], stypes[name], counts[name], rows, told, name in forced, descriptions.get(name)
        )
