"""Generations as jobs: begun and ended in the store, so that one which a crash cut short is known and can go on.

The step that a generation is at is told by its Progress while it runs; what the store keeps is that it runs, for
which datasource, and how it ended. Reading a table again from its beginning is the only way to go on with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, insert, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import Cancelled, PodadminError
from podadmin.schema.records import job as table
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
_SHOWN = 50


@dataclass(frozen=True)
class Job:
    """A generation. `error` is what a custodian reads of a failure, None otherwise."""

    id: str
    datasource_id: str
    state: str
    began_at: datetime
    by: str
    ended_at: datetime | None
    error: dict[str, str] | None


@contextmanager
def running(store: Store, clock: Clock, actor: str, datasource_id: str) -> Iterator[str]:
    """One generation, from its beginning to its end, however it ends. Hands out the job's id.

    An earlier one of the datasource that a crash cut short is what this one goes on with: it keeps its id.
    """
    with store.read() as connection:
        asked = select(table.c.id).where(table.c.datasource_id == datasource_id, table.c.state == RUNNING)
        kept = connection.execute(asked.limit(1)).scalar()
    job_id = kept or new_id("job")
    with store.record(Fact(actor, "schema.generation-begun", datasource_id, {"job": job_id})) as unit:
        if kept:
            unit.execute(update(table).where(table.c.id == job_id).values(began_at=stamp(clock.now()), by=actor))
        else:
            unit.execute(
                insert(table).values(
                    id=job_id, datasource_id=datasource_id, state=RUNNING, began_at=stamp(clock.now()), by=actor
                )
            )
    try:
        yield job_id
    except PodadminError as error:
        state = CANCELLED if isinstance(error, Cancelled) else FAILED
        told = {name: str(value) for name, value in error.as_dict().items()}
        _end(store, clock, actor, datasource_id, job_id, state, told)
        raise
    _end(store, clock, actor, datasource_id, job_id, DONE, None)


def _end(
    store: Store, clock: Clock, actor: str, datasource_id: str, job_id: str, state: str, error: dict[str, str] | None
) -> None:
    body = {"job": job_id, "state": state, **({"code": error["code"]} if error else {})}
    with store.record(Fact(actor, "schema.generation-ended", datasource_id, body)) as unit:
        unit.execute(
            update(table)
            .where(table.c.id == job_id)
            .values(state=state, ended_at=stamp(clock.now()), error=canonical(error) if error else None)
        )


def newest(store: Store) -> tuple[Job, ...]:
    """The newest generations of all datasources, running ones first."""
    asked = select(table).order_by(table.c.state != RUNNING, table.c.began_at.desc(), table.c.id.desc()).limit(_SHOWN)
    with store.read() as connection:
        return tuple(map(_read, connection.execute(asked).all()))


def _read(row: Row[tuple[object, ...]]) -> Job:
    return Job(
        row.id,
        row.datasource_id,
        row.state,
        unstamp(row.began_at),
        row.by,
        unstamp(row.ended_at) if row.ended_at else None,
        json.loads(row.error) if row.error else None,
    )
