"""What a task uploads stays here until the message that brings it may go: the object store has nothing before that."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError, Refused, Unavailable
from podadmin.gate import looking, outgoing, results, uploads
from podadmin.gate.clearing import NEVER_SAID
from podadmin.gate.outgoing import HELD, PASSED, REFUSED, WITHHELD, Left, title
from podadmin.gate.uploads import Upload, Uploads
from podadmin.gate.wishes import WITHHOLD, wish
from podadmin.networks.bitfount import codec, messages, references
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.types import MessageType, Reason
from podadmin.networks.local.ledger import FILE
from podadmin.requests.state import State
from tests.gate.conftest import web_behind

CLOCK = SystemClock()
REQUEST = "req_000000000000"


def result(task: Any, rows: int = 20_000) -> pb.BitfountMessage:
    value = {"n": [random.random() for _ in range(rows)]}
    return messages.evaluation_results(task.route, task.opened.session_key, CLOCK.now(), value)


async def lies_there(network: Any) -> list[bytes]:
    """Every body that a task has put into the object store."""

    def look() -> list[bytes]:
        network.stop()
        with sqlite3.connect(network.folder / FILE) as database:
            found = database.execute("SELECT body FROM object WHERE pod IS NULL AND body IS NOT NULL AND task IN"
                                     " (SELECT id FROM task)").fetchall()  # fmt: skip
        database.close()
        network.start()
        return [bytes(each[0]) for each in found]

    return await anyio.to_thread.run_sync(look)


async def leads_to_nothing(rig: Any, url: str) -> None:
    """Whoever was told this address finds nothing there."""
    with pytest.raises(PodadminError) as caught:
        await references.download(url, rig.gate.ports.upstream.references, 10_000_000, 20.0)
    assert caught.value.code == "reference.gone"


def kept(rig: Any) -> tuple[Upload, ...]:
    found: tuple[Upload, ...] = rig.gate.ports.upstream.rooms.uploads.listing()
    return found


def listed(rig: Any, sent: Any, name: str) -> list[Left]:
    rig.gate.relay.outgoing.write(rig.store)
    rows = outgoing.listing(rig.store, rig.found(sent.route.task_id).row.id)
    return [each for each in rows if title(each) == name]


async def uploaded(rig: Any, message: pb.BitfountMessage) -> tuple[pb.BlobStorageData, pb.BitfountMessage]:
    """The room in which the body of a message was put, and the message that says so."""
    room = await rig.room_for(message)
    assert await rig.upload(room, message.body) == 204
    return room, messages.with_reference(message, room.downloadUrl)


@pytest.mark.parametrize("seen_first", [True, False])
def test_the_store_has_nothing_before_the_message_may_go_and_then_the_very_bytes(
    own_network: Any, tell_proxied: Callable[..., None], seen_first: bool
) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        request_id = rig.found(sent.route.task_id).row.id
        large = result(task)
        room, says = await uploaded(rig, large)
        assert await lies_there(own_network) == []
        await leads_to_nothing(rig, room.downloadUrl)
        await rig.pod.send(says)
        if seen_first:
            assert await lies_there(own_network) == []
            assert [each.outcome for each in listed(rig, sent, "EVALUATION_RESULTS")] == [HELD]
            (waits,) = results.waiting(rig.store, request_id)
            assert waits.size == len(large.body)
            results.release(rig.store, CLOCK, request_id, "anna")
            rig.gate.nudge()
        else:
            (told,) = (body for act, body in rig.entries(request_id) if act == "gate.result-queued")
            assert told["type"] == "EVALUATION_RESULTS"
        await rig.pod.send(says)  # its answer was lost
        await rig.say(messages.batches_complete, task)
        if seen_first:
            results.release(rig.store, CLOCK, request_id, "anna") if results.waiting(rig.store, request_id) else None
            rig.gate.nudge()
        heard = await rig.heard(sent, "BATCHES_COMPLETE")
        assert [each.kind for each in heard].count("EVALUATION_RESULTS") == 1
        assert len(next(each for each in heard if each.kind == "EVALUATION_RESULTS").value["n"]) == 20_000
        assert await lies_there(own_network) == [large.body]
        await leads_to_nothing(rig, room.downloadUrl)
        await rig.until(lambda: kept(rig) == (), "nothing is left here")
        assert [each.outcome for each in listed(rig, sent, "EVALUATION_RESULTS")] == [PASSED]

    tell_proxied(own_network, story, see_results=seen_first)


def test_what_is_withheld_never_was_in_the_store(own_network: Any, tell_proxied: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        room, says = await uploaded(rig, result(task))
        await rig.pod.send(says)
        wish(rig.store, CLOCK, rig.found(sent.route.task_id).row.id, WITHHOLD, "The board objects.", "anna")
        rig.gate.nudge()
        await rig.comes_to(sent, State.STOPPED)
        await rig.until(lambda: kept(rig) == (), "it is gone here as well")
        assert await lies_there(own_network) == []
        assert [each.outcome for each in listed(rig, sent, "EVALUATION_RESULTS")] == [WITHHELD]
        assert await rig.upload(room, b"again") == 403

    tell_proxied(own_network, story, see_results=True)


def test_what_no_message_brings_never_leaves(own_network: Any, tell_proxied: Callable[..., None]) -> None:
    """Its address is told in words that a task may say; nobody finds anything there."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        room, _ = await uploaded(rig, result(task))
        await rig.room_for(result(task))  # and room that is not used
        await rig.say(messages.log_message, task, room.downloadUrl)
        await rig.say(messages.batches_complete, task)
        heard = await rig.heard(sent, "BATCHES_COMPLETE")
        (told,) = [each.value["msg"] for each in heard if each.kind == "LOG_MESSAGE"]
        await leads_to_nothing(rig, told)
        await rig.until(lambda: kept(rig) == (), "it is gone here as well")
        assert await lies_there(own_network) == []
        (left,) = listed(rig, sent, "Upload to the object store")
        assert (left.outcome, left.why) == (WITHHELD, NEVER_SAID)
        assert left.size > 100_000

    tell_proxied(own_network, story)


def test_an_address_of_what_nobody_has_judged_goes_to_nobody(network: Any, tell_proxied: Callable[..., None]) -> None:
    """Put into the store past the gate, of another task, of nothing, in a message that brings no result."""

    async def story(rig: Any) -> None:
        earlier, ended = await rig.running()
        room, _ = await uploaded(rig, result(ended))
        await rig.say(messages.batches_complete, ended)
        await rig.heard(earlier, "BATCHES_COMPLETE")
        await rig.pod.acknowledge(ended.route.pod_mailbox, "", delete_mailbox=True)
        sent, task = await rig.running()
        large = result(task)
        address = rig.gate.ports.upstream.message_service
        own = tuple(rig.settings["headers"].items())
        async with MessageServiceClient.open(address, tls=False, metadata=own) as past_the_gate:
            asked = pb.LargeStorageRequest(
                senderMailboxId=large.senderMailboxId, contentSize=len(large.body), taskId=large.taskId
            )
            real = await past_the_gate.get_large_object_storage(asked)
        by_another_way = await references.upload(real, large.body, rig.gate.ports.upstream.references, 20.0)
        _, says = await uploaded(rig, large)
        nowhere = room.downloadUrl[:-1] + ("X" if room.downloadUrl[-1] != "X" else "Y")
        for url in (by_another_way, room.downloadUrl, nowhere, f"{room.downloadUrl}/..", "not an address"):
            with pytest.raises(Refused):
                await rig.pod.send(messages.with_reference(large, url))
        update = messages.from_pod(task.route, MessageType.PSI_DATASET, task.opened.session_key, 1, CLOCK.now())
        with pytest.raises(Refused):
            await rig.pod.send(messages.with_body(update, says.body))
        assert await rig.silence(sent) == ["JOB_ACCEPT"]
        refusals = [each for each in listed(rig, sent, "EVALUATION_RESULTS") if each.outcome == REFUSED]
        assert len(refusals) == 5
        assert all("nobody has judged it" in each.why for each in refusals)
        await rig.pod.send(says)
        await rig.heard(sent, "EVALUATION_RESULTS")

    tell_proxied(network, story)


def test_what_was_judged_is_what_goes(network: Any, tell_proxied: Callable[..., None]) -> None:
    """Before the message another body may take the place of the first, whose answer was lost; afterwards none may."""

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        request_id = rig.found(sent.route.task_id).row.id
        first, second, third = (result(task, rows) for rows in (21_000, 20_000, 20_500))
        room = await rig.room_for(first)
        assert await rig.upload(room, first.body) == 204
        assert await rig.upload(room, second.body) == 204
        await rig.pod.send(messages.with_reference(second, room.downloadUrl))
        assert await rig.upload(room, third.body) == 403
        results.release(rig.store, CLOCK, request_id, "anna")
        rig.gate.nudge()
        assert len((await rig.heard(sent, "EVALUATION_RESULTS"))[-1].value["n"]) == 20_000

    tell_proxied(network, story, see_results=True)


def test_what_is_too_large_to_be_opened_is_held_and_can_be_let_go(
    network: Any, tell_proxied: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MOST_OPENED", 100_000)

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        request_id = rig.found(sent.route.task_id).row.id
        large = result(task)
        await rig.send_large(large)
        (waits,) = results.waiting(rig.store, request_id)
        assert waits.size == len(large.body)
        assert [each.rows for each in listed(rig, sent, "EVALUATION_RESULTS")] == [None]
        results.release(rig.store, CLOCK, request_id, "anna")
        rig.gate.nudge()
        assert len((await rig.heard(sent, "EVALUATION_RESULTS"))[-1].value["n"]) == 20_000

    tell_proxied(network, story, see_results=True)


def test_the_last_word_of_a_task_does_not_overtake_its_result(
    own_network: Any, tell_both: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its limit was reached: the pod sends what was allowed, and says at once that it stops."""
    slow = anyio.Event()
    real = references.upload

    async def upload(*given: Any) -> str:
        await slow.wait()
        return await real(*given)

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        monkeypatch.setattr(references, "upload", upload)
        await rig.send_large(result(task))
        await rig.say(messages.task_abort, task, "limit", Reason.LIMITS_EXCEEDED)
        await rig.comes_to(sent, State.STOPPED)
        assert await rig.silence(sent) == ["JOB_ACCEPT"]
        slow.set()
        heard = await rig.heard(sent, "TASK_ABORT")
        assert [each.kind for each in heard] == ["EVALUATION_RESULTS", "TASK_ABORT"]

    tell_both(own_network, story)


def test_what_is_withheld_while_it_is_on_its_way_is_told_to_nobody(
    own_network: Any, tell_both: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = references.upload

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        request_id = rig.found(sent.route.task_id).row.id

        async def upload(*given: Any) -> str:
            url = await real(*given)
            wish(rig.store, CLOCK, request_id, WITHHOLD, "The board objects.", "anna")
            return url

        monkeypatch.setattr(references, "upload", upload)
        await rig.send_large(result(task))
        heard = await rig.heard(sent, "TASK_ABORT")
        assert [each.kind for each in heard] == ["JOB_ACCEPT", "TASK_ABORT"]
        assert "gate.result-sent" not in [act for act, _ in rig.entries(request_id)]

    tell_both(own_network, story)


def test_a_result_that_cannot_be_sent_keeps_no_other_task_waiting(
    own_network: Any, tell_proxied: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object store takes nothing: a large result waits, and a small one of another task goes."""

    real = references.upload

    async def refuses(room: Any, body: Any, *rest: Any) -> str:
        if isinstance(body, bytes):
            return await real(room, body, *rest)  # a request on its way to the pod
        raise Unavailable("reference.failed", "It failed.", "It answered with the number 500.", "Try again.")

    async def story(rig: Any) -> None:
        first, task = await rig.running()
        monkeypatch.setattr(references, "upload", refuses)
        await rig.send_large(result(task))
        await rig.say(messages.task_abort, task, "it ends")
        await rig.comes_to(first, State.FAILED)
        second, task = await rig.running()
        rig.settings["see_results"] = True
        await rig.say(messages.evaluation_results, task, {"n": 1})
        results.release(rig.store, CLOCK, rig.found(second.route.task_id).row.id, "anna")
        rig.gate.nudge()
        assert (await rig.heard(second, "EVALUATION_RESULTS"))[-1].value == {"n": 1}
        monkeypatch.setattr(references, "upload", real)
        heard = await rig.heard(first, "TASK_ABORT")
        assert [each.kind for each in heard] == ["JOB_ACCEPT", "EVALUATION_RESULTS", "TASK_ABORT"]

    tell_proxied(own_network, story)


def test_room_that_is_not_given_is_listed_with_the_reason(
    network: Any, tell_proxied: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_BODY", 1000)

    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        with pytest.raises(Refused):
            await rig.room_for(messages.with_body(result(task, 1), bytes(1001)))
        (refused,) = listed(rig, sent, "Upload to the object store")
        assert (refused.outcome, refused.size) == (REFUSED, 1001)
        assert "as much as is kept" in refused.why
        assert kept(rig) == ()

    tell_proxied(network, story)


B = b"boundary"
HEAD = b'--%b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' % B
WHOLE = HEAD + b"x" * 50 + b"\r\n--%b--\r\n" % B
FORMS: dict[str, bytes] = {
    "nothing": b"",
    "no file": HEAD.replace(b'"file"', b'"other"') + b"x\r\n--%b--\r\n" % B,
    "cut": WHOLE[:-30],
    "larger than announced": HEAD + b"x" * 101 + b"\r\n--%b--\r\n" % B,
    "a form in a form": b"--%b\r\nContent-Type: multipart/mixed; boundary=b2\r\n\r\n--b2\r\n\r\nx\r\n--b2--\r\n" % B,
    "a field without end": HEAD.replace(b'"file"', b'"key"') + b"x" * 200_000 + b"\r\n--%b--\r\n" % B,
    "very many fields": (HEAD.replace(b'"file"', b'"key"') + b"x\r\n") * 100 + WHOLE,
    "another boundary": WHOLE.replace(B, b"other"),
}


def test_an_upload_that_is_no_form_with_what_was_announced_is_refused(
    network: Any, tell_proxied: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent, task = await rig.running()
        room = await rig.room_for(messages.with_body(result(task, 1), bytes(100)))
        kind = {"content-type": f"multipart/form-data; boundary={B.decode()}"}
        async with web_behind(rig.gate) as web:
            for name, body in FORMS.items():
                assert (await web.post(room.uploadUrl, content=body, headers=kind)).status_code == 403, name
                assert [each.size for each in kept(rig)] == [None], name
            for method, headers in (("PUT", kind), ("DELETE", kind), ("POST", {"content-type": "text/plain"})):
                answer = await web.request(method, room.uploadUrl, content=WHOLE, headers=headers)
                assert answer.status_code == 403, method
            assert [each.size for each in kept(rig)] == [None]
            assert (await web.post(room.uploadUrl, content=WHOLE, headers=kind)).status_code == 204
        assert [each.size for each in kept(rig)] == [50]
        refusals = listed(rig, sent, "Upload to the object store")
        assert sum(each.count for each in refusals if each.outcome == REFUSED) == len(FORMS) + 3

    tell_proxied(network, story)


def lies(folder: Uploads, room_id: str, body: bytes) -> None:
    room = folder.room(f"/{room_id}")
    assert room is not None
    arriving = folder.begin(room)
    try:
        arriving.write(body)
        folder.finish(arriving)
    finally:
        folder.leave(arriving)


def test_what_lies_here_has_a_most_in_all_and_of_one_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    monkeypatch.setattr(uploads, "MOST", 8)
    folder = Uploads(tmp_path / "uploads")

    def refused(request_id: str, size: int) -> None:
        with pytest.raises(Refused) as caught:
            folder.make_room(request_id, size)
        assert caught.value.code == "gate.upload-too-much"

    refused(REQUEST, 501)
    first = folder.make_room(REQUEST, 400)
    refused(REQUEST, 101)
    lies(folder, first, bytes(100))
    refused(REQUEST, 101)
    folder.take(f"https://store/{first}", REQUEST)
    for _ in range(3):  # what lies there for good counts as what it is
        folder.make_room(REQUEST, 100)
    refused(REQUEST, 1)
    others = [folder.make_room(f"req_{number:012}", 1) for number in range(1, 5)]
    refused("req_000000000009", 1)
    assert len(set(others)) == 4
    folder.forget(folder.listing()[0])
    folder.make_room("req_000000000009", 1)
    monkeypatch.setattr(uploads, "SPARE", 10**18)
    folder.forget(folder.listing()[0])
    with pytest.raises(Unavailable) as caught:
        folder.make_room("req_000000000009", 1)
    assert caught.value.code == "gate.upload-not-kept"


def test_one_upload_at_a_time_goes_into_a_room_and_none_into_one_that_was_closed_meanwhile(tmp_path: Path) -> None:
    folder = Uploads(tmp_path / "uploads")
    name = folder.make_room(REQUEST, 100)
    lies(folder, name, b"first")
    room = folder.room(f"/{name}")
    assert room is not None
    arriving = folder.begin(room)
    with pytest.raises(Refused):
        folder.begin(room)
    arriving.write(b"second")
    url = f"https://store/{name}"
    taken = folder.take(url, REQUEST)
    with pytest.raises(Refused) as caught:
        folder.finish(arriving)
    folder.leave(arriving)
    assert caught.value.code == "gate.upload-closed"
    with folder.opened(taken) as file:
        assert file.read() == b"first"
    assert folder.room(f"/{name}") is None
    assert sorted(each.suffix for each in (tmp_path / "uploads").iterdir()) == [".body"]
    if os.name == "posix":
        assert [each.stat().st_mode & 0o777 for each in (tmp_path / "uploads").iterdir()] == [0o600]


def test_the_digest_of_a_body_is_that_of_what_came_last_also_where_an_older_podadmin_has_put_it_there(
    tmp_path: Path,
) -> None:
    folder = Uploads(tmp_path / "uploads")
    name = folder.make_room(REQUEST, 100)
    for body in (b"first", b"second"):
        lies(folder, name, body)
    url, digest = f"https://store/{name}", hashlib.sha256(b"second").hexdigest()
    (file,) = (tmp_path / "uploads").glob("*.body")
    assert digest in file.name
    file.rename(file.with_name(file.name.replace(f".{digest}", "")))
    known = folder.of(url, REQUEST)
    assert known is not None
    assert known.digest == ""
    assert folder.take(url, REQUEST).digest == digest
    assert [each.read_bytes() for each in folder.lying([url, "https://store/other"])] == [b"second"]
    folder.forget(known)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_what_cannot_be_read_now_is_not_taken_for_gone(tmp_path: Path) -> None:
    """A file in the place of the folder stands for a disk that does not work: the result waits, and is not given up."""
    (tmp_path / "uploads").write_bytes(b"")
    folder = Uploads(tmp_path / "uploads")
    url = "https://store/body_000000000000"
    for act in (folder.listing, lambda: folder.take(url, REQUEST), lambda: folder.make_room(REQUEST, 1)):
        with pytest.raises(Unavailable) as caught:
            act()
        assert caught.value.code == "gate.upload-unreadable"


@given(st.text(max_size=40) | st.from_regex(r"https://[^ ]{0,9}/(\.\./)*body_[0-9A-Z]{12}.{0,4}", fullmatch=True))
def test_no_address_leads_out_of_the_folder(text: str) -> None:
    folder = Uploads(Path("there/is/no/such/place"))
    assert folder.of(text, REQUEST) is None
    assert folder.room(text) is None
    assert set(folder.named(text)) <= set("body_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    with pytest.raises(Refused):
        folder.take(text, REQUEST)
    assert codec.pack_plain(text)
