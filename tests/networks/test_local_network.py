"""The local network: real processes, real sockets, real cryptography."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Tampered, Unavailable
from podadmin.core.own_process import environment
from podadmin.networks.bitfount import codec, messages, references
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.access_manager import AccessManagerClient, AccessRequest
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.job_request import OpenedJobRequest, open_job_request
from podadmin.networks.bitfount.types import MessageType, PodResponseType, Reason
from podadmin.networks.local import demo_tasks
from podadmin.networks.local.address import Address, read_address
from podadmin.networks.local.membership import join
from podadmin.networks.local.requester import Mischief, Requester, Sent
from podadmin.networks.local.service import LocalNetwork

CLOCK = SystemClock()
PROJECT = "glaucoma-study"
MODEL = "research-lab/hba1c-risk:1"


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 240))


async def next_message(client: MessageServiceClient, mailbox: str | None = None) -> pb.BitfountMessage:
    """The next message, over as many polls as it takes."""
    where = pb.CommunicationDetails(mailboxId=mailbox)
    while True:
        message = await client.get(where)
        if message is not None:
            return message


async def send_any_size(
    client: MessageServiceClient, message: pb.BitfountMessage, policy: references.ReferencePolicy
) -> None:
    """As a pod sends: a body above 128 KiB lies in the object store, and its address travels."""
    if len(message.body) > messages.SMALL_BODY:
        message = await client.put_by(message, message.body, len(message.body), policy)
    await client.send(message)


async def trigger_of(pod: Any) -> tuple[pb.BitfountMessage, bytes]:
    """What a gate does: idle poll, fetch the body, acknowledge."""
    trigger = await next_message(pod.client)
    assert trigger.messageType == MessageType.JOB_REQUEST
    url = references.reference_in(trigger.body)
    assert url is not None
    policy = references.ReferencePolicy.local(pod.address.object_store)
    body = await references.download(url, policy, 10_000_000, 10)
    await pod.client.acknowledge(trigger.recipientMailboxId, trigger.receiptHandle)
    return trigger, body


async def opened_request(pod: Any, key: Any) -> tuple[messages.Route, OpenedJobRequest]:
    trigger, body = await trigger_of(pod)
    return messages.route_of(trigger), open_job_request(body, key, None)


def test_a_request_travels_to_the_pod_and_its_result_travels_back(
    network: LocalNetwork, make_pod: Any, pod_key: Any, tmp_path: Path, requester_folder: Path
) -> None:
    """The requester is its own process; the pod is this one."""

    async def story() -> None:
        async with make_pod(network.address, pod_key.public) as pod:
            await pod.client.pod_connect(pb.PodData(podName="diabetes", datasetNames=["diabetes"], instanceId="i-1"))
            requester = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "podadmin.networks.local.demo_requester", "--folder", str(network.folder),
                "--state", str(requester_folder), "--what", "inference", "--wait", "30", "--json",
                stdout=asyncio.subprocess.PIPE, env=environment(PYTHONUNBUFFERED="1"),
            )  # fmt: skip
            output = asyncio.create_task(requester.communicate())  # read all along: a full pipe would stop it
            trigger, body = await trigger_of(pod)
            route = messages.route_of(trigger)
            key_id = open_job_request(body, pod_key, None).outer.key_id
            assert key_id is not None
            public = await pod.hub.key(trigger.sender, key_id)
            assert public.active
            request = open_job_request(body, pod_key, public.public_key.encode())
            assert request.signature_state == "good"
            assert request.protocol == demo_tasks.protocol("inference", "diabetes")
            assert request.pod_identifiers == ("custodian/diabetes",)
            assert not request.differs_from_envelope
            key, now = request.session_key, CLOCK.now
            for message in (
                messages.job_accept(route, key, now(), 1),
                messages.preparing_data(route, key, now(), 2),
                messages.configuring_task(route, key, now(), 3),
                messages.number_of_batches(route, key, now(), 1, 4),
                messages.task_start(route, key, now(), 5),
            ):
                await pod.client.send(message)
            started = await next_message(pod.client, route.pod_mailbox)
            assert started.messageType == MessageType.TASK_START
            await pod.client.acknowledge(route.pod_mailbox, started.receiptHandle)
            big = {"predictions": [0.25] * 40_000}
            result = messages.evaluation_results(route, key, now(), big, used=((MODEL, 40_000),))
            policy = references.ReferencePolicy.local(network.address.object_store)
            await send_any_size(pod.client, result, policy)
            await pod.client.send(messages.batches_complete(route, key, now(), 6))
            done = await next_message(pod.client, route.pod_mailbox)
            assert done.messageType == MessageType.TASK_COMPLETE
            assert codec.open_session(key, done.body) is None
            await pod.client.acknowledge(route.pod_mailbox, done.receiptHandle, delete_mailbox=True)
            with pytest.raises(NotFound) as caught:
                await pod.client.get(pb.CommunicationDetails(mailboxId=route.pod_mailbox))
            assert caught.value.code == "network.mailbox-gone"
            out, _ = await output
            events = [json.loads(line) for line in out.splitlines()]
            assert requester.returncode == 0, events
            received = [event["type"] for event in events if event["event"] == "received"]
            assert received == [
                "JOB_ACCEPT", "PREPARING_DATA", "CONFIGURING_TASK", "NUMBER_OF_BATCHES", "TASK_START",
                "EVALUATION_RESULTS", "BATCHES_COMPLETE",
            ]  # fmt: skip
            result_event = next(event for event in events if event.get("type") == "EVALUATION_RESULTS")
            assert result_event["content"] == big
            assert result_event["used"] == [{"resource": MODEL, "amount": 40_000}]
            answered = [event["type"] for event in events if event["event"] == "answered"]
            assert answered == ["TASK_START", "TASK_COMPLETE"]

    run(story)


def test_a_body_that_is_too_large_for_a_message_goes_through_the_object_store(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path
) -> None:
    async def story() -> None:
        async with (
            make_pod(network.address, pod_key.public) as pod,
            await Requester.enter(network.address, requester_folder, "research-lab", CLOCK) as requester,
        ):
            sent = await requester.send(pod.identifier, demo_tasks.protocol("rows", "diabetes"), PROJECT)
            route, request = await opened_request(pod, pod_key)
            noise = {"data": os.urandom(400_000)}
            message = messages.evaluation_results(route, request.session_key, CLOCK.now(), noise)
            assert len(message.body) > messages.SMALL_BODY
            with pytest.raises(Unavailable) as caught:
                await pod.client.send(message)
            assert caught.value.code == "network.busy"
            await send_any_size(pod.client, message, references.ReferencePolicy.local(network.address.object_store))
            async for heard in requester.hear(sent, 10):
                assert heard.value == noise
                break

    run(story)


@pytest.mark.parametrize("what", demo_tasks.WHATS)
def test_a_refusal_tells_the_requester_why(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path, what: str
) -> None:
    async def story() -> None:
        async with (
            make_pod(network.address, pod_key.public) as pod,
            await Requester.enter(network.address, requester_folder, "research-lab", CLOCK) as requester,
        ):
            sent = await requester.send(pod.identifier, demo_tasks.protocol(what, "diabetes"), PROJECT)
            route, request = await opened_request(pod, pod_key)
            assert request.protocol == demo_tasks.protocol(what, "diabetes")
            assert route == sent.route
            why = "Not before the ethics board has met."
            await pod.client.send(messages.log_message(route, request.session_key, CLOCK.now(), why))
            await pod.client.send(messages.job_reject(route, request.session_key, CLOCK.now(), texts=[why]))
            heard = []
            async for one in requester.hear(sent, 10):
                heard.append((one.kind, one.value))
                if one.kind == "JOB_REJECT":
                    break
            assert [kind for kind, _ in heard] == ["LOG_MESSAGE", "JOB_REJECT"]
            assert heard[0][1]["msg"] == why  # type: ignore[index,call-overload]
            assert messages.reject_texts(heard[1][1]) == {"UNAUTHORISED": (why,)}

    run(story)


def test_a_message_that_is_not_acknowledged_comes_again(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path
) -> None:
    async def story() -> None:
        async with (
            make_pod(network.address, pod_key.public) as pod,
            await Requester.enter(network.address, requester_folder, "research-lab", CLOCK) as requester,
        ):
            await requester.send(pod.identifier, demo_tasks.protocol("sql", "diabetes"), PROJECT)
            first = await next_message(pod.client)
            again = await next_message(pod.client)  # the poll waits until the message is visible again
            assert (again.taskId, again.receiptHandle) == (first.taskId, first.receiptHandle)
            await pod.client.acknowledge(again.recipientMailboxId, again.receiptHandle)
            await pod.client.acknowledge(again.recipientMailboxId, again.receiptHandle)
            assert await pod.client.get() is None

    run(story)


def test_a_waiting_poll_is_woken_by_a_message(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path
) -> None:
    rules = network.folder / "network.json"
    rules.write_text(rules.read_text().replace('"long_poll_seconds": 2', '"long_poll_seconds": 15'))

    async def story() -> None:
        async with (
            make_pod(network.address, pod_key.public) as pod,
            await Requester.enter(network.address, requester_folder, "research-lab", CLOCK) as requester,
        ):
            started = CLOCK.monotonic()
            poll = asyncio.create_task(pod.client.get())
            await requester.send(pod.identifier, demo_tasks.protocol("sql", "diabetes"), PROJECT)
            assert await poll is not None
            assert CLOCK.monotonic() - started < 14.0

    run(story)


def test_killing_the_network_loses_no_message(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path
) -> None:
    async def story() -> None:
        before = network.address
        async with (
            make_pod(before, pod_key.public) as pod,
            await Requester.enter(before, requester_folder, "research-lab", CLOCK) as requester,
        ):
            sent = [
                await requester.send(pod.identifier, demo_tasks.protocol("sql", "diabetes"), PROJECT) for _ in range(3)
            ]
            held = await next_message(pod.client)  # handed out, not acknowledged: must come back as well
            psutil.Process(before.pid).kill()
            psutil.wait_procs([psutil.Process(before.pid)] if psutil.pid_exists(before.pid) else [], timeout=60)
            after = await asyncio.to_thread(network.start)
            assert after.pid != before.pid
            assert (after.message_service, after.access_manager, after.object_store, after.join_token) == (
                before.message_service, before.access_manager, before.object_store, before.join_token,
            )  # fmt: skip
            found: set[str] = set()
            while len(found) < 3:
                try:
                    trigger, body = await trigger_of(pod)
                except Unavailable:
                    continue  # the connection notices the restart
                found.add(trigger.taskId)
                assert open_job_request(body, pod_key, None).signature_state == "unknown-key"
            assert found == {one.route.task_id for one in sent}
            assert held.taskId in found

    run(story)


def test_the_network_ends_when_its_parent_does(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path / "n") as running:
        pid = running.address.pid
        assert psutil.pid_exists(pid)
        process = running._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0
    assert not psutil.pid_exists(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_network_ends_on_a_signal_and_serves_only_loopback(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "podadmin.networks.local", "--folder", str(tmp_path / "n")],
        stdout=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    try:
        assert process.stdout is not None
        with process.stdout:
            said = json.loads(process.stdout.readline())
            assert "join_token" not in said["ready"]
            listening = [c.laddr.ip for c in psutil.Process(process.pid).net_connections() if c.status == "LISTEN"]
            assert [ip.removeprefix("::ffff:") for ip in listening] == ["127.0.0.1"] * 3
            assert oct((tmp_path / "n" / "address.json").stat().st_mode & 0o777) == "0o600"
            assert oct((tmp_path / "n" / "network.sqlite").stat().st_mode & 0o777) == "0o600"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_one_folder_has_one_network(network: LocalNetwork) -> None:
    with pytest.raises(Unavailable) as caught:
        LocalNetwork(network.folder).start()
    assert caught.value.code == "local.store"
    assert network.running


def test_an_address_that_leads_elsewhere_is_never_used(network: LocalNetwork) -> None:
    path = network.folder / "address.json"
    good = json.loads(path.read_text(encoding="utf-8"))
    for change in (
        {"message_service": "192.0.2.1:50051"},
        {"object_store": "http://127.0.0.1:80@192.0.2.1"},
        {"access_manager": "https://evil.example"},
        {"pid": "1"},
        {"more": 1},
    ):
        path.write_text(json.dumps({**good, **change}), encoding="utf-8")
        with pytest.raises(Tampered) as caught:
            read_address(network.folder)
        assert caught.value.code == "local.address-changed"
    path.unlink()
    with pytest.raises(NotFound):
        read_address(network.folder)


def asked(sent: Sent, request: OpenedJobRequest, **changes: Any) -> AccessRequest:
    facts: dict[str, Any] = {
        "pod_identifier": sent.route.pod_identifier,
        "protocol": request.protocol,
        "requester": "research-lab",
        "project_id": PROJECT,
        "unsigned_task": request.encrypted_request,
        "signature": request.signature,
        "key_id": request.outer.key_id,
    }
    return AccessRequest(**{**facts, **changes})


def test_the_access_manager_checks_signature_project_and_limits(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path
) -> None:
    async def story() -> None:
        address = network.address
        async with (
            make_pod(address, pod_key.public) as pod,
            await Requester.enter(address, requester_folder, "research-lab", CLOCK) as requester,
        ):
            manager = AccessManagerClient(address.access_manager, headers=pod.member.headers())
            assert (await manager.public_key()).startswith("ssh-rsa ")
            sent = await requester.send(pod.identifier, demo_tasks.protocol("inference", "diabetes"), PROJECT)
            route, request = await opened_request(pod, pod_key)
            good = asked(sent, request)
            answer = await manager.check(good)
            assert answer.accepted
            assert [(limit.resource_name, limit.limit, limit.total_usage) for limit in answer.limits] == [
                ("other/model:2", None, 0),
                (MODEL, 500, 0),
            ]
            assert {limit.resource_type for limit in answer.limits} == {"MODEL_INFERENCE"}
            result = messages.evaluation_results(route, request.session_key, CLOCK.now(), [0.5], used=((MODEL, 120.5),))
            await pod.client.send(result)
            await pod.client.send(result)  # the same bytes again: the answer was lost, the work was done once
            answer = await manager.check(good)
            assert {limit.resource_name: limit.total_usage for limit in answer.limits}[MODEL] == 121

            no = PodResponseType
            for change, code in (
                ({"signature": bytes(512)}, no.INVALID_PROOF_OF_IDENTITY),
                ({"unsigned_task": b"other"}, no.INVALID_PROOF_OF_IDENTITY),
                ({"key_id": "key_nobody"}, no.INVALID_PROOF_OF_IDENTITY),
                ({"requester": "someone-else"}, no.INVALID_PROOF_OF_IDENTITY),
                ({"token": "a-log-in"}, no.NO_PROOF_OF_IDENTITY),
                ({"project_id": "other-study"}, no.NO_ACCESS),
                ({"project_id": None}, no.NO_ACCESS),
            ):
                answer = await manager.check(asked(sent, request, **change))
                assert (answer.code, answer.limits) == (code, ())

            rules = network.folder / "network.json"
            rules.write_text(
                json.dumps({"projects": {PROJECT: {"members": ["research-lab"], "pods": ["custodian/other"]}}}),
                encoding="utf-8",
            )
            assert (await manager.check(good)).code is no.NO_ACCESS
            rules.write_text(
                json.dumps({"projects": {PROJECT: {"members": ["research-lab"], "limits": {MODEL: 0}}}}),
                encoding="utf-8",
            )
            answer = await manager.check(good)
            assert [(limit.limit, limit.total_usage) for limit in answer.limits] == [(0, 121)]

            with pytest.raises(Refused) as caught:
                await AccessManagerClient(address.access_manager).check(good)
            assert caught.value.code == "access.not-allowed"
            stranger = await join(address, "stranger")
            with pytest.raises(Refused):
                await AccessManagerClient(address.access_manager, headers=stranger.headers()).check(good)

    run(story)


def test_nobody_reads_writes_or_joins_in_anothers_name(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path
) -> None:
    async def story() -> None:
        address = network.address
        async with (
            make_pod(address, pod_key.public) as pod,
            await Requester.enter(address, requester_folder, "research-lab", CLOCK) as requester,
        ):
            sent = await requester.send(pod.identifier, demo_tasks.protocol("sql", "diabetes"), PROJECT)
            route, request = await opened_request(pod, pod_key)
            stranger = await join(address, "stranger")
            intruder = MessageServiceClient.open(address.message_service, tls=False, metadata=stranger.metadata())
            async with intruder:
                assert await intruder.get() is None
                accept = messages.job_accept(route, request.session_key, CLOCK.now())
                for act in (
                    intruder.get(pb.CommunicationDetails(mailboxId=route.pod_mailbox)),
                    intruder.acknowledge(route.pod_mailbox, "x", delete_mailbox=True),
                    intruder.send(accept),
                    intruder.get_large_object_storage(
                        pb.LargeStorageRequest(senderMailboxId=route.pod_mailbox, taskId=route.task_id, contentSize=10)
                    ),
                ):
                    with pytest.raises(Refused) as caught:
                        await act
                    assert caught.value.code == "network.not-let"
            nobody = MessageServiceClient.open(address.message_service, tls=False)
            async with nobody:
                with pytest.raises(Refused):
                    await nobody.get()
            hub = HubClient(address.hub, stranger.headers())
            with pytest.raises(Refused):
                await hub.register_key("research-lab", pod_key.public)
            with pytest.raises(BadInput):
                await hub.register_key("stranger", "ssh-rsa AAAA")
            with pytest.raises(BadInput):
                await hub.register_pod("../patients", pod_key.public)
            with pytest.raises(NotFound):
                await hub.pod("custodian/nothing")
            with pytest.raises(Refused):
                await join(Address(**{**address.as_dict(), "join_token": "guess"}), "research-lab")  # type: ignore[arg-type]
            assert sent.route == route

    run(story)


def test_every_kind_of_mischief_reaches_the_pod_and_is_told_apart(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path
) -> None:
    """The network carries what a hostile requester sends; reading it gives an exact answer each time."""
    harmless = demo_tasks.protocol("sql", "diabetes")
    rows = demo_tasks.protocol("rows", "diabetes")

    async def story() -> None:
        async with (
            make_pod(network.address, pod_key.public) as pod,
            await Requester.enter(network.address, requester_folder, "research-lab", CLOCK) as requester,
        ):
            public = (await pod.hub.key("research-lab", requester.key_id)).public_key.encode()

            async def arrived(mischief: Mischief) -> OpenedJobRequest:
                await requester.send(pod.identifier, rows, PROJECT, mischief)
                _, body = await trigger_of(pod)
                return open_job_request(body, pod_key, public)

            async def refused(mischief: Mischief) -> str:
                with pytest.raises(PodadminError) as caught:
                    await arrived(mischief)
                return caught.value.code

            shown = await arrived(Mischief(outer_protocol=harmless))
            assert shown.differs_from_envelope
            assert shown.protocol == rows
            assert (await arrived(Mischief(signer=pod_key))).signature_state == "bad"
            assert (await arrived(Mischief(unsigned=True))).signature_state == "absent"
            flow = await arrived(Mischief(flow_spec_raw={"name": "flow", "version": "9"}))
            assert flow.outer.flow_spec_raw == {"name": "flow", "version": "9"}
            assert await refused(Mischief(keep_bytes=700)) == "envelope.truncated"
            assert await refused(Mischief(body=b"not a request at all")) == "envelope.garbage"
            assert await refused(Mischief(body=codec.pack({"x": bytes(40_000_000)}))) == "envelope.too-big"

            first = await requester.send(pod.identifier, rows, PROJECT)
            _, body = await trigger_of(pod)
            again = await arrived(Mischief(body=first.body))
            assert first.body == body
            assert again.encrypted_request == open_job_request(body, pod_key, public).encrypted_request

    run(story)


def test_a_task_can_be_cancelled_and_aborted(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path
) -> None:
    async def story() -> None:
        async with (
            make_pod(network.address, pod_key.public) as pod,
            await Requester.enter(network.address, requester_folder, "research-lab", CLOCK) as requester,
        ):
            sent = await requester.send(pod.identifier, demo_tasks.protocol("sql", "diabetes"), PROJECT)
            route, request = await opened_request(pod, pod_key)
            await requester.cancel(sent)
            cancel = await next_message(pod.client, route.pod_mailbox)
            assert cancel.messageType == MessageType.TASK_CANCEL
            await pod.client.send(
                messages.task_abort(
                    route, request.session_key, CLOCK.now(), "As you wished.", Reason.CANCELLED_BY_MODELLER
                )
            )
            async for heard in requester.hear(sent, 10):
                assert heard.kind == "TASK_ABORT"
                assert heard.value == {"message": "As you wished.", "reason": "CANCELLED_BY_MODELLER"}
                assert messages.reason_of(heard.message) is Reason.CANCELLED_BY_MODELLER
                break

    run(story)


def test_the_demo_requester_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "podadmin.networks.local.demo_requester", "--folder", str(tmp_path), "--state",
         str(tmp_path / "r"), "--what", "sql", "--json"],
        capture_output=True, env=environment(PYTHONUNBUFFERED="1"), timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["code"] == "local.no-address"
    assert done.stderr == b""


def test_a_requester_keeps_its_name_and_joins_a_network_that_was_made_anew(
    network: LocalNetwork, tmp_path: Path, requester_folder: Path
) -> None:
    async def story() -> None:
        async with await Requester.enter(network.address, requester_folder, "research-lab", CLOCK) as first:
            pass
        async with await Requester.enter(network.address, requester_folder, "research-lab", CLOCK) as again:
            assert again.key_id == first.key_id
        with LocalNetwork(tmp_path / "another") as another:
            async with await Requester.enter(another.address, requester_folder, "research-lab", CLOCK) as anew:
                assert anew.key_id != first.key_id
                assert await anew.hub.pods() == ()
        assert oct((requester_folder / "requester.json").stat().st_mode & 0o777) == "0o600"
        (requester_folder / "requester.pem").write_text("not a key", encoding="utf-8")
        with pytest.raises(Tampered) as caught:
            await Requester.enter(network.address, requester_folder, "research-lab", CLOCK)
        assert caught.value.code == "requester.key-changed"

    run(story)


def test_rules_that_say_nonsense_keep_the_network_from_starting(tmp_path: Path) -> None:
    (tmp_path / "network.json").write_text('{"visibility_seconds": -1}', encoding="utf-8")
    with pytest.raises(Unavailable) as caught:
        LocalNetwork(tmp_path).start()
    assert caught.value.code == "local.rules"


def test_a_body_larger_than_announced_is_not_kept(
    network: LocalNetwork, make_pod: Any, pod_key: Any, requester_folder: Path
) -> None:
    async def story() -> None:
        address = network.address
        policy = references.ReferencePolicy.local(address.object_store)
        async with make_pod(address, pod_key.public) as pod:
            member = await join(address, "research-lab")
            async with MessageServiceClient.open(
                address.message_service, tls=False, metadata=member.metadata()
            ) as client:
                part = pb.TaskTransferRequest(podIdentifier=pod.identifier, contentSize=100)
                room = (await client.setup_task(pb.TaskTransferRequests(podTasks=[part]))).taskStorage[0]
                with pytest.raises(Unavailable):
                    await references.upload(room, bytes(200_000), policy, 10)
                with pytest.raises(Unavailable):
                    await references.download(room.downloadUrl, policy, 1000, 10)
                assert await references.upload(room, bytes(100), policy, 10) == room.downloadUrl
                with pytest.raises(Unavailable):
                    await references.upload(room, b"another", policy, 10)
                assert await references.download(room.downloadUrl, policy, 1000, 10) == bytes(100)
                part.contentSize = 2**31
                with pytest.raises(Unavailable) as caught:
                    await client.setup_task(pb.TaskTransferRequests(podTasks=[part]))
                assert caught.value.code == "network.busy"
                with pytest.raises(BadInput):
                    await client.setup_task(
                        pb.TaskTransferRequests(podTasks=[pb.TaskTransferRequest(podIdentifier="custodian/none")])
                    )

    run(story)
