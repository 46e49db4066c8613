"""One way to write an export: beside its place first, brought to the disk, then renamed. A part is never left there."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from podadmin.core.errors import BadInput, Unavailable
from podadmin.store.engine import explain

_BLOCK = 1 << 20


@contextmanager
def new_file(to: Path) -> Iterator[BinaryIO]:
    """A file to write and read in binary; at the end it stands at `to`, and where anything fails, nothing does.

    Raises BadInput (`journal.bad-place`), Unavailable (`journal.export`).
    """
    if to.is_dir() or not to.parent.is_dir():
        raise BadInput(
            "journal.bad-place",
            "The journal was not exported.",
            "The place that was named is a folder, or its folder does not exist.",
            "Name a file in a folder that exists.",
        )
    scratch = to.with_name(f".{to.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            handle = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(handle, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(to)
        finally:
            with suppress(FileNotFoundError):
                scratch.unlink()
    except OSError as error:
        reason = explain(error, "writing the export")
        raise Unavailable("journal.export", "The journal was not exported.", reason.why, reason.next_step) from error


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises Unavailable (`journal.export`)."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    except OSError as error:
        reason = explain(error, "reading the export")
        raise Unavailable("journal.export", "The journal was not exported.", reason.why, reason.next_step) from error
    return found.hexdigest()
