"""A journal with a few hundred entries on a real file, closed and checkpointed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podadmin.core.clock import ManualClock
from podadmin.journal.records import Journal
from podadmin.store.engine import Store
from podadmin.store.unit import Fact


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 1, 9, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    store = Store.open(tmp_path / "podadmin.db", Journal(clock))
    yield store
    store.close()


@pytest.fixture
def write(store: Store, clock: ManualClock) -> Callable[[int], None]:
    """Writes so many entries of different lengths and scripts, some seconds apart."""

    def some(count: int) -> None:
        for number in range(count):
            clock.advance(1.5)
            body = {"number": number, "words": "Grund: Prüfung läuft ✓" * (number % 7), "code": None}
            with store.record(Fact(("custodian", "gate")[number % 2], "request.held", f"req_{number:04}", body)):
                pass

    return some
