"""What leaves is listed and limited: results that wait by a rule, each with its reason, and every message of a task."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import ssl
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest

from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError, Refused
from podadmin.gate import outgoing, results
from podadmin.gate.outgoing import HELD, PASSED, REFUSED, STRIPPED, WITHHELD, Left, title
from podadmin.gate.wishes import WITHHOLD, wish
from podadmin.networks.bitfount import codec, messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.places import Role
from podadmin.networks.bitfount.types import MessageType
from podadmin.requests import rule_service
from podadmin.requests.rules import draft
from podadmin.requests.state import State
from tests.spoilt import spoilt

CLOCK = SystemClock()
PROJECT = "glaucoma-study"
MODEL = "research-lab/hba1c-risk:1"
FEW = 20_000


def look(rig: Any, **texts: str) -> Any:
    """A rule that looks at the results of every request."""
    wanted = draft("See it first", "look", {}, results=texts)
    return rule_service.add(rig.store, CLOCK, "anna", wanted, "The board wants to see such results.")


async def listed(rig: Any, sent: Any, least: int) -> tuple[Left, ...]:
    """What left for a task, once so much was written down."""
    request_id = rig.found(sent.route.task_id).row.id

    def enough() -> tuple[Left, ...]:
        rig.gate.relay.outgoing.write(rig.store)
        found = outgoing.listing(rig.store, request_id)
        return found if len(found) >= least else ()

    return await rig.until(enough, f"{least} messages are listed")


def test_every_message_of_a_task_is_listed_with_what_it_held(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running("inference")
        await rig.say(messages.preparing_data, task)
        await rig.say(messages.number_of_batches, task, 3)
        await rig.say(messages.log_message, task, "Jane Doe was read")
        await rig.say(messages.evaluation_results, task, {"predictions": [0.1, 0.97531864]}, used=[(MODEL, 2.0)])
        await rig.say(messages.batches_complete, task)
        await rig.heard(sent, "BATCHES_COMPLETE")
        found = await listed(rig, sent, 6)
        kinds = [title(each) for each in found]
        assert kinds == [
            "JOB_ACCEPT", "PREPARING_DATA", "NUMBER_OF_BATCHES", "LOG_MESSAGE", "EVALUATION_RESULTS",
            "BATCHES_COMPLETE",
        ]  # fmt: skip
        assert {each.outcome for each in found} == {PASSED}
        assert {each.sealed for each in found} == {"session"}
        assert {each.recipient for each in found} == {"research-lab"}
        said = {title(each): each.what for each in found}
        assert said["NUMBER_OF_BATCHES"]["kind"] == "the number of batches: 3"
        assert said["LOG_MESSAGE"]["kind"] == "words for the requester's log: 17 characters"
        assert said["EVALUATION_RESULTS"]["columns"] == ["predictions"]
        assert said["EVALUATION_RESULTS"]["consumed"] == [[MODEL, 2.0]]
        assert found[4].rows == 2
        with rig.store.read() as connection:
            kept = " ".join(str(row) for row in connection.execute(outgoing.table.select()))
        assert "Jane" not in kept
        assert "0.97531864" not in kept
        told = [body for act, body in rig.entries(rig.found(sent.route.task_id).row.id) if act == "request.listed"]
        assert sum(each["messages"] for each in told) == 5  # the result has an entry of its own
        assert rig.acts(rig.found(sent.route.task_id)).count("request.result") == 1

    tell_both(network, story)


def test_a_result_that_is_not_what_was_promised_waits_and_says_why(
    network: Any, tell_both: Callable[..., None]
) -> None:
    """A count was promised; rows come. They wait, the next one behind them, and go in their order once let go."""

    async def story(rig: Any) -> None:
        rule = look(rig, promise="any: rows, columns, level")
        sent, task = await rig.running()
        request_id = rig.found(sent.route.task_id).row.id
        await rig.say(messages.evaluation_results, task, {"name": ["Jane Doe"] * 200})
        await rig.say(messages.evaluation_results, task, {"records": [40]})
        await rig.say(messages.batches_complete, task)
        assert await rig.silence(sent) == ["JOB_ACCEPT"]
        waits = results.waiting(rig.store, request_id)
        assert "Rule “See it first”: Promised at most 1 row, found 200." in waits[0].reasons
        assert any("found the column “name” as well" in each for each in waits[0].reasons)
        assert any("201 with the results before it" in each for each in waits[1].reasons)
        assert [each.outcome for each in await listed(rig, sent, 3)][1:] == [HELD, HELD]
        held = [body for act, body in rig.entries(request_id) if act == "gate.result-held"]
        assert held[0]["rules"] == [rule.mark]
        assert "Promised at most 1 row, found 200." in held[0]["reasons"]
        results.release(rig.store, CLOCK, request_id, "anna")
        rig.gate.nudge()
        heard = await rig.heard(sent, "BATCHES_COMPLETE")
        assert [len(next(iter(one.value.values()))) for one in heard[:2]] == [200, 1]
        assert [each.outcome for each in await listed(rig, sent, 4)][1:] == [PASSED] * 3

    tell_both(network, story)


def test_what_came_while_one_looked_does_not_go_with_what_was_looked_at(
    network: Any, tell_both: Callable[..., None]
) -> None:
    """Three results wait, and the word that all were sent. Each goes with what was before it, and with nothing more."""

    async def story(rig: Any) -> None:
        look(rig, every="is: result")
        sent, task = await rig.running()
        request_id = rig.found(sent.route.task_id).row.id
        for number in (1, 2, 3):
            await rig.say(messages.evaluation_results, task, {"records": [number]})
        await rig.say(messages.batches_complete, task)
        first, second, third, word = results.waiting(rig.store, request_id)
        assert [bool(each.reasons) for each in (first, second, third, word)] == [True, True, True, False]
        gone = results.release(rig.store, CLOCK, request_id, "anna", first.id)
        assert (gone.messages, gone.still) == (1, 2)
        rig.gate.nudge()
        heard = await rig.heard(sent, "EVALUATION_RESULTS")
        assert heard[-1].value == {"records": [1]}
        assert [each.id for each in results.waiting(rig.store, request_id)] == [second.id, third.id, word.id]
        with pytest.raises(Refused) as refused:
            results.release(rig.store, CLOCK, request_id, "anna", first.id)
        assert refused.value.code == "gate.nothing-held", "it has gone; nothing else goes in its place"
        gone = results.release(rig.store, CLOCK, request_id, "anna", third.id)
        assert (gone.messages, gone.still) == (3, 0), "the word that follows has nothing of its own to be seen"
        rig.gate.nudge()
        heard = await rig.heard(sent, "BATCHES_COMPLETE")
        assert [each.value for each in heard[:2]] == [{"records": [2]}, {"records": [3]}]
        told = [body for act, body in rig.entries(request_id) if act == "gate.result-released"]
        assert [(each["messages"], each["still"]) for each in told] == [(1, 2), (3, 0)]

    tell_both(network, story)


@pytest.mark.parametrize(
    ("texts", "value", "reason"),
    [
        ({"every": "is: result"}, {"records": [40]}, "Every result of it is to be seen."),
        (
            {"rows": "more-than: 1"},
            {"records": [40, 3]},
            "It may have at most 1 row, found 3 with the results before it.",
        ),
        ({"names": "any: postcode"}, {"Postcode": ["x"]}, "It has the column “Postcode”."),
        ({"identifiers": "is: suspected"}, {"nhs_number": ["x"]}, "looks like one of numbers issued to a person."),
        ({"groups": "less-than: 10"}, {"sex": ["F", "M"], "n": [90, 3]}, "“n” has one of 3."),
        ({"rows": "more-than: 1"}, {"records": [[[1]]]}, "How many rows it has cannot be told."),
    ],
)
def test_each_reason_holds_and_what_has_none_leaves(
    network: Any, tell: Callable[..., None], texts: dict[str, str], value: Any, reason: str
) -> None:
    async def story(rig: Any) -> None:
        look(rig, **texts)
        sent, task = await rig.running()
        if "every" not in texts:
            await rig.say(messages.evaluation_results, task, {"records": [40]})
            assert (await rig.heard(sent, "EVALUATION_RESULTS"))[-1].value == {"records": [40]}
        await rig.say(messages.evaluation_results, task, value)
        (waits,) = results.waiting(rig.store, rig.found(sent.route.task_id).row.id)
        assert any(reason in each for each in waits.reasons), waits.reasons

    tell(network, story)


def test_what_cannot_be_opened_is_held_once_a_rule_asks_for_anything(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        look(rig, rows="more-than: 1000")
        sent, task = await rig.running()
        garbage = messages.evaluation_results(task.route, task.opened.session_key, CLOCK.now(), {"n": 1})
        garbage.body = spoilt(garbage.body)
        await rig.pod.send(garbage)
        far = messages.with_body(garbage, garbage.body + os.urandom(200_000))
        await rig.send_large(far)
        reasons = [each.reasons[0] for each in results.waiting(rig.store)]
        assert all("could not be opened with the key of its task" in each for each in reasons)
        wish(rig.store, CLOCK, rig.found(sent.route.task_id).row.id, WITHHOLD, "Not readable.", "anna")
        rig.gate.nudge()
        await rig.comes_to(sent, State.STOPPED)
        found = [each for each in await listed(rig, sent, 4) if each.type == MessageType.EVALUATION_RESULTS]
        assert [each.outcome for each in found] == [WITHHELD, WITHHELD]
        assert [each.sealed for each in found] == ["other", "reference"]

    tell_proxied(network, story)


def test_a_large_result_is_looked_into_before_it_may_leave(network: Any, tell_both: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        look(rig, rows="more-than: 1000")
        sent, task = await rig.running()
        values = {"n": [number * 1.37 for number in range(90_000)]}
        result = messages.evaluation_results(task.route, task.opened.session_key, CLOCK.now(), values)
        await rig.send_large(result)
        (waits,) = results.waiting(rig.store)
        assert "It may have at most 1,000 rows, found 90,000." in waits.reasons[0]
        (found,) = [each for each in await listed(rig, sent, 2) if each.type == MessageType.EVALUATION_RESULTS]
        size = len(result.body)
        assert (found.sealed, found.rows, found.size, waits.size) == ("reference", 90_000, size, size)

    tell_both(network, story)


def test_what_was_refused_and_what_was_stripped_is_listed_too(network: Any, tell_proxied: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        with pytest.raises(Refused):
            await rig.say(
                lambda route, key, at: messages.from_pod(route, MessageType.MODEL_PARAMETERS, key, {"w": [1]}, at), task
            )
        async with web_behind(rig.gate) as asked:
            host = next(each for each in rig.gate.places.addresses if rig.gate.places.role_of(each) is Role.STORE)
            assert (await asked.post(f"https://{host}/elsewhere", content=b"x" * 77)).status_code == 403
        body = {"message": "KeyError: 'Jane'", "reason": "WORKER_ERROR", "traceback_summary": "…"}
        abort = messages.from_pod(task.route, MessageType.TASK_ABORT, task.opened.session_key, body, CLOCK.now())
        abort.messageMetadata.reason = pb.MessageMetadata.WORKER_ERROR
        await rig.pod.send(abort)
        await rig.heard(sent, "TASK_ABORT")
        found = {title(each): each for each in await listed(rig, sent, 4)}
        assert found["MODEL_PARAMETERS"].outcome == REFUSED
        assert "not part of the decision" in found["MODEL_PARAMETERS"].why
        assert (found["Upload to the object store"].outcome, found["Upload to the object store"].size) == (REFUSED, 77)
        assert found["TASK_ABORT"].outcome == STRIPPED
        assert "without the text of an error" in found["TASK_ABORT"].what["kind"]
        assert rig.gate.seen.summary()["uploads-refused"] == 1

    tell_proxied(network, story)


def web_behind(gate: Any) -> httpx.AsyncClient:
    context = ssl.create_default_context(cafile=str(gate.authority.bundle_file))
    return httpx.AsyncClient(proxy=gate.address, verify=context, trust_env=False, timeout=60)


def test_a_task_that_says_very_much_is_listed_in_bounds(network: Any, tell: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        row = rig.found(sent.route.task_id).row
        message = messages.preparing_data(task.route, task.opened.session_key, CLOCK.now())
        listing = rig.gate.relay.outgoing
        for _ in range(4):
            for _ in range(150):
                listing.note(message)
            listing.write(rig.store)
        found = outgoing.listing(rig.store, row.id)
        assert len(found) <= outgoing.MOST_ROWS + 1
        assert sum(each.count for each in found if title(each) == "PREPARING_DATA") == 600
        for _ in range(outgoing.MOST_PENDING + 7):
            listing.note(message)
        assert sum(each.count for each in listing.pending(row.task_id, row.id)) >= outgoing.MOST_PENDING + 7
        assert listing.write(rig.store)
        assert (listing.pending(row.task_id, row.id), listing.dropped) == ((), 0)
        found = outgoing.listing(rig.store, row.id)
        assert sum(each.count for each in found if title(each) == "PREPARING_DATA") == 807
        assert sum(each.size for each in found) >= 807 * len(message.body)
        for number in range(outgoing.MOST_PENDING + 7):
            listing.note(pb.BitfountMessage(taskId=f"nobody-knows-{number}", body=b"x"))
        assert listing.dropped == 7
        assert listing.write(rig.store) is False
        told = [json.dumps(body) for act, body in rig.entries(row.id) if act == "request.listed"]
        assert len(told) <= 6

    tell(network, story)


def test_what_could_not_be_written_down_waits_before_what_comes_meanwhile(
    network: Any, tell: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        row = rig.found(sent.route.task_id).row
        words = messages.preparing_data(task.route, task.opened.session_key, CLOCK.now())
        listing = rig.gate.relay.outgoing
        for _ in range(30):
            listing.note(words)
        with closing(sqlite3.connect(rig.store.path)) as other, other:
            other.execute("ALTER TABLE gate_outgoing RENAME TO elsewhere")
        with pytest.raises(PodadminError):
            listing.write(rig.store)
        with closing(sqlite3.connect(rig.store.path)) as other, other:
            other.execute("ALTER TABLE elsewhere RENAME TO gate_outgoing")
        for _ in range(5):
            listing.note(words)
        waits = [each for each in listing.pending(row.task_id, row.id) if title(each) == "PREPARING_DATA"]
        assert [each.count for each in waits] == [1] * 20 + [15]
        assert listing.write(rig.store)
        found = [each for each in outgoing.listing(rig.store, row.id) if title(each) == "PREPARING_DATA"]
        assert sum(each.count for each in found) == 35

    tell(network, story)


def test_a_result_that_would_exceed_a_limit_is_listed_as_withheld(network: Any, tell: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running("inference", "small")
        stop = rig.say(messages.evaluation_results, task, {"p": [0.1]}, used=[(MODEL, 51.0)])
        heard = rig.heard(sent, "TASK_ABORT")
        where = pb.CommunicationDetails(mailboxId=task.route.pod_mailbox, taskId=task.route.task_id)

        async def polls() -> None:
            while await rig.pod.get(where) is None:
                continue

        await asyncio.gather(stop, polls(), heard)
        found = [each for each in await listed(rig, sent, 3) if each.type == MessageType.EVALUATION_RESULTS]
        assert [(each.outcome, each.rows) for each in found] == [(WITHHELD, 1)]
        assert "exceed the limit" in found[0].why

    tell(network, story, records=40)


def update(task: Any, parameters: int, seed: int = 1) -> pb.BitfountMessage:
    """The parameters of a model in training, as a pod sends them after a round."""
    weights = codec.Opaque(1, random.Random(seed).randbytes(parameters))
    value = {"weight": weights}
    return messages.from_pod(task.route, MessageType.TRAINING_UPDATE, task.opened.session_key, value, CLOCK.now())


@pytest.mark.parametrize("texts", [{"every": "is: result"}, {"parameters": "is: first"}, {"rows": "more-than: 1000"}])
def test_the_first_update_of_a_training_is_seen_and_the_later_ones_follow(
    network: Any, tell_proxied: Callable[..., None], texts: dict[str, str]
) -> None:
    async def story(rig: Any) -> None:
        look(rig, **texts)
        sent, task = await rig.training()
        request_id = rig.found(sent.route.task_id).row.id
        first = update(task, 4000)
        for _ in range(2):  # its answer was lost once
            await rig.pod.send(first)
        (waits,) = results.waiting(rig.store, request_id)
        assert waits.kind == "TRAINING_UPDATE"
        assert "parameters of a model, which can remember single records" in waits.reasons[0]
        assert results.release(rig.store, CLOCK, request_id, "anna").messages == 1
        rig.gate.nudge()
        await rig.heard(sent, "TRAINING_UPDATE")
        for number in (2, 3):  # the next rounds wait for nobody
            await rig.pod.send(update(task, 4400, number))
            assert results.waiting(rig.store, request_id) == ()
            await rig.heard(sent, "TRAINING_UPDATE")
        await rig.pod.send(update(task, 12_000))
        (grown,) = results.waiting(rig.store, request_id)
        assert grown.reasons == waits.reasons, "what is far larger than what was let go is something else"

        def updates() -> list[Left]:
            return [each for each in outgoing.listing(rig.store, request_id) if title(each) == "TRAINING_UPDATE"]

        wanted = [PASSED, PASSED, PASSED, HELD]
        await rig.until(lambda: [each.outcome for each in updates()] == wanted, "three have gone, and one waits")
        found = updates()
        assert {each.what["kind"] for each in found} == {"the parameters of a model in training"}
        assert {each.rows for each in found} == {None}

    tell_proxied(network, story)


def test_without_a_rule_updates_pass_and_what_was_withheld_frees_none(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.training()
        request_id = rig.found(sent.route.task_id).row.id
        await rig.pod.send(update(task, 4000))
        assert results.waiting(rig.store, request_id) == ()
        look(rig, parameters="is: first")
        await rig.pod.send(update(task, 4000, 2))
        assert len(results.waiting(rig.store, request_id)) == 1, "nobody has looked at one of this task"
        assert outgoing.let_go(rig.store, request_id, MessageType.TRAINING_UPDATE) is None
        wish(rig.store, CLOCK, request_id, WITHHOLD, "The board wants it so.", "anna")
        assert results.waiting(rig.store, request_id) == ()
        assert outgoing.let_go(rig.store, request_id, MessageType.TRAINING_UPDATE) is None

    tell_proxied(network, story)
