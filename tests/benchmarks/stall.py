"""How long the window stands still at the most while the schema of the flights table is made in the background."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import beside_bound, ran
from tests.benchmarks.schema_of_flights import flights

BOUND = 50.0
_PROGRAM = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from podadmin.app.options import Options
from podadmin.desktop import application, watchdog
from podadmin.desktop.session import Session

begun = []

def after():
    dog = begun[0]
    print(f"worst {dog.worst:.1f} busy {dog.worst_busy:.1f}", flush=True)
    QApplication.instance().quit()

real = Session.start

def start(session, *args, **kwargs):
    real(session, *args, **kwargs)
    app = QApplication.instance()
    def ready():
        begun.append(watchdog.Watchdog(app))
        session.read(app, "schema preview", {"path": sys.argv[1]}, lambda view: after())
    # the start itself is another figure: it is over when the engine has been imported and has looked around
    session.read(app, "status", {}, lambda _status: QTimer.singleShot(4000, ready))

Session.start = start
sys.exit(application.run(Options(profile=Path(sys.argv[2]), keyring="memory", headless=True)))
"""


def run(rounds: int = 5) -> list[dict[str, Any]]:
    """The longest stall in ms, beside the bound."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "flights.csv"
        table.write_bytes(flights())
        seen = [_once(table, Path(folder) / f"profile-{number}") for number in range(rounds)]
    return [beside_bound("longest stall of the window while a schema is made", seen, BOUND)]


def _once(table: Path, profile: Path) -> float:
    done = ran(_PROGRAM, table, profile)
    found = re.search(r"worst ([\d.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return float(found.group(1))
