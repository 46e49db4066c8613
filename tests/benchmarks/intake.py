"""Intake: 200 requests a second, each kept, opened, held or refused, with its receipt; and nothing is lost.

By hand for longer: `python -m tests.benchmarks.intake --seconds 600`, and with another `--rate`. Every request goes
through the same two units of work as in the gate, in two threads as there: what has come is kept, so many at once as
the gate takes, and meanwhile what was kept is opened. What is there afterwards is counted against what was sent.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

from sqlalchemy import func, select

from podadmin.core.clock import SystemClock
from podadmin.gate.intake import AT_ONCE
from podadmin.gate.steps import OPENED_AT_ONCE
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


def run(seconds: float = SECONDS, rate: float = RATE) -> list[dict[str, Any]]:
    """Requests at the wanted rate for so long; how far behind the last one was, and how long each took."""
    with tempfile.TemporaryDirectory() as folder:
        return [_intake(Path(folder), seconds, rate)]


def _intake(folder: Path, seconds: float, rate: float) -> dict[str, Any]:
    clock = SystemClock()
    store = Store.open(folder / "podadmin.db", Journal(clock))
    began = clock.monotonic()
    stream = arrive(store, clock, rate, seconds)
    whole = clock.monotonic() - began
    count = len(stream.kept_after)
    with store.read() as connection:
        kept = connection.execute(select(func.count()).select_from(request)).scalar_one()
        receipts = connection.execute(select(func.count()).select_from(receipt)).scalar_one()
    lost = count - kept
    sound = verify(store).broken is None
    refused = (count + 1) // 2
    store.close()
    if lost or not sound or receipts != refused or len(stream.opened_after) != count:
        raise AssertionError(f"{lost} requests were lost, {refused - receipts} receipts; the chain is sound: {sound}")
    note = (
        f"{count} of {int(rate * seconds)} that were due kept, none lost; kept {_said(stream.kept_after)} after it "
        f"was due, opened {_said(stream.opened_after)}"
    )
    return beside(f"intake for {seconds:g} s", "requests/s", note, [count / whole], float(rate))


def _said(waits: list[float]) -> str:
    return f"{statistics.median(waits) * 1000:.0f} ms (at most {max(waits) * 1000:.0f} ms)"


@dataclass
class Arrived:
    """Seconds from the moment at which each request was due until it was kept, and until it was opened."""

    kept_after: list[float] = field(default_factory=list)
    opened_after: list[float] = field(default_factory=list)


def arrive(store: Store, clock: SystemClock, rate: float, seconds: float, name: str = "task") -> Arrived:
    """Requests at this rate for so long. When the time is over, no more are kept; what was kept is opened."""
    began = clock.monotonic()
    arrived, kept = Arrived(), Queue[tuple[int, str, float] | None]()
    opening = threading.Thread(target=_open, args=(store, clock, name, kept, arrived))
    opening.start()
    number, most = 0, int(rate * seconds)
    while number < most and clock.monotonic() <= began + seconds:
        _wait(clock, began + number / rate)
        due = min(int((clock.monotonic() - began) * rate) + 1, most, number + AT_ONCE)
        numbers = range(number, due)
        made = service.capture_all(store, clock, [_captured(clock, each, f"{name}-{each}") for each in numbers])
        now = clock.monotonic()
        for each, request_id in zip(numbers, made, strict=True):
            assert request_id is not None
            arrived.kept_after.append(now - began - each / rate)
            kept.put((each, request_id, began + each / rate))
        number = due
    kept.put(None)
    opening.join()
    return arrived


def _wait(clock: SystemClock, until: float) -> None:
    threading.Event().wait(max(until - clock.monotonic(), 0.0))


def _captured(clock: SystemClock, number: int, task: str) -> Captured:
    return Captured("local", task, 2, f"lab-{number % 40}", task.encode(), BODY, _DIGEST, clock.now(), 300.0)


def _open(
    store: Store, clock: SystemClock, name: str, kept: Queue[tuple[int, str, float] | None], arrived: Arrived
) -> None:
    """Open what was kept, as many at once as there are, up to as many as the gate opens."""
    more = True
    while more:
        waiting = [kept.get()]
        while len(waiting) < OPENED_AT_ONCE and waiting[-1] is not None and not kept.empty():
            waiting.append(kept.get())
        more = waiting[-1] is not None
        ready = [each for each in waiting if each is not None]
        with store.gathered():
            for number, request_id, _due in ready:
                service.record_opening(store, clock, request_id, _opening(number, f"{name}-{number}"))
        now = clock.monotonic()
        arrived.opened_after += [now - due for _number, _request_id, due in ready]


def _opening(number: int, task: str) -> Opening:
    mark = hashlib.sha256(task.encode()).hexdigest()
    values = {name: f'"{name}"' for name in WORDS}
    return Opening(
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rate", type=float, default=RATE)
    asked = parser.parse_args()
    for figure in run(asked.seconds, asked.rate):
        print(f"{figure['name']}: {figure['ours']:.0f} {figure['unit']}; {figure['note']}")
