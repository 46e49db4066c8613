"""`kill -9` at every write of a backup, a restore and the start after it; disks that fill up in the middle.

Each trial is a forked child of this process that dies by SIGKILL at its n-th change of the disk, for every n there is.
Whatever happens: the profile opens, its journal is whole, and a backup is either whole or not there.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from podadmin.app import restoring
from podadmin.app.acts import backup as acts
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.journal.service import verify
from podadmin.vault import backup as service
from podadmin.vault.backup import under_passphrase, with_passphrase
from podadmin.vault.backup_restore import prove, unpack
from podadmin.vault.model import Purpose
from tests.new_profiles import really_made
from tests.sealed import seal_lightly

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked"),
]

PASSPHRASE = Secret("nine quiet herons at dusk")
CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "sqlite3.connect"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Trial:
    """Counts the changes of the disk below one folder, and ends the process at one of them."""

    def __init__(self, folder: Path, at: int) -> None:
        self._folder, self._at, self._count = str(folder), at, 0
        sys.addaudithook(self._hear)
        real = os.fsync

        def fsync(handle: int) -> None:
            self._point()
            real(handle)
            self._point()

        os.fsync = fsync  # type: ignore[assignment]
        service._put = self._put
        event.listen(Engine, "commit", lambda _connection: self._point())

    def _hear(self, what: str, arguments: tuple[Any, ...]) -> None:
        if what == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITING):
            return
        if (what == "open" or what in CHANGES) and self._folder in str(arguments[0]):
            self._point()

    def _put(self, file: Any, piece: bytes) -> None:
        """A piece of a backup is written in two halves, with a chance to die between them."""
        file.write(piece[: len(piece) // 2])
        file.flush()
        self._point()
        file.write(piece[len(piece) // 2 :])

    def _point(self) -> None:
        self._count += 1
        if self._count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def forked(work: Callable[[], object]) -> int:
    """Do it in a child; returns the signal that ended it, 0 where it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - whatever it is, it is shown and fails the test
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert not (os.WIFEXITED(status) and os.WEXITSTATUS(status)), "the child failed by itself; see what it wrote"
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def every_death(folder: Path, work: Callable[[], object], afterwards: Callable[[], object]) -> int:
    """Let `work` die at its first change, its second, and so on, each followed by `afterwards`; how many there are."""
    number = 0
    while True:
        number += 1

        def trial(at: int = number) -> None:
            Trial(folder, at)
            work()

        ended = forked(trial)
        if ended == 0:
            return number - 1
        assert ended == signal.SIGKILL
        afterwards()


@pytest.fixture
def options(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    seal_lightly(monkeypatch)
    really_made(monkeypatch)
    shutil.copytree(prepared / "profile", tmp_path / "profile")
    return Options(profile=tmp_path / "profile", passphrase_file=prepared / "secret")


def back_up(profile: Profile, to: Path) -> None:
    profile.open_vault()
    lock = under_passphrase(PASSPHRASE, 14)
    service.make(acts._source(profile), to, lock, "passphrase", "anna", Progress())


def is_whole(file: Path, folder: Path) -> None:
    """The backup opens, and everything in it is right."""
    folder.mkdir()
    prove(unpack(file, with_passphrase(PASSPHRASE), folder, Progress()), SystemClock(), Progress())
    shutil.rmtree(folder)


def test_a_backup_that_dies_at_any_write_is_whole_or_not_there(options: Options, tmp_path: Path) -> None:
    to = tmp_path / "out" / "one.backup"
    to.parent.mkdir()
    there = 0

    def work() -> None:
        with open_profile(options) as profile:
            back_up(profile, to)

    def afterwards() -> None:
        nonlocal there
        if to.exists():
            there += 1
            is_whole(to, tmp_path / "scratch")
            to.unlink()
        with open_profile(options) as profile:
            assert verify(profile.store).broken is None

    deaths = every_death(tmp_path, work, afterwards)
    assert deaths > 25
    assert there > 0, "the last deaths come after the file is there"
    is_whole(to, tmp_path / "scratch")
    assert [each.name for each in to.parent.iterdir()] == ["one.backup"], "what the dead have left is removed"
    assert not (options.profile or tmp_path).joinpath(service.SCRATCH).exists()


def test_a_restore_that_dies_at_any_write_leaves_an_empty_profile_or_the_whole_one(
    options: Options, prepared: Path, tmp_path: Path
) -> None:
    file = tmp_path / "one.backup"
    with open_profile(options) as profile:
        back_up(profile, file)
        public = profile.vault.find(Purpose.POD)
    assert public is not None
    new = Options(profile=tmp_path / "new", keyring="passphrase", passphrase_file=prepared / "secret")
    states: list[str] = []

    def stage() -> None:
        with open_profile(new) as profile:
            restoring.stage(profile, file, with_passphrase(PASSPHRASE), Progress())

    def afterwards() -> None:
        folder = tmp_path / "new"
        copy = tmp_path / "copy"
        if not folder.exists():
            states.append("nothing")
            return
        shutil.copytree(folder, copy)
        copied = Options(profile=copy, passphrase_file=prepared / "secret", keyring="passphrase")
        with open_profile(copied) as profile:
            assert verify(profile.store).broken is None
            if restoring.is_empty(profile):
                states.append("empty")
            else:
                found = profile.open_vault().find(Purpose.POD)
                assert found is not None
                assert found.fingerprint == public.fingerprint
                states.append("whole")
        shutil.rmtree(copy)
        shutil.rmtree(folder)

    deaths = every_death(tmp_path, stage, afterwards)
    assert deaths > 40
    assert {"empty", "whole"} <= set(states)
    assert states == sorted(states, key=["nothing", "empty", "whole"].index), "first nothing is there, then all of it"
    moved = tmp_path / "moved"
    shutil.copytree(tmp_path / "new", moved)

    def start() -> None:
        with open_profile(Options(profile=tmp_path / "new", passphrase_file=prepared / "secret")) as profile:
            assert not restoring.is_empty(profile)

    def started_again() -> None:
        start()
        shutil.rmtree(tmp_path / "new")
        shutil.copytree(moved, tmp_path / "new")

    assert every_death(tmp_path, start, started_again) > 10
    with open_profile(Options(profile=tmp_path / "new", passphrase_file=prepared / "secret")) as profile:
        found = profile.open_vault().find(Purpose.POD)
        assert found is not None
        assert found.fingerprint == public.fingerprint
        assert not (tmp_path / "new" / restoring.FOLDER).exists()


def test_a_file_that_may_not_grow_ends_in_a_clear_error(options: Options, tmp_path: Path) -> None:
    """RLIMIT_FSIZE: what a quota does. Writing the backup fails; the profile is not touched by it."""
    (tmp_path / "out").mkdir()
    with open_profile(options) as profile:
        back_up(profile, tmp_path / "whole.backup")
    size = (tmp_path / "whole.backup").stat().st_size

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with open_profile(options) as profile:
            real = service._written

            def limited(*arguments: Any) -> str:
                resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))
                try:
                    return real(*arguments)
                finally:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

            service._written = limited
            with pytest.raises(Unavailable) as full:
                back_up(profile, tmp_path / "out" / "one.backup")
            assert full.value.code == "backup.cannot-write"
            assert verify(profile.store).broken is None

    assert forked(work) == 0
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    where = tmp_path / "disk"
    where.mkdir()
    mounted = []

    def mount(size: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(where)]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("mounting is not permitted here")
        mounted.append(where)
        return where

    yield mount
    for each in mounted:
        subprocess.run(["umount", "-l", str(each)], check=True)


def test_a_full_disk_takes_no_half_backup(options: Options, small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("200k")
    with open_profile(options) as profile:
        with pytest.raises(Unavailable) as full:
            back_up(profile, disk / "one.backup")
        assert full.value.code == "backup.cannot-write"
        assert "space" in full.value.why
        assert list(disk.iterdir()) == []
        assert verify(profile.store).broken is None


def test_a_restore_onto_a_disk_that_fills_up_leaves_the_profile_empty(
    options: Options, prepared: Path, tmp_path: Path, small_disk: Callable[[str], Path]
) -> None:
    with open_profile(options) as profile:
        back_up(profile, tmp_path / "one.backup")
        need = (tmp_path / "one.backup").stat().st_size
    disk = small_disk(f"{(2 * need + 700_000) // 1024}k")
    new = Options(profile=disk / "new", keyring="passphrase", passphrase_file=prepared / "secret")
    with open_profile(new) as profile:
        used = shutil.disk_usage(disk)
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(max(used.free - need // 2, 0)))
        with pytest.raises(PodadminError) as full:
            restoring.stage(profile, tmp_path / "one.backup", with_passphrase(PASSPHRASE), Progress())
        assert full.value.code == "backup.cannot-unpack"
        assert not (disk / "new" / restoring.FOLDER).exists()
        ballast.unlink()
        restoring.stage(profile, tmp_path / "one.backup", with_passphrase(PASSPHRASE), Progress())
    with open_profile(Options(profile=disk / "new", passphrase_file=prepared / "secret")) as profile:
        assert not restoring.is_empty(profile)
