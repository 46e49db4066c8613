"""Opening somebody's file: what can go wrong, in words, and whether it stayed the same while it was read."""

from __future__ import annotations

import errno
import gzip
import io
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from podadmin.core.errors import BadInput, NotFound, PodadminError, Unavailable
from podadmin.core.late import Late
from podadmin.datasources.model import Fingerprint

if TYPE_CHECKING:
    import zstandard
else:
    zstandard = Late("zstandard")


def unreadable(error: OSError) -> PodadminError:
    """The error that a custodian meets for a failure of the file system. No text of the system is passed on."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return NotFound(
            "datasource.not-found",
            "The file was not found.",
            "It was moved, renamed or deleted, or the share that it lies on is not connected.",
            "Choose the file again, or connect the share and test once more.",
        )
    if error.errno in {errno.EISDIR, errno.EINVAL}:  # the second for a pipe or a device: see `core.files`
        return not_a_file()
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Unavailable(
            "datasource.permission-denied",
            "The file cannot be opened: permission denied.",
            "The account that runs podadmin may not read this file or one of the folders above it.",
            "Ask your IT service to give this account the right to read it; podadmin never needs to write there.",
        )
    return Unavailable(
        "datasource.disk",
        "The file could not be read to its end.",
        f"The disk or the network share reported an error ({errno.errorcode.get(error.errno or 0, 'unknown')}).",
        "Check the disk or the connection to the share, then test again.",
    )


@contextmanager
def unpacked(path: Path, packed: str) -> Iterator[BinaryIO]:
    """The bytes of a text file, unpacked as they are read. `packed`: none | gzip | zstd.

    Raises BadInput `datasource.damaged-archive` where the packing is broken; failures of the disk as OSError.
    """
    try:
        with path.open("rb") as raw:
            if packed == "gzip":
                with gzip.GzipFile(fileobj=raw) as file:
                    yield cast(BinaryIO, file)
            elif packed == "zstd":
                with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as file:
                    yield cast(BinaryIO, io.BufferedReader(file))
            else:
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise BadInput(
            "datasource.damaged-archive",
            "The packed file is damaged or cut short.",
            "It cannot be unpacked to its end.",
            "Copy it again from where it was written, or ask for it unpacked.",
        ) from error


def not_a_file() -> PodadminError:
    return BadInput(
        "datasource.not-a-file",
        "This is not a file that can be read.",
        "It is a folder or a device, and such a datasource is one ordinary file.",
        "Choose the file itself.",
    )


def fingerprint(path: Path) -> Fingerprint:
    """Size, time of change and identity of the ordinary file at `path`.

    Raises NotFound, BadInput or Unavailable (`datasource.*`).
    """
    try:
        found = path.stat()
    except OSError as error:
        raise unreadable(error) from error
    if not stat.S_ISREG(found.st_mode):
        raise not_a_file()
    return Fingerprint(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)


@contextmanager
def unchanged(path: Path) -> Iterator[Fingerprint]:
    """Hand out the fingerprint of `path` and, at the end, make sure that it is still the same.

    Raises Unavailable (`datasource.changed-while-read`), also in place of an error that the change itself caused.
    """
    before = fingerprint(path)
    try:
        yield before
    except BadInput as error:
        _check(path, before, error)
        raise
    _check(path, before, None)


def _check(path: Path, before: Fingerprint, cause: PodadminError | None) -> None:
    if fingerprint(path) != before:
        raise Unavailable(
            "datasource.changed-while-read",
            "The file was changed while it was being read, so nothing of what was found is kept.",
            "Another program wrote to it, replaced it or cut it short in the meantime.",
            "Wait until the export into this file has finished, then try again.",
        ) from cause
