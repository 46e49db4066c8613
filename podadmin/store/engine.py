"""Opens the database of a profile and hands out readers and units of work.

SQLite with a write-ahead log and `synchronous=FULL`: a commit that returned is on the disk. Reading connections are
`query_only`, so that a write outside a unit fails at run time as well as in review.
"""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

from podadmin.core.errors import PodadminError, Refused, Tampered, Unavailable
from podadmin.core.progress import Progress
from podadmin.store.migrate import bring_up_to_date
from podadmin.store.reading import check_revision, connect_to_read
from podadmin.store.unit import Fact, Recorder, Unit
from podadmin.store.writing import Writing

BUSY_SECONDS = 10.0
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=8000")
"""A commit is on the disk when it returns. The log is folded into the file every 32 MB: pages that many commits change
are written there once, and not once for each few commits."""
_STEPS_BETWEEN_LOOKS = 100_000
"""Steps of the database's machine after which it is asked whether to go on: some milliseconds."""
_FILE_PROBLEMS: dict[int, tuple[str, str, str]] = {
    sqlite3.SQLITE_FULL: (
        "store.disk-full",
        "The disk that holds the profile is full.",
        "Free some space on it; nothing that was recorded before is lost.",
    ),
    sqlite3.SQLITE_READONLY: (
        "store.read-only",
        "The profile cannot be written: its disk or folder is read-only.",
        "Make the profile's folder writable for your account, then try again.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "store.cannot-open",
        "The database file of the profile cannot be opened.",
        "Check that the profile's folder exists, is writable and is not on a disconnected share.",
    ),
    sqlite3.SQLITE_IOERR: (
        "store.disk-error",
        "The disk reported an error while the profile was read or written.",
        "Check the disk and its connection before you go on; the journal can be verified afterwards.",
    ),
    sqlite3.SQLITE_BUSY: (
        "store.busy",
        "Another program holds the database of the profile.",
        "Wait until a running backup or second podadmin has finished, then try again.",
    ),
    sqlite3.SQLITE_LOCKED: (
        "store.busy",
        "Another program holds the database of the profile.",
        "Wait until a running backup or second podadmin has finished, then try again.",
    ),
}


def explain(error: BaseException, doing: str) -> PodadminError:
    """The error that a user meets for a failure of the database or its disk while `doing` something."""
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    if isinstance(cause, OSError):
        code = {errno.ENOSPC: sqlite3.SQLITE_FULL, errno.EROFS: sqlite3.SQLITE_READONLY}.get(
            cause.errno or 0, sqlite3.SQLITE_CANTOPEN
        )
    else:
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return Tampered(
            "store.damaged",
            f"The database of the profile is damaged, so {doing} was not possible.",
            "Its file was changed by something other than podadmin, or the disk is failing.",
            "Do not go on with this profile: keep a copy of it, verify the journal and restore the last backup.",
        )
    if code in _FILE_PROBLEMS:
        name, why, step = _FILE_PROBLEMS[code]
        return Unavailable(name, f"While {doing}, nothing was changed.", why, step)
    return Unavailable(
        "store.failed",
        f"While {doing}, the database refused the work and nothing was changed.",
        f"The database reported {getattr(cause, 'sqlite_errorname', type(cause).__name__)}.",
        "Try again; if it happens twice, verify the journal and report the code.",
    )


class Store:
    """The database of one profile, usable from any thread. Make one with `Store.open`."""

    def __init__(self, readers: sa.Engine, writer: sa.Engine | None, recorder: Recorder, path: Path) -> None:
        self._readers = readers
        self._writer = writer
        self._writing = Writing(writer) if writer is not None else None
        self._recorder = recorder
        self.path = path

    @classmethod
    def open(cls, path: Path, recorder: Recorder) -> Store:
        """Open (and where needed create or migrate) the database at `path`.

        Raises Unavailable (`store.*`) where the disk does not allow it, Refused (`store.newer`) where a newer podadmin
        has written the profile and Tampered (`store.damaged`) where the file is not a sound database.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                path.touch(mode=0o600)
            bring_up_to_date(path)
            store = cls(_engine(path, writes=False), _engine(path, writes=True), recorder, path)
            with store.read() as connection:
                connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")
        except (exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise explain(error, "opening the profile") from error
        return store

    @classmethod
    def open_to_read(cls, path: Path, recorder: Recorder) -> Store:
        """Open the database at `path` as it is: it is not made, not migrated and not written.

        Raises NotFound (`store.no-profile`), Refused (`store.older`, `store.newer`), Unavailable and Tampered.
        """
        try:
            check_revision(path)
            store = cls.beside(path, recorder)
            with store.read() as connection:
                connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")
        except (exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise explain(error, "opening the profile") from error
        return store

    @classmethod
    def beside(cls, path: Path, recorder: Recorder) -> Store:
        """To read a database that another process has open, whatever it is by now: nothing is asked of it yet."""
        return cls(_engine(path, writes=False, reads_only=True), None, recorder, path)

    @contextmanager
    def read(self, progress: Progress | None = None) -> Iterator[Connection]:
        """A connection that sees one consistent state and cannot write.

        With a `progress` a statement that takes long ends soon after the work was cancelled; raises Cancelled then.
        """
        try:
            with self._readers.connect() as connection, _stoppable(connection, progress):
                yield connection
        except (exc.SQLAlchemyError, sqlite3.Error) as error:
            if progress is not None:
                progress.check()
            raise explain(error, "reading the profile") from error

    @contextmanager
    def record(self, fact: Fact, *, together: bool = False) -> Iterator[Unit]:
        """A write transaction that commits together with its journal entries, or not at all.

        `together`: one of many small ones, such as a request that is kept. It may share its commit with others that
        come at the same time, and sees what these have written; it is on the disk when this ends, as any other.
        Raises Unavailable or Tampered (`store.*`); then nothing was written. Raises Refused (`store.reads-only`) where
        the database was opened to read.
        """
        if self._writing is None:
            raise Refused(
                "store.reads-only",
                "Nothing was changed.",
                "This profile was opened to be looked at.",
                "Start podadmin without --auditor to work with this profile.",
            )
        begin = self._writing.together if together else self._writing.alone
        try:
            with begin(fact.act) as connection:
                unit = Unit(connection, fact)
                yield unit
                entries = [self._recorder.append(connection, each) for each in unit.facts]
                for each in unit.closing(entries):
                    self._recorder.append(connection, each)
        except (exc.SQLAlchemyError, sqlite3.Error) as error:
            raise explain(error, f"recording “{fact.act}”") from error

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """The units of this thread that are recorded `together` inside it wait for the disk once, at its end.

        Raises Unavailable or Tampered (`store.*`) there: then it has to be looked up which of them were written.
        """
        assert self._writing is not None  # an auditor has nothing to gather
        try:
            with self._writing.gathered():
                yield
        except (exc.SQLAlchemyError, sqlite3.Error) as error:
            raise explain(error, "recording what came together") from error

    def backup(self, to: Path) -> None:
        """A consistent copy of the whole database in a new file. Raises Unavailable (`store.*`)."""
        try:
            to.touch(mode=0o600)
            with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(to)) as target:
                source.backup(target)
        except (sqlite3.Error, OSError) as error:
            raise explain(error, "copying the profile's database") from error

    def soundness(self, progress: Progress | None = None) -> tuple[str, ...]:
        """What SQLite's own integrity check finds: empty where the file is whole. Raises Cancelled."""
        try:
            with self.read(progress) as connection:
                rows = connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars().all()
        except Tampered:
            return ("the database file cannot be read as a database",)
        return () if list(rows) == ["ok"] else tuple(str(row) for row in rows)

    def close(self) -> None:
        """Release every connection; the write-ahead log is folded into the file."""
        self._readers.dispose()
        if self._writer is not None:
            self._writer.dispose()


class Watcher:
    """Notices commits of any connection or process: a cheap `PRAGMA data_version` on a connection of its own."""

    def __init__(self, path: Path, *, reads_only: bool = False) -> None:
        if reads_only:
            self._engine = sa.create_engine("sqlite://", creator=lambda: connect_to_read(path), poolclass=NullPool)
        else:
            self._engine = sa.create_engine(f"sqlite:///{path}", poolclass=NullPool)
        self._connection = self._engine.connect()
        self._last: int | None = None

    def changed(self) -> bool:
        """Has anything been committed since the last call? True at the first call."""
        version = int(self._connection.exec_driver_sql("PRAGMA data_version").scalar_one())
        self._connection.rollback()
        was, self._last = self._last, version
        return was != version

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


@contextmanager
def _stoppable(connection: Connection, progress: Progress | None) -> Iterator[None]:
    driver = connection.connection.driver_connection
    if progress is None or not isinstance(driver, sqlite3.Connection):
        yield
        return
    progress.check()
    using, mine = threading.Lock(), [driver]

    def stop() -> None:
        # the check of the whole file is one step of the machine, which asks nobody; but it can be interrupted
        with using:
            for each in mine:
                each.interrupt()

    driver.set_progress_handler(lambda: progress.cancelled, _STEPS_BETWEEN_LOOKS)
    progress.on_cancel(stop)
    try:
        yield
    finally:
        with using:
            mine.clear()
        driver.set_progress_handler(None, 0)


def _engine(path: Path, *, writes: bool, reads_only: bool = False) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        if reads_only:
            return connect_to_read(path, BUSY_SECONDS)
        return sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)

    engine = sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=1 if writes else 8,
        max_overflow=0 if writes else 16,
    )

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # transactions are begun below, by name, and not by the driver's guess
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in () if reads_only else _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        if not writes:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    def begin(connection: Connection) -> None:
        # a writer takes the lock before it reads, so that reads and writes of one unit cannot be torn apart
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine
