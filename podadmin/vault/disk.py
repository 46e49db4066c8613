"""Files that hold sealed secrets: written whole or not at all, for this account only, and safe once we return."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from podadmin.core.errors import Unavailable


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` with mode 0600: after a crash there is the old file or the new one, never a part.

    The folder is made with mode 0700 where it is missing. Raises Unavailable (`vault.cannot-write`).
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
        finally:
            with suppress(FileNotFoundError):
                scratch.unlink()
        settle(path.parent)
    except OSError as error:
        raise _cannot_write(error) from error


def read_whole(path: Path, limit: int) -> bytes | None:
    """The bytes at `path`, at most `limit` + 1 of them; None where there is no file. Raises Unavailable."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(
            "vault.cannot-read",
            "A file that holds sealed keys could not be read.",
            f"The operating system reported: {error.strerror or type(error).__name__}.",
            "Check that the profile's folder belongs to your account and that its disk is connected.",
        ) from error


def discard(path: Path) -> None:
    """Remove the file at `path` where there is one. Raises Unavailable (`vault.cannot-write`)."""
    try:
        path.unlink(missing_ok=True)
        settle(path.parent)
    except OSError as error:
        raise Unavailable(
            "vault.cannot-write",
            "A file that was no longer needed could not be removed from the key folder.",
            f"The operating system reported: {error.strerror or type(error).__name__}.",
            "It is sealed and does no harm; check that the profile's folder is writable for your account.",
        ) from error


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Let one process at a time change the file at `path`; the others wait. Raises Unavailable (`vault.cannot-write`).

    The lock is the operating system's, on a file beside it: it ends with the process that holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _cannot_write(error) from error
    try:
        _hold(handle)
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":  # pragma: no cover - exercised on Windows only
    import msvcrt

    def _hold(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _hold(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)


def _cannot_write(error: OSError) -> Unavailable:
    return Unavailable(
        "vault.cannot-write",
        "The folder that holds the keys could not be written; nothing was changed in it.",
        f"The operating system reported: {error.strerror or type(error).__name__}.",
        "Check that the profile's folder is on a disk with free space and is writable for your account.",
    )


def settle(folder: Path) -> None:
    """Bring a folder's own entries to the disk, where the operating system can do that."""
    if os.name == "nt":  # pragma: no cover - Windows has no folder handles to sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
