"""Code in the worker that wants data out past the rules: in words of progress, in heads, in last words, to others.

A custodian who wants to see results first, or limits their rows, must not be gone around by a message of another kind.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from podadmin.core.clock import SystemClock
from podadmin.core.errors import Refused
from podadmin.gate import outgoing, results
from podadmin.gate.outgoing import PASSED, REFUSED, WITHHELD
from podadmin.gate.words import MOST_HEAD, MOST_LOGGED, MOST_QUESTION, MOST_TEXT
from podadmin.networks.bitfount import codec, messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.types import MessageType
from podadmin.requests import rule_service
from podadmin.requests.rules import draft

CLOCK = SystemClock()
RECORDS = {"name": os.urandom(4000).hex()}


def said(task: Any, kind: MessageType, value: object) -> pb.BitfountMessage:
    return messages.from_pod(task.route, kind, task.opened.session_key, value, CLOCK.now())


async def kept_back(rig: Any, message: pb.BitfountMessage) -> None:
    with pytest.raises(Refused):
        await rig.pod.send(message)


def outcomes(rig: Any, sent: Any, kind: MessageType) -> list[str]:
    rig.gate.relay.outgoing.write(rig.store)
    listed = outgoing.listing(rig.store, rig.found(sent.route.task_id).row.id)
    return [each.outcome for each in listed if each.type == kind]


def test_words_of_progress_carry_no_data(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        other = await rig.send("rows")
        for kind in (MessageType.NUMBER_OF_BATCHES, MessageType.TASK_START, MessageType.BATCHES_COMPLETE):
            await kept_back(rig, said(task, kind, RECORDS))
        await kept_back(rig, said(task, MessageType.LOG_MESSAGE, {"msg": os.urandom(MOST_TEXT).hex()}))
        word = said(task, MessageType.PREPARING_DATA, None)
        await kept_back(rig, messages.with_body(word, codec.pack_plain("https://store.example/left")))
        hidden = pb.BitfountMessage.FromString(word.SerializeToString() + b"\xfa\x07\xff\x7f" + b"x" * 16383)
        await kept_back(rig, hidden)  # field 127, which no version knows
        for kind in (MessageType.PREPARING_DATA, MessageType.LOG_MESSAGE, MessageType.BATCHES_COMPLETE):
            elsewhere = said(task, kind, None)
            elsewhere.recipientMailboxId = other.route.requester_mailbox
            await kept_back(rig, elsewhere)
        await rig.pod.send(word)
        elsewhere = said(task, MessageType.PREPARING_DATA, None)
        elsewhere.recipientMailboxId = other.route.requester_mailbox
        await kept_back(rig, elsewhere)  # a moment after one that was let out
        assert await rig.silence(other) == []
        assert await rig.silence(sent) == ["JOB_ACCEPT", "PREPARING_DATA"]
        assert outcomes(rig, sent, MessageType.PREPARING_DATA).count(REFUSED) == 4

    tell_both(network, story)


def test_no_other_call_carries_more_than_it_asks(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        names = pb.PodData(podName="clinic", datasetNames=["patients", "x" * MOST_QUESTION], instanceId="test")
        hidden = b"\xfa\x07\xff\xff\x07" + b"x" * 131_071  # field 127, which no version knows
        where = pb.CommunicationDetails(mailboxId=task.route.pod_mailbox).SerializeToString()
        done = pb.Acknowledgement(mailboxId=task.route.pod_mailbox, receiptHandle="r").SerializeToString()
        room = pb.LargeStorageRequest(senderMailboxId=task.route.pod_mailbox, taskId=sent.route.task_id, contentSize=1)
        for name, data in (
            ("PodConnect", names.SerializeToString()),
            ("GetBitfountMessage", hidden),
            ("GetBitfountMessage", where + hidden),
            ("AcknowledgeMessage", done + hidden),
            ("GetLargeObjectStorage", room.SerializeToString() + hidden),
        ):
            with pytest.raises(Refused):
                await rig.pod.call_raw(name, data)
        await rig.pod.pod_connect(pb.PodData(podName="clinic", datasetNames=["patients"] * 500, instanceId="test"))

    tell_both(network, story)


def test_a_log_is_no_way_around_the_rows_that_a_task_may_bring(network: Any, tell_both: Callable[..., None]) -> None:
    """What is beyond the most of a task stays here; the pod is told nothing, and its task goes on."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        size = MOST_TEXT // 4
        for _ in range(MOST_LOGGED // size + 2):
            await rig.pod.send(said(task, MessageType.LOG_MESSAGE, {"msg": os.urandom(size).hex()}))
        await rig.say(messages.batches_complete, task)
        heard = await rig.heard(sent, "BATCHES_COMPLETE")
        assert 1 < [each.kind for each in heard].count("LOG_MESSAGE") <= MOST_LOGGED // size
        assert sum(len(each.message.body) for each in heard if each.kind == "LOG_MESSAGE") <= MOST_LOGGED
        assert {PASSED, WITHHELD} == set(outcomes(rig, sent, MessageType.LOG_MESSAGE))

    tell_both(network, story)


def test_where_results_are_seen_first_no_free_words_go_before_them(
    network: Any, tell_both: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        wanted = draft("See it first", "look", {}, results={"rows": "more-than: 1000"})
        rule_service.add(rig.store, CLOCK, "anna", wanted, "The board wants to see such results.")
        sent, task = await rig.running()
        await rig.pod.send(said(task, MessageType.LOG_MESSAGE, {"msg": "Jane Doe has glaucoma"}))
        await rig.say(messages.number_of_batches, task, 3)
        assert await rig.silence(sent) == ["JOB_ACCEPT", "NUMBER_OF_BATCHES"]
        assert outcomes(rig, sent, MessageType.LOG_MESSAGE) == [WITHHELD]

    tell_both(network, story)


def test_a_result_hides_nothing_beside_its_body(network: Any, tell_both: Callable[..., None]) -> None:
    """The custodian sees what is in the body; what stands beside it leaves unseen and unsealed."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        result = messages.evaluation_results(task.route, task.opened.session_key, CLOCK.now(), {"n": 1})
        noted = pb.BitfountMessage()
        noted.CopyFrom(result)
        noted.messageMetadata.taskNotification.message = "Jane Doe, " * (MOST_HEAD // 8)
        await kept_back(rig, noted)
        await kept_back(
            rig, pb.BitfountMessage.FromString(result.SerializeToString() + b"\xfa\x07\xff\x7f" + b"x" * 16383)
        )
        await rig.pod.send(result)
        assert await rig.silence(sent) == ["JOB_ACCEPT", "EVALUATION_RESULTS"]

    tell_both(network, story)


def test_the_last_word_of_a_task_is_short(network: Any, tell_both: Callable[..., None]) -> None:
    """It may say why the pod ended the task, in a sentence; a page of text can be a page of records."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        await rig.say(messages.task_abort, task, "Jane Doe, 1950-01-01; " * 40)
        heard = await rig.heard(sent, "TASK_ABORT")
        assert "Jane" not in str(heard[-1].value)
        assert "Its custodian can see which" in heard[-1].value["message"]
        rig.gate.relay.outgoing.write(rig.store)
        found = rig.found(sent.route.task_id)
        assert found.row.state == "failed"

    tell_both(network, story)


@pytest.mark.parametrize(
    "kind", [MessageType.MODEL_PARAMETERS, MessageType.TRAINING_METRICS, MessageType.ALGORITHM_EXCHANGE]
)
def test_what_a_training_carries_waits_like_its_updates(
    network: Any, tell_proxied: Callable[..., None], kind: MessageType
) -> None:
    """Rows under another type than a result are held as well; what follows the first that was let go is no larger."""

    async def story(rig: Any) -> None:
        wanted = draft("See it first", "look", {}, results={"every": "is: result"})
        rule_service.add(rig.store, CLOCK, "anna", wanted, "The board wants to see such results.")
        sent, task = await rig.training()
        request_id = rig.found(sent.route.task_id).row.id
        await rig.pod.send(said(task, kind, RECORDS))
        (waits,) = results.waiting(rig.store, request_id)
        assert waits.kind == kind.name
        assert await rig.silence(sent) == ["JOB_ACCEPT"]
        results.release(rig.store, CLOCK, request_id, "anna")
        rig.gate.nudge()
        await rig.heard(sent, kind.name)
        await rig.pod.send(said(task, kind, {"w": os.urandom(4100).hex()}))
        await rig.heard(sent, kind.name)
        await rig.pod.send(said(task, kind, {"w": os.urandom(40_000).hex()}))
        assert len(results.waiting(rig.store, request_id)) == 1
        stranger = said(task, MessageType.SECURE_SHARE, {"w": 1})
        stranger.recipientMailboxId = "a-mailbox-of-nobody-in-this-task"
        await kept_back(rig, stranger)

    tell_proxied(network, story)
