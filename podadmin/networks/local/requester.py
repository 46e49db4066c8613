"""A requester on the local network: a real one, with its own key, that encrypts, signs, sends and listens.

The hooks of `send` (`Mischief`) let tests be hostile in the ways that a real requester or a network could be.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from podadmin.core.clock import Clock
from podadmin.core.errors import PodadminError, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks.bitfount import codec, crypto, messages, references
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.job_request import seal_job_request
from podadmin.networks.bitfount.types import IdentityVerificationMethod, MessageType, type_name
from podadmin.networks.local.address import Address
from podadmin.networks.local.membership import Membership, join
from podadmin.networks.local.places import STORE

_KEY_FILE = "requester.pem"
_STATE_FILE = "requester.json"
_AGAIN_SECONDS = 0.5
_MOVE_SECONDS = 30.0


class RequesterKey:
    """The private key with which a requester signs."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private

    @classmethod
    def generate(cls) -> RequesterKey:
        """A fresh RSA-4096 key; takes some seconds."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=4096))

    @classmethod
    def of(cls, folder: Path) -> RequesterKey:
        """The key kept in `folder`, made there at the first time. Raises Tampered `requester.key-changed`."""
        path = folder / _KEY_FILE
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            key = cls.generate()
            pem = key._private.private_bytes(  # the demo requester is a stranger, not the vault of this pod
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            _write_private(path, pem)
            return key
        try:
            private: object = serialization.load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, rsa.RSAPrivateKey):
            raise _changed()
        return cls(private)

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data, crypto.pss(), hashes.SHA256())

    @property
    def public(self) -> str:
        """One `ssh-rsa …` line."""
        return crypto.public_line(self._private.public_key())


@dataclass(frozen=True)
class Mischief:
    """How a request is spoiled on purpose. The default spoils nothing."""

    outer_protocol: Mapping[str, Any] | None = None
    """Show this protocol in the clear; another one runs."""
    signer: crypto.Signs | None = None
    """Sign with this key instead of the registered one."""
    unsigned: bool = False
    keep_bytes: int | None = None
    """Send only so many bytes of the body."""
    body: bytes | None = None
    """Send these bytes instead of a request: garbage, something oversized, or a replay of `Sent.body`."""
    flow_spec_raw: Mapping[str, Any] | None = None
    auth_type: str = IdentityVerificationMethod.KEYS
    """Say that identity is proved in another way; nothing is signed then."""


@dataclass(frozen=True)
class Sent:
    """A request that is on its way. `body` is what was uploaded."""

    route: messages.Route
    session_key: Secret[bytes] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Heard:
    """A message from the pod, opened; `value` is None and `error` says why where it could not be."""

    message: pb.BitfountMessage
    kind: str
    value: codec.Value
    error: PodadminError | None = None


class Requester:
    """One member of the network that sends tasks. Open it with `async with await Requester.enter(...)`."""

    def __init__(self, address: Address, member: Membership, key: RequesterKey, key_id: str, clock: Clock) -> None:
        self._address = address
        self._member = member
        self._key = key
        self._key_id = key_id
        self._clock = clock
        self._policy = references.ReferencePolicy.local(address.object_store, STORE)
        self._hub = HubClient(address.hub, member.headers())
        self._client = MessageServiceClient.open(address.message_service, tls=False, metadata=member.metadata())

    @classmethod
    async def enter(cls, address: Address, folder: Path, username: str, clock: Clock) -> Requester:
        """The requester whose key and membership are kept in `folder`; both are made there at the first time.

        Raises the errors of `HubClient`, Tampered `requester.key-changed`.
        """
        key = RequesterKey.of(folder)
        state = folder / _STATE_FILE
        member, key_id = _kept(state, username)
        if member is not None:
            try:
                await HubClient(address.hub, member.headers()).key(username, key_id)
            except Unavailable:
                raise
            except PodadminError:
                member = None  # the network was made anew since: join it again
        if member is None:
            member = await join(address, username)
            key_id = await HubClient(address.hub, member.headers()).register_key(username, key.public)
            _write_private(
                state,
                json.dumps(
                    {
                        "username": username,
                        "api_key_id": member.api_key_id,
                        "api_key": member.api_key.reveal(),
                        "key_id": key_id,
                    }
                ).encode(),
            )
        return cls(address, member, key, key_id, clock)

    async def __aenter__(self) -> Requester:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.close()

    @property
    def key_id(self) -> str:
        return self._key_id

    @property
    def hub(self) -> HubClient:
        return self._hub

    async def send(
        self,
        pod_identifier: str,
        protocol: Mapping[str, Any],
        project: str | None,
        mischief: Mischief | None = None,
    ) -> Sent:
        """Encrypt a task for a pod, sign it, upload it and start it: SetupTask, upload, InitiateTask."""
        spoilt = mischief or Mischief()
        pod = await self._hub.pod(pod_identifier)
        session_key = codec.new_session_key()
        by_log_in = spoilt.auth_type != IdentityVerificationMethod.KEYS
        body = spoilt.body
        if body is None:
            body = seal_job_request(
                protocol=protocol,
                pod_identifiers=[pod_identifier],
                session_key=session_key,
                pod_public=pod.public_key,
                signer=None if spoilt.unsigned or by_log_in else (spoilt.signer or self._key),
                auth_type=spoilt.auth_type,
                project_id=project,
                key_id=None if by_log_in else self._key_id,
                outer_protocol=spoilt.outer_protocol,
                flow_spec_raw=spoilt.flow_spec_raw,
            )
        if spoilt.keep_bytes is not None:
            body = body[: spoilt.keep_bytes]
        room = await self._client.setup_task(
            pb.TaskTransferRequests(
                podTasks=[pb.TaskTransferRequest(podIdentifier=pod_identifier, contentSize=len(body))],
                projectId=project,
            )
        )
        tasks = [
            pb.BitfountTask(
                podIdentifier=storage.podIdentifier,
                taskURL=codec.pack_plain(await references.upload(storage, body, self._policy, _MOVE_SECONDS)),
            )
            for storage in room.taskStorage
        ]
        started = await self._client.initiate_task(
            pb.BitfountTasks(
                tasks=tasks,
                taskId=room.taskId,
                projectId=project,
                taskMetadata=pb.TaskMetadata(protocol=str(protocol.get("class_name", ""))),
            )
        )
        route = messages.Route(
            pod_identifier=pod_identifier,
            pod_mailbox=started.podMailboxIds[pod_identifier],
            requester=self._member.username,
            requester_mailbox=started.mailboxId,
            task_id=started.taskId,
        )
        return Sent(route, session_key, body)

    async def hear(self, sent: Sent, seconds: float) -> AsyncIterator[Heard]:
        """Every message of the pod, until `seconds` have passed in silence or the caller stops.

        Each is acknowledged before it is yielded, as real requesters do. A network that is out of reach is waited for,
        as they do too (gate contract, section 3.1).
        """
        ends = self._clock.monotonic() + seconds
        where = pb.CommunicationDetails(mailboxId=sent.route.requester_mailbox)
        while self._clock.monotonic() < ends:
            try:
                message = await self._client.get(where)
                if message is None:
                    continue
                heard = await self._opened(message, sent.session_key)
                await self._client.acknowledge(sent.route.requester_mailbox, message.receiptHandle)
            except Unavailable:
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            yield heard
            ends = self._clock.monotonic() + seconds

    async def _opened(self, message: pb.BitfountMessage, key: Secret[bytes]) -> Heard:
        kind = type_name(message.messageType)
        try:
            body = message.body
            url = references.reference_in(body)
            if url is not None:
                body = await references.download(url, self._policy, codec.MAX_COMPRESSED, _MOVE_SECONDS)
            return Heard(message, kind, codec.open_session(key, body))
        except PodadminError as error:
            return Heard(message, kind, None, error)

    async def answer(self, sent: Sent, heard: Heard) -> str | None:
        """Say what the life cycle wants after a message: TASK_START after TASK_START, TASK_COMPLETE after
        BATCHES_COMPLETE; the type of what was said, or None."""
        if heard.kind == MessageType.TASK_START.name:
            await self._client.send(messages.requester_task_start(sent.route, sent.session_key, self._clock.now()))
            return MessageType.TASK_START.name
        if heard.kind == MessageType.BATCHES_COMPLETE.name:
            await self._client.send(messages.task_complete(sent.route, sent.session_key, self._clock.now()))
            return MessageType.TASK_COMPLETE.name
        return None

    async def cancel(self, sent: Sent) -> None:
        """Ask the pod to stop the task."""
        await self._client.send(messages.task_cancel(sent.route, sent.session_key, self._clock.now()))


def _kept(state: Path, username: str) -> tuple[Membership | None, str]:
    try:
        kept = json.loads(state.read_text(encoding="utf-8"))
        if kept["username"] != username:
            return None, ""
        return Membership(username, str(kept["api_key_id"]), Secret(str(kept["api_key"]))), str(kept["key_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, ""


def _write_private(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _changed() -> Tampered:
    return Tampered(
        "requester.key-changed",
        "The key of the demo requester cannot be read.",
        "Its file was changed or damaged.",
        "Remove the folder of the demo requester; it makes a new key the next time.",
    )
