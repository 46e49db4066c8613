"""One look through a tree of folders: a few threads list, the calling one writes what they found.

What is kept of a folder is a digest of its names, sizes and times. Where it is the same as before, nothing is written.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

from podadmin.core.clock import Clock
from podadmin.core.errors import NotFound, PodadminError, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources.folders import FileFilter, ending
from podadmin.datasources.patience import hangs

WORKERS: Final = 4
"""The most threads that list at once. A disk that answers at once is listed by one: more hinder each other."""
SLOW_ENTRY: Final = 0.000_2
"""Seconds for one name, from which on the time is spent waiting, so that one more thread is of use."""
_MEASURED: Final = 0.05
_AHEAD: Final = 32
"""Folders that wait to be listed or written. With KEPT_ROWS it bounds what is held in memory."""
_HANDED_OVER: Final = 0.005
"""Seconds after which a thread hands over what it has listed: waking the other one for each folder takes longer."""
KEPT_ROWS: Final = 10_000
"""Files of one folder that are held in memory; a folder with more is listed a second time and written in portions."""
PORTION: Final = 5_000
COMMIT_FOLDERS: Final = 200
TRIES: Final = 3
_PASSING: Final = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.ENOTCONN, errno.ECOMM}
_VERSION: Final = "1"


_Row = tuple[bytes, int, int]
"""(name, size, time of change) of a file that counts."""


@dataclass
class _Listing:
    """One folder as it is now. `rows` is None where it holds more files than are kept in memory."""

    folder: int
    path: bytes
    digest: int = 0
    subfolders: list[bytes] = field(default_factory=list)
    rows: list[_Row] | None = field(default_factory=list)
    files: int = 0
    size: int = 0
    others: int = 0
    links: int = 0
    newest: int | None = None
    oldest: int | None = None
    problem: str = ""
    gone: bool = False
    seconds: float = 0.0

    @property
    def names(self) -> int:
        """How much there was to ask for, the folder itself included."""
        return 1 + self.files + self.others + self.links + len(self.subfolders)


class Look:
    """One look through a tree. Lists in a few threads, writes in the calling one."""

    def __init__(
        self,
        root: Path,
        connection: sqlite3.Connection,
        chosen: FileFilter,
        clock: Clock,
        progress: Progress,
        patience: float,
    ) -> None:
        self._top = os.fsencode(root)
        self._connection = connection
        self._filter = chosen
        self._clock = clock
        self._progress = progress
        self._patience = patience
        self._wanted: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        self._listed: SimpleQueue[list[_Listing] | PodadminError] = SimpleQueue()
        self._alive = 0.0
        self._stopped = threading.Event()
        self._threads = 0
        self._waited, self._named = 0.0, 0

    def run(self) -> int:
        """Look at every folder. Returns how many have something new in them."""
        self._turn, before = self._begin()
        changed = done = 0
        self._one_more()
        asked: set[int] = set()
        try:
            while True:
                self._progress.check()
                for folder, path in self._pending(asked, _AHEAD - len(asked)):
                    asked.add(folder)
                    self._wanted.put((folder, path))
                if not asked:
                    break
                for listing in self._next():
                    asked.discard(listing.folder)
                    self._measure(listing)
                    changed += self._write(listing)
                    done += 1
                    if done % COMMIT_FOLDERS == 0:
                        self._connection.commit()
                        self._report(done, before)
        finally:
            self._stopped.set()
            for _ in range(self._threads):
                self._wanted.put(None)
            self._connection.commit()
        self._say("whole", "yes")
        self._connection.commit()
        return changed

    def _begin(self) -> tuple[int, int]:
        """The number of this turn, and how many folders the look before has seen (0 where nobody knows)."""
        mark = f"{_VERSION}:{self._filter!r}"
        if said(self._connection, "filter") != mark:
            # another filter counts other files: what is known of every folder is found anew
            self._connection.execute("UPDATE folder SET digest = NULL, turn = 0")
            self._say("filter", mark)
        # what a look that was stopped has seen can be another by now: it is seen again, after what that did not reach
        turn = int(said(self._connection, "turn") or 0) + 1
        total = int(self._connection.execute("SELECT count(*) FROM folder").fetchone()[0])
        self._say("turn", str(turn))
        self._say("whole", "no")
        self._connection.execute("INSERT OR IGNORE INTO folder (path, parent, turn) VALUES (x'', NULL, 0)")
        self._connection.commit()
        return turn, total if turn > 1 else 0

    def _pending(self, asked: set[int], room: int) -> list[tuple[int, bytes]]:
        if room <= 0:
            return []
        found = self._connection.execute(
            "SELECT id, path FROM folder WHERE turn < ? ORDER BY turn LIMIT ?", (self._turn, room + len(asked))
        )
        return [(number, path) for number, path in found if number not in asked][:room]

    def _next(self) -> list[_Listing]:
        """The next folders that were listed. A share that says nothing for too long is given up."""
        self._alive = self._clock.monotonic()
        while True:
            try:
                found = self._listed.get(timeout=0.2)
            except Empty:
                self._progress.check()
                if self._clock.monotonic() - self._alive > self._patience:
                    raise hangs(self._patience) from None
                self._one_more()
                continue
            if isinstance(found, PodadminError):
                raise found
            return found

    def _measure(self, listing: _Listing) -> None:
        """Have one more thread list where what is listed is waited for, as on a share."""
        self._waited += listing.seconds
        self._named += listing.names
        if self._waited < _MEASURED:
            return
        if self._waited > SLOW_ENTRY * self._named:
            self._one_more()
        self._waited, self._named = 0.0, 0

    def _one_more(self) -> None:
        if self._threads < WORKERS:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        found: list[_Listing] = []
        since = self._clock.monotonic()
        while not self._stopped.is_set():
            try:
                wanted = self._wanted.get_nowait()
            except Empty:
                if found:
                    self._listed.put(found)
                    found = []
                wanted = self._wanted.get()
                since = self._clock.monotonic()
            if wanted is None:
                return
            try:
                found.append(self._list(*wanted))
            except OSError as error:
                self._listed.put(unreadable(error))
            if found and self._clock.monotonic() - since > _HANDED_OVER:
                self._listed.put(found)
                found, since = [], self._clock.monotonic()

    def _list(self, folder: int, path: bytes) -> _Listing:
        began = self._clock.monotonic()
        for attempt in range(TRIES):
            found = _Listing(folder, path)
            try:
                for entry in self._entries(path):
                    self._take(found, entry)
            except OSError as error:
                if error.errno in _PASSING and attempt + 1 < TRIES:
                    self._stopped.wait(0.2 * (attempt + 1))
                    continue
                if not path:
                    raise
                found = _Listing(folder, path, gone=error.errno in {errno.ENOENT, errno.ENOTDIR})
                found.problem = errno.errorcode.get(error.errno or 0, "unknown")
            found.seconds = self._clock.monotonic() - began
            return found
        raise AssertionError("every try ends above")

    def _entries(self, path: bytes) -> Iterator[os.DirEntry[bytes]]:
        with os.scandir(below(self._top, path)) as entries:
            for entry in entries:
                if self._stopped.is_set():
                    return
                self._alive = self._clock.monotonic()
                yield entry

    def _take(self, found: _Listing, entry: os.DirEntry[bytes]) -> None:
        if entry.is_symlink():
            found.links += 1
            found.digest += _mark(b"link", entry.name, 0, 0, 0)
        elif entry.is_dir(follow_symlinks=False):
            found.subfolders.append(entry.name)
            found.digest += _mark(b"folder", entry.name, 0, 0, 0)
        else:
            self._take_file(found, entry)

    def _take_file(self, found: _Listing, entry: os.DirEntry[bytes]) -> None:
        row = self._row(entry)
        if row is None:
            found.others += 1
            found.digest += _mark(b"other", entry.name, 0, 0, 0)
            return
        name, size, modified, created, counts = row
        found.digest += _mark(b"file", name, size, modified, created)
        if not counts:
            found.others += 1
            return
        found.files += 1
        found.size += size
        found.newest = modified if found.newest is None else max(found.newest, modified)
        found.oldest = modified if found.oldest is None else min(found.oldest, modified)
        if found.rows is not None:
            found.rows.append((name, size, modified))
            if len(found.rows) > KEPT_ROWS:
                found.rows = None

    def _row(self, entry: os.DirEntry[bytes]) -> tuple[bytes, int, int, int, bool] | None:
        """(name, size, changed, created, does it count); None for what is no ordinary file or has just vanished."""
        try:
            seen = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(seen.st_mode):
            return None
        created = seen.st_ctime_ns
        counts = self._filter.passes(os.fsdecode(entry.name), seen.st_size, seen.st_mtime_ns, created)
        return entry.name, seen.st_size, seen.st_mtime_ns, created, counts

    def _write(self, found: _Listing) -> int:
        """Keep what a folder holds now; 1 where it differs from what was kept."""
        kept = self._connection.execute("SELECT digest, problem FROM folder WHERE id = ?", (found.folder,)).fetchone()
        if kept is None:
            # its parent was listed meanwhile and no longer has it
            return 0
        if found.gone:
            self._another_state()
            self._forget(found.folder)
            return 1
        digest = (found.digest % (1 << 128)).to_bytes(16, "big")
        if kept[0] == digest and not kept[1] and not found.problem:
            self._connection.execute("UPDATE folder SET turn = ? WHERE id = ?", (self._turn, found.folder))
            return 0
        self._another_state()
        if found.rows is None:
            self._write_many(found)
        else:
            self._connection.execute("DELETE FROM file WHERE folder = ?", (found.folder,))
            self._insert(found.folder, found.rows)
        self._write_subfolders(found)
        self._connection.execute(
            "UPDATE folder SET turn=?, digest=?, files=?, size=?, others=?, links=?, newest=?, oldest=?, problem=? "
            "WHERE id=?",
            (
                self._turn,
                digest if not found.problem else None,
                found.files,
                found.size,
                found.others,
                found.links,
                found.newest,
                found.oldest,
                found.problem or None,
                found.folder,
            ),
        )
        return 1

    def _write_many(self, found: _Listing) -> None:
        """A folder with very many files: listed again, written in portions."""
        # where this is stopped half-way, what is half is not taken for the whole
        self._connection.execute("UPDATE folder SET digest = NULL WHERE id = ?", (found.folder,))
        portion: list[_Row] = []
        for entry in self._entries(found.path):
            row = None if entry.is_symlink() or entry.is_dir(follow_symlinks=False) else self._row(entry)
            if row is not None and row[4]:
                portion.append(row[:3])
            if len(portion) >= PORTION:
                self._progress.check()
                self._insert(found.folder, portion)
                portion = []
        self._insert(found.folder, portion)
        self._connection.execute("DELETE FROM file WHERE folder = ? AND turn < ?", (found.folder, self._turn))

    def _insert(self, folder: int, rows: list[_Row]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO file (folder, name, size, modified, extension, turn) VALUES (?, ?, ?, ?, ?, ?)",
            [(folder, name, size, modified, _extension(name), self._turn) for name, size, modified in rows],
        )

    def _write_subfolders(self, found: _Listing) -> None:
        now = {below(found.path, name) for name in found.subfolders}
        kept = dict(
            self._connection.execute("SELECT path, id FROM folder WHERE parent = ?", (found.folder,)).fetchall()
        )
        for path in kept.keys() - now:
            self._forget(kept[path])
        self._connection.executemany(
            "INSERT OR IGNORE INTO folder (path, parent, turn) VALUES (?, ?, 0)",
            [(path, found.folder) for path in sorted(now - kept.keys())],
        )

    def _forget(self, folder: int) -> None:
        tree = self._connection.execute(
            "WITH RECURSIVE tree(id) AS (SELECT ? UNION ALL "
            "SELECT folder.id FROM folder JOIN tree ON folder.parent = tree.id) SELECT id FROM tree",
            (folder,),
        ).fetchall()
        self._connection.executemany("DELETE FROM file WHERE folder = ?", tree)
        self._connection.executemany("DELETE FROM folder WHERE id = ?", tree)

    def _report(self, done: int, before: int) -> None:
        seen, total = self._connection.execute(
            "SELECT count(*) FILTER (WHERE turn = ?), count(*) FROM folder", (self._turn,)
        ).fetchone()
        self._progress.report(f"Looked at {done:,} folders", min(0.99, seen / max(total, before)) if before else None)

    def _another_state(self) -> None:
        self._say("state", str(int(state(self._connection) or 0) + 1))

    def _say(self, key: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO look (key, value) VALUES (?, ?)", (key, value))


def _mark(what: bytes, name: bytes, size: int, modified: int, created: int) -> int:
    """A number for one entry; their sum, whatever their order, tells one state of a folder from another."""
    return int.from_bytes(
        blake2b(b"%s/%d/%d/%d/%s" % (what, size, modified, created, name), digest_size=16).digest(), "big"
    )


def _extension(name: bytes) -> str:
    at = name.rfind(b".")
    if name[-7:].lower() == b".nii.gz":
        return ".nii.gz"
    return _shown(name[at:]) if at > 0 else ""


@lru_cache(1_000)
def _shown(tail: bytes) -> str:
    return stranger(ending(f"x{os.fsdecode(tail).lower()}"), 20)


def below(folder: bytes, name: bytes) -> bytes:
    """The path of what is called `name` in `folder`; the empty path is the tree itself."""
    return folder + b"/" + name if folder else name


def said(connection: sqlite3.Connection, key: str) -> str:
    """What was written down about the look under `key`, empty where nothing was."""
    row: Any = connection.execute("SELECT value FROM look WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else ""


def state(connection: sqlite3.Connection) -> str:
    """Another text whenever anything in the inventory is another; what was made of it holds for as long as it is."""
    return said(connection, "state")


def unreadable(error: OSError) -> PodadminError:
    """The error that a custodian meets for a folder that cannot be listed. No text of the system is passed on."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return NotFound(
            "datasource.folder-not-found",
            "The folder was not found.",
            "It was moved, renamed or deleted, or the share that it lies on is not mounted.",
            "Choose the folder again, or connect the share and test once more.",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Unavailable(
            "datasource.folder-denied",
            "The folder cannot be listed: permission denied.",
            "The account that runs podadmin may not read this folder or one of those above it.",
            "Ask your IT service to give this account the right to read it; podadmin never needs to write there.",
        )
    return Unavailable(
        "datasource.folder-disk",
        "The folder could not be listed to its end.",
        f"The disk or the network share reported an error ({errno.errorcode.get(error.errno or 0, 'unknown')}).",
        "Check the disk or the connection to the share, then test again.",
    )
