"""How a datasource stands: a short look that reads next to nothing, and what is kept of it when it changes.

The look names what broke: not mounted, permission, slow share, wrong password, empty, certificate. What stays as it was
is not written again, so that the journal tells of changes and not of every look.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import delete, insert, select
from sqlalchemy import update as changed

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, stamp, unstamp
from podadmin.core.errors import Cancelled, PodadminError
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources.accessibility import Standing, standing
from podadmin.datasources.model import Datasource, FileSource, FolderSource, Source
from podadmin.datasources.patience import PATIENCE_SECONDS
from podadmin.datasources.probing import header, touch
from podadmin.datasources.records import health as table
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

SLOW_SECONDS: Final = 5.0
"""A look that takes longer is told: what reads the data will be slow as well."""
State = Literal["good", "slow", "broken"]


@dataclass(frozen=True)
class Health:
    """`code`: our code of what broke, "" for nothing. `error`: what, why and next step of it. `since`: aware, UTC."""

    state: State
    code: str = ""
    error: dict[str, str] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def standing(self) -> Standing | None:
        """The field's code, the cause and who can fix it; None where nothing broke."""
        return standing(self.code) if self.code else None


def look(
    source: Source,
    password: Secret[str] | None,
    clock: Clock,
    progress: Progress,
    *,
    mount: str = "",
    patience: float = PATIENCE_SECONDS,
    slow: float = SLOW_SECONDS,
) -> Health:
    """A short look at a source. What is wrong with it is the answer and is not raised. Raises Cancelled.

    `mount`: where its disk or share was mounted when it was added. `patience`: seconds until it counts as hanging.
    """
    began = clock.monotonic()
    try:
        if isinstance(source, FileSource | FolderSource):
            touch(source, progress, mount=mount, patience=patience)
        else:
            header(source, password, clock, progress)
    except Cancelled:
        raise
    except PodadminError as error:
        return broken(error)
    return Health("slow" if clock.monotonic() - began > slow else "good")


def broken(error: PodadminError) -> Health:
    return Health("broken", error.code, {name: str(value) for name, value in error.as_dict().items()})


def kept(store: Store) -> dict[str, Health]:
    """How every datasource stands that was ever looked at, by its id."""
    with store.read() as connection:
        rows = connection.execute(select(table)).all()
    return {
        row.datasource_id: Health(row.state, row.code, json.loads(row.error) if row.error else {}, unstamp(row.since))
        for row in rows
    }


def keep(store: Store, clock: Clock, actor: str, source: Datasource, found: Health) -> bool:
    """Keep how a datasource stands, where that is something new (`datasource.health-changed`); says whether it was."""
    before = kept(store).get(source.id)
    if before is not None and (before.state, before.code) == (found.state, found.code):
        return False
    if before is None and found.state == "good":
        # the first look that finds nothing wrong tells nothing that adding it has not told
        return False
    with store.record(Fact(actor, "datasource.health-changed", source.id, told(source.name, before, found))) as unit:
        write(unit, clock, source.id, found)
    return True


def told(name: str, before: Health | None, found: Health) -> dict[str, Any]:
    """What the journal says of a change."""
    body: dict[str, Any] = {"name": name, "was": before.state if before is not None else "good", "state": found.state}
    if found.standing is not None:
        body |= {"code": found.code, "cause": found.standing.cause}
    return body


def write(unit: Unit, clock: Clock, datasource_id: str, found: Health) -> None:
    """Write it inside an open unit of work. The moment of the change stays where the state is the same."""
    same = unit.connection.execute(
        select(table.c.datasource_id).where(
            table.c.datasource_id == datasource_id, table.c.state == found.state, table.c.code == found.code
        )
    ).first()
    error = canonical(found.error) if found.error else None
    if same:
        unit.execute(changed(table).where(table.c.datasource_id == datasource_id).values(error=error))
        return
    forget(unit, datasource_id)
    unit.execute(
        insert(table).values(
            datasource_id=datasource_id,
            state=found.state,
            code=found.code,
            since=stamp(clock.now()),
            error=error,
        )
    )


def forget(unit: Unit, datasource_id: str) -> None:
    """Nothing is known of a datasource any more: it was changed or removed."""
    unit.execute(delete(table).where(table.c.datasource_id == datasource_id))
