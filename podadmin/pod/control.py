"""The control server of a real pod: is it ready, what does it offer, take these datasources (contract, section 5.6).

It listens on this machine without any proof of who asks. `healthy` means nothing there: `ready` is what counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from podadmin.core import unpacking
from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.core.text import stranger

ASK_SECONDS = 5.0
RELOAD_SECONDS = 90.0
"""A pod answers after a minute that it goes on by itself."""
SCHEMA_SECONDS = 60.0
"""A schema with very many labels takes a while to be written out."""
_MOST = 4 * 1024 * 1024
MOST_OF_SCHEMA = 32 * 1024 * 1024
"""A network takes no schema of more than ten megabytes (contract, section 3.4); as JSON it is longer."""


@dataclass(frozen=True)
class Health:
    """`ready`: the pod takes tasks. The connection to a health record system is None where the pod has none."""

    ready: bool
    instance: str = ""
    pid: int | None = None
    ehr: bool | None = None
    ehr_words: str = ""


@dataclass(frozen=True)
class Reloaded:
    """`done`: the pod works with the new datasources; else it has taken them over and is still at it."""

    done: bool
    words: str


class ControlClient:
    """`port` on the loopback address of this machine. Never through a proxy."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    async def health(self) -> Health:
        """Raises Unavailable (`pod.no-control`)."""
        told = await self._asked("GET", "/health")
        if not isinstance(told, dict):
            raise _silent("Its answer is not one of a pod.")
        ehr = told.get("ehr_healthy")
        pid = told.get("pid")
        return Health(
            ready=told.get("ready") is True,
            instance=stranger(str(told.get("pod_instance_id", "")), 80),
            pid=pid if isinstance(pid, int) else None,
            ehr=ehr if isinstance(ehr, bool) else None,
            ehr_words=stranger(str(told.get("ehr_error") or ""), 200),
        )

    async def dataset_names(self) -> tuple[str, ...]:
        """The datasources that the pod offers. Raises Unavailable (`pod.no-control`)."""
        told = await self._asked("GET", "/dataset-names")
        return tuple(stranger(str(each), 100) for each in told) if isinstance(told, list) else ()

    async def schema(self, name: str) -> Any:
        """What the pod tells as the schema of a datasource, by the name under which it offers it. Nothing is checked.

        Raises NotFound (`pod.not-offered`), Unavailable (`pod.no-control`, `pod.answer-too-long`).
        """
        path = f"/schemas?{urlencode({'datasetName': name})}"
        status, told = await self._http("GET", path, None, SCHEMA_SECONDS, MOST_OF_SCHEMA)
        if status == 404 or (status == 200 and told == []):
            raise NotFound(
                "pod.not-offered",
                f"The pod does not offer a datasource “{stranger(name, 80)}”.",
                "Its configuration does not name it, or the pod has not read its configuration since it was changed.",
                "Write the datasources into the pod's configuration and reload the pod, on the page of the pod.",
            )
        if status != 200:
            raise _silent(f"It answered with the number {status}.")
        return told

    async def reload(self, datasources: Secret[str]) -> Reloaded:
        """Let the pod work with these datasources (JSON). Tasks that run go on.

        Raises Refused (`pod.restart-needed`), BadInput (`pod.reload-refused`), Unavailable (`pod.reload-failed`,
        `pod.no-control`).
        """
        status, told = await self._post("/update-datasources-config", datasources)
        if status == 200:
            return Reloaded(True, "The pod works with the new datasources.")
        if status == 202:
            return Reloaded(False, "The pod has taken the datasources over and is still preparing them.")
        raise _reload_error(status, told)

    async def _post(self, path: str, body: Secret[str]) -> tuple[int, Any]:
        return await self._http("POST", path, body, RELOAD_SECONDS)

    async def _asked(self, verb: str, path: str) -> Any:
        status, told = await self._http(verb, path, None, ASK_SECONDS)
        if status != 200:
            raise _silent(f"It answered with the number {status}.")
        return told

    async def _http(
        self, verb: str, path: str, body: Secret[str] | None, seconds: float, most: int = _MOST
    ) -> tuple[int, Any]:
        try:
            async with (
                httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=seconds) as client,
                client.stream(
                    verb,
                    self._base + path,
                    content=None if body is None else body.reveal().encode(),
                    headers={**unpacking.ASKED, **({} if body is None else {"content-type": "application/json"})},
                ) as answer,
            ):
                _, plain = await unpacking.read(answer, most)
                status = answer.status_code
        except unpacking.TooMuch:
            raise Unavailable(
                "pod.answer-too-long",
                "The answer of the pod was not read to its end.",
                f"It is longer than {most // 1024 // 1024} MB, which no answer of a pod has to be.",
                "Look whether it really is the pod that listens there, and at what its datasources tell.",
            ) from None
        except unpacking.Unreadable:
            raise _silent("Its answer is packed in a way that was not asked for.") from None
        except httpx.TimeoutException:
            raise _silent(f"It did not answer within {seconds:g} seconds.") from None
        except (httpx.HTTPError, OSError):
            raise _silent("There is no connection to it.") from None
        try:
            return status, json.loads(plain or b"null")
        except (ValueError, RecursionError):
            return status, None


def _reload_error(status: int, told: Any) -> PodadminError:
    said = told if isinstance(told, dict) else {}
    reason = stranger(str(said.get("reason") or said.get("error") or said.get("message") or ""), 200)
    what = "The pod did not take the new datasources."
    if status == 409 or said.get("restart_required") is True:
        return Refused(
            "pod.restart-needed",
            what,
            f"Something changed that it only reads when it starts. {reason}".rstrip(),
            "Restart the pod when no task is running.",
        )
    if status == 400:
        return BadInput(
            "pod.reload-refused",
            what,
            f"It says that they are not as it wants them. {reason}".rstrip(),
            "Look at the datasources and their settings, then try again.",
        )
    return Unavailable(
        "pod.reload-failed",
        what,
        {503: "It is busy with something else.", 504: "It did not finish in time."}.get(
            status, f"It failed with the number {status}."
        ),
        "Look at its output, and try again in a few minutes.",
    )


def _silent(why: str) -> Unavailable:
    return Unavailable(
        "pod.no-control",
        "The pod does not answer on its control server.",
        why,
        "Look whether it is running, and at its output.",
    )
