"""The same message once, twice, a hundred times, in any order and from every side: kept, decided and counted once."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock
from podadmin.journal.records import Journal, all_entries
from podadmin.journal.service import verify
from podadmin.networks.bitfount import messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.requests import service
from podadmin.requests.service import Captured
from podadmin.requests.state import State
from podadmin.store.engine import Store
from tests.new_profiles import made_once

CLOCK = SystemClock()
MODEL = "research-lab/hba1c-risk:1"
TIMES = (1, 2, 5, 17, 100)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("again")
    with made_once(folder):
        store = Store.open(folder / "profile" / "podadmin.db", Journal(CLOCK))
    yield store
    assert verify(store).broken is None
    store.close()


def _captured(task: str) -> Captured:
    return Captured("local", task, 2, "lab", b"wire of " + task.encode(), b"body", "ab" * 32, CLOCK.now(), 300.0)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@example(times=[100, 1], at_once=16, hands=2, seed=0)
@example(times=[100], at_once=100, hands=1, seed=1)
@given(
    times=st.lists(st.integers(1, 100), min_size=1, max_size=4),
    at_once=st.integers(1, 20),
    hands=st.integers(1, 3),
    seed=st.integers(0, 2**32),
)
def test_what_comes_many_times_in_any_order_is_kept_once(
    store: Store, times: list[int], at_once: int, hands: int, seed: int
) -> None:
    """In one batch with itself, in two that are kept at the same moment, or long after."""
    random = Random(seed)
    with store.read() as connection:
        before = sum(1 for _ in all_entries(connection))
    tasks = [f"task-{before}-{number}" for number in range(len(times))]
    deliveries = [task for task, count in zip(tasks, times, strict=True) for _ in range(count)]
    random.shuffle(deliveries)
    batches = [deliveries[place : place + at_once] for place in range(0, len(deliveries), at_once)]
    kept: list[str | None] = []

    def hand(mine: list[list[str]]) -> None:
        for batch in mine:
            kept.extend(service.capture_all(store, CLOCK, [_captured(task) for task in batch]))

    threads = [threading.Thread(target=hand, args=(batches[number::hands],)) for number in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == len(deliveries)
    assert sum(each is not None for each in kept) == len(tasks)
    with store.read() as connection:
        written = list(all_entries(connection))[before:]
    assert sorted(each.subject for each in written) == sorted(each for each in kept if each)
    rows = [service.by_task(store, task) for task in tasks]
    assert {row.id for row in rows if row is not None} == {each for each in kept if each}


def test_a_delivery_that_is_repeated_at_any_time_changes_nothing(network: Any, tell: Callable[..., None]) -> None:
    """While it waits, while it runs and after its end, through the gate's own intake."""

    async def story(rig: Any) -> None:
        random = Random(7)
        sents = [await rig.send("inference") for _ in TIMES]
        founds = [await rig.comes_to(sent, State.HELD) for sent in sents]
        copies = [
            pb.BitfountMessage.FromString(service.bytes_of(rig.store, found.row.id).wire)
            for found, count in zip(founds, TIMES, strict=True)
            for _ in range(count)
        ]

        async def all_come_again() -> None:
            random.shuffle(copies)
            before = rig.gate.seen.counts.get("repeated", 0)
            for message in copies:
                await rig.gate._stream.add(message)
            wanted = before + len(copies)
            await rig.until(lambda: rig.gate.seen.counts.get("repeated", 0) >= wanted, "all were acknowledged")

        await all_come_again()
        rig.approve(founds[0])
        rig.refuse(founds[1], "Not before the board has met.")
        task = await rig.take()
        await rig.say(messages.job_accept, task)
        await rig.comes_to(sents[0], State.RUNNING)
        await all_come_again()
        key = task.opened.session_key
        results = [
            messages.evaluation_results(task.route, key, CLOCK.now(), {"n": [number]}, [(MODEL, 2.0**number)])
            for number in range(3)
        ]
        said = [message for message, count in zip(results, (1, 3, 20), strict=True) for _ in range(count)]
        random.shuffle(said)
        await asyncio.gather(*(rig.pod.send(message) for message in said))
        assert rig.used() == 1.0 + 2.0 + 4.0
        await rig.say(messages.batches_complete, task)
        await rig.comes_to(sents[0], State.FINISHED)
        await all_come_again()
        await rig.nothing_comes()
        acts = Counter(act for found in founds for act in rig.acts(found))
        assert acts["request.captured"] == acts["request.opened"] == len(TIMES)
        assert acts["request.approved"] == acts["request.delivering"] == acts["request.started"] == 1
        assert acts["request.refused"] == 1
        assert service.listing(rig.store, state="", search="", limit=50, after="").total == len(TIMES)

    tell(network, story)
