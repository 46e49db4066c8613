"""From the start of the process to the first paint of the real desktop, warm, from source, offscreen."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from statistics import median
from typing import Any

from tests.benchmarks.figures import ROOT, beside, beside_bound, environment

BOUND = 250.0
BARE_WINDOW = """
import os
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel
import time
app = QApplication([])
window = QLabel("empty")
window.show()
QTimer.singleShot(0, app.quit)
app.exec()
began = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
print((time.clock_gettime(time.CLOCK_BOOTTIME) - began) * 1000, flush=True)
os._exit(0)
"""
"""What PySide6 itself needs on this machine: nothing that shows a window from Python can be quicker."""


def run(rounds: int = 11) -> list[dict[str, Any]]:
    """Medians of `rounds` starts in ms after a first one that warms the caches: beside the bound, and beside a window
    of PySide6 with nothing in it."""
    ours, bare = [], []
    for _ in range(rounds + 1):
        ours.append(_start())
        bare.append(_milliseconds([sys.executable, "-c", BARE_WINDOW]))
    return [
        beside_bound("first paint", ours[1:], BOUND),
        beside(
            "first paint beside an empty window of PySide6", "ms", f"of {rounds}, in turns", ours[1:], median(bare[1:])
        ),
    ]


def _start() -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "podadmin", "--headless", "--keyring", "memory", "--exit-after-paint"]
        return _milliseconds([*command, "--profile", folder])


def _milliseconds(command: list[str]) -> float:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found.group(1))
