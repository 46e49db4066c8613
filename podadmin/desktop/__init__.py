"""The only room that imports Qt: shell, pages, widgets, theme, and the driver that plays a person."""

from __future__ import annotations

import builtins

from podadmin.desktop.embedded import compiled_once

_import = builtins.__import__
with compiled_once():
    import PySide6.QtCore  # noqa: F401 - what it does to imports is undone below

# PySide6 puts itself into every import to look for `from __feature__`, which is not used here. It then walks through
# all modules, and meets those that another thread has imported by half: that import fails (seen with pydantic), and
# every other one costs about a fifth more.
builtins.__import__ = _import
