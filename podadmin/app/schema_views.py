"""Schemas as they are shown: what they reveal, what was decided about that, and the statistics of a column."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from podadmin.app.views.datasources import ColumnFacts, ColumnView, DriftRow, Revelation, SchemaView
from podadmin.app.views.facts import Fact
from podadmin.core.text import stranger
from podadmin.datasources.model import CsvSource, Datasource, FolderSource, Source
from podadmin.requests.grant_moves import lasts
from podadmin.requests.records import grant, request
from podadmin.schema import releases, service
from podadmin.schema.describe import SHARED_BY
from podadmin.schema.disclosure import Disclosure, applied, small_labels, to_confirm, told
from podadmin.schema.drift import drift
from podadmin.schema.model import Document
from podadmin.schema.profile import Unread
from podadmin.schema.releases import Release
from podadmin.schema.reveals import Reveal, reveals
from podadmin.schema.service import Saved
from podadmin.schema.statistics import NULL_LABEL, ColumnStatistics

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

LABELS_SHOWN = 50
_LABELS_DECIDED = 1_000
_FEW_VALUES = 24
_SHARES = {
    0.05: "5 % are below",
    0.25: "A quarter is below",
    0.5: "Median",
    0.75: "Three quarters are below",
    0.95: "95 % are below",
}


@dataclass(frozen=True)
class Made:
    """What a view needs, whether a schema was just generated or saved before. `before`: what it is compared with."""

    document: Document
    columns: tuple[ColumnStatistics, ...]
    rejected: int
    seconds: float
    made_at: datetime
    saved: bool
    before: Document | None = None
    notes: tuple[str, ...] = ()
    counted_in: str = "lines"
    origin: Mapping[str, str] = field(default_factory=dict)
    unread: Unread | None = None


def counted_in(source: Source, origin: Mapping[str, str]) -> str:
    """What a schema of this source is counted in, see SchemaView."""
    if origin:
        return ""
    if isinstance(source, FolderSource):
        return "files"
    return "lines" if isinstance(source, CsvSource) else "rows"


def origin_words(origin: Mapping[str, str]) -> str:
    """Which pod told a schema."""
    return f"the pod {origin['pod']}" if origin else ""


def schema_view(profile: Profile, datasource_id: str, name: str, made: Made) -> SchemaView:
    """A schema and what publishing it would tell, with what was decided about it."""
    small = int(profile.settings.number("schema.small-group"))
    chosen = releases.disclosure(profile.store, datasource_id) if datasource_id else Disclosure()
    released = releases.released(profile.store, datasource_id) if datasource_id else None
    told_all = reveals(made.document.records, _as_told(made.columns, chosen), small)
    warnings = _warnings(told_all)
    waiting = frozenset(to_confirm(made.columns, chosen, small))
    columns = tuple(
        _column(each, warnings.get(stranger(each.name, 60), ""), chosen, waiting, small) for each in made.columns
    )
    document = applied(made.document, made.columns, chosen)
    return SchemaView(
        datasource=datasource_id,
        datasource_name=name,
        made_at=made.made_at,
        records=made.document.records,
        columns=columns,
        reveals=tuple(Revelation(each.column, each.what, each.values, each.tone) for each in told_all),
        rejected_lines=made.rejected,
        seconds=made.seconds,
        saved=made.saved,
        document=document.as_dict(),
        unconfirmed=tuple(name for name in (each.name for each in made.columns) if name in waiting),
        released_at=released.at if released else None,
        drift=_drift(profile, name, made, document, released),
        notes=made.notes,
        counted_in=made.counted_in,
        origin=origin_words(made.origin),
        files_unread=made.unread.files if made.unread is not None else 0,
        unread_seconds=made.unread.seconds if made.unread is not None else None,
    )


def kept_view(profile: Profile, source: Datasource, kept: Saved) -> SchemaView:
    """A schema that was saved, compared with the one before it."""
    before = service.before(profile.store, kept)
    made = Made(
        kept.document,
        kept.columns,
        kept.rejected,
        kept.seconds,
        kept.made_at,
        True,
        before.document if before is not None else None,
        kept.notes,
        counted_in(source.source, kept.origin),
        kept.origin,
        kept.unread,
    )
    return schema_view(profile, source.id, source.name, made)


def _drift(
    profile: Profile, name: str, made: Made, document: Document, released: Release | None
) -> tuple[DriftRow, ...]:
    """Against what networks have, as they would get it now; before the first release against what was saved before."""
    if released is not None:
        return drift_rows(profile, name, document, released.document)
    return drift_rows(profile, name, made.document, made.before)


def drift_rows(profile: Profile, datasource: str, now: Document, before: Document | None) -> tuple[DriftRow, ...]:
    """What is different between two documents, and which grants that last pin a column for which it breaks."""
    found = drift(before, now) if before is not None else ()
    if not found:
        return ()
    pinned = _pinning(profile, datasource) if any(each.breaking for each in found) else {}
    return tuple(
        DriftRow(
            stranger(each.column, 60),
            each.what,
            each.breaking,
            tuple(name for name, columns in pinned.items() if each.breaking and each.column in columns),
        )
        for each in found
    )


def _pinning(profile: Profile, datasource: str) -> dict[str, frozenset[str]]:
    """Grants that last and were made for requests on the datasource -> the columns that their pins name."""
    asked = (
        select(grant)
        .join(request, request.c.id == grant.c.made_from)
        .where(request.c.datasource == datasource, grant.c.voided_reason.is_(None))
    )
    with profile.store.read() as connection:
        rows = connection.execute(asked).all()
    now = profile.clock.now()
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        if lasts(row, now) and row.pins:
            pins = json.loads(row.pins)
            named = [json.loads(pins.get(key) or "[]") for key in ("columns", "columns_read")]
            found[row.id] = frozenset(_texts_in(named))
    return found


def _texts_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts_in(each)]
    return [text for each in value for text in _texts_in(each)] if isinstance(value, list) else []


def _as_told(columns: Sequence[ColumnStatistics], chosen: Disclosure) -> tuple[ColumnStatistics, ...]:
    """The columns with the labels that would be told."""
    decided = {*chosen.withheld, *chosen.merged}
    return tuple(replace(each, labels=told(each, chosen)) if each.name in decided else each for each in columns)


def _warnings(told_all: tuple[Reveal, ...]) -> dict[str, str]:
    """The gravest thing that is told about each column."""
    found: dict[str, str] = {}
    for tone in ("warn", "bad"):
        found |= {each.column: each.what for each in told_all if each.column and each.tone == tone}
    return found


def _column(
    column: ColumnStatistics, warning: str, chosen: Disclosure, waiting: frozenset[str], small: int
) -> ColumnView:
    labels = told(column, chosen)
    few = sum(times < small for label, times in labels if label != NULL_LABEL) if column.counted else 0
    known = column.counted or column.stype == "categorical"
    return ColumnView(
        name=column.name,
        dtype=column.dtype,
        stype=column.stype,
        forced=column.forced,
        ignored=False,
        description=stranger(column.description or "", 500),
        nulls=column.nulls if column.counted else None,
        distinct=column.distinct if known else None,
        distinct_estimated=column.distinct_estimated,
        minimum="" if column.minimum is None else stranger(str(column.minimum), 60),
        maximum="" if column.maximum is None else stranger(str(column.maximum), 60),
        mean=column.mean,
        labels=tuple(stranger(label, 60) for label, _times in labels[:LABELS_SHOWN]),
        warning=warning,
        looks_like=column.looks_like,
        unconfirmed=column.name in waiting,
        small=few,
        decided=_decided(column, chosen),
    )


def _decided(column: ColumnStatistics, chosen: Disclosure) -> str:
    withheld, merged = len(chosen.withheld.get(column.name, ())), len(chosen.merged.get(column.name, ()))
    words = [f"{withheld} withheld"] if withheld else []
    return ", ".join([*words, f"{merged} merged"] if merged else words)


def column_facts(profile: Profile, datasource_id: str, column: ColumnStatistics) -> ColumnFacts:
    """Everything that is known about one column, in words."""
    small = int(profile.settings.number("schema.small-group"))
    chosen = releases.disclosure(profile.store, datasource_id) if datasource_id else Disclosure()
    exactly = "about " if column.distinct_estimated else ""
    facts = [Fact("Type", f"{column.stype}, stored as {column.dtype}")]
    if column.counted:
        facts = [
            Fact("Values", f"{column.count:,}"),
            Fact("Empty", f"{column.nulls:,}", "warn" if column.nulls and not column.count else "plain"),
            Fact("Different values", f"{exactly}{column.distinct:,}"),
            *facts,
        ]
    elif column.stype == "categorical":
        facts.append(Fact("Different values", f"{column.distinct:,}, as the pod says"))
    if column.minimum is not None and column.maximum is not None:
        facts.append(Fact("From, to", f"{_short(column.minimum)} to {_short(column.maximum)}"))
    if column.mean is not None:
        facts.append(Fact("Mean", _short(column.mean)))
    if column.deviation is not None:
        facts.append(Fact("Standard deviation", _short(column.deviation)))
    facts += [Fact(_SHARES.get(share, f"{share:.0%}"), f"about {_short(value)}") for share, value in column.quantiles]
    if column.shortest is not None:
        facts.append(Fact("Length", f"{column.shortest:,} to {column.longest:,} characters"))
    if column.likely_key:
        known = ", as far as is known" if exactly else ""
        facts.append(Fact("Key", f"every row has a value of its own{known}", "warn"))
    if column.looks_like:
        facts.append(Fact("Looks like", f"{column.looks_like} ({column.by})", "warn"))
    if other := other_way(column):
        facts.append(Fact("Another way", other))
    counted = all(low == high for low, high, _ in column.histogram)
    return ColumnFacts(
        column.name,
        tuple(facts),
        tuple((_short(low), _short(high), rows) for low, high, rows in column.histogram),
        f"{'counted' if counted else 'estimated'}; it stays on this computer",
        tuple((stranger(text, 60), f"{times:,}") for text, times in column.top),
        tuple((stranger(shape, 60), f"{share:.0%}") for shape, share in column.patterns),
        column.notes if column.counted else ("The pod told its schema: nothing of its values was counted here.",),
        _labels(column, chosen, small),
    )


def other_way(column: ColumnStatistics) -> str:
    """What a person would call this column where the contract's rule says otherwise, by name; "" where they agree.

    The contract has no threshold: a column is categorical only where it is one of yes and no, or is chosen to be
    (bitfount contract, section 3.2). So few values that many records share stay text, and codes stay numbers.
    """
    few = 1 < column.distinct <= _FEW_VALUES and column.count >= SHARED_BY * column.distinct
    if not (few and column.counted) or column.looks_like or column.stype not in ("text", "continuous"):
        return ""
    return (
        f"It has {column.distinct} different values only. Chosen as “categorical”, they are labels that a model can be "
        f"trained on, and every one of them is told; by the pod's rule it is {column.stype}."
    )


def _labels(column: ColumnStatistics, chosen: Disclosure, small: int) -> tuple[tuple[str, int | None, str], ...]:
    """The labels with what was decided about each, the rarest first: those are what has to be decided."""
    withheld, merged = chosen.withheld.get(column.name, frozenset()), chosen.merged.get(column.name, {})
    few = frozenset(small_labels(column, small))

    def words(label: str) -> str:
        if label in withheld:
            return "withheld"
        if label in merged:
            return f"merged into {stranger(merged[label], 40)}"
        return "few have it" if label in few else ""

    ranked = sorted(column.labels, key=lambda pair: (pair[1], pair[0]))[:_LABELS_DECIDED]
    return tuple((label, times if column.counted else None, words(label)) for label, times in ranked)


def _short(value: float | int | str) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else stranger(value, 40)
