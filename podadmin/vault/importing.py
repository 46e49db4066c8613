"""Key files of other software: read in every form that a real pod has, and what else lies in clear beside them.

The real pod keeps `<storage>/<user>/pods/<pod>/pod_rsa.pem` in OpenSSH form without a passphrase (bitfount contract,
section 4); other tools write PKCS #1 or PKCS #8. Nothing here changes or removes a file.
"""

from __future__ import annotations

import base64
import binascii
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from podadmin.core.errors import BadInput, NotFound, Refused, Unavailable
from podadmin.core.files import read_named
from podadmin.core.secret import Secret
from podadmin.vault.forms import public_forms, read_public
from podadmin.vault.handles import PrivateKey
from podadmin.vault.model import Purpose

POD_KEY, POD_PUBLIC = "pod_rsa.pem", "pod_rsa.pub.pem"
LARGEST_KEY_FILE = 64 * 1024
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_OPENSSH_MAGIC = b"openssh-key-v1\0"
_MOST_FILES = 2000


@dataclass(frozen=True)
class FoundKey:
    """A private key as it was found: `form` in words, and whether a passphrase protects it there."""

    private: PrivateKey
    form: str
    protected: bool

    def __repr__(self) -> str:
        return f"FoundKey({self.form!r})"


@dataclass(frozen=True)
class LeftBehind:
    """A file that holds a secret. `what` says what it is, `without` what happens when it is gone."""

    path: Path
    what: str
    without: str
    protected: bool


def key_file_at(path: Path) -> Path:
    """The key file that `path` is, or that the folder of a pod holds. Raises NotFound (`vault.no-key-file`)."""
    if path.is_dir():
        path = path / POD_KEY
    if not path.is_file():
        raise NotFound(
            "vault.no-key-file",
            "No key was found there.",
            f"There is no such file, or the folder holds no {POD_KEY}.",
            "Name the key file itself, or the folder of the pod in the storage of the other software.",
        )
    return path


def read_key_file(path: Path, passphrase: Secret[str] | None = None) -> FoundKey:
    """The private key in a file, held against the public half that lies beside it.

    Raises NotFound (`vault.no-key-file`), Unavailable (`vault.import-file`), Refused (`vault.import-pair`) where
    `pod_rsa.pub.pem` belongs to another key, and what `read_private` raises.
    """
    path = key_file_at(path)
    found = read_private(_bytes(path), passphrase)
    beside = path.with_name(path.name.removesuffix(".pem") + ".pub.pem")
    if beside.is_file():
        public = read_public(_bytes(beside).decode("utf-8", "replace"))
        if public_forms(public).fingerprint != public_forms(found.private.public_key()).fingerprint:
            raise Refused(
                "vault.import-pair",
                "The key was not taken over.",
                "The public half that lies beside it belongs to another key.",
                "Find out which of the two files is the right one, and put them together again.",
            )
    return found


def read_private(data: bytes, passphrase: Secret[str] | None = None) -> FoundKey:
    """A private key in OpenSSH form, PKCS #1 or PKCS #8 (PEM). A passphrase that is not needed is not used.

    Raises BadInput (`vault.not-a-private-key`, `vault.import-passphrase-wrong`), Unavailable
    (`vault.import-passphrase-needed`).
    """
    text = data.strip()
    form, protected = _form_of(text)
    if protected and passphrase is None:
        raise Unavailable(
            "vault.import-passphrase-needed",
            "The key was not taken over.",
            "The file is protected by a passphrase, and none was given.",
            "Type the passphrase of the key file when you are asked, or name a file that holds it.",
        )
    word = passphrase.reveal().encode("utf-8") if protected and passphrase is not None else None
    try:
        load = load_ssh_private_key if text.startswith(_OPENSSH) else load_pem_private_key
        key: object = load(text, word)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidTag):
        if protected:
            raise BadInput(
                "vault.import-passphrase-wrong",
                "The key was not taken over.",
                "The passphrase does not open the key file, or the file is damaged.",
                "Give the passphrase with which the file was made.",
            ) from None
        raise _not_a_key() from None
    usable = isinstance(key, RSAPrivateKey | Ed25519PrivateKey)
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP384R1):
        return FoundKey(key, form, protected)
    if not usable:
        raise _not_a_key()
    assert isinstance(key, RSAPrivateKey | Ed25519PrivateKey)
    return FoundKey(key, form, protected)


def check_size(found: FoundKey, purpose: Purpose) -> None:
    """Raises BadInput (`vault.import-size`) for an RSA key of a size that the purpose does not take.

    Requests are made for RSA keys of 4096 bits (bitfount contract, section 4).
    """
    if not isinstance(found.private, RSAPrivateKey):
        return
    sizes = (4096,) if purpose is Purpose.POD else (3072, 4096)
    if found.private.key_size not in sizes:
        raise BadInput(
            "vault.import-size",
            "The key was not taken over.",
            f"It is an RSA key of {found.private.key_size} bits; needed are {' or '.join(map(str, sizes))}.",
            "Check that it is the right key, or make a new one.",
        )


def left_behind(key_file: Path) -> tuple[LeftBehind, ...]:
    """The files with secrets in the storage of the software from which a key came; the key file itself is the first.

    Looked through: the pod's folder, its user's, and the shared one of health record systems (bitfount contract,
    section 4). Symbolic links are not followed.
    """
    pod = key_file.parent
    found = [_described(key_file)] if key_file.is_file() else []
    folders = [pod]
    if pod.parent.name == "pods":
        user = pod.parent.parent
        folders += [user, user.parent / "_default" / "pods" / "_smart-backend", user / "pods" / "_smart-backend"]
    seen = {key_file}
    for folder in folders:
        for path in _files(folder):
            if path not in seen:
                seen.add(path)
                if _is_secret(path):
                    found.append(_described(path))
    return tuple(found)


def _files(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())[:_MOST_FILES]
    except OSError:
        return
    for path in entries:
        try:
            if stat.S_ISREG(path.lstat().st_mode):
                yield path
        except OSError:
            continue


def _is_secret(path: Path) -> bool:
    if path.name == ".token":
        return True
    try:
        return b"PRIVATE KEY-----" in read_named(path, LARGEST_KEY_FILE)
    except OSError:
        return False


def _described(path: Path) -> LeftBehind:
    what, without = "A private key", "Whatever uses this key stops working until it has another."
    if path.name == POD_KEY:
        what = "The pod's private key itself"
        without = "The other software makes a new identity for the pod at its next start, without asking."
    elif path.name == "compute_tls_key.pem":
        what = "A second copy of the pod's key, made for a certificate"
        without = "The other software asks for a new certificate when it needs one."
    elif path.name == ".token":
        what = "The tokens of somebody's session at the hub"
        without = "That person signs in again in the other software."
    elif path.name.startswith("modeller_"):
        what = "The key with which somebody signs their own requests"
        without = "That person has to register a new key before they can send requests."
    elif path.parent.name == "_smart-backend":
        what = "A key with which the pod proves itself to a health record system"
        without = "The other software cannot read from that health record system any more."
    try:
        protected = _form_of(read_named(path, LARGEST_KEY_FILE).strip())[1]
    except (OSError, BadInput):
        protected = False
    return LeftBehind(path, what, without, protected)


def _form_of(text: bytes) -> tuple[str, bool]:
    """The form of a key file in words, and whether a passphrase protects it."""
    if text.startswith(_OPENSSH):
        return "OpenSSH", _openssh_cipher(text) != b"none"
    if text.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"):
        return "PKCS #8", True
    if text.startswith(b"-----BEGIN PRIVATE KEY-----"):
        return "PKCS #8", False
    if text.startswith((b"-----BEGIN RSA PRIVATE KEY-----", b"-----BEGIN EC PRIVATE KEY-----")):
        return "PKCS #1" if b"RSA" in text[:20] else "SEC 1", b"\nProc-Type: 4,ENCRYPTED" in text[:200]
    raise _not_a_key()


def _openssh_cipher(text: bytes) -> bytes:
    """The name of the cipher in an OpenSSH private key; `none` where there is no passphrase."""
    try:
        body = base64.b64decode(b"".join(text.split(b"-----")[2].split()), validate=True)
    except (binascii.Error, ValueError, IndexError):
        raise _not_a_key() from None
    if not body.startswith(_OPENSSH_MAGIC):
        raise _not_a_key()
    start = len(_OPENSSH_MAGIC) + 4
    return body[start : start + int.from_bytes(body[start - 4 : start], "big")]


def _bytes(path: Path) -> bytes:
    try:
        data = read_named(path, LARGEST_KEY_FILE + 1)
    except OSError as error:
        raise Unavailable(
            "vault.import-file",
            "The key was not taken over.",
            f"Its file cannot be read: {error.strerror or type(error).__name__}.",
            "Check that the file belongs to your account, or run podadmin as the account that owns it.",
        ) from error
    if len(data) > LARGEST_KEY_FILE:
        raise _not_a_key()
    return data


def _not_a_key() -> BadInput:
    return BadInput(
        "vault.not-a-private-key",
        "The key was not taken over.",
        "The file is no private key that podadmin reads: RSA, P-384 or Ed25519 in OpenSSH form, PKCS #1 or PKCS #8.",
        "Check that it is the right file and that it is whole.",
    )
