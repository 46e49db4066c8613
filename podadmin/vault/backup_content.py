"""What is inside a backup: named parts one after the other, the first of which says what the others are.

    name length (2 bytes, big-endian) | name | size (8 bytes, big-endian) | bytes

`manifest` is canonical JSON about the profile; `database` is a consistent copy of its database; `items` is canonical
JSON with what opens the sealed files, from where secrets live; `keys/NAME` are the sealed files as they lie in the key
folder; `uploads/NAME` are the sealed bodies of results that wait to leave, by their digests. Names that are not of
these forms are refused, so that no backup can write anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from podadmin.core.canon import canonical
from podadmin.core.secret import Secret
from podadmin.vault.backup_file import damaged

MANIFEST, DATABASE, ITEMS, KEYS, UPLOADS = "manifest", "database", "items", "keys/", "uploads/"
KEY_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}")
UPLOAD_FILE = re.compile(r"body_[0-9A-Z]{12}\.req_[0-9A-Z]{12}\.[0-9]{1,12}(?:\.([0-9a-f]{64}))?\.body")
"""With the SHA-256 of the body, where it was known."""
_LARGEST_TOLD = 4 * 1024 * 1024
_READ = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """About the profile in a backup: `entries` and `head` are the number and the hash of its last journal entry."""

    podadmin: str
    profile: str
    made_at: str
    entries: int
    head: str

    def as_bytes(self) -> bytes:
        return canonical(asdict(self)).encode("utf-8")


@dataclass(frozen=True)
class Part:
    """One part before it is written: `read` gives its bytes, `size` of them in all."""

    name: str
    size: int
    read: Callable[[], Iterable[bytes]]

    @property
    def length(self) -> int:
        """Bytes of the part with its name and size."""
        return 2 + len(self.name.encode()) + 8 + self.size


def part_of(name: str, content: bytes) -> Part:
    """A part that is in memory."""
    return Part(name, len(content), lambda: (content,))


def part_of_file(name: str, path: Path) -> Part:
    """A part that is a file, read piece by piece."""

    def read() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(_READ):
                yield piece

    return Part(name, path.stat().st_size, read)


def is_as_named(upload: Path, check: Callable[[], None]) -> bool:
    """Is a large body what it was when it came? Its name tells its digest. `check` is called again and again."""
    named, digest = UPLOAD_FILE.fullmatch(upload.name), hashlib.sha256()
    with upload.open("rb") as file:
        while piece := file.read(_READ):
            check()
            digest.update(piece)
    return named is not None and named[1] in {None, digest.hexdigest()}


def items_as_bytes(items: Mapping[str, Secret[bytes]]) -> Secret[bytes]:
    """What opens the sealed files, as it stands in a backup."""
    told = {name: base64.b64encode(value.reveal()).decode("ascii") for name, value in items.items()}
    return Secret(canonical(told).encode("utf-8"))


def items_of(content: bytes) -> dict[str, Secret[bytes]]:
    """The opposite of `items_as_bytes`. Raises Tampered (`backup.damaged`)."""
    try:
        return {
            str(name): Secret(base64.b64decode(value, validate=True)) for name, value in json.loads(content).items()
        }
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise damaged() from None


def manifest_of(content: bytes) -> Manifest:
    """The manifest in a backup. Raises Tampered (`backup.damaged`)."""
    try:
        told = Manifest(**json.loads(content))
    except (ValueError, TypeError, RecursionError):
        raise damaged() from None
    if type(told.entries) is not int or not all(isinstance(text, str) for text in (told.head, told.profile)):
        raise damaged()
    return told


def framed(parts: Iterable[Part]) -> Iterator[bytes]:
    """The bytes of all parts."""
    for part in parts:
        name = part.name.encode()
        yield len(name).to_bytes(2, "big") + name + part.size.to_bytes(8, "big")
        yield from part.read()


def parted(content: Iterable[bytes]) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """The parts in proved content: name, size and bytes of each. Use up each before the next is asked for.

    Raises Tampered (`backup.damaged`) for what podadmin does not write.
    """
    stream = _Stream(content)
    while not stream.at_end():
        name = stream.exactly(int.from_bytes(stream.exactly(2), "big")).decode("utf-8", "replace")
        if not _is_known(name):
            raise damaged()
        size = int.from_bytes(stream.exactly(8), "big")
        yield name, size, stream.up_to(size)


def _is_known(name: str) -> bool:
    for folder, form in ((KEYS, KEY_FILE), (UPLOADS, UPLOAD_FILE)):
        if name.startswith(folder):
            return form.fullmatch(name[len(folder) :]) is not None
    return name in {MANIFEST, DATABASE, ITEMS}


def whole(size: int, pieces: Iterable[bytes]) -> bytes:
    """A part that is small enough for memory. Raises Tampered (`backup.damaged`) for a larger one."""
    if size > _LARGEST_TOLD:
        raise damaged()
    return b"".join(pieces)


class _Stream:
    """Bytes that come in pieces of any size, asked for in others."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._waiting = b""

    def at_end(self) -> bool:
        while not self._waiting:
            try:
                self._waiting = next(self._pieces)
            except StopIteration:
                return True
        return False

    def up_to(self, size: int) -> Iterator[bytes]:
        while size > 0:
            if self.at_end():
                raise damaged()
            taken, self._waiting = self._waiting[:size], self._waiting[size:]
            size -= len(taken)
            yield taken

    def exactly(self, size: int) -> bytes:
        return b"".join(self.up_to(size))
