"""Shapes instead of values: a custodian can judge a preview without seeing a patient."""

from __future__ import annotations

import unicodedata


def masked(value: str) -> str:
    """`value` with its shape only: letters become `x` or `X`, digits `9`; ASCII punctuation and spaces stay.

    Two values of the same shape have the same mask, so that nothing but the shape can be learnt from it. The length
    in characters is kept. Every other character becomes `·`.
    """
    return value.translate(_ASCII) if value.isascii() else "".join(map(_shape, value))


def _shape(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Lu", "Lt"}:
        return "X"
    if category[0] in "LM":
        return "x"
    if category[0] == "N":
        return "9"
    return char if char.isascii() and char.isprintable() else "·"


_ASCII = {code: _shape(chr(code)) for code in range(128)}
