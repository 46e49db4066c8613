"""What a token of the network says of itself (RFC 7519). Nothing is verified here: that is for who decides by it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any


def unpadded(text: str) -> bytes:
    """The bytes of base64 for addresses, without the signs at its end (RFC 7515, section 2). Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(token: str) -> Mapping[str, Any]:
    """What a token claims, with or without the word before it; nothing for one that only its issuer can read."""
    try:
        told = json.loads(unpadded(token.split(".")[1]))
    except (IndexError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
