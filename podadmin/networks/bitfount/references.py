"""Bodies that are addresses of bodies. A stranger writes the address, so it is refused unless it is plainly right.

Allowed is `https` to the object store of the network, by an anchored pattern of its host names, or exactly one
configured origin on this machine for the local network. No user name, no port of the stranger's choice, no redirect,
no path of this machine (gate contract, section 3.2 and 7.5: the real software follows all of these).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import BinaryIO, Final
from urllib.parse import SplitResult, urlsplit

import httpx
import msgpack  # type: ignore[import-untyped]

from podadmin.core.errors import BadInput, PodadminError, Refused, Unavailable
from podadmin.networks import way_out
from podadmin.networks.bitfount import messages_pb2 as pb

BITFOUNT_STORE = r"[a-z0-9-]+-message-service-external[0-9]*\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com"
"""Host names of the object store of the public network (bitfount contract, section 5.1), anchored where it is used."""

MAX_URL = 8192
_NOTHING_SECONDS: Final = 60.0
"""How long an upload may stand still, however large it is."""
_PLAIN_URL = re.compile(r"[!-\[\]-~]+")  # printable ASCII without space and backslash
_LOCAL_ORIGIN = re.compile(r"http://127\.0\.0\.1:([1-9][0-9]{0,4})")


@dataclass(frozen=True)
class ReferencePolicy:
    """Where bodies may be fetched from and sent to.

    `host_pattern`: a regular expression that the whole host name must match, or None. `local_origin`: exactly
    `http://127.0.0.1:PORT`, or None. Both None: nothing is allowed. `local_name`: the host by which the local origin is
    named as well, with https; nobody is asked where that is. Raises ValueError for another local origin.
    """

    host_pattern: str | None = BITFOUNT_STORE
    local_origin: str | None = None
    local_name: str | None = None

    def __post_init__(self) -> None:
        if self.local_origin is not None and not _LOCAL_ORIGIN.fullmatch(self.local_origin):
            raise ValueError("a local origin is http://127.0.0.1:PORT")

    @classmethod
    def local(cls, origin: str, name: str | None = None) -> ReferencePolicy:
        """Only the one origin of a local network, which may have a name beside its address."""
        return cls(host_pattern=None, local_origin=origin, local_name=name)


def reference_in(body: bytes) -> str | None:
    """The text where a body is nothing but one MessagePack string, else None. JOB_REQUEST bodies always are one."""
    if not body or not (0xA0 <= body[0] <= 0xBF or 0xD9 <= body[0] <= 0xDB):
        return None
    try:
        text = msgpack.unpackb(body, raw=False)
    except (ValueError, msgpack.UnpackException):
        return None
    return text if isinstance(text, str) else None


def _refused(code: str, why: str) -> Refused:
    return Refused(
        f"reference.{code}",
        "A message points to a place that is not the object store of this network.",
        why,
        "It was not followed. Tell the network that a message with this address was sent to you.",
    )


def check_reference(url: str, allowed: ReferencePolicy) -> str:
    """Where `url` leads, if it may be followed. Raises Refused with a `reference.…` code."""
    if len(url) > MAX_URL or not _PLAIN_URL.fullmatch(url):
        raise _refused("odd", "The address is too long or has characters that addresses do not have.")
    try:
        parts = urlsplit(url)
        seen = httpx.URL(url)
        port = parts.port
    except (ValueError, httpx.InvalidURL):
        raise _refused("odd", "The address cannot be read.") from None
    if "@" in parts.netloc:
        raise _refused("userinfo", "The address has a user name in it, which hides where it leads.")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise _refused("scheme", "The address is not one of the web.")
    if parts.fragment:
        raise _refused("odd", "The address has a fragment.")
    if allowed.local_origin is not None and f"{parts.scheme}://{parts.netloc}" == allowed.local_origin:
        return url
    if parts.scheme != "https":
        raise _refused("scheme", "The address is not an encrypted one.")
    if port is not None or ":" in parts.netloc:
        raise _refused("port", "The address names a port.")
    if allowed.local_origin is not None and parts.netloc == allowed.local_name:
        return f"{allowed.local_origin}{url.removeprefix(f'https://{parts.netloc}')}"
    if (
        allowed.host_pattern is None
        or not re.fullmatch(allowed.host_pattern, parts.netloc)
        or seen.host != parts.netloc
    ):
        raise _refused("host", "The address names another computer.")
    return url


def _is_local(parts: SplitResult) -> bool:
    return parts.scheme == "http"


def _client(url: str, timeout: float) -> httpx.AsyncClient:
    local = _is_local(urlsplit(url))
    return httpx.AsyncClient(
        follow_redirects=False,
        timeout=timeout,
        trust_env=not local,
        proxy=way_out.for_web(local),
        verify=False if local else ssl.create_default_context(),  # a local origin is not encrypted at all
    )


def _unreachable(code: str, why: str) -> Unavailable:
    return Unavailable(
        f"reference.{code}",
        "The object store of the network cannot be used.",
        why,
        "It is tried again by itself. If it goes on, check the connection and whether the network is up.",
    )


def _status(status: int) -> PodadminError:
    if 300 <= status < 400:
        return _refused("redirect", "The object store sends the reader to another place.")
    if status in {403, 404, 410}:
        return _unreachable("gone", "It does not have what the message points to, or no longer.")
    return _unreachable("failed", f"It answered with the number {status}.")


async def download(url: str, policy: ReferencePolicy, cap: int, timeout: float) -> bytes:
    """The body behind `url`, at most `cap` bytes, within `timeout` seconds for all of it.

    Raises Refused `reference.…` (see `check_reference`, and `reference.redirect`), BadInput `reference.too-big`,
    Unavailable `reference.gone`, `reference.slow`, `reference.failed` and `reference.unreachable`.
    """
    url = check_reference(url, policy)
    received = bytearray()
    try:
        async with (
            asyncio.timeout(timeout),
            _client(url, timeout) as client,
            client.stream("GET", url, headers={"accept-encoding": "identity"}) as answer,
        ):
            if answer.status_code != 200:
                raise _status(answer.status_code)
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise _refused("odd", "What it holds is packed in a way that was not asked for.")
            announced = answer.headers.get("content-length", "")
            if announced.isdecimal() and (len(announced) > 18 or int(announced) > cap):
                raise _too_big(cap)
            async for chunk in answer.aiter_raw():
                received += chunk
                if len(received) > cap:
                    raise _too_big(cap)
    except (TimeoutError, httpx.TimeoutException):
        raise _unreachable("slow", f"It did not answer within {timeout:g} seconds.") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        found = way_out.problem_of(error, url.startswith("http:"))
        raise found or _unreachable("unreachable", "There is no connection to it.") from None
    return bytes(received)


def _too_big(cap: int) -> BadInput:
    return BadInput(
        "reference.too-big",
        "A message points to more than this application reads.",
        f"It is larger than {cap} bytes.",
        "It was not used. Ask the sender to send less.",
    )


async def upload(storage: pb.BlobStorageData, data: bytes | BinaryIO, policy: ReferencePolicy, timeout: float) -> str:
    """Put `data` where the network offered room for it; the address to download it from.

    Raises Refused `reference.…` where the room is not in the object store, and Unavailable as `download` does.
    """
    room = check_reference(storage.uploadUrl, policy)
    check_reference(storage.downloadUrl, policy)
    try:
        async with (
            asyncio.timeout(timeout),
            _client(room, min(timeout, _NOTHING_SECONDS)) as client,
            client.stream(
                "POST",
                room,
                data=dict(storage.uploadFields),
                files={"file": ("body", data, "application/octet-stream")},
            ) as answer,
        ):
            status = answer.status_code  # what it says beyond that is of no interest and could be endless
    except (TimeoutError, httpx.TimeoutException):
        raise _unreachable("slow", f"It did not take the body within {timeout:g} seconds.") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        found = way_out.problem_of(error, room.startswith("http:"))
        raise found or _unreachable("unreachable", "There is no connection to it.") from None
    if not 200 <= status < 300:
        raise _status(status)
    return storage.downloadUrl
