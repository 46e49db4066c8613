"""Strangers' text is plain text: what could hide, reorder or overflow is made visible."""

from __future__ import annotations

import unicodedata

_KEEP = {"\n", "\t"}
_ELLIPSIS = "…"


def visible(text: str, *, one_line: bool = True) -> str:
    """`text` with control, bidirectional, zero-width and other invisible characters shown as `<U+202E>`.

    Line breaks and tabs stay when `one_line` is false. Unicode categories Cc, Cf, Cs, Co, Cn, Zl and Zp count as
    invisible (Unicode Standard, section 4.5); ordinary letters of every script are left as they are.
    """
    if text.isprintable():
        # the same categories by definition, looked up in C: nearly every text of every table is that
        return text
    shown: list[str] = []
    for char in text:
        category = unicodedata.category(char)
        invisible = category[0] == "C" or category in {"Zl", "Zp"} or (category == "Zs" and char != " ")
        if invisible and (one_line or char not in _KEEP):
            shown.append(f"<U+{ord(char):04X}>")
        else:
            shown.append(char)
    return "".join(shown)


def elide(text: str, limit: int) -> str:
    """At most `limit` characters (three or more), the middle left out, both ends kept."""
    if len(text) <= limit:
        return text
    head = (limit - 1 + 1) // 2
    tail = limit - 1 - head
    return text[:head] + _ELLIPSIS + (text[-tail:] if tail else "")


def stranger(text: str, limit: int = 200) -> str:
    """The one way in which a stranger's short text reaches a screen, a log or a journal body."""
    return elide(visible(text[: limit * 4]), limit)


def grouped(hex_digits: str) -> str:
    """A fingerprint in blocks of four characters, as a person compares it."""
    return " ".join(hex_digits[i : i + 4] for i in range(0, len(hex_digits), 4))
