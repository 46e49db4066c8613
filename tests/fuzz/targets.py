"""What strangers write and this application reads: one function of bytes for each, and what to begin with.

A function raises nothing: what it reads is either read or refused by one of our errors, and everything else is a
defect. Around encryption and compression the bytes are put in by the function itself: guessing would never get there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from podadmin.core.canon import canonical
from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.gate import egress
from podadmin.gate.flows import Claimed, held
from podadmin.gate.hub_keys import hub_keys
from podadmin.gate.intake import is_trigger
from podadmin.gate.proxy_head import BadHead, read_head
from podadmin.gate.result_content import FEATHER, content_of
from podadmin.networks.bitfount import codec, crypto, messages, references, rpc, triggers
from podadmin.networks.bitfount.access_manager import read_answer
from podadmin.networks.bitfount.job_request import open_job_request, read_claims
from podadmin.networks.bitfount.types import type_name
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import Claims, Opened, Unverified, judge
from podadmin.requests.grant_pins import pins_of
from podadmin.requests.protocols import read
from podadmin.requests.sql_reading import understand

VECTORS: Final = Path(__file__).resolve().parents[1] / "interop" / "vectors"
_ONCE: Final = bytes(range(32))
_NONCE: Final = bytes(12)
_ARROW: Final = b"ARROW1\0\0"


class _Key:
    """A pod's key for which every block holds the same: what lies behind it can be reached without guessing."""

    def decrypt(self, block: bytes) -> bytes:
        del block
        return _ONCE


def head(data: bytes) -> None:
    """The first lines of a connection to the proxy."""
    for written in (data, data + b"\r\n\r\n"):
        try:
            found = read_head(written)
        except BadHead:
            continue
        assert 0 < found.port < 65536
        assert found.host == found.host.lower()


def envelope(data: bytes) -> None:
    """The body of a job request: as it is, as what was compressed in it, and as what was sealed in it."""
    _ours(lambda: read_claims(data))
    _ours(lambda: read_claims(_frame(data)))
    sealed = bytes(crypto.BLOCK) + _NONCE + AESGCM(_ONCE).encrypt(_NONCE, _frame(data), None)
    outer = {"serialized_protocol": {}, "auth_type": "key-based", "request": codec.pack({"encrypted_request": sealed})}
    _ours(lambda: canonical(open_job_request(codec.pack(outer), _Key(), None).protocol))


def protocol(data: bytes) -> None:
    """A sealed protocol as JSON: judged, read, and told as its effects."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict) or not codec.is_json(value):
        return  # refused by the envelope
    _ours(lambda: _judged(value))


def _judged(value: dict[str, object]) -> None:
    claims = Claims("lab", "study", "key-based", "key", "SHA256:x", value, {"test_run": False}, False)
    names = ("clinic/patients",)
    opened = Opened("local", "job-request", "task", names[0], names, value, Unverified(claims), "good", "00")
    verified = judge(opened)
    assert statement(verified, shipped()).headline
    assert read(verified).task
    assert pins_of(verified).fingerprint


def message(data: bytes) -> None:
    """A message as the network or the pod sends it: everything that is read of it before its body is opened."""
    _ours(lambda: _read_message(data))


def _read_message(data: bytes) -> None:
    found = rpc.GET.read_response(data)
    again = rpc.SEND.read_request(found.SerializeToString())
    assert again.SerializeToString(deterministic=True) == found.SerializeToString(deterministic=True)
    is_trigger(found.messageType)
    type_name(int(found.messageType))
    for look in (messages.route_of, messages.reason_of, messages.resources_consumed, egress.consumed):
        _ours(lambda look=look: look(found))  # type: ignore[misc]
    reference = references.reference_in(found.body)
    if reference is not None:
        for policy in (references.ReferencePolicy(), references.ReferencePolicy.local("http://127.0.0.1:9")):
            _ours(lambda policy=policy: references.check_reference(reference, policy))  # type: ignore[misc]


def trigger(data: bytes) -> None:
    """The body of a flow that is linked, and of a task that the hub starts."""
    _ours(lambda: _held(triggers.read_linked(data)))
    _ours(lambda: triggers.read_from_hub(data))


def _held(linked: triggers.LinkedFlow) -> None:
    claimed = Claimed(38, "hub", linked.datasource, linked.project_id, linked.flow, (), False)
    assert held(claimed, replay=False).verdict == "hold"


def web(data: bytes) -> None:
    """What the hub and the access manager answer."""
    _ours(lambda: read_answer(data))
    _ours(lambda: hub_keys(data))
    _ours(lambda: crypto.read_public_key(data))


def content(data: bytes) -> None:
    """The opened body of a result, as its custodian is shown it."""
    _ours(lambda: content_of(codec.unpack_plain(data)))
    _ours(lambda: content_of(codec.Opaque(FEATHER, _ARROW + data)))


def sql(data: bytes) -> None:
    """A query of a requester."""
    understand(data.decode("utf-8", "replace"))


def _ours(act: Callable[[], object]) -> None:
    try:
        act()
    except PodadminError as error:
        if not (error.code and error.why):
            raise AssertionError("an error that says nothing") from error


def _frame(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    each.__name__: each for each in (head, envelope, protocol, message, trigger, web, content, sql)
}


def seeds(name: str) -> list[bytes]:
    """What the fuzzer of a target begins with: the golden vectors, made by the field's own software."""
    bodies = [path.read_bytes() for path in sorted((VECTORS / "job_request").glob("*.body.bin"))]
    expected = [json.loads(path.read_bytes()) for path in sorted((VECTORS / "job_request").glob("*.expect.json"))]
    protocols = [each["inner"]["serialized_protocol"] for each in expected]
    begin: Mapping[str, Callable[[], list[bytes]]] = {
        "head": lambda: [
            b"CONNECT hub.bitfount.com:443 HTTP/1.1\r\nHost: hub.bitfount.com:443\r\n\r\n",
            b"GET http://plain.example:8080/x HTTP/1.1\r\nA: b",
            b"CONNECT [::1]:443 HTTP/1.0",
        ],
        "envelope": lambda: [*bodies, *(codec.pack_plain(each) for each in _plain_requests(bodies, protocols))],
        "protocol": lambda: [json.dumps(each).encode() for each in protocols],
        "message": lambda: [path.read_bytes() for path in sorted(VECTORS.glob("*/*.wire.bin"))],
        "trigger": lambda: [path.read_bytes() for path in sorted((VECTORS / "hub").glob("*.body.json"))],
        "web": lambda: [
            (VECTORS / "keys/hub_jwks.json").read_bytes(),
            (VECTORS / "keys/modeller.pub.pem").read_bytes(),
            b'{"code":"ACCEPT","limits":[{"resourceType":"MODEL_INFERENCE","resourceName":"a/B:1","limit":5}]}',
        ],
        "content": lambda: [
            codec.pack_plain({"n": [1, 2], "sex": ["F", "M"]}),
            codec.pack_plain([1.5, None]),
            _table(),
        ],
        "sql": lambda: [_query(each) for each in protocols],
    }
    return begin[name]()


def _plain_requests(bodies: list[bytes], protocols: list[dict[str, object]]) -> list[object]:
    found: list[object] = [
        {"serialized_protocol": each, "pod_identifiers": ["clinic/patients"], "aes_key": _ONCE} for each in protocols
    ]
    for body in bodies:
        try:
            found.append(codec.unpack(body))
        except PodadminError:
            continue  # one that is meant to be garbage
    return found


def _table() -> bytes:
    """The table of a result, without the mark before it."""
    wire = (VECTORS / "session/evaluation_results-dataframe.wire.bin").read_bytes()
    value = codec.open_session(Secret(_ONCE), rpc.GET.read_response(wire).body)
    found = next(iter(value.values())) if isinstance(value, dict) else value
    assert isinstance(found, codec.Opaque), value
    return found.data.removeprefix(_ARROW)


def _query(found: dict[str, object]) -> bytes:
    algorithm = found.get("algorithm")
    first = algorithm[0] if isinstance(algorithm, list) else algorithm
    query = first.get("query") if isinstance(first, dict) else None
    return str(query or "SELECT sex, COUNT(*) AS n FROM `patients` GROUP BY sex").encode()
