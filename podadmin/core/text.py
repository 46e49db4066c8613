"""Strangers' text is plain text: what could hide, reorder or overflow is made visible."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_KEEP = {"\n", "\t"}
_ELLIPSIS = "…"
_EMPTY = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks by their category, and nothing on a screen: fillers, joiners, selectors of variants
(Default_Ignorable_Code_Point, Unicode Standard, section 5.21), and the Braille pattern without a dot."""
_QUOTES = {ord("“"): '"', ord("”"): '"'}


def visible(text: str, *, one_line: bool = True) -> str:
    """`text` with control, bidirectional, zero-width and other invisible characters shown as `<U+202E>`.

    Line breaks and tabs stay when `one_line` is false. Unicode categories Cc, Cf, Cs, Co, Cn, Zl and Zp count as
    invisible (Unicode Standard, section 4.5), and so do letters and marks that are drawn as nothing: with one of them
    two names look the same. Ordinary letters of every script are left as they are.
    """
    if text.isprintable() and (text.isascii() or _EMPTY.search(text) is None):
        # the same categories by definition, looked up in C: nearly every text of every table is that
        return text
    shown: list[str] = []
    for char in text:
        category = unicodedata.category(char)
        invisible = category[0] == "C" or category in {"Zl", "Zp"} or (category == "Zs" and char != " ")
        if (invisible and (one_line or char not in _KEEP)) or _EMPTY.match(char):
            shown.append(f"<U+{ord(char):04X}>")
        else:
            shown.append(char)
    return "".join(shown)


@lru_cache(maxsize=65536)
def folded(text: str) -> str:
    """`text` so that names which a person takes for the same are the same: without the difference of upper and lower
    case and of forms that look alike by compatibility, without what is drawn as nothing and without space around it.
    """
    alike = unicodedata.normalize("NFKC", text)
    if not alike.isascii():
        alike = _EMPTY.sub("", "".join(each for each in alike if unicodedata.category(each) != "Cf"))
    return unicodedata.normalize("NFKC", alike.casefold()).strip()


def elide(text: str, limit: int) -> str:
    """At most `limit` characters (three or more), the middle left out, both ends kept."""
    if len(text) <= limit:
        return text
    head = (limit - 1 + 1) // 2
    tail = limit - 1 - head
    return text[:head] + _ELLIPSIS + (text[-tail:] if tail else "")


def stranger(text: str, limit: int = 200) -> str:
    """The one way in which a stranger's short text reaches a screen, a log or a journal body."""
    # of a very long one no more than is shown, and its real end: what is shown as the end must be it
    ends = text if len(text) <= limit * 4 else text[: limit * 2] + text[-limit * 2 :]
    return elide(visible(ends), limit)


def quoted(text: str, limit: int = 200) -> str:
    """A stranger's short text inside a sentence of ours, in quotation marks that it cannot close."""
    return f"“{stranger(text, limit).translate(_QUOTES)}”"


def grouped(hex_digits: str) -> str:
    """A fingerprint in blocks of four characters, as a person compares it."""
    return " ".join(hex_digits[i : i + 4] for i in range(0, len(hex_digits), 4))
