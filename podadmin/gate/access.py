"""The access manager as the pod sees it: the network's answer, never wider than what was decided here.

A pod asks again before it starts. The gate asks the network, compares what the pod is about to run with what was
decided, and answers within seconds and the same way every time (gate contract, section 4).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

from aiohttp import web
from anyio import to_thread

from podadmin.core.canon import canonical
from podadmin.core.errors import PodadminError, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.gate.ports import Ports
from podadmin.limits import service as limits
from podadmin.limits.model import MODEL_INFERENCE, Key, Meter
from podadmin.networks.bitfount.access_manager import AccessAnswer, AccessManagerClient, AccessRequest, ResourceLimit
from podadmin.networks.bitfount.types import PodResponseType
from podadmin.requests import service
from podadmin.requests.protocols import read_protocol
from podadmin.requests.service import GATE, Found
from podadmin.requests.state import State
from podadmin.store.unit import Fact, Unit

MOST_BYTES = 64 * 1024 * 1024
_NOTHING_LEFT = frozenset({"limit.exhausted", "limit.own-exhausted", "limit.settled"})
ASK_SECONDS = 2.0


class AccessRelay:
    """Serves `/api/access` and `/api/access-manager-key` to one pod on a loopback port."""

    def __init__(self, ports: Ports, pod_key_id: str, pod_key: Secret[str]) -> None:
        self._ports = ports
        self._pod_key_id = pod_key_id
        self._pod_key = pod_key
        upstream = ports.upstream
        headers = {"x-api-key-id": upstream.key_id, "x-api-key": upstream.key.reveal()}
        self._client = AccessManagerClient(upstream.access_manager, timeout=ASK_SECONDS, headers=headers)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free loopback port. Raises Unavailable (`gate.no-port`)."""
        application = web.Application(client_max_size=MOST_BYTES)
        application.router.add_post("/api/access", self._access)
        application.router.add_get("/api/access-manager-key", self._public_key)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        try:
            await site.start()
        except OSError as error:
            raise Unavailable(
                "gate.no-port",
                "The gate could not be switched on.",
                "This computer offers no free port on its loopback address.",
                "Close programs that use many connections, then start podadmin again.",
            ) from error
        self._runner = runner
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _public_key(self, _request: web.Request) -> web.Response:
        try:
            return web.json_response({"accessManagerPublicKey": await self._client.public_key()})
        except PodadminError as error:
            return web.json_response({"success": False, "errorMessage": error.code}, status=503)

    async def _access(self, asked: web.Request) -> web.Response:
        right = hmac.compare_digest(asked.headers.get("x-api-key", "").encode(), self._pod_key.reveal().encode())
        if not right or asked.headers.get("x-api-key-id") != self._pod_key_id:
            return web.json_response({"success": False, "errorMessage": "gate.not-this-pod"}, status=401)
        try:
            body = json.loads(await asked.read())
            ciphertext = base64.b64decode(body["unsignedTask"], validate=True)
            signature = base64.b64decode(body["taskSignature"], validate=True)
            protocol = body["modellerProtocolRequest"]
        except (ValueError, KeyError, TypeError, binascii.Error):
            return web.json_response({"success": False, "errorMessage": "gate.garbage"}, status=400)
        digest = hashlib.sha256(ciphertext).hexdigest()
        found = await to_thread.run_sync(self._decided, digest)
        if found is None or canonical(protocol) != canonical(found.findings.get("protocol")):
            # what the pod would run is not what was decided, or nothing was
            return web.json_response({"code": PodResponseType.UNAUTHORISED.name, "limits": None})
        request = AccessRequest(
            pod_identifier=found.findings["pod_identifier"],
            protocol=protocol,
            requester=found.row.requester,
            project_id=found.row.project or None,
            unsigned_task=ciphertext,
            signature=signature,
            key_id=found.findings.get("key_id"),
        )
        try:
            answer = await self._client.check(request)
            narrowed = await to_thread.run_sync(self._narrowed, found, answer)
        except PodadminError as error:
            return web.json_response({"success": False, "errorMessage": error.code}, status=503)
        return web.json_response(narrowed)

    def _decided(self, digest: str) -> Found | None:
        active = service.active(self._ports.store)
        if active is None or active.row.state != State.DELIVERING or active.findings.get("ciphertext") != digest:
            return None
        return active

    def _narrowed(self, found: Found, answer: AccessAnswer) -> dict[str, Any]:
        """The network's limits are recorded; what the pod gets is what is free after everything that is reserved.

        A request for which nothing was reserved when it was approved, because the network was silent then, reserves
        now; where nothing is left for it, it does not start.
        """
        if not answer.accepted:
            return {"code": answer.code.name, "limits": None}
        inferences = [each for each in answer.limits if each.resource_type == MODEL_INFERENCE]
        body = {"request": found.row.id, "limits": [[each.resource_name, each.limit] for each in inferences]}
        try:
            with self._ports.store.record(Fact(GATE, "limit.checked", found.row.id, body)) as unit:
                narrowed = self._taken_down(unit, found, inferences)
        except Refused as error:
            if error.code not in _NOTHING_LEFT:
                raise
            with self._ports.store.record(Fact(GATE, "limit.checked", found.row.id, {**body, "refused": error.code})):
                return {"code": PodResponseType.UNAUTHORISED.name, "limits": None}
        others = [each.as_json() for each in answer.limits if each.resource_type != MODEL_INFERENCE]
        return {"code": answer.code.name, "limits": [*narrowed, *others] or None}

    def _taken_down(self, unit: Unit, found: Found, told: list[ResourceLimit]) -> list[dict[str, Any]]:
        row, now = found.row, self._ports.clock.now()
        runs = {model.slug for model in read_protocol(found.findings["protocol"]).models}
        reserves = not limits.has_reserved(unit.connection, row.id)
        narrowed: list[dict[str, Any]] = []
        for each in told:
            key = Key(row.network, row.project, each.resource_name)
            limits.note_limits(
                unit,
                network=key.network,
                project=key.project,
                resource=key.resource,
                limit=each.limit,
                network_total=each.total_usage,
                request_id=row.id,
                at=now,
            )
            meter = limits.meter_of(
                unit.connection, key, now=now, requester=row.requester, datasource=row.datasource, without=row.id
            )
            # the network tells the limits of a whole project; only what the task runs can be used by it
            if reserves and each.resource_name in runs:
                limits.reserve(
                    unit,
                    request_id=row.id,
                    network=key.network,
                    project=key.project,
                    resource=key.resource,
                    requester=row.requester,
                    datasource=row.datasource,
                    wanted=meter.free or 0.0,
                    at=now,
                )
            narrowed.append(_narrower(each, meter))
        return narrowed


def _narrower(told: ResourceLimit, meter: Meter) -> dict[str, Any]:
    """What the pod is told: the network's words, with a total and a limit between which lies only what is free."""
    if meter.free is None:
        return told.as_json()
    used = max(int(meter.used + meter.reserved), told.total_usage)
    limit = used + int(meter.free) if told.limit is None else min(told.limit, used + int(meter.free))
    return replace(told, limit=limit, total_usage=used).as_json()
