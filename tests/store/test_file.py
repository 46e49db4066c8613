"""The database file: its shape, its copies, newer versions, damage, disks that say no, and who is told of commits."""

from __future__ import annotations

import errno
import importlib
import os
import pkgutil
import sqlite3
import stat
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert

import podadmin
from podadmin.core.clock import ManualClock
from podadmin.core.errors import Cancelled, Refused, Tampered, Unavailable
from podadmin.core.progress import Progress
from podadmin.journal.records import Journal
from podadmin.store import migrate
from podadmin.store.engine import Store, Watcher, explain
from podadmin.store.settings import setting
from podadmin.store.tables import metadata
from podadmin.store.unit import Fact

NOT_TABLES = ("alembic_version", "request_text")
"""What no room declares: the migrations' own mark, and the text index of requests with the tables below it."""
FACT = Fact("custodian", "setting.changed", "a")


def put(store: Store, name: str) -> None:
    with store.record(FACT) as unit:
        unit.execute(insert(setting).values(name=name, value="1"))


def test_the_migrations_make_exactly_what_the_rooms_declare(store: Store, path: Path) -> None:
    names = [each.name for each in pkgutil.walk_packages(podadmin.__path__, "podadmin.")]
    for name in (name for name in names if name.endswith("records")):
        importlib.import_module(name)
    assert {"request", "usage", "journal_entry", "key", "network", "schema"} <= set(metadata.tables)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "include_object": lambda *about: not str(about[1]).startswith(NOT_TABLES)},
        )
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_file_and_its_folder_are_for_this_account_only(store: Store, path: Path) -> None:
    put(store, "a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.with_name(path.name + "-wal").stat().st_mode) == 0o600


def test_a_profile_of_a_newer_version_is_left_as_it_is(store: Store, path: Path, clock: ManualClock) -> None:
    put(store, "a")
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Refused) as caught:
        Store.open(path, Journal(clock))
    assert caught.value.code == "store.newer"
    assert "9999" in caught.value.why
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == ["podadmin.db"]


def test_an_older_profile_is_copied_before_it_is_brought_up_to_date(
    store: Store, path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(store, "a")
    store.close()
    folder = tmp_path / "migrations"
    real = Path(migrate.__file__).parent / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_bytes((real / "env.py").read_bytes())
    for each in (real / "versions").glob("*.py"):
        (folder / "versions" / each.name).write_bytes(each.read_bytes())
    last = migrate.known_revisions()[-1]
    following = f"{int(last) + 1:04}"
    (folder / "versions" / f"{following}_next.py").write_text(
        f"from alembic import op\nrevision = '{following}'\ndown_revision = '{last}'\n\n"
        "def upgrade() -> None:\n    op.execute(\"UPDATE setting SET value = 'migrated'\")\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(migrate, "_FOLDER", folder)
    later = Store.open(path, Journal(clock))
    with later.read() as connection:
        assert connection.exec_driver_sql("SELECT value FROM setting").scalar_one() == "migrated"
    later.close()
    assert migrate.revision_of(path) == following
    kept = path.with_name(f"podadmin.before-{last}.db")
    copy = sqlite3.connect(kept)
    assert copy.execute("SELECT value FROM setting").fetchall() == [("1",)]
    assert copy.execute("SELECT count(*) FROM journal_entry").fetchone() == (1,)
    copy.close()
    assert migrate.revision_of(kept) == last
    if sys.platform != "win32":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_migration_that_fails_leaves_the_profile_as_it_was(
    store: Store, path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(store, "a")
    store.close()
    folder = tmp_path / "migrations"
    real = Path(migrate.__file__).parent / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_bytes((real / "env.py").read_bytes())
    for each in (real / "versions").glob("*.py"):
        (folder / "versions" / each.name).write_bytes(each.read_bytes())
    last = migrate.known_revisions()[-1]
    following = f"{int(last) + 1:04}"
    (folder / "versions" / f"{following}_next.py").write_text(
        f"from alembic import op\nrevision = '{following}'\ndown_revision = '{last}'\n\n"
        "def upgrade() -> None:\n    op.execute('CREATE TABLE half (a)')\n"
        "    op.execute(\"UPDATE setting SET value = 'half'\")\n    op.execute('not SQL at all')\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(migrate, "_FOLDER", folder)
    with pytest.raises(Unavailable):
        Store.open(path, Journal(clock))
    monkeypatch.undo()
    assert migrate.revision_of(path) == last
    whole = Store.open(path, Journal(clock))
    with whole.read() as connection:
        assert connection.exec_driver_sql("SELECT value FROM setting").scalar_one() == "1"
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'half'").all()
    assert tables == []
    whole.close()


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_file_that_is_no_database_is_said(path: Path, clock: ManualClock, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(Tampered) as caught:
        Store.open(path, Journal(clock))
    assert caught.value.code == "store.damaged"
    assert path.read_bytes() == content


def test_a_damaged_page_is_said_when_it_is_met(store: Store, path: Path, clock: ManualClock) -> None:
    for number in range(200):
        put(store, f"name-{number:03}" + "x" * 50)
    store.close()
    data = bytearray(path.read_bytes())
    assert len(data) > 12 * 4096
    for page in range(1, len(data) // 4096):
        data[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    path.write_bytes(data)
    with pytest.raises(Tampered) as caught:
        Store.open(path, Journal(clock))
    assert caught.value.code == "store.damaged"


def test_soundness_is_sqlites_own_check(store: Store) -> None:
    put(store, "a")
    assert store.soundness() == ()


def test_reading_that_was_cancelled_stops_at_once_whatever_the_database_is_at(store: Store) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    progress, begun = Progress(), threading.Event()

    def stop() -> None:
        begun.wait(60)
        progress.cancel()

    canceller = threading.Thread(target=stop)
    canceller.start()

    def look() -> None:
        with store.read(progress) as connection:
            begun.set()
            connection.exec_driver_sql(endless)

    with pytest.raises(Cancelled):
        look()
    canceller.join()
    # the connection goes on to be used by others
    assert store.soundness(Progress()) == ()
    with pytest.raises(Cancelled):
        store.soundness(progress)


def test_a_backup_is_a_whole_database_of_its_own(store: Store, tmp_path: Path, clock: ManualClock) -> None:
    put(store, "a")
    store.backup(tmp_path / "copy.db")
    put(store, "b")
    copy = Store.open(tmp_path / "copy.db", Journal(clock))
    with copy.read() as connection:
        assert connection.exec_driver_sql("SELECT name FROM setting").scalars().all() == ["a"]
    copy.close()
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_a_backup_that_cannot_be_written_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        store.backup(tmp_path / "nowhere" / "copy.db")
    assert caught.value.code == "store.cannot-open"


def test_another_program_that_holds_the_database_is_said(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("podadmin.store.engine.BUSY_SECONDS", 0.05)
    store = Store.open(path, Journal(clock))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as caught:
        put(store, "a")
    assert caught.value.code == "store.busy"
    other.execute("ROLLBACK")
    other.close()
    put(store, "a")
    store.close()


def test_a_place_that_is_no_folder_is_said(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(Unavailable) as caught:
        Store.open(tmp_path / "file" / "podadmin.db", Journal(clock))
    assert caught.value.code == "store.cannot-open"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "store.disk-full"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "store.read-only"),
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), "store.cannot-open"),
        (sqlite3.OperationalError("anything"), "store.failed"),
    ],
)
def test_what_disks_say_is_told_in_words_without_the_raw_message(error: Exception, code: str) -> None:
    told = explain(error, "recording")
    assert told.code == code
    assert str(error) not in str(told)


def test_the_watcher_notices_commits_of_others_and_nothing_else(store: Store, path: Path, clock: ManualClock) -> None:
    watcher = Watcher(path)
    assert watcher.changed()
    assert not watcher.changed()
    with store.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM setting").scalar_one()
    assert not watcher.changed()
    put(store, "a")
    assert watcher.changed()
    assert not watcher.changed()
    other = Store.open(path, Journal(clock))
    put(other, "b")
    other.close()
    assert watcher.changed()
    with pytest.raises(Unavailable), store.record(FACT) as unit:
        unit.execute(insert(setting).values(name="a", value="again"))
    assert not watcher.changed()
    watcher.close()
