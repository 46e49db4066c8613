"""The inventory of a folder: every file with its size and time, kept beside the profile and brought up to date.

It is a copy of what the file system says and no record of what happened: it may be thrown away at any time and is
made again. Memory stays bounded however many files there are: one folder is looked at after the other, and a folder
of very many files in portions. After a look that was stopped the next one goes on where it was, and then looks again at
what had been seen: what it says is true of one look. A folder in which nothing has changed (names, sizes, times) is
known by its digest and not written again.

Symbolic links are counted and never followed. Network shares are asked by few threads at once, a listing that fails
for a passing reason is tried again, and a share that does not answer is given up instead of waited for.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from podadmin.core.clock import Clock
from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources.folders import FileFilter, Inventory, moment
from podadmin.datasources.inventory_look import Look, below, said, state, unreadable
from podadmin.datasources.patience import PATIENCE_SECONDS

SHOWN_FOLDERS: Final = 20
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS look (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE, parent INTEGER, turn INTEGER NOT NULL, digest BLOB,
    files INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0, others INTEGER NOT NULL DEFAULT 0,
    links INTEGER NOT NULL DEFAULT 0, newest INTEGER, oldest INTEGER, problem TEXT);
CREATE INDEX IF NOT EXISTS ix_folder_turn ON folder (turn);
CREATE INDEX IF NOT EXISTS ix_folder_parent ON folder (parent);
CREATE TABLE IF NOT EXISTS file (
    folder INTEGER NOT NULL, name BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    extension TEXT NOT NULL, turn INTEGER NOT NULL, PRIMARY KEY (folder, name)) WITHOUT ROWID;
"""


def look(
    root: Path,
    kept: Path,
    chosen: FileFilter,
    clock: Clock,
    progress: Progress,
    *,
    patience: float = PATIENCE_SECONDS,
) -> Inventory:
    """Bring the inventory of `root` in the file `kept` up to date and say what is in it.

    Raises NotFound (`datasource.folder-not-found`), BadInput (`datasource.not-a-folder`), Unavailable
    (`datasource.folder-denied`, `datasource.share-hangs`, `datasource.disk`, `datasource.inventory`) and Cancelled;
    what was looked at until then is kept, and the next look goes on from there.
    """
    check_root(root)
    with opened(kept) as connection:
        return _summary(connection, Look(root, connection, chosen, clock, progress, patience).run())


def known(kept: Path) -> Inventory | None:
    """What the last look found, without looking again; None where there was none."""
    if not kept.exists():
        return None
    with opened(kept) as connection:
        return _summary(connection, changed=0) if said(connection, "turn") else None


def files(kept: Path, root: Path) -> Iterator[tuple[Path, int, int]]:
    """Every file that counts as (path, size in bytes, time of change in ns), folder by folder, in bounded memory."""
    with opened(kept) as connection:
        wanted = (
            "SELECT d.path, f.name, f.size, f.modified FROM folder d JOIN file f ON f.folder = d.id "
            "ORDER BY d.path, f.name"
        )
        top = os.fsencode(root)
        for folder, name, size, modified in connection.execute(wanted):
            yield Path(os.fsdecode(below(below(top, folder), name))), size, modified


def check_root(root: Path) -> None:
    """Raises what is wrong with a folder that was named (`datasource.folder-not-found`, `-not-a-folder`, `-denied`)."""
    try:
        found = root.stat()
        if stat.S_ISDIR(found.st_mode):
            with os.scandir(root) as entries:
                next(entries, None)
    except OSError as error:
        raise unreadable(error) from error
    if not stat.S_ISDIR(found.st_mode):
        raise BadInput(
            "datasource.not-a-folder",
            "This is not a folder.",
            "It is a file or a device, and such a datasource is a folder with files in it.",
            "Choose the folder that holds the files.",
        )


def any_file(root: Path, chosen: FileFilter, most: int) -> bool:
    """Is there a file that counts? Nothing is kept; after `most` names without an answer it is taken for granted.

    Folders that cannot be listed are passed over.
    """
    waiting, seen = [root], 0
    while waiting and seen < most:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen > most:
                        return True
                    if entry.is_symlink():
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif _counts(entry, chosen):
                        return True
        except OSError:
            continue
    return bool(waiting)


def _counts(entry: os.DirEntry[str], chosen: FileFilter) -> bool:
    found = entry.stat(follow_symlinks=False)
    return stat.S_ISREG(found.st_mode) and chosen.passes(
        entry.name, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )


def _summary(connection: sqlite3.Connection, changed: int) -> Inventory:
    count, size, folders, others, links, newest, oldest, problems = connection.execute(
        "SELECT coalesce(sum(files), 0), coalesce(sum(size), 0), count(*), coalesce(sum(others), 0), "
        "coalesce(sum(links), 0), max(newest), min(oldest), count(problem) FROM folder"
    ).fetchone()
    named = connection.execute(
        "SELECT path FROM folder WHERE problem IS NOT NULL ORDER BY path LIMIT ?", (SHOWN_FOLDERS,)
    ).fetchall()
    return Inventory(
        files=count,
        size=size,
        folders=folders,
        others=others,
        links=links,
        newest=moment(newest),
        oldest=moment(oldest),
        by_extension=_kinds(connection),
        unreadable=tuple(stranger(os.fsdecode(path), 400) for (path,) in named),
        unreadable_count=problems,
        changed=changed,
        whole=said(connection, "whole") == "yes",
    )


def _kinds(connection: sqlite3.Connection) -> tuple[tuple[str, int], ...]:
    """How many files have which ending, the most first: counted once for each state of the inventory."""
    held = state(connection)
    of, kinds = json.loads(said(connection, "kinds") or "[null, []]")
    if of != held:
        kinds = connection.execute(
            "SELECT extension, count(*) FROM file GROUP BY extension ORDER BY 2 DESC, 1 LIMIT 20"
        ).fetchall()
        connection.execute("INSERT OR REPLACE INTO look VALUES ('kinds', ?)", (json.dumps([held, kinds]),))
        connection.commit()
    return tuple((str(each), int(number)) for each, number in kinds)


@contextmanager
def opened(kept: Path) -> Iterator[sqlite3.Connection]:
    """The inventory's own database, in which neighbours keep what they know of its files (see header_store).

    One that is damaged is made again: it is a copy and no record. Raises Unavailable (`datasource.inventory`).
    """
    try:
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            connection = _connect(kept)
        except sqlite3.DatabaseError:
            kept.unlink(missing_ok=True)
            connection = _connect(kept)
        with closing(connection):
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(
            "datasource.inventory",
            "The inventory of the folder could not be kept.",
            "The disk of the profile is full, read-only or reports an error.",
            "Free some space on it and look again; the files themselves were not touched.",
        ) from error


def _connect(kept: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(kept, timeout=10, check_same_thread=False)
    try:
        kept.chmod(0o600)
        connection.execute("PRAGMA journal_mode=WAL")
        # a look that a power cut takes away is made again
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(_TABLES)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
