"""The built-in pod: one process that speaks to the gate of this application as a pod of the network would.

Standard input: one JSON line (see `config`), then nothing; its end means that the application is gone, and the
process ends at once. Standard output: one JSON line for each event. Standard error: a log without data.
Events: `ready {pod}`, `task-started {task}`, `task-ended {task, outcome, code}`, `stopped {code, words}`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import platform
import sys
import threading

from podadmin.core.clock import Clock, SystemClock
from podadmin.core.errors import BadInput, PodadminError, Refused
from podadmin.core.own_process import end_with
from podadmin.core.redaction import redact
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.access_manager import AccessManagerClient
from podadmin.networks.bitfount.client import MessageServiceClient, api_key_metadata
from podadmin.networks.bitfount.types import MessageType, type_name
from podadmin.pod import task
from podadmin.pod.config import MAX_LINE, PodConfig, PodKey, read_line

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 8.0


def emit(event: str, **facts: str) -> None:
    """One line for the supervisor: ids, codes and whole sentences, never data and never a secret."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


async def serve(config: PodConfig, key: PodKey, clock: Clock) -> None:
    """Connect and take tasks, one after the other, for ever.

    Raises Refused and BadInput `network.…` where the gate does not know this pod.
    """
    headers = {"x-api-key-id": config.api_key_id, "x-api-key": config.api_key.reveal()}
    access = AccessManagerClient(config.access_url, headers=headers)
    metadata = api_key_metadata(config.api_key_id, config.api_key.reveal())
    async with MessageServiceClient.open(config.gate_address, tls=False, metadata=metadata) as client:
        pod = task.Pod(config, key, client, access, clock)
        pause = config.poll_seconds
        connected = False
        while True:
            try:
                if not connected:
                    await client.pod_connect(description(config))
                    connected = True
                    emit("ready", pod=config.pod_identifier)
                message = await client.get()
                pause = config.poll_seconds
            except (Refused, BadInput):
                raise
            except PodadminError as error:
                log.info("gate: %s", error.code)
                pause = min(pause * 2, _LONGEST_PAUSE)
                message = None
            if message is None or int(message.messageType) == MessageType.UNDEFINED:
                await asyncio.sleep(pause)
            else:
                await _take(pod, message)


def description(config: PodConfig) -> pb.PodData:
    """What a pod says about itself when it connects. Its machine is nobody's business."""
    return pb.PodData(
        podName=config.pod_name,
        podOS=platform.system(),
        datasetNames=[source.name for source in config.datasources],
        instanceId=config.instance_id,
    )


async def _take(pod: task.Pod, message: pb.BitfountMessage) -> None:
    try:
        await pod.client.acknowledge(message.recipientMailboxId, message.receiptHandle)
    except PodadminError as error:
        log.info("a message was not acknowledged and is not used: %s", error.code)
        return
    if int(message.messageType) != MessageType.JOB_REQUEST:
        log.warning("message type %s is not used by this pod", type_name(message.messageType))
        return
    emit("task-started", task=message.taskId)
    ended = await task.perform(pod, message)
    emit("task-ended", task=message.taskId, outcome=ended.outcome, code=ended.code)


def main() -> int:
    """Exit codes: 0 when the parent ends, 1 when the pod cannot go on; why stands in a `stopped` event."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    redact(logging.getLogger())
    try:
        config = read_line(sys.stdin.buffer.readline(MAX_LINE + 1))
        key = PodKey(config.pod_key_pkcs8, config.earlier_keys_pkcs8)
        threading.Thread(target=end_with, args=(sys.stdin.buffer,), name="parent", daemon=True).start()
        asyncio.run(serve(config, key, SystemClock()))
    except PodadminError as error:
        emit("stopped", code=error.code, words=f"{error.what} {error.why}")
    except KeyboardInterrupt:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
