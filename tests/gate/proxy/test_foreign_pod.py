"""A pod of the network's own software behind the gate: flows, log-ins, uploads, stops, and what it may say."""

from __future__ import annotations

import json
import os
import sqlite3
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from podadmin.core.clock import SystemClock, stamp
from podadmin.core.errors import Refused, Unavailable
from podadmin.gate import results
from podadmin.gate.credentials import OfThePod
from podadmin.gate.outgoing import PASSED, listing
from podadmin.gate.proxy_gate import ProxyGate
from podadmin.gate.result_content import content_of
from podadmin.gate.rooms import Rooms
from podadmin.gate.wishes import STOP, WITHHOLD, wish
from podadmin.limits import service as limits
from podadmin.limits.own import Scope
from podadmin.networks.bitfount import codec, messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import Ended, MessageServiceClient
from podadmin.networks.bitfount.places import Role
from podadmin.networks.bitfount.types import MessageType, Reason
from podadmin.networks.local.ledger import Ledger
from podadmin.networks.local.requester import Mischief
from podadmin.networks.local.web import HUB_KEYS
from podadmin.requests import rule_service, service
from podadmin.requests.rules import draft
from podadmin.requests.state import State
from podadmin.store.unit import Fact

CLOCK = SystemClock()
VECTORS = Path(__file__).resolve().parents[2] / "interop" / "vectors"
MODEL = "research-lab/hba1c-risk:1"


def web(rig: Any) -> httpx.AsyncClient:
    context = ssl.create_default_context(cafile=str(rig.gate.authority.bundle_file))
    return httpx.AsyncClient(proxy=rig.gate.address, verify=context, trust_env=False, timeout=60)


def plant(network: Any, mailbox: str, *posted: pb.BitfountMessage, jwks: str = "") -> None:
    """Put messages into a pod's own mailbox, and keys into the hub."""
    network.stop()
    ledger = Ledger(network.folder, CLOCK)
    for message in posted:
        ledger.post(mailbox, message.SerializeToString())
    if jwks:
        ledger.set_own(HUB_KEYS, jwks)
    ledger.close()
    network.start()


def trigger(rig: Any, kind: int, task: str, body: bytes) -> pb.BitfountMessage:
    return pb.BitfountMessage(
        messageType=kind, taskId=task, body=body, recipient=rig.identifier, recipientMailboxId=rig.identifier,
        sender="hub", senderMailboxId="hub", timestamp=stamp(CLOCK.now()),
    )  # fmt: skip


def test_what_no_access_check_covers_is_held_and_delivered_once(
    own_network: Any, tell_proxied: Callable[..., None]
) -> None:
    """A linked flow, a task of the hub, one with a wrong signature, a kind of tomorrow, a flow in a job request."""

    async def story(rig: Any) -> None:
        linked = (VECTORS / "hub/dataset_project_linked-unsigned.body.json").read_bytes()
        good = (VECTORS / "hub/job_request_from_hub-ok.body.json").read_bytes()
        bad = (VECTORS / "hub/job_request_from_hub-bad-signature.body.json").read_bytes()
        plant(
            own_network, rig.identifier,
            trigger(rig, 38, "linked", linked), trigger(rig, 39, "from-hub", good),
            trigger(rig, 39, "bad", bad), trigger(rig, 57, "tomorrow", b"\x01"),
            jwks=(VECTORS / "keys/hub_jwks.json").read_text(),
        )  # fmt: skip
        held = await rig.comes_to("linked", State.HELD)
        assert held.findings["code"] == "request.flow"
        assert held.findings["effects"]["known"] is False
        hub = await rig.comes_to("from-hub", State.HELD)
        assert hub.findings["verification"][0]["value"] == "right"
        assert (await rig.comes_to("bad", State.INVALID)).findings["code"] == "trigger.signature-bad"
        await rig.comes_to("tomorrow", State.HELD)
        flow = await rig.send("sql", Mischief(flow_spec_raw={"name": "f", "worker": {}}))
        assert (await rig.comes_to(flow, State.HELD)).findings["flow"] is True
        rig.approve(held)
        delivered = await rig.pod_gets("linked")
        assert delivered.body == linked
        await rig.pod.acknowledge(delivered.recipientMailboxId, delivered.receiptHandle)
        await rig.comes_to("linked", State.FINISHED)
        rig.approve(hub)
        delivered = await rig.pod_gets("from-hub")
        assert delivered.body == good
        await rig.pod.acknowledge(delivered.recipientMailboxId, delivered.receiptHandle)
        await rig.comes_to("from-hub", State.FINISHED)
        with pytest.raises(Refused, match="only for this once"):
            service.approve(rig.store, CLOCK, rig.found("tomorrow").row.id, "anna", "", 30, service.Terms())
        rig.refuse(rig.found("tomorrow"), "What is this?")
        # the hub signs with another key under the same name from now on
        keys = json.loads((VECTORS / "keys/hub_jwks.json").read_text())
        for key in keys["keys"]:
            key["n"] = "x" + key["n"][1:]
        plant(own_network, rig.identifier, trigger(rig, 39, "other-key", good), jwks=json.dumps(keys))
        assert (await rig.comes_to("other-key", State.INVALID)).findings["code"] == "gate.hub-key-changed"
        async with web(rig) as asked:
            answer = await asked.get(f"https://{rig.gate.places.hub}/api/hub-public-keys/jwks")
            assert answer.status_code == 503  # the pod is not given it either

    tell_proxied(own_network, story)


def test_a_flow_does_not_go_around_a_rule_that_asks_for_two_people(
    own_network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        two = draft("Two people", "hold", {}, reviewers=2)
        rule_service.add(rig.store, CLOCK, "anna", two, "The board wants two pairs of eyes.")
        linked = (VECTORS / "hub/dataset_project_linked-unsigned.body.json").read_bytes()
        plant(own_network, rig.identifier, trigger(rig, 38, "linked", linked))
        held = await rig.comes_to("linked", State.HELD)
        with pytest.raises(Refused) as caught:
            rig.approve(held)
        assert caught.value.code == "review.votes-missing"

    tell_proxied(own_network, story)


def test_who_proves_itself_by_a_log_in_is_held_whatever_grants_there_are(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql", Mischief(auth_type="oidc-device-code"))
        held = await rig.comes_to(sent, State.HELD)
        assert held.findings["code"] == "request.identity-unproved"
        rig.approve(held)
        task = await rig.take()
        challenge = messages.from_pod(
            task.route, MessageType.OIDC_CHALLENGE, task.opened.session_key, {"clientId": "x"}, CLOCK.now()
        )
        await rig.pod.send(challenge)
        body = {"unsignedTask": None, "taskSignature": None, "modellerToken": "t", "identityProvider": "OIDC"}
        answer = await rig.ask_access(task, **body)
        assert answer.json()["code"] == "NO_PROOF_OF_IDENTITY"  # the local network knows no log-ins
        assert (await rig.ask_access(task, modellerName="somebody", **body)).json()["code"] == "UNAUTHORISED"

    tell_proxied(network, story)


def test_access_is_asked_once_and_limits_are_the_stricter_ones(network: Any, tell_proxied: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("inference", project="small")
        rig.approve(await rig.comes_to(sent, State.HELD))
        task = await rig.take()
        answers = [await rig.ask_access(task) for _ in range(4)]
        assert len({answer.text for answer in answers}) == 1
        limit = answers[0].json()["limits"][0]
        assert (limit["limit"] - limit["totalUsage"], answers[0].json()["code"]) == (50, "ACCEPT")
        acts = rig.acts(rig.found(sent.route.task_id))
        assert acts.count("limit.checked") == 1
        changed = {"class_name": "bitfount.ResultsOnly", "algorithm": {"class_name": "bitfount.SqlQuery"}}
        assert (await rig.ask_access(task, modellerProtocolRequest=changed)).json()["code"] == "UNAUTHORISED"
        assert (await rig.ask_access(task, headers={})).status_code == 200  # answered before, and nothing is in it
        assert rig.gate.seen.summary()["access-refused"] == 1

    tell_proxied(network, story, records=40)


@pytest.mark.parametrize(
    ("project", "network_limit", "own", "told"), [("glaucoma-study", 5000, 30, 30), ("small", 50, 200, 50)]
)
def test_the_pod_is_told_the_stricter_of_the_networks_limit_and_the_custodians_own(
    network: Any, tell_proxied: Callable[..., None], project: str, network_limit: int, own: int, told: int
) -> None:
    async def story(rig: Any) -> None:
        with rig.store.record(Fact("anna", "limit.set", MODEL)) as unit:
            scope = Scope(MODEL, None, "research-lab", None)
            limits.set_limit(
                unit, scope=scope, period="total", amount=own, effect="stops", reason="The board said so.", by="anna",
                at=CLOCK.now(),
            )  # fmt: skip
        sent = await rig.send("inference", project=project)
        rig.approve(await rig.comes_to(sent, State.HELD))
        task = await rig.take()
        answer = (await rig.ask_access(task)).json()
        (limit,) = [each for each in answer["limits"] if each["resourceName"] == MODEL]
        assert (answer["code"], limit["limit"] - limit["totalUsage"]) == ("ACCEPT", told)
        entries = rig.entries(rig.found(sent.route.task_id).row.id)
        (checked,) = [body for act, body in entries if act == "limit.checked"]
        assert checked["limits"] == [[MODEL, network_limit]]

    tell_proxied(network, story, records=10)


def test_a_large_result_leaves_by_room_that_was_given_and_by_no_other(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        noise = os.urandom(200_000)
        result = messages.evaluation_results(task.route, task.opened.session_key, CLOCK.now(), {"noise": noise})
        room = await rig.pod.get_large_object_storage(
            pb.LargeStorageRequest(
                senderMailboxId=task.route.pod_mailbox, contentSize=len(result.body), taskId=task.route.task_id
            )
        )
        assert rig.gate.places.role_of(httpx.URL(room.uploadUrl).host) is Role.STORE
        async with web(rig) as store:
            form = {"data": dict(room.uploadFields), "files": {"file": ("body", result.body)}}
            other = room.uploadUrl.rpartition("/")[0] + "/elsewhere"
            assert (await store.post(other, **form)).status_code == 403
            assert (await store.post(room.uploadUrl, **form)).status_code == 204
            await rig.pod.send(messages.with_reference(result, room.downloadUrl))
            heard = await rig.heard(sent, "EVALUATION_RESULTS")
            assert heard[-1].value["noise"] == noise
            wish(rig.store, CLOCK, rig.found(sent.route.task_id).row.id, STOP, "enough", "anna")
            rig.gate.nudge()
            await rig.comes_to(sent, State.STOPPED)
            assert (await store.post(room.uploadUrl, **form)).status_code == 403

    tell_proxied(network, story)


def test_a_result_goes_to_the_requester_of_its_task_and_to_nobody_else(
    network: Any, tell_both: Callable[..., None]
) -> None:
    """What runs in the worker is a stranger's code: it could address the result of this task to somebody else."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        result = messages.evaluation_results(task.route, task.opened.session_key, CLOCK.now(), {"n": 1})
        update = messages.from_pod(task.route, MessageType.MODEL_PARAMETERS, task.opened.session_key, 1, CLOCK.now())
        other = await rig.send("rows")
        for message in (result, update):
            elsewhere = pb.BitfountMessage()
            elsewhere.CopyFrom(message)
            elsewhere.recipientMailboxId = other.route.requester_mailbox
            with pytest.raises(Refused):
                await rig.pod.send(elsewhere)
        assert await rig.silence(other) == []
        await rig.pod.send(result)
        assert (await rig.heard(sent, "EVALUATION_RESULTS"))[-1].value == {"n": 1}
        left = listing(rig.store, rig.found(sent.route.task_id).row.id)
        assert [each.outcome for each in left if each.type == MessageType.EVALUATION_RESULTS] == [PASSED]

    tell_both(network, story)


@pytest.mark.parametrize("kind", [STOP, WITHHOLD])
def test_a_person_stops_a_task_and_both_sides_are_ready_again(
    network: Any, tell_proxied: Callable[..., None], kind: str
) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        where = pb.CommunicationDetails(mailboxId=task.route.pod_mailbox, taskId=task.route.task_id)
        request_id = rig.found(sent.route.task_id).row.id
        wish(rig.store, CLOCK, request_id, kind, "The board wants to see it first.", "anna")
        rig.gate.nudge()
        word = None
        while word is None:
            word = await rig.pod.get(where)
        assert word.messageType == MessageType.TASK_CANCEL
        await rig.pod.acknowledge(task.route.pod_mailbox, word.receiptHandle)
        # what the worker was about to say stays here, and its process is not told that anything was wrong
        await rig.say(messages.evaluation_results, task, {"n": 1})
        await rig.say(messages.task_abort, task, "cancelled", Reason.CANCELLED_BY_MODELLER)
        heard = await rig.heard(sent, "TASK_ABORT")
        assert [one.kind for one in heard] == ["JOB_ACCEPT", "TASK_ABORT"]
        assert "The board wants to see it first." in heard[-1].value["message"]
        assert await rig.silence(sent) == []
        with pytest.raises(Refused):
            wish(rig.store, CLOCK, request_id, kind, "again", "anna")
        following, _task = await rig.running()
        assert following.route.task_id != sent.route.task_id

    tell_proxied(network, story)


def test_a_stop_after_the_last_result_is_the_requesters_last_word(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    """The pod waits for TASK_COMPLETE, and the next task waits for the pod (gate contract, sections 5 and 7.4)."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        await rig.say(messages.batches_complete, task)
        await rig.comes_to(sent, State.FINISHED)
        following = await rig.send("sql")
        rig.approve(await rig.comes_to(following, State.HELD))
        await rig.nothing_comes()
        wish(rig.store, CLOCK, rig.found(sent.route.task_id).row.id, STOP, "The requester is gone.", "anna")
        rig.gate.nudge()
        where = pb.CommunicationDetails(mailboxId=task.route.pod_mailbox, taskId=task.route.task_id)
        word = None
        while word is None:
            word = await rig.pod.get(where)
        assert word.messageType == MessageType.TASK_COMPLETE
        await rig.pod.acknowledge(task.route.pod_mailbox, word.receiptHandle, delete_mailbox=True)
        assert (await rig.take()).route.task_id == following.route.task_id

    tell_proxied(network, story)


def test_the_error_of_a_program_stays_here_and_the_custodian_reads_it(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        abort = messages.from_pod(
            task.route, MessageType.TASK_ABORT, task.opened.session_key,
            {
                "message": "KeyError: 'Jane Doe'", "reason": "WORKER_ERROR", "exception_type": "KeyError",
                "traceback_summary": "File …",
            }, CLOCK.now(),
        )  # fmt: skip
        abort.messageMetadata.reason = pb.MessageMetadata.WORKER_ERROR
        abort.messageMetadata.taskNotification.message = "KeyError: 'Jane Doe'"
        await rig.pod.send(abort)
        heard = await rig.heard(sent, "TASK_ABORT")
        assert heard[-1].value == {"message": "The pod ended the task (WORKER_ERROR).", "reason": "WORKER_ERROR"}
        assert b"Jane" not in heard[-1].message.SerializeToString()
        await rig.comes_to(sent, State.FAILED)

        def kept() -> str | None:
            row = rig.found(sent.route.task_id).row
            return str(row.answer_words) if row.answer == "made" else None

        assert "Jane Doe" in await rig.until(kept, "the words of the pod are kept")

    tell_proxied(network, story)


def test_calls_that_are_none_of_a_pods_are_refused_and_counted(network: Any, tell_proxied: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        export = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
        for path in (export, "/messages.MessageService/SetupTask", "/messages.MessageService/Diagnostics", "/a.B/C"):
            with pytest.raises(Ended) as caught:
                await rig.pod.forward(path, b"\x0a\x00", 5.0, tuple(rig.settings["headers"].items()))
            assert caught.value.code.name == "UNIMPLEMENTED"
        counts = rig.gate.seen.summary()
        assert (counts["telemetry-blocked"], counts["unknown-refused"]) == (1, 3)

    tell_proxied(network, story)


def test_a_stranger_on_this_machine_is_given_no_task(network: Any, tell_proxied: Callable[..., None]) -> None:
    """The proxy asks nobody for a password: what the network does not believe, the gate does not either."""

    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        rig.approve(await rig.comes_to(sent, State.HELD))
        rig.brought.clear()
        rig.gate.relay.deliveries.redeliver_seconds = 0.0
        for proof in ((), (("x-api-key-id", "x"), ("x-api-key", "y")), (("token", "z"),)):
            stranger = rig.pod.speaking_as(proof)
            with pytest.raises(Refused) as caught:
                await stranger.get()
            assert caught.value.code == "network.not-allowed"
        assert (await rig.take()).route.task_id == sent.route.task_id

    tell_proxied(network, story)


def test_a_pod_that_was_started_again_gets_what_it_had_not_begun_and_repeats_nothing(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        rig.approve(await rig.comes_to(sent, State.HELD))
        assert (await rig.take()).route.task_id == sent.route.task_id  # acknowledged, and the pod dies
        await rig.pod.pod_connect(pb.PodData(podName="clinic", datasetNames=["patients"], instanceId="second"))
        task = await rig.take()
        assert task.route.task_id == sent.route.task_id
        await rig.say(messages.job_accept, task)
        await rig.comes_to(sent, State.RUNNING)
        await rig.pod.pod_connect(pb.PodData(podName="clinic", datasetNames=["patients"], instanceId="second"))
        assert rig.found(sent.route.task_id).row.state == State.RUNNING  # the same run, after a reload
        await rig.pod.pod_connect(pb.PodData(podName="clinic", datasetNames=["patients"], instanceId="third"))
        await rig.comes_to(sent, State.INTERRUPTED)
        heard = await rig.heard(sent, "TASK_ABORT")
        assert "It was not repeated" in heard[-1].value["message"]

    tell_proxied(network, story)


def test_what_cannot_be_kept_is_not_acknowledged_and_comes_again(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    """The disk is full when a request comes: the network keeps it, and it is captured once there is room."""

    async def story(rig: Any) -> None:
        database = sqlite3.connect(rig.store.path)
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON request_sealed BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        database.commit()
        sent = await rig.send("sql")
        for _ in range(4):
            assert await rig.poll() is None
        assert service.by_task(rig.store, sent.route.task_id) is None
        assert rig.gate.seen.store_problems["intake"]
        database.execute("DROP TRIGGER full")
        database.commit()
        database.close()
        await rig.comes_to(sent, State.HELD)
        assert rig.gate.seen.summary()["captured"] == 1
        assert "intake" not in rig.gate.seen.store_problems

    tell_proxied(network, story)


def test_a_result_waits_until_a_person_has_seen_it(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        request_id = rig.found(sent.route.task_id).row.id
        for number in (1, 2):
            await rig.say(messages.evaluation_results, task, {"sex": ["F", "M"], "n": [number, 0]})
        await rig.say(messages.batches_complete, task)
        assert await rig.silence(sent) == ["JOB_ACCEPT"]
        assert rig.found(sent.route.task_id).row.state == State.RUNNING
        waits = results.waiting(rig.store)
        assert [each.kind for each in waits] == ["EVALUATION_RESULTS", "EVALUATION_RESULTS", "BATCHES_COMPLETE"]
        body = pb.BitfountMessage.FromString(waits[0].wire).body
        content = content_of(codec.open_session(task.opened.session_key, body))
        assert (content.rows, content.columns) == (2, ("sex", "n"))
        assert content.sample[0] == {"sex": "F", "n": "1"}
        results.release(rig.store, CLOCK, request_id, "anna")
        rig.gate.nudge()
        heard = await rig.heard(sent, "BATCHES_COMPLETE")
        assert [one.kind for one in heard] == ["EVALUATION_RESULTS", "EVALUATION_RESULTS", "BATCHES_COMPLETE"]
        assert [one.value["n"][0] for one in heard[:2]] == [1, 2]
        await rig.comes_to(sent, State.FINISHED)
        assert results.waiting(rig.store) == ()
        with pytest.raises(Refused, match="No result"):
            results.release(rig.store, CLOCK, request_id, "anna")

    tell_both(network, story, see_results=True)


def test_a_result_that_is_said_again_goes_once_whether_it_waits_or_has_gone(
    network: Any, tell_both: Callable[..., None]
) -> None:
    """Its answer was lost on the way to the pod: it is answered again, counted once and sent once."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running("inference")
        key, now = task.opened.session_key, CLOCK.now()
        first, second = (
            messages.evaluation_results(task.route, key, now, {"n": [number]}, [(MODEL, 3.0)]) for number in (1, 2)
        )
        for message in (first, first, second):
            await rig.pod.send(message)
        request_id = rig.found(sent.route.task_id).row.id
        assert len(results.waiting(rig.store)) == 2
        results.release(rig.store, CLOCK, request_id, "anna")
        rig.gate.nudge()
        await rig.until(lambda: not results.released(rig.store), "both have gone")
        for message in (first, second, first):
            await rig.pod.send(message)
        assert results.waiting(rig.store) == results.released(rig.store) == ()
        rig.settings["see_results"] = False  # nor does it pass because the custodian wants to see nothing any more
        await rig.pod.send(second)
        await rig.say(messages.batches_complete, task)
        heard = await rig.heard(sent, "BATCHES_COMPLETE")
        assert [one.value["n"][0] for one in heard if one.kind == "EVALUATION_RESULTS"] == [1, 2]
        assert rig.used() == 6.0
        left = [each for each in listing(rig.store, request_id) if each.type == MessageType.EVALUATION_RESULTS]
        assert [each.outcome for each in left] == [PASSED, PASSED]

    tell_both(network, story, see_results=True)


@pytest.mark.parametrize("kind", [STOP, WITHHOLD])
def test_a_task_is_stopped_whose_beginning_the_pod_has_not_heard_to_be_allowed(
    own_network: Any, tell_proxied: Callable[..., None], kind: str
) -> None:
    """It says it again, as its software does until it is answered: that is no wrong, and it hears to stop."""

    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        rig.approve(await rig.comes_to(sent, State.HELD))
        task = await rig.take()
        accept = messages.job_accept(task.route, task.opened.session_key, CLOCK.now())
        await anyio.to_thread.run_sync(own_network.stop)
        with pytest.raises(Unavailable):
            await rig.pod.send(accept)
        running = await rig.comes_to(sent, State.RUNNING)
        wish(rig.store, CLOCK, running.row.id, kind, "The board objects.", "anna")
        rig.gate.nudge()
        await rig.comes_to(sent, State.STOPPED)
        await rig.pod.send(accept)
        with pytest.raises(Refused):  # another beginning is one
            await rig.say(messages.job_accept, task)
        await rig.say(messages.preparing_data, task, 1)
        where = pb.CommunicationDetails(mailboxId=task.route.pod_mailbox, taskId=task.route.task_id)
        word = await rig.pod.get(where)
        assert word.messageType == MessageType.TASK_CANCEL
        await anyio.to_thread.run_sync(own_network.start)
        heard = await rig.heard(sent, "TASK_ABORT")
        assert [one.kind for one in heard] == ["TASK_ABORT"], "nothing of it has left"
        assert rig.acts(running).count("request.started") == 1

    tell_proxied(own_network, story)


def test_a_result_that_was_seen_can_be_withheld(network: Any, tell_proxied: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        await rig.say(messages.evaluation_results, task, {"name": ["Jane Doe"]})
        await rig.say(messages.batches_complete, task)
        wish(rig.store, CLOCK, rig.found(sent.route.task_id).row.id, WITHHOLD, "These are names.", "anna")
        rig.gate.nudge()
        word = None
        where = pb.CommunicationDetails(mailboxId=task.route.pod_mailbox, taskId=task.route.task_id)
        while word is None:
            word = await rig.pod.get(where)
        assert word.messageType == MessageType.TASK_COMPLETE  # the pod has no worker any more and waits for its end
        heard = await rig.heard(sent, "TASK_ABORT")
        assert [one.kind for one in heard] == ["JOB_ACCEPT", "TASK_ABORT"]
        assert "These are names." in heard[-1].value["message"]
        assert results.waiting(rig.store) == results.released(rig.store) == ()
        with pytest.raises(Refused):
            results.release(rig.store, CLOCK, rig.found(sent.route.task_id).row.id, "anna")

    tell_proxied(network, story, see_results=True)


def test_a_gate_that_is_killed_while_a_task_runs_is_found_again_by_the_pod(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    """Port, authority, receipts and session keys come from the store: the pod notices an outage and nothing else."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        old = rig.gate
        await old.proxy.stop()
        await old.relay.stop()
        places, shown = old.places, OfThePod(CLOCK)
        upstream = replace(old.ports.upstream, credentials=shown, rooms=Rooms(places))
        fresh = ProxyGate(replace(old.ports, upstream=upstream), places, shown, old.authority, lambda: None)
        async with anyio.create_task_group() as group:
            await group.start(fresh.run)
            assert fresh.address == old.address
            await rig.say(messages.evaluation_results, task, {"n": 1})
            await rig.say(messages.batches_complete, task)
            heard = await rig.heard(sent, "BATCHES_COMPLETE")
            assert [one.kind for one in heard] == ["JOB_ACCEPT", "EVALUATION_RESULTS", "BATCHES_COMPLETE"]
            assert heard[1].value == {"n": 1}
            group.cancel_scope.cancel()

    tell_proxied(network, story)


def test_a_task_that_came_to_the_pod_by_another_way_is_an_alarm(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    """Two gates for one pod: what another one has taken from the network, this one has never decided on."""

    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        other = MessageServiceClient.open(
            network.address.message_service, tls=False, metadata=tuple(rig.settings["headers"].items())
        )
        async with other:
            taken = None
            while taken is None:
                taken = await other.get()
            await other.acknowledge(taken.recipientMailboxId, taken.receiptHandle)
            route, key = messages.route_of(taken), sent.session_key
            await other.send(messages.job_accept(route, key, CLOCK.now()))
        heard = await rig.heard(sent, "JOB_ACCEPT")
        await rig.requester.cancel(sent)
        assert heard
        assert not rig.gate.seen.alarm
        while await rig.pod.get(pb.CommunicationDetails(mailboxId=route.pod_mailbox)) is None:
            continue
        assert "did not come through this gate" in rig.gate.seen.alarm
        with pytest.raises(Refused):  # and nothing that it brings leaves through this one
            await rig.pod.send(messages.evaluation_results(route, key, CLOCK.now(), {"n": 1}))

    tell_proxied(network, story)
