"""A database that is only looked at: where its file may not be written, or must not be, because an auditor looks.

SQLite needs files beside a database with a write-ahead log even to read it. Where the folder takes none (a share or a
disc that is read-only) the file is read as one that nobody changes, unless a log with unsaved changes lies beside it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from podadmin.core.errors import NotFound, Refused
from podadmin.store.migrate import known_revisions


def connect_to_read(path: Path, seconds: float = 10.0) -> sqlite3.Connection:
    """A connection that cannot write. Raises sqlite3.Error."""
    log = path.with_name(path.name + "-wal")
    still = not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    address = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if still else ''}"
    return sqlite3.connect(address, uri=True, timeout=seconds, check_same_thread=False)


def check_revision(path: Path) -> None:
    """Raises NotFound (`store.no-profile`), Refused (`store.older`, `store.newer`), sqlite3.Error."""
    if not path.is_file():
        raise NotFound(
            "store.no-profile",
            "There is no profile to look at.",
            "The folder that was named holds no database of podadmin; an auditor makes none.",
            "Name the folder of the profile with --profile.",
        )
    with closing(connect_to_read(path)) as connection:
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if found else None
    known, current = known_revisions(), str(row[0]) if row else ""
    if current == known[-1]:
        return
    if current and current not in known:
        raise Refused(
            "store.newer",
            "This profile was written by a newer version of podadmin and was left untouched.",
            f"Its database has revision {current[:20]}; this version knows up to {known[-1]}.",
            "Start the newer version, or choose another profile with --profile.",
        )
    raise Refused(
        "store.older",
        "This profile was written by an older version of podadmin and was left untouched.",
        "It has to be brought up to date first, which an auditor does not do.",
        "Start podadmin once without --auditor, or use the version that wrote the profile.",
    )
