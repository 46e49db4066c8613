"""Adding, testing, changing and removing datasources. Every act is recorded; no act writes to the data itself.

A password lies in the vault under the id of its datasource and nowhere else; its row and that of the datasource are
written in one transaction, so that neither is ever there without the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, insert, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import BadInput, Cancelled, NotFound, PodadminError, Refused, Unavailable
from podadmin.core.late import Late
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.datasources import health, probing
from podadmin.datasources.accessibility import standing
from podadmin.datasources.choices import check_choices
from podadmin.datasources.csv import located
from podadmin.datasources.kinds.registry import declaration
from podadmin.datasources.model import (
    ColumnChoices,
    Datasource,
    DatasourceName,
    FileSource,
    FolderSource,
    Kind,
    Probe,
    Secretive,
    Source,
    SqlSource,
)
from podadmin.datasources.mounts import check_mounted, mount_of
from podadmin.datasources.records import datasource as table
from podadmin.datasources.records import proof_of
from podadmin.datasources.stored import restored, stored
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

if TYPE_CHECKING:
    from podadmin.vault import model as vault_model
    from podadmin.vault.service import Vault
else:
    vault_model = Late("podadmin.vault.model")

Given = Secret[str] | None
Opened = Callable[[], "Vault"]
"""Opens the vault; called only where a password has to be fetched or kept."""


def add(
    store: Store,
    clock: Clock,
    actor: str,
    name: str,
    source: Source,
    choices: ColumnChoices,
    *,
    password: Given = None,
    vault: Opened | None = None,
    progress: Progress | None = None,
) -> Datasource:
    """Keep a datasource under `name`. Its header or its columns are looked at; the data is not read.

    Raises BadInput (`datasource.name`, `datasource.no-password-here`, or what is wrong with the source), Refused
    (`datasource.name-taken`), NotFound, Unavailable, and what the vault raises.
    """
    DatasourceName(name)
    source = _placed(source)
    names = probing.header(source, password, clock, progress or Progress())
    _check(choices, names)
    new_one = new_id("ds")
    new = Datasource(
        new_one, name, source.kind, _with_secret(source, new_one, password), choices, clock.now(), mount=_mount(source)
    )
    body = {"name": name, **_told(new), "columns": len(names or ()), "sha256": _proof(new)}

    def written(unit: Unit) -> None:
        _free(unit, name)
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

    _record(store, Fact(actor, "datasource.added", new.id, body), written, password, vault)
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


def password_of(source: Source, vault: Opened) -> Given:
    """The password or token of a source, None where it has none.

    Raises Unavailable (`datasource.password-missing`) where it has one that is not kept, and what the vault raises.
    """
    name = source.secret if isinstance(source, Secretive) else ""
    if not name:
        return None
    opened = vault()
    info = opened.find_secret(vault_model.SecretPurpose.PASSWORD, name)
    if info is None:
        raise Unavailable(
            "datasource.password-missing",
            "The password of this datasource is not where secrets live.",
            "It was forgotten there, or the profile was restored without it.",
            "Give the password again where the datasource is changed.",
        )
    return Secret(opened.secret(info.id).reveal().decode("utf-8"))


def check(
    store: Store,
    clock: Clock,
    actor: str,
    id_or_name: str,
    progress: Progress,
    *,
    vault: Opened,
    kept: Path,
    temp_directory: Path | None = None,
) -> Datasource:
    """Test a datasource as a whole and keep what was found, good or bad. `kept`: the file of a folder's inventory.

    A source that cannot be read is a finding and is not raised. Raises NotFound (`datasource.unknown`), Cancelled, and
    what the vault raises: a locked one says nothing about the datasource.
    """
    chosen = _not_removed(get(store, id_or_name))
    found: dict[str, Any] = {"at": stamp(clock.now())}
    try:
        check_mounted(chosen.mount)
        password = password_of(chosen.source, vault)
        probe = probing.probe(chosen.source, password, kept, clock, progress, temp_directory=temp_directory)
        names = _names(chosen.source, probe)
        _check(chosen.choices, names)
    except Cancelled:
        raise
    except PodadminError as error:
        if error.code.startswith("vault."):
            raise
        means = standing(error.code)
        found |= {"ok": False, "error": error.as_dict(), "who_can_fix": means.who}
        found |= {"field_code": means.code, "cause": means.cause}
        body = {"ok": False, "code": error.code}
        state = health.broken(error)
    else:
        found |= {"ok": True, **_found(probe, names or ())}
        body = {"ok": True} | {name: found[name] for name in ("rows", "files", "rejected", "size") if name in found}
        state = health.Health("good")
    with store.record(Fact(actor, "datasource.checked", chosen.id, {"name": chosen.name, **body})) as unit:
        unit.execute(update(table).where(table.c.id == chosen.id).values(last_check=canonical(found)))
        health.write(unit, clock, chosen.id, state)
    return get(store, chosen.id)


def change(
    store: Store,
    clock: Clock,
    actor: str,
    id_or_name: str,
    source: Source,
    choices: ColumnChoices,
    *,
    password: Given = None,
    forget_password: bool = False,
    vault: Opened,
    progress: Progress | None = None,
) -> Datasource:
    """Keep another source or other choices for a datasource; its name, its history and its schemas stay.

    A password that is not given stays as it is, unless it is to be forgotten. Raises as `add`, NotFound
    (`datasource.unknown`), Refused (`datasource.kind-fixed`).
    """
    before = _not_removed(get(store, id_or_name))
    if source.kind is not before.kind:
        raise Refused(
            "datasource.kind-fixed",
            "The datasource was not changed.",
            f"It is of the kind {before.kind}, and stays one: grants and schemas were made for what it is.",
            "Remove it and add another one.",
        )
    source = _placed(source)
    had = before.source.secret if isinstance(before.source, Secretive) else ""
    if password is not None:
        source = _with_secret(source, before.id, password)
    elif isinstance(source, Secretive):
        source = replace(source, secret="" if forget_password else had)
    known = password if password is not None else password_of(source, vault)
    names = probing.header(source, known, clock, progress or Progress())
    _check(choices, names)
    after = replace(before, source=source, choices=choices, mount=_mount(source))
    was, now = _config(before), _config(after)
    other = {name for name in {*was, *now} - {"secret"} if was.get(name) != now.get(name)}
    body = {
        "name": before.name,
        **_told(after),
        "changed": sorted(other),
        "was": {name: _short(was.get(name)) for name in sorted(other)},
        "now": {name: _short(now.get(name)) for name in sorted(other)},
        "password": "given" if password is not None else ("forgotten" if had and forget_password else "as before"),
        "sha256": _proof(after),
    }

    def written(unit: Unit) -> None:
        unit.execute(update(table).where(table.c.id == before.id).values(config=canonical(now), last_check=None))
        health.forget(unit, before.id)

    fact = Fact(actor, "datasource.changed", before.id, body)
    gone = had if forget_password and password is None else ""
    _record(store, fact, written, password, vault, gone)
    return get(store, before.id)


def describe(store: Store, actor: str, id_or_name: str, descriptions: Mapping[str, str]) -> Datasource:
    """Keep descriptions of columns; those of other columns stay. An empty one takes a description back.

    Raises NotFound (`datasource.unknown`).
    """
    chosen = _not_removed(get(store, id_or_name))
    kept = {name: text for name, text in {**chosen.choices.describe, **descriptions}.items() if text}
    described = replace(chosen, choices=replace(chosen.choices, describe=kept))
    body = {"name": chosen.name, "columns": len(descriptions), "sha256": _proof(described)}
    with store.record(Fact(actor, "datasource.described", chosen.id, body)) as unit:
        unit.execute(update(table).where(table.c.id == chosen.id).values(config=canonical(_config(described))))
    return get(store, chosen.id)


def remove(
    store: Store, clock: Clock, actor: str, id_or_name: str, reason: str, *, vault: Opened | None = None
) -> Datasource:
    """Stop offering a datasource; its row and its history stay, its data is not touched, its password is forgotten.

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

    def written(unit: Unit) -> None:
        unit.execute(
            update(table)
            .where(table.c.id == chosen.id)
            .values(removed_at=stamp(clock.now()), name=f"{chosen.name}~{chosen.id}")
        )
        health.forget(unit, chosen.id)

    secret = chosen.source.secret if isinstance(chosen.source, Secretive) else ""
    _record(store, Fact(actor, "datasource.removed", chosen.id, body), written, None, vault, secret)
    return get(store, chosen.id)


def _record(
    store: Store,
    fact: Fact,
    written: Callable[[Unit], None],
    password: Given,
    vault: Opened | None,
    forget: str = "",
) -> None:
    """Write a change, in one transaction with the password that comes (under the datasource's id) or goes with it."""

    def together(unit: Unit) -> None:
        written(unit)
        unit.also(fact)

    if password is not None and vault is not None:
        value = Secret(password.reveal().encode("utf-8"))
        vault().put_secret(vault_model.SecretPurpose.PASSWORD, fact.subject, value, fact.actor, together=together)
        return
    kept = vault().find_secret(vault_model.SecretPurpose.PASSWORD, forget) if forget and vault is not None else None
    if kept is not None and vault is not None:
        vault().remove_secret(kept.id, fact.actor, together)
        return
    with store.record(fact) as unit:
        written(unit)


def _free(unit: Unit, name: str) -> None:
    if unit.execute(select(table.c.id).where(table.c.name == name)).first():
        raise Refused(
            "datasource.name-taken",
            "There is a datasource of this name already.",
            "Requests name a datasource by its name, so a name can stand for one only.",
            "Choose another name, or remove the other datasource first.",
        )


def _placed(source: Source) -> Source:
    """The source with the path that it really has."""
    if isinstance(source, FileSource | FolderSource):
        return replace(source, path=located(source.path))
    return source


def _mount(source: Source) -> str:
    if isinstance(source, FileSource | FolderSource):
        return mount_of(source.path)
    return ""


def _with_secret(source: Source, holder: str, password: Given) -> Source:
    if password is None:
        return source
    if isinstance(source, Secretive):
        return replace(source, secret=holder)
    raise BadInput(
        "datasource.no-password-here",
        "A datasource of this kind takes no password.",
        f"{declaration(source.kind).words}",
        "Leave the password out.",
    )


def _check(choices: ColumnChoices, names: tuple[str, ...] | None) -> None:
    if names is not None:
        check_choices(choices, names)


def _names(source: Source, probe: probing.Found) -> tuple[str, ...] | None:
    """The columns, where all of them are known: a folder tells those of a sample of its files, a model its tables."""
    if isinstance(source, FolderSource) or (isinstance(source, SqlSource) and source.whole_model):
        return None
    return probe.columns or None


def _found(probe: probing.Found, names: tuple[str, ...]) -> dict[str, Any]:
    """What a test found, as it is kept. No value of the data is in it."""
    if isinstance(probe, Probe):
        return {
            "rows": probe.rows,
            "columns": len(probe.columns),
            "size": probe.size,
            "modified": stamp(probe.modified),
            "encoding": probe.encoding,
            "separator": probe.separator,
            "rejected": probe.rejected.count,
        }
    moments = {"modified": probe.newest, "oldest": probe.oldest}
    told = {
        "rows": probe.rows,
        "files": probe.files,
        "size": probe.size,
        "columns": len(names) or None,
        **{name: stamp(at) if at is not None else None for name, at in moments.items()},
    }
    found = {name: value for name, value in told.items() if value is not None}
    return {**found, "read_only": probe.read_only, "rejected": 0}


def _told(source: Datasource) -> dict[str, Any]:
    """What the journal says of a datasource. Never more of it than where it lies."""
    choices = source.choices
    return {
        "kind": str(source.kind),
        "path": stranger(source.source.location, 400),
        "ignored": len(choices.ignore),
        "forced": len(choices.force),
    }


def _short(value: Any) -> str:
    """What is set, as the journal says it; "" for nothing. No set-up holds a secret."""
    return "" if value in (None, "", [], {}) else stranger(value if isinstance(value, str) else canonical(value), 400)


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
        **({"mount": source.mount} if source.mount else {}),
        "ignore": sorted(choices.ignore),
        "force": dict(choices.force),
        "describe": dict(choices.describe),
    }


def _proof(source: Datasource) -> str:
    return proof_of(str(source.kind), canonical(_config(source)))


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
        config.get("mount", ""),
    )
