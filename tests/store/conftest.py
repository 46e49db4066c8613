"""A store on a real file, with the journal as its recorder and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podadmin.core.clock import ManualClock
from podadmin.journal.records import Journal
from podadmin.store.engine import Store
from tests.new_profiles import really_made


@pytest.fixture(autouse=True)
def new_databases_are_really_made(monkeypatch: pytest.MonkeyPatch) -> None:
    really_made(monkeypatch)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 1, 9, tzinfo=UTC))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "podadmin.db"


@pytest.fixture
def store(path: Path, clock: ManualClock) -> Iterator[Store]:
    store = Store.open(path, Journal(clock))
    yield store
    store.close()
