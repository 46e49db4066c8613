"""How tests spoil what they were given: what comes out is never what went in, whatever chance has put there."""

from __future__ import annotations


def spoilt(content: bytes, at: int = -1, bits: int = 1) -> bytes:
    """The same bytes with these `bits` of one of them turned over: of the last one, or of that `at` this place."""
    changed = bytearray(content)
    changed[at] ^= bits
    return bytes(changed)
