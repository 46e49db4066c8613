"""What the real software wrote is read as it says, and what it would write is written byte for byte."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from podadmin.core.errors import PodadminError, Refused
from podadmin.core.secret import Secret
from podadmin.networks.bitfount import codec, crypto, messages, references, rpc
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.job_request import open_job_request, read_claims
from podadmin.networks.bitfount.types import MessageType, PodResponseType, Reason

VECTORS = Path(__file__).with_name("vectors")
INDEX: dict[str, Any] = json.loads((VECTORS / "index.json").read_text(encoding="utf-8"))
SESSION_KEY = Secret(bytes(range(32)))
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(case, id=case.get("name") or case.get("expect") or case["wire"])
        for case in INDEX["cases"]
        if case["kind"] == kind
    ]


def data(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def wire(case: dict[str, Any]) -> pb.BitfountMessage:
    return rpc.SEND.read_request(data(case["wire"]))


class PodKey:
    """The pod's private key as a thing that opens one block."""

    def __init__(self) -> None:
        key = load_ssh_private_key(data("keys/pod/pod_rsa.pem"), None)
        assert isinstance(key, RSAPrivateKey)
        self._key = key

    def decrypt(self, block: bytes) -> bytes:
        return self._key.decrypt(block, crypto.oaep())


@pytest.fixture(scope="module")
def pod_key() -> PodKey:
    return PodKey()


def test_the_vectors_are_the_ones_that_were_made() -> None:
    assert INDEX["files"]
    for name, facts in INDEX["files"].items():
        assert hashlib.sha256(data(name)).hexdigest() == facts["sha256"], name


@pytest.mark.parametrize("case", cases("job_request"))
def test_a_job_request_of_the_real_software_opens_as_it_says(case: dict[str, Any], pod_key: PodKey) -> None:
    body = data(case["body"])
    if "wire" in case:
        assert wire(case).body == body
    if not case["valid"]:
        with pytest.raises(PodadminError) as caught:
            open_job_request(body, pod_key, data("keys/modeller.pub.pem"))
        assert caught.value.code in {"envelope.garbage", "envelope.changed"}
        return
    opened = open_job_request(body, pod_key, data("keys/modeller.pub.pem"))
    assert opened.session_key.reveal() == SESSION_KEY.reveal()
    assert opened.pod_identifiers == ("alice/patients",)
    assert opened.outer == read_claims(body)
    assert opened.differs_from_envelope is (case.get("flag") == "envelope_mismatch")
    assert (opened.outer.flow_spec_raw is not None) is (case.get("flag") == "v9_interactive")
    assert opened.outer.unknown == ()
    if case.get("signature_ok") is False:
        assert opened.signature_state == "bad"
    if "expect" not in case:
        return
    expected = json.loads(data(case["expect"]))
    assert opened.protocol == expected["inner"]["serialized_protocol"]
    assert len(opened.encrypted_request) == expected["encrypted_request_len"]
    assert (opened.signature.hex() if opened.signature else None) == expected["signature_hex"]
    assert opened.signature_state == {True: "good", None: "absent"}[expected["signature_verifies_with_modeller_key"]]
    clear = expected["outer_without_request"]
    for name, value in clear.items():
        assert getattr(opened.outer, name) == value, name


@pytest.mark.parametrize("case", [case for case in INDEX["cases"] if case["kind"] == "job_request" and case["valid"]])
def test_what_was_read_from_a_body_packs_to_the_same_bytes(case: dict[str, Any]) -> None:
    body = data(case["body"])
    plain = codec.inflate(body)
    assert codec.pack_plain(codec.unpack_plain(plain)) == plain
    assert codec.unpack(codec.pack(codec.unpack(body))) == codec.unpack(body)


def test_a_signature_of_an_unknown_key_is_said_to_be_that(pod_key: PodKey) -> None:
    opened = open_job_request(data("job_request/key-based-tiny.body.bin"), pod_key, None)
    assert opened.signature_state == "unknown-key"
    assert "000102" not in repr(opened)


@pytest.mark.parametrize("case", cases("url_reference"))
def test_a_reference_into_the_object_store_may_be_followed(case: dict[str, Any]) -> None:
    url = references.reference_in(wire(case).body)
    assert url == case["url"]
    assert references.check_reference(url, references.ReferencePolicy()) == url
    assert messages.with_reference(pb.BitfountMessage(), url).body == wire(case).body


@pytest.mark.parametrize("case", cases("hostile_reference"))
def test_a_hostile_reference_is_refused(case: dict[str, Any]) -> None:
    url = references.reference_in(wire(case).body)
    assert url == case["reference"]
    with pytest.raises(Refused) as caught:
        references.check_reference(url, references.ReferencePolicy())
    assert caught.value.code.startswith("reference.")


def plain_of(value: object) -> object:
    """A decoded body in the notation of the expectations."""
    if isinstance(value, codec.Opaque):
        return value.code
    if isinstance(value, dict):
        return {name: plain_of(item) for name, item in value.items()}
    return value


def expected_of(value: Any) -> object:
    if isinstance(value, dict) and "__ext__" in value:
        return value["__ext__"]
    if isinstance(value, dict):
        return {name: expected_of(item) for name, item in value.items()}
    return value


@pytest.mark.parametrize("case", cases("session_message"))
def test_a_session_message_of_the_real_software_is_read_as_it_says(case: dict[str, Any]) -> None:
    message, expected = wire(case), json.loads(data(case["expect"]))
    assert MessageType(message.messageType).name == expected["messageType"]
    for name in ("sender", "recipient", "senderMailboxId", "recipientMailboxId", "taskId"):
        assert getattr(message, name) == expected[name]
    assert (message.sequenceNumber if message.HasField("sequenceNumber") else None) == expected["sequenceNumber"]
    reason = messages.reason_of(message)
    assert (reason.name if reason is not None else None) == expected["reason"]
    assert [list(used) for used in messages.resources_consumed(message)] == expected["resourcesConsumed"]
    body = message.body
    url = references.reference_in(body)
    if "reference" in expected:
        assert url == expected["reference"]
        body = data(expected["blob"])
    else:
        assert url is None
    assert plain_of(codec.open_session(SESSION_KEY, body)) == expected_of(expected["plaintext"])


ROUTE = messages.Route("alice/patients", "w-1", "bob", "m-1", "task-0001")
DECLINED = ("Declined by data custodian é",)


def rebuilt(name: str) -> pb.BitfountMessage:
    """The same message from our own builders."""
    if name.startswith("job_reject-"):
        response = PodResponseType[name.removeprefix("job_reject-").upper()]
        return messages.job_reject(ROUTE, SESSION_KEY, NOON, response, DECLINED)
    results = messages.evaluation_results(
        ROUTE,
        SESSION_KEY,
        NOON,
        {"predictions": [0.1, 0.9]},
        used=(("bitfount/GAModel:3", 42), ("o/m:1", 1.5)),
        place=messages.AlgorithmPlace("SqlQuery"),
    )
    results.messageMetadata.taskNotification.message = "2 eligible"
    results.messageMetadata.taskNotification.email = True
    return {
        "job_accept": messages.job_accept(ROUTE, SESSION_KEY, NOON),
        "preparing_data": messages.preparing_data(ROUTE, SESSION_KEY, NOON),
        "configuring_task": messages.configuring_task(ROUTE, SESSION_KEY, NOON),
        "number_of_batches": messages.number_of_batches(ROUTE, SESSION_KEY, NOON, 1),
        "task_start": messages.task_start(ROUTE, SESSION_KEY, NOON),
        "batches_complete": messages.batches_complete(ROUTE, SESSION_KEY, NOON),
        "evaluation_results-metered": results,
        "task_abort": messages.task_abort(ROUTE, SESSION_KEY, NOON, "Limit reached", Reason.LIMITS_EXCEEDED),
        "in-task_complete": messages.task_complete(ROUTE, SESSION_KEY, NOON),
        "in-task_start-modeller": messages.requester_task_start(ROUTE, SESSION_KEY, NOON),
        "in-task_cancel": messages.task_cancel(ROUTE, SESSION_KEY, NOON),
    }[name]


REBUILT = [
    "job_accept",
    *(case["name"] for case in INDEX["cases"] if case.get("name", "").startswith("job_reject-")),
    "preparing_data",
    "configuring_task",
    "number_of_batches",
    "task_start",
    "batches_complete",
    "evaluation_results-metered",
    "task_abort",
    "in-task_complete",
    "in-task_start-modeller",
    "in-task_cancel",
]


@pytest.mark.parametrize("name", REBUILT)
def test_our_builders_write_what_the_real_software_writes(name: str) -> None:
    real = rpc.SEND.read_request(data(f"session/{name}.wire.bin"))
    ours = rebuilt(name)
    if name != "task_abort":  # the real software adds a trace of its own code there
        assert codec.open_session(SESSION_KEY, ours.body) == codec.open_session(SESSION_KEY, real.body)
    # Time, nonce and count are the only things that differ by their nature.
    ours.body, ours.timestamp = real.body, real.timestamp
    if real.HasField("sequenceNumber"):
        ours.sequenceNumber = real.sequenceNumber
    assert ours.SerializeToString(deterministic=True) == data(f"session/{name}.wire.bin")


def test_a_custodians_words_have_every_field_that_a_requesters_handler_takes_out() -> None:
    body = codec.open_session(SESSION_KEY, messages.log_message(ROUTE, SESSION_KEY, NOON, "No, because …").body)
    assert isinstance(body, dict)
    assert body["federated"] is True
    assert {"name", "msg", "levelno", "levelname", "processName", "threadName"} < set(body)
    real = codec.open_session(SESSION_KEY, rpc.SEND.read_request(data("session/log_message.wire.bin")).body)
    assert isinstance(real, dict)
    assert set(real) <= set(body)


@pytest.mark.parametrize(
    ("name", "method", "value"),
    [
        ("PodConnect", rpc.POD_CONNECT, None),
        ("GetBitfountMessage-idle", rpc.GET, pb.CommunicationDetails()),
        ("GetBitfountMessage-idle-cluster", rpc.GET, pb.CommunicationDetails(computeClusterId="cluster-1")),
        ("GetBitfountMessage-task", rpc.GET, pb.CommunicationDetails(mailboxId="w-1")),
        (
            "Acknowledgement",
            rpc.ACKNOWLEDGE,
            pb.Acknowledgement(mailboxId="alice/patients", receiptHandle="rh-1", deleteMailbox=False),
        ),
        (
            "Acknowledgement-delete",
            rpc.ACKNOWLEDGE,
            pb.Acknowledgement(mailboxId="w-1", receiptHandle="rh-2", deleteMailbox=True),
        ),
    ],
)
def test_calls_are_byte_for_byte_those_of_the_real_software(name: str, method: Any, value: Any) -> None:
    raw = data(f"rpc/{name}.bin")
    parsed = method.read_request(raw)
    assert parsed.SerializeToString(deterministic=True) == raw
    if value is not None:
        assert parsed == value
        assert value.SerializeToString(deterministic=True) == raw
    else:
        assert parsed.podName == "e2e-pod"
        assert list(parsed.datasetNames) == ["patients"]


def test_fields_that_a_later_network_adds_survive_a_parse() -> None:
    raw = data("session/job_accept.wire.bin") + b"\xfa\x3e\x03new"  # field 1007, text
    assert rpc.SEND.read_request(raw).SerializeToString() == raw


def test_the_answer_to_a_trigger_goes_where_the_trigger_says() -> None:
    trigger = rpc.SEND.read_request(data("job_request/key-based-tiny.wire.bin"))
    assert messages.route_of(trigger) == ROUTE
    trigger.podMailboxIds.clear()
    with pytest.raises(PodadminError) as caught:
        messages.route_of(trigger)
    assert caught.value.code == "message.no-route"
