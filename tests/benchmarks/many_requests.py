"""How soon the data is on the screen with 100 000 requests in the store.

The time runs from the start of the process to a picture that the headless driver takes when it has seen the rows. The
window opens on the page on which it was closed: a first start, which is not counted, closes it on Requests.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from podadmin.app.options import Options
from podadmin.app.profile import open_profile
from podadmin.core.clock import SystemClock, stamp
from podadmin.requests.records import request, sealed
from podadmin.store.unit import Fact
from tests.benchmarks.figures import ROOT, beside_bound, environment

REQUESTS = 100_000
BOUND = 700.0


def run(rounds: int = 7) -> list[dict[str, Any]]:
    """One figure in ms, beside the bound."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "profile", REQUESTS)
        _start(Path(folder), "page Requests\n")
        seen = [_start(Path(folder)) for _ in range(rounds)]
    return [beside_bound(f"data on screen with {REQUESTS} requests", seen, BOUND, "picture included")]


def fill(profile: Path, count: int) -> None:
    """Make a profile with `count` requests: finished ones, and the newest waiting."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    with open_profile(Options(profile=profile, keyring="memory")) as opened:
        for first in range(0, count, 10_000):
            rows = [_row(number, began) for number in range(first, min(first + 10_000, count))]
            with opened.store.record(Fact("benchmark", "request.filled", "many", {"rows": len(rows)})) as unit:
                unit.execute(insert(request), rows)
                unit.execute(insert(sealed), [{"request_id": row["id"], "wire": b"", "body": b""} for row in rows])


def _row(number: int, began: datetime) -> dict[str, Any]:
    return {
        "id": f"req_{number:012d}",
        "network": "local",
        "task_id": f"task-{number}",
        "type": 2,
        "state": "held" if number % 1000 == 999 else "finished",
        "state_words": "Waiting for your decision" if number % 1000 == 999 else "Finished: the results were passed on",
        "received_at": stamp(began + timedelta(minutes=number)),
        "deadline": stamp(began + timedelta(minutes=number, seconds=300)),
        "requester": f"requester-{number % 40}",
        "task": "ResultsOnly · SqlQuery",
        "datasource": "patients",
        "project": "study",
        "risk": "high",
        "verified": "verified",
        "body_digest": f"{number:064x}",
    }


def _start(folder: Path, first: str = "") -> float:
    picture = folder / "seen.png"
    picture.unlink(missing_ok=True)
    script = folder / "script.txt"
    script.write_text(f'{first}wait "requester-39" 20\npicture "{picture}"\nquit\n', encoding="utf-8")
    began = SystemClock().now().timestamp()
    subprocess.run(
        [sys.executable, "-m", "podadmin", "--headless", "--profile", str(folder / "profile"), "--script", str(script)],
        cwd=ROOT,
        env=environment(),
        check=True,
        capture_output=True,
    )
    return (picture.stat().st_mtime - began) * 1000
