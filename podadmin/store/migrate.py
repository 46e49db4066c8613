"""Brings a profile's database to the shape that this version knows: forward only, with a copy made first.

Alembic does the work. It is imported only when there is something to do, because it costs a good part of a start.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from podadmin.core.errors import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"^(\d{4})_\w+\.py$")


def known_revisions() -> tuple[str, ...]:
    """The revisions that this version of podadmin knows, oldest first."""
    names = (_NAME.match(path.name) for path in (_FOLDER / "versions").iterdir())
    return tuple(sorted(name.group(1) for name in names if name))


def revision_of(path: Path) -> str | None:
    """The revision of the database at `path`, None for an empty one. Raises sqlite3.Error."""
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        if found is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def bring_up_to_date(path: Path) -> None:
    """Migrate the database at `path`. Raises Refused (`store.newer`) for a revision that is not known here."""
    revisions = known_revisions()
    current = revision_of(path)
    if current == revisions[-1]:
        return
    if current is not None and current not in revisions:
        raise Refused(
            "store.newer",
            "This profile was written by a newer version of podadmin and was left untouched.",
            f"Its database has revision {current}; this version knows up to {revisions[-1]}.",
            "Start the newer version, or choose another profile with --profile.",
        )
    if current is not None:
        _copy_first(path, current)
    _upgrade(path)


def _copy_first(path: Path, current: str) -> None:
    kept = path.with_name(f"{path.stem}.before-{current}{path.suffix}")
    kept.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(kept)) as target:
        source.backup(target)


def _upgrade(path: Path) -> None:
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    engine = sa.create_engine(f"sqlite:///{path}")
    # the driver by itself would commit before every CREATE TABLE: a migration that fails half-way has to leave nothing
    sa.event.listen(engine, "connect", _leave_transactions_alone)
    sa.event.listen(engine, "begin", _begin)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _leave_transactions_alone(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
