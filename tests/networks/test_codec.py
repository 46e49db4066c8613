"""Bodies survive the way there and back; hostile bytes end in one of our errors, at once and in little memory."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable

import msgpack
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from podadmin.core.errors import BadInput, PodadminError, Tampered
from podadmin.core.secret import Secret
from podadmin.networks.bitfount import codec

KEY = Secret(bytes(range(32)))


def failure(act: Callable[[], object]) -> str:
    """The code of our error that `act` raises, or nothing; any other exception fails the test."""
    try:
        act()
    except PodadminError as error:
        return error.code
    return ""


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40)
    | st.builds(codec.Opaque, st.integers(0, 127), st.binary(max_size=40))
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5)
)


@given(values)
def test_what_is_packed_unpacks_to_the_same(value: object) -> None:
    assert codec.unpack(codec.pack(value)) == value


@given(values)
def test_what_is_sealed_opens_to_the_same(value: object) -> None:
    assert codec.open_session(KEY, codec.seal_session(KEY, value)) == value


@given(values, st.data())
def test_no_change_of_a_single_byte_of_a_sealed_message_opens(value: object, data: st.DataObject) -> None:
    sealed = bytearray(codec.seal_session(KEY, value))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Tampered) as caught:
        codec.open_session(KEY, bytes(sealed))
    assert caught.value.code == "session.not-authentic"


def test_every_truncation_of_a_sealed_message_is_refused() -> None:
    sealed = codec.seal_session(KEY, {"a": 1})
    for length in range(len(sealed)):
        with pytest.raises(Tampered):
            codec.open_session(KEY, sealed[:length])


def test_another_key_opens_nothing_and_a_short_key_is_said_to_be_one() -> None:
    sealed = codec.seal_session(KEY, 1)
    with pytest.raises(Tampered):
        codec.open_session(Secret(bytes(32)), sealed)
    with pytest.raises(BadInput) as caught:
        codec.open_session(Secret(b"short"), sealed)
    assert caught.value.code == "session.key-size"
    assert codec.new_session_key().reveal() != codec.new_session_key().reveal()


@settings(max_examples=500)
@given(st.binary(max_size=300))
def test_only_our_errors_escape_from_any_bytes(data: bytes) -> None:
    for read in (
        codec.unpack,
        codec.unpack_plain,
        lambda raw: codec.unpack(zstandard.ZstdCompressor().compress(raw)),
        lambda raw: codec.open_session(KEY, raw),
    ):
        assert failure(lambda read=read: read(data)).partition(".")[0] in {"", "codec", "session"}  # type: ignore[misc]


@settings(max_examples=300)
@given(values, st.data())
def test_only_our_errors_escape_from_spoilt_bodies(value: object, data: st.DataObject) -> None:
    body = bytearray(codec.pack(value))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    del body[data.draw(st.integers(0, len(body))) :]
    assert failure(lambda: codec.unpack(bytes(body))).partition(".")[0] in {"", "codec"}


@given(values)
def test_every_truncation_of_a_body_is_told(value: object) -> None:
    body = codec.pack(value)
    with pytest.raises(BadInput) as caught:
        codec.unpack(body[:-1])
    assert caught.value.code == "codec.truncated"
    with pytest.raises(BadInput) as caught:
        codec.unpack(body + b"x")
    assert caught.value.code == "codec.trailing"


@settings(max_examples=500)
@given(st.binary(max_size=60))
def test_the_survey_agrees_with_the_decoder_on_what_is_whole(data: bytes) -> None:
    """Whatever the survey lets through has exactly the extent that the decoder sees."""
    try:
        codec.survey(data)
    except BadInput:
        return
    unpacker = msgpack.Unpacker(raw=True, strict_map_key=False, ext_hook=lambda code, raw: (code, raw))
    unpacker.feed(data)
    unpacker.skip()
    assert unpacker.tell() == len(data)


def frame(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=19).compress(plain)


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    bomb = frame(bytes(300_000_000))
    assert len(bomb) < 40_000
    tracemalloc.start()
    with pytest.raises(BadInput) as caught:
        codec.unpack(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "codec.too-big"
    assert peak < 1_000_000


def test_a_frame_that_lies_about_its_size_is_refused() -> None:
    whole = bytearray(frame(bytes(100_000)))
    assert whole[4] >> 6 == 2  # the content size stands in four bytes after the descriptor
    whole[5:9] = (16).to_bytes(4, "little")
    with pytest.raises(BadInput) as caught:
        codec.inflate(bytes(whole))
    assert caught.value.code == "codec.garbage"
    nameless = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 1000)
    with pytest.raises(BadInput) as caught:
        codec.inflate(nameless)
    assert caught.value.code == "codec.garbage"


def test_a_frame_with_a_checksum_is_read() -> None:
    checked = zstandard.ZstdCompressor(write_checksum=True).compress(codec.pack_plain({"a": 1}))
    assert codec.unpack(checked) == {"a": 1}
    with pytest.raises(BadInput):
        codec.unpack(checked[:-1])


@pytest.mark.parametrize(
    ("plain", "code"),
    [
        (b"\x91" * 5000 + b"\xc0", "codec.too-deep"),
        (b"\x81\xa1a" * 100 + b"\xc0", "codec.too-deep"),
        (b"\xdd\xff\xff\xff\xff" * 1000, "codec.truncated"),
        (b"\xdd\x00\x0f\x42\x3f" + b"\xc0" * 999_999, None),
        (b"\xdd\x00\x0f\x42\x40" + b"\xc0" * 1_000_000, "codec.too-many"),
        (b"\xc6\xff\xff\xff\xff", "codec.truncated"),
        (b"\xc1", "codec.garbage"),
        (b"", "codec.truncated"),
        (b"\xa1\xff", "codec.garbage"),
        (b"\x82\xa1a\x01\xa1a\x02", "codec.odd-key"),
        (b"\x81\x01\x02", "codec.odd-key"),
        (b"\x81\x90\x02", "codec.odd-key"),
        (b"\xd6\xff\x00\x00\x00\x00", "codec.timestamp"),
        (b"\xc7\x0c\xff" + bytes(12), "codec.timestamp"),
    ],
)
def test_hostile_shapes_are_refused_by_name(plain: bytes, code: str | None) -> None:
    if code is None:
        assert len(codec.unpack_plain(plain)) == 999_999  # type: ignore[arg-type]
        return
    with pytest.raises(BadInput) as caught:
        codec.unpack(frame(plain))
    assert caught.value.code == code


def test_claimed_sizes_take_no_memory() -> None:
    """A thousand nested arrays that each claim a million places would be eight gigabytes."""
    tracemalloc.start()
    with pytest.raises(BadInput):
        codec.unpack_plain(b"\xdd\x00\x0f\xff\xff" * 1000 + bytes(2_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_what_json_cannot_carry_is_told_apart() -> None:
    assert codec.is_json({"a": [1, 2.5, None, True, "x", {"b": []}]})
    for odd in (b"", codec.Opaque(1, b""), math.nan, math.inf, {"a": [b"x"]}):
        assert not codec.is_json(odd)


def test_an_oversized_body_is_refused_unread() -> None:
    for act in (
        lambda: codec.unpack(bytes(11), max_compressed=10),
        lambda: codec.open_session(KEY, bytes(100), max_compressed=10),
    ):
        with pytest.raises(BadInput) as caught:
            act()
        assert caught.value.code == "codec.too-big"
