"""Files that somebody names or sends: opened only where they are files, and read no further than they may be.

A pipe would be waited for without end, a device has no end, and a file can grow while it is read.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from podadmin.core.errors import BadInput
from podadmin.core.text import quoted

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def expanded(path: str | Path) -> Path:
    """`path` with the home folder for which its `~` or `~name` stands. Raises BadInput `file.no-such-home`."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise BadInput(
            "file.no-such-home",
            f"The path {quoted(str(path), 300)} leads nowhere.",
            "It begins with the home folder of somebody whom this computer does not know.",
            "Write the path in full.",
        ) from None


def open_named(path: Path) -> BinaryIO:
    """The file at `path`, or the one that a link there leads to, for reading. Raises OSError, also where it is none."""
    try:
        named = path.expanduser()
        _must_be_file(named.stat().st_mode)
        handle = os.open(named, _FLAGS)
    except (RuntimeError, ValueError) as error:  # nobody's home, or a character that no path has
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error
    file = os.fdopen(handle, "rb")
    try:
        _must_be_file(os.fstat(handle).st_mode)
    except OSError:
        file.close()
        raise
    return file


def read_named(path: Path, most: int) -> bytes:
    """The first `most` bytes of the file at `path`. Raises OSError, also where it is none."""
    with open_named(path) as file:
        return file.read(most)


def _must_be_file(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is a pipe or a device, and not a file")
