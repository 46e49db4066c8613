"""Intake: 200 requests a second, each kept, opened, held or refused, with its receipt; and nothing is lost.

By hand for longer: `python -m tests.benchmarks.intake --seconds 600`. Every request goes through the same two
transactions as in the gate, in two threads as there: while one request is opened, the next ones are kept. What is
there afterwards is counted against what was sent.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from podadmin.core.clock import SystemClock
from podadmin.journal.records import Journal
from podadmin.journal.service import verify
from podadmin.requests import service
from podadmin.requests.grant_pins import WORDS, Pins
from podadmin.requests.records import receipt, request
from podadmin.requests.service import Captured, Opening
from podadmin.store.engine import Store
from tests.benchmarks.figures import beside

RATE = 200
SECONDS = 10.0
BODY = b"sealed" * 400
_DIGEST = hashlib.sha256(BODY).hexdigest()


def run(seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Requests at the wanted rate for so long; how far behind the last one was, and how long each took."""
    with tempfile.TemporaryDirectory() as folder:
        return [_intake(Path(folder), seconds)]


def _intake(folder: Path, seconds: float) -> dict[str, Any]:
    clock = SystemClock()
    store = Store.open(folder / "podadmin.db", Journal(clock))
    began = clock.monotonic()
    took, behind = arrive(store, clock, RATE, seconds)
    whole = clock.monotonic() - began
    count = len(took)
    with store.read() as connection:
        kept = connection.execute(select(func.count()).select_from(request)).scalar_one()
        receipts = connection.execute(select(func.count()).select_from(receipt)).scalar_one()
    lost = count - kept
    sound = verify(store).broken is None
    refused = (count + 1) // 2
    store.close()
    if lost or not sound or receipts != refused:
        raise AssertionError(f"{lost} requests were lost, {refused - receipts} receipts; the chain is sound: {sound}")
    note = (
        f"{count} of {int(RATE * seconds)} that were due kept, none lost; {statistics.median(took) * 1000:.1f} ms "
        f"to keep one, at most {max(took) * 1000:.0f} ms; opened at most {behind:.2f} s after it was due"
    )
    return beside(f"intake for {seconds:g} s", "requests/s", note, [count / whole], float(RATE))


def arrive(
    store: Store, clock: SystemClock, rate: float, seconds: float, name: str = "task"
) -> tuple[list[float], float]:
    """Requests at this rate for so long: how long each took to keep, and how far behind one was kept or opened at most.

    One that is due is kept when the one before it is; when the time is over, no more are. Seconds throughout.
    """
    began = clock.monotonic()
    took: list[float] = []
    behind = 0.0
    with ThreadPoolExecutor(1, "opening") as opening:
        late: list[Future[float]] = []
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if clock.monotonic() > began + seconds:
                break
            _wait(clock, due)
            start = clock.monotonic()
            request_id = _kept(store, clock, number, f"{name}-{number}")
            took.append(clock.monotonic() - start)
            behind = max(behind, start - due)
            late.append(opening.submit(_opened, store, clock, number, f"{name}-{number}", request_id, due))
        return took, max([behind, *(each.result() for each in late)])


def _wait(clock: SystemClock, until: float) -> None:
    threading.Event().wait(max(until - clock.monotonic(), 0.0))


def _kept(store: Store, clock: SystemClock, number: int, task: str) -> str:
    request_id = service.capture(
        store, clock, Captured("local", task, 2, f"lab-{number % 40}", task.encode(), BODY, _DIGEST, clock.now(), 300.0)
    )
    assert request_id is not None
    return request_id


def _opened(store: Store, clock: SystemClock, number: int, task: str, request_id: str, due: float) -> float:
    mark = hashlib.sha256(task.encode()).hexdigest()
    values = {name: f'"{name}"' for name in WORDS}
    opening = Opening(
        requester=f"lab-{number % 40}",
        task="SQL query (ResultsOnly)",
        datasource="patients",
        project="study",
        risk="low",
        verified="verified",
        fingerprint=mark,
        verdict="hold" if number % 2 else "refuse",
        code="request.undecided",
        words="Waiting for your decision",
        answerable=True,
        findings={"protocol": {"class_name": "bitfount.ResultsOnly"}, "effects": {}},
        sealed_digest=mark,
        pins=Pins(hashlib.sha256(f"family {number % 40}".encode()).hexdigest(), mark, values),
    )
    service.record_opening(store, clock, request_id, opening)
    return clock.monotonic() - due


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=SECONDS)
    for figure in run(parser.parse_args().seconds):
        print(f"{figure['name']}: {figure['ours']:.0f} {figure['unit']}; {figure['note']}")
