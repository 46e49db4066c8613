"""Modules that are imported when they are first used: a start must not pay for what only some work needs."""

from __future__ import annotations

import importlib
from typing import Any


class Late:
    """Stands for a module; the first use of one of its names imports it. For type checkers, import it beside this."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)
