"""Lending the pod's key to a pod that reads it from files, only for its start, and taking it back.

The real pod of the Bitfount network reads `<storage>/<user>/pods/<pod>/pod_rsa.pem` and `pod_rsa.pub.pem` and makes a
new identity without a word where they are missing (bitfount contract, section 4). So both are put there before it
starts: with mode 0600, in a folder of their own that only this account may enter, in memory where the operating system
has such a place and proves it. They are removed when the pod has read them, and that is looked at. A crash leaves them
behind; every start of podadmin removes what no living process lends.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from podadmin.core.errors import BadInput, Refused, Unavailable
from podadmin.core.secret import Secret

PRIVATE, PUBLIC = "pod_rsa.pem", "pod_rsa.pub.pem"
FOLDER = "lent"
"""The folder of a profile that is used where no place in memory is to be had."""
_PREFIX = "podadmin-lent-"
_HELD = "held"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_IN_MEMORY = frozenset({0x01021994, 0x858458F6})
"""The types of tmpfs and ramfs as `statfs(2)` of Linux tells them."""

MEMORY_WORDS = (
    "The files lie in memory, not on a disk. Until they are removed, every program of your account and the "
    "administrator of this computer can read them, and what is in memory can reach the swap space of the system."
)
DISK_WORDS = (
    "This computer has no place in memory for files, so the files lie on the disk of the profile. Until they are "
    "removed, every program of your account and the administrator can read them; removing them does not wipe the disk."
)


@dataclass(frozen=True)
class Lent:
    """The two files while they are there. `storage` is what the pod takes as its storage path."""

    storage: Path
    private: Path
    public: Path
    in_memory: bool
    unread: int

    def was_read(self) -> bool:
        """Has the pod opened the private key? By the time of last access, which reading moves for the first time.

        On a disk that keeps no such times it stays False.
        """
        try:
            return self.private.stat().st_atime_ns != self.unread
        except FileNotFoundError:
            return False


@contextmanager
def lend(profile: str, folder: Path, private: Secret[bytes], pod: str, user: str = "_default") -> Iterator[Lent]:
    """The pod's key (PKCS #8 DER) as the files that a pod reads, for the length of the `with`; verified gone after it.

    `profile` names the profile, `folder` is its folder. The caller has recorded the hand-over. Raises BadInput
    (`handover.bad-name`), Unavailable (`handover.cannot-write`; `handover.left-behind` where a file could not be
    removed).
    """
    if not all(_NAME.fullmatch(name) and name not in {".", ".."} for name in (pod, user)):
        raise BadInput(
            "handover.bad-name",
            "The key was not handed over.",
            "The pod's or the user's name cannot be a folder.",
            "Use letters, digits, dots, hyphens and underlines.",
        )
    storage: Path | None = None
    held: int | None = None
    try:
        try:
            base, in_memory = _base(folder)
            storage = base / f"{_prefix(profile)}{secrets.token_hex(8)}"
            storage.mkdir(mode=0o700)
            held = _hold(storage)
            lent = _written(storage, private, pod, user, in_memory)
        except OSError as error:
            raise _cannot_write(error) from error
        yield lent
    finally:
        if storage is not None:
            _take_back(storage)
        if held is not None:
            os.close(held)


@contextmanager
def linked(lent: Lent, storage: Path, pod: str, user: str = "_default") -> Iterator[None]:
    """Links to the two files in the pod's own storage, for the length of the `with`: the key itself never lies there.

    Raises Refused (`handover.files-there`) where the storage has key files of its own, Unavailable
    (`handover.cannot-write`).
    """
    where = storage / user / "pods" / pod
    links = {where / lent.public.name: lent.public, where / lent.private.name: lent.private}
    if any(link.exists() and not link.is_symlink() for link in links):
        raise Refused(
            "handover.files-there",
            "The key was not handed over.",
            "The pod's storage holds key files of its own, in clear; the pod would use those.",
            "Import that key first, and let podadmin remove its files.",
        )
    try:
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        for link, target in links.items():
            # what an earlier hand-over that was broken off has left points to nothing
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    except OSError as error:
        raise _cannot_write(error) from error
    try:
        yield
    finally:
        for link in links:
            with suppress(OSError):
                link.unlink(missing_ok=True)


def sweep(profile: str, folder: Path) -> int:
    """Remove what a crash has left of earlier hand-overs of this profile; how many there were. Never raises OSError.

    What a living process lends is held by a lock of the operating system and stays.
    """
    found = 0
    for base in (*_memory_bases(), folder / FOLDER):
        with suppress(OSError):
            for storage in sorted(base.glob(f"{_prefix(profile)}*")):
                found += _swept(storage)
    return found


def in_memory(path: Path) -> bool:
    """Does the folder lie in memory? True only where Linux says that its file system is tmpfs or ramfs."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    # `f_type` is the first word of the structure; the rest of it is not looked at
    told = ctypes.create_string_buffer(512)
    if libc.statfs(os.fsencode(path), told) != 0:
        return False
    return int.from_bytes(told.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder) & 0xFFFFFFFF in _IN_MEMORY


def _cannot_write(error: OSError) -> Unavailable:
    return Unavailable(
        "handover.cannot-write",
        "The key was not handed over.",
        f"Its files could not be written: {error.strerror or type(error).__name__}.",
        "Check that the folder for running programs, or the profile's disk, has space and is yours.",
    )


def _memory_bases() -> tuple[Path, ...]:
    told = os.environ.get("XDG_RUNTIME_DIR", "")
    return tuple(Path(each) for each in (told, "/dev/shm") if each.startswith("/"))  # noqa: S108 - looked at before use


def _base(folder: Path) -> tuple[Path, bool]:
    for base in _memory_bases():
        if base.is_dir() and os.access(base, os.W_OK | os.X_OK) and in_memory(base):
            return base, True
    (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
    return folder / FOLDER, False


def _prefix(profile: str) -> str:
    return f"{_PREFIX}{re.sub(r'[^A-Za-z0-9_]', '', profile)}-"


def _written(storage: Path, private: Secret[bytes], pod: str, user: str, in_memory_now: bool) -> Lent:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_der_private_key,
    )

    key = load_der_private_key(private.reveal(), password=None)
    text = Secret(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    where = storage / user / "pods" / pod
    for each in (storage / user, storage / user / "pods", where):
        each.mkdir(mode=0o700)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n"
    _put(where / PUBLIC, public)
    _put(where / PRIVATE, text.reveal())
    # a time of access before that of writing: then the first reading moves it on every file system that keeps it
    os.utime(where / PRIVATE, ns=(0, (where / PRIVATE).stat().st_mtime_ns))
    unread = (where / PRIVATE).stat().st_atime_ns
    return Lent(storage, where / PRIVATE, where / PUBLIC, in_memory_now and in_memory(where), unread)


def _put(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _take_back(storage: Path) -> None:
    """Overwrite and remove every file of a hand-over, and look that it is gone. Raises Unavailable."""
    for path in storage.rglob("*"):
        with suppress(OSError):
            if stat.S_ISREG(path.lstat().st_mode) and path.name != _HELD:
                size = path.stat().st_size
                with path.open("r+b") as file:
                    file.write(bytes(size))
                path.unlink()
    shutil.rmtree(storage, ignore_errors=True)
    if storage.exists():
        raise Unavailable(
            "handover.left-behind",
            "A file with the pod's private key could not be removed.",
            "Another program holds or protects it.",
            f"Remove the folder {storage.name} yourself, then revoke the key if anybody else could have read it.",
        )


def _swept(storage: Path) -> int:
    try:
        held = _hold(storage)
    except (OSError, ValueError):
        return 0
    try:
        with suppress(Unavailable):
            _take_back(storage)
            return 1
        return 0
    finally:
        os.close(held)


if sys.platform == "win32":  # pragma: no cover - exercised on Windows only
    import msvcrt

    def _hold(storage: Path) -> int:
        """Hold the lock of a hand-over. Raises OSError where a living process holds it."""
        handle = os.open(storage / _HELD, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(handle)
            raise
        return handle

else:
    import fcntl

    def _hold(storage: Path) -> int:
        """Hold the lock of a hand-over. Raises OSError where a living process holds it, or the folder is not ours."""
        found = storage.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise PermissionError("not a folder of this account")
        handle = os.open(storage / _HELD, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise
        return handle
