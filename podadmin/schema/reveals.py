"""What publishing a schema would tell the world, said before it is published. Pure rules.

Labels of categorical columns are data: they travel with the schema, whole. A label that few patients have can point
at one of them, and a label that only one has may be that patient's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from podadmin.core.text import stranger
from podadmin.datasources.identifiers import suspected
from podadmin.schema.statistics import NULL_LABEL, ColumnStatistics

SMALL_CATEGORY = 10
"""Fewer records than this behind a label count as a small category; custom in disclosure control."""
NEAR_UNIQUE = 0.5
_LABELS_SHOWN = 50


@dataclass(frozen=True)
class Reveal:
    """One thing that would be told. `column` is "" for the whole schema. `tone`: plain | warn | bad."""

    column: str
    what: str
    values: tuple[str, ...]
    tone: str


def reveals(records: int, columns: Sequence[ColumnStatistics], small: int = SMALL_CATEGORY) -> tuple[Reveal, ...]:
    """Everything that a schema over `records` rows tells, the gravest first within each column's turn."""
    told = [
        Reveal("", f"That there are {records} records.", (), "plain"),
        Reveal("", "The names of the columns.", tuple(stranger(column.name, 60) for column in columns), "plain"),
    ]
    for column in columns:
        told += _column(column, records, small)
    return tuple(told)


def _column(column: ColumnStatistics, records: int, small: int) -> list[Reveal]:
    name = stranger(column.name, 60)
    kind = column.looks_like or suspected(column.name)
    told: list[Reveal] = []
    if column.stype == "categorical":
        labels = [(label, times) for label, times in column.labels if label != NULL_LABEL]
        shown = tuple(stranger(label, 60) for label, _ in labels[:_LABELS_SHOWN])
        if kind and column.dtype != "boolean":
            told.append(Reveal(name, f"Every value of a column that looks like {kind}.", shown, "bad"))
        elif not column.counted:
            what = "How many records have each of its labels is not known: a pod does not tell it."
            told.append(Reveal(name, what, shown, "warn"))
        elif len(labels) > small and len(labels) >= NEAR_UNIQUE * max(column.count, 1):
            what = f"{len(labels)} different values in {column.count} records: nearly every record has one of its own."
            told.append(Reveal(name, what, shown, "bad"))
        few = [(label, times) for label, times in labels if times < small]
        if few and not told:
            values = tuple(f"{stranger(label, 60)} ({times})" for label, times in few[:_LABELS_SHOWN])
            labels_said = "1 label" if len(few) == 1 else f"{len(few)} labels"
            told.append(Reveal(name, f"{labels_said} that fewer than {small} records have.", values, "warn"))
        told.append(Reveal(name, f"All {len(labels)} labels: they are values from the data.", shown, "plain"))
    elif kind:
        told.append(Reveal(name, f"That there is a column which looks like {kind}; its values stay here.", (), "warn"))
    if column.description:
        told.append(Reveal(name, "The description that you wrote.", (stranger(column.description),), "plain"))
    return told
