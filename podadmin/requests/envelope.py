"""The border between what a stranger says and what was proved: unverified claims on one side, verified on the other.

Outside of a job request everything is unsigned and unencrypted; only what the pod's key opened, under a signature
over the sealed bytes, is what will run (bitfount contract, sections 0 and 5.2). The two are different types here, and
`judge` is the only place that makes a `Verified`: rules and effects accept nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Literal, NoReturn, TypeVar

from podadmin.core.canon import JSON, canonical
from podadmin.core.errors import Refused, Tampered
from podadmin.core.text import quoted, stranger
from podadmin.requests.paths import WHOLE, fault_of, field_changes

T_co = TypeVar("T_co", covariant=True)
Signature = Literal["good", "bad", "absent", "unknown-key"]
KEY_BASED: Final = "key-based"
BY_LOG_IN: Final = frozenset({"oidc-auth-code", "oidc-device-code"})
"""Ways to prove an identity that only the network can check (bitfount contract, section 6.1)."""
_SEAL: Final = object()
_PATHS_SHOWN: Final = 5


class Unverified(Generic[T_co]):
    """A value that anybody between the requester and this pod could have written."""

    __slots__ = ("_claimed",)

    def __init__(self, claimed: T_co) -> None:
        self._claimed = claimed

    @property
    def claimed(self) -> T_co:
        """The claim, under a name that says what it is."""
        return self._claimed

    def __repr__(self) -> str:
        return f"Unverified({self._claimed!r})"


class Verified(Generic[T_co]):
    """A value that `judge` has verified. Cannot be made, copied or unpickled anywhere else."""

    __slots__ = ("_value",)

    def __init__(self, value: T_co, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only podadmin.requests.envelope.judge makes verified values")
        self._value = value

    @property
    def value(self) -> T_co:
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Verified) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"Verified({self._value!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a verified value is verified again, never copied or stored as such")


@dataclass(frozen=True)
class Claims:
    """The unsigned, unencrypted outside of a request. `flags` are its switches as they were sent."""

    requester_name: str
    project_id: str | None
    auth_type: str
    key_id: str | None
    requester_key_fingerprint: str | None
    outer_protocol: JSON | None
    flags: Mapping[str, object]
    has_flow_spec: bool


@dataclass(frozen=True)
class Opened:
    """A request after the pod's key has opened it and before anything about it is believed.

    `pod_identifier` is the one of this pod; `pod_identifiers` are those inside the sealed part; `protocol` is the
    sealed one. `body_digest` is the SHA-256 of the body as it came, in hex.
    """

    network: str
    kind: str
    task_id: str
    pod_identifier: str
    pod_identifiers: tuple[str, ...]
    protocol: object
    claims: Unverified[Claims]
    signature: Signature
    body_digest: str
    sent_at: datetime | None = None


@dataclass(frozen=True)
class Requester:
    """Who signed. The fingerprint belongs to the key that verified the signature; the name is only claimed."""

    name_claimed: str
    key_fingerprint: str


@dataclass(frozen=True)
class VerifiedRequest:
    """What will really run, and who signed it.

    `protocol_text` is the sealed protocol as canonical JSON: text, so that nobody can change it after it was judged.
    Fields that end in `_claimed` stand outside the signature and stay claims.
    """

    network: str
    task_id: str
    pod_identifier: str
    pod_identifiers: tuple[str, ...]
    protocol_text: str
    requester: Requester
    project_claimed: str | None
    auth_type: str
    flags_claimed: tuple[tuple[str, str], ...]
    """Name and canonical JSON value of every switch, by name."""
    body_digest: str
    sent_at: datetime | None

    @property
    def protocol(self) -> JSON:
        """A fresh copy of the protocol."""
        protocol: JSON = json.loads(self.protocol_text)
        return protocol


class ProtocolDiffers(Tampered):
    """The protocol outside is not the one inside. `paths` names every place where they differ, made safe to show."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        shown = ", ".join(paths[:_PATHS_SHOWN])
        more = f" and {len(paths) - _PATHS_SHOWN} more" if len(paths) > _PATHS_SHOWN else ""
        super().__init__(
            "envelope.protocol-differs",
            "This request says one thing on the outside and would do another.",
            f"The readable protocol and the sealed one differ at: {shown}{more}.",
            "Do not answer it. Ask the requester by telephone whether they sent it, and tell the network's operator.",
        )
        self.paths = paths


def judge(opened: Opened, *, by_network: bool = False) -> Verified[VerifiedRequest]:
    """Verify a request, or say what is wrong with it.

    `by_network`: a requester may prove itself by a log-in, which the network's access check looks at when the pod
    begins; then no key is known (`requester.key_fingerprint` is empty), and the decider never allows it by itself.

    Raises Tampered: `envelope.signature-bad`, `envelope.protocol-differs` (ProtocolDiffers, with the paths).
    Raises Refused: `envelope.flow-unsupported`, `envelope.malformed-protocol`, `envelope.wrong-pod`,
    `envelope.identity-unverified`, `envelope.signature-absent`, `envelope.unknown-key`.
    The checks run in this order, and the first that fails names the cause: what cannot be understood at all, what was
    changed on its way, what is not for this pod, who cannot be known.
    """
    claims = opened.claims.claimed
    if opened.kind != "job-request" or claims.has_flow_spec:
        raise _refused(
            "flow-unsupported",
            "This request asks for a flow of the next protocol version.",
            "Its steps cannot be verified here yet, and the network's access check does not cover them.",
            "Ask the requester to send the task as an ordinary job request.",
        )
    if opened.signature == "bad":
        raise Tampered(
            "envelope.signature-bad",
            "The signature of this request is wrong.",
            "The sealed part was changed after it was signed, or somebody else signed it in the requester's name.",
            "Do not answer it. Ask the requester by telephone whether they sent it.",
        )
    protocol, text = _sealed_protocol(opened.protocol)
    _same_outside(claims.outer_protocol, protocol)
    if opened.pod_identifier not in opened.pod_identifiers:
        raise _refused(
            "wrong-pod",
            "This request was not made for this pod.",
            "Its sealed part names other pods only.",
            "Ask the requester to send it again to this pod, by its full name.",
        )
    key_fingerprint = "" if by_network and claims.auth_type in BY_LOG_IN else _proved_key(opened.signature, claims)
    flags, fault = dict(claims.flags), fault_of(dict(claims.flags))
    if fault:
        raise _malformed(f"Its switches cannot be read: {fault}.")
    request = VerifiedRequest(
        network=opened.network,
        task_id=opened.task_id,
        pod_identifier=opened.pod_identifier,
        pod_identifiers=tuple(sorted(set(opened.pod_identifiers))),
        protocol_text=text,
        requester=Requester(claims.requester_name, key_fingerprint),
        project_claimed=claims.project_id,
        auth_type=claims.auth_type,
        flags_claimed=tuple(sorted((name, canonical(value)) for name, value in flags.items())),
        body_digest=opened.body_digest,
        sent_at=opened.sent_at,
    )
    return Verified(request, _SEAL)


def _sealed_protocol(protocol: object) -> tuple[JSON, str]:
    fault = fault_of(protocol)
    if fault:
        raise _malformed(f"Its protocol cannot be read: {fault}.")
    if not isinstance(protocol, dict):
        raise _malformed("Its protocol is not a map.")
    name = protocol.get("class_name")
    if not isinstance(name, str) or not name:
        raise _malformed("Its protocol does not say what class it is.")
    return protocol, canonical(protocol)


def _same_outside(outer: object, inner: JSON) -> None:
    if fault_of(outer):
        raise ProtocolDiffers((WHOLE,))
    paths = tuple(stranger(change.path) for change in field_changes(outer, inner))
    if paths:
        raise ProtocolDiffers(paths)


def _proved_key(signature: Signature, claims: Claims) -> str:
    if claims.auth_type != KEY_BASED:
        raise _refused(
            "identity-unverified",
            "The requester's identity cannot be verified here.",
            f"The request proves it by {quoted(claims.auth_type, 40)}, which only the network can check.",
            "Ask the requester to sign the request with a registered key.",
        )
    if signature == "absent":
        raise _refused(
            "signature-absent",
            "This request is not signed.",
            "It claims to be signed with the requester's key, but there is no signature in it.",
            "Ask the requester to sign it with a registered key and to send it again.",
        )
    if signature != "good" or not claims.requester_key_fingerprint:
        raise _refused(
            "unknown-key",
            "The key that signed this request is not known here.",
            "The network gave no public key for it, so nobody can say who signed.",
            "Check with the requester that the key is registered with the network, then have the request sent again.",
        )
    return claims.requester_key_fingerprint


def _refused(cause: str, what: str, why: str, next_step: str) -> Refused:
    return Refused(f"envelope.{cause}", what, why, next_step)


def _malformed(why: str) -> Refused:
    return _refused(
        "malformed-protocol",
        "This request cannot be understood.",
        why,
        "Ask the requester which software made it, and to send it again.",
    )
