"""How a datasource stands: what broke is named, whoever can fix it is named, and the journal tells of changes only."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from podadmin.app import sentinel
from podadmin.app.options import Options
from podadmin.app.profile import open_profile
from podadmin.core.clock import ManualClock, SystemClock
from podadmin.core.errors import Cancelled
from podadmin.core.progress import Progress
from podadmin.datasources import health, service
from podadmin.datasources.accessibility import AccessibilityErrorCode
from podadmin.datasources.health import Health
from podadmin.datasources.model import ColumnChoices, CsvSource, FolderSource, Kind, NullSource, ServiceSource, Source
from podadmin.datasources.mounts import mount_of
from podadmin.journal.records import Journal, all_entries
from podadmin.store.engine import Store
from tests.datasources.mine import mine

CLOCK = ManualClock(datetime(2026, 5, 1, 9, 0, tzinfo=UTC))
NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "profile" / "podadmin.db", Journal(CLOCK))
    yield opened
    opened.close()


@pytest.fixture
def patients(tmp_path: Path) -> CsvSource:
    path = tmp_path / "patients.csv"
    path.write_bytes(b"id,age\n1,50\n")
    return CsvSource(path)


@pytest.fixture
def scans(tmp_path: Path) -> FolderSource:
    folder = tmp_path / "scans"
    (folder / "2024").mkdir(parents=True)
    (folder / "2024" / "a.sdb").write_bytes(b"scan")
    return FolderSource(Kind.HEIDELBERG, folder)


def look(source: Source, mount: str = "", patience: float = 20.0) -> Health:
    return health.look(source, None, SystemClock(), Progress(), mount=mount, patience=patience)


def named(found: Health) -> tuple[str, str, str]:
    assert found.standing is not None
    assert found.standing.who
    return found.code, found.standing.cause, str(found.standing.code)


@contextmanager
def as_nobody() -> Iterator[None]:
    """What an account without rights meets; an account that has none anyway stays what it is."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_is_well_is_well(patients: CsvSource, scans: FolderSource) -> None:
    assert look(patients).state == look(scans).state == look(NullSource()).state == "good"


def test_what_vanished_is_not_found(patients: CsvSource, scans: FolderSource) -> None:
    patients.path.unlink()
    assert named(look(patients)) == ("datasource.not-found", "not found", "PATH_NOT_FOUND")
    (scans.path / "2024" / "a.sdb").unlink()
    (scans.path / "2024").rmdir()
    assert named(look(scans)) == ("datasource.empty-folder", "empty", "EMPTY_DIRECTORY")
    scans.path.rmdir()
    assert named(look(scans)) == ("datasource.folder-not-found", "not found", "PATH_NOT_FOUND")
    scans.path.write_text("a file")
    assert named(look(scans)) == ("datasource.not-a-folder", "not a folder", "NOT_A_DIRECTORY")


def test_what_is_empty_is_empty(patients: CsvSource) -> None:
    patients.path.write_bytes(b"")
    assert named(look(patients)) == ("datasource.empty-file", "empty", "EMPTY_FILE")


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
def test_what_may_not_be_read_is_a_matter_of_permission(patients: CsvSource, scans: FolderSource) -> None:
    patients.path.chmod(0)
    scans.path.chmod(0)
    try:
        with as_nobody():
            file, folder = look(patients), look(scans)
    finally:
        scans.path.chmod(0o700)
    assert named(file) == ("datasource.permission-denied", "permission denied", "PERMISSION_DENIED")
    assert named(folder) == ("datasource.folder-denied", "permission denied", "PERMISSION_DENIED")
    assert "IT" in (file.standing.who if file.standing else "")


@pytest.fixture
def hanging(scans: FolderSource, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The folder of scans lies on a share that answers nothing until the event is set."""
    answers = threading.Event()
    real = os.scandir

    def scandir(path: str) -> Iterator[os.DirEntry[str]]:
        answers.wait(30)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    yield answers
    answers.set()
    for thread in looking():
        thread.join(60)


def looking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "podadmin-look"]


def test_a_share_that_hangs_is_given_up_and_nothing_else_is_sent_after_it(
    scans: FolderSource, hanging: threading.Event
) -> None:
    for _ in range(3):
        found = look(scans, patience=0.2)
        assert named(found) == ("datasource.share-hangs", "slow share", "READ_TIMEOUT")
        assert len(looking()) == 1
    hanging.set()
    assert look(scans).state == "good"
    assert looking() == []


def test_a_look_that_waits_is_cancelled_at_once(scans: FolderSource, hanging: threading.Event) -> None:
    progress = Progress()
    stopper = threading.Timer(0.1, progress.cancel)
    stopper.start()
    with pytest.raises(Cancelled):
        health.look(scans, None, SystemClock(), progress, patience=20.0)
    stopper.join()


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    assert look(CsvSource(path)).code == "datasource.not-a-file"


def test_a_look_that_takes_long_is_slow(patients: CsvSource) -> None:
    assert health.look(patients, None, SystemClock(), Progress(), slow=-1.0).state == "slow"


def test_a_disk_that_is_not_mounted_is_told_from_an_empty_folder(scans: FolderSource) -> None:
    assert mount_of(scans.path / "2024", lambda path: path == scans.path) == str(scans.path)
    assert mount_of(scans.path, lambda path: path == Path(path.anchor)) == ""
    found = look(scans, mount=str(scans.path))
    assert named(found) == ("datasource.not-mounted", "not mounted", "PATH_NOT_FOUND")


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root mounts")
def test_a_real_disk_comes_and_goes(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (folder / "a.sdb").write_bytes(b"scan")
        added = service.add(store, CLOCK, "c", "eyes", FolderSource(Kind.HEIDELBERG, folder), ColumnChoices())
        assert added.mount == str(folder)
        assert look(added.source, added.mount).state == "good"
    finally:
        subprocess.run(["umount", folder], check=True)
    assert look(added.source, added.mount).code == "datasource.not-mounted"


def test_a_service_is_looked_at_as_well() -> None:
    with mine() as it:
        source = ServiceSource(it.address, "patients_by_age")
        assert look(source).state == "good"
        it.status = 503
        assert named(look(source))[2] == AccessibilityErrorCode.SERVICE_UNAVAILABLE


def test_the_engine_looks_by_itself_when_its_time_has_come(
    tmp_path: Path, patients: CsvSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentinel, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(sentinel, "LOOK_SECONDS", 0.01)
    with open_profile(Options(profile=tmp_path / "watched", keyring="memory")) as profile:
        service.add(profile.store, profile.clock, "c", "patients", patients, ColumnChoices())
        patients.path.unlink()

        async def until_told() -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(sentinel.Sentinel(profile).run)
                with anyio.fail_after(60):
                    while not health.kept(profile.store):
                        await anyio.sleep(0.01)
                group.cancel_scope.cancel()

        anyio.run(until_told)
        (found,) = health.kept(profile.store).values()
        assert (found.state, found.code) == ("broken", "datasource.not-found")
        assert list(sentinel.looks(profile)) == [source.id for source in service.list_all(profile.store)]


def test_the_journal_tells_of_changes_and_not_of_looks(store: Store, patients: CsvSource) -> None:
    source = service.add(store, CLOCK, "c", "a", patients, ColumnChoices())
    good = Health("good")
    assert not health.keep(store, CLOCK, "podadmin", source, good)
    patients.path.rename(patients.path.with_suffix(".away"))
    gone = look(source.source)
    CLOCK.advance(60)
    assert health.keep(store, CLOCK, "podadmin", source, gone)
    since = CLOCK.now()
    CLOCK.advance(60)
    assert not health.keep(store, CLOCK, "podadmin", source, look(source.source))
    assert health.kept(store)[source.id].since == since
    patients.path.with_suffix(".away").rename(patients.path)
    assert health.keep(store, CLOCK, "podadmin", source, look(source.source))
    assert not health.keep(store, CLOCK, "podadmin", source, good)
    with store.read() as connection:
        told = [entry for entry in all_entries(connection) if entry.act == "datasource.health-changed"]
    assert ["not found" in entry.body for entry in told] == [True, False]
    assert all(entry.actor == "podadmin" for entry in told)
