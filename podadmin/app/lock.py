"""One engine for each profile: a lock that the operating system lets go of when its holder dies, however it dies."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

TRIES, TRY_SECONDS = 100, 0.02


class EngineLock:
    """An exclusive lock on a file. Not a file that exists: a crash leaves nothing behind that must be removed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Does this object hold the lock?"""
        return self._file is not None

    def take(self) -> bool:
        """Try to take the lock; False where another process has it. Raises OSError where the file cannot be made.

        Somebody who only looks holds the lock for a moment: one who means it tries for two seconds.
        """
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(TRIES):
            if _lock(file):
                break
            threading.Event().wait(TRY_SECONDS)
        else:
            os.close(file)
            return False
        self._file = file
        try:
            os.ftruncate(file, 0)
            os.write(file, str(os.getpid()).encode())
        except OSError:
            # the number is for people who look; on a full disk the lock is held all the same
            return True
        return True

    def taken_elsewhere(self) -> bool:
        """Does another process (or object) hold the lock now?"""
        if self._file is not None:
            return False
        try:
            file = os.open(self._path, os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            return not _lock(file)
        finally:
            os.close(file)

    def release(self) -> None:
        """Let go; safe to call when nothing is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
