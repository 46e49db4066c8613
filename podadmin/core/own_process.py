"""How podadmin starts a process of its own for work that must not be done here: the same interpreter, the same package.

Arguments and the environment of a process can be seen by others on the machine. So a process is told what to do
through its standard input, and finds nothing in its environment but what a program needs to run at all.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

_KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
_ROOT = str(Path(__file__).resolve().parents[2])


def command(module: str) -> tuple[str, ...]:
    """What starts `module` of this package. Nothing is imported from the folder in which that happens."""
    return (sys.executable, "-P", "-m", module)


def environment(**more: str) -> dict[str, str]:
    """The environment in which such a process finds this very package, from wherever it is started."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONPATH": _ROOT, "PYTHONIOENCODING": "utf-8"} | more


def end_with(parent: BinaryIO) -> None:
    """End this process when `parent`, a pipe, has ended, whatever it is doing. For a thread of its own."""
    while parent.read(1024):
        pass
    os._exit(0)
