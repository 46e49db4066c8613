"""The body of a JOB_REQUEST: what is claimed in the clear, and what the pod's key opens and a signature covers.

The two are kept apart by type. The clear part (`Claims`) is neither encrypted nor signed and anyone on the way can
change it; the inner part is what a pod executes (bitfount contract, sections 0.4 and 5.2). Nothing here decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput
from podadmin.core.secret import Secret
from podadmin.networks.bitfount import codec, crypto
from podadmin.networks.bitfount.types import IdentityVerificationMethod

MAX_BODY = 16 * codec.MIB
MAX_PLAIN = 32 * codec.MIB
MAX_ITEMS = 200_000

SignatureState = Literal["good", "bad", "absent", "unknown-key"]
Document = Mapping[str, Any]
"""A map that could be written as JSON."""


@dataclass(frozen=True)
class Claims:
    """What stands in the clear around the encrypted request. Unverified: it may differ from what would run."""

    serialized_protocol: Document
    auth_type: str
    project_id: str | None
    key_id: str | None
    run_on_new_data_only: bool
    batched_execution: bool
    test_run: bool
    force_rerun_failed_files: bool
    enable_anonymized_tracker_upload: bool
    requires_ehr_connection: bool
    supports_mps: bool | None
    flow_spec_raw: Document | None
    """Where it is present, a pod runs this flow and asks nobody for permission (section 5.4, step 5)."""
    datasource_name: str | None
    unknown: tuple[str, ...]
    """Names in the envelope that this version does not know."""


@dataclass(frozen=True)
class OpenedJobRequest:
    """A request that the pod's key has opened. `protocol` is what a pod would execute."""

    outer: Claims
    protocol: Document
    pod_identifiers: tuple[str, ...]
    session_key: Secret[bytes]
    encrypted_request: bytes
    signature: bytes | None
    signature_state: SignatureState
    opened_by: str = ""
    """The id of the pod's key that opened it, where the caller knows it."""

    @property
    def differs_from_envelope(self) -> bool:
        """Does the clear protocol say something else than the one that would run?"""
        return canonical(self.outer.serialized_protocol) != canonical(self.protocol)


@dataclass(frozen=True)
class _Envelope:
    claims: Claims
    encrypted_request: bytes
    signature: bytes | None


_FLAGS = {
    "run_on_new_data_only": False,
    "batched_execution": False,
    "test_run": False,
    "force_rerun_failed_files": True,
    "enable_anonymized_tracker_upload": False,
    "requires_ehr_connection": False,
}
_KNOWN = {
    *_FLAGS,
    "serialized_protocol",
    "auth_type",
    "request",
    "project_id",
    "key_id",
    "supports_mps",
    "flow_spec_raw",
    "datasource_name",
}


def _garbage(why: str) -> NoReturn:
    raise BadInput(
        "envelope.garbage",
        "This is not a task request.",
        why,
        "It was not used. If you expected a request, ask the requester to send it again.",
    )


@contextmanager
def _as_envelope() -> Iterator[None]:
    """Codec errors in the words and codes of envelopes."""
    try:
        yield
    except BadInput as error:
        if not error.code.startswith("codec."):
            raise
        cause = error.code.removeprefix("codec.")
        if cause in {"too-big", "too-many", "too-deep"}:
            raise BadInput(
                "envelope.too-big",
                "The request is larger than this application reads.",
                error.why,
                "It was not used. Ask the requester to send a smaller task.",
            ) from None
        if cause in {"truncated", "trailing"}:
            raise BadInput(
                f"envelope.{cause}",
                "The request is incomplete." if cause == "truncated" else "The request has bytes that do not belong.",
                error.why,
                "Ask the requester to send the request again.",
            ) from None
        _garbage(error.why)


def _map(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _garbage(f"{what} is not a map.")
    return value


def _document(value: object, what: str) -> Document:
    found = _map(value, what)
    if not codec.is_json(found):
        _garbage(f"{what} holds a value that cannot be shown as it is.")
    return found


def _optional_text(outer: Mapping[str, Any], name: str) -> str | None:
    value = outer.get(name)
    if value is not None and not isinstance(value, str):
        _garbage(f"The field {name} is not text.")
    return value


def _flag(outer: Mapping[str, Any], name: str, default: bool) -> bool:
    value = outer.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        _garbage(f"The field {name} is neither true nor false.")
    return value


def _read_envelope(body: bytes) -> _Envelope:
    with _as_envelope():
        outer = _map(
            codec.unpack(body, max_compressed=MAX_BODY, max_plain=MAX_PLAIN, max_items=MAX_ITEMS), "The envelope"
        )
        auth_type = outer.get("auth_type")
        packed = outer.get("request")
        if not isinstance(auth_type, str) or not isinstance(packed, bytes):
            _garbage("It lacks the way of proof or the encrypted part.")
        supports_mps = outer.get("supports_mps")
        flow = outer.get("flow_spec_raw")
        claims = Claims(
            serialized_protocol=_document(outer.get("serialized_protocol"), "The protocol in the envelope"),
            auth_type=auth_type,
            project_id=_optional_text(outer, "project_id"),
            key_id=_optional_text(outer, "key_id"),
            **{name: _flag(outer, name, default) for name, default in _FLAGS.items()},
            supports_mps=None if supports_mps is None else _flag(outer, "supports_mps", False),
            flow_spec_raw=None if flow is None else _document(flow, "The flow in the envelope"),
            datasource_name=_optional_text(outer, "datasource_name"),
            unknown=tuple(sorted(set(outer) - _KNOWN)),
        )
        inner = _map(
            codec.unpack(packed, max_compressed=MAX_BODY, max_plain=MAX_PLAIN, max_items=MAX_ITEMS),
            "The encrypted part",
        )
        encrypted, signature = inner.get("encrypted_request"), inner.get("signature")
        if not isinstance(encrypted, bytes) or (signature is not None and not isinstance(signature, bytes)):
            _garbage("The encrypted part does not have the form of one.")
        return _Envelope(claims, encrypted, signature)


def read_claims(body: bytes) -> Claims:
    """What the envelope says in the clear: enough to look up the requester's key before opening.

    Raises BadInput `envelope.garbage`, `envelope.truncated`, `envelope.trailing` or `envelope.too-big`.
    """
    return _read_envelope(body).claims


def open_job_request(body: bytes, key: crypto.Decrypts, requester_public: bytes | None) -> OpenedJobRequest:
    """Open a request with the key of the pod, and check the signature with the public key of the requester.

    Raises BadInput `envelope.garbage`, `envelope.truncated`, `envelope.trailing`, `envelope.too-big` and
    `crypto.public-key`; Tampered `envelope.not-for-this-key` and `envelope.changed`. Other PodadminErrors of the key
    (a locked keyring) pass through. A bad signature is a state of the result, not an error.
    """
    envelope = _read_envelope(body)
    plain = crypto.decrypt_with(key, envelope.encrypted_request)
    with _as_envelope():
        inner = _map(
            codec.unpack(plain, max_compressed=MAX_BODY, max_plain=MAX_PLAIN, max_items=MAX_ITEMS), "The request"
        )
    session_key = inner.get("aes_key")
    pods = inner.get("pod_identifiers")
    if not isinstance(session_key, bytes) or len(session_key) != codec.SESSION_KEY_SIZE:
        _garbage("The session key in it does not have the form of one.")
    if not isinstance(pods, list) or not all(isinstance(pod, str) for pod in pods):
        _garbage("The list of pods in it is not one.")
    opened = OpenedJobRequest(
        outer=envelope.claims,
        protocol=_document(inner.get("serialized_protocol"), "The protocol"),
        pod_identifiers=tuple(pods),
        session_key=Secret(session_key),
        encrypted_request=envelope.encrypted_request,
        signature=envelope.signature,
        signature_state="absent" if envelope.signature is None else "unknown-key",
    )
    return opened if requester_public is None else check_signature(opened, requester_public)


def check_signature(opened: OpenedJobRequest, requester_public: bytes | str) -> OpenedJobRequest:
    """The same request with the state of its signature known. Raises BadInput `crypto.public-key`."""
    if opened.signature is None:
        return opened
    good = crypto.verify(requester_public, opened.signature, opened.encrypted_request)
    return replace(opened, signature_state="good" if good else "bad")


def seal_job_request(
    *,
    protocol: Document,
    pod_identifiers: Sequence[str],
    session_key: Secret[bytes],
    pod_public: bytes | str,
    signer: crypto.Signs | None = None,
    auth_type: str = IdentityVerificationMethod.KEYS,
    project_id: str | None = None,
    key_id: str | None = None,
    outer_protocol: Document | None = None,
    flow_spec_raw: Document | None = None,
    datasource_name: str | None = None,
    flags: Mapping[str, bool] | None = None,
) -> bytes:
    """The requester's side: the body of a JOB_REQUEST. Absent values are left out, as real requesters do.

    `outer_protocol` shows something else in the clear than what is encrypted: for hostile tests.
    Raises BadInput `crypto.public-key`; ValueError for a flag that does not exist.
    """
    chosen = dict(_FLAGS)
    for name, value in (flags or {}).items():
        if name not in _FLAGS:
            raise ValueError(f"no flag {name}")
        chosen[name] = value
    inner = {
        "serialized_protocol": dict(protocol),
        "pod_identifiers": list(pod_identifiers),
        "aes_key": session_key.reveal(),
    }
    encrypted = crypto.encrypt_for(pod_public, codec.pack(inner))
    request: dict[str, object] = {"encrypted_request": encrypted}
    if signer is not None:
        request["signature"] = signer.sign(encrypted)
    outer: dict[str, object | None] = {
        "serialized_protocol": dict(outer_protocol if outer_protocol is not None else protocol),
        "auth_type": str(auth_type),
        "request": codec.pack(request),
        "project_id": project_id,
        "run_on_new_data_only": chosen["run_on_new_data_only"],
        "batched_execution": chosen["batched_execution"],
        "key_id": key_id,
        "test_run": chosen["test_run"],
        "force_rerun_failed_files": chosen["force_rerun_failed_files"],
        "enable_anonymized_tracker_upload": chosen["enable_anonymized_tracker_upload"],
        "requires_ehr_connection": chosen["requires_ehr_connection"],
        "flow_spec_raw": None if flow_spec_raw is None else dict(flow_spec_raw),
        "datasource_name": datasource_name,
    }
    return codec.pack({name: value for name, value in outer.items() if value is not None})
