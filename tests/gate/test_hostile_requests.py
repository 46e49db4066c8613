"""Requests that are not what they should be: each ends as it should, is told as it should, and never meets the pod."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock, stamp
from podadmin.core.errors import Unavailable
from podadmin.gate.opening import Opener
from podadmin.gate.ports import Seen
from podadmin.gate.sessions import Sessions
from podadmin.networks.bitfount import codec, crypto, messages, references
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.job_request import seal_job_request
from podadmin.networks.local import demo_tasks
from podadmin.networks.local.ledger import FILE, Ledger
from podadmin.networks.local.requester import Mischief, RequesterKey
from podadmin.requests import service
from podadmin.requests.service import Captured
from podadmin.requests.state import State

SOURCE, PROJECT = "patients", "glaucoma-study"
CLOCK = SystemClock()


def sealed_by(rig: Any, folder: Path, **changes: Any) -> bytes:
    """A request as the requester of the stories makes it, in everything that `changes` does not change."""
    given = {
        "protocol": demo_tasks.protocol("sql", SOURCE),
        "pod_identifiers": [rig.identifier],
        "session_key": codec.new_session_key(),
        "pod_public": rig.key.public,
        "signer": RequesterKey.of(folder),
        "project_id": PROJECT,
        "key_id": rig.requester.key_id,
        **changes,
    }
    return seal_job_request(**given)


async def ends_invalid(rig: Any, sent: Any, code: str, answered: bool) -> service.Found:
    """The request is refused by the gate itself with `code`; its requester hears of it, or nothing."""
    found = await rig.comes_to(sent, State.INVALID)
    assert found.findings["code"] == code
    opened = next(body for act, body in rig.entries(found.row.id) if act == "request.opened")
    assert (opened["verdict"], opened["code"], opened["state"]) == ("refuse", code, "invalid")
    if answered:
        assert opened["key"] == rig.key.opened_by, "what could be answered was opened, and its entry names the key"
        await rig.until(lambda: "request.answered" in rig.acts(found), "the answer")
        assert "problem" not in rig.entries(found.row.id)[-1][1]
    else:
        assert rig.found(sent.route.task_id).row.answer == ""
        assert service.answers_due(rig.store) == ()
    assert "request.delivering" not in rig.acts(found)
    return found


def nothing_for_the_pod(rig: Any) -> None:
    assert service.active(rig.store) is None
    assert rig.gate.seen.summary().get("delivered", 0) == 0


def test_what_was_changed_on_its_way_is_refused_and_told(
    network: Any, tell: Callable[..., None], requester_folder: Path
) -> None:
    """Outside and inside differ · signed by another key · unsigned · for another pod · a flow · an unknown key."""

    async def story(rig: Any) -> None:
        other = RequesterKey(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        rows = demo_tasks.protocol("rows", SOURCE)
        for mischief, code in (
            (Mischief(outer_protocol=demo_tasks.protocol("sql", "another")), "envelope.protocol-differs"),
            (Mischief(signer=other), "envelope.signature-bad"),
            (Mischief(unsigned=True), "envelope.signature-absent"),
            (Mischief(flow_spec_raw={"steps": []}), "envelope.flow-unsupported"),
        ):
            sent = await rig.send("sql", mischief)
            await ends_invalid(rig, sent, code, answered=True)
            heard = await rig.heard(sent, "JOB_REJECT")
            assert [one.kind for one in heard] == ["LOG_MESSAGE", "JOB_REJECT"]
        # what the requester class cannot do wrong is sealed here; its session key is not the requester's
        for changes, code in (
            ({"pod_identifiers": ["somebody/else"]}, "envelope.wrong-pod"),
            ({"key_id": "no-such-key"}, "envelope.unknown-key"),
            ({"key_id": "x" * 70_000}, "envelope.unknown-key"),
            ({"key_id": "../../pods"}, "envelope.unknown-key"),
            ({"protocol": rows, "outer_protocol": {**rows, "note": "only outside"}}, "envelope.protocol-differs"),
            ({"protocol": {"algorithm": []}}, "envelope.malformed-protocol"),
            ({"auth_type": "oidc-auth-flow"}, "envelope.identity-unverified"),
        ):
            sent = await rig.send("sql", Mischief(body=sealed_by(rig, requester_folder, **changes)))
            await ends_invalid(rig, sent, code, answered=True)
        nothing_for_the_pod(rig)

    tell(network, story)


def test_what_cannot_be_opened_is_kept_refused_and_not_answered(
    network: Any, tell: Callable[..., None], requester_folder: Path
) -> None:
    """There is no session key in it by which an answer could be sealed."""

    async def story(rig: Any) -> None:
        whole = sealed_by(rig, requester_folder)
        other_pod = sealed_by(rig, requester_folder, pod_public=RequesterKey.of(requester_folder).public)
        for body, code in (
            (b"\x00garbage, nothing but garbage\xff", "envelope.garbage"),
            (whole[: len(whole) // 2], "envelope.truncated"),
            (b"", "envelope.truncated"),
            (other_pod, "vault.cannot-decrypt"),
        ):
            sent = await rig.send("sql", Mischief(body=body))
            found = await rig.comes_to(sent, State.INVALID)
            assert service.bytes_of(rig.store, found.row.id).body == body
            assert found.findings["code"].startswith(("envelope.", "vault.")), (code, found.findings["code"])
            await ends_invalid(rig, sent, found.findings["code"], answered=False)
            assert await rig.silence(sent, 0.2) == []
        nothing_for_the_pod(rig)

    tell(network, story)


def test_what_is_larger_than_the_custodian_allows_is_kept_without_its_bytes(
    network: Any, tell: Callable[..., None]
) -> None:
    async def story(rig: Any) -> None:
        sent = await rig.send("sql", Mischief(body=bytes(2001)))
        found = await rig.comes_to(sent, State.INVALID)
        assert rig.entries(found.row.id)[0][1]["problem"] == "request.too-big"
        assert references.reference_in(service.bytes_of(rig.store, found.row.id).body)  # where they are, and no more
        assert service.answers_due(rig.store) == ()
        rig.settings["largest"] = 1_000_000
        await rig.comes_to(await rig.send("sql"), State.HELD)
        nothing_for_the_pod(rig)

    tell(network, story, largest=2000)


def test_a_captured_request_that_is_sent_again_in_other_clothes_is_a_replay(
    network: Any, tell: Callable[..., None]
) -> None:
    """The sealed part and its signature are good; only the task and the readable map around them are new."""

    async def story(rig: Any) -> None:
        first = await rig.send("sql")
        rig.approve(await rig.comes_to(first, State.HELD))
        task = await rig.take()
        await rig.say(messages.job_accept, task)
        await rig.say(messages.batches_complete, task)
        await rig.comes_to(first, State.FINISHED)
        outer = codec.unpack(first.body)
        assert isinstance(outer, dict)
        for change in ({}, {"project_id": "small"}, {"test_run": False, "batched_execution": False}):
            body = codec.pack({**outer, **change})
            again = await rig.send("sql", Mischief(body=body))
            assert again.route.task_id != first.route.task_id
            await ends_invalid(rig, again, "request.replayed", answered=True)
        assert service.active(rig.store) is None
        assert rig.gate.seen.summary()["delivered"] == 1

    tell(network, story)


def test_who_is_in_no_project_is_refused_by_the_network_and_told(network: Any, tell: Callable[..., None]) -> None:
    async def story(rig: Any) -> None:
        for project in ("others", "no-such-project", None):
            sent = await rig.send("sql", project=project)
            await ends_invalid(rig, sent, "request.network-refused", answered=True)
        nothing_for_the_pod(rig)

    tell(network, story)


def plant(network: Any, mailbox: str, *posted: pb.BitfountMessage) -> None:
    """Put messages into a pod's own mailbox as a network that is not honest could."""
    network.stop()
    ledger = Ledger(network.folder, CLOCK)
    for message in posted:
        ledger.post(mailbox, message.SerializeToString())
    ledger.close()
    network.start()


def test_messages_that_no_honest_network_sends(own_network: Any, tell_both: Callable[..., None]) -> None:
    """References that lead elsewhere, triggers of other kinds and of kinds that do not exist yet, odd times, no task.

    And the requester's key is another one on the hub than before.
    """

    async def story(rig: Any) -> None:
        held = await rig.comes_to(await rig.send("sql"), State.HELD)
        origin = own_network.address.object_store
        port = origin.rpartition(":")[2]

        def trigger(task: str, body: bytes, **changes: Any) -> pb.BitfountMessage:
            given = {
                "messageType": 2, "taskId": task, "body": body, "recipient": rig.identifier, "sender": "research-lab",
                "recipientMailboxId": rig.identifier, "senderMailboxId": "m", "podMailboxIds": {rig.identifier: "w"},
                "timestamp": stamp(CLOCK.now()), **changes,
            }  # fmt: skip
            return pb.BitfountMessage(**given)

        addresses = {
            "elsewhere": "https://evil.example/object/x",
            "userinfo": f"http://127.0.0.1:{port}@evil.example/object/x",
            "local-path": "/etc/hostname",
            "file": "file:///etc/hostname",
            "other-port": "http://127.0.0.1:1/object/x",
            "gone": f"{origin}/object/none",
            "long": origin + "/object/" + "x" * 9000,
            "odd": f"{origin}/object/\u202ex",
        }
        types = {"type-38": 38, "type-39": 39, "type-57": 57}
        plant(
            own_network,
            rig.identifier,
            *(trigger(name, codec.pack_plain(url)) for name, url in addresses.items()),
            *(trigger(name, b"\x01", messageType=number) for name, number in types.items()),
            trigger("", b"first", messageType=38),
            trigger("", b"second", messageType=38),
            trigger("time", b"\x00", timestamp="0001-01-01T00:00:00+23:59"),
            trigger("no-time", b"\x00", timestamp="yesterday"),
            trigger("no-zone", b"\x00", timestamp="2026-11-21T03:00:00"),
            trigger("log", b"\x00", messageType=16),
            trigger("route", b"\x00", podMailboxIds={}, sender="", recipient=""),
        )
        for name in addresses:
            found = await rig.comes_to(name, State.INVALID)
            problem = rig.entries(found.row.id)[0][1]["problem"]
            assert problem.startswith("reference."), (name, problem)
        # the built-in worker runs none of these; before a real pod they are held, unless they cannot be read
        kinds = {"type-38": "trigger.garbage", "type-39": "trigger.garbage", "type-57": "request.flow"}
        for name in types:
            found = await rig.comes_to(name, State.INVALID, State.HELD)
            assert found.findings["code"] == (kinds[name] if rig.proxied else "request.kind-not-run")
            assert (found.row.state == State.HELD) == (rig.proxied and name == "type-57")
        for name in ("time", "no-time", "no-zone", "route"):
            await rig.comes_to(name, State.INVALID)
        page = service.listing(rig.store, state="", search="", limit=100, after="")
        assert len([row for row in page.rows if row.task_id.startswith("none:")]) == 2
        assert service.by_task(rig.store, "log") is None
        await rig.until(lambda: rig.gate.seen.summary().get("dropped") == 1, "the log message is dropped")
        assert service.answers_due(rig.store) == ()
        assert rig.gate.seen.summary().get("delivered", 0) == 0

        # the hub gives another key under the name and the number that were pinned
        own_network.stop()
        other = crypto.public_line(rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key())
        with sqlite3.connect(own_network.folder / FILE) as database:
            database.execute("UPDATE requester_key SET public_key = ?", (other,))
        database.close()
        own_network.start()

        async def send() -> Any:
            while True:
                try:
                    return await rig.send("sql")
                except Unavailable:
                    continue  # the connection notices the restart

        await ends_invalid(rig, await send(), "envelope.key-changed", answered=True)
        # what was opened before is as it was
        assert rig.found(held.row.task_id).row.state == State.HELD

    tell_both(own_network, story)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["bitfount.ResultsOnly", "bitfount.SqlQuery", "bitfount.ModelInference", "x", ""]) | st.text()
parts = st.fixed_dictionaries(
    {"class_name": names | json_values}, optional={"model": json_values, "query": json_values}
)
protocols = st.fixed_dictionaries(
    {"class_name": names | json_values}, optional={"algorithm": st.lists(parts, max_size=3) | parts | json_values}
) | st.dictionaries(st.text(max_size=12), json_values, max_size=4)


@pytest.mark.slow
def test_no_request_whatever_it_holds_stops_the_gate(
    network: Any, tell: Callable[..., None], requester_folder: Path
) -> None:
    """Rightly sealed and signed by a member: what is inside is the member's to choose, and the gate's to survive."""

    async def story(rig: Any) -> None:
        loop = asyncio.get_running_loop()
        seen = Seen(CLOCK.now())
        opener = Opener(rig.gate.ports, Sessions(rig.gate.ports), seen)
        count = 0

        def one(protocol: Any, project: Any) -> None:
            nonlocal count
            try:
                body = sealed_by(rig, requester_folder, protocol=protocol, project_id=project)
            except (ValueError, TypeError, OverflowError, UnicodeEncodeError):
                return  # cannot be sent either
            count += 1
            task = f"fuzz-{count}"
            wire = pb.BitfountMessage(
                messageType=2, taskId=task, recipient=rig.identifier, sender="research-lab", senderMailboxId="m",
                podMailboxIds={rig.identifier: "w"}, timestamp=stamp(CLOCK.now()),
            )  # fmt: skip
            captured = Captured("local", task, 2, "research-lab", wire.SerializeToString(), body, task, None, 300.0)
            request_id = service.capture(rig.store, CLOCK, captured)
            assert request_id is not None
            asyncio.run_coroutine_threadsafe(opener.open(request_id), loop).result(30)
            assert rig.found(task).row.state in {State.HELD, State.INVALID}
            assert rig.found(task).findings.get("code") != "request.unreadable"

        fuzz = settings(max_examples=20, suppress_health_check=list(HealthCheck))(
            given(protocol=protocols, project=st.none() | st.sampled_from([PROJECT, ""]) | st.text(max_size=30))(one)
        )
        await asyncio.to_thread(fuzz)
        assert count > 5

    tell(network, story)
