"""Canonical JSON: one byte form for one value, so that a hash means the value."""

from __future__ import annotations

import json
from typing import Any

JSON = dict[str, Any]


def canonical(value: object) -> str:
    """`value` as JSON with sorted keys, no spaces and no escapes beyond what JSON needs.

    Raises ValueError for NaN and infinities and TypeError for what JSON cannot carry (bytes, dates, ...).
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
