"""A signed request is altered in every place that its structure has: none of them passes for what was signed.

What the signature covers cannot be altered without the request failing; what stands outside of it can be rewritten by
anybody, and then the request is another one: no grant that was made for the first covers it. By hand, for the full
number: `PODADMIN_MUTATIONS=100000 pytest tests/gate/test_mutated_requests.py`.
"""

from __future__ import annotations

import copy
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.gate.opening import _flags
from podadmin.networks.bitfount import codec, crypto
from podadmin.networks.bitfount.job_request import check_signature, open_job_request, seal_job_request
from podadmin.networks.local import demo_tasks
from podadmin.networks.local.requester import RequesterKey
from podadmin.requests.difference import decided_on
from podadmin.requests.envelope import Claims, Opened, Unverified, Verified, VerifiedRequest, judge
from podadmin.requests.grant_pins import pins_of
from podadmin.requests.grants import Grant, matches

HOW_MANY: Final = int(os.environ.get("PODADMIN_MUTATIONS", "1500"))
VECTORS: Final = Path(__file__).resolve().parents[1] / "interop" / "vectors"
POD, PROJECT, KEY_ID = "alice/patients", "glaucoma-study", "key-1"
NOW = SystemClock().now()
SIZE: Final = {"max_compressed": 1 << 20, "max_plain": 1 << 20, "max_items": 100_000}


@dataclass(frozen=True)
class Scene:
    """A pod, a requester whose key the network knows, and somebody else who has captured a request."""

    pod: rsa.RSAPrivateKey
    requester: RequesterKey
    other: RequesterKey
    body: bytes
    another: bytes

    @property
    def pod_public(self) -> str:
        return crypto.public_line(self.pod.public_key())


class Key:
    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private

    def decrypt(self, block: bytes) -> bytes:
        return self._private.decrypt(block, crypto.oaep())


@cache
def scene() -> Scene:
    pod = load_ssh_private_key((VECTORS / "keys/pod/pod_rsa.pem").read_bytes(), None)
    assert isinstance(pod, rsa.RSAPrivateKey)
    requester = RequesterKey(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    other = RequesterKey(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    public = crypto.public_line(pod.public_key())

    def sealed(what: str) -> bytes:
        return seal_job_request(
            protocol=demo_tasks.protocol(what, "patients"),
            pod_identifiers=[POD],
            session_key=codec.new_session_key(),
            pod_public=public,
            signer=requester,
            project_id=PROJECT,
            key_id=KEY_ID,
        )

    return Scene(pod, requester, other, sealed("sql"), sealed("inference"))


def verified_of(body: bytes) -> Verified[VerifiedRequest]:
    """What the gate makes of a body. Raises PodadminError where it refuses it."""
    found = scene()
    opened = open_job_request(body, Key(found.pod), None)
    outer = opened.outer
    fingerprint = None
    if outer.key_id == KEY_ID:
        opened = check_signature(opened, found.requester.public)
        fingerprint = "ab" * 32
    claims = Claims(
        requester_name="research-lab",
        project_id=outer.project_id,
        auth_type=outer.auth_type,
        key_id=outer.key_id,
        requester_key_fingerprint=fingerprint,
        outer_protocol=dict(outer.serialized_protocol),
        flags=_flags(outer),
        has_flow_spec=outer.flow_spec_raw is not None,
    )
    return judge(
        Opened(
            "local",
            "job-request",
            "task-1",
            POD,
            opened.pod_identifiers,
            opened.protocol,
            Unverified(claims),
            opened.signature_state,
            "cd" * 32,
        )
    )


def unpacked(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = codec.unpack(body, **SIZE)  # type: ignore[assignment]
    return found


VALUES: Final = (None, True, False, 0, 1, -1, 2**63, "", "x", "\u202e", [], {}, ["x"], {"x": 1}, b"", b"x", "key-based")


def altered(value: Any, chance: random.Random) -> Any:
    """`value` with one place of it changed: a field added, removed, renamed, replaced, or a text or number edited."""
    value = copy.deepcopy(value)
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [value]
    while waiting:
        found = waiting.pop()
        keys = list(found) if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ()
        for key in keys:
            places.append((found, key))
            waiting.append(found[key])
    holder, key = chance.choice(places)
    match chance.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[f"{key}{chance.choice(('_', ' ', 's', chr(0x200B)))}"] = holder.pop(key)
        case 2 if isinstance(holder, dict):
            holder[chance.choice(("new", "flow_spec_raw", "datasource_name", "class_name", "url"))] = chance.choice(
                VALUES
            )
        case 3 if isinstance(holder[key], str) and holder[key]:
            text = holder[key]
            at = chance.randrange(len(text))
            holder[key] = text[:at] + chance.choice("aZ0 `'\"\u200b") + text[at + chance.randrange(2) :]
        case 4 if isinstance(holder[key], (dict, list)):
            holder[key] = [holder[key]] if isinstance(holder[key], dict) else {"0": holder[key]}
        case _:
            holder[key] = chance.choice(VALUES)
    return value


def flipped(data: bytes, chance: random.Random) -> bytes:
    """The same bytes with one changed, left out, added or cut off."""
    at = chance.randrange(len(data))
    return chance.choice(
        (
            data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :],
            data[:at] + data[at + 1 :],
            data[:at] + bytes([chance.randrange(256)]) + data[at:],
            data[:at],
            data + data[at:],
        )
    )


def bytes_of_the_body(chance: random.Random) -> bytes:
    return flipped(scene().body, chance)


def the_envelope(chance: random.Random) -> bytes:
    return codec.pack(altered(unpacked(scene().body), chance))


def the_sealed_part(chance: random.Random) -> bytes:
    outer = unpacked(scene().body)
    inner = unpacked(outer["request"])
    part = chance.choice(("encrypted_request", "signature"))
    inner[part] = flipped(inner[part], chance)
    return codec.pack({**outer, "request": codec.pack(inner)})


def parts_of_two_requests(chance: random.Random) -> bytes:
    one, other = unpacked(scene().body), unpacked(scene().another)
    sealed, foreign = unpacked(one["request"]), unpacked(other["request"])
    mixed = {key: chance.choice((sealed, foreign))[key] for key in sealed}
    outside = {key: chance.choice((one, other))[key] for key in one}
    return codec.pack({**outside, "request": codec.pack(mixed)})


def sealed_anew(chance: random.Random) -> bytes:
    """Anybody can seal for the pod; nobody else can sign as the requester."""
    found = scene()
    protocol = altered({"p": demo_tasks.protocol("sql", "patients")}, chance).get("p")
    if not isinstance(protocol, dict):
        protocol = demo_tasks.protocol("rows", "patients")
    body = seal_job_request(
        protocol=protocol,
        pod_identifiers=chance.choice(([POD], [POD, "x/y"], [])),
        session_key=Secret(b"k" * 32),
        pod_public=found.pod_public,
        signer=chance.choice((found.other, None)),
        project_id=PROJECT,
        key_id=chance.choice((KEY_ID, "key-2", None)),
    )
    if chance.randrange(2):
        outer = unpacked(body)
        stolen = unpacked(unpacked(found.body)["request"])["signature"]
        outer["request"] = codec.pack({**unpacked(outer["request"]), "signature": stolen})
        body = codec.pack(outer)
    return body


KINDS: Final[tuple[Callable[[random.Random], bytes], ...]] = (
    bytes_of_the_body,
    the_envelope,
    the_sealed_part,
    parts_of_two_requests,
    sealed_anew,
)


def grant_for(verified: Verified[VerifiedRequest]) -> Grant:
    pins = pins_of(verified)
    return Grant("gra_1", pins.fingerprint, 5, NOW + timedelta(days=30), NOW - timedelta(days=1), "req_1", pins=pins)


def mutations(count: int) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(20261121)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        yield kind.__name__, kind(chance)


@pytest.mark.timeout(7200)
def test_no_altered_request_passes_for_what_was_signed_and_none_matches_its_grant() -> None:
    signed = verified_of(scene().body)
    grants = (grant_for(signed), grant_for(verified_of(scene().another)))
    texts = {verified_of(body).value.protocol_text for body in (scene().body, scene().another)}
    whole = {repr(decided_on(verified_of(body).value)) for body in (scene().body, scene().another)}
    ended: Counter[str] = Counter()
    for kind, body in mutations(HOW_MANY):
        try:
            verified = verified_of(body)
        except PodadminError as error:
            ended[f"{kind}: {error.code}"] += 1
            continue
        # what the signature covers is word for word what its owner signed
        assert verified.value.protocol_text in texts, kind
        assert verified.value.pod_identifiers == (POD,), kind
        about = repr(decided_on(verified.value))
        pins = pins_of(verified)
        matching = [grant for grant in grants if matches(grant, pins, NOW).matches]
        if about in whole:
            # nothing that was decided on has changed: it was put together from one request alone
            ended[f"{kind}: the same request"] += 1
            assert len(matching) == 1, kind
        else:
            ended[f"{kind}: another request"] += 1
            assert matching == [], (kind, about)
    assert sum(ended.values()) == HOW_MANY
    assert sum(count for end, count in ended.items() if end.startswith("sealed_anew: env")) == HOW_MANY // len(KINDS)
    for end in ("the same request", "another request"):
        assert ended[f"the_sealed_part: {end}"] == 0
    assert ended["bytes_of_the_body: the same request"] * 50 < HOW_MANY


def test_the_request_itself_is_verified_and_matches() -> None:
    verified = verified_of(scene().body)
    assert matches(grant_for(verified), pins_of(verified), NOW).matches
    moved = replace(grant_for(verified), voided_reason="x")
    assert not matches(moved, pins_of(verified), NOW).matches
