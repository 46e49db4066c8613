"""Adding, testing and removing datasources. Every act is recorded; no act writes to the data itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Row, insert, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import BadInput, Cancelled, NotFound, PodadminError, Refused
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources import tables
from podadmin.datasources.accessibility import who_can_fix
from podadmin.datasources.choices import check_choices
from podadmin.datasources.csv import located
from podadmin.datasources.model import (
    ColumnChoices,
    CsvSource,
    Datasource,
    DatasourceName,
    FileSource,
    Kind,
    ParquetSource,
)
from podadmin.datasources.records import datasource as table
from podadmin.datasources.stored import restored, stored
from podadmin.store.engine import Store
from podadmin.store.unit import Fact


def add(store: Store, clock: Clock, actor: str, name: str, source: FileSource, choices: ColumnChoices) -> Datasource:
    """Keep a datasource under `name`. The file is looked at (its header only) but not read.

    Raises BadInput (`datasource.name`, or what is wrong with the file), Refused (`datasource.name-taken`), NotFound,
    Unavailable.
    """
    DatasourceName(name)
    source = replace(source, path=located(source.path))
    path, header = source.path, tables.table(source).columns
    check_choices(choices, header)
    new = Datasource(new_id("ds"), name, source.kind, source, choices, clock.now())
    body = {
        "name": name,
        "kind": str(new.kind),
        "path": stranger(str(path), 400),
        "columns": len(header),
        "ignored": len(choices.ignore),
        "forced": len(choices.force),
    }
    with store.record(Fact(actor, "datasource.added", new.id, body)) as unit:
        if unit.execute(select(table.c.id).where(table.c.name == name)).first():
            raise Refused(
                "datasource.name-taken",
                "There is a datasource of this name already.",
                "Requests name a datasource by its name, so a name can stand for one only.",
                "Choose another name, or remove the other datasource first.",
            )
        unit.execute(
            insert(table).values(
                id=new.id,
                name=name,
                kind=str(new.kind),
                config=canonical(_config(new)),
                added_at=stamp(new.added_at),
                removed_at=None,
                last_check=None,
            )
        )
    return new


def list_all(store: Store) -> tuple[Datasource, ...]:
    """The datasources that were added and not removed, by name."""
    with store.read() as connection:
        rows = connection.execute(select(table).where(table.c.removed_at.is_(None)).order_by(table.c.name)).all()
    return tuple(map(_read, rows))


def get(store: Store, id_or_name: str) -> Datasource:
    """One datasource by its id (also when it was removed) or its name. Raises NotFound (`datasource.unknown`)."""
    with store.read() as connection:
        row = connection.execute(select(table).where((table.c.id == id_or_name) | (table.c.name == id_or_name))).first()
    if row is None:
        raise NotFound(
            "datasource.unknown",
            f"There is no datasource “{stranger(id_or_name, 80)}”.",
            "It was never added under this name, or it was removed.",
            "Look at the list of datasources for its name.",
        )
    return _read(row)


def check(
    store: Store,
    clock: Clock,
    actor: str,
    id_or_name: str,
    progress: Progress,
    *,
    temp_directory: Path | None = None,
) -> Datasource:
    """Test a datasource by reading it once and keep what was found, good or bad.

    A file that cannot be read is a finding and is not raised. Raises NotFound (`datasource.unknown`), Cancelled.
    """
    chosen = _not_removed(get(store, id_or_name))
    found: dict[str, Any] = {"at": stamp(clock.now())}
    source = chosen.source
    assert isinstance(source, CsvSource | ParquetSource)
    try:
        probe = tables.probe(source, progress, temp_directory=temp_directory)
        check_choices(chosen.choices, probe.columns)
    except Cancelled:
        raise
    except PodadminError as error:
        found |= {"ok": False, "error": error.as_dict(), "who_can_fix": who_can_fix(error.code)}
        body = {"ok": False, "code": error.code}
    else:
        found |= {
            "ok": True,
            "rows": probe.rows,
            "columns": len(probe.columns),
            "size": probe.size,
            "modified": stamp(probe.modified),
            "encoding": probe.encoding,
            "separator": probe.separator,
            "rejected": probe.rejected.count,
        }
        body = {"ok": True, "rows": probe.rows, "rejected": probe.rejected.count, "size": probe.size}
    with store.record(Fact(actor, "datasource.checked", chosen.id, {"name": chosen.name, **body})) as unit:
        unit.execute(update(table).where(table.c.id == chosen.id).values(last_check=canonical(found)))
    return get(store, chosen.id)


def describe(store: Store, actor: str, id_or_name: str, descriptions: Mapping[str, str]) -> Datasource:
    """Keep descriptions of columns; those of other columns stay. An empty one takes a description back.

    Raises NotFound (`datasource.unknown`).
    """
    chosen = _not_removed(get(store, id_or_name))
    kept = {name: text for name, text in {**chosen.choices.describe, **descriptions}.items() if text}
    described = replace(chosen, choices=replace(chosen.choices, describe=kept))
    body = {"name": chosen.name, "columns": len(descriptions)}
    with store.record(Fact(actor, "datasource.described", chosen.id, body)) as unit:
        unit.execute(update(table).where(table.c.id == chosen.id).values(config=canonical(_config(described))))
    return get(store, chosen.id)


def remove(store: Store, clock: Clock, actor: str, id_or_name: str, reason: str) -> Datasource:
    """Stop offering a datasource; its row and its history stay, its file is not touched.

    Raises NotFound (`datasource.unknown`), BadInput (`datasource.no-reason`).
    """
    if not reason.strip():
        raise BadInput(
            "datasource.no-reason",
            "A datasource is removed with a reason only.",
            "Whoever reads the journal later has to see why it is gone.",
            "Say in a few words why you remove it.",
        )
    chosen = _not_removed(get(store, id_or_name))
    body = {"name": chosen.name, "reason": stranger(reason, 400)}
    with store.record(Fact(actor, "datasource.removed", chosen.id, body)) as unit:
        unit.execute(
            update(table)
            .where(table.c.id == chosen.id)
            .values(removed_at=stamp(clock.now()), name=f"{chosen.name}~{chosen.id}")
        )
    return get(store, chosen.id)


def _not_removed(chosen: Datasource) -> Datasource:
    if chosen.removed_at is not None:
        raise NotFound(
            "datasource.unknown",
            f"The datasource “{chosen.name}” was removed.",
            "Only its history is kept.",
            "Add the file again if it should be offered once more.",
        )
    return chosen


def _config(source: Datasource) -> dict[str, Any]:
    choices = source.choices
    return {
        **stored(source.source),
        "ignore": sorted(choices.ignore),
        "force": dict(choices.force),
        "describe": dict(choices.describe),
    }


def _read(row: Row[Any]) -> Datasource:
    config = json.loads(row.config)
    kind = Kind(row.kind)
    return Datasource(
        row.id,
        row.name.partition("~")[0],
        kind,
        restored(kind, config),
        ColumnChoices(tuple(config["ignore"]), config["force"], config["describe"]),
        unstamp(row.added_at),
        unstamp(row.removed_at) if row.removed_at else None,
        json.loads(row.last_check) if row.last_check else None,
    )
