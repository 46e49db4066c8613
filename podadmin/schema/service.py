"""Keeping and exporting schemas. The journal learns counts and digests, never a label or a value."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from podadmin.core.canon import canonical, parsed
from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import BadInput, NotFound, PodadminError, Unavailable
from podadmin.core.files import expanded
from podadmin.core.text import stranger
from podadmin.schema.exchange import arrow, frictionless
from podadmin.schema.generate import Generated
from podadmin.schema.model import Document, read
from podadmin.schema.profile import Unread
from podadmin.schema.records import schema as table
from podadmin.schema.statistics import ColumnStatistics
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

FORMATS = ("yaml", "json", "frictionless", "arrow")
_WRITERS: dict[str, Callable[[Document], str]] = {
    "yaml": Document.to_yaml,
    "json": Document.to_json,
    "frictionless": frictionless,
    "arrow": arrow,
}


@dataclass(frozen=True)
class Saved:
    """A schema as it is kept. `size` (bytes) and `modified_ns` are those of what it was made from, 0 for a database."""

    id: str
    datasource_id: str
    made_at: datetime
    document: Document
    columns: tuple[ColumnStatistics, ...]
    rejected: int
    seconds: float
    size: int
    modified_ns: int
    notes: tuple[str, ...] = ()
    """Sentences on how much of the source was read."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """As in Generated."""
    unread: Unread | None = None
    made_from: str = ""
    """`datasources.stored.made_from` of how the datasource was set up then; "" where that was not written down."""


def save(
    store: Store, clock: Clock, actor: str, datasource_id: str, generated: Generated, made_from: str = ""
) -> Saved:
    """Keep `generated` as the schema of a datasource. Earlier ones stay as history. `made_from`: as in Saved."""
    new = Saved(
        new_id("sch"),
        datasource_id,
        clock.now(),
        generated.document,
        generated.columns,
        generated.rejected.count,
        generated.seconds,
        generated.fingerprint.size if generated.fingerprint is not None else 0,
        generated.fingerprint.modified_ns if generated.fingerprint is not None else 0,
        generated.notes,
        generated.origin,
        generated.unread,
        made_from,
    )
    return _keep(store, actor, "schema.taken" if new.origin else "schema.saved", new)


def describe(store: Store, clock: Clock, actor: str, kept: Saved, descriptions: Mapping[str, str]) -> Saved:
    """Keep the same schema with other descriptions: nothing has to be read again for that. An empty one is none."""

    def said(name: str, before: str | None) -> str | None:
        return descriptions.get(name, before) or None

    features = tuple(replace(each, description=said(each.name, each.description)) for each in kept.document.features)
    columns = tuple(replace(each, description=said(each.name, each.description)) for each in kept.columns)
    document = replace(kept.document, features=features)
    new = replace(kept, id=new_id("sch"), made_at=clock.now(), document=document, columns=columns)
    return _keep(store, actor, "schema.described", new)


def _keep(store: Store, actor: str, act: str, new: Saved) -> Saved:
    document = canonical(new.document.as_dict())
    statistics = canonical(
        {
            "columns": [column.as_dict() for column in new.columns],
            "size": new.size,
            "modified_ns": new.modified_ns,
            "notes": new.notes,
            "origin": dict(new.origin),
            "unread": [new.unread.files, new.unread.seconds] if new.unread else None,
            "made_from": new.made_from,
        }
    )
    body = {
        "datasource": new.datasource_id,
        "records": new.document.records,
        "columns": len(new.columns),
        "categorical": sum(column.stype == "categorical" for column in new.columns),
        "labels": sum(len(column.labels) for column in new.columns),
        "rejected": new.rejected,
        "document_sha256": digest(document),
        **new.origin,
    }
    with store.record(Fact(actor, act, new.id, body)) as unit:
        unit.execute(
            insert(table).values(
                id=new.id,
                datasource_id=new.datasource_id,
                made_at=stamp(new.made_at),
                records=new.document.records,
                document=document,
                statistics=statistics,
                rejected=new.rejected,
                seconds=new.seconds,
            )
        )
    return new


def latest(store: Store, datasource_id: str) -> Saved | None:
    """The newest schema of a datasource; None where none was saved yet."""
    return _newest(store, datasource_id, None)


def before(store: Store, kept: Saved) -> Saved | None:
    """The schema of the same datasource that was saved before `kept`."""
    return _newest(store, kept.datasource_id, stamp(kept.made_at))


def _newest(store: Store, datasource_id: str, older_than: str | None) -> Saved | None:
    asked = select(table).where(table.c.datasource_id == datasource_id)
    if older_than is not None:
        asked = asked.where(table.c.made_at < older_than)
    with store.read() as connection:
        row = connection.execute(asked.order_by(table.c.made_at.desc(), table.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    statistics, columns = _statistics(row.statistics)
    return Saved(
        row.id,
        row.datasource_id,
        unstamp(row.made_at),
        _document(row.document),
        columns,
        row.rejected,
        row.seconds,
        statistics["size"],
        statistics["modified_ns"],
        tuple(statistics.get("notes", ())),
        statistics.get("origin", {}),
        Unread(*statistics["unread"]) if statistics.get("unread") else None,
        statistics.get("made_from", ""),
    )


# With thousands of columns it takes a second to read them, and who goes through their list asks for each one of them.
# The newest schema and the one before it stay, known by their whole text: what was changed is read anew.
@lru_cache(maxsize=2)
def _document(text: str) -> Document:
    return read(text)


@lru_cache(maxsize=2)
def _statistics(text: str) -> tuple[dict[str, Any], tuple[ColumnStatistics, ...]]:
    found = parsed(text)
    return found, tuple(map(ColumnStatistics.from_dict, found.pop("columns")))


def export(
    store: Store,
    actor: str,
    datasource_id: str,
    to: Path,
    format: str = "yaml",  # noqa: A002
    prepared: Callable[[Saved], Document] = lambda kept: kept.document,
) -> Path:
    """Write the newest schema of a datasource to the file `to`, whole or not at all, as `prepared` makes it ready.

    The journal entry is written with the file: where either fails, neither stays. Raises NotFound (`schema.none`),
    BadInput (`schema.format`, `schema.export-folder`), Unavailable (`schema.export-disk`).
    """
    if format not in FORMATS:
        raise BadInput(
            "schema.format",
            f"“{stranger(format, 20)}” is not a format in which a schema can be written.",
            f"Schemas are written as {', '.join(FORMATS)}.",
            "Choose one of these.",
        )
    kept = latest(store, datasource_id)
    if kept is None:
        raise NotFound(
            "schema.none",
            "This datasource has no schema yet.",
            "None was generated and saved.",
            "Generate its schema and save it first.",
        )
    target = expanded(to).absolute()
    text = _WRITERS[format](prepared(kept))
    body = {
        "datasource": datasource_id,
        "file": stranger(str(target), 400),
        "format": format,
        "records": kept.document.records,
        "file_sha256": digest(text),
    }
    with store.record(Fact(actor, "schema.exported", kept.id, body)):
        try:
            _write(target, text)
        except OSError as error:
            raise _not_written(target) from error
    return target


def _write(target: Path, text: str) -> None:
    """A temporary file beside the target, forced to the disk, then put in its place in one step."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _not_written(target: Path) -> PodadminError:
    if not target.parent.is_dir():
        return BadInput(
            "schema.export-folder",
            "The schema was not written.",
            "The folder that was named for it does not exist.",
            "Choose a folder that exists.",
        )
    return Unavailable(
        "schema.export-disk",
        "The schema was not written.",
        "The folder cannot be written to, or its disk is full.",
        "Choose another folder, or free some space.",
    )


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
