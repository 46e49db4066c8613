"""Asking the access manager of a network whether a requester may run a task (bitfount contract, section 6.2).

The answer is one voice among several: the decider also asks the custodian's rules. An answer that cannot be read is
an error, and an unknown code means no access; neither is ever an acceptance.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from podadmin.core.errors import BadInput, PodadminError, Refused, Unavailable
from podadmin.networks.bitfount.authorisation import AccessCheckResult
from podadmin.networks.bitfount.question import Asker, Headers, Voice
from podadmin.networks.bitfount.types import PodResponseType

ASK_SECONDS = 10.0
_MAX_ANSWER = 1024 * 1024
MOST_COUNTED = 2**53
"""The greatest number of inferences that every part of podadmin counts exactly."""


@dataclass(frozen=True)
class AccessRequest:
    """What is asked. `protocol` is the verified one. With a signature the ciphertext that it covers goes along."""

    pod_identifier: str
    protocol: Mapping[str, Any]
    requester: str
    project_id: str | None
    unsigned_task: bytes = b""
    signature: bytes = b""
    key_id: str | None = None
    token: str | None = None
    """Only where the requester proved itself by log-in; then the four fields above play no part."""

    def as_json(self) -> dict[str, Any]:
        """The body of `POST /api/access`."""
        common: dict[str, Any] = {
            "podIdentifier": self.pod_identifier,
            "modellerProtocolRequest": dict(self.protocol),
            "modellerName": self.requester,
            "projectId": self.project_id,
        }
        if self.token is not None:
            return {**common, "modellerToken": self.token, "identityProvider": "OIDC"}
        return {
            **common,
            "unsignedTask": base64.b64encode(self.unsigned_task).decode(),
            "taskSignature": base64.b64encode(self.signature).decode(),
            "identityProvider": "SIGNATURE",
            "publicKeyId": self.key_id,
        }


@dataclass(frozen=True)
class ResourceLimit:
    """How much of a resource (`owner/Model:version`) a project may use. `limit` None: the network sets none.

    Code and weights can be fetched from the two addresses for a while, by whoever has them.
    """

    resource_type: str
    resource_name: str
    limit: int | None
    total_usage: int
    model_download_url: str | None = field(default=None, repr=False)
    weights_download_url: str | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """The entry as an access manager lists it; an address that it does not give is left out."""
        told: dict[str, Any] = {
            "resourceType": self.resource_type,
            "resourceName": self.resource_name,
            "limit": self.limit,
            "totalUsage": self.total_usage,
        }
        addresses = {"modelDownloadUrl": self.model_download_url, "weightsDownloadUrl": self.weights_download_url}
        return {**told, **{name: address for name, address in addresses.items() if address is not None}}


@dataclass(frozen=True)
class AccessAnswer:
    code: PodResponseType
    limits: tuple[ResourceLimit, ...]

    @property
    def accepted(self) -> bool:
        return self.code is PodResponseType.ACCEPT

    def result(self) -> AccessCheckResult:
        """The answer by the names of the field: what `from_access_check_result` reads."""
        return {"response_type": self.code, "limits": [each.as_json() for each in self.limits] or None}


class _Limit(BaseModel):
    model_config = ConfigDict(extra="ignore")

    resourceType: str = Field(max_length=200)
    resourceName: str = Field(max_length=1000)
    limit: Annotated[int, Field(ge=0, le=MOST_COUNTED)] | None = None
    totalUsage: Annotated[int, Field(ge=0, le=MOST_COUNTED)]
    modelDownloadUrl: str | None = Field(default=None, max_length=8192, repr=False)
    weightsDownloadUrl: str | None = Field(default=None, max_length=8192, repr=False)


def _known(code: object) -> PodResponseType:
    if not isinstance(code, str):
        raise ValueError("not a code")
    try:
        return PodResponseType[code]
    except KeyError:
        return PodResponseType.NO_ACCESS


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    code: Annotated[PodResponseType, BeforeValidator(_known)]
    limits: Annotated[list[_Limit], Field(max_length=10_000)] | None = None


class _Key(BaseModel):
    model_config = ConfigDict(extra="ignore")

    accessManagerPublicKey: str = Field(max_length=16_384)


class AccessManagerClient:
    """`base_url`: `https://…`, or `http://127.0.0.1:PORT` for a network on this machine. `timeout`: seconds for one
    whole question. `headers`: how the pod proves itself (`x-api-key-id` and `x-api-key`).
    """

    def __init__(self, base_url: str, timeout: float = ASK_SECONDS, headers: Headers | None = None) -> None:
        self._asker = Asker(base_url, timeout, headers or {}, _VOICE, _MAX_ANSWER)

    async def public_key(self) -> str:
        """The public key of the access manager as it registers it. Raises Unavailable and BadInput `access.…`."""
        data = await self._asker.ask("GET", "/api/access-manager-key")
        try:
            return _Key.model_validate_json(data).accessManagerPublicKey
        except ValidationError:
            raise _malformed() from None

    async def check(self, request: AccessRequest) -> AccessAnswer:
        """May this requester run this task? The limits are those of the project.

        Raises Unavailable `access.unreachable`, `access.slow`, `access.failed`; Refused `access.not-allowed`; BadInput
        `access.malformed`.
        """
        return read_answer(await self._asker.ask("POST", "/api/access", request.as_json()))


def read_answer(data: bytes) -> AccessAnswer:
    """What an access manager has answered. Raises BadInput `access.malformed`."""
    try:
        answer = _Answer.model_validate_json(data, strict=False)
    except ValidationError:
        raise _malformed() from None
    limits = tuple(
        ResourceLimit(
            limit.resourceType,
            limit.resourceName,
            limit.limit,
            limit.totalUsage,
            limit.modelDownloadUrl,
            limit.weightsDownloadUrl,
        )
        for limit in answer.limits or ()
    )
    return AccessAnswer(answer.code, limits)


def _needs_tls() -> Refused:
    return Refused(
        "access.needs-tls",
        "The connection to the access manager would not be encrypted.",
        "Its address is not one that begins with https.",
        "Correct the address in the settings of the network.",
    )


def _unavailable(code: str, why: str) -> Unavailable:
    return Unavailable(
        f"access.{code}",
        "The access manager of the network could not be asked.",
        why,
        "Nothing runs without its answer. It is asked again with the next attempt.",
    )


def _status(status: int) -> PodadminError:
    if status in {401, 403}:
        return Refused(
            "access.not-allowed",
            "The access manager of the network does not accept this pod.",
            "The keys with which the network was joined are not valid there.",
            "Leave the network and join it again.",
        )
    return _unavailable("failed", f"It answered with the number {status}.")


def _malformed() -> BadInput:
    return BadInput(
        "access.malformed",
        "The answer of the access manager cannot be read.",
        "It does not have the form of one, so it cannot count as permission.",
        "Nothing runs without its answer. If it happens again, tell the network.",
    )


_VOICE = Voice(_needs_tls, _unavailable, _status, _malformed)
