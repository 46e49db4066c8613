"""Files with secrets that other software left in clear: sealed here, proved to be the same, then removed.

What is removed can still be on the disk, in a backup or in a snapshot: nothing here claims more than that the file is
gone from its folder.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from podadmin.core.errors import NotFound, PodadminError, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.disk import settle
from podadmin.vault.forms import public_forms
from podadmin.vault.importing import FoundKey, read_private
from podadmin.vault.model import KeyInfo, SecretPurpose
from podadmin.vault.service import Vault
from podadmin.vault.shelf import LARGEST_SECRET


def sealed_as(vault: Vault, path: Path) -> str:
    """The id of the key or secret that holds what the file at `path` holds; empty where none does."""
    try:
        data = _read(path)
    except PodadminError:
        return ""
    info = _own_key(vault, data)
    if info is not None:
        return info.id
    kept = vault.find_secret(SecretPurpose.FILE, str(path))
    return kept.id if kept is not None and vault.secret(kept.id).reveal() == data else ""


def seal_file(vault: Vault, path: Path, actor: str) -> str:
    """Keep the content of a file in the vault, unless one of its keys is that very key; gives the id.

    Read back from the vault before this returns. Raises NotFound (`vault.no-clear-file`), Refused
    (`vault.clear-file-changed`, `vault.clear-file-odd`), Unavailable and what `Vault.put_secret` raises.
    """
    data = _read(path)
    info = _own_key(vault, data)
    if info is not None:
        return info.id
    kept = vault.find_secret(SecretPurpose.FILE, str(path))
    if kept is None or vault.secret(kept.id).reveal() != data:
        kept = vault.put_secret(SecretPurpose.FILE, str(path), Secret(data), actor)
    if vault.secret(kept.id).reveal() != data or _read(path) != data:
        raise _changed()
    return kept.id


def remove_clear_file(vault: Vault, store: Store, path: Path, actor: str) -> None:
    """Remove a file once the vault has been read back and holds the same (`file.removed`, recorded first).

    Raises Refused (`vault.clear-file-unsealed`) where it does not, and as `seal_file`; then the file is untouched.
    """
    held = sealed_as(vault, path)
    _read(path)
    if not held:
        raise Refused(
            "vault.clear-file-unsealed",
            "The file was not removed.",
            "What it holds does not lie in the vault, so it would be lost.",
            "Seal it first.",
        )
    with store.record(Fact(actor, "file.removed", held, {"file": stranger(str(path), 300)})):
        pass
    try:
        path.unlink()
        settle(path.parent)
    except OSError as error:
        raise Unavailable(
            "vault.clear-file",
            "The file was not removed.",
            f"The operating system reported: {error.strerror or type(error).__name__}.",
            "Remove it by hand: what it holds lies sealed in the vault.",
        ) from error
    if path.exists():
        raise _changed()


def give_back(vault: Vault, store: Store, secret_id: str, to: Path, actor: str) -> None:
    """Write a file that was sealed into a new file, for this account only (`file.given-back`).

    Raises NotFound (`vault.no-secret`), Refused (`vault.clear-file-odd`, `vault.clear-file-exists`), Unavailable.
    """
    info = next((each for each in vault.secrets_kept() if each.id == secret_id), None)
    if info is not None and info.purpose is not SecretPurpose.FILE:
        raise _odd("Only files that were sealed can be given back; other secrets are used by podadmin alone.")
    value = vault.secret(secret_id)
    with store.record(Fact(actor, "file.given-back", secret_id, {"file": stranger(str(to), 300)})):
        pass
    try:
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(value.reveal())
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Refused(
            "vault.clear-file-exists",
            "The file was not written.",
            "There is a file of that name already.",
            "Name a new file.",
        ) from None
    except OSError as error:
        raise Unavailable(
            "vault.clear-file",
            "The file was not written.",
            f"The operating system reported: {error.strerror or type(error).__name__}.",
            "Choose a folder that is writable for your account.",
        ) from error


def _own_key(vault: Vault, data: bytes) -> KeyInfo | None:
    """The key of this pod that the data is, proved against what its sealed file holds."""
    try:
        found: FoundKey = read_private(data)
    except PodadminError:
        return None
    fingerprint = public_forms(found.private.public_key()).fingerprint
    info = next((each for each in vault.every_key() if each.fingerprint == fingerprint), None)
    if info is None:
        return None
    der = found.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return info if vault.private(info).reveal() == der else None


def _read(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _odd("It is no ordinary file; links and folders are left alone.")
        with path.open("rb") as file:
            data = file.read(LARGEST_SECRET + 1)
    except FileNotFoundError:
        raise NotFound(
            "vault.no-clear-file",
            "There is no such file.",
            "It was moved or removed meanwhile.",
            "Look again which files lie there.",
        ) from None
    except OSError as error:
        raise Unavailable(
            "vault.clear-file",
            "The file cannot be read.",
            f"The operating system reported: {error.strerror or type(error).__name__}.",
            "Check that it belongs to your account.",
        ) from error
    if not 0 < len(data) <= LARGEST_SECRET:
        raise _odd(f"It is empty, or longer than {LARGEST_SECRET // 1024} KiB.")
    return data


def _odd(why: str) -> Refused:
    return Refused("vault.clear-file-odd", "The file was left as it is.", why, "Look at it yourself.")


def _changed() -> Refused:
    return Refused(
        "vault.clear-file-changed",
        "The file was left as it is.",
        "It changed while it was being sealed: other software still uses it.",
        "Stop that software, then try again.",
    )
