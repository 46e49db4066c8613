"""The figures that benchmarks tell, and the process of its own in which each run of one happens.

A figure is a dict: name, ours, peer (or a bound), ratio (ours by peer; below 1 is better where less is better), its
least and greatest as ratio_min and ratio_max, unit and note.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
_LOOKS_SECONDS = 0.002


def environment() -> dict[str, str]:
    """That of a process whose start is measured: as a user has it, Python keeps what it compiles."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "QT_QPA_PLATFORM": "offscreen"}


def figure(
    name: str, unit: str, note: str, ours: float, peer: float, ratio: float, ratio_min: float, ratio_max: float
) -> dict[str, Any]:
    """One figure whose ratios are known."""
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "ratio": ratio,
        "ratio_min": ratio_min,
        "ratio_max": ratio_max,
        "unit": unit,
        "note": note,
    }


def beside(name: str, unit: str, note: str, seen: Sequence[float], peer: float) -> dict[str, Any]:
    """The median of what was seen beside one number: a bound, or what the peer needs."""
    ours = median(seen)
    return figure(name, unit, note, ours, peer, ours / peer, min(seen) / peer, max(seen) / peer)


def beside_bound(name: str, seen: Sequence[float], bound: float, how: str = "") -> dict[str, Any]:
    """Milliseconds beside the most that they may be; `how` says more about how they were seen."""
    note = f"median of {len(seen)}{how and f', {how}'}; the second figure is the bound"
    return beside(name, "ms", note, seen, bound)


def in_turns(name: str, unit: str, note: str, ours: Sequence[float], peer: Sequence[float]) -> dict[str, Any]:
    """Runs in turn: each of ours is compared with that of the peer next to it, so that a disturbance meets both."""
    ratios = [a / b for a, b in zip(ours, peer, strict=True)]
    return figure(name, unit, note, median(ours), median(peer), median(ratios), min(ratios), max(ratios))


def ran(program: str, *given: object, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python of its own; what it printed, whatever it ended with."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, given)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def measured(program: str, path: Path) -> dict[str, float]:
    """Run a program on a file in a Python of its own; the numbers that it prints as JSON, and `own`: the most memory of
    its own that it had (MiB), without the files that are mapped into it, above all the programs. Needs Linux (`/proc`).
    """
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    own = 0.0
    while process.poll() is None:
        own = max(own, _own_memory(psutil.Process(process.pid)))
        time.sleep(_LOOKS_SECONDS)
    told, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    result: dict[str, float] = json.loads(told)
    return {**result, "own": own}


def _own_memory(process: psutil.Process) -> float:
    with suppress(psutil.Error):  # it may end meanwhile
        used = process.memory_info()
        return float(used.rss - used.shared) / 2**20
    return 0.0
