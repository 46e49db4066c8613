"""From the start of the process to the first paint of the real desktop, warm, from source, offscreen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BOUND = 250.0


def run(rounds: int = 11) -> list[dict[str, Any]]:
    """One figure in ms: the median of `rounds` starts after a first one that warms the caches, beside the bound."""
    seen = [_start() for _ in range(rounds + 1)][1:]
    return [
        {
            "name": "first paint",
            "ours": median(seen),
            "peer": BOUND,
            "ratio": median(seen) / BOUND,
            "ratio_min": min(seen) / BOUND,
            "ratio_max": max(seen) / BOUND,
            "unit": "ms",
            "note": f"median of {rounds}; the second figure is the bound",
        }
    ]


def _start() -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "podadmin", "--headless", "--keyring", "memory", "--exit-after-paint"]
        done = subprocess.run(
            [*command, "--profile", folder],
            cwd=ROOT,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            check=True,
            capture_output=True,
            text=True,
        )
    found = re.search(r"([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found.group(1))
