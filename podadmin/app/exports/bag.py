"""A BagIt bag (RFC 8493) inside one ZIP file: payload below `data/`, SHA-512 manifests, one folder at the top.

What the Five Safes RO-Crate profile 0.4 asks of an archive, section "Archive serialisation". Dates inside the ZIP are
those of the export, so that the same journal gives the same bytes at the same moment.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, BinaryIO

from podadmin.app.exports.lines import Sink

_EARLIEST = 1980
_HEAD = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


class _Hashing:
    """Passes bytes on and keeps their SHA-512 and number."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha512()
        self.size = 0

    def write(self, data: bytes, /) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


class Bag:
    """Writes one bag. Use as a context manager: the manifests are written when it ends without an error."""

    def __init__(self, file: BinaryIO, name: str, identifier: str, at: datetime) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self._name = name
        self._identifier = identifier
        self._at = at
        self._manifest: list[tuple[str, str]] = []
        self._size = 0

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._finish()
        self._zip.close()

    @contextmanager
    def payload(self, path: str) -> Iterator[Sink]:
        """A file below `data/` to write."""
        with self._zip.open(self._info(f"data/{path}"), "w", force_zip64=True) as file:
            hashing = _Hashing(file)
            yield hashing
        self._manifest.append((hashing.digest.hexdigest(), f"data/{path}"))
        self._size += hashing.size

    def put(self, path: str, data: bytes) -> None:
        """A small file below `data/`."""
        with self.payload(path) as file:
            file.write(data)

    def _finish(self) -> None:
        about = (
            f"External-Identifier: {self._identifier}\n"
            f"Bagging-Date: {self._at:%Y-%m-%d}\n"
            f"Payload-Oxum: {self._size}.{len(self._manifest)}\n"
        )
        manifest = "".join(f"{digest}  {path}\n" for digest, path in sorted(self._manifest, key=lambda each: each[1]))
        tags = {"bag-info.txt": about, "bagit.txt": _HEAD, "manifest-sha512.txt": manifest}
        tags["tagmanifest-sha512.txt"] = "".join(
            f"{hashlib.sha512(text.encode()).hexdigest()}  {path}\n" for path, text in sorted(tags.items())
        )
        for path, text in tags.items():
            self._zip.writestr(self._info(path), text.encode())

    def _info(self, path: str) -> zipfile.ZipInfo:
        at = self._at if self._at.year >= _EARLIEST else self._at.replace(year=_EARLIEST)
        info = zipfile.ZipInfo(f"{self._name}/{path}", at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        return info
