"""Deciding what of a schema leaves, and releasing it: networks are given what was released last, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import BadInput, NotFound
from podadmin.core.text import stranger
from podadmin.schema.disclosure import Disclosure, check_labels, pin, published
from podadmin.schema.model import Document, read
from podadmin.schema.records import choice as choices
from podadmin.schema.records import release as table
from podadmin.schema.service import Saved, digest
from podadmin.schema.statistics import ColumnStatistics
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

_AT_ONCE = 500


@dataclass(frozen=True)
class Release:
    """What networks may be given. `document` has labels withheld and merged as they were when it was released."""

    id: str
    datasource_id: str
    schema_id: str
    at: datetime
    by: str
    document: Document


def disclosure(store: Store, datasource_id: str) -> Disclosure:
    """What was chosen about the schema of a datasource. Choices outlive the schema: a new one is held against them."""
    with store.read() as connection:
        rows = connection.execute(select(choices).where(choices.c.datasource_id == datasource_id)).all()
    confirmed = {row.column: row.value for row in rows if row.kind == "confirm"}
    withheld: dict[str, set[str]] = {}
    merged: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.kind == "withhold":
            withheld.setdefault(row.column, set()).add(row.label)
        elif row.kind == "merge":
            merged.setdefault(row.column, {})[row.label] = row.value
    return Disclosure(confirmed, {name: frozenset(labels) for name, labels in withheld.items()}, merged)


def confirm(store: Store, clock: Clock, actor: str, kept: Saved, names: Sequence[str]) -> None:
    """Record that what these columns reveal was looked at. Raises BadInput (`schema.unknown-column`)."""
    chosen = disclosure(store, kept.datasource_id)
    columns = [_column(kept, name) for name in names]
    body = {"datasource": kept.datasource_id, "columns": len(columns)}
    with store.record(Fact(actor, "schema.confirmed", kept.id, body)) as unit:
        for column in columns:
            _put(unit, clock, actor, kept.datasource_id, column.name, "confirm", {"": pin(column, chosen)})


def withhold(store: Store, clock: Clock, actor: str, kept: Saved, name: str, labels: Iterable[str]) -> None:
    """Never tell these labels of a column. Raises BadInput (`schema.unknown-column`, `schema.unknown-label`)."""
    _decide(store, clock, actor, kept, name, "withhold", dict.fromkeys(labels, ""))


def merge(store: Store, clock: Clock, actor: str, kept: Saved, name: str, labels: Iterable[str], into: str) -> None:
    """Tell one label `into` instead of these. Raises BadInput, also `schema.merge-into` for an empty one."""
    if not into.strip():
        raise BadInput(
            "schema.merge-into",
            "The labels were not merged.",
            "The label that stands for them has no name.",
            "Name it, for example “other”.",
        )
    _decide(store, clock, actor, kept, name, "merge", dict.fromkeys(labels, into.strip()))


def tell_again(store: Store, actor: str, kept: Saved, name: str) -> None:
    """Take back what was withheld or merged of a column."""
    column = _column(kept, name)
    body = {"datasource": kept.datasource_id, "column": stranger(name, 80)}
    with store.record(Fact(actor, "schema.told-again", kept.id, body)) as unit:
        unit.execute(
            delete(choices).where(
                choices.c.datasource_id == kept.datasource_id,
                choices.c.column == column.name,
                choices.c.kind.in_(("withhold", "merge")),
            )
        )


def release(store: Store, clock: Clock, actor: str, kept: Saved, small: int) -> Release:
    """Let networks have this schema, as it was decided. Raises Refused (`schema.unconfirmed`)."""
    document = published(kept.document, kept.columns, disclosure(store, kept.datasource_id), small)
    new = Release(new_id("rel"), kept.datasource_id, kept.id, clock.now(), actor, document)
    text = canonical(document.as_dict())
    body = {
        "datasource": kept.datasource_id,
        "schema": kept.id,
        "records": document.records,
        "columns": len(document.features),
        "labels": sum(len(feature.labels) for feature in document.features),
        "document_sha256": digest(text),
    }
    with store.record(Fact(actor, "schema.released", new.id, body)) as unit:
        unit.execute(
            insert(table).values(
                id=new.id,
                datasource_id=new.datasource_id,
                schema_id=new.schema_id,
                at=stamp(new.at),
                by=actor,
                document=text,
            )
        )
    return new


def released(store: Store, datasource_id: str) -> Release | None:
    """The newest release of a datasource; None before the first."""
    asked = select(table).where(table.c.datasource_id == datasource_id).order_by(table.c.at.desc(), table.c.id.desc())
    with store.read() as connection:
        row = connection.execute(asked.limit(1)).first()
    if row is None:
        return None
    return Release(row.id, row.datasource_id, row.schema_id, unstamp(row.at), row.by, read(row.document))


def outgoing(store: Store, datasource_id: str) -> Document:
    """What a network may be given of a datasource. Raises NotFound (`schema.not-released`)."""
    found = released(store, datasource_id)
    if found is None:
        raise NotFound(
            "schema.not-released",
            "The schema of this datasource may not be given to a network yet.",
            "Nobody has looked at what it reveals and released it.",
            "Look at what it reveals on the page of the datasource, and release it.",
        )
    return found.document


def _decide(store: Store, clock: Clock, actor: str, kept: Saved, name: str, kind: str, labels: dict[str, str]) -> None:
    column = _column(kept, name)
    check_labels(column, labels)
    body = {"datasource": kept.datasource_id, "column": stranger(name, 80), "labels": len(labels), "kind": kind}
    with store.record(Fact(actor, "schema.labels-decided", kept.id, body)) as unit:
        other = "merge" if kind == "withhold" else "withhold"
        _drop(unit, kept.datasource_id, name, other, tuple(labels))
        _put(unit, clock, actor, kept.datasource_id, name, kind, labels)


def _put(
    unit: Unit, clock: Clock, actor: str, datasource_id: str, column: str, kind: str, labels: dict[str, str]
) -> None:
    _drop(unit, datasource_id, column, kind, tuple(labels))
    if labels:
        rows = [
            {"datasource_id": datasource_id, "column": column, "kind": kind, "label": label, "value": value}
            | {"at": stamp(clock.now()), "by": actor}
            for label, value in labels.items()
        ]
        unit.execute(insert(choices), rows)


def _drop(unit: Unit, datasource_id: str, column: str, kind: str, labels: tuple[str, ...]) -> None:
    mine = (choices.c.datasource_id == datasource_id, choices.c.column == column, choices.c.kind == kind)
    for first in range(0, len(labels), _AT_ONCE):
        unit.execute(delete(choices).where(*mine, choices.c.label.in_(labels[first : first + _AT_ONCE])))


def _column(kept: Saved, name: str) -> ColumnStatistics:
    for column in kept.columns:
        if column.name == name:
            return column
    raise BadInput(
        "schema.unknown-column",
        f"The schema has no column “{stranger(name, 60)}”.",
        "It was never there, or it is ignored.",
        "Look at the columns of the schema, and name one of them.",
    )
