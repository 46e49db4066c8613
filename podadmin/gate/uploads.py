"""What a task wants to put into the object store: until it may leave, it lies in a folder of the profile.

A body above 128 KiB does not travel in a message: the pod asks for room, uploads and sends the address (bitfount
contract, section 5.1). The room that it is given leads here, so that nobody can be told of a body before the message
that brings it was judged, and what was judged is what goes. What lies here is named for its request and for its own
digest, and survives a gate that is killed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO, Final

from podadmin.core.clock import new_id
from podadmin.core.errors import Refused, Unavailable

MOST_BODY: Final = 3 * 1024**3
"""Bytes of one body: the field's software sends no more (bitfount contract, section 5.1)."""
MOST_BYTES: Final = 24 * 1024**3
"""Bytes of everything that lies here or was given room. One task may take half of it, and half of `MOST`."""
MOST: Final = 4096
SPARE: Final = 1024**3
"""Bytes that stay free on the disk, for the store of the profile."""
_ID: Final = r"body_[0-9A-Z]{12}"
_NAME: Final = re.compile(rf"({_ID})\.(req_[0-9A-Z]{{12}})\.([0-9]+)(?:\.([0-9a-f]{{64}}))?\.(room|body|part)")
_PATH: Final = re.compile(rf"/({_ID})")
_ADDRESS: Final = re.compile(rf"https://[^/?#\s]+/({_ID})")
_ROOM, _BODY, _PART = "room", "body", "part"


@dataclass(frozen=True)
class Upload:
    """A body, or room for one, of `most` bytes. `open`: it can still be put there, or another one in its place."""

    id: str
    request_id: str
    most: int
    open: bool
    size: int | None = None
    """Bytes of what lies there; None where nothing does."""
    digest: str = ""
    """The SHA-256 of what lies there, as it was when it came; empty where an older podadmin has put it there."""


@dataclass(frozen=True)
class Arriving:
    """What is put into a room, while it comes."""

    path: Path
    file: BinaryIO
    room: Upload
    digest: Any = field(default_factory=hashlib.sha256)

    def write(self, chunk: bytes) -> None:
        """Raises Unavailable (`gate.upload-not-kept`)."""
        try:
            self.file.write(chunk)
            self.digest.update(chunk)
        except OSError as error:
            raise _not_kept() from error


class Body(BufferedReader):
    """A body as it is read. `digest`: the SHA-256 of what `read` has given since the last time at its beginning."""

    def __init__(self, path: Path) -> None:
        super().__init__(FileIO(path))
        self._read = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._read.hexdigest()

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self._read.update(found)
        return found

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._read = hashlib.sha256()
        return super().seek(offset, whence)


class Uploads:
    """Safe from any thread; of several processes one gives room and takes bodies, and the others read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._busy: set[str] = set()

    def make_room(self, request_id: str, size: int) -> str:
        """Room for a body of a request; its id. Raises Refused (`gate.upload-too-much`), Unavailable
        (`gate.upload-not-kept`).
        """
        with self._lock:
            known = self.listing()
            own = [each for each in known if each.request_id == request_id]
            full = (
                size > MOST_BODY
                or len(known) >= MOST
                or len(own) >= MOST // 2
                or size + sum(map(_takes, known)) > MOST_BYTES
                or size + sum(map(_takes, own)) > MOST_BYTES // 2
            )
            if full:
                raise Refused(
                    "gate.upload-too-much",
                    "The pod was given no room for a large result.",
                    "What waits here to leave is as much as is kept, in all or of one task.",
                    "See what waits with `podadmin gate results`, and let it go or withhold it.",
                )
            made = Upload(new_id("body"), request_id, size, True)
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                unfilled = sum(each.most for each in known if each.size is None)
                if shutil.disk_usage(self._folder).free < SPARE + unfilled + size:
                    raise _not_kept()
                with self._new(self._path(made, _ROOM)):
                    pass
            except OSError as error:
                raise _not_kept() from error
        return made.id

    def room(self, path: str) -> Upload | None:
        """The room to which a path on the host of the object store leads, where something can be put there."""
        found = _PATH.fullmatch(path)
        known = self._find(found[1]) if found is not None else None
        return known if known is not None and known.open else None

    def begin(self, room: Upload) -> Arriving:
        """Something is put into a room. Raises Refused (`gate.upload-closed`), Unavailable (`gate.upload-not-kept`)."""
        with self._lock:
            if room.id in self._busy:
                raise closed()
            self._busy.add(room.id)
        try:
            self._path(room, _PART).unlink(missing_ok=True)
            return Arriving(self._path(room, _PART), self._new(self._path(room, _PART)), room)
        except OSError as error:
            self._busy.discard(room.id)
            raise _not_kept() from error

    def finish(self, arriving: Arriving) -> None:
        """All of it came: it lies there. Raises as `begin` does."""
        try:
            arriving.file.flush()
            os.fsync(arriving.file.fileno())
            arriving.file.close()
            with self._lock:
                if not self._path(arriving.room, _ROOM).exists():
                    raise closed()
                before = self._find(arriving.room.id)
                if before is not None:
                    self._path(before, _BODY).unlink(missing_ok=True)
                named = replace(arriving.room, digest=arriving.digest.hexdigest())
                arriving.path.replace(self._path(named, _BODY))
        except OSError as error:
            raise _not_kept() from error

    def leave(self, arriving: Arriving) -> None:
        """Nothing more comes, whatever has come."""
        with suppress(OSError):
            arriving.file.close()
        with suppress(OSError):
            arriving.path.unlink(missing_ok=True)
        with self._lock:
            self._busy.discard(arriving.room.id)

    def take(self, url: str, request_id: str) -> Upload:
        """What a message of a request says that it has uploaded, with its digest; from now on nothing takes its place.

        Raises Refused (`gate.nothing-uploaded`), Unavailable (`gate.upload-not-kept`, `gate.upload-unreadable`).
        """
        with self._lock:
            found = self.of(url, request_id)
            if found is None:
                raise nothing_uploaded()
            try:
                self._path(found, _ROOM).unlink(missing_ok=True)
            except OSError as error:
                raise _not_kept() from error
        if found.digest:
            return found
        with self.opened(found) as file:
            return replace(found, digest=hashlib.file_digest(file, "sha256").hexdigest())

    def of(self, url: str, request_id: str) -> Upload | None:
        """The body of a request that an address leads to; None where none lies there."""
        found = self._find(name) if (name := self.named(url)) else None
        return found if found is not None and found.request_id == request_id and found.size is not None else None

    @staticmethod
    def named(url: str) -> str:
        """The id of the body to which an address leads; empty for one that leads elsewhere."""
        parts = _ADDRESS.fullmatch(url)
        return parts[1] if parts is not None else ""

    def opened(self, upload: Upload) -> Body:
        """A body, to be read. Raises Refused (`gate.nothing-uploaded`), Unavailable (`gate.upload-unreadable`)."""
        try:
            return Body(self._path(upload, _BODY))
        except FileNotFoundError as error:
            raise nothing_uploaded() from error
        except OSError as error:
            raise _unreadable() from error

    def lying(self, urls: Iterable[str]) -> tuple[Path, ...]:
        """The files of the bodies to which these addresses lead. Raises Unavailable (`gate.upload-unreadable`)."""
        wanted = set(map(self.named, urls))
        there = (each for each in self.listing() if each.id in wanted and each.size is not None)
        return tuple(self._path(each, _BODY) for each in there)

    def forget(self, upload: Upload) -> None:
        """What cannot be removed now, is later: whoever lists what lies here finds it again."""
        for kind in (_PART, _BODY, _ROOM):
            with suppress(OSError):
                self._path(upload, kind).unlink(missing_ok=True)

    def listing(self) -> tuple[Upload, ...]:
        """Everything that lies here and every room. Raises Unavailable (`gate.upload-unreadable`)."""
        return tuple(self._read(self._names()))

    def _find(self, upload_id: str) -> Upload | None:
        return next(iter(self._read(each for each in self._names() if each.startswith(upload_id))), None)

    def _names(self) -> list[str]:
        try:
            return sorted(each.name for each in self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable() from error

    def _read(self, names: Iterable[str]) -> Iterator[Upload]:
        kinds: dict[tuple[str, str, int], dict[str, str]] = {}
        for name in names:
            found = _NAME.fullmatch(name)
            if found is not None:
                kinds.setdefault((found[1], found[2], int(found[3])), {})[found[5]] = found[4] or ""
        for (upload_id, request_id, most), has in kinds.items():
            made = Upload(upload_id, request_id, most, _ROOM in has, digest=has.get(_BODY, ""))
            size = None
            if _BODY in has:
                with suppress(FileNotFoundError):
                    size = self._path(made, _BODY).stat().st_size
            yield replace(made, size=size)

    def _path(self, upload: Upload, kind: str) -> Path:
        digest = f".{upload.digest}" if kind == _BODY and upload.digest else ""
        return self._folder / f"{upload.id}.{upload.request_id}.{upload.most}{digest}.{kind}"

    @staticmethod
    def _new(path: Path) -> BinaryIO:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        return os.fdopen(handle, "wb")


def _takes(each: Upload) -> int:
    return each.most if each.open or each.size is None else each.size


def nothing_uploaded() -> Refused:
    """A message says where its body lies, and nothing lies there that the gate has seen."""
    return Refused(
        "gate.nothing-uploaded",
        "A message of the pod was not let out.",
        "It points to a body that its task has not uploaded through the gate, so nobody has judged it.",
        "Run the task again if its result is missing. If it comes again, look at the software that the task runs.",
    )


def gone() -> Refused:
    """What was judged does not lie here any more."""
    return Refused(
        "gate.upload-gone",
        "A result was not let go.",
        "Its body does not lie in the folder of the profile any more: a backup of an older podadmin does not hold such "
        "bodies, or somebody has removed it.",
        "Have the task sent again: it computes the result anew.",
    )


def changed() -> Refused:
    """What lies here is not what was judged."""
    return Refused(
        "gate.upload-changed",
        "A result was not let go.",
        "The file that held its body in the folder of the profile is not the one that the pod has uploaded any more.",
        "Find out who can write to the folder of the profile, and have the task sent again.",
    )


def closed() -> Refused:
    """Something is put where nothing can be put any more."""
    return Refused(
        "gate.upload-closed",
        "An upload of the pod was stopped.",
        "Another one is on its way to the same place, or the message that brings what lies there was sent.",
        "Look at the task that runs: it may want to put something else in the place of a result.",
    )


def _unreadable() -> Unavailable:
    return Unavailable(
        "gate.upload-unreadable",
        "What a task has uploaded cannot be read.",
        "It lies in the folder of the profile, which cannot be read now.",
        "Check who owns the folder and whether the disk works. It is tried again by itself.",
    )


def _not_kept() -> Unavailable:
    return Unavailable(
        "gate.upload-not-kept",
        "An upload of the pod was not taken.",
        "It waits in the folder of the profile until it may leave, and there is no room on the disk or it cannot be "
        "written.",
        "Make room on the disk. The pod may try again by itself; if it does not, run the task again.",
    )
