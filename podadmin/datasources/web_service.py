"""Asking an InterMine web service whether it answers and knows a template. Reads only, and no row of the data.

Paths and answers: the InterMine web services of version 6 and later (`/version/ws`, `/templates`, `/template/results`
with `format=count`), with the token in the header of the request and never in its address.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from podadmin.core import unpacking
from podadmin.core.clock import Clock
from podadmin.core.errors import BadInput, NotFound, PodadminError, Unavailable
from podadmin.core.late import Late
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.datasources.model import ServiceSource, SourceProbe

if TYPE_CHECKING:
    import httpx
else:
    httpx = Late("httpx")

ASK_SECONDS: Final = 20.0
CONNECT_SECONDS: Final = 5.0
_MOST_BYTES: Final = 16 * 1024 * 1024
_TOKEN_VERSION: Final = 6
_OK, _REDIRECT, _UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _BROKEN = 200, 300, 401, 403, 404, 500


@dataclass(frozen=True)
class Template:
    """A template query as the service describes it. `constraints`: those that are to be filled in, with defaults."""

    name: str
    title: str
    columns: tuple[str, ...]
    constraints: tuple[tuple[str, str, str], ...]


def probe(
    source: ServiceSource, token: Secret[str] | None, clock: Clock, progress: Progress, seconds: float = ASK_SECONDS
) -> SourceProbe:
    """Ask the service for its version, for the template, and how many rows that gives with its own defaults.

    Raises Unavailable, NotFound (`datasource.service-*`, `datasource.certificate`, `datasource.token-refused`,
    `datasource.no-template`) and Cancelled.
    """
    with _Voice(source, token, clock, progress, seconds) as voice:
        progress.report("Asking the service", 0.1)
        version = voice.version()
        progress.report("Looking for the template", 0.4)
        template = voice.template(source.template)
        progress.report("Counting the rows", 0.7)
        rows = voice.rows(template)
    doubts = []
    if rows is None:
        doubts.append("The service does not say how many rows the template gives with the values it was made with.")
    if token is not None and version < _TOKEN_VERSION:
        doubts.append("This service is too old to know tokens; it may not see who asks.")
    words = "The service offers no way to change its data."
    if token is not None:
        words += " An account can keep lists and queries of its own there; podadmin never does."
    return SourceProbe(
        reachable=True,
        readable=True,
        read_only="proved" if token is None else "not proved",
        read_only_words=words,
        rows=rows,
        columns=template.columns,
        doubts=tuple(doubts),
        details=(
            ("Version of the service", str(version)),
            ("Template", template.title or template.name),
            ("Values to fill in", ", ".join(path for path, _op, _value in template.constraints) or "none"),
        ),
    )


def columns(
    source: ServiceSource, token: Secret[str] | None, clock: Clock, progress: Progress, seconds: float = ASK_SECONDS
) -> tuple[str, ...]:
    """The columns of the template: a short look, for the health of the datasource. Raises as `probe`."""
    with _Voice(source, token, clock, progress, seconds) as voice:
        return voice.template(source.template).columns


class _Voice:
    """Asks one service. Answers are capped, redirects are not followed, and a cancelled work lets go at once."""

    def __init__(
        self, source: ServiceSource, token: Secret[str] | None, clock: Clock, progress: Progress, seconds: float
    ) -> None:
        root = source.url.rstrip("/")
        self._root = root if root.endswith("/service") else f"{root}/service"
        self._progress = progress
        self._clock = clock
        self._seconds = seconds
        local = urlsplit(root).scheme == "http"
        self._client = httpx.Client(
            headers={**unpacking.ASKED, **({"Authorization": f"Token {token.reveal()}"} if token is not None else {})},
            timeout=httpx.Timeout(min(seconds, 10.0), connect=min(seconds, CONNECT_SECONDS)),
            verify=False if local else ssl.create_default_context(),
            follow_redirects=False,
            trust_env=False,
        )
        progress.on_cancel(self._client.close)

    def __enter__(self) -> _Voice:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def version(self) -> int:
        text = self._asked("/version/ws").decode("ascii", "replace").strip()
        if not text.isdecimal() or len(text) > 6:
            raise _no_sense("It did not say which version it is.")
        return int(text)

    def template(self, name: str) -> Template:
        found = self._json("/templates", {"format": "json"}).get("templates")
        if not isinstance(found, Mapping):
            raise _no_sense("It gave no list of its templates.")
        if name not in found:
            near = get_close_matches(name, [str(each) for each in found], n=1, cutoff=0.5)
            raise NotFound(
                "datasource.no-template",
                f"The service has no template “{stranger(name, 80)}”.",
                f"The nearest name is “{stranger(near[0], 80)}”."
                if near
                else "It is spelled differently there, it was removed, or it needs a token to be seen.",
                "Correct the name of the template, or give the token of an account that may use it.",
            )
        return _template(name, found[name])

    def rows(self, template: Template) -> int | None:
        """How many rows the template gives with its own defaults; None where the service does not say."""
        asked = {"name": template.name, "format": "count"}
        for place, (path, op, value) in enumerate(template.constraints, 1):
            asked |= {f"constraint{place}": path, f"op{place}": op, f"value{place}": value}
        try:
            text = self._asked("/template/results", asked).decode("ascii", "replace").strip()
        except PodadminError as error:
            if error.code not in {"datasource.service-answer", "datasource.service-down"}:
                raise
            return None
        return int(text) if text.isdecimal() and len(text) < 19 else None

    def _json(self, path: str, asked: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            found = json.loads(self._asked(path, asked))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, Mapping):
            raise _no_sense("It does not answer as an InterMine service does.")
        return found

    def _asked(self, path: str, asked: Mapping[str, str] | None = None) -> bytes:
        self._progress.check()
        end = self._clock.monotonic() + self._seconds

        def goes_on() -> None:
            self._progress.check()
            if self._clock.monotonic() > end:
                raise _slow(self._seconds)

        try:
            with self._client.stream("GET", self._root + path, params=dict(asked or {})) as answer:
                _check_status(answer.status_code)
                return unpacking.read_now(answer, _MOST_BYTES, goes_on)
        except unpacking.TooMuch:
            raise _no_sense(f"Its answer is longer than {_MOST_BYTES // 2**20} MB.") from None
        except unpacking.Unreadable:
            raise _no_sense("Its answer is packed in a way that was not asked for.") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, RuntimeError) as error:
            # a client that was closed under its work says so by a RuntimeError
            self._progress.check()
            raise _failed(error, self._seconds) from error


def _template(name: str, told: Any) -> Template:
    if not isinstance(told, Mapping):
        raise _no_sense("It describes the template in a way that cannot be read.")
    chosen = told.get("select", told.get("view"))
    where = told.get("where", told.get("constraints", []))
    if not isinstance(chosen, list) or not all(isinstance(each, str) for each in chosen) or not isinstance(where, list):
        raise _no_sense("It describes the template in a way that cannot be read.")
    filled = tuple(
        (each["path"], each["op"], each["value"])
        for each in where
        if isinstance(each, Mapping)
        and each.get("editable", True)
        and all(isinstance(each.get(part), str) for part in ("path", "op", "value"))
    )
    title = told.get("title")
    return Template(name, stranger(title, 200) if isinstance(title, str) else "", tuple(chosen), filled)


def _check_status(status: int) -> None:
    if status == _OK:
        return
    if status in {_UNAUTHORISED, _FORBIDDEN}:
        raise Unavailable(
            "datasource.token-refused",
            "The service does not let podadmin in.",
            f"It refused the token, or it asks for one (status {status}).",
            "Give the token of an account that may use the template; tokens can end.",
        )
    if _REDIRECT <= status < _UNAUTHORISED - 1:
        raise Unavailable(
            "datasource.service-moved",
            "The service sends podadmin to another address.",
            f"Redirects are not followed: a token would go to whoever the answer names (status {status}).",
            "Find the address at which the service is now, and change it here.",
        )
    if status >= _BROKEN:
        raise Unavailable(
            "datasource.service-down",
            "The service is there and cannot do its work.",
            f"It answered with status {status}.",
            "Try again later, or tell whoever runs the service.",
        )
    raise Unavailable(
        "datasource.service-answer",
        "The service does not answer what was asked.",
        f"It answered with status {status}." if status != _NOT_FOUND else "At this address there is no such service.",
        "Check the address; it ends in /service for most services.",
    )


def _failed(error: Exception, seconds: float) -> PodadminError:
    """What a failure of the connection is. Nothing of the library's words is passed on."""
    causes = list(_causes(error))
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        return Unavailable(
            "datasource.certificate",
            "The server could not prove who it is.",
            "Its certificate has ended, is made out to another name, or was issued by somebody whom this computer does "
            "not trust.",
            "Tell whoever runs it, or have your IT service add the certificate's issuer to those this computer trusts.",
        )
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return Unavailable(
            "datasource.service-refused",
            "Nothing answers at the address of the service.",
            "The server is there, and it refused the connection.",
            "Check the port in the address, and whether the service runs.",
        )
    if isinstance(error, httpx.ConnectTimeout):
        return Unavailable(
            "datasource.service-unreachable",
            "The server of the service cannot be reached.",
            f"No connection came about in {min(seconds, CONNECT_SECONDS):g} seconds.",
            "Check the address, and whether a firewall or a missing VPN is in the way.",
        )
    if isinstance(error, httpx.TimeoutException):
        return _slow(seconds)
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return BadInput(
            "datasource.field",
            "“Address of the service” cannot be used as it is given.",
            "It is no address of a web service.",
            "Correct it.",
        )
    return Unavailable(
        "datasource.service-broken-off",
        "The connection to the service failed.",
        "The name of the server is not known, or the connection was broken off.",
        "Check the address and the network of this computer, then try again.",
    )


def _slow(seconds: float) -> Unavailable:
    return Unavailable(
        "datasource.service-slow",
        "The service takes too long to answer.",
        f"It was waited for {seconds:g} seconds.",
        "Try again later, or tell whoever runs the service.",
    )


def _no_sense(why: str) -> Unavailable:
    return Unavailable(
        "datasource.service-answer",
        "The service does not answer what was asked.",
        why,
        "Check the address; it ends in /service for most services.",
    )


def _causes(error: BaseException | None) -> Any:
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1
