"""Triggers that are no job requests: a flow that is linked to a dataset, and one that the hub itself starts.

No access check covers them and the first is not even signed (bitfount contract, section 5.5). Strangers write the
bodies: sizes are capped, and a flow that cannot be shown as it is, is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from podadmin.core.errors import BadInput, Tampered
from podadmin.networks.bitfount import codec, crypto

MAX_BODY = 4 * codec.MIB
_SIGNED = ("keyId", "datasetOwner", "datasetName", "projectId", "taskId")


@dataclass(frozen=True)
class LinkedFlow:
    """A flow for a dataset, as DATASET_PROJECT_LINKED brings it. Nothing in it is proved."""

    project_id: str
    datasource: str
    flow: Mapping[str, Any]


@dataclass(frozen=True)
class HubTrigger:
    """A task that the hub starts, still sealed. What stands around the seal is not signed."""

    key_id: str
    owner: str
    datasource: str
    project_id: str
    task_id: str
    encrypted_request: bytes
    signature: bytes


def read_linked(body: bytes) -> LinkedFlow:
    """Raises BadInput (`trigger.garbage`)."""
    found = _document(body)
    flow = found.get("flow_spec_raw")
    if not isinstance(flow, dict) or not codec.is_json(flow):
        _garbage("There is no flow in it.")
    return LinkedFlow(_text(found, "project_id"), _text(found, "datasource_name"), flow)


def read_from_hub(body: bytes) -> HubTrigger:
    """Raises BadInput (`trigger.garbage`)."""
    found = _document(body)
    sealed = found.get("signedPayload")
    if not isinstance(sealed, dict):
        _garbage("Nothing in it is sealed.")
    key_id, owner, name, project, task = (_text(found, each) for each in _SIGNED)
    return HubTrigger(
        key_id, owner, name, project, task, _bytes(sealed, "encryptedRequest"), _bytes(sealed, "signature")
    )


def open_from_hub(trigger: HubTrigger, key: crypto.Decrypts, hub_key: bytes | str) -> Mapping[str, Any]:
    """The flow of a task that the hub starts, once its signature is proved to be the hub's.

    Raises Tampered (`trigger.signature-bad`, `envelope.changed`, `envelope.not-for-this-key`), BadInput
    (`trigger.garbage`, `envelope.truncated`) and what the key raises.
    """
    if not crypto.verify(hub_key, trigger.signature, trigger.encrypted_request):
        raise Tampered(
            "trigger.signature-bad",
            "The hub's signature on this task is wrong.",
            "Somebody else than the hub made it, or it was changed on its way.",
            "It was not used. Tell the network that such a message was sent to you.",
        )
    plain = crypto.decrypt_with(key, trigger.encrypted_request)
    try:
        inner = codec.unpack(plain, max_compressed=MAX_BODY, max_plain=MAX_BODY, max_items=100_000)
    except BadInput:
        _garbage("Its sealed part cannot be read.")
    flow = inner.get("flow_spec_raw") if isinstance(inner, dict) else None
    if not isinstance(flow, dict) or not codec.is_json(flow):
        _garbage("There is no flow in its sealed part.")
    return flow


def _document(body: bytes) -> dict[str, Any]:
    try:
        if len(body) > MAX_BODY:
            raise ValueError
        found = json.loads(body)
    except (ValueError, RecursionError):
        _garbage("It is not JSON, or too long.")
    if not isinstance(found, dict):
        _garbage("It is not a map.")
    return found


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or len(value) > 300:
        _garbage(f"The field {name} is missing or is not text.")
    return value


def _bytes(found: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(found[name], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        _garbage(f"The field {name} is missing or not in base 64.")


def _garbage(why: str) -> NoReturn:
    raise BadInput(
        "trigger.garbage",
        "A message that would start work in the pod cannot be read.",
        why,
        "It was not used. Tell the network that such a message was sent to you.",
    )
