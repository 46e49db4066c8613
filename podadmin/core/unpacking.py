"""The body of an answer over HTTP without its compression, within a cap that holds for what comes out of it as well.

The client library unpacks whatever it knows as it comes: a few kilobytes of one kind give gigabytes at once. Only gzip
is asked for here, and what comes out of it is counted while it comes (RFC 1952; RFC 9110, section 8.4).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

ASKED: Final[Mapping[str, str]] = {"accept-encoding": "gzip"}
"""The header of a question whose answer is read with `read`."""
_GZIP: Final = 16 + zlib.MAX_WBITS


class TooMuch(ValueError):
    """There is more than may be read."""


class Unreadable(ValueError):
    """It is packed in a way that was not asked for, or not to its end."""


async def read(answer: httpx.Response, most: int) -> tuple[bytes, bytes]:
    """The body of an open answer as it came, and without its compression; each at most `most` bytes.

    Raises TooMuch, Unreadable, and httpx's errors.
    """
    raw = bytearray()
    async for chunk in answer.aiter_raw():
        raw += chunk
        if len(raw) > most:
            raise TooMuch
    return bytes(raw), unpacked(answer.headers.get("content-encoding", ""), bytes(raw), most)


def read_now(answer: httpx.Response, most: int, each: Callable[[], None] = lambda: None) -> bytes:
    """`read` outside of an event loop: the body without its compression. `each` is called as every part of it comes.

    Raises TooMuch, Unreadable, httpx's errors, and what `each` raises.
    """
    raw = bytearray()
    for chunk in answer.iter_raw():
        each()
        raw += chunk
        if len(raw) > most:
            raise TooMuch
    return unpacked(answer.headers.get("content-encoding", ""), bytes(raw), most)


def unpacked(encoding: str, raw: bytes, most: int) -> bytes:
    """What a body holds. `encoding` is what its header says. Raises TooMuch, Unreadable."""
    name = encoding.strip().lower()
    if name in {"", "identity"} or not raw:
        return raw
    if name not in {"gzip", "x-gzip"}:
        raise Unreadable
    unpacking = zlib.decompressobj(_GZIP)
    try:
        plain = unpacking.decompress(raw, most + 1)
    except zlib.error:
        raise Unreadable from None
    if len(plain) > most:
        raise TooMuch
    if not unpacking.eof or unpacking.unused_data:
        raise Unreadable
    return plain
