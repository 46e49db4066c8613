"""A pod of the test's own behind the gate's proxy, in a thread that outlives every gate.

It repeats what was not answered, and speaks as the field's software does: one connection through the proxy, the same
bytes again after every outage, no second beginning of a task. What it was handed and what it began is kept.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio
import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError, Refused, Unavailable
from podadmin.networks.bitfount import crypto, messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.job_request import open_job_request
from podadmin.networks.bitfount.places import PRODUCTION
from podadmin.networks.bitfount.types import MessageType, Reason, type_name
from podadmin.networks.local.address import read_address
from podadmin.networks.local.membership import join

VECTORS = Path(__file__).resolve().parents[1] / "interop" / "vectors"
CLOCK = SystemClock()
T = TypeVar("T")


class _Key:
    def __init__(self) -> None:
        key = load_ssh_private_key((VECTORS / "keys/pod/pod_rsa.pem").read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        self._key = key
        self.public = crypto.public_line(key.public_key())

    def decrypt(self, block: bytes) -> bytes:
        return self._key.decrypt(block, crypto.oaep())


@dataclass
class ProxiedPod:
    """`environment` is what the gate prints; `network` the folder of the local network. `go`: set while tasks may
    bring their result. `handed`: the state in which each request was when it came, by its task. `large`: the result,
    where it is too large for a message; `uploaded`: set once it was taken; `tell`: set while the pod may say where.
    """

    owner: str
    name: str
    environment: dict[str, str]
    network: Path
    state_of: Callable[[str], str]
    go: threading.Event = field(default_factory=threading.Event)
    large: list[float] = field(default_factory=list)
    uploaded: threading.Event = field(default_factory=threading.Event)
    tell: threading.Event = field(default_factory=threading.Event)
    handed: list[tuple[str, str]] = field(default_factory=list)
    began: list[str] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    problem: str = ""

    def start(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="pod", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert not self.problem

    async def _run(self) -> None:
        self._key = _Key()
        address = read_address(self.network)
        member = await join(address, self.owner)
        hub = HubClient(address.hub, member.headers())
        for each in {self.name, "patients"}:
            await hub.register_pod(each, self._key.public, display_name=each)
        roots = Path(self.environment["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"]).read_bytes()
        options = (("grpc.http_proxy", self.environment["HTTPS_PROXY"]), ("grpc.max_reconnect_backoff_ms", 500))
        channel = grpc.aio.secure_channel(
            f"{PRODUCTION.message_service}:443", grpc.ssl_channel_credentials(roots), options=options
        )
        self._client = MessageServiceClient(channel, member.metadata(), 20.0)
        async with self._client as client:
            here = pb.PodData(podName=self.name, datasetNames=["patients"], instanceId="one run")
            try:
                await self._again(lambda: client.pod_connect(here))
                while True:
                    message = await self._again(client.get)
                    if message is not None:
                        await self._take(message)
            except _Stopping:
                return
            except PodadminError as error:
                self.problem = error.code

    async def _again(self, act: Callable[[], Awaitable[T]]) -> T:
        """Until it is answered, as the field's software does for hours."""
        while not self._stopping.is_set():
            try:
                return await act()
            except Unavailable:
                await asyncio.sleep(0.05)
        raise _Stopping

    async def _take(self, message: pb.BitfountMessage) -> None:
        self.handed.append((message.taskId, self.state_of(message.taskId)))
        await self._received(message.recipientMailboxId, message)
        if int(message.messageType) != MessageType.JOB_REQUEST or message.taskId in self.began:
            return
        self.began.append(message.taskId)
        route, key = messages.route_of(message), open_job_request(message.body, self._key, None).session_key
        try:
            for number, build in enumerate(
                (messages.job_accept, messages.preparing_data, messages.configuring_task, messages.number_of_batches), 1
            ):
                last = (1, number) if build is messages.number_of_batches else (number,)
                await self._say(build(route, key, CLOCK.now(), *last))
            await self._say(messages.task_start(route, key, CLOCK.now(), 5))
            word = await self._hear(route, lambda: self.go.is_set())
            if word is None:
                result = messages.evaluation_results(route, key, CLOCK.now(), {"n": self.large or [40]})
                await self._say(await self._elsewhere(result) if self.large else result)
                await self._say(messages.batches_complete(route, key, CLOCK.now(), 6))
                word = await self._hear(route, lambda: False)
            elif word == MessageType.TASK_CANCEL.name:
                abort = messages.task_abort(route, key, CLOCK.now(), "cancelled", Reason.CANCELLED_BY_MODELLER)
                await self._say(abort)
        except Refused as error:
            self.refused.append(error.code)
            word = "refused"
        self.ended.append((message.taskId, word or ""))

    async def _say(self, message: pb.BitfountMessage) -> None:
        await self._again(lambda: self._client.send(message))

    async def _elsewhere(self, message: pb.BitfountMessage) -> pb.BitfountMessage:
        """The body goes into room that is asked for, and the message says where."""
        asked = pb.LargeStorageRequest(
            senderMailboxId=message.senderMailboxId, contentSize=len(message.body), taskId=message.taskId
        )
        room = await self._again(lambda: self._client.get_large_object_storage(asked))
        context = ssl.create_default_context(cafile=self.environment["SSL_CERT_FILE"])
        form: dict[str, Any] = {"data": dict(room.uploadFields), "files": {"file": ("body", message.body)}}

        async def put() -> int:
            try:
                async with httpx.AsyncClient(proxy=self.environment["HTTPS_PROXY"], verify=context) as web:
                    return (await web.post(room.uploadUrl, **form)).status_code
            except httpx.HTTPError as error:
                raise Unavailable("test.cut", "It was cut.", "The gate is down.", "Again.") from error

        if (status := await self._again(put)) != 204:
            raise Refused(f"test.status-{status}", "It was not taken.", "The gate said so.", "Look.")
        self.uploaded.set()
        while not self.tell.is_set() and not self._stopping.is_set():
            await asyncio.sleep(0.05)
        return messages.with_reference(message, room.downloadUrl)

    async def _received(self, mailbox: str, message: pb.BitfountMessage, last: bool = False) -> None:
        await self._again(lambda: self._client.acknowledge(mailbox, message.receiptHandle, delete_mailbox=last))

    async def _hear(self, route: Any, enough: Callable[[], bool]) -> str | None:
        """The word that ends the task, None as soon as it is `enough`."""
        where = pb.CommunicationDetails(mailboxId=route.pod_mailbox, taskId=route.task_id)
        while not enough():
            message = await self._again(lambda: self._client.get(where))
            if message is None:
                continue
            last = int(message.messageType) in {MessageType.TASK_COMPLETE, MessageType.TASK_CANCEL}
            await self._received(route.pod_mailbox, message, last)
            if last:
                return type_name(int(message.messageType))
        return None


class _Stopping(Exception):
    """The story is over."""


def printed_environment(told: bytes) -> dict[str, str]:
    """What `podadmin gate environment` has printed."""
    return {each["name"]: each["value"] for each in json.loads(told)}
