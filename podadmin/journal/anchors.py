"""Signed heads of the chain, kept where the database is not: in the keyring, in a file on another disk, on paper.

All three hold the same text: the head as canonical JSON, and its Ed25519 signature by the journal key. So a sheet that
was scanned, a file and the keyring are read by one function, and whoever has the public key can check them.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, stamp
from podadmin.core.errors import BadInput, NotFound, Refused, Tampered, Unavailable
from podadmin.core.files import read_named
from podadmin.core.text import stranger
from podadmin.journal.chain import KEYRING, Anchor, Entry, moment_of

LARGEST_FILE = 16 * 1024
_ANCHOR_PARTS = {"seq", "hash", "at"}


class AnchorPlace(Protocol):
    """Where the head is kept outside the database: the keyring, through the vault."""

    def put_anchor(self, value: bytes) -> None: ...

    def get_anchor(self) -> bytes | None: ...


class Verifies(Protocol):
    """The public half of a journal key."""

    def verify(self, data: bytes, signature: bytes) -> bool: ...


class Signs(Verifies, Protocol):
    """The journal key's handle."""

    def sign(self, data: bytes) -> bytes: ...


def anchor_of(entry: Entry, clock: Clock) -> Anchor:
    """The anchor that says that the chain ended with `entry` now."""
    return Anchor(entry.seq, entry.hash, stamp(clock.now()))


def signed(anchor: Anchor, signer: Signs) -> bytes:
    """The anchor with its signature, as it is kept."""
    head = canonical({"at": anchor.at, "hash": anchor.hash, "seq": anchor.seq})
    return canonical({"head": head, "signature": signer.sign(head.encode()).hex()}).encode()


def read_signed(kept: bytes, signer: Verifies, where: str = KEYRING) -> Anchor:
    """The anchor that `kept` is. Raises Tampered (`journal.anchor-forged`) where its signature is wrong."""
    try:
        value = json.loads(kept)
        head, signature = value["head"], bytes.fromhex(value["signature"])
        right = signer.verify(head.encode(), signature)
        parts = json.loads(head)
        right = right and set(parts) == _ANCHOR_PARTS
        anchor = Anchor(**parts)
        right = right and type(anchor.seq) is int and isinstance(anchor.hash, str) and bool(moment_of(anchor))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _forged(where) from error
    if not right:
        raise _forged(where)
    return replace(anchor, where=where)


def file_words(path: Path) -> str:
    """How a file is called where an anchor is said to lie in it."""
    return f"the file {stranger(path.name, 60)}"


def read_file(path: Path, signer: Verifies) -> Anchor:
    """The anchor that a file holds.

    Raises NotFound (`journal.no-anchor-file`), Unavailable (`journal.anchor-unreadable`) and Tampered
    (`journal.anchor-forged`).
    """
    try:
        kept = read_named(path, LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise NotFound(
            "journal.no-anchor-file",
            f"There is no {file_words(path).removeprefix('the ')}.",
            "The disk that holds it is not connected, or the file was moved or removed.",
            "Connect the disk, or name the file where it lies now.",
        ) from error
    except OSError as error:
        raise Unavailable(
            "journal.anchor-unreadable",
            f"The anchor in {file_words(path)} cannot be read.",
            f"The operating system reported: {error.strerror or type(error).__name__}.",
            "Check the disk that holds it and that your account may read the file.",
        ) from error
    return read_signed(kept.strip() if len(kept) <= LARGEST_FILE else b"", signer, file_words(path))


def write_file(path: Path, anchor: Anchor, signer: Signs) -> None:
    """Put the anchor into a file: whole or not at all, never in place of something else, never backwards.

    Raises BadInput (`journal.anchor-place`) where the place is no place for a file, Refused (`journal.anchor-foreign`,
    `journal.anchor-ahead`), Unavailable (`journal.anchor-unreadable`, `journal.anchor-unwritable`).
    """
    try:
        kept = read_file(path, signer)
    except NotFound:
        kept = None
    except Tampered as error:
        raise Refused(
            "journal.anchor-foreign",
            f"The anchor was not written to {file_words(path)}.",
            "The file is there already, and it is not an anchor that this pod has signed.",
            "Name another file; look at this one before you remove it.",
        ) from error
    if kept is not None and kept.seq > anchor.seq:
        raise Refused(
            "journal.anchor-ahead",
            f"The anchor was not written to {file_words(path)}.",
            f"The file proves entry {kept.seq}, and the journal ends with entry {anchor.seq}: entries are missing.",
            "Keep the file as it is and verify the journal.",
        )
    if not path.is_absolute() or path.is_dir() or not path.parent.is_dir():
        raise BadInput(
            "journal.anchor-place",
            "The anchor was not written.",
            "The place that was named is a folder, or its folder does not exist.",
            "Name a file, with its whole path, in a folder that exists; best on another disk than the profile's.",
        )
    _put(path, signed(anchor, signer) + b"\n")


def _put(path: Path, data: bytes) -> None:
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with scratch.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink()
        raise Unavailable(
            "journal.anchor-unwritable",
            f"The anchor was not written to {file_words(path)}.",
            f"The operating system reported: {error.strerror or type(error).__name__}.",
            "Connect the disk and check that it has room and that your account may write there.",
        ) from error


def _forged(where: str) -> Tampered:
    return Tampered(
        "journal.anchor-forged",
        f"The journal's anchor in {where} is not one that this pod has signed.",
        "Somebody or something has replaced it.",
        "Treat the journal as unproved from this moment on: keep a copy of the profile and ask who could write there.",
    )
