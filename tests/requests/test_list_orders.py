"""Every order of the list of requests, read page by page, is the order that sorting everything would give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from podadmin.core.clock import ManualClock, stamp
from podadmin.journal.records import Journal
from podadmin.requests import reading, service
from podadmin.requests.list_orders import ORDERS
from podadmin.requests.records import request
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Sixty requests whose names come in no order, with states of every kind."""
    path: Path = tmp_path_factory.mktemp("orders") / "podadmin.db"
    store = Store.open(path, Journal(ManualClock(NOW)))
    with store.record(Fact("test", "request.filled", "many", {})) as unit:
        unit.execute(insert(request), [_row(number) for number in range(1, 61)])
    yield store
    store.close()


def _row(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "id": f"req_{number:012d}",
        "network": "local",
        "task_id": f"task-{number}",
        "type": 2,
        "state": ("held", "finished", "refused")[number % 3],
        "received_at": stamp(NOW + timedelta(minutes=number)),
        "requester": f"lab-{number * 7 % 5}",
        "task": ("", "SQL", "Model", "“quoted” \\ %_")[number % 4],
        "datasource": f"source-{number * 3 % 7}",
        "body_digest": f"{number:064x}",
    }


def all_of(store: Store, order: str, limit: int = 7, **asked: str) -> list[int]:
    """The numbers of all pages, one after the other."""
    given, found = {"state": "", "search": "", **asked}, []
    after = ""
    for _ in count():
        page = service.listing(store, limit=limit, after=after, order=order, **given)  # type: ignore[arg-type]
        found += [row.number for row in page.rows]
        if page.next_after is None:
            return found
        after = page.next_after
    raise AssertionError


def sorted_by(order: str, numbers: list[int]) -> list[int]:
    names = {"requester": ("requester", "task"), "task": ("task",), "datasource": ("datasource",)}.get(order, ())
    return sorted(numbers, key=lambda n: (*(_row(n)[name] for name in names), -n if order == "newest" else n))


@pytest.mark.parametrize("order", ORDERS)
def test_pages_one_after_the_other_are_everything_in_its_order(store: Store, order: str) -> None:
    assert all_of(store, order) == sorted_by(order, list(range(1, 61)))
    held = [n for n in range(1, 61) if n % 3 == 0]
    assert all_of(store, order, state="held") == sorted_by(order, held)
    assert all_of(store, order, state="held,finished", limit=60) == sorted_by(
        order, [n for n in range(1, 61) if n % 3 != 2]
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("search", ["lab-3", "SQL", "ab", "\\ %_"])
def test_a_search_is_in_the_same_order_however_much_it_finds(
    store: Store, monkeypatch: pytest.MonkeyPatch, order: str, search: str
) -> None:
    names = ("requester", "task", "datasource")
    wanted = [n for n in range(1, 61) if any(search in _row(n)[name] for name in names)]
    assert all_of(store, order, search=search) == sorted_by(order, wanted)
    # so many are found that they are not sorted but walked to
    monkeypatch.setattr(reading, "MOST_COUNTED", min(5, len(wanted)))
    monkeypatch.setattr(reading, "LOOKED_AT", 1 if len(search) >= reading.TRIGRAM else 60)
    assert all_of(store, order, search=search) == sorted_by(order, wanted)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("after", ["[]", '["a"]', '["a", "b", "c"]', "[1, 2, 3]", "{}", "x" * 50, "null", "-1"])
def test_a_place_that_is_none_is_the_beginning(store: Store, order: str, after: str) -> None:
    first = service.listing(store, state="", search="", limit=5, after="", order=order)
    odd = service.listing(store, state="", search="", limit=5, after=after, order=order)
    assert [row.id for row in odd.rows] == [row.id for row in first.rows]
