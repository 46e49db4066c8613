"""One question over HTTP to a service of a network: bounded in time and size, without redirects, over TLS.

Hub and access manager are asked alike and fail alike; each has its own words for it (`Voice`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from podadmin.core import unpacking
from podadmin.core.errors import PodadminError
from podadmin.networks import way_out

Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]
Body = Mapping[str, Any] | Sequence[Any]
"""What is asked, JSON-ready."""


@dataclass(frozen=True)
class Voice:
    """How a service's failures are told. `unavailable` takes the cause (`slow`, `unreachable`) and the reason."""

    needs_tls: Callable[[], PodadminError]
    unavailable: Callable[[str, str], PodadminError]
    status: Callable[[int], PodadminError]
    malformed: Callable[[], PodadminError]


class Asker:
    """`base_url`: `https://…`, or `http://127.0.0.1:PORT` for a network on this machine. `timeout`: seconds for one
    whole question. `headers`: how the caller proves itself, asked for before every question where it is callable
    (tokens refresh). `most`: bytes of an answer.

    Raises the voice's `needs_tls` for any other address.
    """

    def __init__(self, base_url: str, timeout: float, headers: Headers, voice: Voice, most: int) -> None:
        parts = urlsplit(base_url)
        self._local = parts.scheme == "http" and parts.hostname == "127.0.0.1"
        if not self._local and parts.scheme != "https":
            raise voice.needs_tls()
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._headers = headers
        self._voice = voice
        self._most = most

    async def ask(
        self,
        verb: str,
        path: str,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        good: frozenset[int] = frozenset({200}),
        form: Mapping[str, str] | None = None,
    ) -> bytes:
        """The answer's bytes. Raises what the voice says for anything else than an answer with a `good` status.

        `form`: asked as a form in place of a body.
        """
        told = dict(body) if isinstance(body, Mapping) else list(body) if body is not None else None
        own = self._headers() if callable(self._headers) else self._headers
        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx.AsyncClient(
                    follow_redirects=False,
                    timeout=self._timeout,
                    trust_env=not self._local,
                    proxy=way_out.for_web(self._local),
                    verify=False if self._local else ssl.create_default_context(),
                    headers={**own, **(headers or {}), **unpacking.ASKED},
                ) as client,
                client.stream(verb, self._base + path, json=told, data=form) as answer,
            ):
                if answer.status_code not in good:
                    raise self._voice.status(answer.status_code)
                _, plain = await unpacking.read(answer, self._most)
        except (TimeoutError, httpx.TimeoutException):
            raise self._voice.unavailable("slow", f"It did not answer within {self._timeout:g} seconds.") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            found = way_out.problem_of(error, self._local)
            raise found or self._voice.unavailable("unreachable", "There is no connection to it.") from None
        except (unpacking.TooMuch, unpacking.Unreadable):
            raise self._voice.malformed() from None
        return plain
