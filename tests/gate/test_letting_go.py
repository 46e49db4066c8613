"""What was let go leaves once, is tried again where it could not, and is given up where the network never takes it."""

from __future__ import annotations

import asyncio
import hashlib
import math
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import insert, select, update

from podadmin.app.journal_words import words_of
from podadmin.core.clock import ManualClock, SystemClock, stamp
from podadmin.core.errors import Unavailable
from podadmin.gate import outgoing, results
from podadmin.gate.credentials import OfThePod
from podadmin.gate.letting_go import PAUSE_FIRST, PAUSE_MOST, LettingGo
from podadmin.gate.ports import Upstream
from podadmin.gate.records import result as table
from podadmin.gate.uploads import Uploads
from podadmin.journal.records import Journal
from podadmin.networks.bitfount import messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.references import ReferencePolicy
from podadmin.networks.bitfount.types import MessageType
from podadmin.networks.local.ledger import FILE
from podadmin.requests.records import request
from podadmin.requests.state import State
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from tests.benchmarks import bare_gate
from tests.gate.test_uploads import result, uploaded

CLOCK = SystemClock()


def of_results(rig: Any, request_id: str) -> list[outgoing.Left]:
    every = outgoing.listing(rig.store, request_id)
    return [each for each in every if each.type == MessageType.EVALUATION_RESULTS]


def facts(rig: Any, request_id: str, act: str) -> list[dict[str, Any]]:
    return [body for name, body in rig.entries(request_id) if name == act]


async def change_the_network(network: Any, statement: str, *values: object) -> None:
    def change() -> None:
        network.stop()
        with sqlite3.connect(network.folder / FILE) as database:
            database.execute(statement, values)
        database.close()
        network.start()

    await anyio.to_thread.run_sync(change)


def no_amount(rig: Any, request_id: str) -> None:
    """What waits says that it used an amount that is none: the network looks at that as well."""
    (waits,) = (each for each in results.waiting(rig.store, request_id) if each.kind == "EVALUATION_RESULTS")
    message = pb.BitfountMessage.FromString(waits.wire)
    message.messageMetadata.resourcesConsumed.add(resourceIdentifier="x/y:1", amount=math.nan)
    with rig.store.record(Fact("test", "gate.odd-use", request_id)) as unit:
        unit.execute(update(table).where(table.c.id == waits.id).values(wire=message.SerializeToString()))


@pytest.mark.parametrize("code", ["network.mailbox-gone", "network.not-let", "network.refused-as-wrong"])
def test_what_the_network_refuses_for_good_is_given_up_and_said(
    own_network: Any, tell_both: Callable[..., None], code: str
) -> None:
    """Its requester has left; the mailbox is none of this task's any more; the network finds it wrong."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        await rig.say(messages.evaluation_results, task, {"n": [1]})
        await rig.say(messages.batches_complete, task)
        request_id = rig.found(sent.route.task_id).row.id
        mailbox = sent.route.requester_mailbox
        if code == "network.mailbox-gone":
            await change_the_network(own_network, "DELETE FROM mailbox WHERE id = ?", mailbox)
        elif code == "network.not-let":
            await change_the_network(own_network, "UPDATE mailbox SET task = 'another' WHERE id = ?", mailbox)
        else:
            no_amount(rig, request_id)
        results.release(rig.store, CLOCK, request_id, "anna")
        rig.gate.nudge()
        await rig.comes_to(sent, State.FINISHED)
        await rig.until(lambda: not results.on_their_way(rig.store), "its last word follows")
        told, last = facts(rig, request_id, "gate.result-sent")
        assert (told["problem"], told["type"], last) == (code, "EVALUATION_RESULTS", {})
        assert told["why"] in words_of("gate.result-sent", request_id, told)
        (left,) = of_results(rig, request_id)
        assert left.outcome == outgoing.REFUSED
        assert left.why.startswith(f"It has not left, and is not tried again: {told['why']} ")
        assert results.waiting(rig.store) == results.released(rig.store) == ()
        # the pod, which would wait for its requester's last word for minutes, ends its part; and nobody else waits
        await rig.pod.acknowledge(task.route.pod_mailbox, "", delete_mailbox=True)
        await rig.running("rows")

    tell_both(own_network, story, see_results=True)


@pytest.mark.parametrize("seen_first", [True, False])
def test_the_journal_says_which_body_came_and_which_left(
    network: Any, tell_proxied: Callable[..., None], seen_first: bool
) -> None:
    """A large one and a small one: size and digest are those of the sealed body, wherever it lay."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        request_id = rig.found(sent.route.task_id).row.id
        large, small = result(task), result(task, 10)
        _, says = await uploaded(rig, large)
        for message in (says, small):
            await rig.pod.send(message)
        if seen_first:
            results.release(rig.store, CLOCK, request_id, "anna")
            rig.gate.nudge()
        await rig.heard(sent, "EVALUATION_RESULTS")
        await rig.until(lambda: not results.on_their_way(rig.store), "both have gone")
        both = [(len(each.body), hashlib.sha256(each.body).hexdigest()) for each in (large, small)]
        arrived = facts(rig, request_id, "request.result")
        assert all(f"{each['bytes']:,} bytes" in words_of("request.result", request_id, each) for each in arrived)
        came = [(each["bytes"], each["sha256"]) for each in arrived]
        waited = facts(rig, request_id, "gate.result-held" if seen_first else "gate.result-queued")
        went = facts(rig, request_id, "gate.result-sent")
        assert came == both
        assert [(left.size, left.digest) for left in of_results(rig, request_id)] == both
        assert (waited[0]["bytes"], waited[0]["body"]) == both[0]
        assert (went[0]["bytes"], went[0]["body"]) == both[0]
        assert f"{went[0]['bytes']:,} bytes" in words_of("gate.result-sent", request_id, went[0])

    tell_proxied(network, story, see_results=seen_first)


def test_a_body_that_is_not_the_one_that_was_judged_leaves_for_nobody(
    network: Any, tell_proxied: Callable[..., None], tmp_path: Path
) -> None:
    """Somebody who can write to the profile lays another file in its place, under any name, or takes it away, as an
    older backup does that is restored.
    """

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        request_id = rig.found(sent.route.task_id).row.id
        other = result(task, 19_000).body
        for how in ("another", "another by its own name", "none"):
            room, says = await uploaded(rig, result(task))
            await rig.pod.send(says)
            (lies,) = (tmp_path / "uploads").glob(f"{Uploads.named(room.downloadUrl)}.*.body")
            if how == "none":
                lies.unlink()
            else:
                lies.write_bytes(other)
            if how == "another by its own name":
                own, others = lies.name.split(".")[3], hashlib.sha256(other).hexdigest()
                lies.rename(lies.with_name(lies.name.replace(own, others)))
            results.release(rig.store, CLOCK, request_id, "anna")
            rig.gate.nudge()
            await rig.until(lambda: not results.on_their_way(rig.store), "it is given up")
        told = facts(rig, request_id, "gate.result-sent")
        assert [each["problem"] for each in told] == ["gate.upload-changed"] * 2 + ["gate.upload-gone"]
        left = of_results(rig, request_id)
        assert [each.outcome for each in left] == [outgoing.REFUSED] * 3
        assert "Have the task sent again" in left[-1].why
        assert await rig.silence(sent) == ["JOB_ACCEPT"]

    tell_proxied(network, story, see_results=True)


def test_what_cannot_go_now_is_tried_after_longer_and_longer_pauses(tmp_path: Path) -> None:
    """Nobody listens at the network's address; the clock is set on by hand."""
    clock = ManualClock(datetime(2026, 5, 4, tzinfo=UTC))
    store = Store.open(tmp_path / "podadmin.db", Journal(clock))
    now = stamp(clock.now())
    with store.record(Fact("test", "request.captured", "req_ONE")) as unit:
        unit.execute(
            insert(request).values(
                id="req_ONE", network="local", task_id="task", type=2, state="running", received_at=now, deadline=now,
                body_digest="",
            )
        )  # fmt: skip
        wire = pb.BitfountMessage(messageType=7, taskId="task", body=b"sealed").SerializeToString()
        unit.execute(
            insert(table).values(
                id="out_ONE", request_id="req_ONE", number=1, type=7, wire=wire, state="released", at=now
            )
        )

    async def story() -> None:
        upstream = Upstream("local", "", "127.0.0.1:9", False, "", "", OfThePod(clock), ReferencePolicy())
        async with MessageServiceClient.open("127.0.0.1:9", tls=False, metadata=()) as client:
            going = LettingGo(bare_gate.ports(store, clock, upstream), client, lambda: None)
            pause = PAUSE_FIRST
            for _ in range(10):
                with pytest.raises(Unavailable):
                    await going.send_due()
                clock.advance(pause * 0.99)
                await going.send_due()  # too early: nothing is tried
                clock.advance(pause * 0.02)
                pause = min(pause * 2, PAUSE_MOST)
            assert pause == PAUSE_MOST

    try:
        asyncio.run(story())
        with store.read() as connection:
            assert connection.execute(select(table.c.state)).scalar() == results.RELEASED
    finally:
        store.close()
