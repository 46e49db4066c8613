"""Logging in to a network as a person, with a code that they type on a page of the network (RFC 8628).

No password comes near this application. What is kept is a token, in the vault. Hosts, client and audience: bitfount
contract, section 6.1.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, stamp, unstamp
from podadmin.core.errors import BadInput, PodadminError, Refused, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks.bitfount.question import Asker, Voice
from podadmin.networks.bitfount.tokens import claims

AUDIENCE = "https://hub.bitfount.com/api"
SCOPE = "profile openid offline_access"
CLIENTS: Mapping[str, str] = {
    "bitfount": "8iCJ33Kp6hc9ofrXTzr5GLxMRHWrlzZO",
    "bitfount-staging": "Wk4XZHDKfY8F3OYcKdagIHETt6JYwX08",
    "bitfount-sandbox": "nPU5aIZIOYqqYhUNX84j9OjKpUOnqfRB",
}
"""By which name this kind of software is known where one logs in: public, no secret."""
RENEW_BEFORE = timedelta(minutes=10)
_USERNAME = "https://www.bitfount.com/username"
_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SECONDS = 20.0
_MOST = 256 * 1024


@dataclass(frozen=True)
class DeviceCode:
    """What a person needs to log in: a page, and a code to type there, good until `ends`.

    `interval`: seconds between two questions whether they have.
    """

    user_code: str
    page: str
    ends: datetime
    interval: float
    code: Secret[str] = field(repr=False)


@dataclass(frozen=True)
class Session:
    """A person's session. `access` proves it until `ends`; `renewal` gets another one."""

    username: str
    access: Secret[str]
    renewal: Secret[str] | None
    ends: datetime

    def sealed(self) -> Secret[bytes]:
        """As the vault keeps it."""
        return Secret(
            canonical(
                {
                    "username": self.username,
                    "access": self.access.reveal(),
                    "renewal": self.renewal.reveal() if self.renewal else "",
                    "ends": stamp(self.ends),
                }
            ).encode()
        )

    @classmethod
    def opened(cls, kept: bytes) -> Session:
        """As it was kept. Raises Tampered (`hub.session-changed`)."""
        try:
            told = json.loads(kept)
            renewal = Secret(str(told["renewal"])) if told["renewal"] else None
            return cls(str(told["username"]), Secret(str(told["access"])), renewal, unstamp(told["ends"]))
        except (ValueError, KeyError, TypeError) as error:
            raise Tampered(
                "hub.session-changed",
                "The session at the network cannot be used.",
                "What the vault holds of it is not what podadmin kept.",
                "Log in again.",
            ) from error


class _Code(BaseModel):
    model_config = ConfigDict(extra="ignore")

    device_code: str = Field(min_length=1, max_length=4096)
    user_code: str = Field(min_length=1, max_length=100)
    verification_uri: str = Field(default="", max_length=2048)
    verification_uri_complete: str = Field(default="", max_length=2048)
    expires_in: int = Field(gt=0, le=24 * 3600)
    interval: float = Field(default=5, ge=0, le=300)


class _Token(BaseModel):
    model_config = ConfigDict(extra="ignore")

    access_token: str = Field(default="", max_length=65_536)
    refresh_token: str = Field(default="", max_length=65_536)
    id_token: str = Field(default="", max_length=65_536)
    expires_in: int = Field(default=0, ge=0, le=400 * 24 * 3600)
    error: str = Field(default="", max_length=200)


M = TypeVar("M", _Code, _Token)


class DeviceLogin:
    """`base_url` of where one logs in: `https://auth.…`."""

    def __init__(self, base_url: str, kind: str, clock: Clock) -> None:
        self._asker = Asker(base_url, _SECONDS, {}, _VOICE, _MOST)
        self._client = CLIENTS.get(kind, CLIENTS["bitfount-sandbox"])
        self._clock = clock

    async def begin(self) -> DeviceCode:
        """Ask for a code. Raises Unavailable (`login.…`), BadInput (`login.malformed`)."""
        form = {"client_id": self._client, "scope": SCOPE, "audience": AUDIENCE}
        told = _read(_Code, await self._asker.ask("POST", "/oauth/device/code", form=form))
        page = told.verification_uri_complete or told.verification_uri
        if not page.startswith(("https://", "http://127.0.0.1:")):
            raise _malformed()
        ends = self._clock.now() + timedelta(seconds=told.expires_in)
        return DeviceCode(told.user_code, page, ends, told.interval, Secret(told.device_code))

    async def wait(self, code: DeviceCode, look: Callable[[], None]) -> Session:
        """Wait until the person has typed the code. `look` is called between questions and may raise.

        Raises Refused (`login.denied`), Unavailable (`login.too-late`).
        """
        interval = code.interval
        while self._clock.now() < code.ends:
            look()
            form = {"client_id": self._client, "grant_type": _GRANT, "device_code": code.code.reveal()}
            told = await self._token(form)
            if told.access_token:
                return self._session(told, None)
            if told.error == "slow_down":
                interval += 5
            elif told.error != "authorization_pending":
                raise Refused(
                    "login.denied",
                    "You are not logged in.",
                    "The login was refused on the page of the network, or its code has ended.",
                    "Begin again.",
                )
            await asyncio.sleep(interval)
        raise Unavailable(
            "login.too-late",
            "You are not logged in.",
            "Nobody typed the code in time.",
            "Begin again.",
        )

    async def renewed(self, session: Session) -> Session:
        """The session, or a new one where it ends soon. Raises Refused (`login.ended`), Unavailable."""
        if session.ends - self._clock.now() > RENEW_BEFORE:
            return session
        if session.renewal is not None:
            form = {
                "client_id": self._client,
                "grant_type": "refresh_token",
                "refresh_token": session.renewal.reveal(),
            }
            told = await self._token(form)
            if told.access_token:
                return self._session(told, session)
        raise Refused(
            "login.ended",
            "The session at the network has ended.",
            "It was not renewed: too much time has passed, or it was ended at the network.",
            "Log in again.",
        )

    async def _token(self, form: Mapping[str, str]) -> _Token:
        good = frozenset({200, 400, 403, 429})
        return _read(_Token, await self._asker.ask("POST", "/oauth/token", form=form, good=good))

    def _session(self, told: _Token, before: Session | None) -> Session:
        renewal = Secret(told.refresh_token) if told.refresh_token else before.renewal if before else None
        name = _username(told.id_token) or _username(told.access_token) or (before.username if before else "")
        if not name:
            raise _malformed()
        return Session(name, Secret(told.access_token), renewal, self._clock.now() + timedelta(seconds=told.expires_in))


def _username(token: str) -> str:
    """The name that a token of the network carries. It is told to the custodian, and decides nothing."""
    name = claims(token).get(_USERNAME)
    return name if isinstance(name, str) and len(name) <= 100 else ""


def _read(kind: type[M], data: bytes) -> M:
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        raise _malformed() from None


def _needs_tls() -> Refused:
    return Refused(
        "login.needs-tls",
        "The login would not be encrypted.",
        "Its address is not one that begins with https.",
        "Correct the address in the settings of the network.",
    )


def _unavailable(code: str, why: str) -> Unavailable:
    return Unavailable(
        f"login.{code}",
        "The login could not be begun or ended.",
        why,
        "Try again when the network can be reached.",
    )


def _status(status: int) -> PodadminError:
    return _unavailable("failed", f"The place where one logs in answered with the number {status}.")


def _malformed() -> BadInput:
    return BadInput(
        "login.malformed",
        "The answer to the login cannot be read.",
        "It does not have the form of one.",
        "You are not logged in. If it happens again, tell the network.",
    )


_VOICE = Voice(_needs_tls, _unavailable, _status, _malformed)
