"""The body of an answer of a stranger is counted as it comes and as it unpacks; only what was asked for is unpacked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from itertools import repeat

import anyio
import httpx
import pytest
import zstandard

from podadmin.core.unpacking import TooMuch, Unreadable, read, read_now, unpacked

PLAIN = b"0123456789" * 1000


class Parts(httpx.SyncByteStream):
    """A body that comes in parts."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return self._parts


def answer(body: bytes | Iterator[bytes], encoding: str = "") -> httpx.Response:
    headers = {"content-encoding": encoding} if encoding else {}
    stream = httpx.ByteStream(body) if isinstance(body, bytes) else Parts(body)
    return httpx.Response(200, headers=headers, stream=stream)


def test_a_body_is_read_with_and_without_a_loop() -> None:
    packed = gzip.compress(PLAIN)
    assert read_now(answer(packed, "gzip"), len(PLAIN)) == PLAIN
    assert read_now(answer(PLAIN), len(PLAIN)) == PLAIN
    assert anyio.run(read, answer(packed, "GZip"), len(PLAIN)) == (packed, PLAIN)


def test_what_comes_is_counted_and_so_is_what_it_unpacks_to() -> None:
    seen: list[None] = []
    with pytest.raises(TooMuch):
        read_now(answer(repeat(b"x" * 100)), 1000, lambda: seen.append(None))
    assert len(seen) == 11
    bomb = gzip.compress(bytes(1 << 24))
    assert len(bomb) < 1 << 15
    with pytest.raises(TooMuch):
        read_now(answer(bomb, "gzip"), 1 << 20)
    with pytest.raises(TooMuch):
        anyio.run(read, answer(bomb, "gzip"), 1 << 20)


def test_whoever_waits_can_be_let_go_between_two_parts() -> None:
    class Gone(Exception):
        pass

    def gone() -> None:
        raise Gone

    with pytest.raises(Gone):
        read_now(answer(repeat(b"x")), 1000, gone)


def test_only_what_was_asked_for_is_unpacked() -> None:
    packed = gzip.compress(b"hello")
    assert unpacked("gzip", packed, 5) == b"hello"
    assert unpacked("", b"plain", 5) == unpacked("identity", b"plain", 5) == b"plain"
    with pytest.raises(TooMuch):
        unpacked("gzip", packed, 4)
    odd = (("br", packed), ("zstd", zstandard.compress(b"hello")), ("gzip", packed[:-1]), ("gzip", packed + b"x"),
           ("gzip", b"garbage"), ("deflate", zlib.compress(b"hello")))  # fmt: skip
    for encoding, raw in odd:
        with pytest.raises(Unreadable):
            unpacked(encoding, raw, 100)
