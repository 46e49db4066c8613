"""The hub of a network: who is registered under which public key (bitfount contract, section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Unavailable
from podadmin.networks.bitfount.question import Asker, Body, Headers, Voice

ASK_SECONDS = 20.0
_MAX_ANSWER = 4 * 1024 * 1024


@dataclass(frozen=True)
class RegisteredPod:
    """`identifier` is `owner/name`; `public_key` is an `ssh-rsa …` line."""

    identifier: str
    public_key: str
    display_name: str
    description: str


@dataclass(frozen=True)
class RegisteredKey:
    """A public key (PEM) with which a requester signs. A key that is not `active` must not count."""

    id: str
    public_key: str
    active: bool


class _Pod(BaseModel):
    model_config = ConfigDict(extra="ignore")

    podIdentifier: str = Field(max_length=300)
    podPublicKey: str = Field(max_length=16_384)
    podDisplayName: str = Field(default="", max_length=1000)
    description: str | None = Field(default="", max_length=20_000)

    def value(self) -> RegisteredPod:
        return RegisteredPod(self.podIdentifier, self.podPublicKey, self.podDisplayName, self.description or "")


class _Pods(BaseModel):
    pods: list[_Pod]


class _Key(BaseModel):
    model_config = ConfigDict(extra="ignore")

    public_key: str = Field(max_length=16_384)
    id: str = Field(max_length=300)
    active: bool


class _Id(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: str = Field(max_length=300)


class _Success(BaseModel):
    model_config = ConfigDict(extra="ignore")

    success: bool


M = TypeVar("M", bound=BaseModel)


class HubClient:
    """`base_url`: `https://…`, or `http://127.0.0.1:PORT` for a network on this machine. `headers`: how the caller
    proves itself (`x-api-key-id` and `x-api-key`). `timeout`: seconds for one whole question.

    Every method raises NotFound `hub.unknown`, Refused `hub.not-allowed`, BadInput `hub.refused-as-wrong` and
    `hub.malformed`, Unavailable `hub.unreachable`, `hub.slow` and `hub.failed`.
    """

    def __init__(self, base_url: str, headers: Headers | None = None, timeout: float = ASK_SECONDS) -> None:
        self._asker = Asker(base_url, timeout, headers or {}, _VOICE, _MAX_ANSWER)

    async def register_pod(self, name: str, public_key: str, *, display_name: str = "", description: str = "") -> None:
        """Make the pod `caller/name` known with its public key, or renew what is known of it."""
        body = {
            "name": name,
            "podDisplayName": display_name or name,
            "podPublicKey": public_key,
            "accessManagerPublicKey": "",
            "description": description,
        }
        await self.ask("POST", "/api/pods", _Success, body)

    async def pod(self, identifier: str) -> RegisteredPod:
        """The pod `owner/name`."""
        owner, _, name = identifier.partition("/")
        found = await self.ask("GET", f"/api/pods/{quote(owner, safe='')}/{quote(name, safe='')}", _Pod)
        return found.value()

    async def pods(self) -> tuple[RegisteredPod, ...]:
        """Every pod of a local network; the public hub has no such list."""
        return tuple(pod.value() for pod in (await self.ask("GET", "/api/pods", _Pods)).pods)

    async def register_key(self, user: str, public_key: str) -> str:
        """Register a key with which `user` signs; its number."""
        return (await self.ask("POST", f"/api/{quote(user, safe='')}/keys?version=2", _Id, {"key": public_key})).id

    async def key(self, user: str, key_id: str) -> RegisteredKey:
        """The key with which `user` signs under this number."""
        found = await self.ask("GET", f"/api/{quote(user, safe='')}/keys/{quote(key_id, safe='')}", _Key)
        return RegisteredKey(found.id, found.public_key, found.active)

    async def signing_keys(self) -> bytes:
        """The document with the keys by which the hub signs (a JSON Web Key Set), as it came."""
        return await self._asker.ask("GET", "/api/hub-public-keys/jwks")

    async def ask(
        self,
        verb: str,
        path: str,
        answer_type: type[M],
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> M:
        """One question in the form that all of them have."""
        received = await self._asker.ask(verb, path, body, headers, frozenset({200, 201}))
        try:
            return answer_type.model_validate_json(received)
        except ValidationError:
            raise _malformed() from None


def _needs_tls() -> Refused:
    return Refused(
        "hub.needs-tls",
        "The connection to the hub would not be encrypted.",
        "Its address is not one that begins with https.",
        "Correct the address in the settings of the network.",
    )


def _unavailable(code: str, why: str) -> Unavailable:
    return Unavailable(
        f"hub.{code}",
        "The hub of the network could not be asked.",
        why,
        "Try again when the network can be reached.",
    )


def _status(status: int) -> PodadminError:
    if status == 404:
        return NotFound(
            "hub.unknown",
            "The hub of the network does not know this name.",
            "Nothing is registered there under it.",
            "Check the name.",
        )
    if status in {401, 403}:
        return Refused(
            "hub.not-allowed",
            "The hub of the network does not accept this caller.",
            "The keys with which the network was joined are not valid there, or not for this act.",
            "Leave the network and join it again.",
        )
    if status in {400, 409, 413, 422}:
        return BadInput(
            "hub.refused-as-wrong",
            "The hub of the network refused what was sent as wrong.",
            "A name or a key does not have the form that it wants.",
            "Check the name.",
        )
    return _unavailable("failed", f"It answered with the number {status}.")


def _malformed() -> BadInput:
    return BadInput(
        "hub.malformed",
        "The answer of the hub cannot be read.",
        "It does not have the form of one.",
        "It was not used. If it happens again, tell the network.",
    )


_VOICE = Voice(_needs_tls, _unavailable, _status, _malformed)
