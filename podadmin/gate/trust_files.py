"""Files of certificates for the environment of a pod: what this machine believes, and the gate's own authority."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Final

from podadmin.core.errors import Unavailable

_USUAL: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems without a file named by OpenSSL keep their bundle: Debian, Fedora, SUSE, the BSDs and macOS."""


def system_certificates() -> bytes:
    """The certificates that this machine believes, PEM, each ended by a line; empty where it offers none."""
    named = ssl.get_default_verify_paths().cafile
    for path in (Path(each) for each in (named, *_USUAL) if each):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if b"BEGIN CERTIFICATE" in text:
            return text if text.endswith(b"\n") else text + b"\n"
    context = ssl.create_default_context()
    return "".join(ssl.DER_cert_to_PEM_cert(each) for each in context.get_ca_certs(binary_form=True)).encode("ascii")


def write_public(path: Path, content: bytes) -> None:
    """Replace a file in one step; everybody may read it. Raises Unavailable (`gate.files`)."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise Unavailable(
            "gate.files",
            "The gate could not be switched on.",
            "The files with its certificates cannot be written.",
            "Check that the disk is not full and that the profile's folder can be written.",
        ) from error
