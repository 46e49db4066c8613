from __future__ import annotations
from typing import Any
from collections.abc import Callable
from podadmin.core.clock import SystemClock
from podadmin.networks.bitfount import messages
from podadmin.requests.state import State


def test_x(network: Any, tell_proxied: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        print(rig.gate.environment())
        sent, task = await rig.running()
        await rig.say(messages.preparing_data, task, 2)
        await rig.say(messages.evaluation_results, task, {"n": 1})
        await rig.say(messages.batches_complete, task)
        await rig.comes_to(sent, State.FINISHED)
        print([one.kind for one in await rig.heard(sent, "BATCHES_COMPLETE")], rig.gate.seen)

    tell_proxied(network, story)
