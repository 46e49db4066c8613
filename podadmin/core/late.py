"""Modules that are imported when they are first used: a start must not pay for what only some work needs."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class Late:
    """Stands for a module; the first use of one of its names imports it. For type checkers, import it beside this."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            self._module = importlib.import_module(self._name)
        return getattr(self._module, attribute)
