"""What the relay lets to the pod and what it lets out: a pod that keeps to the rules, and one that does not."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from podadmin.core.clock import SystemClock
from podadmin.core.errors import NotFound, Refused, Tampered, Unavailable
from podadmin.gate.proxy_gate import ProxyGate
from podadmin.limits import service as limits
from podadmin.limits.own import Scope
from podadmin.networks.bitfount import messages, references
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient, api_key_metadata
from podadmin.networks.bitfount.types import MessageType, PodResponseType, Reason
from podadmin.networks.local import demo_tasks
from podadmin.networks.local.ledger import Ledger
from podadmin.requests.state import State
from podadmin.store.unit import Fact
from tests.gate.jumping_clock import JumpingClock

MODEL = "research-lab/hba1c-risk:1"
SOURCE = "patients"
CLOCK = SystemClock()


async def refused(sending: Awaitable[object], code: str = "network.not-let") -> None:
    """The pod is told that it may not."""
    with pytest.raises(Refused) as caught:
        await sending
    assert caught.value.code == code


def test_a_pod_without_the_right_credential_gets_nothing_and_says_nothing(
    network: Any, tell: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        rig.approve(await rig.comes_to(sent, State.HELD))
        address = f"127.0.0.1:{rig.gate.relay.port}"
        for metadata in ((), api_key_metadata("gate-id", "wrong"), api_key_metadata("other", "gate-key")):
            async with MessageServiceClient.open(address, tls=False, metadata=metadata) as stranger:
                await refused(stranger.get(), "network.not-allowed")
                await refused(stranger.get(pb.CommunicationDetails(mailboxId="m")), "network.not-allowed")
                await refused(stranger.pod_connect(pb.PodData(podName="clinic")), "network.not-allowed")
                await refused(stranger.acknowledge("m", "gate:x"), "network.not-allowed")
                await refused(
                    stranger.send(pb.BitfountMessage(messageType=3, taskId=sent.route.task_id)), "network.not-allowed"
                )
                await refused(
                    stranger.get_large_object_storage(pb.LargeStorageRequest(taskId=sent.route.task_id)),
                    "network.not-allowed",
                )
        assert rig.found(sent.route.task_id).row.state == State.APPROVED
        assert (await rig.take()).route.task_id == sent.route.task_id

    tell(network, story)


def test_an_idle_poll_ends_in_its_time_and_is_woken_by_a_decision(network: Any, tell: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        started = CLOCK.monotonic()
        assert await rig.poll() is None
        assert CLOCK.monotonic() - started < 20.0  # a pod gives a call up after 20 s
        sent = await rig.send("sql")
        held = await rig.comes_to(sent, State.HELD)
        poll = asyncio.create_task(rig.poll())
        rig.approve(held)
        message = await poll
        assert message.taskId == sent.route.task_id
        # the body stands inline, the time is new, and the receipt is the gate's own
        assert references.reference_in(message.body) is None
        assert message.body == sent.body
        assert message.receiptHandle == f"gate:{held.row.id}"
        assert messages.route_of(message) == sent.route

    tell(network, story)


def test_a_task_begins_once_and_says_nothing_before(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        held = await rig.comes_to(sent, State.HELD)
        rig.approve(held)
        task = await rig.take()
        for build, words in (
            (messages.evaluation_results, ({"n": 1},)),
            (messages.batches_complete, ()),
            (messages.task_start, ()),
            (messages.task_abort, ("no",)),
        ):
            await refused(rig.say(build, task, *words))
        await refused(
            rig.pod.get_large_object_storage(
                pb.LargeStorageRequest(senderMailboxId=task.route.pod_mailbox, contentSize=5, taskId=task.route.task_id)
            )
        )
        assert rig.used() == 0
        await rig.say(messages.job_accept, task)
        await refused(rig.say(messages.job_accept, task))
        await refused(rig.say(messages.job_reject, task))
        assert rig.acts(held).count("request.started") == 1
        assert await rig.silence(sent) == ["JOB_ACCEPT"]

    tell_both(network, story)


def test_what_was_not_decided_on_does_not_leave(network: Any, tell_both: Callable[..., None]) -> None:
    """Types that are not part of a task of these kinds, tasks that nobody knows, tasks that have ended."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        key, now = task.opened.session_key, CLOCK.now()
        allowed = {
            MessageType.PREPARING_DATA, MessageType.CONFIGURING_TASK, MessageType.PREPARING_DATA_BATCHES,
            MessageType.NUMBER_OF_BATCHES, MessageType.TASK_START, MessageType.CURRENT_BATCH_ID,
            MessageType.LOG_MESSAGE, MessageType.ONLINE_CHECK, MessageType.EVALUATION_RESULTS,
            MessageType.BATCHES_COMPLETE, MessageType.TASK_ABORT, MessageType.JOB_ACCEPT, MessageType.JOB_REJECT,
        }  # fmt: skip
        if rig.proxied:
            # a real pod says that it is there when it is asked; the built-in worker is not asked
            allowed.add(MessageType.ONLINE_RESPONSE)
        for kind in MessageType:
            if kind not in allowed:
                await refused(rig.pod.send(messages.from_pod(task.route, kind, key, {"x": 1}, now)))
        unknown = messages.from_pod(task.route, MessageType.LOG_MESSAGE, key, {"x": 1}, now)
        unknown.messageType = 57  # type: ignore[assignment]
        await refused(rig.pod.send(unknown))
        elsewhere = messages.evaluation_results(task.route, key, now, {"n": 1})
        elsewhere.taskId = "no-such-task"
        await refused(rig.pod.send(elsewhere))
        await rig.say(messages.batches_complete, task)
        await rig.comes_to(sent, State.FINISHED)
        await refused(rig.say(messages.evaluation_results, task, {"n": 1}))
        assert [one.kind for one in await rig.heard(sent, "BATCHES_COMPLETE")] == ["JOB_ACCEPT", "BATCHES_COMPLETE"]

    tell_both(network, story)


def test_a_good_task_passes_byte_for_byte_and_in_order(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running("inference")
        await rig.say(messages.preparing_data, task, 2)
        await rig.say(messages.configuring_task, task, 3)
        await rig.say(messages.number_of_batches, task, 1, 4)
        await rig.say(messages.task_start, task, 5)
        result = messages.evaluation_results(
            task.route, task.opened.session_key, CLOCK.now(), {"risk": [0.5]}, used=((MODEL, 40.0),)
        )
        result.messageMetadata.taskNotification.message = "kept"
        await rig.pod.send(result)
        await rig.say(messages.batches_complete, task, 6)
        heard = await rig.heard(sent, "BATCHES_COMPLETE")
        assert [one.kind for one in heard] == [
            "JOB_ACCEPT", "PREPARING_DATA", "CONFIGURING_TASK", "NUMBER_OF_BATCHES", "TASK_START",
            "EVALUATION_RESULTS", "BATCHES_COMPLETE",
        ]  # fmt: skip
        assert heard[5].message.body == result.body
        assert heard[5].message.messageMetadata == result.messageMetadata
        assert heard[6].message.sequenceNumber == 6
        assert (rig.used(), rig.promised()) == (40, 0)

    tell_both(network, story)


def test_a_large_result_goes_through_the_object_store(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        result = messages.evaluation_results(
            task.route, task.opened.session_key, CLOCK.now(), {"noise": os.urandom(200_000)}
        )
        await rig.send_large(result)
        heard = await rig.heard(sent, "EVALUATION_RESULTS")
        assert len(heard[-1].value["noise"]) == 200_000

    tell_both(network, story)


def test_the_same_result_twice_is_counted_once(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running("inference")
        result = messages.evaluation_results(
            task.route, task.opened.session_key, CLOCK.now(), {"risk": [0.5]}, used=((MODEL, 30.0),)
        )
        await rig.pod.send(result)
        await rig.pod.send(result)
        assert rig.used() == 30
        assert [act for act, _ in rig.entries(MODEL)] == ["limit.used"]
        await rig.say(messages.batches_complete, task)
        await rig.comes_to(sent, State.FINISHED)
        assert (rig.used(), rig.promised()) == (30, 0)

    tell_both(network, story)


def test_an_amount_that_cannot_be_lets_nothing_out(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running("inference")
        for amount in (-1.0, float("nan"), float("inf")):
            await refused(rig.say(messages.evaluation_results, task, {"risk": []}, used=((MODEL, amount),)))
        assert rig.used() == 0
        assert rig.found(sent.route.task_id).row.state == State.RUNNING

    tell_both(network, story)


@pytest.mark.parametrize(
    ("used", "words"),
    [
        ((("other/Model:1", 5.0), (MODEL, 51.0)), "the limit is 50"),
        ((("other/Model:1", 5.0),), "does not say how many inferences"),
        ((), "does not say how many inferences"),
    ],
)
def test_a_result_over_the_limit_or_of_untold_use_stays_here_and_both_sides_are_told(
    network: Any, tell_both: Callable[..., None], used: tuple[tuple[str, float], ...], words: str
) -> None:
    """The limit of this project is 50, and the pod says that it used 51, or only a second model, or nothing at all."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running("inference", project="small")
        where = pb.CommunicationDetails(mailboxId=task.route.pod_mailbox)

        async def stopped() -> pb.BitfountMessage:
            while True:
                message = await rig.pod.get(where)
                if message is not None:
                    return message

        mailbox = asyncio.create_task(stopped())
        started = CLOCK.monotonic()
        said = asyncio.create_task(rig.say(messages.evaluation_results, task, {"risk": [0.5] * 51}, used=used))
        cancel = await mailbox
        assert cancel.messageType == MessageType.TASK_CANCEL
        if isinstance(rig.gate, ProxyGate):
            assert not said.done(), "answered, the worker of a real pod would go on"
            said.cancel()  # the pod ends its worker, and the worker's call with it
            with contextlib.suppress(asyncio.CancelledError):
                await said
        else:
            await said
        assert CLOCK.monotonic() - started < 20.0  # inside the time after which a pod gives the call up
        await rig.pod.acknowledge(task.route.pod_mailbox, cancel.receiptHandle)
        found = await rig.comes_to(sent, State.STOPPED)
        heard = await rig.heard(sent, "TASK_ABORT")
        assert [one.kind for one in heard] == ["JOB_ACCEPT", "TASK_ABORT"]
        assert words in heard[-1].value["message"]
        assert messages.reason_of(heard[-1].message) is Reason.LIMITS_EXCEEDED
        assert rig.used() == 0
        assert rig.promised() == 0
        result = next(body for act, body in rig.entries(found.row.id) if act == "request.result")
        assert result["withheld"] is True
        assert result["state"] == "stopped"
        for late in (
            rig.say(messages.evaluation_results, task, {"risk": [0.5]}, used=((MODEL, 1.0),)),
            rig.say(messages.task_abort, task, "stopped", Reason.CANCELLED_BY_MODELLER),
        ):
            if isinstance(rig.gate, ProxyGate):
                await late  # a real pod is let end in peace; what it says goes nowhere
            else:
                await refused(late)
        assert await rig.silence(sent) == []
        assert rig.used() == 0

    tell_both(network, story, records=50)


def test_what_the_pod_says_at_its_end_reaches_the_requester(network: Any, tell: Callable[..., None]) -> None:
    """A rejection with its words, an abort, an abort at the limit: each ends the request as what it is."""

    async def story(rig: Any) -> None:
        sent = await rig.send("unknown")
        rig.approve(await rig.comes_to(sent, State.HELD))
        task = await rig.take()
        await rig.say(messages.log_message, task, "I do not know this task.")
        await rig.say(messages.job_reject, task, PodResponseType.TASK_SETUP_ERROR, ("I do not know this task.",))
        heard = await rig.heard(sent, "JOB_REJECT")
        assert [one.kind for one in heard] == ["LOG_MESSAGE", "JOB_REJECT"]
        assert messages.reject_texts(heard[1].value) == {"TASK_SETUP_ERROR": ("I do not know this task.",)}
        await rig.comes_to(sent, State.FAILED)
        for reason, state in (
            (Reason.WORKER_ERROR, State.FAILED),
            (Reason.LIMITS_EXCEEDED, State.STOPPED),
            (None, State.FAILED),
        ):
            sent, task = await rig.running()
            await rig.say(messages.task_abort, task, "It went wrong.", reason)
            heard = await rig.heard(sent, "TASK_ABORT")
            assert heard[-1].value["message"] == "It went wrong."
            found = await rig.comes_to(sent, state)
            await rig.until(lambda now=found: "request.answered" in rig.acts(now), "the record that it was sent")
        assert rig.promised() == 0

    tell(network, story)


def test_a_paused_pod_gets_nothing_until_it_is_resumed(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        rig.approve(await rig.comes_to(sent, State.HELD))
        await rig.nothing_comes()
        assert rig.found(sent.route.task_id).row.state == State.APPROVED
        rig.settings["paused"] = False
        assert (await rig.take()).route.task_id == sent.route.task_id

    tell_both(network, story, paused=True)


def test_what_the_pod_did_not_acknowledge_comes_again_and_what_it_did_does_not(
    network: Any, tell_both: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        rig.approve(await rig.comes_to(sent, State.HELD))
        rig.gate.relay.deliveries.redeliver_seconds = 0.0
        first = await rig.poll()
        again = await rig.poll()
        assert first.taskId == again.taskId == sent.route.task_id
        assert first.receiptHandle == again.receiptHandle
        await rig.pod.acknowledge(again.recipientMailboxId, again.receiptHandle)
        await rig.nothing_comes()
        found = rig.found(sent.route.task_id)
        assert rig.acts(found).count("request.delivering") == 1

    tell_both(network, story)


def test_refused_held_and_lapsed_requests_are_told_so(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        rig.refuse(await rig.comes_to(sent, State.HELD), "Not before the board has met.")
        heard = await rig.heard(sent, "JOB_REJECT")
        assert heard[0].value["msg"].startswith("Not before the board has met.\nReceipt R-")
        assert messages.reject_texts(heard[1].value) == {"UNAUTHORISED": (heard[0].value["msg"],)}
        rig.settings["window"] = 0.3
        sent = await rig.send("sql")
        found = await rig.comes_to(sent, State.LAPSED)
        heard = await rig.heard(sent, "JOB_REJECT")
        assert found.row.reference in heard[0].value["msg"]
        await rig.nothing_comes()

    tell_both(network, story)


def test_a_locked_key_leaves_requests_captured_and_they_are_opened_when_it_is_there(
    network: Any, tell_both: Callable[..., None]
) -> None:
    """Locked, and a key file that was changed: neither is the fault of the request."""

    async def story(rig: Any) -> None:
        sent = [await rig.send("sql"), await rig.send("rows")]
        for one in sent:
            await rig.comes_to(one, State.CAPTURED)
        await rig.until(lambda: rig.gate.seen.key_problem == "Locked.", "the screen says that the key is locked")
        rig.settings["key_problem"] = Tampered("vault.key-file-changed", "Changed.", "y", "z")
        await rig.until(lambda: rig.gate.seen.key_problem == "Changed.", "the screen says that the key is changed")
        assert all(rig.found(one.route.task_id).row.state == State.CAPTURED for one in sent)
        del rig.settings["key_problem"]
        for one in sent:
            await rig.comes_to(one, State.HELD)
        assert rig.gate.seen.key_problem == ""

    tell_both(network, story, key_problem=Unavailable("vault.locked", "Locked.", "y", "z"))


def test_a_network_that_goes_away_in_the_middle_costs_no_answer(
    own_network: Any, tell_both: Callable[..., None]
) -> None:
    """Refused while the network is down: the words go out when it is back. An accept that was lost may be repeated."""

    async def story(rig: Any) -> None:
        first = await rig.send("sql")
        held = await rig.comes_to(first, State.HELD)
        second = await rig.send("rows")
        rig.approve(await rig.comes_to(second, State.HELD))
        task = await rig.take()
        await asyncio.to_thread(own_network.stop)
        rig.refuse(held, "Not now.")
        accept = messages.job_accept(task.route, task.opened.session_key, CLOCK.now())
        with pytest.raises(Unavailable):
            await rig.pod.send(accept)
        assert rig.found(second.route.task_id).row.state == State.RUNNING
        other = messages.job_accept(task.route, task.opened.session_key, CLOCK.now())
        await refused(rig.pod.send(other))  # only the very same message is the same beginning
        await asyncio.to_thread(own_network.start)

        async def again() -> None:
            while True:
                try:
                    await rig.pod.send(accept)
                except Unavailable:
                    continue
                return

        await again()
        await rig.pod.send(accept)  # its answer was lost: it has gone out, and does not go again
        heard = await rig.heard(first, "JOB_REJECT")
        assert heard[0].value["msg"].startswith("Not now.\nReceipt R-")
        assert await rig.silence(second) == ["JOB_ACCEPT"]
        assert rig.acts(rig.found(second.route.task_id)).count("request.started") == 1

    tell_both(own_network, story)


# --- the access manager as the pod sees it ----------------------------------------------------------------------------


def test_access_is_answered_for_what_was_decided_and_for_nothing_else(network: Any, tell: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("inference", project="small")
        held = await rig.comes_to(sent, State.HELD)
        rig.approve(held)
        task = await rig.take()
        good = await rig.ask_access(task)
        assert good.status_code == 200
        assert good.json() == {
            "code": "ACCEPT",
            "limits": [{"resourceType": "MODEL_INFERENCE", "resourceName": MODEL, "limit": 50, "totalUsage": 0}],
        }
        assert (await rig.ask_access(task)).json() == good.json()  # a pod asks again, and hears the same
        no = {"code": "UNAUTHORISED", "limits": None}
        other = demo_tasks.protocol("rows", SOURCE)
        assert (await rig.ask_access(task, modellerProtocolRequest=other)).json() == no
        assert (await rig.ask_access(task, unsignedTask="AAAA")).json() == no
        for headers in (
            {},
            {"x-api-key-id": "gate-id", "x-api-key": "x"},
            {"x-api-key-id": "x", "x-api-key": "gate-key"},
        ):
            answer = await rig.ask_access(task, headers=headers)
            assert answer.status_code == 401
            assert "limits" not in answer.json()
        for changes in ({"unsignedTask": 5}, {"unsignedTask": "!"}, {"taskSignature": None}):
            assert (await rig.ask_access(task, **changes)).status_code == 400
        await rig.say(messages.job_accept, task)
        assert (await rig.ask_access(task)).json() == no  # it has begun: nothing may begin with it any more

    tell(network, story)


def test_the_pod_hears_of_the_limit_what_others_have_not_been_promised(
    network: Any, tell_both: Callable[..., None]
) -> None:
    """50 in all: 30 promised to a request that was approved later leave 20 for the one that runs."""

    async def story(rig: Any) -> None:
        first = await rig.send("inference", project="small")
        first_held = await rig.comes_to(first, State.HELD)
        second = await rig.send("inference", project="small")
        second_held = await rig.comes_to(second, State.HELD)
        rig.approve(first_held)
        rig.approve(second_held)
        assert rig.promised() == 50
        task = await rig.take()
        (limit,) = (await rig.ask_access(task)).json()["limits"]
        assert (limit["limit"], limit["totalUsage"]) == (50, 20)  # 30 are its own, 20 the other's
        third = await rig.send("inference", project="small")
        found = await rig.comes_to(third, State.INVALID)
        assert found.findings["code"] == "limit.exhausted"

    tell_both(network, story, records=30)


def test_a_limit_of_the_custodians_own_is_told_with_the_request_and_stops_the_next(
    network: Any, tell_both: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        with rig.store.record(Fact("anna", "limit.set", "")) as unit:
            scope = Scope(project="small")
            limits.set_limit(
                unit, scope=scope, period="total", amount=30, effect="stops", reason="few", by="anna", at=CLOCK.now()
            )
        first = await rig.comes_to(await rig.send("inference", project="small"), State.HELD)
        (told,) = first.findings["limits"]
        assert told["words"].endswith(
            "Your own limit, at most 30 inferences in all in the project small: 0 used and 30 free; it stops"
        )
        assert any("Your own limit, at most 30" in line["outcome"] for line in first.findings["trace"])
        rig.approve(first)
        second = await rig.comes_to(await rig.send("inference", project="small"), State.INVALID)
        assert second.findings["code"] == "limit.own-exhausted"
        assert "The custodian's limit for this use" in second.row.state_words

    tell_both(network, story, records=30)


def test_a_limit_of_a_model_that_a_task_does_not_run_is_nothing_to_it(network: Any, tell: Callable[..., None]) -> None:
    """The network tells the limits of the whole project, also to a task that counts records by SQL."""

    async def story(rig: Any) -> None:
        sent = await rig.send("sql", project="small")
        rig.approve(await rig.comes_to(sent, State.HELD))
        task = await rig.take()
        answer = (await rig.ask_access(task)).json()
        assert [each["resourceName"] for each in answer["limits"]] == [MODEL]
        assert rig.promised() == 0
        await rig.say(messages.job_accept, task)
        await rig.say(messages.task_start, task, 2)
        await rig.pod.send(
            messages.evaluation_results(task.route, task.opened.session_key, CLOCK.now(), {"records": [600]})
        )
        heard = await rig.heard(sent, "EVALUATION_RESULTS")
        assert heard[-1].kind == "EVALUATION_RESULTS"

    tell(network, story)


def test_the_networks_no_is_passed_on_and_its_silence_is_no_answer(own_network: Any, tell: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        rig.approve(await rig.comes_to(sent, State.HELD))
        task = await rig.take()
        rules = own_network.folder / "network.json"
        before = rules.read_text(encoding="utf-8")
        rules.write_text(before.replace('research-lab"]', 'nobody"]'), encoding="utf-8")
        assert (await rig.ask_access(task)).json() == {"code": "NO_ACCESS", "limits": None}
        await asyncio.to_thread(own_network.stop)
        started = CLOCK.monotonic()
        assert (await rig.ask_access(task)).status_code == 503
        assert CLOCK.monotonic() - started < 20.0
        assert rig.found(sent.route.task_id).row.state == State.DELIVERING

    tell(own_network, story)


def test_a_trigger_on_a_tasks_mailbox_never_reaches_the_pod(own_network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        _, task = await rig.running()
        await asyncio.to_thread(own_network.stop)
        ledger = Ledger(own_network.folder, CLOCK)
        trigger = pb.BitfountMessage(messageType=39, taskId="evil", recipientMailboxId=task.route.pod_mailbox)
        ledger.post(task.route.pod_mailbox, trigger.SerializeToString())
        ledger.close()
        await asyncio.to_thread(own_network.start)
        where = pb.CommunicationDetails(mailboxId=task.route.pod_mailbox)
        while not rig.gate.seen.summary().get("alarms"):
            try:
                assert await rig.pod.get(where) is None
            except Unavailable:
                continue
            except NotFound:
                continue

    tell_both(own_network, story)


def test_a_request_whose_access_nobody_answers_is_held_with_a_reference_in_the_end(
    network: Any, tell_both: Callable[..., None]
) -> None:
    """The access manager is out of reach while the message service works: nobody waits for ever."""
    clock = JumpingClock()

    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        assert (await rig.comes_to(sent, State.CAPTURED)).findings["sent_at"]
        clock.jump(300)
        found = await rig.comes_to(sent, State.LAPSED)
        # a real pod asks by itself before it begins, so that its gate need not have had an answer
        assert found.findings["code"] == ("request.undecided" if rig.proxied else "request.network-unanswered")
        heard = await rig.heard(sent, "JOB_REJECT")
        assert found.row.reference in heard[0].value["msg"]

    tell_both(network, story, access_manager="http://127.0.0.1:1", clock=clock)


def test_a_mailbox_that_is_not_the_pods_is_not_read(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql")
        with pytest.raises(Refused):
            await rig.pod.get(pb.CommunicationDetails(mailboxId=sent.route.requester_mailbox))
        with pytest.raises(NotFound) as caught:
            await rig.pod.get(pb.CommunicationDetails(mailboxId="nobody"))
        assert caught.value.code == "network.mailbox-gone"

    tell_both(network, story)
