"""Modules that PySide6 carries as text inside its library: compiled once, and no longer at every start.

PySide6 compiles them anew in each process, a tenth of the time until the first paint. Python keeps what it compiles
from files in `__pycache__` (PEP 3147); this does the same for what comes from no file, in the same place and under the
same conditions. Nothing that is kept is ever needed: what is absent, damaged or of another version is compiled.

Their regular expressions, which only a generator of stubs uses, are compiled when somebody uses them.
"""

from __future__ import annotations

import builtins
import marshal
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from types import CodeType
from typing import Any, Final

_FROM: Final = ("shibokensupport/", "signature_bootstrap.py")


class _Later:
    """A regular expression that is compiled by its first use."""

    def __init__(self, made: Callable[[], re.Pattern[Any]]) -> None:
        self._made = made

    def __getattr__(self, name: str) -> Any:
        if not callable(getattr(re.Pattern, name)):
            return getattr(self._made(), name)
        # to hold a method is no use yet
        return lambda *given, **more: getattr(self._made(), name)(*given, **more)


@contextmanager
def compiled_once() -> Iterator[None]:
    """While this lasts, what PySide6 carries as text is taken from what an earlier start compiled."""
    place = Path(cache_from_source(__file__)).with_suffix(".embedded")
    kept = _read(place)
    before, known = builtins.compile, len(kept)

    def once(source: Any, filename: Any, *how: Any, **more: Any) -> Any:
        if not (isinstance(source, bytes) and isinstance(filename, str) and filename.startswith(_FROM)):
            return before(source, filename, *how, **more)
        key = (filename, source_hash(source))
        if key not in kept:
            kept[key] = before(source, filename, *how, **more)
        return kept[key]

    expression = re.compile

    def later(*given: Any, **more: Any) -> Any:
        if sys._getframe(1).f_code.co_filename.startswith(_FROM):
            return _Later(cache(partial(expression, *given, **more)))
        return expression(*given, **more)

    builtins.compile = once
    re.compile = later
    try:
        yield
    finally:
        builtins.compile = before
        re.compile = expression
        if len(kept) > known and not sys.dont_write_bytecode:
            _write(place, kept)


def _read(place: Path) -> dict[tuple[str, bytes], CodeType]:
    try:
        with place.open("rb") as file:
            if file.read(len(MAGIC_NUMBER)) != MAGIC_NUMBER:
                return {}
            kept = marshal.loads(file.read())  # noqa: S302 - as Python reads its own compiled files
    except (OSError, EOFError, ValueError, TypeError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write(place: Path, kept: dict[tuple[str, bytes], CodeType]) -> None:
    # as with Python's own: a folder that cannot be written costs time and nothing else
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f"{place.name}.{os.getpid()}")
        new.write_bytes(MAGIC_NUMBER + marshal.dumps(kept))
        new.replace(place)
