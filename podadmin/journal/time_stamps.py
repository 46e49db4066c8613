"""Time stamps of an authority (RFC 3161): somebody else's signed word that the head of the chain existed at a time.

What is stamped is the SHA-256 hash of the entry itself, so that anybody can check an answer without podadmin:
`openssl ts -verify -digest HASH -in ANSWER -CAfile ROOT`.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from podadmin.core import unpacking
from podadmin.core.canon import canonical_texts
from podadmin.core.errors import BadInput, Tampered, Unavailable
from podadmin.journal.chain import Entry

SECONDS, LARGEST_ANSWER = 20.0, 64 * 1024
_GRANTED = (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS)


@dataclass(frozen=True)
class Stamp:
    """An authority's answer over the hash of entry `seq`: `at` is its time, `token` its answer in DER."""

    seq: int
    hash: str
    at: datetime
    token: bytes


def check_address(address: str) -> str:
    """An address that can be asked. Raises BadInput (`journal.bad-address`)."""
    try:
        parts = urlsplit(address.strip())
        port_is_right = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        parts, port_is_right = urlsplit(""), False
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_right or parts.username is not None:
        raise BadInput(
            "journal.bad-address",
            "The time-stamping authority was not set.",
            "Its address is not one that starts with http:// or https:// and names a computer.",
            "Copy the address from the authority's own description; it holds no name or password.",
        )
    return address.strip()


def roots_of(pem: bytes) -> tuple[Certificate, ...]:
    """The certificates in a PEM file. Raises BadInput (`journal.bad-certificate`)."""
    try:
        found = tuple(load_pem_x509_certificates(pem))
    except ValueError as error:
        raise BadInput(
            "journal.bad-certificate",
            "The time-stamping authority was not set.",
            "The file that should hold its root certificate holds none in PEM form.",
            "Fetch the root certificate from the authority's own site; its file begins with BEGIN CERTIFICATE.",
        ) from error
    return found


def ask(address: str, entry: Entry, roots: tuple[Certificate, ...]) -> Stamp:
    """Have the hash of `entry` stamped, and believe the answer only where it leads to one of `roots`.

    Plain http is what most authorities offer: only a hash goes out, and the answer is signed. Raises Unavailable
    (`journal.time-stamp`) where the authority cannot be reached or does not stamp, Tampered (`journal.stamp-forged`).
    """
    data = canonical_texts(entry.seq, entry[1:7]).encode()
    request = TimestampRequestBuilder(data=data, hash_algorithm=HashAlgorithm.SHA256).build()
    headers = {"content-type": "application/timestamp-query", **unpacking.ASKED}
    try:
        with (
            httpx.Client(verify=ssl.create_default_context(), timeout=SECONDS, trust_env=False) as client,
            client.stream("POST", address, content=request.as_bytes(), headers=headers) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise _no_stamp(f"It answered with the status {answer.status_code}.")
            token = unpacking.read_now(answer, LARGEST_ANSWER)
    except unpacking.TooMuch:
        raise _no_stamp("Its answer is far larger than a time stamp.") from None
    except unpacking.Unreadable:
        raise _no_stamp("Its answer is packed in a way that was not asked for.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _no_stamp("It could not be reached, or it did not answer in time.") from error
    return check(token, entry.seq, entry.hash, roots, request.nonce)


def check(token: bytes, seq: int, digest: str, roots: tuple[Certificate, ...], nonce: int | None = None) -> Stamp:
    """The stamp that an answer is. Raises Unavailable (`journal.time-stamp`), Tampered (`journal.stamp-forged`)."""
    try:
        response = decode_timestamp_response(token)
    except ValueError as error:
        if nonce is not None:
            # some authorities send their certificates in an order that DER (X.690, section 11.6) does not allow
            raise _no_stamp("Its answer is not a time stamp in the strict form (DER) that can be checked.") from error
        raise _not_signed(seq) from error
    try:
        if PKIStatus(response.status) not in _GRANTED:
            raise _no_stamp("It refused to stamp.")
        builder = VerifierBuilder(roots=list(roots))
        verifier = (builder if nonce is None else builder.nonce(nonce)).build()
        verifier.verify(response, bytes.fromhex(digest))
        at = response.tst_info.gen_time
    except (ValueError, TypeError, VerificationError) as error:
        raise _not_signed(seq) from error
    return Stamp(seq, digest, at if at.tzinfo else at.replace(tzinfo=UTC), token)


def _not_signed(seq: int) -> Tampered:
    return Tampered(
        "journal.stamp-forged",
        f"The time stamp of entry {seq} is not one that the authority has signed for it.",
        "Its signature does not lead to the authority's certificate, or it is about something else.",
        "Check the address and the certificate of the authority; a stamp that was kept before was changed.",
    )


def _no_stamp(why: str) -> Unavailable:
    return Unavailable(
        "journal.time-stamp",
        "The journal was not time-stamped.",
        why,
        "Check the address of the time-stamping authority and the connection; it is tried again later by itself.",
    )
