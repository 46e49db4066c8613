"""Bodies of messages: MessagePack inside Zstandard, read with hard limits because strangers write them.

Nothing is decompressed before its announced size is within the cap, and nothing is built in memory before a survey
of the bytes has counted its values and its depth: a few hostile bytes can neither fill the memory nor the stack.
The real peers write one Zstandard frame with its content size in the header (bitfount contract, section 4), so
anything else is refused. Library messages never reach the errors.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import msgpack  # type: ignore[import-untyped]
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from podadmin.core.errors import BadInput, Tampered
from podadmin.core.secret import Secret

MIB = 1024 * 1024
MAX_COMPRESSED = 64 * MIB
MAX_PLAIN = 128 * MIB
MAX_ITEMS = 1_000_000
MAX_DEPTH = 64
SESSION_KEY_SIZE = 32
_NONCE = 12
_TAG = 16
_MAX_WINDOW = 128 * MIB

Value = object
"""What `unpack` gives: None, bool, int, float, str, bytes, list, dict with str keys, or Opaque."""


@dataclass(frozen=True)
class Opaque:
    """An extension value that is carried but never interpreted (2: a table in Feather form, 1: an Arrow tensor)."""

    code: int
    data: bytes


class _RepeatedKey(ValueError):
    """A map names one key twice."""


def _refuse(code: str, why: str) -> NoReturn:
    raise BadInput(
        f"codec.{code}",
        "A message from the network cannot be read.",
        why,
        "It was not used. Ask the sender to send it again with current software.",
    )


# --- MessagePack -----------------------------------------------------------------------------------------------------


def _extension(value: object) -> msgpack.ExtType:
    if isinstance(value, Opaque):
        return msgpack.ExtType(value.code, value.data)
    raise TypeError("not a value that a message can carry")


def pack_plain(value: Value) -> bytes:
    """`value` as MessagePack. Raises TypeError, ValueError or OverflowError for what messages cannot carry."""
    return bytes(msgpack.packb(value, default=_extension, strict_types=False))


# First byte -> how many bytes of length follow. Formats: MessagePack specification.
_SIZED = {
    0xC4: 1, 0xC5: 2, 0xC6: 4,  # bin
    0xC7: 1, 0xC8: 2, 0xC9: 4,  # ext (one more byte: the code)
    0xD9: 1, 0xDA: 2, 0xDB: 4,  # str
    0xDC: 2, 0xDD: 4,  # array
    0xDE: 2, 0xDF: 4,  # map
}  # fmt: skip
_FIXED = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8,
    0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
    0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip
_TIMESTAMP = b"\xff"
"""The one extension code (-1) that MessagePack itself gives a meaning to."""


def survey(data: bytes, *, max_items: int = MAX_ITEMS, max_depth: int = MAX_DEPTH) -> None:
    """Walk MessagePack bytes without building anything.

    Raises BadInput `codec.truncated`, `codec.trailing`, `codec.too-many`, `codec.too-deep`, `codec.timestamp` or
    `codec.garbage`.
    """
    size = len(data)
    position = 0
    items = 0
    open_containers: list[int] = []
    remaining = 1
    while True:
        while remaining == 0:
            if not open_containers:
                if position > size:
                    _refuse("truncated", "It ends in the middle.")
                if position < size:
                    _refuse("trailing", "There are bytes after its end.")
                return
            remaining = open_containers.pop()
        if position >= size:
            _refuse("truncated", "It ends in the middle.")
        items += 1
        if items > max_items:
            _refuse("too-many", f"It holds more than {max_items} values.")
        remaining -= 1
        first = data[position]
        position += 1
        children = 0
        if first <= 0x7F or first >= 0xE0:
            continue
        if first <= 0x8F:
            children = (first & 0x0F) * 2
        elif first <= 0x9F:
            children = first & 0x0F
        elif first <= 0xBF:
            position += first & 0x1F
        elif first in _FIXED:
            if 0xD4 <= first <= 0xD8 and data[position : position + 1] == _TIMESTAMP:
                _refuse("timestamp", "It holds a timestamp value, which messages of this network never do.")
            position += _FIXED[first]
        elif first in _SIZED:
            width = _SIZED[first]
            if position + width > size:
                _refuse("truncated", "It ends in the middle.")
            length = int.from_bytes(data[position : position + width], "big")
            position += width
            if first >= 0xDE:
                children = length * 2
            elif first >= 0xDC:
                children = length
            elif 0xC7 <= first <= 0xC9:
                if data[position : position + 1] == _TIMESTAMP:
                    _refuse("timestamp", "It holds a timestamp value, which messages of this network never do.")
                position += length + 1
            else:
                position += length
        else:
            _refuse("garbage", "It is not MessagePack.")
        if children:
            if children > size - position:
                _refuse("truncated", "It ends in the middle.")
            if len(open_containers) + 1 >= max_depth:
                _refuse("too-deep", f"It is nested more than {max_depth} levels deep.")
            open_containers.append(remaining)
            remaining = children


def _pairs(pairs: list[tuple[object, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise _RepeatedKey
        if key in found:
            raise _RepeatedKey
        found[key] = value
    return found


def unpack_plain(data: bytes, *, max_items: int = MAX_ITEMS, max_depth: int = MAX_DEPTH) -> Value:
    """The value of MessagePack bytes: exactly one value, text in UTF-8, maps with distinct text keys.

    Raises BadInput with a `codec.…` code for anything else.
    """
    survey(data, max_items=max_items, max_depth=max_depth)
    try:
        # The stricter of two readings is the safe one: a repeated key could show one value and run another.
        value: Value = msgpack.unpackb(data, raw=False, strict_map_key=False, object_pairs_hook=_pairs, ext_hook=Opaque)
    except _RepeatedKey:
        _refuse("odd-key", "A map in it names one key twice, or has a key that is not text.")
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException):
        _refuse("garbage", "It is not MessagePack.")
    return value


# --- Zstandard -------------------------------------------------------------------------------------------------------


def _frame_end(data: bytes) -> int | None:
    """Where the first frame ends, or None where its last block is missing (RFC 8878, section 3.1.1)."""
    position = zstandard.frame_header_size(data)
    while position + 3 <= len(data):
        header = int.from_bytes(data[position : position + 3], "little")
        kind, length = (header >> 1) & 3, header >> 3
        position += 3 + (1 if kind == 1 else length)
        if header & 1:
            position += 4 if data[4] & 0b100 else 0
            return position if position <= len(data) else None
    return None


def inflate(data: bytes, *, max_compressed: int = MAX_COMPRESSED, max_plain: int = MAX_PLAIN) -> bytes:
    """What one Zstandard frame holds.

    Raises BadInput `codec.too-big`, `codec.truncated`, `codec.trailing` or `codec.garbage`.
    """
    if len(data) > max_compressed:
        _refuse("too-big", f"It is larger than {max_compressed} bytes.")
    try:
        frame = zstandard.get_frame_parameters(data)
        end = _frame_end(data)
    except (zstandard.ZstdError, IndexError):
        _refuse("garbage", "It is not compressed as messages are.")
    if data[:4] != b"\x28\xb5\x2f\xfd" or frame.content_size == zstandard.CONTENTSIZE_UNKNOWN:
        _refuse("garbage", "It is not compressed as messages are.")
    if frame.content_size > max_plain or frame.window_size > _MAX_WINDOW:
        _refuse("too-big", f"It would unpack to more than {max_plain} bytes.")
    if end is None:
        _refuse("truncated", "It ends in the middle.")
    if end != len(data):
        _refuse("trailing", "There are bytes after its end.")
    try:
        return zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompress(data, allow_extra_data=False)
    except zstandard.ZstdError:
        _refuse("garbage", "It is not compressed as messages are.")


def pack(value: Value) -> bytes:
    """`value` as messages carry it. Raises TypeError, ValueError or OverflowError for what they cannot carry."""
    return zstandard.ZstdCompressor().compress(pack_plain(value))


def unpack(
    data: bytes,
    *,
    max_compressed: int = MAX_COMPRESSED,
    max_plain: int = MAX_PLAIN,
    max_items: int = MAX_ITEMS,
    max_depth: int = MAX_DEPTH,
) -> Value:
    """The value of a message body. Sizes in bytes. Raises BadInput with a `codec.…` code; nothing else escapes."""
    return unpack_plain(
        inflate(data, max_compressed=max_compressed, max_plain=max_plain), max_items=max_items, max_depth=max_depth
    )


def is_json(value: Value) -> bool:
    """Can `value` be written as JSON: no bytes, no extension values, no NaN and no infinities?"""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, float):
            if not math.isfinite(item):
                return False
        elif item is not None and not isinstance(item, (str, int)):
            return False
    return True


# --- session messages ------------------------------------------------------------------------------------------------


def _cipher(key: Secret[bytes]) -> AESGCM:
    raw = key.reveal()
    if len(raw) != SESSION_KEY_SIZE:
        raise BadInput(
            "session.key-size",
            "The session key of this task has the wrong length.",
            f"A session key has {SESSION_KEY_SIZE} bytes.",
            "The task cannot be used. Ask the requester to send it again.",
        )
    return AESGCM(raw)


def new_session_key() -> Secret[bytes]:
    """A fresh key for one task."""
    return Secret(AESGCM.generate_key(bit_length=256))


def seal_session(key: Secret[bytes], value: Value) -> bytes:
    """`value` for the other side of a task: AES-256-GCM of the packed value, the nonce at the end.

    Raises BadInput `session.key-size`, and TypeError, ValueError or OverflowError for what messages cannot carry.
    """
    nonce = os.urandom(_NONCE)
    return _cipher(key).encrypt(nonce, pack(value), None) + nonce


def open_session(
    key: Secret[bytes],
    data: bytes,
    *,
    max_compressed: int = MAX_COMPRESSED,
    max_plain: int = MAX_PLAIN,
    max_items: int = MAX_ITEMS,
) -> Value:
    """The value that the other side of a task sealed.

    Raises Tampered `session.truncated` and `session.not-authentic`, BadInput `session.key-size` and `codec.…`.
    """
    if len(data) > max_compressed + _NONCE + _TAG:
        _refuse("too-big", f"It is larger than {max_compressed} bytes.")
    plain = _authentic(_cipher(key).decrypt, data)
    return unpack(plain, max_compressed=max_compressed, max_plain=max_plain, max_items=max_items)


def _authentic(decrypt: Callable[[bytes, bytes, None], bytes], data: bytes) -> bytes:
    if len(data) < _NONCE + _TAG:
        raise Tampered(
            "session.truncated",
            "A message of this task is too short to be one.",
            "It was cut off, or it was not sealed for this task.",
            "It was not used. If it happens again, ask the requester to start the task again.",
        )
    try:
        return decrypt(data[-_NONCE:], data[:-_NONCE], None)
    except InvalidTag:
        raise Tampered(
            "session.not-authentic",
            "A message of this task cannot be opened with the key of the task.",
            "It was changed on the way, or it belongs to another task.",
            "It was not used. If it happens again, ask the requester to start the task again.",
        ) from None
