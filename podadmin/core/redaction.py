"""What looks like a secret, or is one that this process holds, never reaches a log: it is cut out of every record.

This is the second line. The first is that nothing secret is handed to a log at all; this one catches the text of a
library, a path or a header that nobody thought of. Hashes and fingerprints stay: they are what a log is read for.

A stranger's JSON is shown with the same rule: a requester's own token in a protocol is nobody else's business.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from podadmin.core.secret import living

CUT = "[cut: secret]"
_SHORTEST = 6
"""Characters or bytes of a held secret that is looked for; shorter ones would cut ordinary words."""

_VALUE = r"[\"']?\s*[=:]\s*[\"']?[^\s\"',;&}]{4,}"
_SHAPES = tuple(
    re.compile(pattern, re.DOTALL | re.IGNORECASE)
    for pattern in (
        # keys in PEM, whole or cut off
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
        # three parts in base 64: a JSON Web Token
        r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
        r"\b(?<=bearer )[\w.~+/=-]{8,}",
        r"\b(?<=basic )[\w+/=-]{8,}",
        # a name that says what its value is
        r"(?:(?<=password)|(?<=passphrase)|(?<=secret)|(?<=token)|(?<=api-key)|(?<=api_key))" + _VALUE,
        # credentials in an address
        r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)",
        # long runs of base 64 that are no hexadecimal digits: DER keys, sealed files, raw keys
        r"(?<![\w+/=])(?![0-9a-f]+\b)(?=[\w+/-]*[G-Zg-z+/])[\w+/-]{120,}={0,2}",
    )
)

_NAMED = re.compile(
    r"secret|passw|passphrase|token|credential|authorization|(?:api|access)_?-?key|private|session_?key|^pin$",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"tokens$|token_?(?:id|limit|count|length)$", re.IGNORECASE)
_KEY = re.compile(
    r"(?<!public)(?<!public_)(?<!primary_)(?<!foreign_)(?<!group_)(?<!sort_)(?<!join_)keys?$", re.IGNORECASE
)


def redacted(text: str) -> str:
    """`text` without anything that is, or looks like, a secret."""
    for form in _held():
        if form in text:
            text = text.replace(form, CUT)
    for shape in _SHAPES:
        text = shape.sub(CUT, text)
    return text


def names_secret(name: str, value: object = "") -> bool:
    """Does a field with this name hold a secret? Yes or no is none, nor is a number of tokens."""
    if isinstance(value, bool) or (isinstance(value, (int, float)) and _COUNTED.search(name)):
        return False
    return _NAMED.search(name) is not None


def masked(value: Any, under: Sequence[str] = ()) -> Any:
    """A stranger's JSON for a screen: what stands under a secret's name is cut, and what looks like one elsewhere.

    `under` are the names under which the value itself stands.
    """
    if any(_hides(name, value) for name in under):
        return _cut(value)
    if isinstance(value, Mapping):
        return {name: _cut(inner) if _hides(str(name), inner) else masked(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [masked(each) for each in value]
    return redacted(value) if isinstance(value, str) else value


def _hides(name: str, value: object) -> bool:
    return names_secret(name, value) or (_KEY.search(name) is not None and not isinstance(value, (int, float)))


def _cut(value: object) -> object:
    """That nothing is there may be seen."""
    return CUT if value not in (None, "", [], {}) else value


class Redacting(logging.Filter):
    """For handlers: what they write is redacted, message, exception and stack."""

    _plain = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Exchange the record's texts. Always True: nothing is left out of a log as a whole."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # a record whose arguments do not fit its text says at least where it came from
            message = "a message that could not be put together"
        record.msg, record.args = redacted(message), ()
        if record.exc_info:
            record.exc_text = redacted(record.exc_text or self._plain.formatException(record.exc_info))
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = redacted(record.exc_text)
        if record.stack_info:
            record.stack_info = redacted(record.stack_info)
        return True


def redact(logger: logging.Logger) -> None:
    """Let every handler of a logger redact, and the one that Python falls back to. Safe to call again."""
    for handler in (*logger.handlers, *([logging.lastResort] if logging.lastResort is not None else ())):
        if not any(isinstance(each, Redacting) for each in handler.filters):
            handler.addFilter(Redacting())


def _held() -> Iterator[str]:
    """The secrets that this process holds, in every form in which a text may carry them; the longest first."""
    forms: set[str] = set()
    for secret in living():
        value = secret.reveal()
        if len(value) < _SHORTEST:
            continue
        if isinstance(value, str):
            forms.add(value)
            raw = value.encode("utf-8", "surrogatepass")
        else:
            raw = value
            try:
                forms.add(value.decode("utf-8"))
            except UnicodeDecodeError:
                forms.add(repr(value)[2:-1])
        forms |= {raw.hex(), base64.b64encode(raw).decode("ascii"), base64.urlsafe_b64encode(raw).decode("ascii")}
    yield from sorted(forms, key=len, reverse=True)
