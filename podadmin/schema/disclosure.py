"""What leaves when a schema is published, as the custodian decided it: columns confirmed, labels withheld or merged.

Pure rules. The document that was generated is never changed: what is published is made from it and from the choices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput, Refused
from podadmin.core.text import stranger
from podadmin.schema.model import Document, Feature
from podadmin.schema.statistics import NULL_LABEL, ColumnStatistics

OTHER = "other"
"""What small categories become when they are merged, unless the custodian names it."""


@dataclass(frozen=True)
class Disclosure:
    """`confirmed`: column -> the `pin` of what was looked at and accepted. `withheld`: column -> labels that are not
    told. `merged`: column -> label -> the label that is told instead of it.
    """

    confirmed: dict[str, str] = field(default_factory=dict)
    withheld: dict[str, frozenset[str]] = field(default_factory=dict)
    merged: dict[str, dict[str, str]] = field(default_factory=dict)


def small_labels(column: ColumnStatistics, small: int) -> tuple[str, ...]:
    """The labels of a column that fewer than `small` records have; the one for empty cells is nobody's.

    None where nobody counted them: which of them are small is not known.
    """
    few = (label for label, times in column.labels if times < small and label != NULL_LABEL)
    return tuple(few) if column.counted else ()


def told(column: ColumnStatistics, chosen: Disclosure) -> tuple[tuple[str, int], ...]:
    """The labels of a column as they would be published, each with how many records it stands for then."""
    withheld = chosen.withheld.get(column.name, frozenset())
    into = chosen.merged.get(column.name, {})
    counts: dict[str, int] = {}
    for label, times in column.labels:
        if label not in withheld:
            shown = into.get(label, label)
            counts[shown] = counts.get(shown, 0) + times
    return tuple(sorted(counts.items()))


def to_confirm(columns: Iterable[ColumnStatistics], chosen: Disclosure, small: int) -> tuple[str, ...]:
    """The columns that must be confirmed before the schema is published: those that look like they point at people,
    and those of which a small category would still be told.
    """
    open_ones = []
    for column in columns:
        few = [label for label, times in told(column, chosen) if times < small and label != NULL_LABEL]
        if (column.looks_like or few) and chosen.confirmed.get(column.name) != pin(column, chosen):
            open_ones.append(column.name)
    return tuple(open_ones)


def pin(column: ColumnStatistics, chosen: Disclosure) -> str:
    """What a confirmation of this column is about: it counts no more once something else would be told."""
    labels = [label for label, _ in told(column, chosen)]
    return hashlib.sha256(canonical([column.stype, column.looks_like, labels]).encode()).hexdigest()


def published(document: Document, columns: Sequence[ColumnStatistics], chosen: Disclosure, small: int) -> Document:
    """The document as it may leave. Raises Refused (`schema.unconfirmed`) while a column waits to be confirmed."""
    waiting = to_confirm(columns, chosen, small)
    if waiting:
        named = ", ".join(f"“{stranger(name, 60)}”" for name in waiting[:6])
        more = f" and {len(waiting) - 6} more" if len(waiting) > 6 else ""
        raise Refused(
            "schema.unconfirmed",
            "The schema may not be published yet.",
            f"It was not confirmed what {named}{more} would reveal.",
            "Look at what each of them reveals and confirm it; ignore the column, or withhold or merge its labels.",
        )
    return applied(document, columns, chosen)


def applied(document: Document, columns: Sequence[ColumnStatistics], chosen: Disclosure) -> Document:
    """The document with labels withheld and merged, whether or not everything was confirmed."""
    known = {column.name: column for column in columns}

    def feature(each: Feature) -> Feature:
        if each.stype != "categorical" or each.name not in known:
            return each
        if each.name not in chosen.withheld and each.name not in chosen.merged:
            return each
        return replace(each, labels=tuple(label for label, _ in told(known[each.name], chosen)))

    return replace(document, features=tuple(map(feature, document.features)))


def check_labels(column: ColumnStatistics, labels: Iterable[str]) -> None:
    """Raises BadInput (`schema.unknown-label`) for a label that the column does not have."""
    known = {label for label, _ in column.labels}
    for label in labels:
        if label not in known:
            raise BadInput(
                "schema.unknown-label",
                f"The column “{stranger(column.name, 60)}” has no label “{stranger(label, 60)}”.",
                "Labels are written as the schema shows them." if known else "It is not categorical.",
                "Look at the labels of the column, and choose one of them.",
            )
