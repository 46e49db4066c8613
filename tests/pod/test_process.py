"""The built-in pod as a real process against a real gRPC server: whole tasks, refusals, stops and deaths."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.resources import resource
from podadmin.core.secret import Secret
from podadmin.networks.bitfount import codec, crypto, messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.job_request import seal_job_request
from podadmin.networks.bitfount.types import MessageType
from podadmin.pod import sql
from podadmin.pod.config import PodConfig, PodKey, read_line
from podadmin.pod.supervise import BuiltInPod, pause_after
from tests.pod import gate_double
from tests.pod.gate_double import ROUTE, Access, Gate, trigger

pytestmark = pytest.mark.slow

MODEL = "research-lab/hba1c-risk:1"
SESSION = Secret(bytes(range(32)))
ENDLESS = "SELECT count(*) AS n FROM range(10000000000000) r WHERE hash(range) % 7 = 3"
STRUCTURE = {"table": "patients", "compatible_datasources": ["CSVSource"]}
CLOCK = SystemClock()


def query(text: str) -> dict[str, Any]:
    algorithm = {"class_name": "bitfount.SqlQuery", "query": text, "table": "patients", "datastructure": STRUCTURE}
    return {"class_name": "bitfount.ResultsOnly", "algorithm": [algorithm]}


def inference() -> dict[str, Any]:
    model = {
        "class_name": "BitfountModelReference",
        "username": "research-lab",
        "model_ref": "hba1c-risk",
        "model_version": 1,
    }
    algorithm = {"class_name": "bitfount.ModelInference", "model": model, "datastructure": STRUCTURE}
    return {"class_name": "bitfount.ResultsOnly", "algorithm": [algorithm]}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=4096)


@pytest.fixture(scope="module")
def pkcs8(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class _Requester:
    """Signs with the pod's key pair: the pod does not look at signatures, the access manager does."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, crypto.pss(), hashes.SHA256())


def request(key: rsa.RSAPrivateKey, protocol: Mapping[str, Any], **more: Any) -> pb.BitfountMessage:
    body = seal_job_request(
        protocol=protocol,
        pod_identifiers=[ROUTE.pod_identifier],
        session_key=SESSION,
        pod_public=crypto.public_line(key.public_key()),
        signer=_Requester(key),
        project_id="proj-1",
        key_id="key-1",
        **more,
    )
    return trigger(body)  # type: ignore[no-any-return]


class World:
    """One pod process between its gate and the test."""

    def __init__(self, gate: Any, access: Any, pod: BuiltInPod, config: PodConfig) -> None:
        self.gate, self.access, self.pod, self.config = gate, access, pod, config
        self.events: list[dict[str, str]] = []
        self.news = asyncio.Event()

    def heard(self, event: Mapping[str, str]) -> None:
        self.events.append(dict(event))
        self.news.set()

    async def until(self, name: str, seconds: float = 30.0) -> dict[str, str]:
        async with asyncio.timeout(seconds):
            while True:
                for event in self.events:
                    if event["event"] == name:
                        return event
                self.news.clear()
                await self.news.wait()

    def opened(self, kind: str) -> object:
        message = next(m for m in self.gate.sent if MessageType(int(m.messageType)).name == kind)
        return codec.open_session(SESSION, message.body)

    def good_requester(self, message: pb.BitfountMessage) -> None:
        """Starts when the pod is ready, and is content when everything was sent."""
        match int(message.messageType):
            case MessageType.TASK_START:
                self.say(messages.requester_task_start(ROUTE, SESSION, CLOCK.now()))
            case MessageType.BATCHES_COMPLETE:
                self.say(messages.task_complete(ROUTE, SESSION, CLOCK.now()))

    def say(self, message: pb.BitfountMessage) -> None:
        self.gate.put(ROUTE.pod_mailbox, message)


@pytest.fixture
def answers() -> dict[str, Any]:
    """What the access manager will say."""
    return {"code": "ACCEPT", "limits": None}


@asynccontextmanager
async def world(
    pkcs8: bytes, answers: Mapping[str, Any], refuse: frozenset[int] = frozenset(), **settings: Any
) -> AsyncIterator[World]:
    access = Access(answers)
    try:
        async with Gate(refuse) as gate:
            config = PodConfig(
                gate_address=f"127.0.0.1:{gate.port}",
                access_url=access.url,
                pod_identifier="clinic/clinic-pod",
                pod_name="clinic-pod",
                api_key_id="id-1",
                api_key=Secret("api-secret"),
                pod_key_pkcs8=Secret(pkcs8),
                datasources=(sql.Source("patients", resource("demo", "patients.csv"), ("patient_id",)),),
                instance_id="instance-1",
                **{"poll_seconds": 0.05, **settings},
            )
            found: list[World] = []
            pod = BuiltInPod(lambda event: found[0].heard(event), pause=lambda deaths: 0.05)
            found.append(World(gate, access, pod, config))
            gate.on_send = found[0].good_requester
            await pod.start(config)
            try:
                yield found[0]
            finally:
                await pod.stop()
    finally:
        access.close()


GOOD = ["JOB_ACCEPT", "PREPARING_DATA", "CONFIGURING_TASK", "NUMBER_OF_BATCHES", "TASK_START"]


def test_a_query_from_request_to_completion(key: rsa.RSAPrivateKey, pkcs8: bytes, answers: dict[str, Any]) -> None:
    async def story() -> None:
        async with world(pkcs8, answers) as it:
            assert it.pod.running
            it.gate.put("", request(key, query("SELECT sex, COUNT(*) AS n FROM `patients` GROUP BY sex ORDER BY sex")))
            ended = await it.until("task-ended")
            assert ended == {"event": "task-ended", "task": "task-0001", "outcome": "done", "code": ""}
            assert it.gate.kinds() == [*GOOD, "EVALUATION_RESULTS", "BATCHES_COMPLETE"]
            assert [m.sequenceNumber for m in it.gate.sent] == [1, 2, 3, 4, 5, 0, 6]
            assert not it.gate.sent[5].HasField("sequenceNumber")
            assert it.opened("JOB_ACCEPT") == {"ACCEPT": "clinic/patients"}
            assert it.opened("EVALUATION_RESULTS") == {"sex": ["F", "M"], "n": [321, 279]}
            results = it.gate.sent[5]
            assert messages.resources_consumed(results) == ()
            assert results.algorithmIdentifierMeta.algorithmName == "SqlQuery"
            assert it.gate.connected[0].datasetNames == ["patients"]
            assert {("x-api-key-id", "id-1"), ("x-api-key", "api-secret")} <= set(it.gate.metadata)
            first, last = it.gate.acknowledged[0], it.gate.acknowledged[-1]
            assert (first.mailboxId, first.receiptHandle) == ("clinic/patients", "gate:task-0001")
            assert (last.mailboxId, last.deleteMailbox) == ("w-1", True)
            (asked, headers), *others = it.access.asked
            assert others == []
            assert asked["podIdentifier"] == "clinic/patients"
            assert asked["identityProvider"] == "SIGNATURE"
            assert asked["modellerProtocolRequest"] == query(
                "SELECT sex, COUNT(*) AS n FROM `patients` GROUP BY sex ORDER BY sex"
            )
            crypto_ok = crypto.verify(
                crypto.public_line(key.public_key()),
                base64.b64decode(asked["taskSignature"]),
                gate_double.ciphertext(asked),
            )
            assert crypto_ok
            assert headers["x-api-key"] == "api-secret"

    asyncio.run(story())


def test_inference_is_metered_and_cut_at_the_limit(key: rsa.RSAPrivateKey, pkcs8: bytes) -> None:
    limits = [{"resourceType": "MODEL_INFERENCE", "resourceName": MODEL, "limit": 150, "totalUsage": 30}]

    async def story() -> None:
        async with world(pkcs8, {"code": "ACCEPT", "limits": limits}) as it:
            it.gate.put("", request(key, inference()))
            ended = await it.until("task-ended")
            assert ended["outcome"] == "limit"
            assert it.gate.kinds() == [*GOOD, "EVALUATION_RESULTS", "TASK_ABORT"]
            results, abort = it.gate.sent[5], it.gate.sent[6]
            assert messages.resources_consumed(results) == ((MODEL, 120.0),)
            value = it.opened("EVALUATION_RESULTS")
            assert isinstance(value, dict)
            assert len(value["predictions"]) == 120
            assert messages.reason_of(abort) is not None
            assert messages.reason_of(abort).name == "LIMITS_EXCEEDED"  # type: ignore[union-attr]
            told = it.opened("TASK_ABORT")
            assert isinstance(told, dict)
            assert "120 of 600" in told["message"]

    asyncio.run(story())


def test_inference_without_a_limit_delivers_everything(
    key: rsa.RSAPrivateKey, pkcs8: bytes, answers: dict[str, Any]
) -> None:
    async def story() -> None:
        async with world(pkcs8, answers) as it:
            it.gate.put("", request(key, inference()))
            assert (await it.until("task-ended"))["outcome"] == "done"
            assert messages.resources_consumed(it.gate.sent[5]) == ((MODEL, 600.0),)

    asyncio.run(story())


def test_a_refused_acceptance_means_that_nothing_happens(
    key: rsa.RSAPrivateKey, pkcs8: bytes, answers: dict[str, Any]
) -> None:
    async def story() -> None:
        async with world(pkcs8, answers, frozenset({int(MessageType.JOB_ACCEPT)})) as it:
            it.gate.put("", request(key, query("SELECT 1 AS x")))
            ended = await it.until("task-ended")
            assert (ended["outcome"], ended["code"]) == ("dropped", "network.not-let")
            assert it.gate.attempted == [int(MessageType.JOB_ACCEPT)]
            assert it.gate.sent == []
            assert it.pod.running

    asyncio.run(story())


def test_no_access_no_task(key: rsa.RSAPrivateKey, pkcs8: bytes) -> None:
    async def story() -> None:
        async with world(pkcs8, {"code": "NO_ACCESS", "limits": None}) as it:
            it.gate.put("", request(key, query("SELECT 1 AS x")))
            ended = await it.until("task-ended")
            assert (ended["outcome"], ended["code"]) == ("rejected", "NO_ACCESS")
            assert it.gate.kinds() == ["JOB_REJECT"]
            assert list(it.opened("JOB_REJECT")) == ["NO_ACCESS"]  # type: ignore[call-overload]

    asyncio.run(story())


def test_tasks_that_are_not_understood_are_rejected_with_words(
    key: rsa.RSAPrivateKey, pkcs8: bytes, answers: dict[str, Any]
) -> None:
    unknown = {"class_name": "research_lab.Atlas", "algorithm": [{"class_name": "research_lab.Step"}]}

    async def story() -> None:
        async with world(pkcs8, answers) as it:
            it.gate.put("", request(key, unknown))
            assert (await it.until("task-ended"))["code"] == "pod.unknown-task"
            assert it.gate.kinds() == ["LOG_MESSAGE", "JOB_REJECT"]
            rejected = it.opened("JOB_REJECT")
            assert isinstance(rejected, dict)
            assert "research_lab.Atlas" in rejected["TASK_SETUP_ERROR"][0]
            assert it.access.asked == []
            it.events.clear()
            it.gate.sent.clear()
            it.gate.put("", request(key, query("SELECT 1 AS x"), outer_protocol=unknown))
            assert (await it.until("task-ended"))["code"] == "pod.unknown-task"
            assert it.gate.kinds() == ["LOG_MESSAGE", "JOB_REJECT"]
            it.events.clear()
            it.gate.put("", request(key, query("SELECT 1 AS x"), flow_spec_raw={"steps": []}))
            assert (await it.until("task-ended"))["outcome"] == "rejected"
            assert it.access.asked == []

    asyncio.run(story())


def test_garbage_is_survived(key: rsa.RSAPrivateKey, pkcs8: bytes, answers: dict[str, Any]) -> None:
    async def story() -> None:
        async with world(pkcs8, answers) as it:
            it.gate.put("", trigger(b"\x00garbage"))
            assert (await it.until("task-ended"))["outcome"] == "unreadable"
            other = request(key, query("SELECT 1 AS x"))
            other.messageType = int(MessageType.DATASET_PROJECT_LINKED)  # type: ignore[assignment]
            it.gate.put("", other)
            it.events.clear()
            it.gate.put("", request(key, query("SELECT 1 AS x")))
            assert (await it.until("task-ended"))["outcome"] == "done"
            assert it.opened("EVALUATION_RESULTS") == {"x": [1]}

    asyncio.run(story())


def test_a_failing_query_aborts_in_plain_words(key: rsa.RSAPrivateKey, pkcs8: bytes, answers: dict[str, Any]) -> None:
    async def story() -> None:
        async with world(pkcs8, answers) as it:
            it.gate.put("", request(key, query("SELECT sex::INTEGER AS x FROM patients")))
            ended = await it.until("task-ended")
            assert (ended["outcome"], ended["code"]) == ("failed", "sql.odd-data")
            assert it.gate.kinds() == [*GOOD, "TASK_ABORT"]
            told = it.opened("TASK_ABORT")
            assert isinstance(told, dict)
            assert set(told) == {"message", "reason"}
            assert told["reason"] == "WORKER_ERROR"
            assert "Traceback" not in told["message"]
            assert "[sql.odd-data]" in told["message"]

    asyncio.run(story())


def test_a_running_query_is_cancelled(key: rsa.RSAPrivateKey, pkcs8: bytes, answers: dict[str, Any]) -> None:
    async def story() -> None:
        async with world(pkcs8, answers) as it:

            def starts_and_cancels(message: pb.BitfountMessage) -> None:
                if int(message.messageType) == MessageType.TASK_START:
                    it.say(messages.requester_task_start(ROUTE, SESSION, CLOCK.now()))
                    it.say(messages.task_cancel(ROUTE, SESSION, CLOCK.now()))

            it.gate.on_send = starts_and_cancels
            it.gate.put("", request(key, query(ENDLESS)))
            assert (await it.until("task-ended", 15))["outcome"] == "cancelled"
            assert it.gate.kinds() == [*GOOD, "TASK_ABORT"]
            assert messages.reason_of(it.gate.sent[-1]).name == "CANCELLED_BY_MODELLER"  # type: ignore[union-attr]
            it.gate.on_send = it.good_requester
            it.events.clear()
            it.gate.put("", request(key, query("SELECT 1 AS x")))
            assert (await it.until("task-ended"))["outcome"] == "done"

    asyncio.run(story())


def test_a_requester_that_never_starts_is_given_up(
    key: rsa.RSAPrivateKey, pkcs8: bytes, answers: dict[str, Any]
) -> None:
    async def story() -> None:
        async with world(pkcs8, answers, start_wait=0.3, complete_wait=0.3) as it:
            it.gate.on_send = lambda message: None
            it.gate.put("", request(key, query("SELECT 1 AS x")))
            assert (await it.until("task-ended"))["outcome"] == "timed-out"
            assert it.gate.kinds() == [*GOOD, "TASK_ABORT"]

            # a start that is sealed with another key is not the requester's
            def forged(message: pb.BitfountMessage) -> None:
                if int(message.messageType) == MessageType.TASK_START:
                    it.say(messages.requester_task_start(ROUTE, codec.new_session_key(), CLOCK.now()))

            it.gate.on_send = forged
            it.events.clear()
            it.gate.put("", request(key, query("SELECT 1 AS x")))
            assert (await it.until("task-ended"))["outcome"] == "timed-out"
            assert "EVALUATION_RESULTS" not in it.gate.kinds()

    asyncio.run(story())


def test_the_end_of_standard_input_ends_a_query_at_once(
    key: rsa.RSAPrivateKey, pkcs8: bytes, answers: dict[str, Any]
) -> None:
    async def story() -> None:
        async with world(pkcs8, answers) as it:
            it.gate.put("", request(key, query(ENDLESS)))
            await it.gate.until(lambda: any(m.messageType == MessageType.TASK_START for m in it.gate.sent))
            await it.gate.until(lambda: len(it.gate.acknowledged) >= 2)
            pid = it.pod.pid
            assert pid is not None
            process = psutil.Process(pid)
            it.pod._process.stdin.close()  # type: ignore[union-attr]  # what the death of the parent does
            gone, _ = await asyncio.to_thread(psutil.wait_procs, [process], 3)
            assert gone == [process]
            assert "EVALUATION_RESULTS" not in it.gate.kinds()

    asyncio.run(story())


def test_a_dead_pod_is_started_again_and_a_stopped_one_is_not(pkcs8: bytes, answers: dict[str, Any]) -> None:
    async def story() -> None:
        async with world(pkcs8, answers) as it:
            first = it.pod.pid
            assert first is not None
            psutil.Process(first).kill()
            await it.until("restarted")
            await it.gate.until(lambda: len(it.gate.connected) == 2)
            second = it.pod.pid
            assert second not in {None, first}
            await it.pod.stop()
            assert it.pod.pid is None
            assert not it.pod.running
            assert not psutil.pid_exists(second)  # type: ignore[arg-type]

    asyncio.run(story())


def test_secrets_are_in_no_argument_and_no_environment(pkcs8: bytes, answers: dict[str, Any]) -> None:
    async def story() -> None:
        os.environ["PODADMIN_TEST_SECRET"] = "api-secret"
        try:
            async with world(pkcs8, answers) as it:
                process = psutil.Process(it.pod.pid)
                shown = " ".join(process.cmdline()) + str(process.environ()) + it.pod.last_words + repr(it.config)
                assert "api-secret" not in shown
                assert base64.b64encode(pkcs8).decode()[:40] not in shown
        finally:
            del os.environ["PODADMIN_TEST_SECRET"]

    asyncio.run(story())


def test_a_pod_that_cannot_start_says_why(pkcs8: bytes) -> None:
    async def story() -> None:
        events: list[Mapping[str, str]] = []
        pod = BuiltInPod(events.append, ready_seconds=120)
        config = PodConfig(
            gate_address="127.0.0.1:1",
            access_url="http://127.0.0.1:1",
            pod_identifier="a/b",
            pod_name="b",
            api_key_id="",
            api_key=Secret(""),
            pod_key_pkcs8=Secret(b"no key"),
            datasources=(),
            instance_id="i",
        )
        with pytest.raises(Unavailable) as failed:
            await pod.start(config)
        assert failed.value.code == "pod.not-ready"
        assert events[-1]["code"] == "pod.config"
        assert "PKCS 8" in pod.last_words
        quick = BuiltInPod(events.append, ready_seconds=1.5)
        with pytest.raises(Unavailable):
            await quick.start(replace(config, pod_key_pkcs8=Secret(pkcs8)))
        assert quick.pid is None

    asyncio.run(story())


def test_the_line_is_read_as_it_was_written_and_errors_name_no_values(pkcs8: bytes) -> None:
    config = PodConfig(
        gate_address="127.0.0.1:5001",
        access_url="http://127.0.0.1:3001",
        pod_identifier="clinic/pod",
        pod_name="pod",
        api_key_id="id",
        api_key=Secret("api-secret"),
        pod_key_pkcs8=Secret(pkcs8),
        datasources=(sql.Source("patients", Path("/data/p.csv"), ("name",), "CSVSource"),),
        instance_id="i",
    )
    assert config.line().count(b"\n") == 1
    again = read_line(config.line())
    assert again.line() == config.line()
    assert again.datasources == config.datasources
    wrong_lines = (b"", b"{}", b"[]", b"garbage", config.line().replace(b"127.0.0.1:5001", b"evil.example:1"))
    for wrong in wrong_lines:
        with pytest.raises(BadInput) as refused:
            read_line(wrong)
        assert refused.value.code == "pod.config"
        assert "evil" not in str(refused.value)
    with pytest.raises(BadInput):
        PodKey(Secret(b"not a key"))


def test_pauses_between_starts_grow_to_a_minute() -> None:
    assert [pause_after(deaths) for deaths in (1, 2, 3, 4, 7, 100)] == [1, 2, 4, 8, 60, 60]
