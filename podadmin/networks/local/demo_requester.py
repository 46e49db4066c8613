"""`python -m podadmin.networks.local.demo_requester`: a research group sends one request and says what it hears.

    --folder DIR     the folder of the local network        --state DIR      where the requester keeps its own key
    --what WHAT      sql | rows | inference | report | unknown
    --pod OWNER/NAME the pod (without it: the only one there is)   --table NAME   the table (without it: the pod's name)
    --project P      --sql TEXT      --wait SECONDS (of silence; 0: send only)      --json (one JSON object per line)

Exit codes: 0 finished (with --wait 0: sent) · 2 bad arguments or input · 3 no network or no pod there · 4 the request
was refused · 5 no answer in time, or the network is out of reach · 6 a message was not authentic · 7 the pod aborted
the task.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, ExitCode, NotFound, PodadminError
from podadmin.core.text import visible
from podadmin.networks.bitfount import codec, messages
from podadmin.networks.bitfount.types import MessageType
from podadmin.networks.local import demo_tasks, rules
from podadmin.networks.local.address import read_address
from podadmin.networks.local.requester import Heard, Requester

ABORTED = 7
WAIT_SECONDS = 300.0
"""As long as a real requester waits for a pod (bitfount contract, section 0.3)."""

Say = Callable[[dict[str, Any]], None]


def shown(value: codec.Value) -> Any:
    """A body as JSON: bytes in base 64, tables and tensors as their size."""
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, codec.Opaque):
        return {"extension": value.code, "bytes": len(value.data)}
    if isinstance(value, float) and not codec.is_json(value):
        return repr(value)
    return value


def _event(heard: Heard) -> dict[str, Any]:
    event: dict[str, Any] = {"event": "received", "type": heard.kind}
    if heard.error is not None:
        return {**event, "error": heard.error.as_dict()}
    event["content"] = shown(heard.value)
    used = messages.resources_consumed(heard.message)
    if used:
        event["used"] = [{"resource": name, "amount": amount} for name, amount in used]
    reason = messages.reason_of(heard.message)
    if reason is not None:
        event["reason"] = reason.name
    return event


async def _pod(requester: Requester, asked: str | None) -> str:
    if asked is not None:
        return (await requester.hub.pod(asked)).identifier
    pods = await requester.hub.pods()
    if not pods:
        raise NotFound(
            "requester.no-pod",
            "There is no pod on the local network.",
            "None has been registered yet.",
            "Join the local network with a pod first.",
        )
    if len(pods) > 1:
        raise BadInput(
            "requester.which-pod",
            "There are several pods on the local network.",
            "The request needs to go to one of them: " + ", ".join(pod.identifier for pod in pods) + ".",
            "Name one with --pod.",
        )
    return pods[0].identifier


async def demonstrate(options: argparse.Namespace, say: Say) -> int:
    """Send the request and follow it; the exit code."""
    clock = SystemClock()
    address = read_address(options.folder)
    requester = await Requester.enter(address, options.state, rules.REQUESTER, clock)
    async with requester:
        pod = await _pod(requester, options.pod)
        table = options.table or pod.partition("/")[2]
        task = demo_tasks.protocol(options.what, table, options.sql)
        sent = await requester.send(pod, task, options.project)
        say({"event": "sent", "task": sent.route.task_id, "pod": pod, "project": options.project, "what": options.what})
        if options.wait <= 0:
            return ExitCode.OK
        async for heard in requester.hear(sent, options.wait):
            say(_event(heard))
            if heard.error is not None:
                return heard.error.exit_code
            if heard.kind == MessageType.JOB_REJECT.name:
                return ExitCode.REFUSED
            if heard.kind == MessageType.TASK_ABORT.name:
                return ABORTED
            said = await requester.answer(sent, heard)
            if said is not None:
                say({"event": "answered", "type": said})
            if said == MessageType.TASK_COMPLETE.name:
                return ExitCode.OK
    say({"event": "silence", "seconds": options.wait})
    return ExitCode.UNAVAILABLE


def _words(event: dict[str, Any]) -> str:
    head = " ".join(str(event[name]) for name in ("event", "type", "task") if name in event)
    rest = {name: value for name, value in event.items() if name not in {"event", "type", "task"}}
    return visible(f"{head}  {json.dumps(rest, ensure_ascii=False)}" if rest else head)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="demo_requester", description="Send one request over the local network.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--what", choices=demo_tasks.WHATS, required=True)
    parser.add_argument("--pod")
    parser.add_argument("--table")
    parser.add_argument("--project", default=rules.PROJECT)
    parser.add_argument("--sql")
    parser.add_argument("--wait", type=float, default=WAIT_SECONDS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)

    def say(event: dict[str, Any]) -> None:
        sys.stdout.write((json.dumps(event, ensure_ascii=True) if options.json else _words(event)) + "\n")
        sys.stdout.flush()

    try:
        return int(asyncio.run(demonstrate(options, say)))
    except PodadminError as error:
        say({"event": "failed", "error": error.as_dict()})
        return int(error.exit_code)


if __name__ == "__main__":
    raise SystemExit(main())
