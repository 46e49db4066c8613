"""What may leave in an export: never a secret. What could be one is left out and said to be left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from podadmin.core.redaction import names_secret
from podadmin.core.text import visible

WITHHELD = "(left out of exports)"
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_DEEPEST = 60


def without_secrets(value: Any, depth: int = 0) -> Any:
    """JSON without what could be a secret: values under such names, private keys, passwords and queries in addresses.

    What is nested deeper than anything that podadmin reads is left out too.
    """
    if depth > _DEEPEST:
        return WITHHELD
    if isinstance(value, Mapping):
        return {
            visible(str(name)): WITHHELD
            if names_secret(str(name), inner) and inner
            else without_secrets(inner, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, str):
        return WITHHELD if _PEM.search(value) else visible(_ADDRESS.sub(_plain_address, value), one_line=False)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [without_secrets(each, depth + 1) for each in value]
    return value


def _plain_address(found: re.Match[str]) -> str:
    """An address as far as its path: a signed address carries its permission in what follows."""
    try:
        parts = urlsplit(found.group())
    except ValueError:
        return WITHHELD
    host = parts.netloc.rpartition("@")[2]
    query = WITHHELD if parts.query else ""
    return urlunsplit((parts.scheme, host, parts.path, query, ""))
