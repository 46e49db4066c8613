"""A gate in the test: a real gRPC server with mailboxes in memory, and a real HTTP access manager, on loopback.

It is not a mock of our code: it plays the other side of the wire, as written in the contracts of the network.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import grpc
import grpc.aio

from podadmin.networks.bitfount import messages, rpc
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.types import MessageType

ROUTE = messages.Route("clinic/patients", "w-1", "research-lab", "m-1", "task-0001")


class Access:
    """The access manager's one question. `answer` is what it says; `asked` what it was asked, with its headers."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.asked: list[tuple[Mapping[str, Any], Mapping[str, str]]] = []
        outer = self

        class Web(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((body, dict(self.headers)))
                shown = json.dumps(answer).encode()
                self.send_response(200 if self.path == "/api/access" else 404)
                self.send_header("Content-Length", str(len(shown)))
                self.end_headers()
                self.wfile.write(shown)

            def log_message(self, *parts: object) -> None:
                del parts

        self._server = HTTPServer(("127.0.0.1", 0), Web)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Gate:
    """Mailboxes by name; the idle poll is mailbox `""`. `refuse`: message types whose Send is refused.

    `on_send` is called with every message that was taken.
    """

    def __init__(self, refuse: frozenset[int] = frozenset()) -> None:
        self.mailboxes: defaultdict[str, deque[pb.BitfountMessage]] = defaultdict(deque)
        self.sent: list[pb.BitfountMessage] = []
        self.attempted: list[int] = []
        self.acknowledged: list[pb.Acknowledgement] = []
        self.connected: list[pb.PodData] = []
        self.metadata: list[tuple[str, str]] = []
        self.refuse = refuse
        self.on_send: Callable[[pb.BitfountMessage], None] = lambda message: None
        self._changed = asyncio.Condition()
        self._server = grpc.aio.server(options=(("grpc.max_receive_message_length", rpc.MAX_MESSAGE),))
        self._server.add_generic_rpc_handlers(
            (
                rpc.serve(
                    {
                        "PodConnect": self._connect,
                        "AcknowledgeMessage": self._acknowledge,
                        "GetBitfountMessage": self._get,
                        "SendBitfountMessage": self._send,
                    }
                ),
            )
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    async def __aenter__(self) -> Gate:
        await self._server.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._server.stop(0)

    def put(self, mailbox: str, message: pb.BitfountMessage) -> None:
        message.receiptHandle = f"gate:{message.taskId}"
        self.mailboxes[mailbox].append(message)

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait for something that calls of the pod bring about."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    def kinds(self) -> list[str]:
        return [MessageType(int(message.messageType)).name for message in self.sent]

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _connect(self, data: bytes, context: rpc.Context) -> bytes:
        self.connected.append(rpc.POD_CONNECT.read_request(data))
        self.metadata = [(str(key), str(value)) for key, value in context.invocation_metadata() or ()]
        await self._note()
        return pb.SuccessResponse().SerializeToString()

    async def _acknowledge(self, data: bytes, context: rpc.Context) -> bytes:
        del context
        self.acknowledged.append(rpc.ACKNOWLEDGE.read_request(data))
        await self._note()
        return pb.SuccessResponse().SerializeToString()

    async def _get(self, data: bytes, context: rpc.Context) -> bytes:
        waiting = self.mailboxes[rpc.GET.read_request(data).mailboxId]
        await self._note()
        if not waiting:
            await context.abort(grpc.StatusCode.NOT_FOUND, "empty")
        return waiting.popleft().SerializeToString()

    async def _send(self, data: bytes, context: rpc.Context) -> bytes:
        message = rpc.SEND.read_request(data)
        self.attempted.append(int(message.messageType))
        await self._note()
        if int(message.messageType) in self.refuse:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")
        self.sent.append(message)
        self.on_send(message)
        await self._note()
        return pb.SuccessResponse().SerializeToString()


def trigger(body: bytes) -> pb.BitfountMessage:
    """A JOB_REQUEST as the gate hands it out: its body inline."""
    return pb.BitfountMessage(
        messageType=int(MessageType.JOB_REQUEST),
        body=body,
        recipient=ROUTE.pod_identifier,
        recipientMailboxId="clinic/patients",
        sender=ROUTE.requester,
        senderMailboxId=ROUTE.requester_mailbox,
        podMailboxIds={ROUTE.pod_identifier: ROUTE.pod_mailbox},
        taskId=ROUTE.task_id,
    )


def ciphertext(asked: Mapping[str, Any]) -> bytes:
    return base64.b64decode(asked["unsignedTask"])
