"""What a pod says while it runs, line by line, with the level of each line; and how it is doing. Kept in two files.

The files lie in the profile, so that every process that looks at the profile sees the same. Each line has gone through
redaction before it was written. The output is a pod's own words: it may name files and tasks, and is shown as it is.
"""

from __future__ import annotations

import json
import os
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from podadmin.core.clock import Clock, stamp, unstamp
from podadmin.core.redaction import redacted
from podadmin.core.text import stranger

LEVELS = ("debug", "info", "warning", "error", "critical")
LONGEST_LINE = 2000
LARGEST = 4 * 1024 * 1024
"""Bytes of the output after which it begins anew; the part before it is kept beside it once."""
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)\b")
_NAMES = {"WARN": "warning", "FATAL": "critical"}
_TRACEBACK = re.compile(r"^(?:Traceback \(most recent call last\)|\w+(?:\.\w+)*(?:Error|Exception)\b)")


@dataclass(frozen=True)
class Line:
    """One line of output. `level`: debug | info | warning | error | critical."""

    at: datetime
    level: str
    text: str


@dataclass(frozen=True)
class Doing:
    """How the pod is doing. `state`: stopped | starting | ready | unready | waiting (to be started again) | hindered.

    `port`: of its control server. `cpu` in percent of one core, `memory` in bytes, both with its children. `deaths`:
    how often it ended by itself since it was asked to run. `words`: what stands in the way, in a sentence or two.
    """

    state: str = "stopped"
    pid: int | None = None
    since: datetime | None = None
    port: int = 0
    cpu: float | None = None
    memory: int | None = None
    deaths: int = 0
    words: str = ""
    next_step: str = ""
    looked_at: datetime | None = None
    ehr: bool | None = None
    behind_gate: bool = False

    @property
    def lives(self) -> bool:
        """Is there a process that can be asked?"""
        return self.state in ("starting", "ready", "unready")


class Output:
    """Reads lines and keeps them. `folder` is the pod's in the profile."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._level = "info"

    def take(self, text: str) -> Line:
        """Keep one line. A line without a level has that of the line before it: it goes on with it."""
        shown = stranger(redacted(text.rstrip("\r\n")), LONGEST_LINE)
        self._level = level_of(shown, self._level)
        line = Line(self._clock.now(), self._level, shown)
        told = json.dumps({"at": stamp(line.at), "level": line.level, "text": line.text})
        file = self._file()
        if file.exists() and file.stat().st_size > LARGEST:
            file.replace(file.with_suffix(".old.jsonl"))
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as opened:
            opened.write(told + "\n")
        return line

    def _file(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return output_file(self._folder)


def level_of(text: str, before: str = "info") -> str:
    """The level of a line of output, by the first word in it that is one."""
    found = _LEVEL.search(text[:200])
    if found:
        return _NAMES.get(found[1], found[1].lower())
    if _TRACEBACK.match(text):
        return "error"
    return before if text[:1] in {" ", "\t"} else "info"


def output_file(folder: Path) -> Path:
    return folder / "output.jsonl"


def last_lines(folder: Path, most: int, least_level: str = "debug") -> tuple[Line, ...]:
    """The last lines of output that are of this level or a worse one, the oldest first."""
    wanted = LEVELS[LEVELS.index(least_level) :]
    kept: deque[Line] = deque(maxlen=most)
    for name in ("output.old.jsonl", "output.jsonl"):
        kept.extend(each for each in _read(folder / name) if each.level in wanted)
    return tuple(kept)


def _read(file: Path) -> Iterable[Line]:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            for text in opened:
                try:
                    told = json.loads(text)
                    yield Line(unstamp(told["at"]), str(told["level"]), str(told["text"]))
                except (ValueError, KeyError, TypeError):
                    # the last line of a process that was killed while it wrote
                    continue
    except FileNotFoundError:
        return


def tell(folder: Path, doing: Doing) -> None:
    """Write how the pod is doing, whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "doing.json"
    half = file.with_suffix(".half")
    told = {name: stamp(value) if isinstance(value, datetime) else value for name, value in asdict(doing).items()}
    half.write_text(json.dumps(told), encoding="utf-8")
    half.replace(file)


def told(folder: Path) -> Doing:
    """How the pod was doing when that was last told. A process that is gone since is not running any more."""
    try:
        found: dict[str, Any] = json.loads((folder / "doing.json").read_text(encoding="utf-8"))
        moments = {name: unstamp(found[name]) if found[name] else None for name in ("since", "looked_at")}
        doing = Doing(**{**found, **moments})
    except (OSError, ValueError, KeyError, TypeError):
        return Doing()
    if doing.pid is not None and not _alive(doing.pid):
        return replace(doing, state="stopped", pid=None, cpu=None, memory=None)
    return doing


def _alive(pid: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(pid))
