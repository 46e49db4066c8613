"""Requests that are opened side by side are decided one after another: each on what those before it have changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from podadmin.core.clock import SystemClock
from podadmin.core.errors import Unavailable
from podadmin.gate.opening import Opener
from podadmin.gate.ports import Seen
from podadmin.gate.sessions import Sessions
from podadmin.journal.records import Journal
from podadmin.journal.service import verify
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.requests import service
from podadmin.requests.grant_moves import Terms
from podadmin.requests.service import Captured
from podadmin.requests.state import State
from podadmin.store.engine import Store

CLOCK = SystemClock()


def test_one_batch_uses_a_grant_no_further_than_it_goes_and_knows_its_own_replays(
    network: Any, tell: Callable[..., None], tmp_path: Path
) -> None:
    async def story(rig: Any) -> None:
        store = Store.open(tmp_path / "other" / "podadmin.db", Journal(CLOCK))
        ports = replace(rig.gate.ports, store=store)
        opener = Opener(ports, Sessions(ports), Seen(CLOCK.now()))
        came = []
        for _ in range(6):
            found = await rig.comes_to(await rig.send("sql"), State.HELD)
            came.append(service.bytes_of(rig.store, found.row.id))

        def kept(number: int, task: str = "") -> str:
            """A request that has come to the gate of the story, kept in a store whose requests nobody else opens."""
            sealed = came[number]
            wire = pb.BitfountMessage.FromString(sealed.wire)
            wire.taskId = task or wire.taskId
            name = wire.taskId
            made = service.capture(
                store,
                CLOCK,
                Captured("local", name, 2, wire.sender, wire.SerializeToString(), sealed.body, name, None, 300.0),
            )
            assert made is not None
            return made

        first = kept(0)
        assert await opener.open(first) == 1
        service.approve(store, CLOCK, first, "anna", "fine", 30, Terms(runs=2, days=1))
        batch = [kept(1), kept(2), kept(2, "in-other-clothes"), kept(3), kept(4), kept(5)]

        def broken(_connection: Connection) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        event.listen(store._writer, "commit", broken)
        with pytest.raises(Unavailable):  # the store's fault is not theirs: none is refused, all wait
            await opener.open(*batch)
        event.remove(store._writer, "commit", broken)
        assert service.waiting_to_open(store) == tuple(batch)
        assert await opener.open(*batch) == 6
        rows = [service.find(store, request_id) for request_id in batch]
        states = [each.row.state for each in rows]
        assert states == [State.APPROVED, State.APPROVED, State.INVALID, State.HELD, State.HELD, State.HELD]
        assert rows[2].findings["code"] == "request.replayed"
        assert {each.row.state_words for each in rows[3:]} == {"Waiting for your decision"}
        assert await opener.open(*batch) == 6  # somebody else was quicker: nothing happens twice
        assert [service.find(store, each).row.state for each in batch] == states
        assert verify(store).broken is None
        store.close()

    tell(network, story)
