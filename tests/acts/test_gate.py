"""The gate of a real pod through the acts: what stands there, its environment, hosts, and a task that is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from podadmin.app.engine import Engine
from podadmin.core.errors import NotFound, Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.networks import service as networks
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import rpc
from podadmin.networks.bitfount.client import MessageServiceClient, api_key_metadata
from podadmin.pod import setup as setups
from podadmin.pod.launch import Launch
from podadmin.pod.yaml_reading import read

YAML = "name: eye-clinic\nusername: trust\ndatasources: []\n"


@pytest.fixture
def behind(made: Any, profile: Any, tmp_path: Path) -> Iterator[Any]:
    """A profile whose pod is one of the network's own software, on the local network, with its engine on."""
    made("network join", kind="local")
    setups.bring(
        profile.store, profile.clock, profile.actor, read(YAML).config, tmp_path / "storage", "a file", Launch()
    )
    engine = Engine(profile)
    assert engine.start()
    profile.engine = engine
    try:
        engine.wait_until_on(Progress())
        yield made
    finally:
        engine.stop()
        profile.engine = None


def connect(profile: Any, environment: dict[str, str]) -> None:
    """A pod says that it is there, with the environment that was printed."""

    async def run() -> None:
        member = networks.api_key(profile.open_vault(), "local")
        gate = profile.engine.proxy_gate
        roots = Path(environment["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"]).read_bytes()
        channel = grpc.aio.secure_channel(
            f"{gate.places.message_service}:443",
            grpc.ssl_channel_credentials(roots),
            options=(("grpc.http_proxy", environment["grpc_proxy"]),),
        )
        async with MessageServiceClient(channel, api_key_metadata(member.id, member.key.reveal()), 20.0) as pod:
            await pod.call(rpc.POD_CONNECT, pb.PodData(podName="eye-clinic", instanceId="one"))
            assert await pod.get() is None

    asyncio.run(run())


@pytest.mark.slow
def test_a_custodian_sees_what_stands_between_pod_and_network(behind: Any, profile: Any) -> None:
    shown = behind("gate status")
    assert (shown.mode, shown.pod, shown.network) == ("proxy", "trust/eye-clinic", "Local network")
    assert "no pod has connected" in shown.red
    environment = {each.name: each.value for each in behind("gate environment")}
    assert environment["HTTPS_PROXY"] == profile.engine.proxy_gate.address
    assert environment == dict(profile.engine.proxy_gate.environment())
    connect(profile, environment)
    shown = behind("gate status")
    assert shown.red == ""
    assert shown.down_contact is not None
    assert behind("status").gate.worker_words == "The pod stands behind the gate"
    rows = {row.host: row for row in behind("gate hosts")}
    assert all(row.verdict == "inspected" and not row.may_allow for row in rows.values())
    rows = {row.host: row for row in behind("gate allow-host", host="ehr.example", reason="the record system")}
    assert (rows["ehr.example"].verdict, rows["ehr.example"].may_allow) == ("allowed", True)
    rows = {row.host: row for row in behind("gate refuse-host", host="ehr.example", reason="not any more")}
    assert rows["ehr.example"].verdict == "refused"
    profile.engine.stop()
    profile.engine = None
    assert behind("gate status").mode == "off"
    assert {each.name: each.value for each in behind("gate environment")} == environment  # the port is kept


def test_without_a_real_pod_there_is_no_environment_and_nothing_to_stop(made: Any) -> None:
    shown = made("gate status")
    assert (shown.mode, shown.network) == ("unused", "")
    assert "podadmin network join" in shown.words
    with pytest.raises(Unavailable, match="never on"):
        made("gate environment")
    with pytest.raises(NotFound):
        made("gate stop-task", request_id="req_NONE", words="why")


def test_a_gate_that_is_off_is_an_alarm_only_where_something_could_run(made: Any, profile: Any, tmp_path: Path) -> None:
    assert made("status").gate.state == "unused"
    made("network join", kind="local")
    assert made("status").gate.state == "off"
    assert "podadmin serve" in made("status").gate.detail
    made("network leave", kind="local")
    assert made("status").gate.state == "unused"
    setups.bring(
        profile.store, profile.clock, profile.actor, read(YAML).config, tmp_path / "storage", "a file", Launch()
    )
    assert made("status").gate.state == "off", "a pod that was brought can run without a gate"


def test_a_real_network_is_joined_by_name_and_one_at_a_time(made: Any) -> None:
    card = made("network join", kind="bitfount-staging")
    assert (card.kind, card.state) == ("bitfount-staging", "joined")
    assert any(fact.value == "messaging.staging.bitfount.com" for fact in card.facts)
    with pytest.raises(Refused, match="one of them"):
        made("network join", kind="bitfount")
    rows = {row.host: row for row in made("gate hosts")}
    assert rows["messaging.staging.bitfount.com"].verdict == "inspected"
    assert rows["auth.staging.bitfount.com"].verdict == "allowed"
    made("network leave", kind="bitfount-staging")
    assert [each.kind for each in made("network list")] == ["local"]
